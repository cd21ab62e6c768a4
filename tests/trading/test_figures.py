"""Figures by hand: docs/figures.md's eight days, and series of every kind: flat, by the minute, without days off."""

from dataclasses import replace
from itertools import pairwise
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.trading.backtests import Backtests, Rules
from windrow.trading.curves import Curve
from windrow.trading.measures import Measures

DAY, MINUTE = 86_400 * 10**9, 60 * 10**9
#: Bought at 11 and sold at 11.50, bought at 12.50 and sold at 11.50, bought at 13 and held.
CLOSES = [10, 11, 12, 11.5, 12.5, 11.5, 13, 14]
TREND = [-1, 1, 1, -1, 1, -1, 1, 1]
VALUES = [1_000, 1_000, 1_050, 1_025, 1_025, 975, 975, 1_025]
RETURNS = [0, 0, 1 / 20, -1 / 42, 0, -2 / 41, 0, 2 / 39]
#: Of 50 shares bought at 10, and 500 in cash.
OTHERS = [0, 50 / 1_000, 50 / 1_050, -25 / 1_100, 50 / 1_075, -50 / 1_125, 75 / 1_075, 50 / 1_150]
RULES = Rules(size=50, cash=1_000, fill="close", side="long")


def weekdays(count, first="2024-01-02"):
    return np.busday_offset(first, np.arange(count), roll="forward").astype("datetime64[ns]").astype(np.int64)


def figures(closes=CLOSES, trend=TREND, times=None, rules=RULES, **measures):
    """The figures of a run over bars, by default weekdays."""
    times = weekdays(len(closes)) if times is None else times
    tests = Backtests(rules, 1, measures=Measures(**measures))
    tests.push(times, None, np.array(closes, np.float64), np.array(trend, np.int8)[:, None])
    return tests.figures(dated=bool((times % DAY == 0).all()))[0]


def moment(numbers, power):
    """About the mean."""
    mean = sum(numbers) / len(numbers)
    return sum((one - mean) ** power for one in numbers) / len(numbers)


def by_hand():
    """Each figure of the example from its definition."""
    n, mean = 8, sum(RETURNS) / 8
    deviation = sqrt(moment(RETURNS, 2) * 8 / 7)
    below = sqrt(sum(one**2 for one in RETURNS if one < 0) / n)
    growth = prod(1 + one for one in RETURNS) ** (252 / n) - 1
    falls = [0, 0, 0, 25 / 1_050, 25 / 1_050, 75 / 1_050, 75 / 1_050, 25 / 1_050]
    skewed, peaked = (moment(RETURNS, power) / moment(RETURNS, 2) ** (power / 2) for power in (3, 4))
    other = sum(OTHERS) / n
    shared = sum((mine - mean) * (its - other) for mine, its in zip(RETURNS, OTHERS, strict=True)) / 7
    beta = shared / (moment(OTHERS, 2) * 8 / 7)
    return {
        "pnl": 25,
        "final_value": 1_025,
        "return": 0.025,
        "cagr": growth,
        "volatility": deviation * sqrt(252),
        "sharpe": mean / deviation * sqrt(252),
        "sortino": mean / below * sqrt(252),
        "calmar": growth / (75 / 1_050),
        "max_drawdown": 75 / 1_050,
        "max_drawdown_money": 75,
        "max_drawdown_from": "2024-01-04",
        "max_drawdown_to": "2024-01-09",
        "max_drawdown_recovered": None,
        "max_drawdown_days": 7,
        "max_drawdown_bars": 5,
        "longest_drawdown_bars": 5,
        "average_drawdown": 75 / 1_050,
        "ulcer_index": sqrt(sum(fall**2 for fall in falls) / n),
        "skewness": skewed * sqrt(8 * 7) / 6,
        "kurtosis": 7 / (6 * 5) * (9 * (peaked - 3) + 6),
        "trades_total": 3,
        "trades_open": 1,
        "trades_closed": 2,
        "won": 1,
        "lost": 1,
        "win_rate": 0.5,
        "profit_factor": 25 / 50,
        "expectancy": (25 - 50) / 2,
        "best_trade": 25 / 550,
        "worst_trade": -50 / 625,
        "average_trade": (25 / 550 - 50 / 625) / 2,
        "average_bars_held": (2 + 1) / 2,
        "win_streak": 1,
        "lose_streak": 1,
        "closed_pnl": -25,
        "sqn": sqrt(2) * -12.5 / sqrt((37.5**2 + 37.5**2) / 1),
        "kelly": 0.5 - 0.5 / (25 / 50),
        "exposure": 5 / 8,
        "turnover": 50 * (11 + 11.5 + 12.5 + 11.5 + 13) / (sum(VALUES) / 8),
        "costs": 0,
        "buy_and_hold": 200 / 1_000,
        "alpha": (mean - beta * other) * 252,
        "beta": beta,
        "correlation": shared / deviation / sqrt(moment(OTHERS, 2) * 8 / 7),
        "orders": 5,
        "orders_refused": 0,
        "fills_postponed": 0,
        "ruined": False,
        "ruined_at": None,
    }


