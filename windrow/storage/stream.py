"""Streams: records that arrive in shards; read between two points in time, or followed as they arrive.

A stream is no file: it grows while it is read, and loses its oldest records. So a job fixes at submission, by the
server's clock, what it reads, reads that once into files (windrow/feeds/spool.py), and goes on as over files.

A source of streams is a `StreamSource`; Kafka's partitions are shards without parents.
"""

import gc
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from windrow.console import say
from windrow.errors import InputError
from windrow.storage.manner import Manner
from windrow.storage.source import SpooledSource


class Shard(NamedTuple):
    """A part of a stream whose records are in order. Its first record is after all those of its parents."""

    name: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bounds:
    """What is read of a stream, fixed once: records that arrived in [since, until), in ns since 1970, of all shards.

    since: None: from the oldest record that is kept. ends: where known, each shard's place (exclusive) at which it
    is over; only what is before is read. gaps: what was asked for and is gone, a sentence each. begins: as ends,
    where the first record is that may be read.
    """

    uri: str
    since: int | None
    until: int
    shards: tuple[Shard, ...]
    ends: Mapping[str, str]
    gaps: tuple[str, ...] = ()
    begins: Mapping[str, str] = field(default_factory=dict)


class Page(NamedTuple):
    """Records that came in one answer, in order.

    records: the data of each; what a producer has put together is taken apart. place: after which the shard goes on,
    None if nothing was read of it yet. arrived: when the last of them arrived (ns), 0 if there is none. behind: how far
    that is behind the newest record of the shard (ns). over: whether no record will ever follow in this shard.
    """

    shard: str
    records: list[bytes]
    place: str | None
    arrived: int
    behind: int
    over: bool = False


#: The span (ns) before the newest record whose records are counted.
MINUTE = 60 * 10**9


class Record(NamedTuple):
    """What is put into a stream. Records of one key stay in order: they are in one shard at a time."""

    key: str
    data: bytes


@dataclass(frozen=True)
class Making:
    """How a stream is made that is not there.

    shards: None: as many as the place chooses. hours: how long records are kept. key: that they are encrypted by.
    """

    shards: int | None
    hours: int
    key: str | None = None


@dataclass(frozen=True)
class ShardState:
    """A shard as `windrow stream inspect` shows it; times of arrival in ns, None: no record is kept.

    records: of the last minute that has any, `size` their bytes.
    """

    name: str
    parents: tuple[str, ...]
    is_open: bool
    oldest: int | None = None
    newest: int | None = None
    records: int = 0
    size: int = 0
    example: bytes = b""


@dataclass(frozen=True)
class StreamState:
    """A stream as `windrow stream inspect` shows it.

    facts: what its place says of it, by name. gaps: what is gone of what its shards once had, a sentence each.
    """

    uri: str
    facts: Mapping[str, str | int]
    shards: tuple[ShardState, ...]
    gaps: tuple[str, ...] = ()


class StreamSource(SpooledSource):
    """Streams of some schemes. Methods raise InputError or AccountError that name the URI."""

    is_stream = True
    no_file = "is a stream, which is read into files first: windrow stream read '{uri}' -o DIR"

    @abstractmethod
    def bounds(self, uri: str, manner: Manner) -> Bounds:
        """What a job reads that is submitted now. Raises InputError where records are gone, unless gaps only warn."""

    @abstractmethod
    def read(self, bounds: Bounds, shard: Shard, manner: Manner) -> Iterator[Page]:
        """The pages of a shard within its bounds, each record once; empty pages too, which show progress."""

    @abstractmethod
    def follow(
        self,
        uri: str,
        places: Mapping[str, str],
        over: Collection[str],
        manner: Manner,
        read_until: int | None = None,
    ) -> Iterator[Page]:
        """Pages without end, each shard's in order, and after all those of its parents; empty ones too.

        Each shard goes on after its place in `places`; those in `over` are not read again. Others begin at the URI's
        `from`. What is split or merged meanwhile is followed into the new shards. read_until: when it was read last
        (ns): what arrived since then and is gone is a gap.
        """

    # Putting records in, and looking.

    def identity(self, uri: str) -> str | None:
        """What tells a stream from another of its name, made before or after; None where there is none."""
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be written")

    def make(self, uri: str, making: Making) -> None:
        """Makes a stream, or does the rest of it, and waits until records can be put into it."""
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be written")

    def check_keys(self, uri: str, keys: Iterable[str]) -> None:
        """Raises InputError for keys that no record may have, before anything is made or put."""

    def put(self, uri: str, records: Iterable[Record]) -> Iterator[int]:
        """Puts records into a stream, each key's in order; yields how many from the start are in it, again and again.

        A record that was refused is put again before any later one of its key. One may be in it twice, where an answer
        was lost; then it follows itself.
        """
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be written")

    def state(self, uri: str) -> StreamState:
        """What is in a stream."""
        raise NotImplementedError(f"{self.schemes[0]}:// cannot be inspected")


def judge_gaps(gaps: Sequence[str], manner: Manner, is_resumed: bool = False) -> None:
    """Raises InputError where records that are asked for are gone, or warns of it, as `manner` says.

    is_resumed: whether they are what follows a place that was read before, so that no later one can be asked for.
    """
    if gaps and manner.gaps == "fail":
        more = f" (and {len(gaps) - 1:,} more gaps)" if len(gaps) > 1 else ""
        other = "begin again" if is_resumed else "ask for later records with ?from=TIME"
        raise InputError(f"{gaps[0]}{more}; {other}, or accept the gap with --gaps warn")
    say(*(f"warning: {gap}" for gap in gaps))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles: for a moment in which thousands of objects are made and dropped, no cycle.

    It would go through all of them at each thousand, which takes a third of the time of parsing records.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
