"""Files of bars -> records of a stream, in the order in which a feed would have sent them: by time, over all files.

A record is an object of JSON, {"data": {"dt": ..., "sym": ..., "open": ...}}, as AWS's Database Migration Service
writes rows of a table. A value has the shortest text that reads back to the same float64, so that a job over the stream
has the bits of one over the files.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
import orjson

from windrow.bars.columns import Bars, Layout, join_bars
from windrow.bars.layout import ADJUSTED_NAMES, Reading, refuse_unknown_names, value_columns
from windrow.console import say
from windrow.errors import BadBarsError, InputError
from windrow.feeds.density import Head
from windrow.feeds.files import read_bars
from windrow.feeds.forms import told_forms
from windrow.feeds.settle import Settled, settle, without_line_end
from windrow.sinks.partial import VALUE_REASONS, with_partial
from windrow.storage.manner import Manner
from windrow.storage.open import named
from windrow.storage.source import Version, list_inputs, unchanged, versions_of
from windrow.storage.stream import Record
from windrow.times import format_times

#: The columns of values that are loaded where files have them.
VALUES = ("open", "high", "low", "close", "volume", ADJUSTED_NAMES[0])
#: What a column is called in records, where that is another name: as in the published solution.
_CALLED = {"volume": "vol"}
#: Records that are formatted at once.
_BATCH = 8192
_TOLD = 5


@dataclass(frozen=True)
class Replay:
    """Bars of files, by time. Memory: about 16 bytes a bar, and 8 for each of its values."""

    bars: Bars
    names: tuple[str, ...]
    dated: bool

    def __len__(self) -> int:
        return len(self.bars)

    def digest(self) -> str:
        """What tells these records from others."""
        bars = self.bars
        found = hashlib.sha256(orjson.dumps([bars.symbols, self.names, self.dated]))
        for column in (bars.codes, bars.times, *bars.values):
            found.update(np.ascontiguousarray(column).data)
        return found.hexdigest()

    def records(self, start: int = 0) -> Iterator[Record]:
        """The records from number `start` on."""
        keys = [orjson.dumps(symbol) for symbol in self.bars.symbols]
        names = [b',"%s":' % name.encode() for name in map(_quoted, self.names)]
        for begin in range(start, len(self), _BATCH):
            rows = slice(begin, begin + _BATCH)
            times = format_times(self.bars.times[rows], self.dated)
            codes = self.bars.codes[rows].tolist()
            columns = [_texts(values[rows]) for values in self.bars.values]
            for time, code, *values in zip(times, codes, *columns, strict=True):
                fields = b"".join(part for pair in zip(names, values, strict=True) for part in pair)
                yield Record(self.bars.symbols[code], b'{"data":{"dt":"%s","sym":%s%s}}' % (time, keys[code], fields))


def _quoted(name: str) -> str:
    """A column's name within quotes of JSON."""
    return orjson.dumps(name).decode()[1:-1]


