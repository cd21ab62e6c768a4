"""Results -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> value...`.

A float is written in the shortest form that reads back to the same float64; a column that has no value yet is an empty
field. Symbols stay percent-encoded (sort_keys/keys.py), so the number of a line's tabs does not depend on the symbol.

No line is ever a Python object. orjson writes all values of some thousands of lines as one JSON array, whose commas
become tabs and line ends; the texts of times are kept, as most symbols have bars at the same times; and arrow joins
symbols, times and rows. A line of one value costs 70 ns, where a join of three bytes objects per line costs 110.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints, distinct
from windrow.sinks import Write
from windrow.times import SECOND, format_seconds, format_times

#: Lines formatted at once; more would only take more memory.
_BATCH = 16_384
#: Texts of times that are kept, some 30 bytes each.
_KEPT = 1 << 16
#: From this many lines of one symbol in a row it pays to look up their times together.
_LONG = 128
_TAB, _LINE_END = b"\t\n"


def line_sink(stream: BinaryIO, dated: bool) -> Write:
    """Writes results to a stream, as lines."""

    def write(stretch: Stretch, index: Ints, columns: Sequence[Floats]) -> None:
        for lines in format_lines(stretch, index, columns, dated):
            stream.write(lines)

    return write


def format_lines(stretch: Stretch, index: Ints, columns: Sequence[Floats], dated: bool) -> Iterator[memoryview]:
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
        symbols = [symbol + b"\t" for symbol in stretch.symbols[first : first + len(cuts) - 1]]
        keys = _keys(symbols, cuts, stretch.times[index[at:end]], dated)
        yield _joined(keys, _rows([column[at:end] for column in columns]))


def _joined(keys: Any, rows: Any) -> memoryview:
    from windrow.sinks.joining import joined  # only reducers need it

    lines = joined(keys, rows, _listed([b""])[0])
    _, offsets, data = lines.buffers()
    return memoryview(data)[: np.frombuffer(offsets, np.int32, len(lines) + 1)[-1]]


def _keys(symbols: list[bytes], cuts: list[int], times: Ints, dated: bool) -> Any:
    """The first two fields of each line; symbol i, which includes its tab, has the lines from cut i on."""
    if not dated and (times % SECOND).any():
        texts = format_times(times, dates=False)
        runs = zip(symbols, pairwise(cuts), strict=True)
        return _listed([symbol + text + b"\t" for symbol, (at, end) in runs for text in texts[at:end]])
    fields = _time_fields(dated).of(times, cuts)
    raw, widths, first = [], [], 0
    for width, group in groupby(symbols, len):
        last = first + len(alike := list(group))
        begin, end = cuts[first], cuts[last]
        keys = _keys_of_one_width(alike, np.diff(cuts[first : last + 1]), fields[begin:end])
        raw.append(keys.view(np.uint8))
        widths.append(np.full(end - begin, width + fields.itemsize))
        first = last
    return _texts(np.concatenate(raw), np.cumsum(np.concatenate([[0], *widths])))


def _keys_of_one_width(symbols: list[bytes], lines: Ints, times: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Symbols of equally many bytes, each on its number of lines, and the lines' times, side by side."""
    symbol = np.frombuffer(b"".join(symbols), f"V{len(symbols[0])}")
    keys = np.empty(len(times), [("symbol", symbol.dtype), ("time", times.dtype)])
    keys["symbol"] = np.repeat(symbol, lines)
    keys["time"] = times
    return keys


def _rows(columns: Sequence[Floats]) -> Any:
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


def _texts(raw: npt.NDArray[np.uint8], offsets: Ints) -> Any:
    """The arrow array of the texts raw[offsets[i]:offsets[i + 1]], without a copy."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(raw)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _listed(texts: list[bytes]) -> Any:
    """The same for a list. pa.array, and pa.scalar, would import pandas, a quarter of a second in every task."""
    return _texts(np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)]))


class _TimeFields:
    """Texts of times, all of one width including a tab, kept for the symbols that follow.

    A reducer takes symbols one after another, each from its first bar on; so the first times to appear are kept. Once
    there is no more room, texts are made each time: 60 ns each.
    """

    def __init__(self, dated: bool) -> None:
        self._dated = dated
        self._known = np.empty(0, np.int64)
        self._texts = self._format(self._known)

    def of(self, times: Ints, cuts: list[int]) -> npt.NDArray[np.void]:
        """The texts of times, which ascend between two cuts."""
        if len(cuts) <= len(times) // _LONG:
            runs = [self._of_run(times[start:end]) for start, end in pairwise(cuts)]
            if sum(map(len, runs)) == len(times):
                return np.concatenate(runs)
        return self._of_any(times)

    def _of_run(self, times: Ints) -> npt.NDArray[np.void]:
        """Most symbols' times follow each other as an earlier symbol's did: then their texts are side by side."""
        if not len(times):
            return self._texts[:0]
        at = int(np.searchsorted(self._known, times[0]))
        kept = self._known[at : at + len(times)]
        if not np.array_equal(kept, times[: len(kept)]):
            return self._texts[:0]
        new = times[len(kept) :]  # after all that are kept
        if not len(new):
            return self._texts[at : at + len(times)]
        texts = self._format(new)
        run = np.concatenate([self._texts[at:], texts])
        if len(self._known) + len(new) <= _KEPT:
            self._known, self._texts = np.concatenate([self._known, new]), np.concatenate([self._texts, texts])
        return run

    def _of_any(self, times: Ints) -> npt.NDArray[np.void]:
        at = np.searchsorted(self._known, times)
        if not len(self._known) or (missing := self._known.take(at, mode="clip") != times).any():
            new = distinct(times[missing] if len(self._known) else times)
            if len(self._known) + len(new) > _KEPT:
                return self._format(times)
            order = np.argsort(np.concatenate([self._known, new]), kind="stable")
            self._known = np.concatenate([self._known, new])[order]
            self._texts = np.concatenate([self._texts, self._format(new)])[order]
            at = np.searchsorted(self._known, times)
        return self._texts.take(at)

    def _format(self, times: Ints) -> npt.NDArray[np.void]:
        texts = format_seconds(times, self._dated, b"\t")
        return np.ascontiguousarray(texts).view(f"V{texts.shape[1]}").reshape(len(times))


@cache
def _time_fields(dated: bool) -> _TimeFields:
    return _TimeFields(dated)
