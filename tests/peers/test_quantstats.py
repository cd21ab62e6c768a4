"""quantstats' and pandas' figures of the same daily values, for 200 generated runs."""

import warnings

import numpy as np
import pandas as pd
import pytest

from windrow.trading.backtests import Backtests, Rules
from windrow.trading.measures import Measures

quantstats = pytest.importorskip("quantstats")
stats = quantstats.stats

DAY = 86_400 * 10**9
CASH = 10_000.0


def run(number):
    """Returns of a run and of buying and holding, its figures, and the rate and days of a year that these are by.

    One in three is by the hour, one in four trades every day of the week.
    """
    random = np.random.default_rng(number)
    every, hourly = number % 4 == 0, number % 3 == 0
    days = int(random.integers(30, 500))
    dates = np.arange(days) if every else np.busday_offset("2015-01-01", np.arange(days), roll="forward")
    starts = dates.astype("datetime64[D]").astype("datetime64[ns]").astype(np.int64)
    times = (starts[:, None] + np.arange(1, 6) * 3600 * 10**9).ravel() if hourly else starts
    moves = random.standard_t(4, len(times)) * 0.015 + 0.0004
    closes = np.round(50 * np.exp(np.cumsum(moves)), 2)
    length = int(random.integers(2, 30))
    trend = np.repeat(random.choice(np.array([-1, 1], np.int8), len(times) // length + 1), length)[: len(times)]
    rules = Rules(
        size=str(random.choice(["all-in", "50%"])), cash=CASH, fill="close", side=str(random.choice(["both", "long"])),
        commission=float(random.choice([0, 0.001])),
    )  # fmt: skip
    rate, year = float(random.choice([0, 0.03])), 365 if every else 252
    tests = Backtests(rules, 1, traced=True, measures=Measures(risk_free=rate))
    trace = tests.push(times, None, closes, trend[:, None])
    returns, others = daily(times, trace.values[:, 0]), daily(times, trace.bought)
    return returns, others, tests.figures()[0], rate, year


def daily(times, values):
    """The returns from the cash to the values at the ends of days, by date."""
    ends = pd.Series(values, pd.DatetimeIndex(times)).groupby(times // DAY).last()
    ends.index = pd.DatetimeIndex(np.unique(times // DAY) * DAY)
    before = np.append(CASH, ends.to_numpy()[:-1])
    return ends / before - 1


@pytest.mark.parametrize("ten", range(20))
def test_figures_of_daily_returns_are_quantstats(ten):
    for number in range(10 * ten, 10 * ten + 10):
        returns, others, found, rate, year = run(number)
        if found["ruined"] or not found["trades_total"]:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = theirs(returns, others, rate, year)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12), (number, name)


def theirs(returns, others, rate, year):
    """quantstats' figures by windrow's names, where the conventions are the same."""
    n, greeks = len(returns), stats.greeks(returns, others, periods=year)
    depths = -drawdowns(returns)["max drawdown"].astype(float) / 100
    day = (1 + rate) ** (1 / year) - 1
    return {
        "return": stats.comp(returns),
        "cagr": stats.cagr(returns, periods=year),
        "volatility": stats.volatility(returns, periods=year),
        "sharpe": stats.sharpe(returns, rf=rate, periods=year),
        "sortino": stats.sortino(returns, rf=rate, periods=year),
        "skewness": stats.skew(returns),
        "kurtosis": stats.kurtosis(returns),
        "ulcer_index": stats.ulcer_index(returns) * np.sqrt((n - 1) / n),  # theirs divides by one less
        "average_drawdown": depths.mean() if len(depths) else 0.0,
        "alpha": greeks.alpha - (1 - greeks.beta) * day * year,  # theirs leaves the rate out
        "beta": greeks.beta,
        "correlation": returns.corr(others),
    }


def drawdowns(returns):
    """quantstats' drawdowns, behind a day of the cash: one that begins on the first day is none to it."""
    falls = stats.to_drawdown_series(returns)
    falls.loc[falls.index[0] - pd.Timedelta(days=1)] = 0.0
    return stats.drawdown_details(falls.sort_index())


@pytest.mark.parametrize("ten", range(20))
def test_the_deepest_drawdown_of_daily_bars_is_quantstats(ten):
    compared = 0
    for number in range(10 * ten, 10 * ten + 10):
        returns, _, found, _, year = run(number)
        if found["ruined"] or not found["trades_total"] or number % 3 == 0:
            continue
        compared += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fall, calmar = -stats.max_drawdown(returns), stats.calmar(returns, periods=year)
            details = drawdowns(returns)
        assert found["max_drawdown"] == pytest.approx(fall, rel=1e-9)
        assert found["calmar"] == pytest.approx(calmar, rel=1e-9)
        deepest = details.loc[details["max drawdown"].idxmin()]
        assert found["max_drawdown_to"][:10] == deepest["valley"]
    assert compared >= 5
