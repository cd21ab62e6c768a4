"""Where the partitions of a topic begin and end: in all, and between two times.

The end of what was committed: records of a transaction that is open are not read, and those behind it wait for it.
"""

import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from windrow.storage.kafka.connection import ANSWER, LEADERLESS, Connection

_MS = 10**6


class Offset(NamedTuple):
    """An offset of a partition, and the time (ns) of its record, where both are known; else -1."""

    offset: int
    time: int


def partitions(connection: Connection, client: Any) -> list[int]:
    """The numbers of a topic's partitions."""
    topic = connection.named.topic
    with connection.refusing():
        try:
            told = client.list_topics(topic, timeout=ANSWER).topics[topic]
        except connection.module.KafkaException:
            client.poll(0)  # which tells why
            raise
    if told.error is not None:
        raise connection.refusal(told.error)
    return sorted(told.partitions)


def first(connection: Connection, admin: Any, numbers: Sequence[int]) -> dict[int, int]:
    """The oldest offsets that are kept."""
    return {number: at.offset for number, at in _asked(connection, admin, numbers, _spec().earliest()).items()}


def end(connection: Connection, admin: Any, numbers: Sequence[int]) -> dict[int, int]:
    """The offsets behind the newest that was committed."""
    return {number: at.offset for number, at in _asked(connection, admin, numbers, _spec().latest()).items()}


def newest(connection: Connection, admin: Any, numbers: Sequence[int]) -> dict[int, Offset]:
    """The records with the latest times."""
    return _asked(connection, admin, numbers, _spec().max_timestamp())


def since(
    connection: Connection, admin: Any, numbers: Sequence[int], time: int, ends: Mapping[int, int]
) -> dict[int, int]:
    """The offsets of the first records from a time (ns) on; where there are none, the ends."""
    ms = -(-time // _MS)
    found = _asked(connection, admin, numbers, _spec().for_timestamp(ms))
    return {number: at.offset if at.offset >= 0 else ends[number] for number, at in found.items()}


def _spec() -> Any:
    return import_module("confluent_kafka.admin").OffsetSpec


def _asked(connection: Connection, admin: Any, numbers: Sequence[int], spec: Any) -> dict[int, Offset]:
    module, topic = connection.module, connection.named.topic
    asked = {module.TopicPartition(topic, number): spec for number in numbers}
    committed = module.IsolationLevel.READ_COMMITTED
    give_up = time.monotonic() + ANSWER
    with connection.refusing():
        while True:
            try:
                told = admin.list_offsets(asked, isolation_level=committed, request_timeout=ANSWER)
                found = {part.partition: each.result() for part, each in told.items()}
                break
            except module.KafkaException as error:  # a partition that was just added
                if error.args[0].name() not in LEADERLESS or time.monotonic() > give_up:
                    raise
                time.sleep(0.2)
    return {number: Offset(found[number].offset, found[number].timestamp * _MS) for number in numbers}
