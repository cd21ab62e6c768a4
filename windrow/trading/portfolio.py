"""A portfolio of the accounts of many symbols: what each has of the cash, and when they are set back to that.

    equal      every symbol's run has the whole cash, and the portfolio is worth their mean
    weights    every symbol's run has its share of the cash, and the portfolio is worth their sum, and the rest of it

An account that has no bar yet, or no more, keeps its value. With `rebalance` accounts are set back to their shares of
what the portfolio is worth at the last close before a month, or quarter, of UTC, at no cost: what counts is then by how
much a run grew since. A run whose value was 0 or below then, which is no base of growth, is cash until the next time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints, run_starts
from windrow.errors import InputError, UsageError
from windrow.exact.running import RunningSum
from windrow.trading.rules import DUST, Rules

Rebalance: TypeAlias = Literal["month", "quarter"]
#: By how much weights may add up to more than 1, as floats are rounded.
_ROUNDING = Fraction(1, 10**9)
#: Sums of values below it are far from the largest number.
_MOST = 1e250
_MONTHS = {"month": 1, "quarter": 3}
#: How often accounts may be set back to their shares.
REBALANCES = tuple(_MONTHS)


@dataclass(frozen=True)
class Portfolio:
    """How accounts are put together. Raises UsageError where rules cannot be traded so: see `check`.

    weights: each symbol's share of the cash; None: all have the same. rebalance: when accounts are set back to their
    shares; None: never.

    >>> Portfolio({"AA": 0.5, "BB": 0.75})
    Traceback (most recent call last):
    windrow.errors.UsageError: --portfolio: its weights add up to 1.25, and nothing is lent; divide each by that
    """

    weights: Mapping[str, float] | None = None
    rebalance: Rebalance | None = None

    def __post_init__(self) -> None:
        if self.rebalance is not None and self.rebalance not in REBALANCES:
            raise UsageError(f"--rebalance {self.rebalance}: not one of {', '.join(_MONTHS)}; use one of them")
        if self.weights is None:
            return
        for symbol, weight in self.weights.items():
            if not 0 <= weight <= 1:
                raise UsageError(
                    f"--portfolio: the weight {weight:g} of {symbol} is no share of the cash, from 0 to 1; write 20 %"
                    " as 0.2, and trade on falling prices by --side"
                )
        total = sum(map(Fraction, self.weights.values()))
        if total > 1 + _ROUNDING:
            raise UsageError(
                f"--portfolio: its weights add up to {float(total):.12g}, and nothing is lent; divide each by that"
            )
        if not total:
            raise UsageError("--portfolio: no symbol has a weight above 0; give the share of the cash of each")

    @property
    def name(self) -> str:
        """What it is called in its line of figures."""
        return "equal" if self.weights is None else "weights"

    def check(self, rules: Rules) -> None:
        """Raises UsageError where runs by these rules have to have the very cash of their accounts, and have not."""
        fixed = _fixed(rules)
        if fixed and self.rebalance:
            raise UsageError(
                f"--rebalance {self.rebalance} {fixed}: accounts are set back by how much they grew, and such a run"
                " does not trade alike with more cash, or less; leave one of the two out, with --size all-in, or a"
                " share of the equity such as --size 50%"
            )
        if fixed and self.weights is None:
            raise UsageError(
                f"--portfolio equal {fixed}: how many symbols share the cash is known once all are traded, and such a"
                " run does not trade alike with a share of it; leave that out, with --size all-in, or a share of the"
                " equity such as --size 50%, or name a file that gives each symbol its weight"
            )

    def rules_of(self, symbol: str, rules: Rules) -> Rules | None:
        """The rules of a symbol's run; None where it has no part in the portfolio."""
        if self.weights is None:
            return rules
        weight = self.weights.get(symbol, 0.0)
        return replace(rules, cash=weight * rules.cash) if weight else None

    def account(self, symbol: str, cash: float) -> "Account":
        """The account of a symbol whose run has so much cash."""
        if self.rebalance is None:
            return Account(symbol, cash, cash, 0)
        share = 1.0 if self.weights is None else self.weights[symbol]
        return Account(symbol, cash, share, _MONTHS[self.rebalance])

    def pool(self, cash: float, symbols: int) -> "Pool":
        """What accounts of so many symbols are put together by, with so much cash in all."""
        months = _MONTHS[self.rebalance] if self.rebalance else 0
        return Pool(cash, symbols if self.weights is None else 1, months)


def _fixed(rules: Rules) -> str:
    """The option by which a run would trade otherwise with other cash; empty where there is none."""
    if rules.sized.kind != "equity":
        return f"--size {rules.size}"
    if rules.whole_shares:
        return "--whole-shares"
    return f"--commission-per-order {rules.commission_per_order:g}" if rules.commission_per_order else ""


