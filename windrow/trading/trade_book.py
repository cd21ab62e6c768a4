"""Trades as a user reads them, one row each: entry, exit, profit, and how far the price went against it and for it."""

from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask, Signs
from windrow.states import Array, Carries, Count, Resumable
from windrow.trading.ranges import Ranges
from windrow.trading.rules import Rules
from windrow.trading.spans import Spans
from windrow.trading.trades import profits

#: Why a trade closed: the lines crossed, or the run was ruined; an `open` one has not.
CLOSED_BY = ("cross", "ruin", "open")
CROSS, RUIN, OPEN = range(3)
#: The names of a trade's columns, after the symbol.
TRADE_COLUMNS = ("entry_time", "exit_time", "side", "size", "entry_price", "exit_price", "pnl", "return", "bars", "mae",
                 "mfe", "closed_by")  # fmt: skip


class TradeRows(NamedTuple):
    """Trades, sorted by run, then time; all of shape (trades,).

    entered, exited: times of the fills (ns); of an open trade, `exited` is the last bar, and its price the close there.
    sides: 1 long, -1 short. sizes: shares. entries, exits: prices of the fills, slippage included. profits: net of the
    commission of both legs, or of the entry's where the trade is open. returns: these as a fraction of the money that
    was paid, or got, for the position. bars: from entry to exit. adverse, favourable: the worst and the best price
    while the trade was held, and at its exit, as a return before costs: 0 or below, and 0 or above. closed_by: an index
    into CLOSED_BY.
    """

    runs: Ints
    entered: Ints
    exited: Ints
    sides: Signs
    sizes: Floats
    entries: Floats
    exits: Floats
    profits: Floats
    returns: Floats
    bars: Ints
    adverse: Floats
    favourable: Floats
    closed_by: Signs


def no_trades() -> TradeRows:
    """None."""
    whole, small, floats = np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0)
    return TradeRows(
        whole, whole, whole, small, floats, floats, floats, floats, floats, whole, floats, floats, small
    )  # fmt: skip


class Extremes(NamedTuple):
    """The lowest and the highest prices of some bars: (bars,) arrays."""

    lows: Floats
    highs: Floats

    def at(self, cut: slice) -> "Extremes":
        """Those of some of the bars."""
        return Extremes(self.lows[cut], self.highs[cut])


class TradeBook(Resumable):
    """Records trades as they close, push by push. State: of each run's position its entry, and its extremes so far.

    The extremes are those of the closes from the bar of the entry on; or, given bars' lows and highs, of the bars that
    the position was held in: with fills at the open, the bar of the entry and those before the exit's; with fills at
    the close, those after the entry's, and the exit's.
    """

    carries: ClassVar[Carries] = {
        **dict.fromkeys(("_entered", "_begun", "_low", "_high", "_held", "_prices", "_costs"), Array()),
        "_bars": Count(), "_time": Count(),
    }  # fmt: skip

    def __init__(self, rules: Rules, runs: int) -> None:
        self._rate, self._fee, self._late = rules.commission, rules.commission_per_order, rules.fill == "close"
        self._entered, self._begun = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
        self._low, self._high = np.full(runs, np.inf), np.full(runs, -np.inf)
        self._held, self._prices, self._costs = (np.zeros(runs) for _ in range(3))
        self._bars, self._time = 0, 0

    def push(self, spans: Spans, times: Ints, closes: Floats, ruined: Mask, ranges: Extremes | None) -> TradeRows:
        """The trades that close among these bars, at least one; `ruined`: runs whose last one closes for its ruin."""
        low, high = self._extremes(spans, closes, ranges)
        entered, begun = times[np.minimum(spans.begins, len(times) - 1)], self._bars + spans.begins
        entered[spans.firsts], begun[spans.firsts] = self._entered, self._begun
        fills = spans.fills
        exits = fills[spans.held[fills - 1] != 0]
        rows = no_trades()
        if len(exits):
            over, lasts = exits - 1, np.zeros(len(spans.runs), bool)
            lasts[spans.lasts[ruined]] = True
            rows = self._rows(
                spans.runs[exits], entered[over], times[spans.begins[exits]], spans.held[over], spans.prices[over],
                spans.prices[exits], spans.costs[over], begun[exits] - begun[over], low[over], high[over],
            )._replace(closed_by=np.where(lasts[exits], RUIN, CROSS).astype(np.int8))  # fmt: skip
        last = spans.lasts
        self._entered, self._begun, self._low, self._high = entered[last], begun[last], low[last], high[last]
        self._held, self._prices, self._costs = spans.held[last], spans.prices[last], spans.costs[last]
        self._bars, self._time = self._bars + len(times), int(times[-1])
        return rows

    def open_trades(self, close: Floats) -> TradeRows:
        """The trades that are open at the last bar, whose close, (1,), is this."""
        runs = np.flatnonzero(self._held)
        bars = self._bars - 1 - self._begun[runs]
        rows = self._rows(
            runs, self._entered[runs], np.full(len(runs), self._time), self._held[runs], self._prices[runs],
            np.repeat(close, len(runs)), self._costs[runs], bars, self._low[runs], self._high[runs], closes=False,
        )  # fmt: skip
        return rows._replace(closed_by=np.full(len(runs), OPEN, np.int8))

    def _rows(
        self, runs: Ints, entered: Ints, exited: Ints, held: Floats, entries: Floats, exits: Floats, costs: Floats,
        bars: Ints, low: Floats, high: Floats, closes: bool = True,
    ) -> TradeRows:  # fmt: skip
        rate, fee = (self._rate, self._fee) if closes else (0.0, 0.0)
        profit = profits(held, entries, exits, costs, rate, fee)
        sides = np.sign(held).astype(np.int8)
        low, high = np.minimum(low, exits), np.maximum(high, exits)
        worst, best = np.where(sides > 0, low, high), np.where(sides > 0, high, low)
        adverse = np.minimum(sides * (worst - entries) / np.abs(entries), 0.0)
        favourable = np.maximum(sides * (best - entries) / np.abs(entries), 0.0)
        # 0.0 is added: a 0 has no sign
        return TradeRows(
            runs, entered, exited, sides, np.abs(held), entries, exits, profit, profit / np.abs(held * entries), bars,
            adverse + 0.0, favourable + 0.0, sides,
        )  # fmt: skip

    def _extremes(self, spans: Spans, closes: Floats, ranges: Extremes | None) -> tuple[Floats, Floats]:
        """The lowest and the highest price of each span so far."""
        lows, highs = ranges or (closes, closes)
        begins, ends = spans.begins, spans.ends
        if ranges and self._late:  # what a bar's range was before its close is not of a position that began there
            begins, ends = begins + 1, np.minimum(ends + 1, len(closes))
            begins[spans.firsts] = 0
        some = np.flatnonzero((begins < ends) & (spans.held != 0))
        low, high = np.full(len(begins), np.inf), np.full(len(begins), -np.inf)
        if len(some):
            low[some] = -Ranges(-lows).largest(begins[some], ends[some])
            high[some] = Ranges(highs).largest(begins[some], ends[some])
        first = spans.firsts
        low[first], high[first] = np.minimum(low[first], self._low), np.maximum(high[first], self._high)
        return low, high
