"""Orders and fills: the arithmetic of backtrader's brokers/bbroker.py (check_submitted, _execute), of all runs at once.

An order is checked at the close at which it is placed, as if it were filled there: it is refused if cash would fall
below 0. At the fill its closing leg is always done; its opening leg only if cash is still 0 or more after it. What
rounding may have taken from the cash does not count.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints, Mask, Signs
from windrow.trading.rules import Rules
from windrow.trading.signals import NOT_FULL
from windrow.trading.turns import Turns

FILLED, CLOSED_ONLY, REFUSED = range(3)


class Orders(NamedTuple):
    """Orders of many runs, a run's in order of time; all of shape (orders,).

    bars: where it is filled, or would be. sides: 1 buy, -1 sell. prices: of the fill, slippage included. cash and
    held: money and shares afterwards.
    """

    runs: Ints
    bars: Ints
    sides: Signs
    prices: Floats
    status: Signs
    cash: Floats
    held: Floats

    def at(self, index: Ints | Mask) -> "Orders":
        """Those at an index."""
        return Orders._make(column[index] for column in self)


#: Cash, shares held, side, close where the order is placed, price of its fill -> status, cash and shares afterwards.
Fill: TypeAlias = Callable[[Floats, Floats, Signs, Floats, Floats], tuple[Signs, Floats, Floats]]


class Broker:
    """Cash and shares of all runs.

    A run looks at its turns. Where it then does not hold what the averages say, since its order was refused or only
    closed a position, it strays: it looks at every bar until it does hold that. With entries by cross it just waits for
    the next one.

    The k-th orders of all runs are filled together, at first as if all were filled whole; runs of which that is not
    so are walked look by look.
    """

    def __init__(self, rules: Rules, runs: int) -> None:
        self.cash, self.held = np.full(runs, rules.cash, np.float64), np.zeros(runs)
        self._rules = rules
        self._fill = _fixed(rules) if rules.sizing == "fixed" else _all_in(rules)
        self._strays = np.zeros(runs, bool)
        self._leans = np.zeros(runs, np.int8)  # the sign of the last turn, where one strays

    def trade(self, turns: Turns, rows: Signs, closes: Floats, prices: Floats) -> Orders:
        """All orders decided by `rows` (bars, runs), which have these turns.

        closes, prices: (bars,), the close at which an order is placed, and the price before slippage at which it is
        filled, both by the bar of the fill.
        """
        slip = self._rules.slippage
        quotes = np.concatenate([prices * (1 - slip), prices * (1 + slip)])
        planned = self._plan(turns, closes, quotes)
        failed = np.bincount(planned.runs, planned.status != FILLED, len(self.cash)) > 0
        done = ~failed & ~self._strays
        self._carry_out(planned, done)
        if done.all():
            return planned
        return _joined(
            [planned.at(done[planned.runs]), *self._walk(turns, np.flatnonzero(~done), rows, closes, quotes)]
        )

    def _plan(self, turns: Turns, closes: Floats, quotes: Floats) -> Orders:
        """An order at every turn, as if none were ever refused, sorted by run."""
        first = turns.signs[turns.starts[:-1]]
        idle = (first != 0) & ~self._acts(first, self.held)  # of turns, which alternate, only the first can be
        begins = turns.starts[:-1] + idle
        counts = turns.starts[1:] - 1 - begins
        runs = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(len(runs)) - np.repeat(np.cumsum(counts) - counts, counts)
        order, place, widths = _abreast(counts, runs, number)
        look = np.empty_like(place)
        look[place] = np.repeat(begins, counts) + number
        planned = self._fill_abreast(order, widths, turns.bars[look], turns.signs[look], closes, quotes)
        return planned.at(place)._replace(runs=runs)

    def _fill_abreast(
        self, order: Ints, widths: Ints, bars: Ints, sides: Signs, closes: Floats, quotes: Floats
    ) -> Orders:
        """Fills the first orders of all runs, then the second ones, and so on; see `_abreast`."""
        placed, prices = closes[bars], quotes[bars + len(closes) * (sides > 0)]
        status, cash, held = np.empty(len(bars), np.int8), np.empty(len(bars)), np.empty(len(bars))
        money, shares, begin = self.cash[order], self.held[order], 0
        for width in widths.tolist():
            now = slice(begin, begin + width)
            begin += width
            status[now], money, shares = self._fill(money[:width], shares[:width], sides[now], placed[now], prices[now])
            cash[now], held[now] = money, shares
        return Orders(bars, bars, sides, prices, status, cash, held)

    def _carry_out(self, planned: Orders, done: Mask) -> None:
        """Takes over what runs have after their last orders."""
        last = planned.runs.searchsorted(np.arange(len(done)), "right") - 1
        moved = np.flatnonzero(done & (np.bincount(planned.runs, minlength=len(done)) > 0))
        self.cash[moved], self.held[moved] = planned.cash[last[moved]], planned.held[last[moved]]

    def _walk(self, turns: Turns, run: Ints, rows: Signs, closes: Floats, quotes: Floats) -> Iterator[Orders]:
        """The orders of these runs, the k-th look of each at once."""
        at, last, bars = turns.starts[run], np.full(len(run), -1), len(closes)
        while True:
            bar, side, turned = self._look(turns, rows, run, at, last)
            going = bar < bars
            if not going.any():
                return
            run, at, bar, side, turned = run[going], at[going], bar[going], side[going], turned[going]
            self._leans[run] = np.where(turned, side, self._leans[run])
            acts = self._acts(side, self.held[run])
            yield self._order(run[acts], bar[acts], side[acts], closes, quotes)
            self._strays[run] = self._stray(run)
            at, last = at + turned, bar

    def _look(self, turns: Turns, rows: Signs, run: Ints, at: Ints, last: Ints) -> tuple[Ints, Signs, Mask]:
        """The bar that each run looks at next, to which side it would trade there, and whether that is a turn."""
        bar, side = turns.bars[at], turns.signs[at]
        early = self._strays[run] & (last + 1 < bar)
        bar = np.where(early, last + 1, bar)
        says = rows[bar[early], run[early]]
        # A run that may be short, and has no position, is short unless fast > slow.
        ties = (says == 0) & (self.held[run[early]] == 0) & (self._rules.side == "both")
        side[early] = np.where(says == NOT_FULL, 0, np.where(ties, -1, says))
        return bar, side, ~early

    def _acts(self, side: Signs, held: Floats) -> Mask:
        """Whether an order is placed: not for what a run holds already, nor to be short where it must not."""
        acts: Mask = (side != 0) & (side * held <= 0)
        return acts if self._rules.side == "both" else acts & ((side > 0) | (held > 0))

    def _stray(self, run: Ints) -> Mask:
        if self._rules.entry == "cross":
            return np.zeros(len(run), bool)
        lean = self._leans[run]
        strays: Mask = np.sign(self.held[run]) != (lean if self._rules.side == "both" else np.maximum(lean, 0))
        return strays

    def _order(self, run: Ints, bar: Ints, side: Signs, closes: Floats, quotes: Floats) -> Orders:
        """Places and fills an order of each run."""
        price = quotes[bar + len(closes) * (side > 0)]
        status, cash, held = self._fill(self.cash[run], self.held[run], side, closes[bar], price)
        self.cash[run], self.held[run] = cash, held
        return Orders(run, bar, side, price, status, cash, held)


def _abreast(counts: Ints, runs: Ints, number: Ints) -> tuple[Ints, Ints, Ints]:
    """How runs' orders lie so that the k-th ones of all runs lie side by side, for runs with so many orders each.

    The runs, those with more orders first, so that the ones with k orders are the first ones; for order `number` of
    `runs`, its place; and how many k-th ones there are.
    """
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    widths = np.bincount(number)
    return order, (np.cumsum(widths) - widths)[number] + rank[runs], widths


def _joined(parts: list[Orders]) -> Orders:
    return Orders._make(np.concatenate(column) for column in zip(*parts, strict=True))


def targets(rules: Rules) -> Floats:
    """The shares to hold after an order of side 0, 1, -1 (an index from the end)."""
    return np.array([0.0, rules.size, -rules.size if rules.side == "both" else 0.0])


def _fixed(rules: Rules) -> Fill:
    """Positions of `size` shares, long or short."""
    target_of, rate, fee = targets(rules), rules.commission, rules.commission_per_order
    nothing = -rules.dust

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Signs, Floats, Floats]:
        target = target_of[side]
        bought = target - held
        paid = bought + rate * np.abs(bought)  # shares whose price is paid, commission included
        left = cash - (paid * price + fee)
        accepted = cash - (paid * close + fee) >= nothing
        fits = (left >= nothing) | (target == 0)
        if (accepted & fits).all():
            return np.zeros(len(cash), np.int8), left, target
        closed = cash - ((rate * np.abs(held) - held) * price + fee)
        return _settle(accepted, fits, cash, held, left, target, closed)

    return fill


def _all_in(rules: Rules) -> Fill:
    """All cash into the position, costs included, as vectorbt's orders of infinite size (portfolio/nb.py: buy_nb,
    sell_nb); a short position is worth as much as the cash before it.
    """
    sign_of, rate, fee = np.sign(targets(rules)), rules.commission, rules.commission_per_order
    nothing = rules.dust

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Signs, Floats, Floats]:
        sign = sign_of[side]
        closed = cash - ((rate * np.abs(held) - held) * price + fee)
        spent = closed / (1 + rate)
        fits = np.where(sign == 0, closed >= -nothing, (closed > nothing) & (price > 0))
        left = np.where(sign > 0, 0.0, closed - sign * spent * (1 - rate))
        if fits.all():
            return np.zeros(len(cash), np.int8), left, sign * spent / price
        target = sign * spent / np.where(fits, price, 1.0)
        return _settle(fits | (sign != 0), fits, cash, held, left, target, closed)

    return fill


def _settle(
    accepted: Mask, fits: Mask, cash: Floats, held: Floats, left: Floats, target: Floats, closed: Floats
) -> tuple[Signs, Floats, Floats]:
    """Status, cash and shares where not all orders are filled whole; `closed`: cash after the closing leg alone."""
    partly = np.where(held != 0, CLOSED_ONLY, REFUSED)
    status = np.where(accepted, np.where(fits, FILLED, partly), REFUSED).astype(np.int8)
    return status, np.choose(status, [left, closed, cash]), np.choose(status, [target, 0.0, held])
