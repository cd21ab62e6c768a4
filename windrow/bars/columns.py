"""Bars as columns, and the layout of an input."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from windrow.arrays import Floats, Ints, Mask
from windrow.bars.form import PLAIN_FORM, Form
from windrow.bars.selection import Selection
from windrow.errors import InputError
from windrow.times import format_times


@dataclass(frozen=True)
class Layout:
    """The columns of an input and the form of its rows, settled once, from its header and first rows.

    `symbol` is None if the file has no such column and all bars have `constant_symbol`. `dated` is whether the input's
    times are dates, or have a time of day (None: unknown); times that are all midnight on their own clock are dates.
    `time_of_day` is the column with what follows the date in `time`, in files that have two.
    `adjusted_by` is the column of adjusted closes by which prices are scaled (windrow/bars/adjusted.py): then only the
    first `asked` of `values` remain, and the others are parsed for that.
    `wide` has, of an input with a column for each symbol, the symbols and the columns of each one's `values`; then the
    names of these columns are those of values, and `header` is all lines of the header.
    """

    names: tuple[str, ...]
    symbol: str | None
    time: str
    values: tuple[str, ...]
    constant_symbol: str | None = None
    header: bytes | None = None
    dated: bool | None = None
    timezone: str = "UTC"
    time_unit: str | None = None
    time_of_day: str | None = None
    form: Form = PLAIN_FORM
    adjusted_by: str | None = None
    asked: int = 0
    wide: tuple[tuple[str, tuple[int, ...]], ...] = ()
    renamed: tuple[str, ...] = ()
    """Which of the old names of --rename the input has."""
    powers: tuple[int, ...] = ()
    """By which powers of ten the values are multiplied, each column's; none: by none."""
    selection: Selection | None = None
    """Which rows are the job's; None: all."""
    unknown: bool = False
    """Whether rows that lack values are bars, with UNKNOWN in their place."""

    @property
    def scaled(self) -> list[tuple[str, int]]:
        """The columns of values, each with its power of ten."""
        return list(zip(self.values, self.powers or [0] * len(self.values), strict=True))

    @property
    def needed(self) -> list[str]:
        """Names of the columns that a bar needs."""
        return [name for name in (self.symbol, self.time, self.time_of_day, *self.values) if name is not None]

    @property
    def demanded(self) -> list[str]:
        """Names of the columns without which a row is no bar."""
        return [name for name in self.needed if not (self.unknown and name in self.values)]

    @property
    def read(self) -> list[str]:
        """Names of the columns to parse: also those that tell which rows are selected."""
        if self.selection is None:
            return self.needed
        return list(dict.fromkeys([*self.needed, *(name for name, _ in self.selection.where)]))


class Rejected(NamedTuple):
    """An invalid row: the reason, and its first 1,024 bytes."""

    reason: str
    text: bytes


class Example(NamedTuple):
    """A row that is no bar, for people: what it has and what was expected; the cure for such rows, if it is known."""

    shown: str
    cure: str = ""


@dataclass
class Bars:
    """Parsed bars in input order: bar i has symbol `symbols[codes[i]]` and time `times[i]` (ns UTC)."""

    symbols: list[str]
    codes: npt.NDArray[np.int32]
    times: Ints
    values: list[Floats]
    timed: Mask
    rejected: Counter[str] = field(default_factory=Counter)
    headers: int = 0
    texts: list[Rejected] = field(default_factory=list)
    other_header: bytes | None = None
    """A line that is a header of other columns, or of these in another order."""
    other_ends: bytes | None = None
    """A line that is several rows, which end in carriage returns alone."""
    unselected: int = 0
    """Rows that are none of the job's."""
    examples: dict[str, Example] = field(default_factory=dict)
    """For each reason why rows are no bars, one of them."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def lines(self) -> int:
        """Rows read, headers not counted."""
        return len(self) + self.rejected.total() + self.unselected

    def only(self, rows: Mask) -> "Bars":
        """These rows alone, and the symbols that they have; the others count as not selected."""
        kept = self.codes[rows]
        present = np.zeros(len(self.symbols), bool)
        present[kept] = True
        number = np.cumsum(present, dtype=np.int32) - np.int32(1)
        return Bars(
            [symbol for symbol, has in zip(self.symbols, present.tolist(), strict=True) if has],
            number[kept],
            self.times[rows],
            [values[rows] for values in self.values],
            self.timed[rows],
            self.rejected,
            self.headers,
            self.texts,
            self.other_header,
            self.other_ends,
            self.unselected + len(rows) - len(kept),
            self.examples,
        )


class Names:
    """The symbols of a task's chunks, numbered once: Python compares no name of a later chunk with another.

    >>> names = Names()
    >>> for symbols in (["A", "B"], ["C", "B"]):
    ...     bars = names.of(Bars(symbols, np.array([0, 1], np.int32), np.zeros(2, np.int64), [], np.zeros(2, bool)))
    >>> bars.symbols, bars.codes.tolist()
    (['A', 'B', 'C'], [2, 1])
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._symbols: list[str] = []
        self._last: tuple[list[str], npt.NDArray[np.int32]] = [], np.empty(0, np.int32)

    def __len__(self) -> int:
        return len(self._symbols)

    def of(self, bars: Bars) -> Bars:
        """The same bars, of which `symbols` are those of all chunks so far; that list grows with later ones."""
        if bars.symbols is not self._last[0]:  # chunks with the same symbols share a list of them
            self._last = bars.symbols, self._of(bars.symbols)
        return replace(bars, symbols=self._symbols, codes=self._last[1][bars.codes])

    def _of(self, symbols: list[str]) -> npt.NDArray[np.int32]:
        numbers = self._numbers
        new = list(dict.fromkeys(symbol for symbol in symbols if symbol not in numbers))
        numbers.update(zip(new, range(len(numbers), len(numbers) + len(new)), strict=True))
        self._symbols += new
        return np.fromiter(map(numbers.__getitem__, symbols), np.int32, len(symbols))


