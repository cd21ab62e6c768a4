"""Backtests of one symbol's bars, many runs side by side. (First working version: bar by bar.)"""

from typing import Any, NamedTuple

import numpy as np

from windrow.rounding import Floats, Ints
from windrow.trading.figures import Moments, Totals, figures
from windrow.trading.rules import Rules

__all__ = ["Backtests", "Moments", "Rules"]


class Pushed(NamedTuple):
    orders: Any
    values: Any


class Backtests:
    """Runs over one symbol's bars, each with its own trend of two averages."""

    def __init__(
        self, rules: Rules, runs: int, orders: bool = False, values: bool = False, returns: bool = False
    ) -> None:
        self.rules, self.runs = rules, runs
        self._values, self._returns = values, returns
        zeros = lambda kind=float: np.zeros(runs, kind)  # noqa: E731
        self._cash, self._position, self._entry, self._entry_cost = zeros() + rules.cash, zeros(), zeros(), zeros()
        self._pending, self._last_sign = zeros(np.int8), zeros(np.int8)
        self._t = Totals(rules.cash, runs)
        self._value = self._cash.copy()
        self._peak = np.full(runs, -np.inf)
        self._below = zeros(int)
        self._last_close = 0.0
        self._year = None
        self._year_start = self._cash.copy()
        self._sums = np.zeros((4, runs))
        self._streak = zeros(int)

    def push(self, times: Ints, opens: Floats, closes: Floats, trend: Any) -> Pushed:
        rules, t = self.rules, self._t
        years = times.view("datetime64[ns]").astype("datetime64[Y]").astype(int)
        kept = []
        for i in range(len(times)):
            c = float(closes[i])
            if self._year is not None and years[i] != self._year:
                t.years.append(self._value / self._year_start - 1)
                self._year_start = self._value.copy()
            self._year = years[i]
            if rules.fill == "next-open":
                self._fill(self._last_close, float(opens[i]))
            s = trend[i].astype(np.int8)
            position = np.sign(self._position).astype(np.int8)
            if rules.entry == "cross":
                s = np.where(s * self._last_sign == -1, s, 0)
                self._last_sign = np.where(abs(trend[i]) == 1, trend[i], self._last_sign)
                d = np.where(s != position, s, 0)
            else:
                d = np.where(
                    s == -2, 0, np.where(position == 0, np.where(s > 0, 1, -1), np.where(s == -position, s, 0))
                )
            if rules.side == "long":
                d = np.where((d < 0) & (position == 0), 0, d)
            self._pending = d.astype(np.int8)
            if rules.fill == "close":
                self._fill(c, c)
            self._mark(c)
            if self._values:
                kept.append(self._value.copy())
            self._last_close = c
        return Pushed(None, np.array(kept) if self._values else None)

    def _fill(self, close: float, price: float) -> None:
        rules, t, d = self.rules, self._t, self._pending.astype(float)
        k, flat = rules.commission, rules.commission_per_order
        p = np.where(d > 0, price * (1 + rules.slippage), price * (1 - rules.slippage))
        pos, cash = self._position, self._cash
        opens = (d > 0) | (rules.side == "both")
        closing = pos != 0
        held = abs(pos)
        first, second = np.where(closing, flat, 0.0), np.where(closing, 0.0, flat)
        pnl = pos * (p - self._entry)
        closed_cost = held * k * p + first
        after = cash + (pos * self._entry + pnl) - closed_cost
        if rules.sizing == "fixed":
            target = np.where(opens, d * rules.size, 0.0)
            check = cash + pos * close - (held * k * close + first)
            check = check - target * close - np.where(opens, abs(target) * k * close + second, 0.0)
            placed = (d != 0) & (check >= 0)
            open_cost = np.where(opens, abs(target) * k * p + second, 0.0)
            end = after - target * p - open_cost
            fits = end >= 0
        else:
            spent = (after - second) / (1 + k)
            fits = (spent > 0) & (p > 0) | ~opens
            target = np.where(opens & fits, d * spent / np.where(p == 0, 1, p), 0.0)
            open_cost = np.where(target > 0, after - spent, np.abs(target) * p * k + second)
            end = np.where(target > 0, 0.0, after - target * p - open_cost)
            placed = (d != 0) & (opens | (after >= 0))
            end = np.where(opens, end, after)
            open_cost = np.where(opens, open_cost, 0.0)
        closed = placed & closing
        opened = placed & opens & fits
        t.traded += np.where(closed, held * p, 0.0) + np.where(opened, abs(target) * p, 0.0)
        t.largest = np.maximum(t.largest, np.where(closed, held * p, 0))
        t.close_trades(closed, pnl - (self._entry_cost + closed_cost))
        t.total += opened
        self._cash = np.where(opened, end, np.where(closed, after, cash))
        self._position = np.where(opened, target, np.where(closed, 0.0, pos))
        self._entry = np.where(opened, p, self._entry)
        self._entry_cost = np.where(opened, open_cost, self._entry_cost)
        self._pending = np.zeros(self.runs, np.int8)

    def _mark(self, c: float) -> None:
        t = self._t
        value = self._cash + self._position * c
        if t.bars and self._returns:
            r = value / self._value - 1
            for n in range(4):
                self._sums[n] += r ** (n + 1)
        self._value = value
        self._peak = np.maximum(self._peak, value)
        down = self._peak - value
        dust = down <= self._peak * 2**-40
        down = np.where(dust, 0.0, down)
        t.drawdown = np.maximum(t.drawdown, down)
        t.drawdown_pct = np.maximum(t.drawdown_pct, np.where(self._peak > 0, 100 * down / self._peak, np.nan))
        self._below = np.where(dust, 0, self._below + 1)
        t.drawdown_bars = np.maximum(t.drawdown_bars, self._below)
        t.value_sum += value
        t.held_bars += self._position != 0
        t.bars += 1
        if t.bars == 1:
            t.first_close = c
        t.last_close = c

    def figures(self) -> list[dict[str, Any]]:
        """Figures of each run, in order: see windrow/trading/figures.py."""
        t = self._t
        years = [*t.years, self._value / self._year_start - 1] if t.bars else []
        return figures(t, self._value, self._position != 0, years)

    def returns(self) -> Moments:
        """Moments of the returns from bar to bar."""
        return Moments.of(self._t.bars - 1, self._sums)
