"""A portfolio on a report: its value where a symbol has prices, beside that of buying and holding, and its drawdown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windrow.pages.chart import MOST_CANDLES, Candles, Json, Line, Pane, charted, drawn_lines
from windrow.pages.report.benchmark import bought_figures
from windrow.pages.report.falls import drawdown
from windrow.pages.report.results import Equity, Figures
from windrow.pages.report.sheet import sheet
from windrow.pages.series import Series

NAME = "Portfolio"
_BOUGHT = "Buy and hold"
_SHARES = {"equal": "equal shares", "weights": "shares by weights"}


@dataclass(frozen=True)
class Pooled:
    """A portfolio's figures and its values; `dated`: their times are dates."""

    figures: Figures
    equity: Equity
    dated: bool

    @property
    def series(self) -> Series:
        """Its values as prices."""
        return Series(NAME, self.equity.times, {"value": self.equity.values}, "value", self.dated, "the portfolio")

    def panes(self, cash: float) -> list[Pane]:
        """What is drawn over its value, and below."""
        bought = [] if self.equity.bought is None else [Line(_BOUGHT, self.equity.bought, "benchmark")]
        falls = Line("Drawdown", -drawdown(self.equity.values, cash), "fall")
        return [Pane(bought), Pane([falls], suffix=" %", fills=True)]

    @property
    def words(self) -> str:
        """How its accounts are put together."""
        shares = _SHARES[self.figures["portfolio"]]
        again = self.figures.get("rebalance")
        return f"{self.figures['symbols']:,} symbols, {shares}{f', rebalanced every {again}' if again else ''}"


def pooled_data(pooled: Pooled, description: Mapping[str, Any]) -> Json:
    """For the page, as contents.py has symbols."""
    candles = Candles.of(pooled.series, MOST_CANDLES)
    cash = float(description.get("rules", {}).get("cash") or pooled.equity.values[0])
    over, *below = pooled.panes(cash)
    return {
        **charted(candles, below),
        "portfolio": pooled.words,
        "lines": {line["name"]: line["values"] for line in drawn_lines(candles, Pane(over.lines, candles.digits))},
        "pair": [line.name for line in over.lines],
        "over": [True for _ in over.lines],
        "cuts": [], "orders": None, "trades": None, "sweep": None, "compared": None,
        "figures": pooled.figures,
        "sheet": sheet(candles, pooled.equity, cash, description.get("measures", {})),
        "bought": bought_figures(pooled.equity, cash, description, pooled.dated),
    }  # fmt: skip
