"""Streams -> files, once, before a job reads them: one for each shard, of what its bounds hold; tables, one each.

Then everything goes on as over files: tasks need neither network nor credentials, an attempt that runs twice sees the
same bytes, and the rules by which rows are read are those of files.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from windrow.bars.layout import Reading
from windrow.console import say
from windrow.console.meter import going
from windrow.errors import InputError, UsageError
from windrow.feeds.room import Room
from windrow.feeds.shards import ShardFile
from windrow.storage.arrivals import OLDEST, moment, split_query
from windrow.storage.interleaved import interleaved
from windrow.storage.manner import Manner
from windrow.storage.open import named
from windrow.storage.source import source_of
from windrow.storage.stream import Bounds, Page, StreamSource

if TYPE_CHECKING:
    from windrow.feeds.tabled import Tabled

#: Shards that are read at a time: each waits for its turn most of the time.
_AT_ONCE = 8
#: How often, in seconds, progress is shown and the disk is looked at.
_LOOK = 0.2


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


def is_spooled(uri: str) -> bool:
    """Whether an input is read into files at submission: a stream, or a table."""
    return source_of(uri).is_spooled


def spool(uri: str, folder: Path, manner: Manner, shows_progress: bool = True, until: int | None = None) -> Spooled:
    """Reads what is in a stream now, or was at `until` (ns), into files of a folder.

    Raises InputError, also where it has no record.

    Memory: some pages of records. Time: what the stream's server grants a reader.
    """
    source = source_of(uri)
    assert isinstance(source, StreamSource)
    bounds = source.bounds(uri, manner)
    bounds = bounds if until is None else replace(bounds, until=min(bounds.until, until))
    room = Room(folder, "stream", "read less by ?from=TIME")
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
    arguments: Sequence[str],
    manner: Manner,
    reading: Reading,
    until: Mapping[str, int] | None = None,
    shows_progress: bool = True,
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The arguments with files in place of streams and tables, and the names of those by their places; then removed.

    Of tables at least the rows that `reading` takes are there, with all columns. `until` has the ends (ns) of streams
    that were read before. In errors of this block the files have those names.
    """
    if not any(map(is_spooled, arguments)):
        yield list(arguments), {}
        return
    with TemporaryDirectory(prefix="windrow-") as folder, ExitStack() as errors:
        found = replaced(arguments, Path(folder), manner, reading, shows_progress, until)
        for place, name in found.names.items():
            errors.enter_context(named(place, name))
        yield found.arguments, found.names


class Replaced(NamedTuple):
    """Inputs with files in place of streams and tables, the names of those by their places, and what was read."""

    arguments: list[str]
    names: dict[str, str]
    streams: "list[Spooled]"
    tables: "list[Tabled]"


def replaced(
    arguments: Sequence[str],
    folder: Path,
    manner: Manner,
    reading: Reading,
    shows_progress: bool = True,
    until: Mapping[str, int] | None = None,
    strict: bool = False,
) -> Replaced:
    """The arguments with files in place of streams and tables.

    Of two spans of one stream the files have names of their own. `strict`: a table is not read if `reading` cannot be
    applied to its columns. Raises InputError for a stream or table that is named twice, UsageError where symbols are to
    be taken from names of files.
    """
    _refuse_symbols_of_files(arguments, reading)
    found = Replaced([], {}, [], [])
    ends = {_asked(uri): end for uri, end in (until or {}).items()}
    seen = set[tuple[str, ...]]()
    for number, argument in enumerate(arguments):
        if not is_spooled(argument):
            found.arguments.append(argument)
            continue
        what = "stream" if source_of(argument).is_stream else "table"
        if (asked := _asked(argument) if what == "stream" else (argument,)) in seen:
            raise InputError(f"{argument}: is named twice; a {what} is read once; name it once")
        seen.add(asked)
        place = folder / f"{what}-{number}"
        place.mkdir(mode=0o700)
        if what == "table":
            from windrow.feeds.tabled import spool_table  # a job's start is part of its cost

            found.tables.append(spool_table(argument, place, reading, shows_progress, strict, len(arguments) > 1))
            places = {argument: found.tables[-1].place}
        else:
            found.streams.append(spool(argument, place, manner, shows_progress, ends.get(asked)))
            places = found.streams[-1].places
        span, taken = argument.partition("?")[2], set(found.names.values())
        for name, file in places.items():
            found.names[str(file)] = f"{name}?{span}" if name in taken else name
            found.arguments.append(str(file))
    return found


def _refuse_symbols_of_files(arguments: Sequence[str], reading: Reading) -> None:
    """Raises UsageError where symbols are to be taken from names of files, and an input is a stream or a table."""
    asked = {
        "--symbol-from-filename": ("file name", reading.symbol_from_filename),
        "--symbol-from-path": ("path", reading.symbol_from_path is not None),
    }
    for argument in filter(is_spooled, arguments):
        what = "stream" if source_of(argument).is_stream else "table"
        for option, (name, is_given) in asked.items():
            if is_given:
                raise UsageError(f"{option}: a {what} has no {name} to take a symbol from; use --symbol NAME")


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
    """The pages of all shards, several at a time; a shard's in order."""
    return interleaved([source.read(bounds, shard, manner) for shard in bounds.shards], _AT_ONCE)
