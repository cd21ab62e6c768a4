"""The figures of a run, and why one is undefined."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats
from windrow.times import format_times
from windrow.trading.drawdown import Drawdown
from windrow.trading.orders import OrderCounts
from windrow.trading.ruin import NEVER, Ruin
from windrow.trading.rules import DUST, Rules
from windrow.trading.trades import Trades
from windrow.trading.value import Value, added

#: The yearly return by which others are measured: backtrader's riskfreerate.
TARGET = 0.01

#: Why a ratio is undefined that has no deviation to divide by: its sign is that of the mean.
EQUAL_TRADES = "all closed trades had the same profit"
EQUAL_YEARS = "all calendar years returned the same"
NO_YEAR_BELOW = f"no calendar year returned less than {TARGET}"

_DRAWDOWN = ("max_drawdown_pct", "max_drawdown", "max_drawdown_bars")


def figures(
    rules: Rules, value: Value, trades: Trades, drawdown: Drawdown, orders: OrderCounts, ruin: Ruin, dated: bool
) -> list[dict[str, Any]]:
    """One dict per run: its figures by name, in the order in which they are written.

    An undefined figure is None; a last entry "undefined", where there is any, gives the reasons by name. A run that was
    never ruined has no time of its ruin, for no other reason.
    """
    columns = _columns(rules, value, trades, drawdown) | _orders(orders) | _ruin(ruin, dated)
    names = list(columns)
    rows: list[dict[str, Any]] = [
        dict(zip(names, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]
    for name, missing, why in _undefined(rules, value, trades, ruin, columns):
        for run in np.flatnonzero(missing).tolist():
            rows[run][name] = None
            rows[run].setdefault("undefined", {}).setdefault(name, why)
    return rows


def _columns(rules: Rules, value: Value, trades: Trades, drawdown: Drawdown) -> dict[str, NDArray[Any]]:
    years, mean = value.years(), value.mean()
    with np.errstate(all="ignore"):
        return {
            "pnl": value.now - rules.cash,
            "final_value": value.now,
            "trades_total": trades.total,
            "trades_open": trades.total - trades.closed,
            "trades_closed": trades.closed,
            "won": trades.won,
            "lost": trades.closed - trades.won,
            "strike_rate": trades.won / trades.closed,
            "win_streak": trades.win_streak,
            "lose_streak": trades.lose_streak,
            "closed_pnl": trades.profit,
            "sharpe": _sharpe(years),
            "sortino": _sortino(years),
            "sqn": _sqn(trades),
            "max_drawdown_pct": drawdown.percent,
            "max_drawdown": drawdown.money,
            "max_drawdown_bars": drawdown.bars,
            "return": value.now / rules.cash - 1.0,
            "exposure": value.bars_held / np.float64(value.bars),
            "turnover": trades.traded / mean,
            "buy_and_hold": np.full(len(mean), np.float64(value.last_close) / value.first_close - 1.0),
        }


def _orders(orders: OrderCounts) -> dict[str, NDArray[Any]]:
    return {"orders": orders.placed, "orders_refused": orders.refused, "fills_postponed": orders.postponed}


def _ruin(ruin: Ruin, dated: bool) -> dict[str, NDArray[Any]]:
    ruined = ruin.times != NEVER
    times = np.full(len(ruined), None, object)
    times[ruined] = [text.decode() for text in format_times(ruin.times[ruined], dated)]
    return {"ruined": ruined, "ruined_at": times}


def _sharpe(years: Floats) -> Floats:
    """(mean - 0.01) / population deviation of calendar years' returns: backtrader's analyzers/sharpe.py."""
    excess = years - TARGET
    mean = _mean(excess)
    return mean / np.sqrt(_mean(np.square(excess - mean)))


def _sortino(years: Floats) -> Floats:
    """The same mean over the population's downside deviation: the root of the mean of min(return - 0.01, 0)**2."""
    excess = years - TARGET
    return _mean(excess) / np.sqrt(_mean(np.square(np.minimum(excess, 0.0))))


def _mean(years: Floats) -> Floats:
    return added(years) / len(years)


def _sqn(trades: Trades) -> Floats:
    """sqrt(n) x mean / population deviation of closed trades' profit, 0 below two: backtrader's analyzers/sqn.py."""
    mean, deviation = trades.mean_and_deviation()
    return np.where(trades.closed < 2, 0.0, np.sqrt(trades.closed) * mean / deviation)


def _undefined(
    rules: Rules, value: Value, trades: Trades, ruin: Ruin, columns: dict[str, NDArray[Any]]
) -> Iterator[tuple[str, Any, str]]:
    """Names of figures, the runs where they are undefined, and why; the first of two reasons counts."""
    yield "strike_rate", trades.closed == 0, "no closed trade"
    yield "sqn", (trades.closed > 1) & ~np.isfinite(columns["sqn"]), EQUAL_TRADES
    every = np.ones(len(value.now), bool)
    if not value.bars:
        for name in ("sharpe", "sortino", *_DRAWDOWN, "exposure", "turnover", "buy_and_hold"):
            yield name, every, "no bars"
        return
    years = value.years()
    for name in ("sharpe", "sortino"):
        yield name, np.isnan(years).any(axis=0), "a calendar year began with a value of 0 or below"
        yield name, ruin.times < value.time, "a bar began with a value of 0 or below"
        if len(years) == 1:
            yield name, every, "a single calendar year"
    yield "sharpe", np.ptp(years, axis=0) <= DUST, EQUAL_YEARS
    yield "sortino", (years >= TARGET).all(axis=0), NO_YEAR_BELOW
    yield "turnover", value.mean() <= rules.dust, "the mean value is not above 0"
    if not value.first_close > 0:
        yield "buy_and_hold", every, "the first close is not above 0"
