"""Order statistics of any number of values, which arrive in pieces: exact, in memory that does not grow with them.

The first million values wait in memory. Of more, all are in a file that the caller gives, 8 bytes each, and read again:
once to count them by ranges of equally many floats, of which those that hold a wanted rank are counted more finely, if
they hold too many, and once more to sort what is in those. Two readings are nearly always enough for all quartiles:
there are 65,536 ranges.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats

#: Values that are held in memory, and read from the file at a time.
_HELD = 1 << 20
_RANGES = 1 << 16
_SIGN = np.uint64(1 << 63)


class _Span(NamedTuple):
    """Neighbouring keys, from `low` on, and how many values are below and in them."""

    low: int
    width: int
    below: int
    size: int


class Order:
    """Values by rank. Memory: some million values; more go to the file that `spill` opens; without it all wait.

    >>> one = Order()
    >>> one.add(np.array([3.0, 1.0]))
    >>> one.add(np.array([2.0, 5.0]))
    >>> one.at([0, 2]), one.quantile(1, 2)
    ([1.0, 3.0], Fraction(5, 2))
    """

    def __init__(self, spill: Callable[[], IO[bytes]] | None = None, held: int = _HELD) -> None:
        self.count = 0
        self._spill, self._most, self._pieces = spill, held, list[Floats]()
        self._file: IO[bytes] | None = None
        self._least, self._largest = np.inf, -np.inf

    def add(self, values: Floats) -> None:
        """Adds finite values, (n,)."""
        if not len(values):
            return
        values = values + 0.0  # a copy, and no -0.0
        self.count += len(values)
        self._least, self._largest = min(self._least, float(values.min())), max(self._largest, float(values.max()))
        if self._file is None and self._spill is not None and self.count > self._most:
            self._file = self._spill()
            for piece in self._pieces:
                self._file.write(piece.tobytes())
            self._pieces.clear()
        if self._file is None:
            self._pieces.append(values)
        else:
            self._file.write(values.tobytes())

    def quantile(self, numerator: int, denominator: int) -> Fraction:
        """The quantile that is numpy's default: between the two nearest ranks by a straight line, of exact decimals."""
        rank, rest = divmod((self.count - 1) * numerator, denominator)
        one, other = self.at([rank, min(rank + 1, self.count - 1)])
        return between(one, other, Fraction(rest, denominator))

    def quartiles(self) -> tuple[Fraction, Fraction, Fraction]:
        """The quantiles 1/4, 1/2 and 3/4, from the same readings."""
        parts = [divmod((self.count - 1) * quarter, 4) for quarter in (1, 2, 3)]
        found = self.at([min(rank + up, self.count - 1) for rank, _ in parts for up in (0, 1)])
        pairs = zip(found[::2], found[1::2], parts, strict=True)
        one, two, three = (between(low, high, Fraction(rest, 4)) for low, high, (_, rest) in pairs)
        return one, two, three

    def at(self, ranks: Sequence[int]) -> list[float]:
        """The values of these ranks, 0 the least."""
        if self._file is None:
            values = np.concatenate(self._pieces)
            values.partition(sorted(set(ranks)))
            return [float(values[rank]) for rank in ranks]
        spans = self._narrowed(ranks)
        sorted_in = self._sorted_in({span for span in spans if span.width > 1})
        return [
            float(sorted_in[span][rank - span.below]) if span.width > 1 else _value(span.low)
            for rank, span in zip(ranks, spans, strict=True)
        ]

    def _narrowed(self, ranks: Sequence[int]) -> list[_Span]:
        """For each rank a span of few keys, or of one, that holds it."""
        low, high = _keys(np.array([self._least, self._largest])).tolist()
        spans = [_Span(low, high - low + 1, 0, self.count)] * len(ranks)
        while wide := {span for span in spans if span.width > 1 and span.size > self._most}:
            finer = {span: self._counted(span) for span in wide}
            spans = [
                _within(span, finer[span], rank) if span in finer else span
                for rank, span in zip(ranks, spans, strict=True)
            ]
        return spans

    def _counted(self, span: _Span) -> NDArray[np.int64]:
        """How many values each of a span's ranges has."""
        counts = np.zeros(_RANGES, np.int64)
        for keys in map(_keys, self._values()):
            inside = (keys - np.uint64(span.low))[_inside(keys, span)]
            counts += np.bincount((inside >> np.uint64(_shift(span))).astype(np.int64), minlength=_RANGES)
        return counts

    def _sorted_in(self, spans: set[_Span]) -> dict[_Span, Floats]:
        """The values of some spans, sorted."""
        found: dict[_Span, list[Floats]] = {span: [] for span in spans}
        for values in self._values() if spans else ():
            keys = _keys(values)
            for span, its in found.items():
                its.append(values[_inside(keys, span)])
        return {span: np.sort(np.concatenate(its)) for span, its in found.items()}

    def _values(self) -> Iterator[Floats]:
        assert self._file is not None
        self._file.seek(0)
        while piece := self._file.read(8 * self._most):
            yield np.frombuffer(piece, np.float64)
        self._file.seek(0, 2)


def between(low: float, high: float, share: Fraction) -> Fraction:
    """Between two values, of exact decimals, at a share of the way."""
    first = Fraction(repr(low))
    return first + (Fraction(repr(high)) - first) * share


def _shift(span: _Span) -> int:
    """By how many bits keys of a span are shifted to give the number of their range."""
    return max(0, (span.width - 1).bit_length() - _RANGES.bit_length() + 1)


def _within(span: _Span, counts: NDArray[np.int64], rank: int) -> _Span:
    """The range of a span that holds a rank."""
    ends = np.cumsum(counts)
    number = int(np.searchsorted(ends, rank - span.below, side="right"))
    width, size = 1 << _shift(span), int(counts[number])
    low = span.low + number * width
    return _Span(low, min(width, span.low + span.width - low), span.below + int(ends[number]) - size, size)


def _inside(keys: NDArray[np.uint64], span: _Span) -> NDArray[np.bool_]:
    return (keys >= np.uint64(span.low)) & (keys <= np.uint64(span.low + span.width - 1))


def _keys(values: Floats) -> NDArray[np.uint64]:
    """Whole numbers in the order of the values; neighbouring floats have neighbouring ones.

    >>> _value(int(_keys(np.array([-2.5]))[0]))
    -2.5
    """
    bits = np.ascontiguousarray(values).view(np.uint64)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _value(key: int) -> float:
    bits = np.uint64(key) ^ _SIGN if key >> 63 else ~np.uint64(key)
    return float(bits.view(np.float64))
