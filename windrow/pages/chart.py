"""What js/chart.js draws of a symbol, as JSON: bars, joined where they are too many, and lines over and below them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, log10
from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.pages.packed import decimals, packed, packed_times
from windrow.pages.series import CANDLES, Series

#: Candles of a symbol on a page; of more bars as many are joined as it takes. They are 25 MB, twice what a page should
#: have.
MOST_CANDLES = 400_000
#: Of a page whose reader asked for no symbol; one that asks for some holds them all.
MOST_BYTES = 16_000_000

#: Decimals of a price; of small prices as many as show five digits. JavaScript writes 20 at most: two more, for lines.
_USUAL_DIGITS, _MOST_DIGITS = 6, 18

Json = dict[str, Any]


def five_digits(largest: float) -> int:
    """As many decimals as show five digits of a magnitude.

    >>> five_digits(123.4), five_digits(0.0000046248), five_digits(0.0)
    (2, 10, 2)
    """
    return min(max(4 - floor(log10(largest)), 0), _MOST_DIGITS) if largest > 0 else 2


class Line(NamedTuple):
    """A value for each bar, NaN where there is none, and how it is drawn: a colour of the theme, and a dash.

    `sparse`: it has values at some bars only, between which it is drawn straight.
    """

    name: str
    values: Floats
    color: str
    dash: str = "solid"
    sparse: bool = False


@dataclass(frozen=True)
class Pane:
    """Lines on one scale. Those of the first pane are drawn over the prices; `fills` down from 0.

    `sums`: columns that stand on 0, such as volumes; where bars are joined, their sum. `grows`: it is drawn on a
    logarithmic scale where the reader asks for one, as prices are.
    """

    lines: Sequence[Line]
    digits: int = 2
    suffix: str = ""
    fills: bool = False
    sums: bool = False
    grows: bool = False


@dataclass(frozen=True)
class Candles:
    """A symbol's bars, joined by `size` to a candle."""

    series: Series
    size: int
    starts: Ints = field(repr=False)

    @classmethod
    def of(cls, series: Series, most: int) -> "Candles":
        """Joins as many bars as it takes to have at most `most` candles."""
        bars = len(series.times)
        size = -(-bars // most)
        return cls(series, size, np.arange(0, bars, size))

    @property
    def times(self) -> Ints:
        """Each candle's first time."""
        return self.series.times[self.starts]

    @property
    def digits(self) -> int:
        """The decimals that are shown of prices: as they have, but 2 to 6 of candles; five digits of small ones."""
        shown, least = (CANDLES, 2) if self.series.has_candles else ((self.series.price,), 0)
        prices = [self.series.prices[name] for name in shown]
        five = five_digits(max(float(np.nanmax(np.abs(column), initial=0)) for column in prices))
        most, unknown = (five, five) if five > _USUAL_DIGITS else (_USUAL_DIGITS, 2)
        known = [decimals(column, most) for column in prices]
        return min(max(least, *(unknown if digits is None else digits for digits in known)), most)

    def prices(self) -> dict[str, Floats]:
        """Open, high, low and close; close alone where the bars are drawn as a line."""
        if not self.series.has_candles:
            return {"close": self.lasts(self.series.close)}
        first, high, low, close = (self.series.prices[name] for name in CANDLES)
        columns = (first[self.starts], self.highs(high), self.lows(low), self.lasts(close))
        return dict(zip(CANDLES, columns, strict=True))

    def lasts(self, values: Floats) -> Floats:
        """The last value that each candle's bars have."""
        known = np.where(np.isnan(values), -1, np.arange(len(values)))
        return np.append(values, np.nan)[np.maximum.reduceat(known, self.starts)]

    def highs(self, values: Floats) -> Floats:
        """The highest value of each candle's bars."""
        highest: Floats = np.fmax.reduceat(values, self.starts)
        return highest

    def lows(self, values: Floats) -> Floats:
        """The lowest value of each candle's bars."""
        lowest: Floats = np.fmin.reduceat(values, self.starts)
        return lowest

    def sums(self, values: Floats) -> Floats:
        """The sum of the values that each candle's bars have."""
        known = ~np.isnan(values)
        total = np.add.reduceat(np.where(known, values, 0.0), self.starts)
        return np.where(np.logical_or.reduceat(known, self.starts), total, np.nan)


def charted(candles: Candles, below: Iterable[Pane] = ()) -> Json:
    """A symbol's bars, and the panes below its prices."""
    return {
        "name": candles.series.symbol,
        "bars": len(candles.series.times),
        "group": candles.size,
        "digits": candles.digits,
        "times": packed_times(candles.times),
        **{name: packed(column) for name, column in candles.prices().items()},
        "panes": [drawn_pane(candles, pane) for pane in below],
    }


def drawn_pane(candles: Candles, pane: Pane) -> Json:
    """A pane, and how it is drawn."""
    lines = drawn_lines(candles, pane)
    how = {"fills": pane.fills, "sums": pane.sums, "grows": pane.grows}
    return {"lines": lines, "digits": pane.digits, "suffix": pane.suffix, **how}


def drawn_lines(candles: Candles, pane: Pane) -> list[Json]:
    """A pane's lines, rounded to two decimals more than are read off its axis."""
    joined: Callable[[Floats], Floats]
    joined = candles.sums if pane.sums else candles.lows if pane.fills else candles.lasts
    return [
        {
            "name": line.name, "color": line.color, "dash": line.dash, "sparse": line.sparse,
            "values": packed(np.round(joined(line.values), pane.digits + 2)),
        }
        for line in pane.lines
    ]  # fmt: skip


def fitting(symbols: Iterable[Json], most_bytes: int | None = MOST_BYTES) -> list[Json]:
    """The first symbols that a page of that size has room for, at least one; all of them if it is None."""
    fitted: list[Json] = []
    size = 0
    for symbol in symbols:
        size += _size(symbol)
        if fitted and most_bytes is not None and size > most_bytes:
            break
        fitted.append(symbol)
    return fitted


def left_out(shown: int, known: int, command: str) -> list[str]:
    """A note on the symbols that a page does not show, if there are any."""
    if shown == known:
        return []
    return [f"{shown:,} of {known:,} symbols are on this page; choose others with windrow {command} --symbol."]


def _size(value: Any) -> int:
    """About how many bytes a value takes as JSON."""
    if isinstance(value, dict):
        return sum(len(name) + 4 + _size(part) for name, part in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str) else 8
