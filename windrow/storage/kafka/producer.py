"""Makes topics of Kafka, and puts records into them: each partition's in order, once each.

The client numbers records, so that the broker takes each once and in order, however often it is sent; where one fails,
those behind it do too (enable.gapless.guarantee).
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import islice
from typing import Any

from windrow.errors import InputError, UsageError
from windrow.storage.kafka import offsets
from windrow.storage.kafka.connection import ANSWER, Connection
from windrow.storage.stream import Making, Record

#: Records that are put before it is looked whether all are in the topic.
_BATCH = 5_000
#: Seconds that takes at most.
_FLUSHED = 180.0
_HOUR_MS = 3_600_000


def identity(uri: str) -> str | None:
    """The ids of the cluster and of the topic; None where there is no such topic."""
    connection = Connection(uri)
    module, topic = connection.module, connection.named.topic
    admin = connection.admin()
    with connection.refusing():
        try:
            cluster = admin.list_topics(timeout=ANSWER).cluster_id
            asked = admin.describe_topics(module.TopicCollection([topic]), request_timeout=ANSWER)
            return f"{cluster}/{topic} {asked[topic].result().topic_id}"
        except module.KafkaException as error:
            if error.args[0].code() == module.KafkaError.UNKNOWN_TOPIC_OR_PART:
                return None
            admin.poll(0)  # which tells why no broker answers
            raise


def make(uri: str, making: Making) -> None:
    """Makes a topic."""
    if making.key is not None:
        raise UsageError(f"--kms {making.key}: Kafka encrypts by no key of KMS; leave it out for {uri}")
    connection = Connection(uri)
    admin, topic = connection.admin(), connection.named.topic
    config = {"cleanup.policy": "delete", "retention.ms": str(making.hours * _HOUR_MS)}
    new = import_module("confluent_kafka.admin").NewTopic(topic, making.shards or -1, -1, config=config)
    with connection.refusing():
        try:
            admin.create_topics([new], request_timeout=ANSWER)[topic].result()
        except connection.module.KafkaException as error:
            if error.args[0].code() != connection.module.KafkaError.TOPIC_ALREADY_EXISTS:
                raise


def put(uri: str, records: Iterable[Record]) -> Iterator[int]:
    """Puts records into a topic: see `StreamSource.put`."""
    connection = Connection(uri)
    producer, topic = connection.producer(), connection.named.topic
    with connection.refusing():
        offsets.partitions(connection, producer)
    done = 0
    for batch in _batches(records):
        failed: list[Any] = []

        def report(error: Any, _: Any, failed: list[Any] = failed) -> None:
            if error is not None:
                failed.append(error)

        with connection.refusing():
            for record in batch:
                producer.produce(topic, record.data, record.key.encode(), on_delivery=report)
            left = producer.flush(_FLUSHED)
        if failed:
            raise connection.refusal(failed[0])
        if left:
            raise InputError(
                f"{uri}: Kafka has not confirmed {left:,} records within {_FLUSHED:.0f} s; run the same command again"
                " later, which goes on"
            )
        done += len(batch)
        yield done


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    rest = iter(records)
    while batch := list(islice(rest, _BATCH)):
        yield batch
