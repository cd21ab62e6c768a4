"""Slices: one long series shared by many reducers, exactly.

Each slice of a symbol goes through a kernel of its own, which starts without bars. Its values are correct from where
they no longer depend on bars before the slice. The bars before that, the slice's head, are passed on, and so is its
tail, which the head of the next slice needs. A second, small step runs these edges through one kernel for each symbol,
in order of time; that kernel skips the bars between a head and a tail, using the results of their own kernel.

    slice            |--------- 1 ---------|--------- 2 ---------|
    first step       |head....values.......|head....values.......|
    passed on        |head|          |tail||head|          |tail||
    second step      |head| -------> |tail||head| -------> |tail||
                     values                 values

So windows are exact to the last bit: all their bars are there. A recursive average starts afresh in each slice; by
the end of the head its start has faded, and the second step checks that both give the same value.

An edge is sent as SYMBOL <tab> TIMESTAMP <tab> JSON, whose numbers are exact; Hadoop sorts it like any block. The time
of a head is that of its first bar, the time of a tail that of its last.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
import orjson

from sort_keys.keys import encode_time, split_record, split_slice
from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.windows.kernel import Skipped
from windrow.windows.window import Reach, elapsed

#: Lines for the bars at an index of a stretch, and the columns of their values.
Lines = tuple[Stretch, Ints, list[Floats]]


class SlicedKernel(Protocol):
    """What a kernel needs besides `push` for its series to be sliced: see `windows.Kernel`."""

    @property
    def head(self) -> Reach:
        """The first bars of a slice, whose values need bars before it."""
        ...

    @property
    def tail(self) -> Reach:
        """The last bars of a slice, which values after it need."""
        ...

    def push(self, times: Ints, /, *values: Floats, starts: Ints) -> tuple[Ints, list[Floats]]:
        """Positions of the bars that get a line, and the columns of those lines (NaN: no value)."""
        ...

    def skip(self, times: Ints, /, *values: Floats, skipped: Sequence[Skipped]) -> None:
        """Skips bars that another kernel has processed; `times` and `values` are their tail."""
        ...


class Slicer:
    """Separates the final lines of slices from those of their heads, and passes on the slices' edges.

    Memory: the tail of one slice, and the kernel's state.
    """

    def __init__(self, kernel: SlicedKernel) -> None:
        self._kernel = kernel
        self._head = Reach(
            max(1, kernel.head.bars), kernel.head.span_ns
        )  # every slice needs a head: it names the symbol
        self._slice: _Slice | None = None

    def push(self, stretch: Stretch) -> tuple[Lines, list[bytes]]:
        """The final lines of a stretch whose symbols are slices, and the edges that are complete by now."""
        index, columns = self._kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts)
        symbols = [split_slice(field)[0] for field in stretch.symbols]
        in_head = np.zeros(len(stretch.times), bool)
        edges: list[bytes] = []
        for number, (begin, end) in enumerate(pairwise([*stretch.starts.tolist(), len(stretch.times)])):
            if number or not stretch.continued:
                edges += self.close()
                self._slice = _Slice(symbols[number], int(stretch.times[begin]))
            assert self._slice is not None
            bars = _Bars(stretch.times[begin:end], [value[begin:end] for value in stretch.values])
            heads = self._slice.heads(bars.times, self._head)
            in_head[begin : begin + heads] = True
            before, last = (_values_at(bar, index, columns) for bar in (begin + heads - 1, end - 1))
            edges += self._slice.take(bars, heads, before, last, self._kernel.tail)
        final = ~in_head[index]
        stretch = stretch._replace(symbols=symbols)
        return (stretch, index[final], [column[final] for column in columns]), edges

    def close(self) -> list[bytes]:
        """The edges of the last slice, which has no more bars."""
        last, self._slice = self._slice, None
        return last.close() if last else []


class _Bars(NamedTuple):
    times: Ints
    values: list[Floats]

    def rows(self, start: int, end: int | None = None) -> "_Bars":
        return _Bars(self.times[start:end], [value[start:end] for value in self.values])

    def then(self, more: "_Bars") -> "_Bars":
        both = zip(self.values, more.values, strict=True)
        return _Bars(np.concatenate([self.times, more.times]), [np.concatenate(pair) for pair in both])

    def last(self, reach: Reach) -> "_Bars":
        """The bars within reach of what follows; a copy, so that the others can be freed."""
        ages = elapsed(self.times[-1:], self.times)[::-1]
        many = max(reach.bars, int(np.searchsorted(ages, np.uint64(reach.span_ns))))
        kept = self.rows(max(0, len(self.times) - many))
        return _Bars(kept.times.copy(), [value.copy() for value in kept.values])


class _Slice:
    """The state of a slice while its bars arrive."""

    def __init__(self, symbol: bytes, born: int) -> None:
        self._symbol, self._born = symbol, born
        self._bars = self._after = 0  # all, and those after the head
        self._last_time = born
        self._before: list[float] = []  # the kernel's values at the head's end
        self._end: list[float] = []  # and at the last bar
        self._tail: _Bars | None = None
        self._largest = 0.0  # magnitude

    def heads(self, times: Ints, reach: Reach) -> int:
        """How many of the slice's next bars belong to its head."""
        if self._after:
            return 0
        near = int(np.searchsorted(elapsed(times, np.int64(self._born)), np.uint64(reach.span_ns)))
        return max(min(len(times), reach.bars - self._bars), near)

    def take(self, bars: _Bars, heads: int, before: list[float], end: list[float], reach: Reach) -> list[bytes]:
        """Takes the next bars, of which the first `heads` belong to the head; returns those as an edge.

        `before` and `end` are the kernel's values at the last bar of the head and at the last of all.
        """
        head, after = bars.rows(0, heads), bars.rows(heads)
        self._largest = max(self._largest, *(float(np.abs(value).max()) for value in bars.values))
        self._bars += len(bars.times)
        self._after += len(after.times)
        if len(after.times):
            self._end = end
            self._tail = (self._tail.then(after) if self._tail else after).last(reach)
            self._last_time = int(after.times[-1])
        if not heads:
            return []
        self._before = before
        return [_line(self._symbol, int(head.times[0]), head, None)]

    def close(self) -> list[bytes]:
        """The edge at the slice's end: the tail, and the results for the bars after the head."""
        if self._tail is None:
            return []
        skipped = [(self._after, *pair, self._largest) for pair in zip(self._before, self._end, strict=True)]
        return [_line(self._symbol, self._last_time, self._tail, skipped)]


