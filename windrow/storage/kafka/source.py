"""Kafka as a source of streams: topics are read within bounds that are fixed once, or followed.

A partition is a shard without parents. A record arrived when its timestamp says: the broker's clock where the topic has
message.timestamp.type=LogAppendTime, else its producer's. Offsets fix the end; transactions leave holes in them.
"""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from windrow.errors import InputError
from windrow.storage.arrivals import moment
from windrow.storage.kafka import contents, offsets, producer
from windrow.storage.kafka.connection import Connection
from windrow.storage.manner import Manner
from windrow.storage.stream import Bounds, Making, Page, Record, Shard, StreamSource, StreamState, judge_gaps

#: The most records of a page.
_MOST = 10_000
#: Brokers' clocks differ: of what has an earlier time than `to`, the last may be that much (ms) behind it.
_SLACK = 60_000
#: Seconds: that a client waits for records, and after which one that gets none and has not reached the end is given up.
_WAIT, _SILENT = 0.5, 120.0
#: How often, in seconds, the partitions of a topic that is followed are listed again.
_LIST_AGAIN = 10.0
_MS = 10**6


class KafkaSource(StreamSource):
    """Topics by kafka://HOST:PORT/TOPIC?from=TIME&to=TIME."""

    schemes = ("kafka",)

    def bounds(self, uri: str, manner: Manner) -> Bounds:
        """The partitions, where each begins and ends now, and times between which records are taken."""
        connection = Connection(uri)
        span, now = connection.named.span, time.time_ns()
        _refuse_consumer(uri, manner)
        with closing(connection.consumer()) as consumer:
            numbers = offsets.partitions(connection, consumer)
        admin = connection.admin()
        begins, ends = offsets.first(connection, admin, numbers), offsets.end(connection, admin, numbers)
        latest = max((at.time for at in offsets.newest(connection, admin, numbers).values()), default=0)
        until = latest + _MS if latest > 0 else now  # clocks of producers may be ahead of this one
        settings, _ = contents.settings(connection, admin)
        gaps = tuple(contents.compaction(uri, settings))
        if span.since is not None:
            if span.since >= until:
                raise InputError(
                    f"{uri}: nothing can have arrived since {moment(span.since)}: it is {moment(now)}, and no record is"
                    " later; give an earlier from"
                )
            gaps += tuple(_gone(connection, begins, ends, span.since))
            if span.since < contents.horizon(settings, now) + _SLACK * _MS:
                gaps += tuple(_emptied(connection, begins, ends, span.since))
            found = offsets.since(connection, admin, numbers, span.since, ends)
            begins = {number: max(begins[number], found[number]) for number in numbers}
        until = min(until, span.until or until)
        judge_gaps(gaps, manner)
        shards = tuple(Shard(str(number)) for number in numbers)
        places = ({str(number): str(at) for number, at in these.items()} for these in (ends, begins))
        return Bounds(uri, span.since, until, shards, next(places), gaps, next(places))

    def read(self, bounds: Bounds, shard: Shard, manner: Manner) -> Iterator[Page]:
        """The pages of a partition within its bounds."""
        connection = Connection(bounds.uri)
        at, end = int(bounds.begins[shard.name]), int(bounds.ends[shard.name])
        since, until = (bounds.since or 0) // _MS, bounds.until
        if at >= end:
            yield Page(shard.name, [], None, 0, 0, over=True)
            return
        last = -(-until // _MS)
        with closing(connection.consumer()) as consumer:
            with connection.refusing():
                consumer.assign([_place(connection, int(shard.name), at)])
            heard = time.monotonic()
            while at < end:
                messages = _consumed(connection, consumer)
                if messages:
                    heard = time.monotonic()
                elif time.monotonic() - heard > _SILENT:
                    raise connection.refusal(
                        connection.module.KafkaError(connection.module.KafkaError._ALL_BROKERS_DOWN)
                    )
                good = [one for one in messages if one.error() is None and one.offset() < end]
                if messages:
                    at = max(at, messages[-1].offset() + (messages[-1].error() is None))
                times = [one.timestamp()[1] for one in good]
                _refuse_timeless(connection, shard, times)
                # A record without a time is in the topic, of which then no part is asked for.
                inside = [
                    one.value() or b"" for one, its in zip(good, times, strict=True) if its < 0 or since <= its < last
                ]
                arrived = max(0, *times) * _MS if times else 0
                over = at >= end or _are_past(connection, good, last)
                yield Page(shard.name, inside, str(at), arrived, max(0, until - arrived) if arrived else 0, over)
                if over:
                    return

    def follow(
        self,
        uri: str,
        places: Mapping[str, str],
        over: Collection[str],
        manner: Manner,
        read_until: int | None = None,
    ) -> Iterator[Page]:
        """Pages without end: see `StreamSource.follow`."""
        _refuse_consumer(uri, manner)
        connection = Connection(uri)
        with closing(connection.consumer()) as consumer:
            at = _begin(connection, connection.admin(), offsets.partitions(connection, consumer), places, manner)
            consumer.assign([_place(connection, number, offset) for number, offset in at.items()])
            behind: dict[int, int] = {}
            again = time.monotonic() + _LIST_AGAIN
            while True:
                yield from _followed(connection, consumer, at, behind)
                if time.monotonic() > again:
                    numbers = offsets.partitions(connection, consumer)
                    if more := [number for number in numbers if number not in at]:
                        new = _begin(connection, connection.admin(), more, places, manner)
                        consumer.incremental_assign([_place(connection, *one) for one in new.items()])
                        at |= new
                    again = time.monotonic() + _LIST_AGAIN

    def identity(self, uri: str) -> str | None:
        """The ids of the cluster and of the topic."""
        return producer.identity(uri)

    def make(self, uri: str, making: Making) -> None:
        """Makes a topic with its retention."""
        producer.make(uri, making)

    def put(self, uri: str, records: Iterable[Record]) -> Iterator[int]:
        """Puts records into a topic."""
        return producer.put(uri, records)

    def state(self, uri: str) -> StreamState:
        """What is in a topic."""
        return contents.state(uri)


def _begin(
    connection: Connection, admin: Any, numbers: list[int], places: Mapping[str, str], manner: Manner
) -> dict[int, int]:
    """Where to go on in each of these partitions."""
    first, ends = offsets.first(connection, admin, numbers), offsets.end(connection, admin, numbers)
    at, asked = dict(first), connection.named.span.since
    if asked is not None:
        at = {
            number: max(first[number], its)
            for number, its in offsets.since(connection, admin, numbers, asked, ends).items()
        }
    at |= {number: int(places[str(number)]) for number in numbers if str(number) in places}
    for number in numbers:
        if at[number] > ends[number] and str(number) in places:
            raise InputError(
                f"{connection.uri}: partition {number} was read up to offset {at[number]:,}, and ends at"
                f" {ends[number]:,} now, so it is another topic, or lost records; begin anew"
            )
    gaps = [
        f"{connection.uri}: partition {number} was read up to offset {at[number]:,}, and what followed, up to"
        f" {first[number]:,}, is past the topic's retention, and gone"
        for number in numbers
        if at[number] < first[number]
    ]
    judge_gaps(gaps, manner, is_resumed=True)
    return {number: max(at[number], first[number]) for number in numbers}


def _followed(connection: Connection, consumer: Any, at: dict[int, int], behind: dict[int, int]) -> Iterator[Page]:
    """A page of each partition that has new records, or whose end was reached; else one of each that says how it is.

    Notes where they go on, and how far behind they are (ns); of one that was not heard of yet that is not known, and 1.
    """
    found: dict[int, list[Any]] = {}
    for message in _consumed(connection, consumer):
        found.setdefault(message.partition(), []).append(message)
    for number, messages in found.items():
        good = [one for one in messages if one.error() is None]
        ended = messages[-1].error() is not None
        at[number] = max(at[number], messages[-1].offset() + (not ended))
        arrived = max((one.timestamp()[1] for one in good), default=0) * _MS
        end = consumer.get_watermark_offsets(_place(connection, number, 0), cached=True)[1]
        behind[number] = 0 if ended or 0 < end <= at[number] else max(1, time.time_ns() - arrived)
        yield Page(str(number), [one.value() or b"" for one in good], str(at[number]), arrived, behind[number])
    if not found:
        for number, offset in at.items():
            yield Page(str(number), [], str(offset), 0, behind.get(number, 1))


def _consumed(connection: Connection, consumer: Any) -> list[Any]:
    """Records that have come, and ends of partitions, which have an error and an offset. Raises InputError."""
    with connection.refusing():
        first = consumer.poll(_WAIT)
        messages = [] if first is None else [first, *consumer.consume(_MOST - 1, 0)]
    for message in messages:
        error = message.error()
        if error is not None and error.code() != connection.module.KafkaError._PARTITION_EOF:
            raise connection.refusal(error)
    return messages


def _are_past(connection: Connection, messages: list[Any], last: int) -> bool:
    """Whether nothing that arrived before `last` (ms) follows: times of brokers ascend, but not those of producers."""
    ours = connection.module.TIMESTAMP_LOG_APPEND_TIME
    return any(one.timestamp()[0] == ours and one.timestamp()[1] >= last + _SLACK for one in messages)


def _refuse_timeless(connection: Connection, shard: Shard, times: list[int]) -> None:
    """Raises InputError where it is not known whether a record arrived in the span that is asked for."""
    span = connection.named.span
    if min(times, default=0) < 0 and (span.since is not None or span.until is not None):
        raise InputError(
            f"{connection.uri}: partition {shard.name} has a record without a time, so it is not known whether it"
            " arrived in the span that is asked for; leave out ?from= and &to=, or have times of records set where they"
            " are written"
        )


def _place(connection: Connection, number: int, offset: int) -> Any:
    return connection.module.TopicPartition(connection.named.topic, number, offset)


def _gone(connection: Connection, begins: Mapping[int, int], ends: Mapping[int, int], since: int) -> Iterator[str]:
    """What is asked for and past retention, a sentence each."""
    for number, oldest in contents.oldest(connection, begins, ends).items():
        if begins[number] > 0 and oldest > since:
            yield (
                f"{connection.uri}: the {begins[number]:,} oldest offsets of partition {number} are past the topic's"
                f" retention, and what is kept begins at {moment(oldest)}, but is asked for from {moment(since)} on"
            )


def _emptied(connection: Connection, begins: Mapping[int, int], ends: Mapping[int, int], since: int) -> Iterator[str]:
    """Partitions of which nothing is kept, so that no time tells whether what is asked for was there."""
    for number, begin in begins.items():
        if begin > 0 and begin == ends[number]:
            yield (
                f"{connection.uri}: all {begin:,} offsets that partition {number} has had are past the topic's"
                f" retention, and records are asked for from {moment(since)} on"
            )


def _refuse_consumer(uri: str, manner: Manner) -> None:
    if manner.consumer is not None:
        raise InputError(f"{uri}: --consumer {manner.consumer}: only Kinesis has registered consumers; leave it out")


SOURCE = KafkaSource()