def test_every_figure_is_that_by_hand():
    found, expected = figures(), by_hand()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name] == (value if isinstance(value, str | None) else pytest.approx(value, rel=1e-12)), name


def test_costs_are_commissions_fees_and_what_slippage_took():
    moved = 50 * (11 + 11.5 + 12.5 + 11.5 + 13)
    assert figures(rules=replace(RULES, commission=0.001))["costs"] == pytest.approx(moved * 0.001, rel=1e-12)
    assert figures(rules=replace(RULES, commission_per_order=2))["costs"] == 10
    assert figures(rules=replace(RULES, slippage=0.01))["costs"] == pytest.approx(moved * 0.01, rel=1e-12)


def test_a_risk_free_rate_is_taken_from_returns_and_below_it_is_below():
    found, day = figures(risk_free=0.05), 1.05 ** (1 / 252) - 1
    excess = [one - day for one in RETURNS]
    mean = sum(excess) / 8
    assert found["sharpe"] == pytest.approx(mean / sqrt(moment(RETURNS, 2) * 8 / 7) * sqrt(252), rel=1e-9)
    below = sqrt(sum(one**2 for one in excess if one < 0) / 8)
    assert found["sortino"] == pytest.approx(mean / below * sqrt(252), rel=1e-9)
    beta, other = found["beta"], sum(OTHERS) / 8 - day
    assert found["alpha"] == pytest.approx((mean - beta * other) * 252, rel=1e-9)
    assert found["volatility"] == figures()["volatility"]


def test_a_risk_free_rate_of_bars_longer_than_a_day_takes_the_days_of_a_year():
    weeks = weekdays(1) + np.arange(8) * 7 * DAY
    found = figures(times=weeks, risk_free=0.05)
    assert found["sharpe"] is not None and found["sortino"] is None
    assert found["undefined"]["sortino"].startswith("the risk-free rate of a day depends on how many a year has")
    assert figures(times=weeks, risk_free=0.05, days_per_year=52)["sortino"] is not None
    found, known = (figures(times=np.arange(8) * DAY, risk_free=0.05, **how) for how in ({}, {"days_per_year": 365}))
    assert found["sortino"] == known["sortino"] is not None


def year(times, **measures):
    """How many days a year has for a run over bars at these times."""
    closes = 10 + np.arange(len(times)) % 3
    found = figures(closes, [1] * len(times), times, **measures)
    again = figures(closes, [1] * len(times), times, days_per_year=1)
    return round((found["volatility"] / again["volatility"]) ** 2, 6)


def months(count):
    return (np.datetime64("2020-01") + np.arange(count)).astype("datetime64[ns]").astype(np.int64)


SUNDAY = 3 * DAY  # 1970-01-04
ALL = np.arange(28) * DAY


