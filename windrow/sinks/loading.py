"""Puts bars into a stream, which it makes where there is none; one that was stopped goes on where it was."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from windrow.errors import InputError, UsageError
from windrow.sinks.journal import Journal, journal
from windrow.sinks.replay import Replay
from windrow.storage.manner import Manner
from windrow.storage.source import source_of
from windrow.storage.stream import Making, StreamSource
from windrow.times import SECOND

#: Of how many records after those that the journal knows of it is looked up whether they are in the stream.
_LOOKED_UP = 100_000
#: How long ago (ns) the journal's last line must be until all that was put then can be read; and how far clocks differ.
_READABLE, _APART = 1 * SECOND, 5 * SECOND
_HOUR = 3600 * SECOND


class Loaded(NamedTuple):
    """How many records a load has put, and the stream's identity if the load made it."""

    put: int
    made: str | None


def stream_source(uri: str, option: str = "") -> StreamSource:
    """The source of a whole stream. Raises UsageError, which names the option that gave it, for anything else."""
    source = source_of(uri)
    if not isinstance(source, StreamSource):
        raise UsageError(f"{option}{uri}: is no stream; give kinesis://STREAM or kafka://HOST:PORT/TOPIC")
    if "?" in uri:
        raise UsageError(f"{option}{uri}: names a part of a stream, and the whole is meant; leave out what follows ?")
    return source


def load(
    replay: Replay, uri: str, making: Making, asked: Sequence[str], path: Path, advance: Callable[[int], object]
) -> Loaded:
    """Puts all bars into a stream; `advance` takes how many more are in it.

    asked: the options by which `making` was asked for. path: the journal's. Raises UsageError where a stream is there
    that would have to change, InputError for what `journal` refuses, and where the stream refuses.
    """
    source = stream_source(uri, "--to ")
    source.check_keys(uri, replay.bars.symbols)
    with journal(path, len(replay), replay.digest()) as log:
        made = _find(source, uri, making, asked, log)
        advance(log.done)
        there = _in_stream(source, uri, replay, log)
        last = max(there, default=log.done - 1)
        # Which are missing up to the last that is there; behind it all are.
        missing = [number for number in range(log.done, last + 1) if number not in there]
        start, put = log.done, 0
        rest = (one for number, one in enumerate(replay.records(start), start) if number not in there)
        if there and not missing:
            advance(_took(log, last + 1))
        for put in source.put(uri, rest):
            advance(_took(log, missing[put] if put < len(missing) else last + 1 + put - len(missing)))
        return Loaded(put, made)


def _took(log: Journal, done: int) -> int:
    """Notes how many are in the stream, and returns how many more these are."""
    more = done - log.done
    log.took(done)
    return more


def _find(source: StreamSource, uri: str, making: Making, asked: Sequence[str], log: Journal) -> str | None:
    """Finds the stream, or makes it; then returns its identity."""
    found, made = source.identity(uri), None
    if found is None and log.stream is not None:
        raise InputError(
            f"{uri}: is gone, and {log.path} is the journal of a load into it; delete the journal to load all into a"
            " new one"
        )
    if found is not None and asked and not _is_as_asked(making, log):
        began = "" if log.making is None else f", made by this load with {_told(log.making)}"
        raise UsageError(
            f"{' and '.join(asked)}: {uri} is there already{began}, and a load changes no stream; leave"
            f" {'it' if len(asked) == 1 else 'them'} out, or name another stream"
        )
    if log.stream is None and (found is None or log.making is not None):
        if asked or log.making is None:
            log.makes([*astuple(making)])
        source.make(uri, Making(*log.making or ()))
        found = made = source.identity(uri)
    assert found is not None
    log.found(found)
    return made


def _is_as_asked(making: Making, log: Journal) -> bool:
    """Whether a stream that is there is one that this load makes so, or has not yet made ready."""
    if log.making is None:
        return False
    return [*astuple(making)] == log.making if log.stream is not None else making.shards == log.making[0]


def _told(making: list[Any]) -> str:
    """How a stream was made, by options."""
    options = zip(("--shards", "--retention", "--kms"), making, strict=True)
    return " ".join(f"{option} {value}" for option, value in options if value is not None)


def _in_stream(source: StreamSource, uri: str, replay: Replay, log: Journal) -> set[int]:
    """The numbers of records that are in the stream although the journal does not know it yet."""
    if not log.resumed or log.done == len(replay):
        return set()
    wanted: dict[bytes, list[int]] = {}
    for number, record in enumerate(islice(replay.records(log.done), _LOOKED_UP), log.done):
        wanted.setdefault(record.data, []).append(number)
    found: set[int] = set()
    for data in _since(source, uri, log):
        if numbers := wanted.get(data):
            found.add(numbers.pop(0))
    return found


def _since(source: StreamSource, uri: str, log: Journal) -> Iterator[bytes]:
    """What has arrived in the stream since the journal's last line."""
    time.sleep(max(0, log.at + _READABLE - time.time_ns()) / SECOND)
    manner = Manner(gaps="warn", share=1.0)
    early = datetime.fromtimestamp((log.at - _HOUR) / SECOND, UTC)
    here = time.time_ns()
    bounds = source.bounds(f"{uri}?from={early:%Y-%m-%dT%H:%M:%SZ}", manner)
    if bounds.gaps:
        raise InputError(
            f"{uri}: what was put before the load was stopped is past retention by now; load all into another stream,"
            f" with a longer --retention, and another --journal than {log.path}"
        )
    bounds = replace(bounds, since=max(bounds.since or 0, log.at + bounds.until - here - _APART))
    for shard in bounds.shards:
        for page in source.read(bounds, shard, manner):
            yield from page.records
