"""Orders and fills: the arithmetic of backtrader's brokers/bbroker.py (check_submitted, _execute), of all runs at once.

An order is checked at the close at which it is placed, as if it were filled there: it is refused if cash would fall
below 0. At the fill its closing leg is always done; its opening leg only if cash is still 0 or more after it.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.rounding import Floats, Ints, Mask
from windrow.signals import Signs
from windrow.trading.rules import Rules
from windrow.trading.turns import Turns

FILLED, CLOSED_ONLY, REFUSED, OPEN = range(4)
STATUS = ("filled", "closed-only", "refused", "open")

#: cash, shares held, side (1 buy, -1 sell), close where placed, price of the fill -> cash, shares, status afterwards.
Sizing: TypeAlias = Callable[[Floats, Floats, Signs, Floats, Floats], tuple[Floats, Floats, Signs]]


class Orders(NamedTuple):
    """Orders of many runs, a run's in order of time; all of shape (orders,).

    bars: where it is filled, or would be. sides: 1 buy, -1 sell. prices: of the fill, slippage included. cash and
    held: money and shares afterwards. asked: shares ordered, of one sign; NaN where the cash at the fill decides.
    """

    runs: Ints
    bars: Ints
    sides: Signs
    prices: Floats
    status: Signs
    cash: Floats
    held: Floats
    asked: Floats


class Broker:
    """Cash and shares of all runs. Walks the k-th look of every run at once: as many steps as the busiest run has looks.

    A run looks at its turns. Where, after a look, it does not hold what the averages say (its order was refused, or
    only its closing leg was done), it looks at every bar until it does; with entries by cross it waits for the next.
    """

    def __init__(self, rules: Rules, runs: int) -> None:
        self.cash, self.held = np.full(runs, rules.cash), np.zeros(runs)
        self._rules = rules
        self._sizing: Sizing = _fixed(rules) if rules.sizing == "fixed" else _all_in(rules)
        self._stray = np.zeros(runs, bool)  # runs that do not hold what the averages say
        self._lean = np.zeros(runs, np.int8)  # the sign of their last turn

    def walk(self, turns: Turns, rows: Signs, closes: Floats, prices: Floats) -> Orders:
        """All orders decided by `rows` (bars, runs), which have these turns.

        closes, prices: (bars,), the close at which an order is placed, and the price before slippage at which it is
        filled, both by the bar of the fill.
        """
        slip, bars = self._rules.slippage, len(prices)
        quotes = np.concatenate([prices * (1 - slip), prices * (1 + slip)])
        log: list[Orders] = []
        run = np.flatnonzero((np.diff(turns.starts) > 1) | self._stray)
        at, last = turns.starts[run], np.full(len(run), -1)
        while len(run):
            bar, side, turned = self._look(turns, rows, run, at, last)
            if bar.max() == bars:
                going = bar < bars
                run, at, bar, side, turned = run[going], at[going], bar[going], side[going], turned[going]
            self._lean[run] = np.where(turned, side, self._lean[run])
            acts = self._acts(side, self.held[run])
            log.append(self._order(*((run, bar, side) if acts.all() else (run[acts], bar[acts], side[acts])), closes, quotes))
            self._stray[run] = self._strays(run)
            at, last = at + turned, bar
        return Orders._make(np.concatenate(column) for column in zip(*log, strict=True)) if log else _NONE

    def _look(self, turns: Turns, rows: Signs, run: Ints, at: Ints, last: Ints) -> tuple[Ints, Signs, Mask]:
        """The bar that each run looks at next, to which side it would trade there, and whether that is a turn."""
        bar, side = turns.bars[at], turns.signs[at]
        early = self._stray[run]
        if not early.any():
            return bar, side, np.ones(len(run), bool)
        early = early & (last + 1 < bar)
        bar = np.where(early, last + 1, bar)
        say = rows[bar[early], run[early]]
        # Without a position, a tie is no reason to be long, so a run that may be short is.
        ties = (say == 0) & (self.held[run[early]] == 0) & (self._rules.side == "both")
        side = side.copy()
        side[early] = np.where(ties, -1, say)
        return bar, side, ~early

    def _acts(self, side: Signs, held: Floats) -> Mask:
        """Whether an order is placed: not for what a run holds already, nor to be short where it must not."""
        acts = (side != 0) & (side * held <= 0)
        return acts if self._rules.side == "both" else acts & ((side > 0) | (held > 0))

    def _strays(self, run: Ints) -> Mask:
        if self._rules.entry == "cross":
            return np.zeros(len(run), bool)
        lean = self._lean[run]
        return np.sign(self.held[run]) != (lean if self._rules.side == "both" else np.maximum(lean, 0))

    def _order(self, run: Ints, bar: Ints, side: Signs, closes: Floats, quotes: Floats) -> Orders:
        """Places and fills an order of each run."""
        price = quotes[bar + len(closes) * (side > 0)]
        held = self.held[run]
        cash, after, status = self._sizing(self.cash[run], held, side, closes[bar], price)
        self.cash[run], self.held[run] = cash, after
        return Orders(run, bar, side, price, status, cash, after, self._asked(side, held))

    def _asked(self, side: Signs, held: Floats) -> Floats:
        if self._rules.sizing == "fixed":
            return np.abs(_targets(self._rules)[side] - held)
        return np.where(_targets(self._rules)[side] == 0, np.abs(held), np.nan)


_NONE = Orders(*(np.empty(0, kind) for kind in (np.int64, np.int64, np.int8, float, np.int8, float, float, float)))


def _targets(rules: Rules) -> Floats:
    """The shares to hold after an order of side 0, 1, -1 (an index from the end)."""
    return np.array([0.0, rules.size, -rules.size if rules.side == "both" else 0.0])


def _fixed(rules: Rules) -> Sizing:
    """Positions of `size` shares, long or short."""
    targets, rate, fee = _targets(rules), rules.commission, rules.commission_per_order

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Floats, Floats, Signs]:
        target = targets[side]
        bought = target - held
        paid = bought + rate * np.abs(bought)  # shares whose price is paid, commission included
        left = cash - (paid * price + fee)
        accepted = cash - (paid * close + fee) >= 0
        fits = (left >= 0) | (target == 0)
        if (accepted & fits).all():
            return left, target, np.zeros(len(cash), np.int8)
        closed = cash - ((rate * np.abs(held) - held) * price + fee)
        return _settle(accepted, fits, cash, held, left, target, closed)

    return fill


def _all_in(rules: Rules) -> Sizing:
    """All cash into the position, costs included, as vectorbt's orders of infinite size (portfolio/nb.py: buy_nb,
    sell_nb); a short position is worth as much as the cash before it.
    """
    sides, rate, fee = np.sign(_targets(rules)), rules.commission, rules.commission_per_order

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Floats, Floats, Signs]:
        opens = sides[side]
        closed = cash - ((rate * np.abs(held) - held) * price + fee)
        spent = closed / (1 + rate)
        fits = np.where(opens == 0, closed >= 0, (closed > 0) & (price > 0))
        target = opens * spent / np.where(fits, price, 1.0)
        left = np.where(opens > 0, 0.0, closed - opens * spent * (1 - rate))
        if fits.all():
            return left, target, np.zeros(len(cash), np.int8)
        return _settle(fits | (opens != 0), fits, cash, held, left, target, closed)

    return fill


def _settle(
    accepted: Mask, fits: Mask, cash: Floats, held: Floats, left: Floats, target: Floats, closed: Floats
) -> tuple[Floats, Floats, Signs]:
    """Cash, shares and status where not all orders are filled whole; `closed`: cash after the closing leg alone."""
    partly = np.where(held != 0, CLOSED_ONLY, REFUSED)
    status = np.where(accepted, np.where(fits, FILLED, partly), REFUSED).astype(np.int8)
    cash = np.choose(status, [left, closed, cash])
    return cash, np.choose(status, [target, 0.0, held]), status
