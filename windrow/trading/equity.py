"""What is followed of the values of runs: results, days, drawdown, ruin."""

from typing import ClassVar

from windrow.arrays import Floats, Ints
from windrow.states import Carries, Part, Resumable
from windrow.trading.day_returns import Daily, Days
from windrow.trading.drawdown import Drawdown, Side
from windrow.trading.invested_days import InvestedDays
from windrow.trading.measures import Measures
from windrow.trading.ruin import Ruin
from windrow.trading.spans import Spans
from windrow.trading.value import Value


class Equity(Resumable):
    """What figures need of the values of runs, each in a class of its own. State: some fifty numbers per run.

    invested: whether runs hold shares or cash, never both.
    """

    carries: ClassVar[Carries] = dict.fromkeys(("value", "daily", "drawdown", "ruin"), Part())

    def __init__(self, cash: float, runs: int, measures: Measures, invested: bool = False) -> None:
        self.value = Value(cash, runs, measures.backtrader)
        self.daily: Days = (InvestedDays if invested else Daily)(cash, runs, measures)
        self.drawdown, self.ruin = Drawdown(cash, runs), Ruin(cash, runs)

    def push(self, times: Ints, spans: Spans, closes: Floats, benchmark: Floats) -> None:
        """Takes what runs held at these closes, and what a benchmark was worth there, as a share of the cash."""
        rises = Side(closes)
        self.ruin.push(times, spans, closes)
        self.drawdown.push(times, spans, closes, rises)
        self.daily.push(times, spans, closes, benchmark, rises)
        self.value.push(times, spans, closes)
