"""What is in a topic of Kafka: the oldest and the newest record of each partition, and how fast records came last."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from typing import Any

from windrow.storage.kafka import offsets
from windrow.storage.kafka.connection import ANSWER, Connection
from windrow.storage.stream import MINUTE, ShardState, StreamState

_MS = 10**6
_HOUR_MS = 3_600_000
#: Seconds that a record may take to come.
_COMES = 10.0
#: Settings of a topic that are shown, and how they are called.
_SHOWN = {"cleanup.policy": "cleanup", "retention.bytes": "bytes kept", "message.timestamp.type": "timestamps"}


def oldest(connection: Connection, begins: Mapping[int, int], ends: Mapping[int, int]) -> dict[int, int]:
    """The times (ns) of the oldest records of partitions that have any."""
    found = {number: _record(connection, number, at, ends[number]) for number, at in begins.items()}
    return {number: record.timestamp()[1] * _MS for number, record in found.items() if record is not None}


def state(uri: str) -> StreamState:
    """What is in a topic."""
    connection = Connection(uri)
    with closing(connection.consumer()) as consumer:
        numbers = offsets.partitions(connection, consumer)
    admin = connection.admin()
    begins, ends = offsets.first(connection, admin, numbers), offsets.end(connection, admin, numbers)
    newest = offsets.newest(connection, admin, numbers)
    old = oldest(connection, begins, ends)
    states = []
    for number in numbers:
        last = newest[number]
        if number not in old or last.offset < 0:
            states.append(ShardState(str(number), (), True))
            continue
        minute = {number: ends[number]}
        begin = offsets.since(connection, admin, [number], last.time - MINUTE + _MS, minute)[number]
        messages = _records(connection, number, begin, ends[number])
        inside = [one for one in messages if one.timestamp()[1] * _MS > last.time - MINUTE]
        size = sum(len(one.value() or b"") for one in inside)
        of_newest = (one for one in reversed(messages) if one.timestamp()[1] * _MS == last.time)
        example = next((one.value() or b"" for one in of_newest), b"")
        states.append(ShardState(str(number), (), True, old[number], last.time, len(inside), size, example))
    told, why = settings(connection, admin)
    facts = _facts(told, why)
    facts["offsets"] = sum(ends.values()) - sum(begins.values())
    return StreamState(uri, facts, tuple(states), tuple(compaction(uri, told)))


def settings(connection: Connection, admin: Any) -> tuple[dict[str, str], str]:
    """Settings of a topic; none, and Kafka's reason, where this user may not see them."""
    module = connection.module
    kind = import_module("confluent_kafka.admin").ConfigResource
    topic = kind(kind.Type.TOPIC, connection.named.topic)
    try:
        (asked,) = admin.describe_configs([topic], request_timeout=ANSWER).values()
        return {name: one.value for name, one in asked.result().items()}, ""
    except module.KafkaException as error:
        return {}, str(error.args[0].name())


def compaction(uri: str, told: Mapping[str, str]) -> Iterator[str]:
    """What is gone of a topic with these settings if it is compacted, a sentence."""
    if "compact" in told.get("cleanup.policy", ""):
        yield (
            f"{uri}: is compacted: of the records of a key, which is a symbol, the last is kept and older ones are"
            " removed; set cleanup.policy=delete for a topic of bars"
        )


def horizon(told: Mapping[str, str], now: int) -> int:
    """Up to which time (ns) records of a topic with these settings may be gone; `now` where that may be any."""
    kept = int(told.get("retention.ms", -1))  # for ever: where one is gone nevertheless, somebody removed it
    return now if kept < 0 or told.get("retention.bytes") != "-1" else now - kept * _MS


def _facts(told: Mapping[str, str], why: str) -> dict[str, str | int]:
    """Settings of a topic for people, or why they are not shown."""
    if not told:
        return {"settings": f"not shown ({why})"}
    hours = int(told["retention.ms"]) / _HOUR_MS
    facts: dict[str, str | int] = {"retention": f"{hours:,.0f} hours" if hours >= 0 else "for ever"}
    facts |= {called: told[name] for name, called in _SHOWN.items() if told.get(name) not in (None, "-1")}
    return facts


def _record(connection: Connection, number: int, begin: int, end: int) -> Any:
    """The first record from an offset on, if there is one before the end."""
    return next(iter(_records(connection, number, begin, end, 1)), None)


def _records(connection: Connection, number: int, begin: int, end: int, most: int = 1 << 62) -> list[Any]:
    """Records of a partition from an offset up to another."""
    found: list[Any] = []
    if begin >= end:
        return found
    module = connection.module
    with closing(connection.consumer()) as consumer, connection.refusing():
        consumer.assign([module.TopicPartition(connection.named.topic, number, begin)])
        give_up = time.monotonic() + _COMES
        while time.monotonic() < give_up:
            first = consumer.poll(0.2)
            for message in [] if first is None else [first, *consumer.consume(1_000, 0)]:
                give_up = time.monotonic() + _COMES
                if message.error() is None and message.offset() < end:
                    found.append(message)
                elif message.error() is not None and message.error().code() != module.KafkaError._PARTITION_EOF:
                    raise connection.refusal(message.error())
                if message.offset() + (message.error() is None) >= end or len(found) >= most:
                    return found
    return found
