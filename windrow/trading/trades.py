"""Closed trades, as backtrader counts them: a reversing order closes one trade and opens another."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask, run_starts
from windrow.states import Array, Carries, Count, Resumable
from windrow.trading.rules import Rules
from windrow.trading.spans import Spans

#: Share of the money for which a trade is closed by which its profit may differ from exact decimal arithmetic.
_ROUNDING = 2.0**-48


def profits(held: Floats, entries: Floats, exits: Floats, costs: Floats, rate: float, fee: float) -> Floats:
    """What trades of so many shares earned; `costs` are those of their entries, `rate` and `fee` those of the exits."""
    return held * (exits - entries) - (costs + (np.abs(held) * rate * np.abs(exits) + fee))


class Trades(Resumable):
    """Counts, streaks, profits and returns of closed trades, and what all fills cost, (runs,) arrays each.

    As backtrader's analyzers/tradeanalyzer.py: a trade's profit is net of the commission of both its legs, and a trade
    is won if its profit is 0 or more, rounding aside. Sums are taken trade by trade, so their bits do not depend on
    where pushes end. For the deviation, profits are measured from the run's first one: no number of a sample is farther
    from its mean than sqrt(n - 1) deviations (Samuelson 1968), so little cancels, and the deviation of equal profits is
    exactly 0.

    gains, losses: sums of the profits of trades won and lost, of which the latter is below 0. returns, best, worst: the
    sum of trades' returns, their largest and their smallest; a return is the profit as a share of the money that was
    paid, or got, for the position. bars_held: bars from entry to exit, of all closed trades. costs: commission, and
    what slippage took, of all fills.
    """

    carries: ClassVar[Carries] = {
        **dict.fromkeys(
            ("total", "closed", "won", "win_streak", "lose_streak", "_streak", "profit", "traded", "_largest", "_first",
             "_sum", "_squares", "gains", "losses", "returns", "best", "worst", "bars_held", "costs", "_begun"),
            Array(),
        ),
        "_bars": Count(),
    }  # fmt: skip

    def __init__(self, rules: Rules, runs: int) -> None:
        self._rate, self._fee, self._slip = rules.commission, rules.commission_per_order, rules.slippage
        self.total, self.closed, self.won = (np.zeros(runs, np.int64) for _ in range(3))
        self.win_streak, self.lose_streak, self._streak = (np.zeros(runs, np.int64) for _ in range(3))
        self.profit, self.traded, self._largest = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        self._first, self._sum, self._squares = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        self.gains, self.losses, self.returns, self.costs = (np.zeros(runs) for _ in range(4))
        self.best, self.worst = np.full(runs, -np.inf), np.full(runs, np.inf)
        self.bars_held, self._begun = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
        self._bars = 0

    def push(self, spans: Spans, bars: int) -> None:
        """Takes the fills with which spans among a number of bars begin."""
        fills = spans.fills
        if len(fills):  # mostly there are none at bars that come one by one
            self._push(spans, fills)
        self._bars += bars

    def _push(self, spans: Spans, fills: Ints) -> None:
        run, price, held = spans.runs[fills], spans.prices[fills], spans.held[fills]
        before = spans.held[fills - 1]
        moved = (np.abs(before) + np.abs(held)) * np.abs(price)
        np.add.at(self.traded, run, moved)
        self._take_costs(run, moved, held - before, price)
        begins = self._bars + spans.begins
        begins[spans.firsts] = self._begun
        self._begun = begins[spans.lasts]
        closed = np.flatnonzero(before != 0)
        ends = fills[closed]
        run, price, before, entry = run[closed], price[closed], before[closed], spans.prices[ends - 1]
        profit = profits(before, entry, price, spans.costs[ends - 1], self._rate, self._fee)
        traded = np.abs(before * price)
        np.maximum.at(self._largest, run, traded)
        np.add.at(self.bars_held, run, begins[ends] - begins[ends - 1])
        self._close(run, profit, profit >= -_ROUNDING * traded)
        self._take_returns(run, profit / np.abs(before * entry))
        self.total = self.closed + (spans.held[spans.lasts] != 0)

    def _take_costs(self, run: Ints, moved: Floats, bought: Floats, price: Floats) -> None:
        if not (self._slip or self._rate or self._fee):
            return
        slipped = self._slip / (1 + np.sign(bought) * np.sign(price) * self._slip)  # a share of the price before
        np.add.at(self.costs, run, self._fee + moved * (self._rate + slipped))

    def _take_returns(self, run: Ints, returns: Floats) -> None:
        np.add.at(self.returns, run, returns)
        np.maximum.at(self.best, run, returns)
        np.minimum.at(self.worst, run, returns)

    def _close(self, run: Ints, profit: Floats, won: Mask) -> None:
        """Counts closed trades, sorted by run."""
        first = run_starts(run)
        new = first[self.closed[run[first]] == 0]
        self._first[run[new]] = profit[new]
        self.closed += np.bincount(run, minlength=len(self.closed))
        self.won += np.bincount(run, won, len(self.won)).astype(np.int64)
        np.add.at(self.profit, run, profit)
        np.add.at(self.gains, run, profit * won)  # 0 adds nothing, and needs no branch
        np.add.at(self.losses, run, profit * ~won)
        apart = profit - self._first[run]
        np.add.at(self._sum, run, apart)
        np.add.at(self._squares, run, apart * apart)
        self._count_streaks(run, won)

    def _count_streaks(self, run: Ints, won: Mask) -> None:
        """Streaks of won (positive) and lost trades; a run's last one may continue."""
        if not len(run):
            return
        begins = np.flatnonzero((np.diff(run, prepend=-1) != 0) | np.diff(won, prepend=won[0]))
        owner, kind = run[begins], np.where(won[begins], 1, -1)
        streaks = np.diff(begins, append=len(run)) * kind
        first = run_starts(owner)
        before = self._streak[owner[first]]
        streaks[first] += np.where(before * kind[first] > 0, before, 0)
        np.maximum.at(self.win_streak, owner, streaks)
        np.maximum.at(self.lose_streak, owner, -streaks)
        self._streak[owner] = streaks

    def mean_and_deviation(self) -> tuple[Floats, Floats]:
        """Mean and population deviation of closed trades' profit; a deviation of no more than rounding is 0."""
        count = np.maximum(self.closed, 1)
        mean = self._sum / count
        variance = np.maximum(self._squares / count - mean * mean, 0.0)
        deviation = np.sqrt(variance)
        return self._first + mean, np.where(deviation <= self._largest * _ROUNDING, 0.0, deviation)
