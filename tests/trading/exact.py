"""A backtest as plain as possible: one run, one bar after another, in fractions. DESIGN section 8, nothing else."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from itertools import groupby, pairwise
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
    entered: int = 0  # at which bar
    trades: list = field(default_factory=list)  # of closed ones the return, and bars from entry to exit
    costs: Fraction = Fraction(0)
    since: object = None  # the time of the entry
    seen: list = field(default_factory=list)  # the closes since then
    log: list = field(default_factory=list)  # trades as they are written


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
        run.seen.append(close)
    if run.held:
        profit, bars = run.held * (close - run.entry) - run.paid, len(run.values) - 1 - run.entered
        run.log.append(logged(run, run.held, time, close, profit, bars, "open"))
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
    settle(rules, run, closing, shares, price, side, time)
    run.traded += (abs(closing) + abs(shares)) * abs(price)
    run.held, run.entry = shares, price
    run.opened += shares != 0


def close_out(rules, run, side, time, price):
    """Closes the position of a run that is ended, whatever that costs."""
    price += abs(price) * side * number(rules.slippage)
    costs = abs(run.held * price) * number(rules.commission) + number(rules.commission_per_order)
    run.orders.append((time, side, abs(run.held), price, "filled"))
    run.profits.append(run.held * (price - run.entry) - run.paid - costs)
    settle(rules, run, run.held, Fraction(0), price, side, time)
    run.traded += abs(run.held * price)
    run.cash += run.held * price - costs
    run.held = Fraction(0)


def settle(rules, run, closing, shares, price, side, time):
    """Counts what a fill cost, and the trade that it closed; run.held and run.entry are those before it."""
    slip = number(rules.slippage) * (side if price > 0 else -side)
    moved = (abs(closing) + abs(shares)) * abs(price)
    run.costs += moved * number(rules.commission) + number(rules.commission_per_order)
    run.costs += moved / (1 + slip) * number(rules.slippage)
    if closing:
        run.trades.append((run.profits[-1] / abs(closing * run.entry), len(run.values) - run.entered))
        why = "ruin" if run.ended else "cross"
        run.log.append(logged(run, closing, time, price, run.profits[-1], run.trades[-1][1], why))
    run.entered, run.since, run.seen = len(run.values), time, []


def logged(run, held, time, price, profit, bars, why):
    """A trade as it is written; excursions are those of closes, and of the exit, before costs."""
    moves = [(seen - run.entry) * (1 if held > 0 else -1) / abs(run.entry) for seen in [*run.seen, price]]
    side = "long" if held > 0 else "short"
    shape = profit, profit / abs(held * run.entry), bars, min(0, *moves), max(0, *moves)
    return run.since, time, side, abs(held), run.entry, price, *shape, why


def figures(rules, bars, run):
    """The figures of a run, in floats; None where undefined."""
    cash, values = number(rules.cash), run.values
    wins = [profit >= 0 for profit in run.profits]
    gains, losses = (sum(one for one in run.profits if (one >= 0) is kind) for kind in (True, False))
    status = [order[-1] for order in run.orders]
    mean = sum(values) / len(values)
    gone = min([cash, *values][:-1]) <= 0
    rate = Fraction(sum(wins), len(wins)) if wins else None
    returns, held = zip(*run.trades, strict=True) if run.trades else ((), ())
    both = wins and losses < 0 < gains
    return {
        "pnl": values[-1] - cash,
        "final_value": values[-1],
        "return": values[-1] / cash - 1,
        **daily(cash, bars, values, gone),
        "trades_total": run.opened,
        "trades_open": int(run.held != 0),
        "trades_closed": len(wins),
        "won": sum(wins),
        "lost": len(wins) - sum(wins),
        "win_rate": rate,
        "profit_factor": -gains / losses if wins and losses else None,
        "expectancy": sum(run.profits) / len(wins) if wins else None,
        "best_trade": max(returns, default=None),
        "worst_trade": min(returns, default=None),
        "average_trade": sum(returns) / len(returns) if returns else None,
        "average_bars_held": Fraction(sum(held), len(held)) if held else None,
        "win_streak": streak(wins, True),
        "lose_streak": streak(wins, False),
        "closed_pnl": sum(run.profits),
        "sqn": sqn(run.profits) if len(wins) > 1 else None,
        "kelly": rate - (1 - rate) * (-losses / wins.count(False)) / (gains / sum(wins)) if both else None,
        "exposure": Fraction(run.exposed, len(bars)),
        "turnover": run.traded / mean if mean > 0 else None,
        "costs": run.costs,
        **beside(rules, bars, values, gone),
        "orders": len([one for one in status if one != "open"]),
        "orders_refused": status.count("refused"),
        "fills_postponed": run.postponed,
        **ruin(bars, values),
        **backtraders(cash, bars, values, run.profits),
    }


def ruin(bars, values):
    times = [time for (time, _, _), value in zip(bars, values, strict=True) if value <= 0]
    return {"ruined": bool(times), "ruined_at": text(times[0]) if times else None}


def text(time):
    return time and f"{time:%Y-%m-%dT%H:%M:%SZ}"


def ends_of_days(bars, values):
    """The last value of each day."""
    return list({time.date(): value for (time, _, _), value in zip(bars, values, strict=True)}.values())


def per_year(bars):
    """The days of a year: those of longer bars, or 365 or 252."""
    days = sorted({time.date() for time, _, _ in bars})
    gaps = [(later - day).days for day, later in pairwise(days)]
    if gaps and min(gaps) >= 5:
        return max(round(365.25 * len(gaps) / (days[-1] - days[0]).days), 1)
    every = [days[0] + timedelta(days=at) for at in range((days[-1] - days[0]).days + 1)]
    on, possible = (sum(day.weekday() > 4 for day in some) for some in (days, every))
    off, others = len(days) - on, len(every) - possible
    return 365 if on and 4 * on * others >= 3 * off * possible else 252


def daily(cash, bars, values, gone):
    """What follows from the values at the ends of days, and from drawdowns."""
    days, year = [cash, *ends_of_days(bars, values)], per_year(bars)
    returns = [] if gone else [float(after / before - 1) for before, after in pairwise(days)]
    n = len(days) - 1
    mean, spread = (sum(returns) / n, sample(returns)) if returns else (0, 0)
    below = sqrt(sum(min(one, 0) ** 2 for one in returns if abs(one) > 1e-12) / n)
    fall, dates = deepest([time for time, _, _ in bars], [cash, *values])
    falls = [float((max(days[: at + 1]) - value) / max(days[: at + 1])) for at, value in enumerate(days)][1:]
    depths = [max(group) for is_below, group in groupby(falls, bool) if is_below for group in [list(group)]]
    growth = None if gone or values[-1] < 0 else float(values[-1] / cash) ** (year / n) - 1
    unequal = spread > 1e-9 and n > 1
    scores = [(one - mean) / (spread * sqrt((n - 1) / n)) for one in returns] if unequal else []
    skewed, peaked = (sum(one**power for one in scores) / n for power in (3, 4))
    down, _, longest = drawdown([cash, *values])
    return {
        "cagr": growth,
        "volatility": spread * sqrt(year) if n > 1 and returns else None,
        "sharpe": mean / spread * sqrt(year) if unequal else None,
        "sortino": mean / below * sqrt(year) if below else None,
        "calmar": growth / fall if growth is not None and fall else None,
        "max_drawdown": fall,
        "max_drawdown_money": down,
        **dates,
        "longest_drawdown_bars": longest,
        "average_drawdown": sum(depths) / len(depths) if depths else 0.0,
        "ulcer_index": sqrt(sum(one**2 for one in falls) / n),
        "skewness": skewed * sqrt(n * (n - 1)) / (n - 2) if unequal and n > 2 else None,
        "kurtosis": ((n + 1) * (peaked - 3) + 6) * (n - 1) / ((n - 2) * (n - 3)) if unequal and n > 3 else None,
    }


def deepest(times, values):
    """The deepest drawdown of values behind the cash, as a fraction; its dates and lengths."""
    fall, at = max(((max(values[: at + 1]) - value) / max(values[: at + 1]), -at) for at, value in enumerate(values))
    names = "from", "to", "recovered", "days", "bars"
    if not fall:
        return 0, dict(zip((f"max_drawdown_{name}" for name in names), (None, None, None, 0, 0), strict=True))
    peak = max(values[:-at])
    begin = max(number for number, value in enumerate(values[:-at]) if value == peak)
    again = next((number for number, value in enumerate(values) if number > -at and value >= peak), None)
    first, end = times[max(begin - 1, 0)], times[-1 if again is None else again - 1]
    below = (len(values) if again is None else again) - begin - 1
    told = text(first), text(times[-at - 1]), text(again and times[again - 1]), (end - first) / timedelta(days=1), below
    return fall, dict(zip((f"max_drawdown_{name}" for name in names), told, strict=True))


def is_tied(rules, values):
    """Whether two drawdowns are as deep as the deepest, so that rounding decides which is."""
    values = [number(rules.cash), *values]
    falls = [(max(values[: at + 1]) - value) / max(values[: at + 1]) for at, value in enumerate(values)]
    return sum(fall > max(falls) * (1 - Fraction(1, 10**9)) for fall in falls) > 1


def beside(rules, bars, values, gone):
    """What follows from values beside those of buying as soon as one can and holding, by the same rules."""
    cash, held = number(rules.cash), replace(rules, side="long", entry="state", stop_at_ruin=False)
    bought = backtest(held, bars, [1] * len(bars)).values
    ends, others = [cash, *ends_of_days(bars, values)], [cash, *ends_of_days(bars, bought)]
    n = len(ends) - 1
    found = {"buy_and_hold": bought[-1] / cash - 1, "alpha": None, "beta": None, "correlation": None}
    if gone or n < 2 or min(others[:-1]) <= 0:
        return found
    one, other = ([float(after / before - 1) for before, after in pairwise(days)] for days in (ends, others))
    if sample(other) <= 1e-9:
        return found
    mean, move = sum(one) / n, sum(other) / n
    shared = sum((mine - mean) * (its - move) for mine, its in zip(one, other, strict=True)) / (n - 1)
    beta = shared / sample(other) ** 2
    alike = shared / sample(one) / sample(other) if sample(one) > 1e-9 else None
    return found | {"alpha": (mean - beta * move) * per_year(bars), "beta": beta, "correlation": alike}


def backtraders(cash, bars, values, profits):
    wins = [profit >= 0 for profit in profits]
    down, percent, longest = drawdown([cash, *values])
    years = yearly(cash, bars, values) if min([cash, *values][:-1]) > 0 else []
    excess = [value - TARGET for value in years] if len(years) > 1 else None
    return {
        "bt_sharpe_annual": ratio(excess, deviation(excess)) if excess and max(excess) - min(excess) > 2**-40 else None,
        "bt_sortino_annual": ratio(excess, sqrt(sum(min(value, 0) ** 2 for value in excess) / len(excess)))
        if excess
        else None,
        "bt_sqn": sqn(profits, sample=False),
        "bt_strike_rate": Fraction(sum(wins), len(wins)) if wins else None,
        "bt_max_drawdown_pct": percent,
        "bt_max_drawdown": down,
        "bt_max_drawdown_bars": longest,
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


def moments(rules, bars, values):
    """Returns from day to day: how many, mean, deviation, skewness and kurtosis; None where a return has no base.

    The first is from the cash.
    """
    values = [number(rules.cash), *ends_of_days(bars, values)]
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


def sample(numbers):
    """Their deviation as that of a sample."""
    return deviation(numbers) * sqrt(len(numbers) / (len(numbers) - 1)) if len(numbers) > 1 else 0


def sqn(profits, sample=True):
    n = len(profits)
    if n < 2:
        return 0.0
    by = deviation(profits)
    return sqrt(n - sample) * float(sum(profits) / n) / by if by else None


def streak(wins, kind):
    longest = now = 0
    for win in wins:
        now = now + 1 if win == kind else 0
        longest = max(longest, now)
    return longest
