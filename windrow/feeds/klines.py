"""Binance's candles, which have no header: twelve columns that are known by their values alone."""

import csv
from collections.abc import Sequence

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.bars.epochs import likely_unit
from windrow.times import UNITS

KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "trades", "taker_volume",
    "taker_quote_volume", "ignored",
)  # fmt: skip
_COUNTS = [0, 6, 8, 11]
_DAY = 86_400 * 10**9
_MONTH = (28 * _DAY, 31 * _DAY)


def are_klines(lines: Sequence[bytes], delimiter: str) -> bool:
    """Whether all these lines are Binance's candles; any that is none, and they are not.

    >>> are_klines([b"1673537700000,36.1,36.9,36.05,36.6,120,1673537999999,4392.0,12,60,2196.0,0"], ",")
    True
    >>> are_klines([b"1673537700000,36.1,36.9,36.05,36.6,120,1673537700001,4392.0,12,60,2196.0,5"], ",")
    False
    """
    if delimiter != "," or not lines[0][:1].isdigit():
        return False
    try:
        rows = [row for row in csv.reader(line.decode() for line in lines) if row]
        counts = np.array([[int(row[place]) for place in _COUNTS] for row in rows])
        values = np.array([[float(field) for field in row] for row in rows])
    except (ValueError, IndexError, OverflowError, csv.Error):
        return False
    return values.shape[1] == len(KLINES) and _have_spans(counts[:, 0], counts[:, 1]) and _are_candles(values)


def _have_spans(opened: Ints, closed: Ints) -> bool:
    """Whether each candle closes one count before the next would open: all are as long, or months."""
    unit = likely_unit(int(opened[0]))
    if unit is None or any(likely_unit(int(one)) != unit for one in (opened.min(), opened.max(), closed.max())):
        return False
    spans = (closed + 1 - opened) * UNITS[unit]
    months = (spans >= _MONTH[0]) & (spans <= _MONTH[1]) & (spans % _DAY == 0)
    return bool(((spans == spans[0]).all() and spans[0] >= 10**9) or months.all())


def _are_candles(values: Floats) -> bool:
    _, begin, high, low, end, volume, _, quoted, trades, taken, taken_quoted, ignored = values.T
    prices = (low > 0) & (low <= np.minimum(begin, end)) & (high >= np.maximum(begin, end))
    volumes = (taken >= 0) & (taken <= volume) & (taken_quoted >= 0) & (taken_quoted <= quoted) & (trades >= 0)
    return bool((prices & volumes & (ignored == 0)).all())
