"""Spans: what a run holds from one fill to the next."""

from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.states import Array, Carries, Resumable
from windrow.trading.broker import REFUSED, Orders
from windrow.trading.rules import Rules


class Spans(NamedTuple):
    """Spans among a push's bars, sorted by run, then bar; all but `firsts` of shape (spans,).

    A run holds `cash` and `held` shares at the closes [begins, ends), which may be empty. prices: of the fill at which
    the span begins; costs: the commission of its opening leg. firsts: (runs,), where each run's spans begin in the
    arrays; a run's first span continues the last one of the previous push.
    """

    runs: Ints
    begins: Ints
    ends: Ints
    cash: Floats
    held: Floats
    prices: Floats
    costs: Floats
    firsts: Ints

    @property
    def fills(self) -> Ints:
        """Positions of spans that begin with a fill; the span before each is the same run's."""
        return np.delete(np.arange(len(self.runs)), self.firsts)

    @property
    def lasts(self) -> Ints:
        """Positions of each run's last span, which continues in the next push."""
        return np.append(self.firsts[1:], len(self.runs)) - 1

    def of(self, runs: slice) -> "Spans":
        """The spans of some runs, numbered from 0."""
        bounds = np.append(self.firsts, len(self.runs))
        first, last, _ = runs.indices(len(self.firsts))
        names, *columns = (column[bounds[first] : bounds[last]] for column in self[:-1])
        return Spans._make([names - first, *columns, self.firsts[runs] - bounds[first]])

    def at(self, bar: int) -> Ints:
        """Positions of the spans that hold a bar, one of each run."""
        return np.flatnonzero((self.begins <= bar) & (bar < self.ends))


class SpanMaker(Resumable):
    """Makes spans from orders. State: each run's last span."""

    carries: ClassVar[Carries] = dict.fromkeys(("_cash", "_held", "_prices", "_costs"), Array())

    def __init__(self, rules: Rules, runs: int) -> None:
        self._rate, self._fee = rules.commission, rules.commission_per_order
        self._runs = np.arange(runs)
        self._cash, self._held = np.full(runs, rules.cash, np.float64), np.zeros(runs)
        self._prices, self._costs = np.zeros(runs), np.zeros(runs)

    def push(self, orders: Orders, bars: int) -> Spans:
        """The spans among a number of bars."""
        spans = self.made(orders, bars)
        at = spans.lasts
        self._cash, self._held, self._prices, self._costs = (
            column[at] for column in (spans.cash, spans.held, spans.prices, spans.costs)
        )
        return spans

    def made(self, orders: Orders, bars: int) -> Spans:
        """The same, if these should not be the orders yet."""
        filled = orders.status < REFUSED
        fills = orders if filled.all() else orders.at(filled)
        if not len(fills.runs):
            begins, ends = np.zeros_like(self._runs), np.full_like(self._runs, bars)
            return Spans(
                self._runs, begins, ends, self._cash, self._held, self._prices, self._costs, self._runs
            )  # fmt: skip
        runs = np.concatenate([self._runs, fills.runs])
        order = _sorted(runs, len(self._runs))
        runs = runs[order]
        begins = np.concatenate([np.zeros_like(self._runs), fills.bars])[order]
        cash = np.concatenate([self._cash, fills.cash])[order]
        held = np.concatenate([self._held, fills.held])[order]
        prices = np.concatenate([self._prices, fills.prices])[order]
        firsts = np.flatnonzero(order < len(self._runs))
        lasts = np.append(firsts[1:], len(runs)) - 1
        ends = np.append(begins[1:], bars)
        ends[lasts] = bars
        return Spans(runs, begins, ends, cash, held, prices, self._opening(held, prices, firsts), firsts)

    def _opening(self, held: Floats, prices: Floats, firsts: Ints) -> Floats:
        """Commission of each span's opening leg; a fee per order is charged to the order's first leg."""
        if not (self._rate or self._fee):
            return np.zeros_like(held)
        alone = np.append(0.0, held[:-1]) == 0
        costs: Floats = np.abs(held) * self._rate * np.abs(prices) + self._fee * (alone & (held != 0))
        costs[firsts] = self._costs
        return costs


def _sorted(runs: Ints, count: int) -> Ints:
    """What sorts the runs of spans: all runs, of which there are `count`, and then those of fills."""
    ascend = bool((runs[count + 1 :] >= runs[count:-1]).all())  # as nearly always: then two parts are merged
    narrow = runs if ascend or count > 1 << 16 else runs.astype(np.uint16)  # numpy sorts 16 bits by radix
    return np.argsort(narrow, kind="stable")
