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
    postponed: int = 0
    ended: bool = False
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
        if rules.fill == "next-open":
            placed = attempt(rules, run, placed, time, opens)
        if rules.fill == "close":
            end(rules, run, close)
        sign, last = decide(rules, trend[at], last)
        placed = place(rules, run, placed, sign, time, close)
        if rules.fill == "close":
            placed = attempt(rules, run, placed, time, close)
        if not run.ended and end(rules, run, close):
            placed = place(rules, run, None, sign, time, close)
            if rules.fill == "close":
                placed = attempt(rules, run, placed, time, close)
        run.values.append(run.cash + run.held * close)
        run.exposed += run.held != 0
    if placed:
        side, time, close = placed
        run.orders.append((time, side, abs(run.held) if run.ended else ordered(rules, run, side), close, "open"))
    return run


def end(rules, run, close):
    """Ends a run that is ruined, if it is to end there."""
    run.ended |= rules.stop_at_ruin and run.cash + run.held * close <= 0
    return run.ended


def place(rules, run, placed, sign, time, close):
    """The order at a close: one that waits stays, unless the averages have crossed back; a run that is ended closes."""
    if run.ended:
        side = (run.held < 0) - (run.held > 0)
    elif placed and sign not in (1, -1):
        side = placed[0]
    else:
        side = placed[0] if placed and placed[0] == sign else order(rules, run, sign)
    return (side, time, close) if side else None


def attempt(rules, run, placed, time, price):
    """Fills an order where there is a price; what is returned waits."""
    if placed and price == 0:
        run.postponed += 1
        return placed
    if placed and run.ended:
        close_out(rules, run, placed[0], time, price)
    elif placed:
        trade(rules, run, placed, time, price)
    return None


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
            return int(rules.side != "short")
        return -1 if rules.side == "both" or (rules.side == "short" and sign < 0) else 0
    return sign if sign * run.held < 0 else 0


def target(rules, side):
    return side if rules.side in ("both", "long" if side > 0 else "short") else 0


def shares_of(rules):
    """The shares of a position; None where its price decides."""
    return None if set(rules.size) - set("0123456789.") else Fraction(rules.size)


def ordered(rules, run, side):
    """The shares ordered; None where the price of the fill would decide."""
    if shares_of(rules) is not None:
        return abs(target(rules, side) * shares_of(rules) - run.held)
    return None if target(rules, side) else abs(run.held)


def worth(rules, money, price):
    """The shares that are worth this."""
    if price <= 0:
        return Fraction(0)
    return Fraction(money // price) if rules.whole_shares else money / price


def cost(rate, shares, price):
    return shares * price + abs(shares * price) * rate


def trade(rules, run, placed, time, price):
    """Fills an order, as far as it can be."""
    side, placed_time, placed_close = placed
    rate, fee = number(rules.commission), number(rules.commission_per_order)
    price += abs(price) * side * number(rules.slippage)
    closing, opening = run.held, target(rules, side)
    left = run.cash + closing * price - (abs(closing * price) * rate + fee)
    if (shares := shares_of(rules)) is not None:
        shares *= opening
        bought = abs(shares - closing)
        refused = run.cash - (shares - closing) * placed_close - bought * rate * abs(placed_close) - fee < 0
        fits = left - shares * price - abs(shares * price) * rate >= 0
    elif rules.size.startswith("money:"):
        shares = opening * worth(rules, Fraction(rules.size[6:]), price)
        before = run.cash + closing * placed_close - (abs(closing * placed_close) * rate + fee)
        refused = before - cost(rate, opening * worth(rules, Fraction(rules.size[6:]), placed_close), placed_close) < 0
        fits = price > 0 and shares != 0 and left - cost(rate, shares, price) >= 0
    else:
        part = 1 if rules.size == "all-in" else Fraction(rules.size[:-1]) / 100
        shares = opening * worth(rules, part * left / (1 + rate), price)
        fits = left > 0 and price > 0 and shares != 0
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
        costs = run.paid + abs(closing * price) * rate + fee
        run.profits.append(closing * (price - run.entry) - costs)
    run.cash = left - shares * price - abs(shares * price) * rate
    run.paid = abs(shares * price) * rate + (0 if closing else fee)
    run.traded += (abs(closing) + abs(shares)) * abs(price)
    run.held, run.entry = shares, price
    run.opened += shares != 0


def close_out(rules, run, side, time, price):
    """Closes the position of a run that is ended, whatever that costs."""
    price += abs(price) * side * number(rules.slippage)
    costs = abs(run.held * price) * number(rules.commission) + number(rules.commission_per_order)
    run.orders.append((time, side, abs(run.held), price, "filled"))
    run.profits.append(run.held * (price - run.entry) - run.paid - costs)
    run.traded += abs(run.held * price)
    run.cash += run.held * price - costs
    run.held = Fraction(0)


def figures(rules, bars, run):
    """The figures of a run, in floats; None where undefined."""
    cash, values = number(rules.cash), run.values
    wins = [profit >= 0 for profit in run.profits]
    down, percent, longest = drawdown([cash, *values])
    status = [order[-1] for order in run.orders]
    ruined = [time for (time, _, _), value in zip(bars, values, strict=True) if value <= 0]
    mean = sum(values) / len(values)
    first, last = bars[0][2], bars[-1][2]
    years = yearly(cash, bars, values) if min([cash, *values][:-1]) > 0 else []
    excess = [value - TARGET for value in years] if len(years) > 1 else None
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
        "sharpe": ratio(excess, deviation(excess)) if excess and max(excess) - min(excess) > 2**-40 else None,
        "sortino": ratio(excess, sqrt(sum(min(value, 0) ** 2 for value in excess) / len(excess))) if excess else None,
        "sqn": sqn(run.profits),
        "max_drawdown_pct": percent,
        "max_drawdown": down,
        "max_drawdown_bars": longest,
        "return": values[-1] / cash - 1,
        "exposure": Fraction(run.exposed, len(bars)),
        "turnover": run.traded / mean if mean > 0 else None,
        "buy_and_hold": last / first - 1 if first > 0 else None,
        "orders": len([one for one in status if one != "open"]),
        "orders_refused": status.count("refused"),
        "fills_postponed": run.postponed,
        "ruined": bool(ruined),
        "ruined_at": f"{ruined[0]:%Y-%m-%dT%H:%M:%SZ}" if ruined else None,
    }


def drawdown(values):
    peak, down, percent, below, longest = values[0], 0, 0, 0, 0
    for value in values:
        peak = max(peak, value)
        below = below + 1 if value < peak else 0
        down, longest = max(down, peak - value), max(longest, below)
        percent = max(percent, 100 * (peak - value) / peak)
    return down, percent, longest


def yearly(start, bars, values):
    """Returns of calendar years, in order; all begin above 0."""
    lasts = {time.year: value for (time, _, _), value in zip(bars, values, strict=True)}
    starts = [start, *lasts.values()][:-1]
    return [end / start - 1 for start, end in zip(starts, lasts.values(), strict=True)]


def moments(rules, values):
    """Returns from bar to bar: how many, mean, deviation, skewness and kurtosis; None where a return has no base.

    The first is from the cash, where the first bar may have a fill.
    """
    values = [number(rules.cash), *values] if rules.fill == "close" else values
    if len(values) < 2 or min(values[:-1]) <= 0:
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
