"""backtesting.py's figures of the same equity, prices and trades, for 200 generated runs, where conventions agree.

Its Sharpe and Sortino ratios, volatility, alpha and beta are others: docs/figures.md.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

import windrow

lib = pytest.importorskip("backtesting.lib")

CASH = 10_000.0
#: windrow's figures, those of backtesting.py, and by how much the latter are larger.
SAME = {
    "return": ("Return [%]", 100), "max_drawdown": ("Max. Drawdown [%]", -100),
    "average_drawdown": ("Avg. Drawdown [%]", -100), "win_rate": ("Win Rate [%]", 100),
    "best_trade": ("Best Trade [%]", 100), "worst_trade": ("Worst Trade [%]", 100),
    "average_trade": ("Expectancy [%]", 100), "sqn": ("SQN", 1), "kelly": ("Kelly Criterion", 1),
    "trades_closed": ("# Trades", 1), "final_value": ("Equity Final [$]", 1),
}  # fmt: skip


def run(number):
    """Daily closes, and a run over them: its figures, orders and equity."""
    random = np.random.default_rng(number)
    days, every = int(random.integers(40, 400)), number % 4 == 0
    dates = pd.date_range("2015-01-01", periods=days, freq="D" if every else "B")
    closes = np.round(50 * np.exp(np.cumsum(random.standard_t(4, days) * 0.015)), 6)  # no trade ends as it began
    frame = pd.DataFrame({"timestamp": dates, "close": closes})
    how = {
        "size": float(random.choice([10, 80])), "side": str(random.choice(["both", "long"])), "cash": CASH,
        "commission": float(random.choice([0, 0.001])), "fill": "close",
    }  # fmt: skip
    return frame, windrow.backtest(frame, "close", f"sma:{random.integers(2, 20)}", traced=True, **how), how


def trades_of(frame, result, how):
    """Closed trades as backtesting.py tables them: a reversing order closes one and opens another."""
    place = {time: number for number, time in enumerate(frame.timestamp)}
    entry, rows = None, []
    for order in result.orders[result.orders.status == "filled"].itertuples():
        side, leg = (1 if order.side == "buy" else -1), how["size"]
        if entry is not None:
            shares, price, bar = entry
            gross = shares * (order.price - price)
            profit = gross - leg * how["commission"] * (price + order.price)
            rows.append((shares, bar, place[order.timestamp], price, order.price, profit, profit / (leg * price)))
        reverses = how["side"] == "both" or entry is None
        entry = (side * leg, order.price, place[order.timestamp]) if reverses else None
    names = ["Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL", "ReturnPct"]
    table = pd.DataFrame(rows, columns=names)
    for name in ("Entry", "Exit"):
        table[f"{name}Time"] = frame.timestamp.to_numpy()[table[f"{name}Bar"].to_numpy(int)]
    return table.assign(Duration=table.ExitTime - table.EntryTime)


def theirs(frame, result, how):
    from backtesting._stats import compute_stats

    prices = frame.set_index("timestamp").rename(columns={"close": "Close"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compute_stats(trades_of(frame, result, how), result.equity.value.to_numpy(), prices, None, 0.0)


def begins_at_the_end(values):
    """Whether a drawdown begins at the last bar, which is none to backtesting.py yet."""
    peaks = np.maximum.accumulate(values.to_numpy())
    return bool(values.iloc[-1] < peaks[-1] and values.iloc[-2] == peaks[-2])


@pytest.mark.parametrize("ten", range(20))
def test_figures_of_trades_and_drawdowns_are_those_of_backtesting_py(ten):
    compared = 0
    for number in range(10 * ten, 10 * ten + 10):
        frame, result, how = run(number)
        found = result.figures.iloc[0]
        if found.ruined or found.orders_refused or found.lost == 0 or found.won == 0:
            continue
        compared += 1
        expected = theirs(frame, result, how)
        for name, (their, times) in SAME.items():
            if name == "average_drawdown" and begins_at_the_end(result.equity.value):
                continue
            assert times * found[name] == pytest.approx(expected[their], rel=1e-9, abs=1e-9), (number, name)
        # The return a year of all days but the first, of which it has none: there is nothing to hold yet.
        years = len(frame) / (365 if number % 4 == 0 else 252)
        assert found.cagr == pytest.approx((1 + found["return"]) ** (1 / years) - 1, rel=1e-9)
        by_their_days = (1 + expected["Return (Ann.) [%]"] / 100) ** ((len(frame) - 1) / len(frame)) - 1
        assert found.cagr == pytest.approx(by_their_days, rel=1e-9)
        assert found.average_bars_held == pytest.approx(trades_of(frame, result, how).eval("ExitBar - EntryBar").mean())
    assert compared >= 5
