"""The figures of runs, and why one is undefined: docs/figures.md defines each.

Fractions are fractions, 0.12 for 12 %, and money is money. Those of an equity curve alone need no trades, so a curve of
any origin has them too (windrow/trading/curves.py). What backtrader tells by other formulas stands last, under names of
its own, where that is asked for.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats, Ints, distinct
from windrow.times import DAY, format_times
from windrow.trading.annual import years_columns, years_undefined
from windrow.trading.day_returns import Returns
from windrow.trading.drawdown import Drawdown
from windrow.trading.equity import Equity
from windrow.trading.figure_rows import Columns, FigureRows
from windrow.trading.measures import Measures
from windrow.trading.orders import OrderCounts
from windrow.trading.ruin import NEVER
from windrow.trading.rules import DUST
from windrow.trading.trades import Trades
from windrow.trading.value import Value

#: Why a ratio is undefined that has no deviation to divide by: its sign is that of the mean.
EQUAL_TRADES = "all closed trades had the same profit"
EQUAL_DAYS = "all days returned the same"
NO_BARS = "no bars"
NO_DAY_BELOW = "no day returned less than the risk-free rate"

_GONE = "a bar began with a value of 0 or below"
_NO_TRADE = "no closed trade"
_NO_FALL = "no drawdown"

#: Figures that are times, or nothing.
TIMES = ("max_drawdown_from", "max_drawdown_to", "max_drawdown_recovered", "ruined_at")
#: Figures that are whole numbers; `fast` and `slow` are, where they are windows of a grid.
COUNTS = ("max_drawdown_bars", "longest_drawdown_bars", "trades_total", "trades_open", "trades_closed", "won", "lost",
          "win_streak", "lose_streak", "orders", "orders_refused", "fills_postponed", "symbols", "pairs", "fast",
          "slow", "bars")  # fmt: skip
#: Times that are nothing where something has not happened, for no other reason.
UNTOLD = ("max_drawdown_recovered", "ruined_at")

_BENCHMARK = ("alpha", "beta", "correlation")
_OF_RETURNS = ("cagr", "volatility", "sharpe", "sortino", "calmar", "skewness", "kurtosis", *_BENCHMARK)
_FALLS = ("max_drawdown", "max_drawdown_money", "max_drawdown_from", "max_drawdown_to", "max_drawdown_days",
          "max_drawdown_bars", "longest_drawdown_bars", "average_drawdown", "ulcer_index")  # fmt: skip
_OF_TRADES = ("win_rate", "profit_factor", "expectancy", "best_trade", "worst_trade", "average_trade",
              "average_bars_held", "sqn", "kelly")  # fmt: skip
_BT_FALLS = ("bt_max_drawdown_pct", "bt_max_drawdown", "bt_max_drawdown_bars")

#: The name of a figure, the runs where it is undefined, and why.
Missing: TypeAlias = tuple[str, Any, str]


@np.errstate(all="ignore")
def figures(
    equity: Equity, returns: Returns, trades: Trades, orders: OrderCounts, measures: Measures, dated: bool
) -> FigureRows:
    """Each run's figures by name, in the order in which they are written, and why some are undefined.

    returns: those of `equity` so far.

    A run that was never ruined has no time of its ruin, and one that has not recovered none of that, for no other
    reason.
    """
    columns = {
        **_results(equity, returns, dated),
        **_trade_columns(trades),
        "exposure": equity.value.bars_held / np.float64(equity.value.bars),
        "turnover": trades.traded / equity.value.mean(),
        "costs": trades.costs,
        **_beside(equity, returns),
        "orders": orders.placed,
        "orders_refused": orders.refused,
        "fills_postponed": orders.postponed,
        **_ruined(equity, dated),
    }
    missing = [*_no_equity(equity, returns, columns), *_no_trades(trades, columns), *_no_activity(equity.value)]
    if measures.backtrader:
        columns |= _backtraders(equity, trades)
        missing += _not_backtraders(equity, trades, columns)
    return _without(columns, missing)


@np.errstate(all="ignore")
def equity_figures(equity: Equity, dated: bool) -> FigureRows:
    """The figures of values alone, in the same order."""
    returns = equity.daily.so_far()
    columns = {**_results(equity, returns, dated), **_beside(equity, returns), **_ruined(equity, dated)}
    return _without(columns, _no_equity(equity, returns, columns))


def _without(columns: Columns, missing: Iterable[Missing]) -> FigureRows:
    """The figures, without those that are undefined; the first of two reasons counts."""
    runs = len(columns["pnl"])
    undefined: dict[int, dict[str, str]] = {}
    for name, where, why in missing:
        if not where.any():  # as for nearly all
            continue
        for run in np.flatnonzero(np.broadcast_to(where, runs)).tolist():
            undefined.setdefault(run, {}).setdefault(name, why)
    return FigureRows({name: column.copy() for name, column in columns.items()}, undefined)  # the runs may go on


def _results(equity: Equity, returns: Returns, dated: bool) -> Columns:
    value, drawdown = equity.value, equity.drawdown
    deepest = drawdown.percent / 100.0
    root, deviation = np.sqrt(returns.per_year), np.sqrt(returns.variance)
    excess, growth = returns.mean - returns.rate, _growth(value, returns)
    dates = (_texts(times, dated) for times in (drawdown.begun, drawdown.lowest, drawdown.recovered))
    return {
        "pnl": value.now - value.cash,
        "final_value": value.now,
        "return": value.now / value.cash - 1.0,
        "cagr": growth,
        "volatility": deviation * root,
        "sharpe": excess / deviation * root,
        "sortino": excess / returns.downside * root,
        "calmar": growth / deepest,
        "max_drawdown": deepest,
        "max_drawdown_money": drawdown.money,
        **dict(zip(TIMES, dates, strict=False)),
        "max_drawdown_days": _days(drawdown, value.time),
        "max_drawdown_bars": drawdown.below,
        "longest_drawdown_bars": drawdown.bars,
        "average_drawdown": returns.average_drawdown,
        "ulcer_index": returns.ulcer_index,
        "skewness": returns.skewness,
        "kurtosis": returns.kurtosis,
    }


def _growth(value: Value, returns: Returns) -> Floats:
    years = float(returns.per_year / np.float64(returns.count))
    shares = np.maximum(value.now / value.cash, 0.0).tolist()
    return np.array([_power(share, years) for share in shares]) - 1.0


def _power(base: float, exponent: float) -> float:
    """C's power, infinity beyond all numbers: the last bit of numpy's depends on a machine's instructions."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _texts(times: Ints, dated: bool) -> NDArray[Any]:
    """Times as text, None in place of NEVER."""
    there = np.flatnonzero(times != NEVER)
    found = np.full(len(times), None, object)
    its = distinct(times[there])  # runs share most of them
    texts = np.array([text.decode() for text in format_times(its, dated)], object)
    found[there] = texts[np.searchsorted(its, times[there])]
    return found


