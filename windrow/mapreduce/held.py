"""Bars that a mapper holds until those of each symbol make a long block.

Of tens of thousands of symbols that is all bars of the task, or as many as there is room for. So those are packed,
chunk by chunk: times as counts of a unit since the first, values as counts of a decimal place, in 32 bits where every
one comes back from that to the last bit. Bars of one value take 10 bytes then, not 21. They leave in pieces, each with
all bars of some symbols, so that what follows takes memory for a piece, and finds it in the processor's cache.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sort_keys.keys import code_order
from windrow.arrays import Codes, Floats, Ints, Mask, distinct
from windrow.bars.columns import Bars, Names, join_bars

#: Bars of a symbol that make a block long enough.
_FEW_BARS = 512
#: Bars that may wait as they are: so many of five hundred symbols, and packing them would take longer than it saves.
_UNPACKED = 1 << 18
#: Bytes that packed bars may take, and how many names there may be: a name takes ten times the memory of a bar.
_MOST_BYTES, _MOST_NAMES = 26 << 20, 200_000
#: Bars of a piece, if no symbol has more.
_PIECE_BARS = 1 << 15
#: Units in which times may be counted, in ns, and in how many parts of one values may.
_UNITS, _PARTS = (10**9, 10**6, 10**3), (1e2, 1.0, 1e4, 1e6)
#: Values that tell which of them to try.
_FEW = 64


class Held:
    """The bars that wait, and the names of all symbols so far.

    >>> held = Held()
    >>> held.add(Bars(["A"], np.zeros(2, np.int32), np.arange(2), [np.array([0.5, 0.25])], np.zeros(2, bool)))
    >>> held.is_enough, [bars.values for bars in held.taken()]
    (False, [[array([0.5 , 0.25])]])
    """

    def __init__(self) -> None:
        self._names = Names()
        self._clear()

    def _clear(self) -> None:
        self._plain: list[Bars] = []
        self._packed: list[_Packed] = []
        self._without: list[Bars] = []  # what else is known of the chunks that are packed
        self._bars = self._bytes = self._most = 0
        if len(self._names) >= _MOST_NAMES:
            self._names = Names()

    def add(self, bars: Bars) -> None:
        """Takes a chunk."""
        self._most = max(self._most, len(bars.symbols))
        self._bars += len(bars)
        self._plain.append(self._names.of(bars))
        if self._bars < self._most * _FEW_BARS > _UNPACKED:
            self._pack()

    @property
    def is_enough(self) -> bool:
        """Whether blocks are long enough, or there is no room for more."""
        long = self._bars >= self._most * _FEW_BARS
        return long or self._bytes >= _MOST_BYTES or len(self._names) >= _MOST_NAMES

    def taken(self) -> Iterator[Bars]:
        """The bars, which then wait no longer."""
        if self._packed:
            self._pack()
        plain, packed, without = self._plain, self._packed, self._without
        self._clear()
        if packed:
            yield join_bars(without)
            yield from _pieces(packed, without[-1].symbols)
        elif plain:
            joined = join_bars(plain)
            del plain  # so that what follows uses their memory again
            yield joined

    def _pack(self) -> None:
        for bars in self._plain:
            packed = _packed(bars)
            self._packed.append(packed)
            self._bytes += packed.nbytes
            none, values = np.empty(0, np.int64), [np.empty(0) for _ in bars.values]
            empty = replace(bars, codes=none.astype(np.int32), times=none, values=values, timed=none.astype(bool))
            self._without.append(empty)
        self._plain.clear()


class _Counts(NamedTuple):
    """Numbers that are counts of a unit, after a first one; or themselves, where the unit is 0."""

    counts: npt.NDArray[Any]
    first: int = 0
    unit: float = 0

    def times(self, rows: slice) -> Ints:
        """The times in some rows."""
        counts = self.counts[rows]
        return counts.astype(np.int64) * int(self.unit) + self.first if self.unit else counts

    def values(self, rows: slice) -> Floats:
        """The values in some rows."""
        counts = self.counts[rows]
        return counts / self.unit if self.unit else counts


class _Packed(NamedTuple):
    """A chunk's bars by symbol."""

    codes: npt.NDArray[Any]
    times: _Counts
    values: list[_Counts]
    timed: Mask

    @property
    def nbytes(self) -> int:
        """The bytes that they take."""
        columns = (self.codes, self.times.counts, *(value.counts for value in self.values), self.timed)
        return sum(column.nbytes for column in columns if column.strides != (0,))


def _packed(bars: Bars) -> _Packed:
    codes = bars.codes.astype(np.uint16) if len(bars.symbols) <= 1 << 16 else bars.codes
    times, values = _counted_times(bars.times), list(map(_counted_values, bars.values))
    timed = _once(bars.timed)
    if (codes[1:] >= codes[:-1]).all():
        return _Packed(codes, times, values, timed)
    order = code_order(bars.codes, len(bars.symbols))
    sort = [column._replace(counts=column.counts[order]) for column in (times, *values)]
    return _Packed(codes[order], sort[0], sort[1:], timed if timed.strides == (0,) else timed[order])


def _once(timed: Mask) -> Mask:
    """The same, which takes no memory if all are alike."""
    return np.broadcast_to(timed[0], timed.shape) if len(timed) and (timed == timed[0]).all() else timed


def _counted_times(times: Ints) -> _Counts:
    if len(times):
        first = times.min()
        since = (times - first).view(np.uint64)  # also where the difference wraps
        for unit in map(np.uint64, _UNITS):
            few = since[:_FEW]
            if (few // unit * unit == few).all():
                counts = since // unit
                if counts.max() < 1 << 32 and (counts * unit == since).all():
                    return _Counts(counts.astype(np.uint32), int(first), int(unit))
    return _Counts(times)


def _counted_values(values: Floats) -> _Counts:
    for parts in _PARTS:
        if _narrowed(values[:_FEW], parts) is not None and (counts := _narrowed(values, parts)) is not None:
            return _Counts(counts, unit=parts)
    return _Counts(values)


def _narrowed(values: Floats, parts: float) -> Codes | None:
    """Values counted in 1 / parts; None if that is too many for 32 bits, or some value differs from that in a bit."""
    counts = np.rint(values * parts)
    if not np.abs(counts).max(initial=0) < 1 << 31:  # or a NaN
        return None
    narrow = counts.astype(np.int32)  # before it is compared: a -0.0 is lost
    return narrow if ((narrow / parts).view(np.int64) == values.view(np.int64)).all() else None


def _pieces(parts: Sequence[_Packed], symbols: Sequence[str]) -> Iterator[Bars]:
    """The bars of all parts, those of some symbols after those of others."""
    ends = np.cumsum(sum(np.bincount(part.codes, minlength=len(symbols)) for part in parts))
    cuts = np.searchsorted(ends, np.arange(_PIECE_BARS, ends[-1], _PIECE_BARS)) + 1
    firsts = distinct(np.concatenate([[0], cuts, [len(symbols)]])).tolist()
    rows = [np.searchsorted(part.codes, np.array(firsts)).tolist() for part in parts]
    for at, (first, end) in enumerate(pairwise(firsts)):
        slices = [(part, slice(begins[at], begins[at + 1])) for part, begins in zip(parts, rows, strict=True)]
        yield Bars(
            list(symbols[first:end]),
            np.concatenate([part.codes[its] for part, its in slices]).astype(np.int32) - np.int32(first),
            np.concatenate([part.times.times(its) for part, its in slices]),
            [np.concatenate([part.values[i].values(its) for part, its in slices]) for i in range(len(parts[0].values))],
            np.concatenate([part.timed[its] for part, its in slices]),
        )
