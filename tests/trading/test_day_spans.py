"""Runs that hold shares or cash: what is told of their days span by span is what visiting each day tells."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.trading.backtests import Backtests, Rules
from windrow.trading.day_spans import RunningSums, between, once
from windrow.trading.measures import Measures
from windrow.trading.rules import Rules as TradingRules

DAY = 86_400 * 10**9
OF_DAYS = ("volatility", "sharpe", "sortino", "skewness", "kurtosis", "beta", "correlation", "average_drawdown",
           "ulcer_index")  # fmt: skip
LONG = st.builds(
    Rules,
    size=st.just("all-in"),
    side=st.just("long"),
    cash=st.sampled_from([100.0, 100_000.0]),
    commission=st.sampled_from([0.0, 0.01]),
    slippage=st.sampled_from([0.0, 0.002]),
    commission_per_order=st.sampled_from([0.0, 1.0]),
    fill=st.sampled_from(["next-open", "close"]),
    entry=st.sampled_from(["state", "cross"]),
    stop_at_ruin=st.booleans(),
)


@st.composite
def paths(draw):
    """Times, opens, closes and trends of several hundred bars: calm or wild, of a day, of less or of more."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    bars, runs = draw(st.integers(1, 300)), draw(st.integers(1, 4))
    moves = random.normal(0, draw(st.sampled_from([1e-4, 0.01, 0.08, 0.4])), bars)
    closes = np.round(10 * np.exp(np.cumsum(moves)), draw(st.sampled_from([2, 6]))) + 0.01
    closes[random.integers(0, bars, draw(st.sampled_from([0, 0, 2])))] = draw(st.sampled_from([4000.0, 0.001]))
    opens = np.append(closes[:1], closes[:-1]) + 0.01
    times = np.cumsum(random.integers(1, 4, bars)) * (DAY // draw(st.sampled_from([1, 1, 2, 5])))
    turns = np.cumsum(random.random((bars, runs)) < draw(st.sampled_from([0.02, 0.2])), axis=0)
    return times, opens, closes, np.where(turns % 2, 1, -1).astype(np.int8)


def run(columns, rules, measures, cuts=()):
    tests = Backtests(rules, columns[3].shape[1], measures=measures)
    for number, (begin, end) in enumerate(pairwise([0, *sorted(cuts), len(columns[0])])):
        tests.push(*(column[begin:end] for column in columns))
        if number % 10 == 0:
            tests.daily()  # which changes nothing of what follows
    return tests


def by_day(columns, rules, measures):
    """The same, day by day, as for runs of any rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TradingRules, "all_or_nothing", False)
        return run(columns, rules, measures)


@settings(max_examples=80, deadline=None)
@given(paths(), LONG, st.sampled_from([Measures(), Measures(risk_free=0.05)]), st.data())
def test_figures_are_those_of_a_visit_to_each_day_wherever_pushes_end(columns, rules, measures, data):
    found, slow = run(columns, rules, measures), by_day(columns, rules, measures)
    for ours, theirs in zip(found.figures(), slow.figures(), strict=True):
        assert ours.get("undefined") == theirs.get("undefined")
        for name in OF_DAYS:
            expected = theirs[name]
            assert ours[name] == (expected if expected is None else pytest.approx(expected, rel=1e-7, abs=1e-9)), name
    for ours, theirs in zip(found.daily()[1:], slow.daily()[1:], strict=True):
        assert (np.isnan(ours) == np.isnan(theirs)).all()
    cuts = data.draw(st.lists(st.integers(0, len(columns[0])), max_size=8) | st.just(range(len(columns[0]))))
    parts = run(columns, rules, measures, cuts)
    assert repr(parts.figures()) == repr(found.figures())
    assert [one.tobytes() for one in parts.daily()[1:]] == [one.tobytes() for one in found.daily()[1:]]


def test_a_spike_takes_nothing_from_the_days_behind_it():
    """A price of 10 that was 1,000,000 for a day: its moves of a thousandth of a percent keep their shape."""
    random = np.random.default_rng(3)
    closes = np.round(10 * np.exp(np.cumsum(random.normal(0, 1e-5, 400))), 6)
    spiked = closes.copy()
    spiked[20] = 1e6
    trend = np.full((400, 1), -1, np.int8)
    trend[50:390] = 1
    rules = Rules(side="long", fill="close")
    times = np.arange(400) * DAY
    expected = by_day((times, closes, closes, trend), rules, Measures()).figures()[0]
    for each in (closes, spiked):
        found = run((times, each, each, trend), rules, Measures()).figures()[0]
        for name in ("volatility", "sharpe", "skewness", "kurtosis", "ulcer_index", "average_drawdown"):
            assert found[name] == pytest.approx(expected[name], rel=1e-9), name


def test_of_falls_by_cents_of_a_million_nothing_is_lost_in_its_square():
    closes = np.append(1e6, 1e6 - np.arange(1, 9) / 100)
    trend = np.where(np.arange(9), 1, -1).astype(np.int8)[:, None]
    found = run((np.arange(9) * DAY, closes, closes, trend), Rules(side="long", fill="close"), Measures()).figures()[0]
    falls = (closes[1] - closes[2:]) / closes[1]
    assert found["ulcer_index"] == pytest.approx(np.sqrt((falls**2).sum() / 9), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=300))
def test_what_equal_ranges_share_is_that_of_each(drawn):
    begins, ends = np.array(drawn, np.int64).reshape(-1, 2).T
    some, which = once(begins, ends, 61)
    assert (begins[some][which] == begins).all() and (ends[some][which] == ends).all()


def test_a_range_that_is_there_a_thousand_times_is_found_once():
    some, which = once(np.full(1000, 7), np.full(1000, 9), 10)
    assert len(some) == 1 and not which.any()


def test_sums_between_rows_keep_their_places_behind_larger_ones():
    rows = np.array([[1e15], [1e-3], [3e-3], [-1e15], [2e-3]])
    whole = RunningSums(1).push(rows)
    assert between(whole[1:2], whole[3:4]).item() == pytest.approx(4e-3, rel=1e-12)
    sums = RunningSums(1)
    parts = np.concatenate([sums.push(rows[:2]), sums.push(rows[2:])[1:]])
    assert parts.tobytes() == whole.tobytes()
