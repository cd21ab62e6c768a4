"""Kinesis as a source of streams: read within bounds that are fixed once, or followed."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from windrow.aws.kinesis_client import client as kinesis
from windrow.aws.kinesis_client import refusing
from windrow.errors import InputError
from windrow.storage.arrivals import moment
from windrow.storage.kinesis import contents, producer
from windrow.storage.kinesis.answers import Answer, parse_quickly
from windrow.storage.kinesis.fanout import consumer_arn, pushed
from windrow.storage.kinesis.lineage import Stream, shards_of, stream_of
from windrow.storage.kinesis.reader import Reader
from windrow.storage.kinesis.uris import parse
from windrow.storage.manner import Manner
from windrow.storage.stream import Bounds, Making, Page, Record, Shard, StreamSource, StreamState, judge_gaps
from windrow.times import LATEST, SECOND

#: Arrivals of a shard need not ascend: what is behind the end by more than this has nothing before the end after it.
_SLACK = 5 * SECOND
#: How often, in seconds, the shards of a stream that is followed are listed again; also as soon as one has ended.
_LIST_AGAIN = 5.0
#: How long nothing is asked, in seconds, where no shard is open.
_PAUSE = 0.2


class KinesisSource(StreamSource):
    """Streams by kinesis://STREAM?from=TIME&to=TIME."""

    schemes = ("kinesis",)

    def bounds(self, uri: str, manner: Manner) -> Bounds:
        """The shards, and the end: the server's clock, or `to` if that is before it."""
        named = parse(uri)
        stream = _described(uri)
        since, until = named.span.since, min(stream.now, named.span.until or stream.now)
        if since is not None and since >= until:
            raise InputError(
                f"{uri}: nothing can have arrived since {moment(since)}: by the server's clock it is"
                f" {moment(stream.now)}; give an earlier from"
            )
        gaps = tuple(_gaps(uri, stream, since))
        judge_gaps(gaps, manner)
        return Bounds(uri, since, until, stream.shards, {}, gaps)

    def read(self, bounds: Bounds, shard: Shard, manner: Manner) -> Iterator[Page]:
        """The pages of a shard within its bounds."""
        for answer in _answers(bounds, shard, manner):
            over = answer.next is None or _is_past(answer, bounds.until)
            inside = answer.records.within(bounds.since or 0, bounds.until)
            yield _page(shard.name, answer, inside, answer.records.last, over)
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
        named, client = parse(uri), _client(uri)
        stream, since = _described(uri), named.span.since
        is_resumed = bool(places or over)  # what is gone by now was read, unless that was too long ago
        gaps = _lost(uri, stream, read_until) if is_resumed else _gaps(uri, stream, since)
        judge_gaps(list(gaps), manner, is_resumed)
        readers: dict[str, Reader] = {}
        done, listed = set(over), stream.shards
        while True:
            for shard in listed:
                name = shard.name
                if name not in readers and name not in done and done.issuperset(shard.parents):
                    readers[name] = Reader(client, uri, named.stream, name, since, manner.share, places.get(name))
            yield from _in_turn(readers, done, since or 0)
            with refusing(uri):
                listed = shards_of(client, named.stream)

    def identity(self, uri: str) -> str | None:
        """A stream's ARN, and when it was made."""
        return producer.identity(uri)

    def make(self, uri: str, making: Making) -> None:
        """Makes a stream with its retention and encryption."""
        producer.make(uri, making)

    def check_keys(self, uri: str, keys: Iterable[str]) -> None:
        """Raises InputError for keys that are too long."""
        for key in keys:
            producer.check_key(uri, key)

    def put(self, uri: str, records: Iterable[Record]) -> Iterator[int]:
        """Puts records into a stream."""
        return producer.put(uri, records)

    def state(self, uri: str) -> StreamState:
        """What is in a stream."""
        return contents.state(uri)


def _in_turn(readers: dict[str, Reader], done: set[str], since: int) -> Iterator[Page]:
    """Pages of shards, each as soon as it may be read, until one has ended or it is time to list them again."""
    again = time.monotonic() + _LIST_AGAIN
    while readers and time.monotonic() < again:
        reader = min(readers.values(), key=lambda one: one.wait)
        time.sleep(reader.wait)
        answer = reader.read()
        if reader.over:
            del readers[reader.shard]
            done.add(reader.shard)
        inside = answer.records.within(since, LATEST)
        yield _page(reader.shard, answer, inside, reader.after, reader.over)
        if reader.over:
            return
    if not readers:
        time.sleep(_PAUSE)  # the children of a shard may be listed a moment after its end


def _client(uri: str) -> Any:
    client = kinesis(uri)
    parse_quickly(client)
    return client


def _described(uri: str) -> Stream:
    client = _client(uri)
    with refusing(uri):
        return stream_of(client, parse(uri).stream)


def _answers(bounds: Bounds, shard: Shard, manner: Manner) -> Iterator[Answer]:
    client, stream = _client(bounds.uri), parse(bounds.uri).stream
    if manner.consumer is not None:
        arn = consumer_arn(client, bounds.uri, stream, manner.consumer)
        return pushed(client, bounds.uri, shard.name, arn, bounds.since)
    return Reader(client, bounds.uri, stream, shard.name, bounds.since, manner.share).answers()


def _page(shard: str, answer: Answer, records: list[bytes], place: str | None, over: bool) -> Page:
    arrivals = answer.records.arrivals
    return Page(shard, records, place, int(arrivals.max()) if len(arrivals) else 0, answer.behind, over)


def _is_past(answer: Answer, until: int) -> bool:
    """Whether nothing that arrived before `until` follows: it is at the tip, or all of it arrived well after that."""
    if answer.records.last is None:
        return answer.behind == 0
    arrivals = answer.records.arrivals
    return len(arrivals) > 0 and int(arrivals.min()) >= until + _SLACK


def _gaps(uri: str, stream: Stream, since: int | None) -> Iterator[str]:
    """What is asked for and past retention, a sentence each."""
    if since is not None and since < stream.horizon and stream.created < stream.horizon:
        yield (
            f"{uri}: what arrived before {moment(stream.horizon)} is past the retention of {stream.hours:,} hours, and"
            f" gone, but is asked for from {moment(since)} on"
        )
    if since is None and stream.gone:
        few = ", ".join(stream.gone[:3]) + (", ..." if len(stream.gone) > 3 else "")
        yield f"{uri}: shards that others came from are past retention, and their records gone: {few}"


def _lost(uri: str, stream: Stream, read_until: int | None) -> Iterator[str]:
    if read_until is not None and read_until < stream.horizon:
        yield (
            f"{uri}: was read last at {moment(read_until)}, and what arrived from then until {moment(stream.horizon)}"
            f" is past the retention of {stream.hours:,} hours, and gone"
        )


SOURCE = KinesisSource()
