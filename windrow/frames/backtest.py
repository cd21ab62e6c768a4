"""A strategy over the bars of a DataFrame: `windrow.backtest(...)`."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from warnings import warn

import numpy as np
import orjson
import pandas as pd

from sort_keys.keys import decode_symbol
from sort_keys.merge import by_symbol
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.frames.bars import adjusted_column, check_needs, check_opens, check_ranges, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.tables import figures_table
from windrow.sinks.portfolios import Members, United
from windrow.trading.backtests import Excursions, Rules, Strategy, Trace
from windrow.trading.figures import TIMES
from windrow.trading.ledger import STATUS, Entries, no_entries
from windrow.trading.measures import Measures
from windrow.trading.notices import Notices, unadjusted, warnings_of
from windrow.trading.portfolio import Portfolio, Rebalance
from windrow.trading.rules import Entry, Fill, Side
from windrow.trading.signals import Pair, parse_line
from windrow.trading.trade_book import CLOSED_BY, TRADE_COLUMNS, TradeRows, no_trades
from windrow.windows import Options

#: Half a year: what is put together at once of a portfolio.
_SLOT = 1 << 58
_SIDES = np.array(["", "buy", "sell"], object)  # by side: -1 counts from the end
_POSITIONS = np.array(["", "long", "short"], object)
_TRADE_TIMES = ("entry_time", "exit_time")


class Traded(NamedTuple):
    """The results of a strategy: its figures, one row per symbol; its orders; its value at each close; its trades.

    portfolio: the value of a portfolio at each time, if there is one.
    """

    figures: pd.DataFrame
    orders: pd.DataFrame
    equity: pd.DataFrame
    trades: pd.DataFrame
    portfolio: pd.DataFrame | None = None


def backtest(
    bars: pd.DataFrame,
    fast: str,
    slow: str,
    *,
    size: float | str = Rules.size,
    whole_shares: bool = Rules.whole_shares,
    cash: float = Rules.cash,
    commission: float = Rules.commission,
    commission_per_order: float = Rules.commission_per_order,
    slippage: float = Rules.slippage,
    fill: Fill = Rules.fill,
    side: Side = Rules.side,
    entry: Entry = Rules.entry,
    stop_at_ruin: bool = Rules.stop_at_ruin,
    days_per_year: float | None = Measures.days_per_year,
    risk_free: float = Measures.risk_free,
    backtrader: bool = Measures.backtrader,
    column: str = "close",
    ema_seed: Literal["sma", "first"] = "sma",
    adjusted: bool = False,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
    traced: bool = False,
    excursions: Excursions = "close",
    portfolio: Literal["equal"] | Mapping[str, float] | None = None,
    rebalance: Rebalance | None = None,
) -> pd.DataFrame | Traded:
    """Backtests a pair of lines over every symbol's bars, to the bit what `jobs.backtest` writes for them.

    bars: as for `windrow.moving_average`, with columns `close`, `open` where orders are filled at the next open, and
    `column`. fast, slow: an indicator each, e.g. `ema:7`, or the price by the name of its column, e.g. `close`. traced:
    whether to return orders, trades and values too. portfolio: `equal`, or the weight of each symbol, e.g. a Series by
    symbol, to put all accounts together as well. The others are the job's options of the same names.

    Returns a row per symbol, sorted: symbol, fast, slow, and the figures of docs/figures.md; an undefined
    figure is NaN, and a last column, `undefined`, gives the reasons where there are any. With `traced=True` a
    `Traded`: these figures, the orders (symbol, timestamp, side, size, price, status), the value at each close
    beside that of buying and holding (symbol, timestamp, value, buy_and_hold), and the trades (symbol, entry_time,
    exit_time, side, size, entry_price, exit_price, pnl, return, bars, mae, mfe, closed_by; docs/signals.md says what
    each is). A portfolio's figures are those of an empty symbol, and its values (timestamp, value, buy_and_hold) the
    last of a `Traded`. Memory: some copies of the columns used; of a portfolio, all accounts' values.
    Warns where most orders of a symbol were refused, and where a price of 0 postponed a fill.

    Raises UsageError for wrong options, InputError for invalid values, ConflictError for two different bars
    at one (symbol, timestamp).

    >>> close = [10.0, 11.0, 12.0, 11.0, 9.0, 8.0]
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=6), "open": close, "close": close})
    >>> traded = backtest(bars, fast="close", slow="sma:2", size=10, cash=1000, traced=True)
    >>> traded.figures[["symbol", "pnl", "trades_total", "won", "lost"]]
      symbol   pnl  trades_total  won  lost
    0     AA -20.0             2    0     1
    >>> traded.orders
      symbol  timestamp  side  size  price  status
    0     AA 2008-03-05   buy  10.0   12.0  filled
    1     AA 2008-03-07  sell  20.0    9.0  filled
    >>> traded.trades[["entry_time", "exit_time", "side", "pnl", "mae", "closed_by"]]
      entry_time  exit_time   side   pnl   mae closed_by
    0 2008-03-05 2008-03-07   long -30.0 -0.25     cross
    1 2008-03-07 2008-03-08  short  10.0  0.00      open
    """
    rules = Rules(
        size=size, cash=cash, commission=commission, commission_per_order=commission_per_order, slippage=slippage,
        fill=fill, side=side, entry=entry, whole_shares=whole_shares, stop_at_ruin=stop_at_ruin,
    )  # fmt: skip
    measures = Measures(days_per_year, risk_free, backtrader)
    pair = Pair(parse_line(fast, column), parse_line(slow, column))
    strategy = Strategy(pair, rules, column, Options(ema_seed=ema_seed), measures, excursions)
    bars = named(bars, strategy.columns, adjusted)
    check_opens(bars, strategy.columns, column)
    check_ranges(bars, excursions)
    check_needs(bars, [pair.fast, pair.slow])
    pool = _Pool(_portfolio(portfolio, rebalance, rules), strategy) if portfolio is not None or rebalance else None
    rows: list[dict[str, Any]] = []
    notices = Notices()
    orders, equity, trades = (
        [_orders("", no_entries())],
        [equity_rows("", np.empty(0, np.int64), np.empty(0), np.empty(0))],
        [_trades("", no_trades())],
    )
    for key, pieces in by_symbol(stretches(bars, strategy.columns, on_conflict, adjusted)):
        symbol, own = decode_symbol(key), strategy if pool is None else pool.begin(key)
        if own is None:
            continue
        test = own.backtest(traced or pool is not None)
        for piece in pieces:
            if trace := test.push(piece):
                if pool is not None:
                    pool.push(piece.times, trace)
                orders.append(_orders(symbol, trace.orders))
                equity.append(equity_rows(symbol, piece.times, trace.values[:, 0], trace.bought))
                trades.append(_trades(symbol, trace.trades))
        if traced:
            orders.append(_orders(symbol, test.open_orders()))
            trades.append(_trades(symbol, test.open_trades()))
        rows.append({"symbol": symbol, **test.figures()})
        notices.add((test.orders, test.full))
    unread = ["the frame"] if not adjusted and adjusted_column(bars) else []
    for text in [*warnings_of(notices.counts, rules), *unadjusted(unread)]:
        warn(text, stacklevel=2)
    rows += pool.rows() if pool is not None else []
    none = {"symbol": "", **strategy.backtest().figures()}
    figures = in_zone(figures_table(rows or [none]).iloc[: len(rows)], bars, *TIMES)
    if not traced:
        return figures
    values = None if pool is None else _joined(pool.values, bars).drop(columns="symbol")
    return Traded(figures, _joined(orders, bars), _joined(equity, bars), _joined(trades, bars, *_TRADE_TIMES), values)


def _portfolio(
    asked: Literal["equal"] | Mapping[str, float] | None, rebalance: Rebalance | None, rules: Rules
) -> Portfolio:
    """The portfolio that is asked for. Raises UsageError."""
    if asked is None:
        raise UsageError(
            f"rebalance={rebalance!r}: is of a portfolio, and there is none; add portfolio='equal', or leave it out"
        )
    if isinstance(asked, str) and asked != "equal":
        raise UsageError(
            f"portfolio={asked!r}: is neither 'equal' nor weights; give the weight of each symbol, e.g. {{'AA': 0.5}}"
        )
    weights = None if isinstance(asked, str) else {str(name): float(weight) for name, weight in asked.items()}
    found = Portfolio(weights, rebalance)
    found.check(rules)
    return found


class _Pool:
    """A portfolio, by the two steps of the job."""

    def __init__(self, portfolio: Portfolio, strategy: Strategy) -> None:
        self._members = Members(portfolio, strategy, Slots(_SLOT))
        self._lines: list[bytes] = []
        self.values = [equity_rows("", np.empty(0, np.int64), np.empty(0), np.empty(0))]
        take = lambda times, values: self.values.append(equity_rows("", times, *values))  # noqa: E731
        self._united = United(portfolio, strategy, False, lambda text: warn(text, stacklevel=4), take=take)

    def begin(self, symbol: bytes) -> Strategy | None:
        """The strategy of the next symbol; None: it has no part in the portfolio."""
        line, strategy = self._members.begin(symbol)
        self._lines.append(line)
        return strategy

    def push(self, times: Ints, trace: Trace) -> None:
        """Takes what its run did."""
        self._lines += self._members.lines(times, trace)

    def rows(self) -> list[dict[str, Any]]:
        """The portfolio's row; none without bars. Raises InputError."""
        lines = self._united.lines(sorted(line[:-1] for line in self._lines))
        return [{"symbol": "", **orjson.loads(line.partition(b"\t")[2])} for line in lines]


