"""vectorbt's portfolios from crossed averages: `--entry cross --fill close --side long --size all-in`.

vectorbt's averages are rounded differently; in these series they come nowhere closer than 1e-9.
"""

import os

import numpy as np
import pandas as pd
import pytest

import windrow

os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # compiling takes a minute; these series, interpreted, seconds
vbt = pytest.importorskip("vectorbt")

RULES = {"entry": "cross", "fill": "close", "side": "long", "size": "all-in"}
NAMES = {"commission": "fees", "commission_per_order": "fixed_fees", "slippage": "slippage"}


@pytest.fixture(scope="module", params=range(6))
def frame(request):
    """Daily closes of a random walk, with so many places that averages are never equal."""
    random = np.random.default_rng(request.param)
    closes = np.round(50 * np.exp(np.cumsum(random.normal(0.0002, 0.02, 700))), 6)
    days = pd.date_range("2012-03-01", periods=700)
    return pd.DataFrame({"timestamp": days, "close": closes})


def crossed(frame, fast, slow):
    """Closes, and vectorbt's entries and exits."""
    closes = frame.set_index("timestamp")["close"]
    one, other = vbt.MA.run(closes, fast), vbt.MA.run(closes, slow)
    assert not ((one.ma - other.ma).abs() <= 1e-9 * closes).any()
    return closes, one.ma_crossed_above(other), one.ma_crossed_below(other)


@pytest.mark.parametrize(
    ("pair", "costs"),
    [
        ((3, 10), {}),
        ((5, 20), {"commission": 0.001}),
        ((10, 30), {"commission": 0.01, "commission_per_order": 2.0}),
        ((20, 50), {"slippage": 0.003, "commission": 0.002}),
    ],
)
def test_orders_trades_values_and_figures_are_vectorbts(frame, pair, costs):
    theirs = {NAMES[name]: value for name, value in costs.items()}
    portfolio = vbt.Portfolio.from_signals(*crossed(frame, *pair), init_cash=10_000.0, freq="1D", **theirs)
    result = windrow.backtest(frame, f"sma:{pair[0]}", f"sma:{pair[1]}", cash=10_000.0, traced=True, **RULES, **costs)
    assert_orders(result.orders, portfolio.orders.records_readable)
    assert result.equity.value.to_numpy() == pytest.approx(portfolio.value().to_numpy(), rel=1e-9)
    assert_trades(result.trades, portfolio.trades.records_readable)
    figures, trades = result.figures.iloc[0], portfolio.trades
    assert figures.trades_total == trades.count() and figures.trades_closed == trades.closed.count()
    assert figures.won == (trades.closed.pnl.values >= 0).sum()
    assert figures.closed_pnl == pytest.approx(trades.closed.pnl.sum(), rel=1e-9, abs=1e-6)
    assert figures["return"] == pytest.approx(portfolio.total_return(), rel=1e-9, abs=1e-12)
    assert figures.max_drawdown == pytest.approx(-portfolio.max_drawdown(), rel=1e-9)
    assert figures.exposure == pytest.approx(portfolio.position_mask().mean(), rel=1e-12)


def assert_orders(ours, theirs):
    assert ours.timestamp.tolist() == theirs["Timestamp"].tolist()
    assert ours.side.str.title().tolist() == theirs["Side"].tolist()
    assert ours["size"].to_numpy() == pytest.approx(theirs["Size"].to_numpy(), rel=1e-9)
    assert ours.price.to_numpy() == pytest.approx(theirs["Price"].to_numpy(), rel=1e-12)
    assert set(ours.status) <= {"filled"}


def assert_trades(ours, theirs):
    """An open trade ends at the last close, for both."""
    for name, their in {"entry_time": "Entry Timestamp", "exit_time": "Exit Timestamp"}.items():
        assert ours[name].tolist() == theirs[their].tolist()
    assert ours.side.str.title().tolist() == theirs["Direction"].tolist()
    assert (ours.closed_by == "open").tolist() == (theirs["Status"] == "Open").tolist()
    prices = {"size": "Size", "entry_price": "Avg Entry Price", "exit_price": "Avg Exit Price"}
    for name, their in {**prices, "pnl": "PnL", "return": "Return"}.items():
        assert ours[name].to_numpy() == pytest.approx(theirs[their].to_numpy(), rel=1e-9, abs=1e-6), name