def only(*days):
    """28 days, of which some days of the week alone, Monday the first."""
    return ALL[np.isin((ALL // DAY + 3) % 7, days)]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (weekdays(20), 252),
        (ALL, 365),  # coins
        (ALL[:2], 252),  # a Thursday and a Friday
        (ALL[2:4], 365),  # a weekend
        (only(0, 1, 2, 3, 4, 6), 252),  # from Sunday evening on
        (only(6, 0, 1, 2, 3), 252),  # of Tel Aviv
        (np.delete(ALL, [9, 17]), 365),  # where an exchange of coins was down
        (np.arange(0, 28 * DAY, 7 * MINUTE), 365),
        (np.concatenate([day + np.arange(5) * 78 * MINUTE for day in weekdays(20)]), 252),
        (SUNDAY + np.arange(60) * 7 * DAY, 52),
        (SUNDAY + np.cumsum(np.tile([6, 8, 7], 10)) * DAY, 52),  # weeks with holidays
        (months(48), 12),
        (months(48)[::3], 4),
        (months(72)[::12], 1),
        (np.array([0, 900 * DAY]), 1),
    ],
)
def test_the_days_of_a_year_are_found_in_the_bars(times, expected):
    assert year(times) == expected
    assert year(times, days_per_year=200) == 200


#    bars      9:30 10:30 ... of two days, an hour each      the value of a day is that at its last bar
def test_returns_are_of_days_and_drawdowns_of_bars():
    times = np.concatenate([day + np.arange(4) * 60 * MINUTE for day in (0, DAY)])
    closes = [10, 12, 8, 11, 11, 9, 12, 12.1]
    found = figures(closes, [1] * 8, times, Rules(size=100, cash=1_000, fill="close", side="long"))
    one, two = 100 / 1_000, 110 / 1_100
    assert one == two and found["undefined"]["sharpe"] == "all days returned the same"
    assert found["max_drawdown"] == pytest.approx(400 / 1_200) and found["max_drawdown_bars"] == 4
    assert (found["max_drawdown_from"], found["max_drawdown_to"], found["max_drawdown_recovered"]) == (
        "1970-01-01T01:00:00Z", "1970-01-01T02:00:00Z", "1970-01-02T02:00:00Z",
    )  # fmt: skip
    assert found["max_drawdown_days"] == pytest.approx(25 / 24)
    assert found["ulcer_index"] == found["average_drawdown"] == 0  # at the ends of days it is at its peak


def test_a_flat_run_has_no_ratios_and_no_drawdown():
    found = figures([10] * 5, [-1] * 5)
    assert (found["return"], found["cagr"], found["volatility"], found["max_drawdown"]) == (0, 0, 0, 0)
    assert (found["average_drawdown"], found["ulcer_index"], found["max_drawdown_bars"]) == (0, 0, 0)
    reasons = {name: found["undefined"][name] for name in ("sharpe", "sortino", "calmar", "beta")}
    assert reasons == {
        "sharpe": "all days returned the same",
        "sortino": "no day returned less than the risk-free rate",
        "calmar": "no drawdown",
        "beta": "all days of buying and holding returned the same",
    }


def test_one_bar_and_one_day_have_a_return_and_no_deviation():
    for closes, times in (([10], weekdays(1)), ([10, 11, 12], weekdays(1)[0] + np.arange(3) * MINUTE)):
        found = figures(closes, [1] * len(closes), times)
        assert found["undefined"]["sharpe"] == found["undefined"]["volatility"] == "fewer than 2 days"
        assert found["cagr"] == pytest.approx((found["final_value"] / 1_000) ** 252 - 1)


def test_a_growth_beyond_the_largest_number_is_none():
    found = figures([10, 20], [1, 1], rules=Rules(size=100, cash=1_000, fill="close", side="long"), days_per_year=1e6)
    assert found["cagr"] is None and found["undefined"]["cagr"] == "it is beyond the largest number"


def test_a_drawdown_recovers_where_the_peak_is_reached_again():
    closes = [10, 12, 11, 9, 12, 13, 12.5, 13]
    found = figures(closes, [1] * 8, np.arange(8) * DAY)
    assert (found["max_drawdown_from"], found["max_drawdown_to"]) == ("1970-01-02", "1970-01-04")
    assert (found["max_drawdown_recovered"], found["max_drawdown_days"]) == ("1970-01-05", 3)
    assert (found["max_drawdown_bars"], found["longest_drawdown_bars"]) == (2, 2)
    assert found["average_drawdown"] == pytest.approx((150 / 1_100 + 25 / 1_150) / 2)


#    close     10    12     9     9    13         sold at 9, and bought again there
#    value  1,000 1,100   950   950 1,150
def test_a_drawdown_may_recover_in_another_trade():
    found = figures([10, 12, 9, 9, 13], [1, 1, -1, 1, 1], np.arange(5) * DAY)
    assert found["trades_total"] == 2 and found["max_drawdown"] == pytest.approx(150 / 1_100)
    assert (found["max_drawdown_to"], found["max_drawdown_recovered"]) == ("1970-01-03", "1970-01-05")
    assert (found["max_drawdown_bars"], found["max_drawdown_days"]) == (2, 3)


steps = st.lists(st.sampled_from([0.9, 0.97, 1.0, 1.01, 1.06]), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(steps, st.lists(st.integers(0, 40), max_size=3), st.sampled_from([DAY, DAY // 3]))
def test_a_curve_has_the_figures_of_a_run_with_its_values(moves, cuts, step):
    """A run that buys at once for all of its cash, so that its values are those of the closes."""
    closes = 10 * np.cumprod(moves) * (1 - 1e-5 * np.arange(len(moves)) ** 2)  # no two drawdowns are as deep
    times = np.arange(len(moves)) * step
    rules = Rules(size=float(1_000 / closes[0]), cash=1_000, fill="close", side="long")
    run = figures(closes, [1] * len(moves), times, rules)
    curve = Curve(1_000.0)
    values = 1_000 * closes / closes[0]
    for begin, end in pairwise([0, *sorted(min(cut, len(moves)) for cut in cuts), len(moves)]):
        curve.push(times[begin:end], values[begin:end], values[begin:end])
    found = curve.figures(dated=step == DAY)
    undefined = found.pop("undefined", {})
    assert undefined == {name: why for name, why in run.get("undefined", {}).items() if name in found}
    for name, value in found.items():
        close = isinstance(value, float) and value == value
        assert value == pytest.approx(run[name], rel=1e-7, abs=1e-9) if close else value == run[name], name