def join_bars(parts: Sequence[Bars]) -> Bars:
    """The bars of several chunks as one, in order.

    >>> one, two = (Bars([s], np.zeros(1, np.int32), np.zeros(1, np.int64), [], np.zeros(1, bool)) for s in "AB")
    >>> join_bars([one, two, one]).codes.tolist()
    [0, 1, 0]
    """
    if len(parts) == 1:
        return parts[0]
    names = Names()
    if any(part.symbols is not parts[0].symbols for part in parts):
        parts = [names.of(part) for part in parts]
    return Bars(
        parts[0].symbols,
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.times for part in parts]),
        [np.concatenate(column) for column in zip(*(part.values for part in parts), strict=True)],
        np.concatenate([part.timed for part in parts]),
        sum((part.rejected for part in parts), Counter()),
        sum(part.headers for part in parts),
        [text for part in parts for text in part.texts],
        unselected=sum(part.unselected for part in parts),
        examples=examples_of([part.examples for part in parts]),
    )


def examples_of(found: Iterable[Mapping[str, Example]]) -> dict[str, Example]:
    """For each reason one example, the same in whatever order they were found; one with a cure if there is any."""
    best: dict[str, Example] = {}
    for reason, example in chain.from_iterable(one.items() for one in found):
        best[reason] = min(best.get(reason, example), example, key=lambda one: (not one.cure, one))
    return best


def check_same_columns(bars: Bars, source: str) -> None:
    """Refuses an input with a second header that differs: what the columns below it hold is unclear."""
    if bars.other_header is not None:
        raise InputError(
            f"{source}: has a second header, {bars.other_header[:200].decode(errors='backslashreplace')!r}, of other"
            " columns than its first line, or in another order; the rows of one input have the same columns in the same"
            " places; split it at its headers into files of their own"
        )


def check_line_ends(bars: Bars, source: str) -> None:
    """Refuses a text a part of which ends its lines otherwise: each such part would be one invalid row."""
    if bars.other_ends is not None:
        raise InputError(
            f"{source}: ends its lines in line feeds, but has rows that end in carriage returns alone,"
            f" {bars.other_ends[:100].decode(errors='backslashreplace')!r}; the lines of one input end in one way;"
            f" write them so, e.g. by: tr '\\r' '\\n'"
        )


def check_one_kind_of_time(bars: Bars, layout: Layout, source: str) -> None:
    """Refuses an input that mixes dates and times of day: what its dates mean is unclear."""
    if layout.dated is None or not len(bars):
        return
    odd = bars.timed if layout.dated else ~bars.timed
    if odd.any():
        at = bars.times[np.argmax(odd)][None]
        first, other = ("dates", "a time of day") if layout.dated else ("times of day", "a date alone")
        raise InputError(
            f"{source}: contains {first}, but also {other}: {format_times(at, not layout.dated)[0].decode()};"
            " the times of one input must be all dates or all times of day, or it is unclear when a dated bar is;"
            " write them all in one form, dates or times in UTC, or split the input into two files"
        )