def _texts(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[bytes]:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


@dataclass(frozen=True)
class Found:
    """Inputs of bars by the user's names, where each is, and how they are read."""

    settled: Settled
    places: Mapping[str, str]
    versions: Mapping[str, Version]
    columns: tuple[str, ...]

    def feed(self) -> Iterator[tuple[Bars, str]]:
        """Their bars in chunks, with the input of each; a value that a row lacks, but not all of them, is NaN."""
        for name, layout in self.settled.inputs.items():
            place = self.places[name]
            with named(place, name), unchanged(place, self.versions[name]):
                parts = list(read_bars(place, layout))
                if len(layout.values) > 1 and any(VALUE_REASONS.intersection(part.rejected) for part in parts):
                    parts = [with_partial(place, name, layout, join_bars(parts))]
                yield from ((part, name) for part in parts)

    def replay(self, parts: Sequence[Bars]) -> Replay:
        """All of these chunks, by time; bars of one time are in the order of the files and their rows."""
        bars = join_bars(parts)
        order = np.argsort(bars.times, kind="stable")
        columns = [values[order] for values in bars.values]
        in_order = Bars(bars.symbols, bars.codes[order], bars.times[order], columns, bars.timed[order])
        return Replay(in_order, tuple(_CALLED.get(name, name) for name in self.columns), self.settled.dated)


@contextmanager
def find(
    files: Sequence[str],
    reading: Reading,
    columns: Sequence[str],
    manner: Manner | None = None,
    quiet: bool = False,
    may_choose: bool = True,
) -> Iterator[Found]:
    """Inputs, settled as for a job that needs these columns; none: those of VALUES that all inputs have.

    Streams and tables are read into files first, which are there as long as the block. may_choose: whether the user
    has --column to choose others by. Raises what such a job would.
    """
    from windrow.feeds.spool import spooled

    with spooled(files, manner or Manner(), reading, shows_progress=not quiet) as (arguments, names):
        listed = list_inputs(arguments, reading.recursive)
        versions = versions_of(listed)
        places = {names.get(place, place): place for place in listed}
        inputs = _Inputs(places, {name: versions[place] for name, place in places.items()}, reading)
        columns, settled, empty = inputs.settled_by(columns)
        refuse_unknown_names(settled.inputs, reading)
        _warn(settled, empty, inputs.heads)
        if not quiet:
            say(*told_forms(settled.inputs, reading), *(_left_out(settled) if may_choose else []))
        yield Found(settled, places, inputs.versions, tuple(columns))


@dataclass(frozen=True)
class _Inputs:
    """Inputs by the user's names: where they are, and which version of each that is."""

    places: Mapping[str, str]
    versions: Mapping[str, Version]
    reading: Reading

    @property
    def heads(self) -> dict[str, Head]:
        """Where those are that have another name."""
        return {name: Head(place, 1.0) for name, place in self.places.items() if name != place}

    def settled_by(self, columns: Sequence[str]) -> tuple[Sequence[str], Settled, list[str]]:
        """The columns, by default those that have values; the inputs settled by them, and those without rows."""
        if columns:
            return columns, *self._judged(columns)
        settled, _ = settle([*self.places], self.reading, slot=1, heads=self.heads, versions=self.versions)
        columns = values_in(settled.inputs, self.reading)
        try:
            return columns, *self._judged(columns)
        except BadBarsError:  # where a column has no value in any row
            columns = tuple(filter(self._is_filled, columns))
            return columns, *self._judged(columns)

    def _judged(self, columns: Sequence[str]) -> tuple[Settled, list[str]]:
        reading = replace(self.reading, values=tuple(columns))
        return settle([*self.places], reading, slot=1, heads=self.heads, judged=True, versions=self.versions)

    def _is_filled(self, column: str) -> bool:
        with suppress(BadBarsError):
            self._judged([column])
            return True
        return False


def values_in(inputs: Mapping[str, Layout], reading: Reading) -> tuple[str, ...]:
    """The columns of VALUES that all of these inputs have."""
    if reading.wide is not None:
        return (reading.wide,)
    return tuple(name for name in VALUES if all(_has(path, one, name, reading) for path, one in inputs.items()))


def _has(path: str, layout: Layout, name: str, reading: Reading) -> bool:
    """Whether an input has one column of that name, or an alias of it."""
    names = list(dict.fromkeys(layout.names)) if layout.wide else layout.names  # in which each is there for each symbol
    with suppress(InputError):
        value_columns(path, names, replace(reading, values=(name,)))
        return True
    return False


def _warn(settled: Settled, empty: Sequence[str], heads: Mapping[str, Head]) -> None:
    """Says what a job would warn of."""
    say(*(f"warning: {path}: has no rows; skipped" for path in empty))
    cut = without_line_end(settled, heads)
    why = "its last line has no line end; it is loaded, but a file that was cut short looks the same"
    say(*(f"warning: {path}: {why}" for path in cut[:_TOLD]))
    say(*([f"warning: so have the last lines of {len(cut) - _TOLD:,} more files"] if len(cut) > _TOLD else []))


def _left_out(settled: Settled) -> list[str]:
    """Which columns stay behind."""
    layouts = list(settled.inputs.values())
    others = sorted({name for one in layouts for name in one.names if name and name not in one.read and not one.wide})
    few = ", ".join(others[:_TOLD]) + (", ..." if len(others) > _TOLD else "")
    return [f"note: not loaded: {few}; --column names what is to be"] if others else []
