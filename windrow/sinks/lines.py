"""Results -> lines of text, `SYMBOL <tab> TIMESTAMP <tab> value...`.

A float is written in the shortest form that reads back to the same float64; a column that has no value yet is an empty
field. Symbols stay percent-encoded (sort_keys/keys.py), so a line has as many tabs as it has columns, whatever a symbol
holds.
"""

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
    owners = np.searchsorted(stretch.starts, index, side="right") - 1
    for at in range(0, len(index), _BATCH):
        batch = slice(at, at + _BATCH)
        times = _time_fields(dated).of(stretch.times[index[batch]])
        yield _join(stretch.symbols, owners[batch], times, _format_rows([column[batch] for column in columns]))


def _join(symbols: list[bytes], owners: npt.NDArray[np.int64], times: list[bytes], rows: list[bytes]) -> bytes:
    """All lines by one join of all their pieces: much faster than one join a line."""
    parts = [b""] * (3 * len(times))
    cuts = [0, *(np.flatnonzero(np.diff(owners)) + 1).tolist(), len(times)]
    for start, end in pairwise(cuts):
        begin = b"\n%b\t" % symbols[owners[start]]
        parts[3 * start : 3 * end : 3] = [begin] * (end - start)
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
        self._texts = np.empty(0, object)

    def of(self, times: npt.NDArray[np.int64]) -> list[bytes]:
        at = np.searchsorted(self._known, times)
        if not len(self._known) or not (self._known.take(at, mode="clip") == times).all():
            self._learn(np.unique(times))
            at = np.searchsorted(self._known, times)
        texts: list[bytes] = self._texts[at].tolist()
        return texts

    def _learn(self, times: npt.NDArray[np.int64]) -> None:
        if len(self._known) + len(times) > _KEPT:
            self._known, self._texts = self._known[:0], self._texts[:0]
        new = np.setdiff1d(times, self._known, assume_unique=True)
        texts = np.empty(len(new), object)
        texts[:] = [text + b"\t" for text in format_times(new, self._dated)]
        order = np.argsort(np.concatenate([self._known, new]), kind="stable")
        self._known = np.concatenate([self._known, new])[order]
        self._texts = np.concatenate([self._texts, texts])[order]


@cache
def _time_fields(dated: bool) -> _TimeFields:
    return _TimeFields(dated)
