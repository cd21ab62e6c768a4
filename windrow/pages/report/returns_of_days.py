"""Returns of days, and their Sharpe ratio and volatility over a rolling window."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.pages.packed import packed, packed_times
from windrow.pages.report.results import Equity
from windrow.trading.measures import Measures, day_of, days_of_year
from windrow.trading.rules import DUST

#: Windows that are tried, the widest first, as parts of a year; each of so many returns at least.
_PARTS, _LEAST = (2, 4, 12), 12
#: Days from one bar to the next from which on a bar is longer than a day, as in windrow/trading/measures.py.
_LONG = 5
_RETURN, _FIGURE = 6, 4  # decimals on the page


class Days(NamedTuple):
    """Returns from day to day: times of each day's last bar (ns), and the return from the value before; NaN where that
    was 0 or below. A bar that is longer than a day is a day.
    """

    times: Ints
    returns: Floats

    @property
    def numbers(self) -> Ints:
        """The days since 1970."""
        return day_of(self.times)

    @property
    def unit(self) -> str:
        """What they are called."""
        return "bars" if len(self.times) > 1 and np.diff(self.numbers).min() >= _LONG else "days"

    def per_year(self, measures: Measures) -> float:
        """How many of them a year has."""
        if measures.days_per_year is not None:
            return float(measures.days_per_year)
        days = self.numbers
        nearest = int(np.diff(days).min()) if len(days) > 1 else 0
        weekends = int(np.count_nonzero((days + 3) % 7 >= 5))
        return days_of_year(int(days[0]), int(days[-1]), len(days), weekends, nearest)


def days_of(times: Ints, values: Floats, cash: float) -> Days:
    """The returns of days, UTC, from values at bars; the first is from the cash.

    >>> bars = np.array(["2024-01-02T10", "2024-01-02T16", "2024-01-03T16"], "datetime64[ns]").astype(np.int64)
    >>> days_of(bars, np.array([90.0, 110.0, 99.0]), 100.0).returns.round(9)
    array([ 0.1, -0.1])
    """
    days = day_of(times)
    ends = np.flatnonzero(np.append(days[1:] != days[:-1], True))
    bases = np.append(cash, values[ends[:-1]])
    with np.errstate(all="ignore"):
        return Days(times[ends], values[ends] / np.where(bases > DUST * cash, bases, np.nan) - 1)


def window_of(returns: int, per_year: float) -> int | None:
    """Half a year, a quarter or a month: the widest window that fits twice; None where none does.

    >>> [window_of(returns, 252) for returns in (252, 251, 42, 41)], window_of(24, 12)
    ([126, 63, 21, None], 12)
    """
    windows = (max(round(per_year / part), _LEAST) for part in _PARTS)
    return next((window for window in windows if 2 * window <= returns), None)


def rolling(returns: Floats, window: int, rate: float, per_year: float) -> tuple[Floats, Floats]:
    """The Sharpe ratio and the volatility a year of each `window` returns in a row, as the figures define them: the
    first is of the first `window`. NaN where they are undefined.
    """
    views = np.lib.stride_tricks.sliding_window_view(returns, window)
    with np.errstate(all="ignore"):
        spread, squares = views.var(axis=1, ddof=1), np.square(views).mean(axis=1)
        spread = np.where(spread <= np.maximum(DUST * squares, DUST**2), 0.0, spread)
        deviation = np.sqrt(spread)
        sharpe = (views.mean(axis=1) - rate) / np.where(deviation > 0, deviation, np.nan) * np.sqrt(per_year)
    return sharpe, deviation * np.sqrt(per_year)


def daily(equity: Equity, cash: float, described: Mapping[str, Any]) -> dict[str, Any] | None:
    """For the page: days and their returns, and the rolling figures beside those of buying and holding.

    `described`: what the run was measured by. None of fewer than two days.
    """
    days = days_of(equity.times, equity.values, cash)
    if len(days.times) < 2:
        return None
    measures = Measures(described.get("days_per_year"), described.get("risk_free", 0.0))
    return {
        "unit": days.unit,
        "times": packed_times(days.times),
        "returns": packed(np.round(days.returns, _RETURN)),
        "rolling": _rolling(equity, cash, days, measures),
    }


def _rolling(equity: Equity, cash: float, days: Days, measures: Measures) -> dict[str, Any] | None:
    per_year = days.per_year(measures)
    window = window_of(len(days.times), per_year)
    if window is None:
        return None
    of = [days.returns] if equity.bought is None else [days.returns, days_of(equity.times, equity.bought, cash).returns]
    found = [rolling(returns, window, measures.rate(per_year), per_year) for returns in of]
    sharpes, volatilities = zip(*found, strict=True)
    return {
        "window": window,
        "sharpe": [packed(np.round(values, _FIGURE)) for values in sharpes],
        "volatility": [packed(np.round(100 * values, _FIGURE)) for values in volatilities],
    }
