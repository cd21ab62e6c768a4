"""What a report shows: the job's averages, orders and equity at their bars, sweeps as columns; not too much."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.pages.report.outputs import DAY, READING, bars_of, figures, series_of, unpacked
from windrow import moving_average
from windrow.bars.layout import Reading
from windrow.errors import UsageError
from windrow.pages import chart
from windrow.pages.report import contents as reporting
from windrow.pages.report.benchmark import bought_figures
from windrow.pages.report.calendar_returns import months, years
from windrow.pages.report.contents import Sources, SymbolReport, drawn_averages, page_data
from windrow.pages.report.falls import deepest, drawdown
from windrow.pages.report.maps import chosen, swept
from windrow.pages.report.results import Equity, Orders, open_output, read_figures
from windrow.trading.curves import Curve

CLOSE = Reading(values=("close", "open"))


# What is below the prices.


def test_drawdown_is_from_the_highest_value_so_far():
    values = np.array([np.nan, 80, 100, 120, 90, 120, -60])
    assert np.array_equal(drawdown(values), [np.nan, 0, 0, 0, 25, 0, 150], equal_nan=True)


@pytest.mark.parametrize("first", [-5.0, 0.0])
def test_a_value_that_begins_at_0_or_below_has_no_drawdown(first):
    assert np.isnan(drawdown(np.array([np.nan, first, 100, 50]))).all()
    assert drawdown(np.empty(0)).tolist() == []


def test_the_deepest_drawdowns_are_those_of_the_figures_and_of_pandas():
    rng = np.random.default_rng(5)
    for _ in range(50):
        values = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 300)))
        days = np.arange(300) * DAY
        curve = Curve(100.0)
        curve.push(days, values, values)
        found, falls = curve.figures(dated=True), deepest(values, 100.0, most=300)
        first = falls[0]
        assert first.depth == pytest.approx(found["max_drawdown"], rel=1e-12)
        texts = [None if at is None else str(np.datetime64(at, "D")) for at in first[1:]]
        assert texts == [found[f"max_drawdown_{name}"] for name in ("from", "to", "recovered")]
        whole = pd.Series([100.0, *values])
        depths = (1 - whole / whole.cummax())[1:].reset_index(drop=True)
        spans = (depths == 0).cumsum()[depths > 0]
        oracle = depths[depths > 0].groupby(spans).max().sort_values(ascending=False)
        assert [fall.depth for fall in falls] == pytest.approx(oracle.tolist(), rel=1e-9)


def test_a_curve_that_never_falls_has_no_drawdowns():
    assert deepest(np.array([100.0, 100.0, 101.0]), 100.0) == []
    assert deepest(np.array([-1.0, 5.0, 3.0])) == []
    (fall,) = deepest(np.array([90.0, 95.0]), 100.0)
    assert fall == (pytest.approx(0.1), 0, 0, None)


# Months and years.


def test_returns_of_months_and_years_are_pandas():
    rng = np.random.default_rng(6)
    index = pd.bdate_range("2019-03-11", periods=900)
    index = index[(index < "2020-02-01") | (index >= "2020-04-01")]  # two months without a bar
    values = pd.Series(1000 * np.exp(np.cumsum(rng.normal(0, 0.02, len(index)))), index)
    times = index.to_numpy().astype("datetime64[ns]").astype(np.int64)
    for periods, unit, first in ((months, "M", 49 * 12 + 2), (years, "Y", 49)):
        ends = values.groupby(index.to_period(unit)).last()
        returns = (ends / ends.shift(1, fill_value=1000.0) - 1).reindex(
            pd.period_range(ends.index[0], ends.index[-1], freq=unit)
        )
        found = periods(times, values.to_numpy(), 1000.0)
        assert found.first == first
        assert found.returns == pytest.approx(returns.to_numpy(), rel=1e-12, nan_ok=True)


def test_from_a_value_of_0_or_below_there_is_no_return():
    times = np.arange(4) * 31 * DAY
    assert months(times, np.array([50.0, 0.0, 10.0, 5.0]), 100.0).returns.tolist() == pytest.approx(
        [-0.5, -1.0, np.nan, -0.5], nan_ok=True
    )
    assert months(times, np.full(4, np.nan), 100.0).returns.tolist() == []


# Sweeps.

LINES = [
    {"fast": fast, "slow": slow, "part": part, "pnl": pnl, "sharpe": None, "undefined": {"sharpe": why}}
    for part, why in (("test", "one year"), ("train", "no trade"))
    for fast, slow, pnl in ((7, 21, 5.0), (5, 21, 5.0), (5, 31, None if part == "test" else 4.0))
]


def test_sweeps_become_columns_over_ascending_pairs():
    sweep = swept(LINES)
    assert sweep.pairs == [(5, 21), (5, 31), (7, 21)]
    assert sweep.walks() == [("train", "test")]
    assert np.array_equal(sweep.parts["test"].fields["pnl"], [5, np.nan, 5], equal_nan=True)
    assert sweep.parts["train"].reasons["sharpe"][0] == ["no trade"]
    assert sweep.parts["train"].reasons["sharpe"][1].tolist() == [0, 0, 0]


def test_reasons_stand_with_the_pairs_they_are_of():
    lines = [LINES[0], dict(LINES[1], sharpe=1.5, undefined={}), dict(LINES[2], undefined={"sharpe": "other"})]
    part = swept(lines).parts["test"]
    assert np.array_equal(part.fields["sharpe"], [1.5, np.nan, np.nan], equal_nan=True)
    assert part.reasons["sharpe"][0] == ["other", "one year"] and part.reasons["sharpe"][1].tolist() == [-1, 0, 1]


def test_the_best_pair_is_the_first_of_equals_and_none_is_worst():
    sweep = swept(LINES)
    assert sweep.best_pair("train", "pnl") == (5, 21)
    assert sweep.best_pair("train", "sharpe") == (5, 21)
    assert swept([dict(LINES[2], fast=1), LINES[0]]).best_pair("test", "pnl") == (7, 21)


def test_a_page_ranks_pairs_as_the_sweep_does():
    """A ruined pair last, equal wins first, and a walk on which no pair has the objective not at all."""
    rows = {
        (1, 9): {"pnl": 900.0, "sqn": 9.0, "ruined": True},
        (2, 9): {"pnl": 5.0, "sqn": 2.0},
        (3, 9): {"pnl": 6.0, "final_value": 106.0, "closed_pnl": 6.0, "trades_closed": 2, "sqn": None,
                 "undefined": {"sqn": "all closed trades had the same profit"}},
        (4, 9): {"pnl": 0.0, "sqn": 0.0, "orders_refused": 3, "trades_total": 0},
    }  # fmt: skip
    sweep = swept({"fast": fast, "slow": slow, "part": "all", **row} for (fast, slow), row in rows.items())
    assert sweep.parts["all"].orders["sqn"].tolist() == [2, 1, 3, 0]
    assert sweep.parts["all"].orders["pnl"].tolist() == [2, 1, 3, 0] and sweep.best_pair("all", "pnl") == (3, 9)
    assert swept([{"fast": None, "slow": None, "walk": 1, "objective": "sharpe", "trials": 6}]).pairs == []


def test_the_pair_that_a_table_tells_of_is_the_first_in_the_ranking():
    rng = np.random.default_rng(8)
    for objective in ("pnl", "sharpe"):
        lines = [
            {"fast": fast, "slow": slow, "part": part, "pnl": value, "sharpe": value if value else None}
            for fast in range(3) for slow in range(5) for part in ("test 1", "train 1", "train 2", "test 2")
            for value in [float(rng.integers(-2, 3))]
        ]  # fmt: skip
        found, whole = chosen(lines, objective), swept(lines)
        assert found.pair == whole.best_pair("train 1", objective)
        assert (found.train, found.test, found.on_test["part"]) == ("train 1", "test 1", "test 1")
    assert chosen([{"fast": None, "slow": None, "objective": "pnl"}], "pnl") is None


def test_walks_pair_their_parts_in_order():
    parts = ["test 1", "train 1", "test 2", "train 2"]
    sweep = swept({"fast": 1, "slow": 2, "part": part, "pnl": 1.0} for part in parts)
    assert sweep.walks() == [("train 1", "test 1"), ("train 2", "test 2")]
    assert swept([{"fast": 1, "slow": 2, "part": "all", "pnl": 1.0}]).walks() == [("all", None)]


def test_lines_of_the_best_pair_are_parts_too():
    line = {"fast": 7, "slow": 21, "walk": 2, "objective": "pnl", "trials": 66, "deflated_sharpe": 0.25}
    sweep = swept([{**line, "train": {"pnl": 83.0}, "test": {"pnl": 293.0}}])
    assert sweep.walks() == [("train 2", "test 2")]
    assert sweep.parts["test 2"].fields["pnl"].tolist() == [293.0]
    assert sweep.best == [line]
    train, test = sweep.parts["train 2"], sweep.parts["test 2"]
    assert (train.fields["deflated_sharpe"].tolist(), train.trials) == ([0.25], 66)
    assert (list(test.fields), test.trials) == (["pnl"], None)
    unknown = {**line, "deflated_sharpe": None, "undefined": {"deflated_sharpe": "few days"}}
    part = swept([{**unknown, "all": {"pnl": None, "undefined": {"pnl": "why"}}}]).parts["all 2"]
    assert {name: texts for name, (texts, _) in part.reasons.items()} == {
        "deflated_sharpe": ["few days"],
        "pnl": ["why"],
    }


def test_what_top_left_out_has_no_figures():
    sweep = swept([dict(LINES[0], part="train 1"), dict(LINES[1], part="train 2")])
    assert np.array_equal(sweep.parts["train 1"].fields["pnl"], [np.nan, 5], equal_nan=True)


# The page's contents.


def sources_of(outputs, *jobs, **described):
    return Sources.of([open_output(outputs.output(job, [("A", {"fast": 1, "slow": 2})], **described)) for job in jobs])


def test_two_outputs_of_one_job_are_refused(outputs):
    one, two = (open_output(outputs.output("sweep", [], name=name)) for name in ("one", "two"))
    with pytest.raises(UsageError) as error:
        Sources.of([one, two])
    assert str(error.value) == (
        f"{one.place} {two.place}: both are outputs of a sweep: a report takes one backtest, one sweep, or one of"
        " each; write two reports"
    )


def test_rules_are_put_in_words(outputs):
    rules = {
        "cash": 1234567.5, "commission": 0.001, "commission_per_order": 2.5, "slippage": 0.0,
        "fill": "close", "side": "long", "entry": "cross", "size": "12.5%", "whole_shares": True,
    }  # fmt: skip
    sources = sources_of(outputs, "backtest", rules=rules)
    assert sources.title == "Backtest of ema:7 over ema:21"
    assert sources.rules == [
        "initial cash 1,234,567.5", "positions of 12.5 % of the equity", "whole shares",
        "commission 0.001 of the value traded", "2.5 per order", "filled at the close", "long only", "entry by cross",
    ]  # fmt: skip


def test_other_rules_of_a_sweep_are_warned_of(outputs):
    rules = {"cash": 1e5, "commission": 0.001, "side": "long", "fill": "next-open", "whole_shares": False}
    ours = {"rules": rules, "measures": {"risk_free": 0.0}, "reading": READING}
    theirs = {
        "rules": rules | {"commission": 0.002, "side": "both", "whole_shares": True},
        "measures": {"risk_free": 0.02}, "reading": READING | {"until": "2024-02-01", "delimiter": ";"},
    }  # fmt: skip
    for others, warning in (
        (
            theirs,
            "Backtest and sweep differ in their rules, so their figures do not compare. commission: 0.001, 0.002;"
            " side: long only, long and short; whole shares: no, yes; risk free: 0, 0.02; until: none, 2024-02-01.",
        ),
        (ours, ""),
    ):
        backtest = open_output(outputs.output("backtest", [], name=f"backtest{len(warning)}", **ours))
        sweep = open_output(outputs.output("sweep", [], name=f"sweep{len(warning)}", **others))
        assert Sources.of([sweep, backtest]).warning == warning
        assert Sources.of([sweep]).warning == ""


def test_buying_and_holding_has_figures_of_its_own():
    frame = bars_of(("A",), bars=40)
    series, description = series_of(frame), {"measures": {"days_per_year": 100}}
    bought = 1000 + np.cumsum(np.arange(40) % 7 - 2.5)
    returns = np.diff(bought, prepend=1000.0) / np.append(1000.0, bought[:-1])
    found = bought_figures(Equity(series.times, bought[::-1], bought), 1000.0, description, dated=True)
    assert found["return"] == bought[-1] / 1000 - 1
    assert found["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 10, rel=1e-12)
    assert not {"beta", "alpha", "buy_and_hold", "trades_total"} & found.keys()
    assert bought_figures(Equity(series.times, bought), 1000.0, description, dated=True) is None


def shown_of(outputs, frame, **described):
    series = series_of(frame)
    sources = sources_of(outputs, "backtest", **described)
    orders = Orders(series.times[[3, 5]], *map(np.array, ([0, 1], [0, 0], [1.0, 2.0], [5.5, np.nan])))
    equity = Equity(series.times, np.arange(len(series.times), 0, -1.0))
    return page_data(sources, [SymbolReport(series, figures(), orders, equity)], known=1)


def test_a_symbol_is_shown_bar_by_bar(outputs):
    frame = bars_of(("A",), bars=30)
    shown = shown_of(outputs, frame)
    (symbol,) = shown["symbols"]
    assert (symbol["name"], symbol["bars"], symbol["group"], symbol["digits"]) == ("A", 30, 1, 2)
    for name in ("open", "high", "low", "close"):
        assert unpacked(symbol[name]).tolist() == frame[name].tolist()
    assert unpacked(symbol["orders"]["at"]).tolist() == [3, 5]
    assert symbol["pair"] == ["ema:7", "ema:21"] == list(symbol["lines"])
    ema = moving_average(frame, "ema:7")["ema:7"].to_numpy()
    assert np.abs(unpacked(symbol["lines"]["ema:7"])[6:] - ema).max() <= 0.5e-4
    assert unpacked(symbol["panes"][1]["lines"][0]["values"])[:2].tolist() == [0, -round(100 / 30, 4)]
    assert (shown["notes"], shown["walks"], shown["dated"]) == ([], [], True)


def test_more_bars_than_a_page_holds_are_joined(outputs, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_CANDLES", 12)
    frame = bars_of(("A",), bars=30)
    (symbol,) = shown_of(outputs, frame)["symbols"]
    assert (symbol["bars"], symbol["group"]) == (30, 3)
    groups = frame.groupby(np.arange(30) // 3)
    for name, joined in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
        assert unpacked(symbol[name]).tolist() == groups[name].agg(joined).tolist()
    assert unpacked(symbol["orders"]["at"]).tolist() == [1, 1]
    assert unpacked(symbol["panes"][0]["lines"][0]["values"]).tolist() == list(range(28, 0, -3))
    assert len(unpacked(symbol["lines"]["ema:7"])) == len(unpacked(symbol["times"]["steps"])) == 10


def test_symbols_are_left_out_of_a_large_page_which_says_so(outputs):
    reports = [SymbolReport(series_of(bars_of((name,))), figures()) for name in "ABC"]
    sources = sources_of(outputs, "backtest")
    whole = page_data(sources, reports, known=3)
    assert [symbol["name"] for symbol in whole["symbols"]] == ["A", "B", "C"] and whole["notes"] == []
    some = page_data(sources, reports, known=500, most_bytes=2 * chart._size(whole["symbols"]) // 3 + 5)
    assert [symbol["name"] for symbol in some["symbols"]] == ["A", "B"]
    assert some["notes"] == ["2 of 500 symbols are on this page; choose others with windrow report --symbol."]
    assert len(page_data(sources, reports, known=3, most_bytes=1)["symbols"]) == 1


GRID = {"fast": "sma:3..4", "slow": "sma:8,20", "split": "0.29", "split_at": None, "walk_forward": None}


def sweep_of(outputs, bars=100, **described):
    lines = [
        {"fast": fast, "slow": slow, "part": part, "pnl": float(fast * slow), "return": -float(slow)}
        for part in ("train", "test")
        for fast in (3, 4)
        for slow in (8, 20)
    ]
    place = outputs.output("sweep", [("A", line) for line in lines], **{**GRID, "cold": True, **described})
    output = open_output(place)
    return Sources.of([output]), SymbolReport(
        series_of(bars_of(("A",), bars)), swept=swept(read_figures(output, ["A"])["A"])
    )


def test_a_sweep_is_shown_with_all_its_averages(outputs):
    sources, report = sweep_of(outputs)
    shown = page_data(sources, [report], known=1)
    (symbol,) = shown["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:3", "sma:4", "sma:8"]
    assert symbol["pair"] == ["sma:4", "sma:20"]
    assert symbol["cuts"] == [[29, 100]]  # 0.29 of 100 is 29, not 28
    assert shown["walks"] == [{"train": "train", "test": "test"}]
    assert np.isnan(unpacked(symbol["lines"]["sma:3"])).nonzero()[0].tolist() == [0, 1, 29, 30]
    assert unpacked(symbol["sweep"]["parts"]["test"]["fields"]["pnl"]).tolist() == [24, 60, 32, 80]
    assert symbol["sweep"]["around"] == [("sma:", ""), ("sma:", "")]


def test_of_many_averages_those_of_the_best_pairs_are_kept(outputs, monkeypatch):
    monkeypatch.setattr(reporting, "MOST_AVERAGED", 399)
    sources, report = sweep_of(outputs)
    (symbol,) = page_data(sources, [report], known=1)["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:3", "sma:4", "sma:8"]  # 4/20 by pnl, 3/8 by return
    monkeypatch.setattr(reporting, "OBJECTIVES", ("pnl",))
    (symbol,) = page_data(sources, [report], known=1)["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:4"]


@pytest.mark.parametrize(
    ("described", "cuts", "restarts"),
    [
        ({"split": None}, [], []),
        ({"cold": False}, [[29, 100]], []),
        ({}, [[29, 100]], [29]),
        ({"split": None, "split_at": "2024-01-11"}, [[10, 100]], [10]),
        ({"split": None, "walk_forward": 3}, [[25, 50], [50, 75], [75, 100]], []),
    ],
)
def test_parts_are_cut_as_the_sweep_cut_them(outputs, described, cuts, restarts):
    sources, report = sweep_of(outputs, **described)
    (symbol,) = page_data(sources, [report], known=1)["symbols"]
    assert symbol["cuts"] == cuts
    line = drawn_averages(sources, report)["sma:4"]
    empty = [at for begin in (0, *restarts) for at in range(begin, begin + 3)]
    assert np.isnan(line).nonzero()[0].tolist() == empty


def test_a_backtests_averages_are_drawn_beside_a_sweep(outputs):
    sources, report = sweep_of(outputs)
    both = Sources.of([*sources.outputs, open_output(outputs.output("backtest", []))])
    assert both.title == "Backtest of ema:7 over ema:21"
    (symbol,) = page_data(both, [dataclasses.replace(report, figures=figures())], known=1)["symbols"]
    assert symbol["pair"] == ["ema:7", "ema:21"]
    assert list(symbol["lines"]) == ["ema:7", "ema:21", "sma:3", "sma:8", "sma:20", "sma:4"]  # of pairs to choose, too
    assert symbol["cuts"] == [[29, 100]]


def test_readings_in_tests_are_the_jobs(outputs):
    """The descriptions written by hand here have the fields of those that jobs write."""
    path = outputs.bars(bars_of())
    place = outputs.run("backtest", path)
    assert READING.keys() == open_output(place).description["reading"].keys()