def _days(drawdown: Drawdown, last: int) -> Floats:
    """Days from the peak before the deepest drawdown until the value is there again, or to the last bar."""
    ends = np.where(drawdown.recovered == NEVER, last, drawdown.recovered)
    days: Floats = np.where(drawdown.lowest == NEVER, 0, ends - drawdown.begun) / DAY
    return days


def _trade_columns(trades: Trades) -> Columns:
    closed, lost = trades.closed.astype(np.float64), trades.closed - trades.won
    rate, won = trades.won / closed, trades.gains / trades.won
    mean, deviation = trades.mean_and_deviation()
    return {
        "trades_total": trades.total,
        "trades_open": trades.total - trades.closed,
        "trades_closed": trades.closed,
        "won": trades.won,
        "lost": lost,
        "win_rate": rate,
        "profit_factor": trades.gains / -trades.losses,
        "expectancy": trades.profit / closed,
        "best_trade": trades.best,
        "worst_trade": trades.worst,
        "average_trade": trades.returns / closed,
        "average_bars_held": trades.bars_held / closed,
        "win_streak": trades.win_streak,
        "lose_streak": trades.lose_streak,
        "closed_pnl": trades.profit,
        "sqn": np.sqrt(closed - 1.0) * mean / deviation,  # of a sample: sqrt(n) / sqrt(n / (n - 1))
        "kelly": rate - (1.0 - rate) * (-trades.losses / lost) / won,
    }


def _beside(equity: Equity, returns: Returns) -> Columns:
    mean, variance = returns.benchmark
    beta = returns.covariance / variance
    return {
        "buy_and_hold": np.full(len(equity.value.now), returns.bought - 1.0),
        "alpha": (returns.mean - returns.rate - beta * (mean - returns.rate)) * returns.per_year,
        "beta": beta,
        "correlation": returns.covariance / np.sqrt(returns.variance * variance),
    }


