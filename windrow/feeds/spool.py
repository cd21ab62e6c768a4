"""Streams -> files, once, before a job reads them: one for each shard, of what its bounds hold.

Then everything goes on as over files: tasks need neither network nor credentials, an attempt that runs twice sees the
same bytes, and the rules by which rows are read are those of files.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Full, Queue
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from windrow.bars.layout import Reading
from windrow.console import going, say
from windrow.errors import InputError, OutputError, UsageError
from windrow.feeds.shards import ShardFile
from windrow.storage.arrivals import OLDEST, moment, split_query
from windrow.storage.open import named
from windrow.storage.source import source_of
from windrow.storage.stream import Bounds, Manner, Page, Shard, StreamSource

#: Shards that are read at a time: each waits for its turn most of the time.
_AT_ONCE = 8
#: Pages that wait to be written.
_WAITING = 2
#: How often, in seconds, progress is shown and the disk is looked at.
_LOOK = 0.2
#: What must be free on the disk at least, and the share of a stream from which its size is foreseen.
_LEAST_FREE, _ENOUGH = 64 << 20, 0.02


@dataclass(frozen=True)
class Spooled:
    """What of a stream is in files: their places by names, `URI/SHARD`, and what its bounds were."""

    bounds: Bounds
    places: dict[str, Path] = field(default_factory=dict)
    records: int = 0

    def described(self) -> dict[str, Any]:
        """The same for the description of an output."""
        bounds = self.bounds
        shards = [shard.name for shard in bounds.shards]
        return {
            "stream": bounds.uri, "since_ns": bounds.since, "until_ns": bounds.until, "shards": shards,
            "records": self.records, "gaps": list(bounds.gaps),
        }  # fmt: skip


def is_stream(uri: str) -> bool:
    """Whether an input is a stream."""
    return source_of(uri).is_stream


def refuse_symbols_of_files(arguments: Sequence[str], reading: Reading) -> None:
    """Raises UsageError where symbols are to be taken from the names of files, and an input is a stream."""
    if reading.symbol_from_filename and any(map(is_stream, arguments)):
        raise UsageError("--symbol-from-filename: a stream has no file name to take a symbol from; use --symbol NAME")


def spool(uri: str, folder: Path, manner: Manner, shows_progress: bool = True, until: int | None = None) -> Spooled:
    """Reads what is in a stream now, or was at `until` (ns), into files of a folder.

    Raises InputError, also where it has no record.

    Memory: some pages of records. Time: what the stream's server grants a reader.
    """
    source = source_of(uri)
    assert isinstance(source, StreamSource)
    bounds = source.bounds(uri, manner)
    bounds = bounds if until is None else replace(bounds, until=min(bounds.until, until))
    room = _Room(folder)
    room.check()
    names = [shard.name for shard in bounds.shards]
    files = {name: ShardFile(folder, _file_name(uri, name), f"{_place(uri)}/{name}") for name in names}
    with going(f"reading {_place(uri)}", shows_progress) as show:
        progress, looked = _Progress(bounds), monotonic()
        for page in _pages(source, bounds, manner):
            files[page.shard].write(page.records)
            progress.take(page)
            if (now := monotonic()) > looked + _LOOK:
                looked = now
                show(progress.share, progress.text)
                room.check(sum(file.size for file in files.values()), progress.share)
    places = dict(_closed(uri, files))
    if controls := sum(file.controls for file in files.values()):
        say(f"{_place(uri)}: {controls:,} records about the table, without data, were passed over")
    if not places:
        raise InputError(
            f"{uri}: none of its {len(files):,} shards has a record {_between(bounds)}; check the name of the stream,"
            " and what ?from= and &to= ask for, which is when records arrived, not the times of bars"
        )
    return Spooled(bounds, places, progress.records)


@contextmanager
def spooled(
    arguments: Sequence[str], manner: Manner, until: Mapping[str, int] | None = None
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The arguments with files in place of streams, and the names of those by their places; removed afterwards.

    `until` has the ends (ns) of streams that were read before. In errors of this block the files have those names.
    """
    if not any(map(is_stream, arguments)):
        yield list(arguments), {}
        return
    with TemporaryDirectory(prefix="windrow-") as folder, ExitStack() as errors:
        found, names, _ = replaced(arguments, Path(folder), manner, until=until)
        for place, name in names.items():
            errors.enter_context(named(place, name))
        yield found, names


def replaced(
    arguments: Sequence[str],
    folder: Path,
    manner: Manner,
    shows_progress: bool = True,
    until: Mapping[str, int] | None = None,
) -> tuple[list[str], dict[str, str], list[Spooled]]:
    """The arguments with files in place of streams; the names of those by their places; and what was read.

    Raises InputError for a stream that is named twice. Of two spans of one stream the files have names of their own.
    """
    found, names, streams = list[str](), dict[str, str](), list[Spooled]()
    ends = {_asked(uri): end for uri, end in (until or {}).items()}
    seen = set[tuple[str, ...]]()
    for number, argument in enumerate(arguments):
        if not is_stream(argument):
            found.append(argument)
            continue
        if (asked := _asked(argument)) in seen:
            raise InputError(f"{argument}: is named twice; a stream is read once; name it once")
        seen.add(asked)
        place = folder / f"stream-{number}"
        place.mkdir(mode=0o700)
        streams.append(spool(argument, place, manner, shows_progress, ends.get(asked)))
        span, taken = argument.partition("?")[2], set(names.values())
        for name, file in streams[-1].places.items():
            names[str(file)] = f"{name}?{span}" if name in taken else name
            found.append(str(file))
    return found, names, streams


