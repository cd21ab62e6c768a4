"""What became of orders: how many there were, how many were refused, and how many met a price of 0."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats
from windrow.states import Array, Carries, Resumable
from windrow.trading.broker import POSTPONED, REFUSED, Orders


class OrderCounts(Resumable):
    """Counts of each run's orders, (runs,) arrays.

    placed: all that were filled, wholly or in part, or refused. refused: of these. postponed: fills that were due at a
    price of 0. refused_price: the close at which the first refused order was placed, NaN where none was.
    """

    carries: ClassVar[Carries] = dict.fromkeys(("placed", "refused", "postponed", "refused_price"), Array())

    def __init__(self, runs: int) -> None:
        self.placed, self.refused, self.postponed = (np.zeros(runs, np.int64) for _ in range(3))
        self.refused_price = np.full(runs, np.nan)

    def push(self, orders: Orders, closes: Floats) -> Orders:
        """Takes orders; returns those that were not postponed. closes: where they were placed, at the bar of a fill."""
        waits = orders.status == POSTPONED
        if waits.any():
            self.postponed += np.bincount(orders.runs[waits], minlength=len(self.placed))
            orders = orders.at(~waits)
        self.placed += np.bincount(orders.runs, minlength=len(self.placed))
        refused = np.flatnonzero(orders.status == REFUSED)
        if len(refused):
            runs = orders.runs[refused]
            self.refused += np.bincount(runs, minlength=len(self.placed))
            order = np.lexsort((-orders.bars[refused], runs))  # the first one of a run is assigned last
            new = refused[order][np.isnan(self.refused_price[runs[order]])]
            self.refused_price[orders.runs[new]] = closes[orders.bars[new]]
        return orders
