"""Rows for bars, as a DataFrame: symbol, timestamp, and a column for each value."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.arrays import Ints


class Rows:
    """Collects rows for the bars of stretches that follow each other. Memory: the rows, as arrays."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._symbols: list[str] = []
        self._parts: list[list[Any]] = [[np.empty(0, np.int64), np.empty(0, np.int64), *(np.empty(0) for _ in names)]]

    def add(self, stretch: Stretch, index: Ints, columns: Sequence[Any]) -> None:
        """Adds rows for the bars at `index` of a stretch; `columns` hold their values."""
        first = len(self._symbols) - stretch.continued
        self._symbols += map(decode_symbol, stretch.symbols[stretch.continued :])
        owners = np.searchsorted(stretch.starts, index, side="right") - 1 + first
        self._parts.append([owners, stretch.times[index], *columns])

    def frame(self) -> pd.DataFrame:
        """The rows, in the order in which they were added; times are naive datetimes in UTC."""
        owners, times, *columns = map(np.concatenate, zip(*self._parts, strict=True))
        symbols = pd.array(self._symbols, dtype=str).take(owners)
        return frame_of([symbols, times.view("datetime64[ns]"), *columns], self._names)


def frame_of(columns: Sequence[Any], names: Sequence[str]) -> pd.DataFrame:
    """A frame of symbols, timestamps and values; two of the values' names may be equal.

    >>> list(frame_of([["AA"], [np.datetime64("2008-03-03")], [1.0], [2.0]], ["sma:1", "sma:1"]))
    ['symbol', 'timestamp', 'sma:1', 'sma:1']
    """
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(["symbol", "timestamp", *names])
    return frame.astype({"symbol": str})