def _asked(uri: str) -> tuple[str, ...]:
    """What a URI asks for, however it is spelled."""
    place, asked = split_query(uri)
    scheme, colon, rest = place.rstrip("/").partition(":")
    span = sorted(f"{name}={value}" for name, value in asked.items() if (name, value) != ("from", OLDEST))
    return (scheme.lower() + colon + rest, *span)


def _place(uri: str) -> str:
    """A stream's URI without its query."""
    return uri.partition("?")[0].rstrip("/")


def _closed(uri: str, files: Mapping[str, ShardFile]) -> Iterator[tuple[str, Path]]:
    """The names and places of the files that have a record; of one that has no bar its columns are those of another."""
    like: Path | None = None
    for file in files.values():
        file.begin()
    for name, file in sorted(files.items(), key=lambda item: not item[1].has_bars):
        if (place := file.close(like)) is not None:
            like = like or (place if file.has_bars else None)
            yield f"{_place(uri)}/{name}", place


def _file_name(uri: str, shard: str) -> str:
    """A name for the file of a shard. Raises InputError for a name that no server gives, of another folder perhaps."""
    if not re.fullmatch("[a-zA-Z0-9_-]{1,128}", shard):
        raise InputError(f"{uri}: has a shard named {shard!r}, which is none of Kinesis or Kafka; check the server")
    return f"partition-{shard}" if shard.isdecimal() else shard


def _between(bounds: Bounds) -> str:
    since = "so far" if bounds.since is None else f"from {moment(bounds.since)}"
    return f"{since} until {moment(bounds.until)}"


class _Progress:
    """How much of a stream is read: of each shard the part of its time, up to its newest record, or the fixed end."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._begins: dict[str, int] = {}
        self._shares = dict.fromkeys((shard.name for shard in bounds.shards), 0.0)
        self.records = 0

    def take(self, page: Page) -> None:
        """A page that was read."""
        self.records += len(page.records)
        begin = self._begins.setdefault(page.shard, page.arrived) if page.arrived else page.arrived
        end = min(self._bounds.until, page.arrived + page.behind)
        if page.over:
            self._shares[page.shard] = 1.0
        elif end > begin > 0:
            done = (page.arrived - begin) / (end - begin)
            self._shares[page.shard] = min(1.0, max(self._shares[page.shard], done))

    @property
    def share(self) -> float:
        """The part that is read, from 0 to 1."""
        return sum(self._shares.values()) / max(1, len(self._shares))

    @property
    def text(self) -> str:
        """What was read, for people."""
        return f"{self.records:,} records"


def _pages(source: StreamSource, bounds: Bounds, manner: Manner) -> Iterator[Page]:
    """The pages of all shards, several at a time; a shard's in order. What a thread raises is raised."""
    waiting: Queue[Page | BaseException | None] = Queue(_WAITING)
    shards, stop, taking = list(bounds.shards), Event(), Lock()

    def put(one: Page | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(Full):
                waiting.put(one, timeout=0.1)
                return

    def work() -> None:
        try:
            while (shard := _next(shards, taking)) is not None:
                for page in source.read(bounds, shard, manner):
                    put(page)
                    if stop.is_set():
                        return
        except BaseException as error:
            put(error)
        put(None)

    threads = [Thread(target=work, daemon=True) for _ in range(min(_AT_ONCE, len(shards)))]
    for thread in threads:
        thread.start()
    ended = 0
    try:
        while ended < len(threads):
            page = waiting.get()
            if isinstance(page, BaseException):
                raise page
            if page is None:
                ended += 1
            else:
                yield page
    finally:
        stop.set()
    for thread in threads:  # before anything forks
        thread.join()


def _next(shards: list[Shard], taking: Lock) -> Shard | None:
    with taking:
        return shards.pop(0) if shards else None


class _Room:
    """The room that files have on the disk. It is looked at now and then: that costs as much as many records."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._is_told = folder, False

    def check(self, written: int = 0, share: float = 0.0) -> None:
        """Raises OutputError where nothing is left; warns, once, where the rest of a stream may not fit.

        Its size is foreseen by the share of its time that is read, and arrivals come in bursts: so no more than a
        warning depends on it.
        """
        free = shutil.disk_usage(self._folder).free
        if free < _LEAST_FREE:
            raise OutputError(
                f"{self._folder}: a stream is read into files there, and only {free >> 20:,} MB are free; free some"
                " space, or set TMPDIR to another place, or read less by ?from=TIME"
            )
        if share > _ENOUGH and (rest := int(written / share) - written) > free and not self._is_told:
            self._is_told = True
            say(
                f"warning: {self._folder}: the rest of the stream may take {rest >> 20:,} MB, and {free >> 20:,} MB are"
                " free; to use another place, end this and set TMPDIR"
            )
