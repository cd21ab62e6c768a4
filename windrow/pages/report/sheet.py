"""What a report tells of an equity curve beside the chart: returns of days, months and years, the deepest drawdowns."""

from collections.abc import Mapping
from typing import Any

from windrow.arrays import Ints
from windrow.pages.chart import Candles, Json
from windrow.pages.report.calendar_returns import months, years
from windrow.pages.report.falls import Fall, deepest
from windrow.pages.report.results import Equity
from windrow.pages.report.returns_of_days import daily


def sheet(candles: Candles, equity: Equity, cash: float, measures: Mapping[str, Any]) -> Json | None:
    """For the page; None without values. `cash`: what the curve began with; `measures`: how figures are measured."""
    if not len(equity.times):
        return None
    bought = None if equity.bought is None else years(equity.times, equity.bought, cash).packed()
    return {
        "months": months(equity.times, equity.values, cash).packed(),
        "years": years(equity.times, equity.values, cash).packed(),
        "bought": bought,
        "daily": daily(equity, cash, measures),
        "falls": [_fall(candles, equity.times, fall) for fall in deepest(equity.values, cash)],
    }


def _fall(candles: Candles, times: Ints, fall: Fall) -> Json:
    """A drawdown: its depth, its times in ms, and the candles that it is marked over."""
    last = len(times) - 1 if fall.recovered is None else fall.recovered
    begins, lowest, ends = (int(times[at]) / 1e6 for at in (fall.peak, fall.lowest, last))
    at = candles.series.at(times[[fall.peak, last]], "a value of the equity curve") // candles.size
    return {
        "depth": fall.depth, "from": begins, "lowest": lowest, "recovered": None if fall.recovered is None else ends,
        "until": ends, "at": at.tolist(),
    }  # fmt: skip