def _orders(symbol: str, orders: Entries) -> pd.DataFrame:
    columns = {
        "side": _SIDES[orders.sides],
        "size": orders.sizes,
        "price": orders.prices,
        "status": np.array(STATUS, object)[orders.status],
    }
    return pd.DataFrame({"symbol": symbol, "timestamp": orders.times.view("datetime64[ns]"), **columns})


def equity_rows(symbol: str, times: Ints, values: Floats, bought: Floats) -> pd.DataFrame:
    """A symbol's values at its closes beside those of buying and holding, a row each."""
    columns = {"value": values, "buy_and_hold": bought}
    return pd.DataFrame({"symbol": symbol, "timestamp": times.view("datetime64[ns]"), **columns})


def _trades(symbol: str, trades: TradeRows) -> pd.DataFrame:
    """The trades of a symbol, by the names of their columns."""
    times = (trades.entered.view("datetime64[ns]"), trades.exited.view("datetime64[ns]"))
    columns = (*times, _POSITIONS[trades.sides], *trades[4:-1], np.array(CLOSED_BY, object)[trades.closed_by])
    return pd.DataFrame({"symbol": symbol, **dict(zip(TRADE_COLUMNS, columns, strict=True))})


def _joined(frames: list[pd.DataFrame], bars: pd.DataFrame, *times: str) -> pd.DataFrame:
    """All these rows in order of symbols and of the first of the times, in the bars' zone."""
    times = times or ("timestamp",)
    frame = pd.concat(frames, ignore_index=True).astype({"symbol": str})
    return in_zone(frame.sort_values(["symbol", times[0]], kind="stable", ignore_index=True), bars, *times)
