"""Orders and fills: the arithmetic of backtrader's brokers/bbroker.py (check_submitted, _execute), of all runs at once.

An order is checked at the close at which it is placed, as if it were filled there: it is refused if cash would fall
below 0. At the fill its closing leg is always done; its opening leg only if cash is still 0 or more afterwards. Cash
that is short by no more than rounding counts as 0.

A price of 0 is a suspension: nothing is filled there. The order waits: it is placed again at that bar's close, and so
on, until there is a price, or the averages cross back. Prices below 0 are prices (oil in 2020, spreads), and costs are
shares of their absolute values.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints, Mask, Signs
from windrow.states import Array, Carries, Resumable
from windrow.trading.rules import DUST, Rules
from windrow.trading.signals import NOT_FULL
from windrow.trading.turns import Turns

FILLED, CLOSED_ONLY, REFUSED, POSTPONED = range(4)


class Orders(NamedTuple):
    """Orders of many runs, each run's in order of time; all of shape (orders,).

    bars: where an order is filled, or would be. sides: 1 buy, -1 sell. prices: of the fill, slippage included. cash and
    held: cash and shares afterwards.
    """

    runs: Ints
    bars: Ints
    sides: Signs
    prices: Floats
    status: Signs
    cash: Floats
    held: Floats

    def at(self, index: Ints | Mask) -> "Orders":
        """The orders at an index."""
        return Orders._make(column[index] for column in self)


def no_orders() -> Orders:
    """None."""
    whole, small, floats = np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0)
    return Orders(whole, whole, small, floats, small, floats, floats)


#: Cash, shares held, side, close where the order is placed, price of its fill -> status, cash and shares afterwards.
Fill: TypeAlias = Callable[[Floats, Floats, Signs, Floats, Floats], tuple[Signs, Floats, Floats]]
#: Cash, shares held, sign of the position to hold, price of the fill -> cash and shares after an order that is filled.
Filled: TypeAlias = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]


class Broker(Resumable):
    """Cash and shares of all runs.

    A run decides at its turns. Where it then does not hold the position that the averages call for, because its order
    was refused or only closed a position, it retries at every bar until it does. With entries by cross it waits for the
    next cross instead. After a price of 0 it retries with either, to the same side where the averages are equal.

    The k-th orders of all runs are filled together, as if all of them were filled completely. Then all orders are
    looked at together; runs where that is not so are stepped through decision by decision.
    """

    carries: ClassVar[Carries] = {
        "cash": Array(), "held": Array(), "_retries": Array(), "_wanted": Array(least=-1, most=1),
        "_waiting": Array(least=-1, most=1),
    }  # fmt: skip

    def __init__(self, rules: Rules, runs: int) -> None:
        self.cash, self.held = np.full(runs, rules.cash, np.float64), np.zeros(runs)
        self._rules, self._signs = rules, signs(rules)
        self._fill, self._filled = fill_of(rules), filled_of(rules)
        self._retries = np.zeros(runs, bool)
        self._wanted = np.zeros(runs, np.int8)  # the sign of the last turn, where a run retries
        self._waiting = np.zeros(runs, np.int8)  # the side of an order that met a price of 0

    @property
    def retries(self) -> bool:
        """Whether a run will decide at the next bar, whatever the averages do."""
        return bool(self._retries.any())

    def trade(self, turns: Turns, rows: Signs, closes: Floats, prices: Floats) -> Orders:
        """All orders that `rows` (bars, runs), with these turns, lead to.

        closes, prices: (bars,), the close at which an order is placed, and the price before slippage at which it is
        filled, both at the index of the bar of the fill.
        """
        if len(turns.bars) == len(self.cash) and not self.retries:  # as at most bars that come one by one
            return no_orders()
        quotes = quoted(self._rules, prices)
        planned = self._plan(turns, closes, quotes)
        done = ~self._retries
        done[planned.runs[planned.status != FILLED]] = False
        self._carry_out(planned, done)
        if done.all():
            return planned
        return joined(
            [planned.at(done[planned.runs]), *self._step_through(turns, np.flatnonzero(~done), rows, closes, quotes)]
        )

    def _plan(self, turns: Turns, closes: Floats, quotes: Floats) -> Orders:
        """An order at every turn, as if none were ever refused, sorted by run."""
        first = turns.signs[turns.starts[:-1]]
        idle = (first != 0) & ~self._acts(first, self.held)  # turns alternate: only the first can be idle
        begins = turns.starts[:-1] + idle
        counts = turns.starts[1:] - 1 - begins
        runs = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(len(runs)) - np.repeat(np.cumsum(counts) - counts, counts)
        order, place, widths = _abreast(counts, runs, number)
        turn = np.empty_like(place)
        turn[place] = np.repeat(begins, counts) + number
        planned = self._fill_abreast(order, widths, turns.bars[turn], turns.signs[turn], closes, quotes)
        return planned.at(place)._replace(runs=runs)

    def _fill_abreast(
        self, order: Ints, widths: Ints, bars: Ints, sides: Signs, closes: Floats, quotes: Floats
    ) -> Orders:
        """Fills the first orders of all runs, then the second ones, and so on; see `_abreast`.

        What is said of orders behind one that is not filled completely is of no use.
        """
        placed, prices, signs = closes[bars], quotes[bars + len(closes) * (sides > 0)], self._signs[sides]
        cash, held = np.empty(len(bars)), np.empty(len(bars))  # before each order
        money, shares, begin = self.cash[order], self.held[order], 0
        with np.errstate(all="ignore"):
            for width in widths.tolist():
                now = slice(begin, begin + width)
                begin += width
                cash[now], held[now] = money, shares = money[:width], shares[:width]
                money, shares = self._filled(money, shares, signs[now], prices[now])
            status, cash, held = self._fill(cash, held, sides, placed, prices)
        return Orders(bars, bars, sides, prices, status, cash, held)

    def _carry_out(self, planned: Orders, done: Mask) -> None:
        """Sets what runs have after their last orders."""
        bounds = planned.runs.searchsorted(np.arange(len(done) + 1))
        last = bounds[1:] - 1
        moved = np.flatnonzero(done & (last >= bounds[:-1]))
        self.cash[moved], self.held[moved] = planned.cash[last[moved]], planned.held[last[moved]]

    def _step_through(self, turns: Turns, run: Ints, rows: Signs, closes: Floats, quotes: Floats) -> Iterator[Orders]:
        """The orders of these runs, the k-th decision of each at once."""
        at, last, bars = turns.starts[run], np.full(len(run), -1), len(closes)
        while True:
            bar, side, turned = self._decide(turns, rows, run, at, last)
            left = bar < bars
            if not left.any():
                return
            run, at, bar, side, turned = run[left], at[left], bar[left], side[left], turned[left]
            self._wanted[run] = np.where(turned, side, self._wanted[run])
            acts = self._acts(side, self.held[run])
            orders = self._order(run[acts], bar[acts], side[acts], closes, quotes)
            yield orders
            self._waiting[run] = 0
            self._waiting[orders.runs] = np.where(orders.status == POSTPONED, orders.sides, 0)
            self._retries[run] = self._must_retry(run) | (self._waiting[run] != 0)
            at, last = at + turned, bar

    def _decide(self, turns: Turns, rows: Signs, run: Ints, at: Ints, last: Ints) -> tuple[Ints, Signs, Mask]:
        """The bar at which each run decides next, to which side it would trade there, and whether that is a turn."""
        bar, side = turns.bars[at], turns.signs[at]
        early = self._retries[run] & (last + 1 < bar)
        bar = np.where(early, last + 1, bar)
        sign = rows[bar[early], run[early]]
        # A run that may be long or short, and has no position, is short unless fast > slow.
        ties = (sign == 0) & (self.held[run[early]] == 0) & (self._rules.side == "both")
        retried = np.where(sign == NOT_FULL, 0, np.where(ties, -1, sign))
        waiting = self._waiting[run[early]]
        side[early] = np.where((waiting != 0) & ((sign == 0) | (sign == NOT_FULL)), waiting, retried)
        return bar, side, ~early

    def _acts(self, side: Signs, held: Floats) -> Mask:
        """Whether an order is placed: not for a position that is held already, nor for one of the side left out."""
        acts: Mask = (side != 0) & (side * held <= 0) & ((self._signs[side] != 0) | (held != 0))
        return acts

    def _must_retry(self, run: Ints) -> Mask:
        if self._rules.entry == "cross":
            return np.zeros(len(run), bool)
        retries: Mask = np.sign(self.held[run]) != self._signs[self._wanted[run]]
        return retries

    def _order(self, run: Ints, bar: Ints, side: Signs, closes: Floats, quotes: Floats) -> Orders:
        """Places and fills an order of each run."""
        price = quotes[bar + len(closes) * (side > 0)]
        status, cash, held = self._fill(self.cash[run], self.held[run], side, closes[bar], price)
        self.cash[run], self.held[run] = cash, held
        return Orders(run, bar, side, price, status, cash, held)


def _abreast(counts: Ints, runs: Ints, number: Ints) -> tuple[Ints, Ints, Ints]:
    """An arrangement of orders in which the k-th orders of all runs are side by side; `counts` are orders per run.

    Returns the runs, those with more orders first, so that the ones with a k-th order are the first ones; the place of
    order `number` of `runs`; and how many k-th orders there are.
    """
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    widths = np.bincount(number)
    return order, (np.cumsum(widths) - widths)[number] + rank[runs], widths


def joined(parts: Sequence[Orders]) -> Orders:
    """All these orders, one after the other."""
    return Orders._make(np.concatenate(column) for column in zip(*parts, strict=True))


def quoted(rules: Rules, prices: Floats) -> Floats:
    """What sellers get at these prices, and after them what buyers pay: slippage is a share of the absolute price.

    >>> quoted(Rules(slippage=0.5), np.array([10.0, -10.0])).tolist()
    [5.0, -15.0, 15.0, -5.0]
    """
    slip = np.copysign(rules.slippage, prices)
    return np.concatenate([prices * (1 - slip), prices * (1 + slip)])


def signs(rules: Rules) -> Floats:
    """The sign of the position to hold after an order of side 0, 1, -1 (an index from the end)."""
    return np.array([0.0, 1.0 if rules.side != "short" else 0.0, -1.0 if rules.side != "long" else 0.0])


def targets(rules: Rules) -> Floats:
    """The shares to hold after such an order, where positions are of a number of shares."""
    return signs(rules) * rules.sized.amount


def fill_of(rules: Rules) -> Fill:
    """How orders are filled."""
    return _fixed(rules) if rules.sized.kind == "shares" else _invested(rules)


def filled_of(rules: Rules) -> Filled:
    """What orders lead to that are filled completely, whether they can be or not: the same, to the bit."""
    if rules.sized.kind == "shares":
        size, paid = rules.sized.amount, _paying(rules)
        return lambda cash, held, sign, price: (cash - paid(sign * size - held, price), sign * size)
    opened = _opening(rules)
    return lambda cash, held, sign, price: opened(sign, closed(rules, cash, held, price), price)


def _fixed(rules: Rules) -> Fill:
    """Positions of `size` shares, long or short."""
    target_of, paid, nothing = targets(rules), _paying(rules), -rules.dust

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Signs, Floats, Floats]:
        target = target_of[side]
        left = cash - paid(target - held, price)
        accepted = cash - paid(target - held, close) >= nothing
        fits = (left >= nothing) | (target == 0)
        return _settle(accepted, fits, cash, held, price, left, target, closed(rules, cash, held, price))

    return fill


def _paying(rules: Rules) -> Callable[[Floats, Floats], Floats]:
    """What is paid for a number of shares at a price, commission included."""
    rate, fee = rules.commission, rules.commission_per_order

    def paid(bought: Floats, price: Floats) -> Floats:
        if rate or fee:
            bought = bought + np.copysign(rate, price) * np.abs(bought)  # of a price below 0, less is got
        return bought * price + fee

    return paid


def _invested(rules: Rules) -> Fill:
    """Positions of a share of the equity, or of an amount of money, at the price of the fill.

    A position is opened when none is held, so that the equity is the cash, after the leg that closes. Of that a share
    is taken, a long position's commission included; all of it as vectorbt's orders of infinite size take it
    (portfolio/nb.py: buy_nb, sell_nb). A short position is worth as much as a long one. An amount of money is what the
    shares are worth, and it has to be paid for as a number of shares has. Prices that are not above 0 open nothing.
    """
    sign_of, nothing, opened = signs(rules), rules.dust, _opening(rules)
    by_equity = rules.sized.kind == "equity"

    def fill(cash: Floats, held: Floats, side: Signs, close: Floats, price: Floats) -> tuple[Signs, Floats, Floats]:
        sign, money = sign_of[side], closed(rules, cash, held, price)
        priced = price > 0
        left, target = opened(sign, money, np.where(priced, price, 1.0))
        had = priced & (target != 0)
        if by_equity:  # only the fill shows whether there is anything to take a share of
            fits = np.where(sign == 0, money >= -nothing, had & (money > nothing))
            accepted = fits | (sign != 0)
        else:
            worth, its = closed(rules, cash, held, close), np.where(close > 0, close, 1.0)
            accepted = opened(sign, worth, its)[0] >= -nothing
            fits = (had & (left >= -nothing)) | (sign == 0)
        return _settle(accepted, fits, cash, held, price, left, target, money)

    return fill


def _opening(rules: Rules) -> Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]:
    """How positions are opened that are not of a number of shares."""
    rate, size = rules.commission, rules.sized
    by_equity = size.kind == "equity"

    def opened(sign: Floats, money: Floats, price: Floats) -> tuple[Floats, Floats]:
        """The cash that is left of this, and the shares that are held, below 0 of a short position."""
        if by_equity:
            paid = sign * money if size.amount == 1 else sign * money * size.amount
            worth = paid / (1 + rate) if rate else paid
        else:
            worth = sign * size.amount
            paid = worth * (1 + rate)
        shares = worth / price
        if rules.whole_shares:
            shares = np.trunc(shares * (1 + DUST))  # what rounding takes from a share leaves it whole
            worth = shares * price
            paid = worth * (1 + rate)
        return money - (np.where(sign > 0, paid, worth * (1 - rate)) if rate else paid), shares

    return opened


def closed(rules: Rules, cash: Floats, held: Floats, price: Floats) -> Floats:
    """The cash once all shares held are sold, or bought back, at a price that has its slippage."""
    if not (rules.commission or rules.commission_per_order):
        return cash + held * price
    return cash - ((np.copysign(rules.commission, price) * np.abs(held) - held) * price + rules.commission_per_order)


def _settle(
    accepted: Mask, fits: Mask, cash: Floats, held: Floats, price: Floats, left: Floats, target: Floats, money: Floats
) -> tuple[Signs, Floats, Floats]:
    """Status, cash and shares: `left` and `target` of orders that fit; `money` is the cash after the closing leg."""
    if (accepted & fits & (price != 0)).all():  # as nearly always
        return np.zeros(len(cash), np.int8), left, target
    partly = np.where(held != 0, CLOSED_ONLY, REFUSED)
    status = np.where(accepted, np.where(fits, FILLED, partly), REFUSED)
    status = np.where(price == 0, POSTPONED, status).astype(np.int8)
    return status, np.choose(status, [left, money, cash, cash]), np.choose(status, [target, 0.0, held, held])