def _ruined(equity: Equity, dated: bool) -> Columns:
    times = equity.ruin.times
    return {"ruined": times != NEVER, "ruined_at": _texts(times, dated)}


def _no_equity(equity: Equity, returns: Returns, columns: Columns) -> Iterator[Missing]:
    value, drawdown = equity.value, equity.drawdown
    if not value.bars:
        yield from _of_all((*_OF_RETURNS, *_FALLS, "buy_and_hold"), NO_BARS)
        return
    for name in _OF_RETURNS:
        yield name, equity.ruin.times < value.time, _GONE
    for name in ("cagr", "calmar"):
        yield name, value.now < -DUST * value.cash, "the final value is below 0"
    for name in ("calmar", "max_drawdown_from", "max_drawdown_to"):
        yield name, drawdown.percent == 0, _NO_FALL
    yield from _too_few(returns)
    yield from _all_equal(returns)
    for name in ("cagr", "calmar"):
        yield name, np.isinf(columns[name]), "it is beyond the largest number"


def _of_all(names: Iterable[str], why: str) -> Iterator[Missing]:
    """Figures that are undefined in all runs."""
    return ((name, np.True_, why) for name in names)


def _too_few(returns: Returns) -> Iterator[Missing]:
    if returns.count < 2:
        yield from _of_all(("volatility", "sharpe", *_BENCHMARK), "fewer than 2 days")
    if returns.count < 3:
        yield from _of_all(["skewness"], "fewer than 3 days")
    if returns.count < 4:
        yield from _of_all(["kurtosis"], "fewer than 4 days")


def _all_equal(returns: Returns) -> Iterator[Missing]:
    variance, downside = returns.benchmark[1], returns.downside
    if np.isnan(variance).any():
        yield from _of_all(_BENCHMARK, "buying and holding was worth 0 or less")
    if (variance == 0).any():
        yield from _of_all(_BENCHMARK, "all days of buying and holding returned the same")
    for name in ("sharpe", "skewness", "kurtosis", "correlation"):
        yield name, returns.variance == 0, EQUAL_DAYS
    yield "sortino", np.isnan(downside), "the risk-free rate of a day depends on how many a year has: give that"
    yield "sortino", downside == 0, NO_DAY_BELOW


def _no_trades(trades: Trades, columns: Columns) -> Iterator[Missing]:
    for name in _OF_TRADES:
        yield name, trades.closed == 0, _NO_TRADE
    for name in ("profit_factor", "kelly"):
        yield name, trades.won == trades.closed, "no trade was lost"
    yield "kelly", ~(trades.gains > 0), "no trade won anything"
    yield "sqn", trades.closed == 1, "a single closed trade"
    yield "sqn", ~np.isfinite(columns["sqn"]), EQUAL_TRADES


def _no_activity(value: Value) -> Iterator[Missing]:
    if not value.bars:
        yield from _of_all(("exposure", "turnover"), NO_BARS)
    yield "turnover", value.mean() <= DUST * value.cash, "the mean value is not above 0"


def _backtraders(equity: Equity, trades: Trades) -> Columns:
    mean, deviation = trades.mean_and_deviation()
    falls = equity.drawdown.percent, equity.drawdown.money, equity.drawdown.bars
    return {
        **years_columns(equity.value.years()),
        "bt_sqn": np.where(trades.closed < 2, 0.0, np.sqrt(trades.closed) * mean / deviation),
        "bt_strike_rate": trades.won / trades.closed,
        **dict(zip(_BT_FALLS, falls, strict=True)),
    }


def _not_backtraders(equity: Equity, trades: Trades, columns: Columns) -> Iterator[Missing]:
    yield "bt_strike_rate", trades.closed == 0, _NO_TRADE
    yield "bt_sqn", (trades.closed > 1) & ~np.isfinite(columns["bt_sqn"]), EQUAL_TRADES
    if equity.value.bars:
        yield from years_undefined(equity.value.years(), equity.ruin.times < equity.value.time, _GONE)
    else:
        yield from _of_all(("bt_sharpe_annual", "bt_sortino_annual", *_BT_FALLS), NO_BARS)
