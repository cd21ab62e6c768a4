"""The ledger: orders as a user reads them, one row each."""

from copy import copy
from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Signs, run_starts
from windrow.states import Array, Carries, Resumable
from windrow.trading.broker import REFUSED, Orders, targets
from windrow.trading.rules import Rules

#: What became of an order, by its status; an `open` order waits for a bar after the last one.
STATUS = ("filled", "closed-only", "refused", "open")
OPEN = STATUS.index("open")


class Entries(NamedTuple):
    """Orders, sorted by run, then time; all of shape (orders,).

    times: of the fill; without a fill, of the close at which the order was placed. sides: 1 buy, -1 sell. sizes:
    shares filled, or ordered; NaN where the cash at the fill would have decided. prices: of the fill, slippage
    included; without a fill, that close. status: an index into STATUS.
    """

    runs: Ints
    times: Ints
    sides: Signs
    sizes: Floats
    prices: Floats
    status: Signs


def no_entries() -> Entries:
    """None."""
    whole, small, floats = np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0)
    return Entries(whole, whole, small, floats, floats, np.empty(0, np.int64))


class Ledger(Resumable):
    """Records orders, push by push. State: the shares of each run, and the last bar's time."""

    carries: ClassVar[Carries] = {"_held": Array(), "_time": Array()}

    def __init__(self, rules: Rules, runs: int) -> None:
        self._rules, self._targets, self._by_shares = rules, targets(rules), rules.sized.kind == "shares"
        self._held, self._time = np.zeros(runs), np.zeros(1, np.int64)

    def push(self, orders: Orders, times: Ints, closes: Floats) -> Entries:
        """The entries of orders among bars of these times. closes: where they were placed, at the bar of the fill."""
        orders = orders.at(np.argsort(orders.runs, kind="stable"))
        runs, bars, after = orders.runs, orders.bars, orders.held
        before = np.append(0.0, after[:-1])
        first = run_starts(runs)
        before[first] = self._held[runs[first]]
        self._held = self._held.copy()
        self._held[runs] = after
        placed = times if self._rules.fill == "close" else np.concatenate([self._time, times])
        self._time = times[-1:]
        refused = orders.status == REFUSED
        return Entries(
            runs,
            np.where(refused, placed[bars], times[bars]),
            orders.sides,
            np.where(refused, self._ordered(before, orders.sides), np.abs(after - before)),
            np.where(refused, closes[bars], orders.prices),
            orders.status,
        )

    def open_orders(self, orders: Orders, close: Floats) -> Entries:
        """The entries of orders that the bar after the last would fill."""
        refused = orders._replace(status=np.full_like(orders.status, REFUSED))
        entries = Ledger.push(copy(self), refused, self._time, close)
        return entries._replace(status=np.full_like(entries.status, OPEN))

    def _ordered(self, before: Floats, sides: Signs) -> Floats:
        target = self._targets[sides]
        if self._by_shares:
            return np.abs(target - before)
        return np.where(target == 0, np.abs(before), np.nan)
