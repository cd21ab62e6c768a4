"""Returns from day to day of runs that hold shares or cash, never both: span by span."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.states import Array, Carries, Number, Part
from windrow.trading.day_returns import Days, Returns, with_falls
from windrow.trading.day_spans import DaySpans, RunningSums, by_days, moves_of
from windrow.trading.drawdown import Side
from windrow.trading.measures import Measures
from windrow.trading.rules import DUST
from windrow.trading.span_falls import SpanFalls, columns
from windrow.trading.span_returns import SpanReturns, products
from windrow.trading.spans import Spans


class InvestedDays(Days):
    """What figures need of the returns of runs that hold shares or cash, never both. State: fifty numbers per run.

    Time grows with fills, not with days: in a span without shares all returns are 0; in others they are the price's,
    which all runs share.
    """

    carries: ClassVar[Carries] = {
        **Days.carries,
        **dict.fromkeys(("_returns", "_falls", "_products", "_prices"), Part()),
        **dict.fromkeys(("_cash", "_held"), Array()),
        "_price": Number(), "_base": Number(),
    }  # fmt: skip

    def __init__(self, cash: float, runs: int, measures: Measures) -> None:
        super().__init__(measures)
        self._returns = SpanReturns(cash, DUST * cash, runs, self._rates)
        self._falls = SpanFalls(cash, runs)
        self._products, self._prices = RunningSums(6 + len(self._rates)), RunningSums(4)
        self._cash, self._held = np.full(runs, cash, np.float64), np.zeros(runs)
        self._price, self._base = np.nan, np.nan  # at the last bar, and at the end of the last day that is over

    def _push_days(self, waits: bool, ends: Ints, spans: Spans, benchmark: Floats, rises: Side) -> None:
        closes = rises.closes
        before = np.zeros(len(closes) + 1, np.int64)
        before[0], before[ends + 1] = int(waits), 1
        before = np.cumsum(before)
        prices, others = (
            np.append(last, each[ends]) if waits else each[ends]
            for last, each in ((self._price, closes), (self._other, benchmark))
        )
        if len(prices) or len(spans.runs) > len(spans.firsts):
            each_bar = len(prices) and not waits and len(ends) == len(closes) - 1
            self._add(by_days(spans, before), prices, others, rises if each_bar else Side(prices))

    def _add(self, spans: DaySpans, prices: Floats, others: Floats, rises: Side) -> None:
        """Takes days: what runs held, the prices, and what the benchmark was worth; `rises`: the prices, or more."""
        moves = self._moves(others)
        returns, jumps = moves_of(prices, self._base)
        self._base = float(prices[-1]) if len(prices) else self._base
        pieces = spans.cut(jumps)
        each = [np.ones_like(returns), *products(returns, moves, self._rates)]
        self._returns.push(pieces, prices, moves, self._products.push(np.stack(each, axis=1)))
        self._falls.push(pieces, rises, self._prices.push(columns(prices)))

    def _wait(self, spans: Spans, closes: Floats) -> None:
        lasts = spans.lasts
        self._cash, self._held, self._price = spans.cash[lasts], spans.held[lasts], float(closes[-1])

    def so_far(self) -> Returns:
        """The returns, with that of the last day as far as it is known."""
        whole = self.twin()
        days = min(self.days, 1)
        # Behind the last day another span of each run begins, without days: so all that goes on is over.
        runs, firsts = np.repeat(np.arange(len(self._cash)), 2), 2 * np.arange(len(self._cash))
        begins, ends = np.full(len(runs), days), np.full(len(runs), days)
        begins[firsts] = 0
        spans = DaySpans(runs, begins, ends, np.repeat(self._cash, 2), np.repeat(self._held, 2), firsts, firsts + 1)
        price = np.full(days, self._price)
        whole._add(spans, price, np.full(days, self._other), Side(price))
        falls = whole._falls
        return Returns(
            whole,
            with_falls(whole._returns.sums, falls.squares),
            falls.depths + falls.deepest,
            falls.falls + (falls.deepest > 0),
        )
