"""Runs of any rules against a backtest in fractions: every order, trade, value and figure; and themselves, cut."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading import exact
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.figures import UNTOLD
from windrow.trading.ledger import STATUS
from windrow.trading.measures import Measures
from windrow.trading.trade_book import CLOSED_BY

# Few prices, so that the value comes back to its peak, trades end as they began, and years return the same.
prices = st.lists(st.integers(1, 9_999).map(lambda cents: Fraction(cents, 100)), min_size=1, max_size=5)
costs = st.sampled_from([0.0, 0.0, 0.001, 0.05])
rules = st.builds(
    Rules,
    size=st.sampled_from([1.0, 7.0, 100.0, 0.3, "all-in", "all-in", "50%", "12.5%", "money:70", "money:900.5"]),
    cash=st.sampled_from([100.0, 1_000.0, 100_000.0]),
    commission=costs,
    commission_per_order=st.sampled_from([0.0, 0.0, 1.0, 20.0]),
    slippage=costs,
    fill=st.sampled_from(["next-open", "close"]),
    side=st.sampled_from(["both", "long", "short"]),
    entry=st.sampled_from(["state", "cross"]),
    stop_at_ruin=st.booleans(),
)
rules = rules | rules.filter(lambda one: one.size != "0.3").map(lambda one: replace(one, whole_shares=True))


@st.composite
def series(draw, prices=prices):
    """Bars as the engine takes them and as the oracle does, and trends of some runs."""
    price = st.sampled_from(draw(prices))
    drawn = draw(st.lists(st.tuples(price, price, st.integers(1, 250)), min_size=1, max_size=24))
    time, times = datetime(2019, 9, 1, tzinfo=UTC), []
    for _, _, days in drawn:
        time += timedelta(days=days)
        times.append(time)
    trends = []
    for _ in range(draw(st.integers(1, 3))):
        empty = draw(st.integers(0, len(drawn)))
        signs = draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=len(drawn), max_size=len(drawn)))
        trends.append([exact.NOT_FULL] * empty + signs[empty:])
    return [(time, opens, close) for time, (opens, close, _) in zip(times, drawn, strict=True)], trends


def arrays(bars, trends):
    times = np.array([time.replace(tzinfo=None) for time, _, _ in bars], "datetime64[ns]").astype(np.int64)
    opens, closes = (np.array([float(bar[column]) for bar in bars]) for column in (1, 2))
    return times, opens, closes, np.array(trends, np.int8).T


def push(tests, bars, trends, cuts=()):
    """Pushes bars in pieces; the traces."""
    columns = arrays(bars, trends)
    edges = [0, *sorted(cuts), len(bars)]
    return [tests.push(*(column[begin:end] for column in columns)) for begin, end in pairwise(edges)]


def orders_of(entries, run):
    rows = zip(*(column.tolist() for column in entries), strict=True)
    return [
        (time, side, None if np.isnan(size) else size, price, STATUS[status])
        for owner, time, side, size, price, status in rows
        if owner == run
    ]


def trades_of(rows, run):
    named = zip(*(column.tolist() for column in rows), strict=True)
    return [
        (entered, exited, {1: "long", -1: "short"}[side], *numbers, CLOSED_BY[why])
        for owner, entered, exited, side, *numbers, why in named
        if owner == run
    ]


def close_to(found, expected, scale=1.0):
    return abs(found - expected) <= 1e-9 * max(abs(expected), scale)


def assert_orders(found, expected):
    assert len(found) == len(expected)
    for (time, *ours), (moment, *theirs) in zip(found, expected, strict=True):
        assert time == int(moment.timestamp()) * 10**9
        assert (ours[0], ours[3]) == (theirs[0], theirs[3])
        assert (ours[1] is None) == (theirs[1] is None)
        assert ours[1] is None or close_to(ours[1], float(theirs[1]))
        assert close_to(ours[2], float(theirs[2]))


def assert_trades(found, expected, cash):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours[:2] == tuple(int(moment.timestamp()) * 10**9 for moment in theirs[:2])
        assert (ours[2], ours[8], ours[11]) == (theirs[2], theirs[8], theirs[11])
        money = [cash] * 4 + [1.0] + [0.0] + [1.0] * 2
        for one, other, scale in zip(ours[3:11], theirs[3:11], money, strict=True):
            assert close_to(one, float(other), scale)


#: Figures that divide by a deviation: where that is small against what it is of, rounding is large against it.
RATIOS = (
    "sharpe", "sortino", "sqn", "skewness", "kurtosis", "alpha", "beta", "correlation", "kelly", "profit_factor",
    "bt_sharpe_annual", "bt_sortino_annual", "bt_sqn",
)  # fmt: skip
DATES = tuple(f"max_drawdown_{name}" for name in ("from", "to", "recovered", "days", "bars"))
MONEY = (
    "pnl", "final_value", "closed_pnl", "max_drawdown_money", "expectancy", "costs", "bt_max_drawdown",
)  # fmt: skip
TOLD = Measures(backtrader=True)


@settings(max_examples=300, deadline=None)
@given(series(), rules)
def test_every_order_value_and_figure_is_that_of_exact_decimal_arithmetic(drawn, rules):
    assert_exact(*drawn, rules)


# Sold short at a close of 20, less 5 %, 100 shares bring 1,900: with 100 in cash the value begins at exactly 0. At a
# close of 19 it begins above 0, at 21 and 40 below; then it goes up or down through 0.
around_0 = series(st.lists(st.sampled_from([Fraction(price) for price in (19, 20, 21, 40)]), min_size=1, max_size=4))
to_0 = st.builds(
    Rules,
    size=st.sampled_from([100.0, "all-in", "50%", "money:2000"]),
    cash=st.just(100.0),
    slippage=st.just(0.05),
    fill=st.just("close"),
    entry=st.sampled_from(["state", "cross"]),
    stop_at_ruin=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(around_0, to_0)
def test_what_begins_or_falls_to_0_or_below_has_no_ratio_to_that(drawn, rules):
    assert_exact(*drawn, rules)


# Suspensions and prices below 0 among others, of which some are the same.
below_0 = series(
    st.lists(st.sampled_from([Fraction(price) for price in (0, 0, -7, 9, 10, 11)]), min_size=2, max_size=5)
)


@settings(max_examples=600, deadline=None)
@given(below_0, rules)
def test_nothing_is_filled_at_0_and_costs_cost_below_0(drawn, rules):
    assert_exact(*drawn, rules)


def assert_exact(bars, trends, rules):
    tests = Backtests(rules, len(trends), traced=True, measures=TOLD)
    trace = tests.push(*arrays(bars, trends))
    waiting, open_trades = tests.open_orders(), tests.open_trades()
    for run, (trend, found) in enumerate(zip(trends, tests.figures(), strict=True)):
        expected = exact.backtest(rules, bars, trend)
        assert_moments(tests.daily(), run, exact.moments(rules, bars, expected.values))
        assert_orders(orders_of(trace.orders, run) + orders_of(waiting, run), expected.orders)
        assert_trades(trades_of(trace.trades, run) + trades_of(open_trades, run), expected.log, rules.cash)
        values = [float(value) for value in expected.values]
        assert all(map(close_to, trace.values[:, run], values, [rules.cash] * len(values)))
        told = exact.figures(rules, bars, expected)
        if exact.is_tied(rules, expected.values):
            told |= {name: found[name] for name in DATES}
        assert_figures(found, told, rules.cash)


def assert_moments(found, run, expected):
    assert np.isnan(found.mean[run]) == (expected is None)
    if expected is not None:
        count, mean, spread, *_ = expected
        assert found.count == count and close_to(found.mean[run], mean, scale=1e3)
        assert np.isnan(found.std[run]) if count == 1 else close_to(found.std[run] ** 2, spread**2, scale=1e3)


def assert_figures(found, expected, cash):
    assert list(found)[: len(expected)] == list(expected)
    nothing = {name for name, value in expected.items() if value is None} - set(UNTOLD)
    assert set(found.get("undefined", {})) == nothing
    for name, value in expected.items():
        if value is None or isinstance(value, int | str):
            assert found[name] == value, name
        elif name in RATIOS:
            assert abs(found[name] - value) <= 1e-9 * max(1.0, abs(value)) + 1e-12 * value**2, name
        else:
            scale = cash if name in MONEY else 1.0
            assert close_to(found[name], float(value), scale), name


@settings(max_examples=150, deadline=None)
@given(series() | below_0, rules, st.data())
def test_the_bits_do_not_depend_on_where_pushes_end_nor_on_the_other_runs(drawn, rules, data):
    bars, trends = drawn
    if data.draw(st.booleans()):  # so much cash that a span's values differ by what rounding may take
        rules = replace(rules, cash=1e14)
    whole = Backtests(rules, len(trends), traced=True, measures=TOLD)
    trace = push(whole, bars, trends)[0]
    cuts = data.draw(st.lists(st.integers(0, len(bars)), max_size=4))
    parts = Backtests(rules, len(trends), traced=True, measures=TOLD)
    traces = [each for each in push(parts, bars, trends, cuts) if each]
    assert repr(parts.figures()) == repr(whole.figures())
    assert all(map(same_bits, parts.daily(), whole.daily()))
    assert same_bits(np.concatenate([each.values for each in traces]), trace.values)
    run = data.draw(st.integers(0, len(trends) - 1))
    found = [order for each in traces for order in orders_of(each.orders, run)]
    assert found == orders_of(trace.orders, run)
    assert orders_of(parts.open_orders(), run) == orders_of(whole.open_orders(), run)
    assert [trade for each in traces for trade in trades_of(each.trades, run)] == trades_of(trace.trades, run)
    assert trades_of(parts.open_trades(), run) == trades_of(whole.open_trades(), run)
    alone = Backtests(rules, 1, traced=True, measures=TOLD)
    its = [each for each in push(alone, bars, trends[run : run + 1], cuts) if each]
    assert [trade for each in its for trade in trades_of(each.trades, 0)] == trades_of(trace.trades, run)
    assert repr(alone.figures()[0]) == repr(whole.figures()[run])
    assert all(same_bits(np.ravel(one)[-1:], np.ravel(all_)[run if np.ndim(all_) else 0 :][:1])
               for one, all_ in zip(alone.daily(), whole.daily(), strict=True))  # fmt: skip


def same_bits(one, other):
    return np.asarray(one, np.float64).tobytes() == np.asarray(other, np.float64).tobytes()
