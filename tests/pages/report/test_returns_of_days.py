"""Returns of days and their rolling figures: equal to pandas', and to the run's where a window is all of it."""

import numpy as np
import pandas as pd
import pytest

from tests.pages.report.outputs import DAY, unpacked
from windrow.pages.report.results import Equity
from windrow.pages.report.returns_of_days import daily, days_of, rolling, window_of
from windrow.trading.curves import Curve
from windrow.trading.measures import Measures


def values_of(count, seed=1, start="2022-01-03", freq="B"):
    times = pd.date_range(start, periods=count, freq=freq)
    values = 1000 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0003, 0.01, count)))
    return times.to_numpy().astype("datetime64[ns]").astype(np.int64), values


def test_rolling_figures_are_pandas():
    times, values = values_of(700)
    equity = Equity(times, values, values[::-1])
    found = daily(equity, 1000.0, {"risk_free": 0.02})
    returns = pd.Series([1000.0, *values]).pct_change()[1:]
    rate = 1.02 ** (1 / 252) - 1
    window = returns.rolling(126)
    assert found["unit"] == "days" and found["rolling"]["window"] == 126
    oracle = ((window.mean() - rate) / window.std() * np.sqrt(252))[125:]
    assert unpacked(found["rolling"]["sharpe"][0]) == pytest.approx(oracle.to_numpy(), abs=6e-5)
    assert unpacked(found["rolling"]["volatility"][0]) == pytest.approx(
        (100 * window.std() * np.sqrt(252))[125:].to_numpy(), abs=6e-5
    )
    assert unpacked(found["returns"]) == pytest.approx(returns.to_numpy(), abs=6e-7)
    assert len(found["rolling"]["sharpe"]) == 2
    assert daily(Equity(times, values), 1000.0, {})["rolling"]["volatility"][1:] == []


@pytest.mark.parametrize(("start", "freq", "per_year"), [("2022-01-03", "B", 252), ("2022-01-01", "D", 365)])
def test_a_window_of_all_days_has_the_figures_of_the_run(start, freq, per_year):
    times, values = values_of(300, start=start, freq=freq)
    curve = Curve(1000.0, Measures(risk_free=0.01))
    curve.push(times, values, values)
    whole, days = curve.figures(), days_of(times, values, 1000.0)
    assert days.per_year(Measures()) == per_year
    sharpe, volatility = rolling(days.returns, 300, Measures(risk_free=0.01).rate(per_year), per_year)
    assert sharpe[0] == pytest.approx(whole["sharpe"], rel=1e-9)
    assert volatility[0] == pytest.approx(whole["volatility"], rel=1e-9)


def test_days_of_minutes_end_with_their_last_bar_and_weeks_are_bars():
    times, values = values_of(900, start="2022-01-03 15:00", freq="4h")
    last = pd.Series(values, pd.to_datetime(times)).resample("D").last()
    days = days_of(times, values, 1000.0)
    assert days.returns == pytest.approx((last / last.shift(1, fill_value=1000.0) - 1).to_numpy(), rel=1e-12)
    times, values = values_of(120, freq="W")
    found = daily(Equity(times, values), 1000.0, {})
    assert found["unit"] == "bars" and found["rolling"]["window"] == 26
    assert daily(Equity(times, values), 1000.0, {"days_per_year": 100})["rolling"]["window"] == 50


def test_few_days_have_a_narrower_window_or_none():
    assert [window_of(count, 252) for count in (252, 251, 125, 41)] == [126, 63, 21, None]
    times, values = values_of(41)
    assert daily(Equity(times, values), 1000.0, {})["rolling"] is None
    assert daily(Equity(times[:1], values[:1]), 1000.0, {}) is None


def test_what_is_undefined_is_missing():
    sharpe, volatility = rolling(np.full(30, 0.001), 20, 0.0, 252)
    assert np.isnan(sharpe).all() and (volatility == 0).all()
    days = days_of(np.arange(4) * DAY, np.array([50.0, 0.0, 10.0, 5.0]), 100.0)
    assert days.returns.tolist() == pytest.approx([-0.5, -1.0, np.nan, -0.5], nan_ok=True)