def periods(times: Ints, months: int) -> Ints:
    """Numbers of the periods of so many months that hold times (ns), all 0 without months.

    >>> periods(np.array([-1, 0, 89, 90]) * 86_400 * 10**9, 3).tolist()
    [-1, 0, 0, 1]
    """
    if not months:
        return np.zeros(len(times), np.int64)
    return times.view("datetime64[ns]").astype("datetime64[M]").astype(np.int64) // months


class Changes(NamedTuple):
    """How the account of a symbol, and what it would be by buying and holding, change: (2, n) from `old` to `new`."""

    times: Ints
    new: Floats
    old: Floats

    def at(self, index: Ints | slice) -> "Changes":
        """Those at an index."""
        return Changes(self.times[index], self.new[:, index], self.old[:, index])

    def then(self, more: "Changes") -> "Changes":
        """These, and more after them."""
        times, new, old = (np.concatenate(pair, axis=-1) for pair in zip(self, more, strict=True))
        return Changes(times, new, old)


class Account:
    """What one symbol's run adds to a portfolio: its values, or by how much they grew in a period, times its share.

    >>> account = Portfolio(rebalance="month").account("AA", 100.0)
    >>> days = np.array([30, 31, 32]) * 86_400 * 10**9
    >>> account.changes(days, np.array([[110.0, 121.0, 110.0]] * 2)).new[0].tolist()
    [1.1, 1.1, 1.0]
    """

    def __init__(self, symbol: str, cash: float, share: float, months: int) -> None:
        self._symbol, self._share, self._months, self._dust = symbol, share, months, DUST * cash
        self._period: int | None = None
        self._values, self._bases, self._last = (np.full((2, 1), number) for number in (cash, cash, share))

    def changes(self, times: Ints, values: Floats) -> Changes:
        """How it changes by the next values of the run, and of buying and holding, (2, n). Raises InputError."""
        if not (np.abs(values) < _MOST).all():
            raise InputError(
                f"{self._symbol}: its account is worth more than {_MOST:g}, which no portfolio holds; check its prices,"
                " or leave it out, e.g. by --symbols"
            )
        if not self._months:
            old = np.concatenate([self._last, values[:, :-1]], axis=1)
            self._last = values[:, -1:]
            return Changes(times, values, old)
        numbers = periods(times, self._months)
        begins = run_starts(numbers)
        if self._period == numbers[0]:
            begins = begins[1:]
        before = np.concatenate([self._values, values[:, :-1]], axis=1)
        bases = np.concatenate([self._bases, before[:, begins]], axis=1)
        each = bases[:, np.searchsorted(begins, np.arange(len(times)), side="right")]
        grew = np.divide(values, each, out=np.ones_like(values), where=each > self._dust)
        new = grew * self._share
        old = np.concatenate([self._last, new[:, :-1]], axis=1)
        old[:, begins] = self._share
        self._period = int(numbers[-1])
        self._values, self._bases, self._last = (columns[:, -1:] for columns in (values, each, new))
        return Changes(times, new, old)


class Pool:
    """What a portfolio is worth, and what it would be by buying and holding, from the changes of all its accounts.

    State: two exact sums, and two values. Changes come in order of time, all of one time at once.
    """

    def __init__(self, cash: float, count: int, months: int) -> None:
        self._count, self._months, self._dust = count, months, DUST * cash
        self._worth = np.full((2, 1), cash)
        self._begin = (1.0 if months else cash), count
        self._sums = [RunningSum(*self._begin) for _ in range(2)]
        self._period: int | None = None
        self._last = self._worth

    def worth(self, changes: Changes) -> tuple[Ints, Floats]:
        """The next times, and values (2, k) there."""
        begins = run_starts(changes.times)
        times = changes.times[begins]
        numbers = periods(times, self._months)
        parts = run_starts(numbers)
        values = np.empty((2, len(times)))
        for first, last in zip(parts.tolist(), [*parts[1:].tolist(), len(times)], strict=True):
            if self._months and numbers[first] != self._period:
                self._set_back(int(numbers[first]))
            rows = slice(begins[first], begins[last] if last < len(begins) else None)
            values[:, first:last] = self._values(changes.new[:, rows], changes.old[:, rows], begins[first:last])
            self._last = values[:, last - 1 : last]
        return times, values

    def _set_back(self, period: int) -> None:
        """Begins a period: accounts have their shares of what all are worth."""
        self._period, self._worth = period, self._last
        self._sums = [RunningSum(*self._begin) for _ in range(2)]

    def _values(self, new: Floats, old: Floats, begins: Ints) -> Floats:
        pairs = zip(self._sums, new, old, strict=True)
        totals = np.stack([one.after(its, was, begins - begins[0], self._count) for one, its, was in pairs])
        if not self._months:
            return totals
        return np.where(self._worth > self._dust, totals * self._worth, self._worth)  # of nothing there are no shares
