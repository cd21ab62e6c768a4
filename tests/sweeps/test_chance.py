"""How likely pairs are better than luck: every line on train tells it, by pandas' daily returns, whoever reduces it."""

from math import e, sqrt
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import windrow
from tests.sweeps.test_reduce import QUARTERS, SYMBOLS, Series, run_sweep
from windrow.sweeps.deflated import Returns
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.overall import Sums, powers_of
from windrow.sweeps.ranking import Choice
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import parse_split
from windrow.trading.backtests import Rules
from windrow.trading.day_returns import Moments

PAIRS = [(1, 4), (1, 6), (3, 4), (3, 6)]


def bars(hours):
    """So many bars, five a day from a Friday on, at random closes."""
    closes = 50 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.02, hours))).round(4)
    days = pd.bdate_range("2024-01-05", periods=hours // 5 + 1)
    times = [day + pd.Timedelta(hours=10 + hour) for day in days for hour in range(5)][:hours]
    return pd.DataFrame({"symbol": "AA", "timestamp": times, "open": closes, "close": closes})


def daily_returns(frame, pair):
    """Returns of the values at the ends of days, of which the first is from the cash, by pandas."""
    traced = windrow.backtest(frame, *(f"sma:{window}" for window in pair), traced=True)
    values = traced.equity.set_index("timestamp")["value"]
    ends = values.groupby(values.index.date).last()
    return (ends / ends.shift(1, fill_value=Rules.cash) - 1).to_numpy()


def deflated(returns, sharpes):
    """By the formula of docs/sweeps.md."""
    normal, tries, n = NormalDist(), len(sharpes), len(returns)
    best = np.sqrt(np.var(sharpes, ddof=1)) * (
        (1 - np.euler_gamma) * normal.inv_cdf(1 - 1 / tries) + np.euler_gamma * normal.inv_cdf(1 - 1 / (tries * e))
    )
    apart = (returns - returns.mean()) / returns.std()
    own, skewness, kurtosis = returns.mean() / returns.std(), (apart**3).mean(), (apart**4).mean()
    return normal.cdf((own - best) * sqrt(n - 1) / sqrt(1 - skewness * own + (kurtosis - 1) / 4 * own**2))


@pytest.mark.parametrize("choice", [{}, {"top": 4}, {"best": True}])
def test_it_is_of_daily_returns_on_every_line_of_train(choice):
    frame, train = bars(200), bars(200)[:140]
    returns = {pair: daily_returns(train, pair) for pair in PAIRS}
    assert len(returns[1, 4]) == 28  # days, not bars
    sharpes = [its.mean() / its.std() for its in returns.values()]
    lines = windrow.sweep(frame, "sma:1,3", "sma:4,6", split=0.7, **choice).to_dict("records")
    told = [line for line in lines if line.get("part", "train") == "train"]
    assert len(told) == (2 if choice == {"best": True} else 4)
    for line in told:
        assert line["trials"] == 4
        expected = deflated(returns[line["fast"], line["slow"]], sharpes)
        assert line["deflated_sharpe"] == pytest.approx(expected, rel=1e-9)
    tests = [line for line in lines if line.get("part") == "test"]
    assert all(np.isnan(line["trials"]) and np.isnan(line["deflated_sharpe"]) for line in tests)


@settings(max_examples=25, deadline=None)
@given(symbols=SYMBOLS, walks=st.sampled_from([None, 1, 3]), top=st.sampled_from([None, 2]), data=st.data())
def test_lines_are_the_same_for_any_number_of_shards(symbols, walks, top, data):
    grid, split = parse_grid("sma:1..3", "sma:3..5"), parse_split(walks=walks)
    one, several = (
        run_sweep(Sweep(grid, Rules(size=1, cash=40), split=split, shards=shards), Choice(top=top), symbols, reducers)
        for shards, reducers in ((1, 1), (data.draw(st.integers(2, 9)), data.draw(st.integers(1, 3))))
    )
    assert several == one
    assert {line["trials"] for _, line in one if "test" not in line["part"]} == {8}


@settings(max_examples=40, deadline=None)
@given(closes=st.lists(QUARTERS, min_size=1, max_size=30))
def test_an_undefined_one_has_a_reason(closes):
    lines = run_sweep(Sweep(parse_grid("sma:1..3", "sma:3..5")), Choice(), {b"A": Series(closes)})
    for _, line in lines:
        assert (line["deflated_sharpe"] is None) == ("deflated_sharpe" in line.get("undefined", {}))
        assert list(line)[-1] == "undefined" or "undefined" not in line


@pytest.mark.parametrize("each", [0.1, 1 / 3, -0.05, 3.7])
def test_equal_returns_on_all_symbols_have_no_deviation_however_their_powers_are_rounded(each):
    """So the variance of all may come out as a little below 0."""
    zeros = np.zeros(1)
    for days in range(1, 60):
        pooled = Sums(0, 1, 2, series=1)
        moments = Moments(days, zeros + each, zeros, zeros * np.nan, zeros * np.nan)
        for tally, power in zip(pooled.returns, powers_of(moments)[0], strict=True):
            tally.add(power)
        assert pooled.pooled() == Returns(days)
