"""Streams of Kinesis: read between two points in time, or followed.

    source.py    a stream as windrow's other rooms see it, behind the interface of all streams
    uris.py      kinesis://STREAM?from=TIME&to=TIME -> stream and span
    lineage.py   the shards of a stream, their parents, and what of them is past retention
    reader.py    a shard's records, page by page: retries, expired iterators, the share of its reads
    answers.py   an answer's records from its bytes, which takes botocore's own parser 15 times as long
    fanout.py    the same, pushed to a registered consumer
    producer.py  streams are made, and records put into them
    contents.py  what is in a stream
    kpl.py       records that a producer has put together into one

The client, and what Kinesis refuses, are in windrow/aws/. boto3 is imported at the first request.
"""

from windrow.storage.kinesis.source import SOURCE

__all__ = ["SOURCE"]
