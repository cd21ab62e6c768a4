"""Portfolios are what pandas and fractions make of the accounts of their symbols, whatever their clocks."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import windrow
from windrow.errors import InputError, UsageError
from windrow.trading.curves import Curve
from windrow.trading.portfolio import Account, Portfolio, periods
from windrow.trading.rules import Rules

pytestmark = pytest.mark.filterwarnings("ignore:most orders|nothing was traded")
LINES = {"fast": "close", "slow": "sma:2", "cash": 1000.0}
SYMBOLS = ["AA", "BB", "CC", "a%\tb"]
BOTH = ["value", "buy_and_hold"]


def bars_of(symbol, days, steps, first=100.0):
    """Bars at some days after the turn of a year, each close so many times the one before."""
    close = first * np.cumprod(steps)
    times = pd.Timestamp("2019-12-20") + pd.to_timedelta(days, "h")
    return pd.DataFrame({"symbol": symbol, "timestamp": times, "open": np.append(first, close)[:-1], "close": close})


@st.composite
def markets(draw):
    """Series that begin late, end early, miss days, have other hours, and may ruin who sold short."""
    frames = []
    for symbol in draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=4, unique=True)):
        hours = sorted(draw(st.sets(st.integers(0, 120), min_size=1, max_size=40)))
        steps = draw(st.lists(st.sampled_from([0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 3.0]), min_size=len(hours)))
        spacing = draw(st.sampled_from([24, 24, 23]))
        frames.append(bars_of(symbol, spacing * np.array(hours), np.array(steps[: len(hours)])))
    return pd.concat(frames, ignore_index=True)


def weights_of(symbols):
    return {
        symbol: weight for symbol, weight in zip(SYMBOLS, (0.5, 0.25, 0.125, 0.1), strict=True) if symbol in symbols
    }


def accounts(equity, column, weights, cash):
    """Values by time and symbol: an account keeps its last value, and has its cash before the first."""
    table = equity.pivot(index="timestamp", columns="symbol", values=column).ffill()
    return table.fillna({symbol: (1.0 if weights is None else weights[symbol]) * cash for symbol in table})


def added_up(table, weights, cash):
    for row in table.itertuples(index=False):
        total = sum(map(Fraction, row))
        if weights is None:
            yield float(total / len(row))
        else:
            yield float(total - sum(Fraction(weights[symbol] * cash) for symbol in table) + Fraction(cash))


def set_back(table, weights, cash, frequency):
    """By how much accounts grew in each period, from what they and all were worth at the last time before it."""
    shares = pd.Series(1 / len(table.columns), table.columns) if weights is None else pd.Series(weights)[table.columns]
    begin = pd.Series({symbol: (1.0 if weights is None else weights[symbol]) * cash for symbol in table})
    bases, worth, found = begin, cash, []
    for _, its in table.groupby(table.index.to_period(frequency)):
        grew = (its / bases).where(bases > begin * 2.0**-40, 1.0, axis=1) if worth > 0 else its * 0 + 1
        values = worth * (1 - shares.sum() + (grew * shares).sum(axis=1))
        found += values.tolist()
        bases, worth = its.iloc[-1], values.iloc[-1]
    return found


@settings(deadline=None, max_examples=25)
@given(markets(), st.booleans(), st.sampled_from(["both", "long"]), st.booleans())
def test_values_are_the_exact_sums_of_accounts(bars, weighted, side, at_close):
    weights = weights_of(set(bars.symbol)) if weighted else None
    how = {**LINES, "side": side, "fill": "close" if at_close else "next-open", "commission": 0.001}
    found = windrow.backtest(bars, **how, portfolio=weights or "equal", traced=True)
    table = accounts(found.equity, "value", weights, 1000.0)
    assert found.portfolio.timestamp.tolist() == table.index.tolist()
    for column in BOTH:
        table = accounts(found.equity, column, weights, 1000.0)
        assert found.portfolio[column].tolist() == list(added_up(table, weights, 1000.0))


@settings(deadline=None, max_examples=25)
@given(markets(), st.booleans(), st.sampled_from(["month", "quarter"]), st.sampled_from(["all-in", "50%"]))
def test_accounts_are_set_back_to_their_shares_at_the_end_of_a_period(bars, weighted, rebalance, size):
    weights = weights_of(set(bars.symbol)) if weighted else None
    found = windrow.backtest(bars, **LINES, size=size, portfolio=weights or "equal", rebalance=rebalance, traced=True)
    for column in BOTH:
        table = accounts(found.equity, column, weights, 1000.0)
        expected = set_back(table, weights, 1000.0, rebalance[0].upper())
        assert found.portfolio[column].tolist() == pytest.approx(expected, rel=1e-12, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(markets(), st.sampled_from([None, "month"]))
def test_figures_are_those_of_the_curve_beside_its_benchmark(bars, rebalance):
    found = windrow.backtest(bars, **LINES, portfolio="equal", rebalance=rebalance, traced=True)
    row = found.figures.set_index("symbol").loc[""]
    curve = Curve(1000.0)
    curve.push(
        found.portfolio.timestamp.to_numpy().astype(np.int64), *(found.portfolio[name].to_numpy() for name in BOTH)
    )
    assert (row.portfolio, row.symbols, row.fast, row.slow) == ("equal", bars.symbol.nunique(), "close", "sma:2")
    for name, value in curve.figures().items():
        if not name.startswith(("max_drawdown_", "ruined_at", "undefined")):
            assert row[name] == value or (value is None and np.isnan(row[name]))
    alone = windrow.backtest(bars, **LINES).figures
    pd.testing.assert_frame_equal(
        found.figures[found.figures.symbol != ""][[*alone]].reset_index(drop=True), alone, check_dtype=False
    )


def test_an_account_by_hand():
    """1,000 each; AA doubles in January and stays, BB begins in February, and doubles then."""
    aa = bars_of("AA", 24 * np.array([12, 13, 20, 43, 50]), np.array([1, 1.1, 2 / 1.1, 1, 1]))
    bb = bars_of("BB", 24 * np.array([43, 44, 50]), np.array([1, 1.1, 2 / 1.1]))
    how = {"fast": "close", "slow": "sma:2", "cash": 1000, "side": "long", "fill": "close"}
    once = windrow.backtest(pd.concat([aa, bb]), **how, portfolio="equal", traced=True).portfolio
    # AA is bought at 110, and worth 200 / 110 of 1,000; BB likewise: 1818.18 each.
    assert once.value.round(2).tolist() == [1000.0, 1000.0, 1409.09, 1409.09, 1409.09, 1818.18]
    again = windrow.backtest(pd.concat([aa, bb]), **how, portfolio="equal", rebalance="month", traced=True).portfolio
    # At the end of January each has half of 1,409.09: BB's half grows by 200 / 110, and so 704.545 x (1 + 1.81818).
    assert again.value.round(2).tolist() == [1000.0, 1000.0, 1409.09, 1409.09, 1409.09, 1985.54]


def test_an_account_that_is_ruined_is_cash_from_the_next_month_on():
    falls = [1, 0.9, 0.9, 3, 1, 1, 1]  # sold short at 81, all in; at 243 the account is at -1,000
    short = bars_of("AA", 24 * np.array([0, 1, 2, 3, 14, 15, 50]), np.array(falls))
    flat = bars_of("BB", 24 * np.array([0, 1, 2, 3, 14, 15, 50]), np.ones(7))
    found = windrow.backtest(
        pd.concat([short, flat]), fast="close", slow="sma:2", cash=1000, side="short", fill="close", portfolio="equal",
        rebalance="month", traced=True,
    )  # fmt: skip
    worth = found.portfolio.value.tolist()
    accounts_ = found.equity[found.equity.symbol == "AA"].value.tolist()
    assert accounts_[3] < 0 and worth[3] == pytest.approx((accounts_[3] + 1000) / 2)
    assert worth[4:] == [worth[3]] * 3
    assert found.figures.set_index("symbol").ruined.to_dict() == {"": worth[3] <= 0, "AA": True, "BB": False}


def test_who_has_nothing_left_has_no_shares():
    pool = Portfolio(rebalance="month").pool(100.0, 1)
    account = Account("AA", 100.0, 1.0, 1)
    days = np.array([0, 40, 41]) * 86_400 * 10**9
    _, values = pool.worth(account.changes(days, np.array([[-50.0, 100.0, 200.0], [100.0, 150.0, 300.0]])))
    assert values.tolist() == [[-50.0, -50.0, -50.0], [100.0, 150.0, 300.0]]


@given(st.data())
def test_bits_do_not_depend_on_where_pushes_end(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    times = np.sort(rng.choice(400, 60, replace=False)) * 86_400 * 10**9
    values = np.exp(rng.normal(5, 1, (2, 60)))
    months = data.draw(st.sampled_from([0, 1, 3]))
    whole, parts = (Account("AA", 100.0, 0.25, months) for _ in range(2))
    pools = [Portfolio(rebalance={0: None, 1: "month", 3: "quarter"}[months]).pool(100.0, 1) for _ in range(2)]
    expected = pools[0].worth(whole.changes(times, values))
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, 59)))), 60]
    found = [pools[1].worth(parts.changes(times[begin:end], values[:, begin:end])) for begin, end in pairwise(cuts)]
    assert np.concatenate([times for times, _ in found]).tolist() == expected[0].tolist()
    assert np.concatenate([values for _, values in found], axis=1).tolist() == expected[1].tolist()


def test_periods_are_months_and_quarters_of_utc():
    times = pd.to_datetime(
        ["1969-12-31T23:59:59.999999999", "1970-01-01", "1970-03-31T23:59", "2024-02-29"], format="ISO8601"
    )
    assert periods(times.to_numpy().astype(np.int64), 1).tolist() == [-1, 0, 2, 649]
    assert periods(times.to_numpy().astype(np.int64), 3).tolist() == [-1, 0, 0, 216]


REFUSED = [
    ({"weights": {"AA": -0.1}}, {}, "the weight -0.1 of AA is no share of the cash"),
    ({"weights": {"AA": float("nan")}}, {}, "the weight nan of AA"),
    ({"weights": {"AA": 1.5}}, {}, "the weight 1.5 of AA"),
    ({"weights": {"AA": 0.6, "BB": 0.6}}, {}, "add up to 1.2, and nothing is lent"),
    ({"weights": {"AA": 0.0}}, {}, "no symbol has a weight above 0"),
    ({"rebalance": "week"}, {}, "--rebalance week: not one of month, quarter"),
    ({}, {"size": 100}, "--portfolio equal --size 100: how many symbols share the cash"),
    ({}, {"whole_shares": True}, "--portfolio equal --whole-shares"),
    ({}, {"commission_per_order": 1.5}, "--portfolio equal --commission-per-order 1.5"),
    ({"weights": {"AA": 1.0}, "rebalance": "month"}, {"size": "money:5"}, "--rebalance month --size money:5"),
]


@pytest.mark.parametrize(("how", "rules", "says"), REFUSED)
def test_what_no_portfolio_can_be_is_refused(how, rules, says):
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        Portfolio(**how).check(Rules(**rules))


def test_weights_may_add_up_to_1_as_floats_do():
    weights = {f"S{number}": 1 / 3 for number in range(3)} | {"T": 1e-10}
    assert Portfolio(weights).name == "weights"
    Portfolio({"AA": 1.0}).check(Rules(size=100, whole_shares=True))  # an account has its own cash


def test_an_account_beyond_all_numbers_is_refused():
    with pytest.raises(InputError, match="AA: its account is worth more than 1e"):
        Account("AA", 1.0, 1.0, 0).changes(np.array([0]), np.array([[1e300], [1.0]]))


def test_frames_say_what_is_no_portfolio():
    bars = bars_of("AA", [0, 24], np.ones(2))
    with pytest.raises(UsageError, match="rebalance='month': is of a portfolio"):
        windrow.backtest(bars, **LINES, rebalance="month")
    with pytest.raises(UsageError, match=r"portfolio='weights\.csv': is neither"):
        windrow.backtest(bars, **LINES, portfolio="weights.csv")
    with pytest.raises(InputError, match="none of its symbols has a bar, 1 symbol, ZZ, but 1 symbol, AA"):
        windrow.backtest(bars, **LINES, portfolio={"ZZ": 1})
    with pytest.warns(UserWarning, match=r"no bar is of 1 symbol, ZZ: 0.5 of the cash"):
        windrow.backtest(bars, **LINES, portfolio=pd.Series({"AA": 0.5, "ZZ": 0.5}))
    with pytest.warns(UserWarning, match="has no weight of 1 symbol, BB"):
        both = pd.concat([bars, bars_of("BB", [0, 24], np.ones(2))])
        found = windrow.backtest(both, **LINES, portfolio={"AA": 0.5})
    assert found.symbol.tolist() == ["", "AA"]
    assert windrow.backtest(bars.iloc[:0], **LINES, portfolio="equal").empty
