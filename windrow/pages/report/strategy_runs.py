"""A strategy's run over one symbol's bars, as pages take what jobs write of it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from sort_keys.merge import Piece
from windrow.pages.report.results import Equity, Figures, Orders, Trades
from windrow.trading.backtests import Strategy
from windrow.trading.ledger import Entries
from windrow.trading.trade_book import TradeRows


class StrategyRun(NamedTuple):
    """Figures, with times as they are written, and what was traced of the run."""

    figures: Figures
    orders: Orders
    equity: Equity
    trades: Trades


def run_over(strategy: Strategy, pieces: Iterable[Piece], dated: bool) -> StrategyRun:
    """Runs a strategy over a symbol's bars, of which there is one at least."""
    test, pieces = strategy.backtest(traced=True), list(pieces)
    traces = [trace for piece in pieces if (trace := test.push(piece))]
    times = np.concatenate([piece.times for piece in pieces])
    values, bought = (np.concatenate([getattr(trace, at) for trace in traces]) for at in ("values", "bought"))
    orders = _orders([*(trace.orders for trace in traces), test.open_orders()])
    trades = _trades([*(trace.trades for trace in traces), test.open_trades()])
    return StrategyRun(test.figures(dated), orders, Equity(times, values[:, 0], bought), trades)


def _orders(entries: Sequence[Entries]) -> Orders:
    made = Entries._make(np.concatenate(column) for column in zip(*entries, strict=True))
    order = np.argsort(made.times, kind="stable")
    columns = made.times, (1 - made.sides.astype(np.int64)) // 2, made.status, made.sizes, made.prices
    return Orders._make(column[order] for column in columns)


def _trades(rows: Sequence[TradeRows]) -> Trades:
    made = TradeRows._make(np.concatenate(column) for column in zip(*rows, strict=True))
    sides, reasons = (1 - made.sides.astype(np.int64)) // 2, made.closed_by.astype(np.int64)
    return Trades._make([made.entered, made.exited, sides, *made[4:-1], reasons])
