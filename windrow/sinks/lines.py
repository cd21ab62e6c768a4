"""Results -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> value...`.

A float is written in the shortest form that reads back to the same float64; a column that has no value yet is an empty
field. Symbols stay percent-encoded (sort_keys/keys.py), so a line has as many tabs as it has columns, whatever a symbol
holds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import orjson

from sort_keys.merge import Stretch
from windrow.sinks import Write
from windrow.times import format_times

#: Lines formatted at once; more would only take more memory.
_BATCH = 16_384
#: Texts of times that are kept, some 100 bytes each: most symbols have bars at the same times.
_KEPT = 1 << 16
#: Times in a row from which on it pays to look for them together.
_LONG = 64
_TABS = bytes.maketrans(b",", b"\t")


def line_sink(stream: BinaryIO, dated: bool) -> Write:
    """Writes what it is given to a stream, as lines."""

    def write(stretch: Stretch, index: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]]) -> None:
        for lines in format_lines(stretch, index, columns, dated):
            stream.write(lines)

    return write


def format_lines(
    stretch: Stretch, index: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float64]], dated: bool
) -> Iterator[bytes]:
    r"""Lines, some thousands at a time, for the bars at `index` of a stretch; `columns` hold their values.

    >>> bars = Stretch([b"AA"], np.array([0]), False, np.array([0, 86_400 * 10**9]), [])
    >>> b"".join(format_lines(bars, np.array([1]), [np.array([0.1]), np.array([np.nan])], dated=True))
    b'AA\t1970-01-02\t0.1\t\n'
    """
    fields = _time_fields(dated)
    begins = np.searchsorted(index, stretch.starts).tolist()
    for at in range(0, len(index), _BATCH):
        end = min(at + _BATCH, len(index))
        rows = _format_rows([column[at:end] for column in columns])
        first = bisect_right(begins, at) - 1
        cuts = [at, *begins[first + 1 : bisect_left(begins, end)], end]
        symbols = stretch.symbols[first : first + len(cuts) - 1]
        cuts = [cut - at for cut in cuts]
        yield _join(symbols, cuts, fields.of(stretch.times[index[at:end]], cuts), rows)


def _join(symbols: list[bytes], cuts: list[int], times: list[bytes], rows: list[bytes]) -> bytes:
    """All lines by one join of all their pieces: much faster than one join a line. Symbol i has lines from cut i on."""
    parts = [b""] * (3 * len(times))
    for symbol, (start, end) in zip(symbols, pairwise(cuts), strict=True):
        parts[3 * start : 3 * end : 3] = [b"\n%b\t" % symbol] * (end - start)
    parts[1::3] = times
    parts[2::3] = rows
    return b"".join(parts)[1:] + b"\n"


def _format_rows(columns: Sequence[npt.NDArray[np.float64]]) -> list[bytes]:
    """The values of each line, a tab between two: all are written as one array of JSON, and that is cut into rows."""
    values = np.ascontiguousarray(columns[0]) if len(columns) == 1 else np.column_stack(columns)
    text = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY).replace(b"null", b"")
    return text[1:-1].split(b",") if len(columns) == 1 else text[2:-2].translate(_TABS).split(b"]\t[")


class _TimeFields:
    """Texts of times, each with the tab behind it, kept for the symbols that follow."""

    def __init__(self, dated: bool) -> None:
        self._dated = dated
        self._known = np.empty(0, np.int64)
        self._texts: list[bytes] = []
        self._array = np.empty(0, object)  # the same texts, where they were needed so

    def of(self, times: npt.NDArray[np.int64], cuts: list[int]) -> list[bytes]:
        """The texts of times, which ascend between two cuts."""
        if len(cuts) > len(times) // _LONG:
            return self._of_any(times)
        texts: list[bytes] = []
        for start, end in pairwise(cuts):
            texts += self._of_run(times[start:end])
        return texts

    def _of_run(self, times: npt.NDArray[np.int64]) -> list[bytes]:
        """Most symbols' times follow each other as those of a symbol before did: then their texts lie side by side."""
        at = int(np.searchsorted(self._known, times[:1])[0]) if len(times) else 0
        if at == len(self._known):
            return self._append(times)
        if np.array_equal(self._known[at : at + len(times)], times):
            return self._texts[at : at + len(times)]
        return self._of_any(times)

    def _append(self, times: npt.NDArray[np.int64]) -> list[bytes]:
        """Learns times that are later than all known, as those of a first or an only symbol are."""
        self._make_room(len(times))
        texts = format_times(times, self._dated, b"\t")
        self._known = np.concatenate([self._known, times])
        self._texts += texts
        return texts

    def _of_any(self, times: npt.NDArray[np.int64]) -> list[bytes]:
        at = np.searchsorted(self._known, times)
        if not len(self._known) or not (self._known.take(at, mode="clip") == times).all():
            self._learn(np.unique(times))
            at = np.searchsorted(self._known, times)
        if len(self._array) != len(self._texts):
            self._array = np.empty(len(self._texts), object)
            self._array[:] = self._texts
        texts: list[bytes] = self._array[at].tolist()
        return texts

    def _learn(self, times: npt.NDArray[np.int64]) -> None:
        self._make_room(len(times))
        new = np.setdiff1d(times, self._known, assume_unique=True)
        order = np.argsort(np.concatenate([self._known, new]), kind="stable")
        self._known = np.concatenate([self._known, new])[order]
        texts = self._texts + format_times(new, self._dated, b"\t")
        self._texts = [texts[at] for at in order.tolist()]

    def _make_room(self, number: int) -> None:
        if len(self._known) + number > _KEPT:
            self._known, self._texts, self._array = np.empty(0, np.int64), [], np.empty(0, object)


@cache
def _time_fields(dated: bool) -> _TimeFields:
    return _TimeFields(dated)
