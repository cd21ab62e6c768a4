"""Prices adjusted for splits and dividends: open, high, low and close times adj_close / close.

A file that has both closes has its opens, highs and lows unadjusted. Fills at such opens beside averages of adj_close
take a 4:1 split for a loss of three quarters. So all four are scaled, first of all, row by row.
"""

from dataclasses import replace

import numpy as np

from windrow.arrays import Floats, Mask
from windrow.bars.checks import outside_range
from windrow.bars.columns import Bars, Example, Layout
from windrow.exact.quotients import scaled

#: The columns that are scaled; ADJUSTED is what close becomes, and is left as it is.
PRICES = ("open", "high", "low", "close")
ADJUSTED = "adj_close"


def adjusted(bars: Bars, layout: Layout) -> Bars:
    """The bars with the columns that were asked for, scaled if the layout says so. Rows without a ratio are invalid."""
    if layout.adjusted_by is None:
        return bars
    columns = dict(zip(layout.values, bars.values, strict=True))
    asked = layout.values[: layout.asked]
    close, adjusting = columns["close"], columns[layout.adjusted_by]
    ratio = has_ratio(close, adjusting)
    values = [
        scale(columns[name], np.where(ratio, close, 1.0), np.where(ratio, adjusting, 1.0)) if name in PRICES else
        columns[name]
        for name in asked
    ]  # fmt: skip
    outside = np.logical_or.reduce([outside_range(column) for column in values])
    good = ratio & ~outside
    if good.all():
        bars.values = values
        return bars
    for reason, rows in (("adjusted", ~ratio), ("range", ratio & outside)):
        if rows.any():
            bars.rejected[reason] += int(rows.sum())
            at = int(np.argmax(rows))
            shown = f"close {float(close[at])!r} and {layout.adjusted_by} {float(adjusting[at])!r}"
            bars.examples.setdefault(reason, Example(shown))
    values = [one[good] for one in values]
    return replace(bars, codes=bars.codes[good], times=bars.times[good], values=values, timed=bars.timed[good])


def has_ratio(close: Floats, adjusting: Floats) -> Mask:
    """Where adj_close / close is a ratio: above 0, or 1 as both are the same.

    >>> has_ratio(np.array([4.0, 0.0, 0.0, 4.0]), np.array([1.0, 0.0, 1.0, -1.0])).tolist()
    [True, True, False, False]
    """
    ratio: Mask = (np.sign(close) * np.sign(adjusting) > 0) | (close == adjusting)
    return ratio


def scale(prices: Floats, close: Floats, adjusting: Floats) -> Floats:
    """Prices times adj_close / close, as decimals and rounded once: where that price is the close, just adj_close.

    >>> scale(np.array([10.3, 10.1]), np.array([10.1, 10.1]), np.array([2.525, 2.525])).tolist()
    [2.575, 2.525]
    """
    return np.where(prices == close, adjusting, scaled(prices, adjusting, close))
