"""Results -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> value...`.

A float is written in the shortest form that reads back to the same float64; a column that has no value yet is an empty
field. Symbols stay percent-encoded (sort_keys/keys.py), so a line has as many tabs as it has columns, whatever a symbol
holds.

No line is ever an object of Python's. orjson writes all values of some thousands of lines as one array of JSON, whose
commas become tabs and line ends; texts of times are kept, most symbols having bars at the same ones; and arrow joins
symbols, times and rows. A line of one value costs 70 ns, where a join of three bytes objects a line costs 110.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from sort_keys.merge import Stretch
from windrow.sinks import Write
from windrow.times import SECOND, format_seconds, format_times

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

#: Lines formatted at once; more would only take more memory.
_BATCH = 16_384
#: Texts of times that are kept, some 30 bytes each.
_KEPT = 1 << 16
#: Lines of one symbol in a row from which on it pays to look for their times together.
_LONG = 512
_TAB, _LINE_END = b"\t\n"


def line_sink(stream: BinaryIO, dated: bool) -> Write:
    """Writes what it is given to a stream, as lines."""

    def write(stretch: Stretch, index: Int64, columns: Sequence[Float64]) -> None:
        for lines in format_lines(stretch, index, columns, dated):
            stream.write(lines)

    return write


def format_lines(stretch: Stretch, index: Int64, columns: Sequence[Float64], dated: bool) -> Iterator[memoryview]:
    r"""Lines, some thousands at a time, for the bars at `index` of a stretch; `columns` hold their values.

    >>> bars = Stretch([b"AA"], np.array([0]), False, np.array([0, 86_400 * 10**9]), [])
    >>> b"".join(format_lines(bars, np.array([1]), [np.array([0.1]), np.array([np.nan])], dated=True))
    b'AA\t1970-01-02\t0.1\t\n'
    """
    begins = np.searchsorted(index, stretch.starts).tolist()
    for at in range(0, len(index), _BATCH):
        end = min(at + _BATCH, len(index))
        first = bisect_right(begins, at) - 1
        cuts = [cut - at for cut in (at, *begins[first + 1 : bisect_left(begins, end)], end)]
        symbols = _symbol_fields(stretch.symbols[first : first + len(cuts) - 1], cuts)
        times = _time_fields(dated).of(stretch.times[index[at:end]], cuts)
        yield _join(symbols, times, _rows([column[at:end] for column in columns]))


def _join(symbols: Any, times: Any, rows: Any) -> memoryview:
    import pyarrow.compute as pc

    joined = pc.binary_join_element_wise(symbols, times, rows, _listed([b""])[0])
    _, offsets, data = joined.buffers()
    return memoryview(data)[: np.frombuffer(offsets, np.int32, len(joined) + 1)[-1]]


def _symbol_fields(symbols: list[bytes], cuts: list[int]) -> Any:
    """The first field of each line, with its tab; symbol i has the lines from cut i on."""
    fields = [symbol + b"\t" for symbol in symbols]
    listed = _listed(fields)
    return listed[0] if len(fields) == 1 else _take(listed, np.repeat(np.arange(len(fields)), np.diff(cuts)))


def _rows(columns: Sequence[Float64]) -> Any:
    """The values of each line, with tabs between them and the line's end."""
    values = np.ascontiguousarray(columns[0]) if len(columns) == 1 else np.column_stack(columns).ravel()
    text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
    if np.isnan(values).any():
        text = text.replace(b"null", b"")
    raw = np.frombuffer(text, np.uint8).copy()
    commas = np.flatnonzero(raw == ord(","))
    ends = np.append(commas[len(columns) - 1 :: len(columns)], len(raw) - 1)
    raw[commas] = _TAB
    raw[ends] = _LINE_END
    return _texts(raw, np.concatenate([[1], ends + 1]))


def _texts(raw: npt.NDArray[np.uint8], offsets: Int64) -> Any:
    """Arrow's array of the texts raw[offsets[i]:offsets[i + 1]], without a copy."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(raw)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _listed(texts: list[bytes]) -> Any:
    """The same of a list. pa.array, and pa.scalar, would import pandas, a quarter of a second in every task."""
    return _texts(np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)]))


def _take(texts: Any, at: Int64) -> Any:
    import pyarrow.compute as pc

    return pc.take(texts, pa.Array.from_buffers(pa.int64(), len(at), [None, pa.py_buffer(at)]))


class _TimeFields:
    """Texts of times, each with the tab behind it, kept for the symbols that follow."""

    def __init__(self, dated: bool) -> None:
        self._dated = dated
        self._known = np.empty(0, np.int64)
        self._texts = format_seconds(self._known, dated, b"\t")

    def of(self, times: Int64, cuts: list[int]) -> Any:
        """The texts of times, which ascend between two cuts."""
        if not self._dated and (times % SECOND).any():
            return _listed([text + b"\t" for text in format_times(times, dates=False)])
        at = self._positions(times, cuts)
        offsets = np.arange(len(self._known) + 1) * self._texts.shape[1]
        return _take(_texts(self._texts.ravel(), offsets), at)

    def _positions(self, times: Int64, cuts: list[int]) -> Int64:
        """Where the texts stand, now that all are known."""
        if len(cuts) > len(times) // _LONG:
            return self._find(times)
        found = [self._find_run(times[start:end]) for start, end in pairwise(cuts)]
        if sum(map(len, found)) == len(times):
            return np.concatenate(found)
        return self._find(times)

    def _find_run(self, times: Int64) -> Int64:
        """Most symbols' times follow each other as those of a symbol before did: then their texts lie side by side."""
        if not len(times):
            return np.empty(0, np.int64)
        at = int(np.searchsorted(self._known, times[0]))
        if at == len(self._known) and at + len(times) <= _KEPT:  # of a first symbol, or the only one
            self._known = np.concatenate([self._known, times])
            self._texts = np.concatenate([self._texts, format_seconds(times, self._dated, b"\t")])
        elif not np.array_equal(self._known[at : at + len(times)], times):
            return np.empty(0, np.int64)
        return np.arange(at, at + len(times))

    def _find(self, times: Int64) -> Int64:
        at = np.searchsorted(self._known, times)
        if len(self._known) and (self._known.take(at, mode="clip") == times).all():
            return at
        if len(self._known) + len(times) > _KEPT:
            self._known, self._texts = self._known[:0], self._texts[:0]
        new = np.setdiff1d(times, self._known)
        order = np.argsort(np.concatenate([self._known, new]), kind="stable")
        self._known = np.concatenate([self._known, new])[order]
        self._texts = np.concatenate([self._texts, format_seconds(new, self._dated, b"\t")])[order]
        return np.searchsorted(self._known, times)


@cache
def _time_fields(dated: bool) -> _TimeFields:
    return _TimeFields(dated)