def _values_at(bar: int, index: Ints, columns: Sequence[Floats]) -> list[float]:
    """The values of a bar's line; NaN where it has none."""
    at = int(np.searchsorted(index, bar))
    has_line = at < len(index) and index[at] == bar
    return [float(column[at]) if has_line else np.nan for column in columns]


def _line(symbol: bytes, time: int, bars: _Bars, skipped: list[tuple[int, float, float, float]] | None) -> bytes:
    edge = {"times": bars.times, "values": bars.values, "skipped": skipped}
    return b"%b\t%b\t%b\n" % (symbol, encode_time(time), orjson.dumps(edge, option=orjson.OPT_SERIALIZE_NUMPY))


def stitch(kernel: SlicedKernel, edges: Iterable[bytes]) -> Iterator[Lines]:
    """The lines of all heads, from the sorted edges of any number of symbols, through one kernel.

    Raises SliceError if a slice's values differ from the series', and InputError for what is not an edge.
    """
    last = None
    for symbol, _, payload in map(split_record, edges):
        times, values, skipped = _read(symbol, payload)
        if skipped is None:
            continued = symbol == last
            starts = np.zeros(0 if continued else 1, np.int64)
            index, columns = kernel.push(times, *values, starts=starts)
            yield Stretch([symbol], np.zeros(1, np.int64), continued, times, values), index, columns
        else:
            kernel.skip(times, *values, skipped=skipped)
        last = symbol


def _read(symbol: bytes, payload: bytes) -> tuple[Ints, list[Floats], list[Skipped] | None]:
    try:
        edge = orjson.loads(payload)
        skipped = edge["skipped"]
        return (
            np.array(edge["times"], np.int64),
            [np.array(value, np.float64) for value in edge["values"]],
            None if skipped is None else [Skipped(bars, *map(_or_nan, results)) for bars, *results in skipped],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"a reducer read {payload[:80]!r} of symbol {symbol!r}: is no edge of a slice as this version of windrow"
            " writes it; install the same version on all nodes, and run the job again"
        ) from error


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
