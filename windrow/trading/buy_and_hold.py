"""Buying and holding: what a run is compared with, which had the same cash, costs and size."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats
from windrow.states import Array, Carries, Resumable
from windrow.trading.broker import FILLED, fill_of, quoted
from windrow.trading.rules import Rules


class BuyAndHold(Resumable):
    """An account that buys at the first bar at which it can, and never sells.

    Its order is placed at the first close and, while it is refused or there is no price, at each one after it: a run
    whose lines always call for a long position does the same. State: what it has, and the last close.

    >>> account = BuyAndHold(Rules(cash=1000, commission=0.25))
    >>> account.push(np.array([10.0, 8.0, 9.0]), np.array([10.0, 10.0, 12.0])).tolist()  # 100 shares at 8, and 200
    [1000.0, 1000.0, 1200.0]
    >>> account.push(np.array([9.0]), np.array([5.0])).tolist()
    [500.0]
    """

    carries: ClassVar[Carries] = {"cash": Array(), "held": Array(), "_close": Array(grows=True)}

    def __init__(self, rules: Rules) -> None:
        self._rules = replace(rules, side="long")
        self._fill = fill_of(self._rules)
        self.cash, self.held = np.full(1, rules.cash, np.float64), np.zeros(1)
        self._close = np.empty(0)

    def push(self, opens: Floats, closes: Floats) -> Floats:
        """What it is worth at these closes, (bars,), of which there is one at least."""
        values = np.full(len(closes), self.cash[0])
        bought = 0 if self.held[0] else self._buy(opens, closes)
        values[bought:] = self.cash[0] + self.held[0] * closes[bought:]
        return values

    def _buy(self, opens: Floats, closes: Floats) -> int:
        """Buys at the first bar of these at which it can; returns that bar, or how many there are."""
        if self._rules.fill == "close":
            late, placed, prices = 0, closes, closes
        else:
            late = 1 - len(self._close)  # no close was before the first open
            placed, prices = np.concatenate([self._close, closes])[:-1], opens[late:]
            self._close = closes[-1:].copy()
        bars = len(prices)
        buys = quoted(self._rules, prices)[bars:]
        cash, nothing = np.full(bars, self.cash[0]), np.zeros(bars)
        status, left, held = self._fill(cash, nothing, np.ones(bars, np.int8), placed, buys)
        at = np.flatnonzero(status == FILLED)[:1]
        if len(at):
            self.cash, self.held = left[at], held[at]
            return int(at[0]) + late
        return len(closes)
