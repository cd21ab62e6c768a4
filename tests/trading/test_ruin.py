"""Ruin by hand: when a value is 0 or below, which ratios are then none, and how a run ends there."""

import numpy as np
import pandas as pd
import pytest

import windrow
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.measures import Measures

DAY = 86_400 * 10**9
#: 100 in cash, 10 shares sold short at 10, of which each unit of price costs 10.
SHORT = {"size": 10, "cash": 100, "fill": "close"}


def bars_of(closes, opens=None, first="2020-01-01"):
    times = pd.date_range(first, periods=len(closes))
    frame = pd.DataFrame({"timestamp": times, "open": opens or closes, "close": closes})
    return frame.astype({"open": float, "close": float})


def ran(closes, opens=None, **how):
    """A run that is short from the first bar at which two equal lines are known: a flat start counts as below."""
    return windrow.backtest(bars_of(closes, opens), "max:1", "sma:1", traced=True, **{**SHORT, **how})


#    close    10    15    19    20    25    12
#    value   100    50    10     0   -50    80
def test_the_first_close_with_a_value_of_0_is_the_ruin():
    figures = ran([10, 15, 19, 20, 25, 12]).figures.iloc[0]
    assert figures.ruined and figures.ruined_at == pd.Timestamp("2020-01-04")
    assert figures.final_value == 80 and figures.max_drawdown == 1.5 and figures.max_drawdown_money == 150
    reasons = {figures.undefined[name] for name in ("sharpe", "sortino")}
    assert reasons == {"a bar began with a value of 0 or below"} and np.isnan(figures.sharpe)


def test_a_value_above_0_is_no_ruin():
    figures = ran([10, 15, 19, 19.5]).figures.iloc[0]
    assert not figures.ruined and pd.isna(figures.ruined_at) and "ruined_at" not in figures.undefined


def test_a_run_that_is_ruined_at_its_last_bar_has_ratios_as_no_bar_began_there():
    times = np.array(["2019-12-30", "2019-12-31", "2020-01-02"], "datetime64[ns]").astype(np.int64)
    tests = Backtests(Rules(**SHORT), 1, measures=Measures(backtrader=True))
    tests.push(times, None, np.array([10.0, 12.0, 25.0]), np.full((3, 1), -1, np.int8))
    figures = tests.figures(dated=True)[0]  # 100, 80, -50: years of -20 % and -162.5 %
    assert (figures["ruined"], figures["ruined_at"]) == (True, "2020-01-02")
    mean, half = (-0.20 - 1.625) / 2 - 0.01, (1.625 - 0.20) / 2
    assert figures["bt_sharpe_annual"] == pytest.approx(mean / half)
    assert tests.daily().mean[0] == pytest.approx((0 - 0.2 - 1.625) / 3)


#    close    10    15    20    25    12        filled at the close: at that of the ruin, 100 + 100 - 200 are left
def test_a_run_stops_at_its_ruin():
    result = ran([10, 15, 20, 25, 12], stop_at_ruin=True, commission_per_order=5)
    assert result.orders[["side", "size", "price", "status"]].to_numpy().tolist() == [
        ["sell", 10.0, 10.0, "filled"],
        ["buy", 10.0, 20.0, "filled"],
    ]
    assert result.equity.value.tolist() == [95, 45, -10, -10, -10]
    figures = result.figures.iloc[0]
    assert (figures.trades_closed, figures.orders, figures.closed_pnl) == (1, 2, -110)


#    open     10    10    20    30     9         filled at the next open: 10 are left at the close, but not at the open
#    close    10    15    20    25     9
def test_the_position_of_a_ruined_run_is_closed_at_the_next_open():
    result = ran([10, 15, 20, 25, 9], [10, 10, 20, 30, 9], fill="next-open", stop_at_ruin=True)
    assert result.equity.value.tolist() == [100, 50, 0, -100, -100]
    assert result.orders.price.tolist() == [10.0, 30.0] and result.figures.ruined_at[0] == pd.Timestamp("2020-01-03")


def test_a_position_that_cannot_be_closed_yet_is_an_open_order():
    """Sold at 15, worth 0 at a close of 25; the last open is 0, a suspension."""
    with pytest.warns(UserWarning, match="^1 fill at a price of 0 had to wait until there was a price: "):
        result = ran([10, 15, 25, 25], [10, 15, 25, 0], fill="next-open", stop_at_ruin=True)
    assert result.orders[["side", "size", "price", "status"]].to_numpy().tolist() == [
        ["sell", 10.0, 15.0, "filled"],
        ["buy", 10.0, 25.0, "open"],
    ]
    assert result.figures.fills_postponed[0] == 1


def test_without_the_option_a_run_trades_on():
    assert ran([10, 15, 20, 25, 12]).equity.value.tolist() == [100, 50, 0, -50, 80]
