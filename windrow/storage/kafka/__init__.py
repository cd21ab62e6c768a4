"""Topics of Kafka: read between two points in time, followed, and filled.

    source.py      a topic as windrow's other rooms see it, behind the interface of all streams
    uris.py        kafka://HOST:PORT/TOPIC?from=TIME&to=TIME -> brokers, topic and span
    connection.py  clients, their configuration, and what Kafka refuses
    offsets.py     where partitions begin and end, in all and between two times
    producer.py    topics are made, and records put into them
    contents.py    what is in a topic

confluent-kafka is imported at the first request.
"""

from windrow.storage.kafka.source import SOURCE

__all__ = ["SOURCE"]
