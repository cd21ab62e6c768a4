"""A backtest as plain as possible: one run, one bar after another, in fractions. DESIGN section 8, nothing else."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import sqrt

NOT_FULL = -2
TARGET = Fraction(1, 100)


@dataclass
class Run:
    """The results of a run; money in fractions."""

    cash: Fraction
    held: Fraction = Fraction(0)
    entry: Fraction = Fraction(0)
    paid: Fraction = Fraction(0)  # commission of the opening leg
    orders: list = field(default_factory=list)  # (time, side, size, price, status)
    opened: int = 0
    profits: list = field(default_factory=list)
    traded: Fraction = Fraction(0)
    values: list = field(default_factory=list)
    exposed: int = 0


def number(value):
    """The decimal number that a float represents."""
    return Fraction(repr(float(value)))


def backtest(rules, bars, trend):
    """Runs bars (time, open, close), prices as fractions, by the trend at each."""
    run = Run(number(rules.cash))
    last, placed = 0, None
    for at, (time, opens, close) in enumerate(bars):
        if placed and rules.fill == "next-open":
            trade(rules, run, placed, time, opens)
            placed = None
        sign, last = decide(rules, trend[at], last)
        side = order(rules, run, sign)
        if side:
            placed = side, time, close
        if placed and rules.fill == "close":
            trade(rules, run, placed, time, close)
            placed = None
        run.values.append(run.cash + run.held * close)
        run.exposed += run.held != 0
    if placed:
        side, time, close = placed
        run.orders.append((time, side, ordered(rules, run, side), close, "open"))
    return run


def decide(rules, now, last):
    """The position that the averages call for, and the last sign that is not zero."""
    if rules.entry == "state":
        return now, last
    if now == NOT_FULL:
        return 0, 0
    if now == 0:
        return 0, last
    return (now if now == -last else 0), now


def order(rules, run, sign):
    """The side of the order that is placed: 1, -1 or 0."""
    if sign == NOT_FULL or (rules.entry == "cross" and sign == 0):
        return 0
    if run.held == 0:
        if sign > 0:
            return 1
        return -1 if rules.side == "both" else 0
    return sign if sign * run.held < 0 else 0


def target(rules, side):
    return side if side > 0 or rules.side == "both" else 0


def ordered(rules, run, side):
    """The shares ordered; None where the cash at the fill decides."""
    if rules.sizing == "fixed":
        return abs(target(rules, side) * number(rules.size) - run.held)
    return None if target(rules, side) else abs(run.held)


def trade(rules, run, placed, time, price):
    """Fills an order, as far as it can be."""
    side, placed_time, placed_close = placed
    rate, fee = number(rules.commission), number(rules.commission_per_order)
    price = price * (1 + side * number(rules.slippage))
    closing, opening = run.held, target(rules, side)
    left = run.cash + closing * price - (abs(closing) * rate * price + fee)
    if rules.sizing == "fixed":
        shares = opening * number(rules.size)
        bought = abs(shares - closing)
        refused = run.cash - (shares - closing) * placed_close - bought * rate * placed_close - fee < 0
        fits = left - shares * price - abs(shares) * rate * price >= 0
    else:
        spent = left / (1 + rate)
        fits = left > 0 and price > 0
        shares = opening * spent / price if fits else Fraction(0)
        refused = opening == 0 and left < 0
    if opening == 0:
        fits, shares = True, Fraction(0)
    if refused or (not fits and closing == 0):
        run.orders.append((placed_time, side, ordered(rules, run, side), placed_close, "refused"))
        return
    if not fits:
        shares = Fraction(0)
    run.orders.append((time, side, abs(shares - closing), price, "filled" if fits else "closed-only"))
    if closing:
        costs = run.paid + abs(closing) * rate * price + fee
        run.profits.append(closing * (price - run.entry) - costs)
    run.cash = left - shares * price - abs(shares) * rate * price
    run.paid = abs(shares) * rate * price + (0 if closing else fee)
    run.traded += (abs(closing) + abs(shares)) * price
    run.held, run.entry = shares, price
    run.opened += shares != 0


def figures(rules, bars, run):
    """The figures of a run, in floats; None where undefined."""
    cash, values = number(rules.cash), run.values
    wins = [profit >= 0 for profit in run.profits]
    down, percent, longest = drawdown(values)
    mean = sum(values) / len(values)
    first, last = bars[0][2], bars[-1][2]
    excess = [value - TARGET for value in years] if (years := yearly(cash, bars, values)) else None
    return {
        "pnl": values[-1] - cash,
        "final_value": values[-1],
        "trades_total": run.opened,
        "trades_open": int(run.held != 0),
        "trades_closed": len(wins),
        "won": sum(wins),
        "lost": len(wins) - sum(wins),
        "strike_rate": Fraction(sum(wins), len(wins)) if wins else None,
        "win_streak": streak(wins, True),
        "lose_streak": streak(wins, False),
        "closed_pnl": sum(run.profits),
        "sharpe": ratio(excess, deviation(excess)) if excess else None,
        "sortino": ratio(excess, sqrt(sum(min(value, 0) ** 2 for value in excess) / len(excess))) if excess else None,
        "sqn": sqn(run.profits),
        "max_drawdown_pct": percent,
        "max_drawdown": down,
        "max_drawdown_bars": longest,
        "return": values[-1] / cash - 1,
        "exposure": Fraction(run.exposed, len(bars)),
        "turnover": run.traded / mean if mean > 0 else None,
        "buy_and_hold": last / first - 1 if first > 0 else None,
    }


def drawdown(values):
    peak, down, percent, below, longest = values[0], 0, 0, 0, 0
    for value in values:
        peak = max(peak, value)
        below = below + 1 if value < peak else 0
        down, longest = max(down, peak - value), max(longest, below)
        percent = max(percent, 100 * (peak - value) / peak) if peak > 0 and percent is not None else None
    return down, percent, longest


def yearly(start, bars, values):
    """Returns of calendar years, in order; none where one begins at or below 0."""
    lasts = {time.year: value for (time, _, _), value in zip(bars, values, strict=True)}
    starts = [start, *lasts.values()][:-1]
    return [end / start - 1 for start, end in zip(starts, lasts.values(), strict=True)] if min(starts) > 0 else []


def moments(values):
    """Returns from bar to bar: how many, mean, deviation, skewness and kurtosis; None where a return has no base."""
    if min(values[:-1], default=1) <= 0:
        return None
    returns = [float(after / before - 1) for before, after in pairwise(values)]
    mean, spread = sum(returns) / len(returns), deviation(returns)
    if not spread:
        return len(returns), mean, spread, None, None
    scores = [(value - mean) / spread for value in returns]
    return len(returns), mean, spread, *(sum(score**power for score in scores) / len(scores) for power in (3, 4))


def deviation(sample):
    mean = sum(sample) / len(sample)
    return sqrt(sum((value - mean) ** 2 for value in sample) / len(sample))


def ratio(sample, by):
    return float(sum(sample) / len(sample)) / by if by else None


def sqn(profits):
    if len(profits) < 2:
        return 0.0
    by = deviation(profits)
    return sqrt(len(profits)) * float(sum(profits) / len(profits)) / by if by else None


def streak(wins, kind):
    longest = now = 0
    for win in wins:
        now = now + 1 if win == kind else 0
        longest = max(longest, now)
    return longest
