"""Rows for bars, as a DataFrame: symbol, timestamp, and a column for each value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.arrays import Ints


class Rows:
    """Collects rows for the bars of stretches that follow each other; `expected` is about how many there will be.

    Memory: the rows, as arrays. They are written where they stay: the first use of memory takes longer than averages.
    """

    def __init__(self, names: Sequence[str], expected: int = 1 << 10) -> None:
        self._names = names
        self._symbols: list[bytes] = []
        self._counts: list[int] = []
        self._columns: list[Any] = []  # times first
        self._room, self._rows = expected, 0

    def add(self, stretch: Stretch, index: Ints, columns: Sequence[Any]) -> None:
        """Adds rows for the bars at `index` of a stretch; `columns` hold their values."""
        begins = np.searchsorted(index, stretch.starts)
        counts = np.diff(begins, append=len(index)).tolist()
        if stretch.continued:
            self._counts[-1] += counts[0]
        self._symbols += stretch.symbols[stretch.continued :]
        self._counts += counts[stretch.continued :]
        new = [stretch.times[index], *columns]
        begin, self._rows = self._rows, self._rows + len(index)
        if not self._columns or self._rows > self._room:
            self._room = max(self._room, 2 * self._rows)
            old = self._columns or new
            self._columns = [_longer(column[:begin], self._room) for column in old]
        for column, rows in zip(self._columns, new, strict=True):
            column[begin : self._rows] = rows

    def frame(self) -> pd.DataFrame:
        """The rows, in the order in which they were added; times are naive datetimes in UTC."""
        empty = [np.empty(0, np.int64), *(np.empty(0) for _ in self._names)]
        times, *columns = [column[: self._rows] for column in self._columns or empty]
        if 2 * self._rows < self._room:
            times, columns = times.copy(), [column.copy() for column in columns]
        symbols = pd.array(_repeated(self._symbols, self._counts), dtype=str)
        return frame_of([symbols, times.view("datetime64[ns]"), *columns], self._names)


def _longer(column: Any, rows: int) -> Any:
    longer = np.empty(rows, column.dtype)
    longer[: len(column)] = column
    return longer


def _repeated(symbols: Sequence[bytes], counts: Sequence[int]) -> Any:
    """The texts of symbols, each as often as counted, as an array of arrow."""
    texts = [decode_symbol(symbol).encode() for symbol in symbols]
    widths = np.array([len(text) for text in texts], np.int64)
    if len(set(widths.tolist())) == 1:
        offsets = np.arange(0, (sum(counts) + 1) * widths[0], widths[0])
    else:
        offsets = np.concatenate([[0], np.cumsum(np.repeat(widths, counts))])
    raw = b"".join([text * count for text, count in zip(texts, counts, strict=True)])
    return pa.Array.from_buffers(pa.large_string(), sum(counts), [None, pa.py_buffer(offsets), pa.py_buffer(raw)])


def frame_of(columns: Sequence[Any], names: Sequence[str]) -> pd.DataFrame:
    """A frame of symbols, timestamps and values; two of the values' names may be equal.

    >>> list(frame_of([["AA"], [np.datetime64("2008-03-03")], [1.0], [2.0]], ["sma:1", "sma:1"]))
    ['symbol', 'timestamp', 'sma:1', 'sma:1']
    """
    frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
    frame.columns = pd.Index(["symbol", "timestamp", *names])
    return frame.astype({"symbol": str})
