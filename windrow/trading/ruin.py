"""Ruin: the first close at which a run's value is 0 or below; and what then becomes of its orders with `stop_at_ruin`.

Without it a run trades on as if somebody paid its debts: what it then earns is earned on a base that is gone, and no
ratio of it means anything (windrow/trading/figures.py).
"""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Signs, run_starts
from windrow.states import Array, Carries, Resumable
from windrow.trading.broker import FILLED, POSTPONED, Broker, Orders, closed, joined, quoted
from windrow.trading.ranges import Ranges
from windrow.trading.rules import DUST, Rules
from windrow.trading.spans import Spans

#: In place of a time: later than any.
NEVER = np.iinfo(np.int64).max
#: The last bar of a push whose orders are kept.
_ALL, _NONE = np.iinfo(np.int64).max, -1


class Ruin(Resumable):
    """The time of the first close at which each run's value was 0 or below, NEVER where there was none."""

    carries: ClassVar[Carries] = {"times": Array()}

    def __init__(self, cash: float, runs: int) -> None:
        self._dust = DUST * cash
        self.times = np.full(runs, NEVER)

    def push(self, times: Ints, spans: Spans, closes: Floats) -> None:
        """Takes what runs held at these closes."""
        at = lowest_spans(spans, closes, spans.ends, self._dust)
        at = at[self.times[spans.runs[at]] == NEVER]
        bars = first_bars(spans, closes, spans.ends, self._dust, at)
        hit = np.flatnonzero(bars < spans.ends[at])[::-1]  # the first one of a run is assigned last
        self.times[spans.runs[at[hit]]] = times[bars[hit]]


def lowest_spans(spans: Spans, closes: Floats, ends: Ints, level: float) -> Ints:
    """Positions of the spans [begins, ends) in which a value may be at or below a level; mostly there are none."""
    low, high = closes.min(), closes.max()
    values = spans.cash + np.minimum(spans.held * low, spans.held * high)
    return np.flatnonzero((values <= level) & (spans.begins < ends))


def first_bars(spans: Spans, closes: Floats, ends: Ints, level: float, at: Ints) -> Ints:
    """The first bar of each span `at`, up to `ends`, at which the value is at or below the level; else its end."""
    found = ends[at].copy()
    for side in (1, -1):
        its = np.flatnonzero(spans.held[at] * side > 0) if side > 0 else np.flatnonzero(spans.held[at] <= 0)
        if len(its):
            span = at[its]
            cash, held = -spans.cash[span], np.abs(spans.held[span])
            goal = np.full(len(span), -level)
            found[its] = Ranges(-side * closes).first(spans.begins[span], ends[span], cash, held, goal)
    return found


class Stops(Resumable):
    """Ends runs at their ruin. State: which are `ended`, and what these `held` then or hold.

    The close at which a value is 0 or below is the last at which something is decided: the position is closed, by an
    order like others, at the next open or at that very close, which no lack of cash refuses; no orders follow it.

        value > 0     | value <= 0                      fills at the next open
        close       close   open
                      |     position closed
    """

    carries: ClassVar[Carries] = dict.fromkeys(("ended", "_cash", "held", "_kept", "_begins"), Array())

    def __init__(self, rules: Rules, runs: int) -> None:
        self._rules = rules
        self.ended = np.zeros(runs, bool)
        self._cash, self.held = np.zeros(runs), np.zeros(runs)
        self._kept, self._begins = np.full(runs, _ALL), np.zeros(runs, np.int64)

    def find(self, spans: Spans, closes: Floats) -> None:
        """Takes the spans that a push's orders would make, and ends the runs that are ruined in them."""
        at_close = self._rules.fill == "close"
        # Filled at the close, an order changes the value there: what is held before it counts too.
        ends = np.minimum(spans.ends + 1, len(closes)) if at_close else spans.ends
        at = lowest_spans(spans, closes, ends, self._rules.dust)
        at = at[~self.ended[spans.runs[at]]]
        bars = first_bars(spans, closes, ends, self._rules.dust, at)
        at, bars = at[bars < ends[at]], bars[bars < ends[at]]
        first = run_starts(spans.runs[at])
        at, bars = at[first], bars[first]
        runs = spans.runs[at]
        self.ended[runs], self._cash[runs], self.held[runs] = True, spans.cash[at], spans.held[at]
        self._begins[runs] = bars if at_close else bars + 1
        ruins = (bars == spans.begins[at]) & (at != spans.firsts[runs])  # filled at that close, before it was ruined
        self._kept[runs] = np.where(ruins, bars, bars - at_close)

    def cut(self, orders: Orders, prices: Floats, broker: Broker) -> Orders:
        """The orders of a push without those after a run's ruin, and with those that close positions then.

        Sets what the broker has of runs that are ended.
        """
        if not self.ended.any():
            return orders
        kept = orders.at(orders.bars <= self._kept[orders.runs])
        closing = self._close(self._begins, prices)
        broker.cash[self.ended], broker.held[self.ended] = self._cash[self.ended], self.held[self.ended]
        self._kept[self.ended], self._begins[self.ended] = _NONE, 0
        return joined([kept, closing])

    def _close(self, begins: Ints, prices: Floats) -> Orders:
        """Orders that close what ended runs hold, at the first bar from `begins` on that has a price."""
        priced = np.flatnonzero(prices)
        after = np.append(priced, len(prices))
        runs = np.flatnonzero(self.ended & (self.held != 0) & (begins < len(prices)))
        bars = after[np.searchsorted(priced, begins[runs])]
        waits = np.repeat(runs, bars - begins[runs])
        waited = np.arange(len(waits)) - np.repeat(np.cumsum(bars - begins[runs]) - bars, bars - begins[runs])
        postponed = self._orders(waits, waited, POSTPONED, prices)
        filled = bars < len(prices)
        runs, bars = runs[filled], bars[filled]
        orders = self._orders(runs, bars, FILLED, prices)
        cash = closed(self._rules, self._cash[runs], self.held[runs], orders.prices)
        self._cash[runs], self.held[runs] = cash, 0.0
        return joined([postponed, orders._replace(cash=cash, held=np.zeros(len(runs)))])

    def _orders(self, runs: Ints, bars: Ints, status: int, prices: Floats) -> Orders:
        sides: Signs = -np.sign(self.held[runs]).astype(np.int8)
        price = quoted(self._rules, prices)[bars + len(prices) * (sides > 0)]
        return Orders(runs, bars, sides, price, np.full(len(runs), status, np.int8), self._cash[runs], self.held[runs])
