"""What a page is told: bars as the job read them, averages of the same kernels, sweeps as columns; not too much."""

import base64
import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.backtest import Backtest
from tests.pages.report.outputs import READING, bars_of, figures
from windrow import moving_average
from windrow.bars.layout import Reading
from windrow.errors import InputError, UsageError
from windrow.frames.outputs import full_reading_of
from windrow.pages.packed import packed, packed_times
from windrow.pages.report import contents as telling
from windrow.pages.report.contents import Sources, Story, contents, drawdown, drawn_averages
from windrow.pages.report.maps import swept
from windrow.pages.report.results import Equity, Orders, open_output, read_figures
from windrow.pages.report.series import Series, read_series

DAY = 86_400 * 10**9
CLOSE = Reading(values=("close", "open"))


def unpacked(column):
    """What the page's script makes of a packed column."""
    kinds = {"i1": "<i1", "i2": "<i2", "i4": "<i4", "f8": "<f8"}
    raw = np.frombuffer(base64.b64decode(column["base64"]), kinds[column["kind"]])
    if column["kind"] == "f8":
        return raw
    return np.where(raw == np.iinfo(raw.dtype).min, np.nan, raw / 10.0 ** column["digits"])


numbers = st.one_of(
    st.floats(allow_infinity=False),
    st.just(np.nan),
    st.integers(-(10**12), 10**12).map(float),
    st.decimals(-(10**6), 10**6, places=3).map(float),
)


@given(st.lists(numbers, max_size=20))
def test_packed_columns_are_exact(values):
    assert np.array_equal(unpacked(packed(np.array(values, float))), np.array(values, float) + 0.0, equal_nan=True)


@pytest.mark.parametrize(
    ("values", "kind", "digits"),
    [
        ([], "i1", 0), ([127, -127], "i1", 0), ([128], "i2", 0), ([36.6, 327.67], "i2", 2), ([327.68], "i4", 2),
        ([1 / 3], "f8", 0), ([1.7e308, 0.1], "f8", 0), ([1.7e308], "f8", 0),
        ([21474836.48], "f8", 0), ([np.nan, 0.001], "i1", 3), ([np.nan], "i1", 0),
    ],
)  # fmt: skip
def test_columns_take_the_narrowest_integers(values, kind, digits):
    column = packed(np.array(values, float))
    assert (column["kind"], column["digits"]) == (kind, digits)


@given(st.lists(st.integers(1, 3000), max_size=20), st.integers(-(2**60), 2**60), st.sampled_from([1, 1000, DAY]))
def test_times_are_steps_from_the_first(steps, first, unit):
    times = first + np.cumsum([0, *steps]) * unit
    told = packed_times(times)
    again = told["first"] + told["unit"] * np.cumsum(unpacked(told["steps"]))
    assert np.allclose(again, times / 1e6, rtol=1e-12)


# Series.


def test_bars_are_read_with_all_columns_of_the_job(outputs):
    """A line whose open is missing was no bar for the job; one whose high is missing was."""
    frame = bars_of(("A",), bars=5).astype({"open": object, "high": object})
    frame.loc[1, "open"] = "n/a"
    frame.loc[3, "high"] = "n/a"
    path = outputs.bars(pd.concat([frame, frame]))
    series = read_series([path], ["A"], CLOSE, "close")["A"]
    assert series.times.tolist() == [day * DAY for day in (19_723, 19_725, 19_726, 19_727)]
    assert series.prices["close"].tolist() == frame["close"].drop(1).tolist()
    assert np.isnan(series.prices["high"]).tolist() == [False, False, True, False]
    assert (series.has_candles, series.dated) == (True, True)


def test_without_highs_a_line_is_drawn_of_the_averages_price(outputs):
    path = outputs.bars(bars_of(("A",)).drop(columns=["high"]))
    series = read_series([path], ["A"], CLOSE, "open")["A"]
    assert not series.has_candles and series.close is series.prices["open"]


def test_bars_are_read_by_the_jobs_words(outputs):
    frame = pd.DataFrame({"date": ["2024-01-02 09:30", "2024-01-02 09:31"], "Adj Close": [1.5, 2.5]})
    reading = Reading(values=("adj_close",), symbol="AA", timezone="America/New_York")
    series = read_series([outputs.bars(frame)], ["AA"], reading, "adj_close")["AA"]
    assert pd.to_datetime(series.times).strftime("%H:%M").tolist() == ["14:30", "14:31"]
    assert (series.dated, series.prices["adj_close"].tolist()) == (False, [1.5, 2.5])


@pytest.mark.parametrize(("rule", "kept"), [("smallest", 1), ("largest", 2)])
def test_of_different_bars_at_one_time_the_jobs_is_drawn(outputs, tmp_path, rule, kept):
    frame = bars_of(("A",))
    low, high = frame.iloc[[5]].copy(), frame.iloc[[5]].copy()
    low["close"] -= 1
    low["open"] += 1  # of columns compared left to right the first that differs counts
    high["close"] += 1
    high["high"] += 2
    twice = pd.concat([frame.drop(5), high, frame.iloc[[5]], low])
    path, out = outputs.bars(twice), tmp_path / "out"
    assert Backtest.main(["-q", "--on-conflict", rule, "-o", str(out), path]) == 0
    series = read_series([path], ["A"], full_reading_of(out), "close")["A"]
    expected = {1: low, 2: high}[kept].iloc[0]
    assert len(series.times) == len(frame)
    assert {name: series.prices[name][5] for name in ("open", "high", "low", "close")} == dict(
        expected[["open", "high", "low", "close"]]
    )


def test_bars_without_the_symbol_are_refused(outputs):
    path = outputs.bars(bars_of(("A",)))
    with pytest.raises(InputError) as error:
        read_series([path], ["A", "B"], CLOSE, "close")
    assert str(error.value) == (
        f"{path}: has no bar of symbol B, of which the output tells; give the bars that the job read"
    )


def series_of(frame, price="close"):
    prices = {name: frame[name].to_numpy(float) for name in ("open", "high", "low", "close")}
    times = frame["timestamp"].astype("datetime64[ns]").astype("int64").to_numpy()
    return Series(frame["symbol"].iloc[0], times, prices, price, True, "bars.csv")


@pytest.mark.parametrize(("name", "seed"), [("sma:7", "sma"), ("ema:7", "sma"), ("ema:7", "first"), ("max:9d", "sma")])
def test_averages_are_those_of_the_job_to_the_bit(name, seed):
    frame = bars_of(("A",))
    line = series_of(frame).average(name, telling.Options(ema_seed=seed))
    expected = moving_average(frame, name, ema_seed=seed)[name].to_numpy()
    assert line[-len(expected) :].tobytes() == expected.tobytes()
    assert np.isnan(line[: -len(expected)]).all()


def test_averages_begin_anew_with_the_test_part():
    frame = bars_of(("A",))
    line = series_of(frame).average("ema:5", telling.Options(), restarts=[40])
    for part in (slice(0, 40), slice(40, 60)):
        expected = moving_average(frame.iloc[part], "ema:5")["ema:5"].to_numpy()
        assert line[part][4:].tobytes() == expected.tobytes() and np.isnan(line[part][:4]).all()


def test_the_price_itself_may_be_a_line():
    assert series_of(bars_of(("A",)), "open").average("open", telling.Options())[:2].tolist() == [
        bars_of(("A",))["open"][0],
        bars_of(("A",))["open"][1],
    ]


def test_values_and_orders_stand_at_their_bars():
    series = series_of(bars_of(("A",), bars=5))
    assert series.at(series.times[[3, 1, 3]], "an order").tolist() == [3, 1, 3]
    values = series.values(Equity(series.times[2:4], np.array([7.0, 8.0])))
    assert np.array_equal(values, [np.nan, np.nan, 7, 8, np.nan], equal_nan=True)


@pytest.mark.parametrize("days", [-1, 99])
def test_orders_beside_other_bars_are_refused(days):
    series = series_of(bars_of(("A",)))
    with pytest.raises(InputError) as error:
        series.at(series.times[:1] + days * DAY, "an order")
    date = np.datetime_as_string((series.times[:1] + days * DAY).view("datetime64[ns]"), unit="D")[0]
    assert str(error.value) == (
        f"bars.csv: has no bar of A at {date}, the time of an order; give the bars that the job read, all of them"
    )


def test_drawdown_is_from_the_highest_value_so_far():
    values = np.array([np.nan, 80, 100, 120, 90, 120, -60])
    assert np.array_equal(drawdown(values), [np.nan, 0, 0, 0, 25, 0, 150], equal_nan=True)


@pytest.mark.parametrize("first", [-5.0, 0.0])
def test_a_value_that_begins_at_0_or_below_has_no_drawdown(first):
    assert np.isnan(drawdown(np.array([np.nan, first, 100, 50]))).all()
    assert drawdown(np.empty(0)).tolist() == []


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


def test_walks_pair_their_parts_in_order():
    parts = ["test 1", "train 1", "test 2", "train 2"]
    sweep = swept({"fast": 1, "slow": 2, "part": part, "pnl": 1.0} for part in parts)
    assert sweep.walks() == [("train 1", "test 1"), ("train 2", "test 2")]
    assert swept([{"fast": 1, "slow": 2, "part": "all", "pnl": 1.0}]).walks() == [("all", None)]


def test_lines_of_the_best_pair_are_parts_too():
    line = {"fast": 7, "slow": 21, "walk": 2, "objective": "pnl", "pairs": 66, "deflated_sharpe": 0.25}
    sweep = swept([{**line, "train": {"pnl": 83.0}, "test": {"pnl": 293.0}}])
    assert sweep.walks() == [("train 2", "test 2")]
    assert sweep.parts["test 2"].fields["pnl"].tolist() == [293.0]
    assert sweep.best == [line]


def test_what_top_left_out_has_no_figures():
    sweep = swept([dict(LINES[0], part="train 1"), dict(LINES[1], part="train 2")])
    assert np.array_equal(sweep.parts["train 1"].fields["pnl"], [np.nan, 5], equal_nan=True)


# The page's contents.


def sources_of(outputs, *jobs, **told):
    return Sources.of([open_output(outputs.output(job, [("A", {"fast": 1, "slow": 2})], **told)) for job in jobs])


def test_two_outputs_of_one_job_are_refused(outputs):
    one, two = (open_output(outputs.output("sweep", [], name=name)) for name in ("one", "two"))
    with pytest.raises(UsageError) as error:
        Sources.of([one, two])
    assert str(error.value) == (
        f"{one.place} {two.place}: both are of a sweep; a page tells of one backtest, one sweep, or one of each; make"
        " two pages"
    )


def test_rules_are_told_in_words(outputs):
    rules = {
        "size": 100.0, "cash": 1234567.5, "commission": 0.001, "commission_per_order": 2.5, "slippage": 0.0,
        "fill": "close", "side": "long", "entry": "cross", "sizing": "all-in",
    }  # fmt: skip
    sources = sources_of(outputs, "backtest", rules=rules)
    assert sources.title == "Backtest of ema:7 over ema:21"
    assert sources.rules == [
        "cash 1,234,567.5", "commission 0.001 of the money", "2.5 an order", "filled at the close", "long only",
        "entry by cross", "all in",
    ]  # fmt: skip


def told_of(outputs, frame, **told):
    series = series_of(frame)
    sources = sources_of(outputs, "backtest", **told)
    orders = Orders(series.times[[3, 5]], *map(np.array, ([0, 1], [0, 0], [1.0, 2.0], [5.5, np.nan])))
    equity = Equity(series.times, np.arange(len(series.times), 0, -1.0))
    return contents(sources, [Story(series, figures(), orders, equity)], known=1)


def test_a_symbol_is_told_of_bar_by_bar(outputs):
    frame = bars_of(("A",), bars=30)
    told = told_of(outputs, frame)
    (symbol,) = told["symbols"]
    assert (symbol["name"], symbol["bars"], symbol["group"], symbol["digits"]) == ("A", 30, 1, 2)
    for name in ("open", "high", "low", "close"):
        assert unpacked(symbol[name]).tolist() == frame[name].tolist()
    assert unpacked(symbol["orders"]["at"]).tolist() == [3, 5]
    assert symbol["pair"] == ["ema:7", "ema:21"] == list(symbol["lines"])
    ema = moving_average(frame, "ema:7")["ema:7"].to_numpy()
    assert np.abs(unpacked(symbol["lines"]["ema:7"])[6:] - ema).max() <= 0.5e-4
    assert unpacked(symbol["drawdown"])[:2].tolist() == [0, -round(100 / 30, 4)]
    assert (told["notes"], told["walks"], told["dated"]) == ([], [], True)


def test_more_bars_than_a_page_holds_are_joined(outputs, monkeypatch):
    monkeypatch.setattr(telling, "MOST_CANDLES", 12)
    frame = bars_of(("A",), bars=30)
    (symbol,) = told_of(outputs, frame)["symbols"]
    assert (symbol["bars"], symbol["group"]) == (30, 3)
    groups = frame.groupby(np.arange(30) // 3)
    for name, joined in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
        assert unpacked(symbol[name]).tolist() == groups[name].agg(joined).tolist()
    assert unpacked(symbol["orders"]["at"]).tolist() == [1, 1]
    assert unpacked(symbol["equity"]).tolist() == list(range(28, 0, -3))
    assert len(unpacked(symbol["lines"]["ema:7"])) == len(unpacked(symbol["times"]["steps"])) == 10


def test_symbols_are_left_out_of_a_large_page_which_says_so(outputs):
    stories = [Story(series_of(bars_of((name,))), figures()) for name in "ABC"]
    sources = sources_of(outputs, "backtest")
    whole = contents(sources, stories, known=3)
    assert [symbol["name"] for symbol in whole["symbols"]] == ["A", "B", "C"] and whole["notes"] == []
    some = contents(sources, stories, known=500, most_bytes=2 * telling._size(whole["symbols"]) // 3 + 5)
    assert [symbol["name"] for symbol in some["symbols"]] == ["A", "B"]
    assert some["notes"] == ["2 of 500 symbols are on this page; windrow report --symbol chooses others."]
    assert len(contents(sources, stories, known=3, most_bytes=1)["symbols"]) == 1


GRID = {"fast": "sma:3..4", "slow": "sma:8,20", "split": "0.29", "split_at": None, "walk_forward": None}


def sweep_of(outputs, bars=100, **told):
    lines = [
        {"fast": fast, "slow": slow, "part": part, "pnl": float(fast * slow), "return": -float(slow)}
        for part in ("train", "test")
        for fast in (3, 4)
        for slow in (8, 20)
    ]
    place = outputs.output("sweep", [("A", line) for line in lines], **{**GRID, **told})
    output = open_output(place)
    return Sources.of([output]), Story(series_of(bars_of(("A",), bars)), swept=swept(read_figures(output, ["A"])["A"]))


def test_a_sweep_is_told_of_with_all_its_averages(outputs):
    sources, story = sweep_of(outputs)
    told = contents(sources, [story], known=1)
    (symbol,) = told["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:3", "sma:4", "sma:8"]
    assert symbol["pair"] == ["sma:4", "sma:20"]
    assert symbol["cuts"] == [[29, 100]]  # 0.29 of 100 is 29, not 28
    assert told["walks"] == [{"train": "train", "test": "test"}]
    assert np.isnan(unpacked(symbol["lines"]["sma:3"])).nonzero()[0].tolist() == [0, 1, 29, 30]
    assert unpacked(symbol["sweep"]["parts"]["test"]["fields"]["pnl"]).tolist() == [24, 60, 32, 80]
    assert symbol["sweep"]["kinds"] == ["sma", "sma"]


def test_of_many_averages_those_of_the_best_pairs_are_kept(outputs, monkeypatch):
    monkeypatch.setattr(telling, "MOST_AVERAGED", 399)
    sources, story = sweep_of(outputs)
    (symbol,) = contents(sources, [story], known=1)["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:3", "sma:4", "sma:8"]  # 4/20 by pnl, 3/8 by return
    monkeypatch.setattr(telling, "OBJECTIVES", ("pnl",))
    (symbol,) = contents(sources, [story], known=1)["symbols"]
    assert sorted(symbol["lines"]) == ["sma:20", "sma:4"]


@pytest.mark.parametrize(
    ("told", "cuts", "restarts"),
    [
        ({"split": None}, [], []),
        ({"warm": True}, [[29, 100]], []),
        ({"split": None, "split_at": "2024-01-11"}, [[10, 100]], [10]),
        ({"split": None, "walk_forward": 3}, [[25, 50], [50, 75], [75, 100]], []),
    ],
)
def test_parts_are_cut_as_the_sweep_cut_them(outputs, told, cuts, restarts):
    sources, story = sweep_of(outputs, **told)
    (symbol,) = contents(sources, [story], known=1)["symbols"]
    assert symbol["cuts"] == cuts
    line = drawn_averages(sources, story)["sma:4"]
    empty = [at for begin in (0, *restarts) for at in range(begin, begin + 3)]
    assert np.isnan(line).nonzero()[0].tolist() == empty


def test_a_backtests_averages_are_drawn_beside_a_sweep(outputs):
    sources, story = sweep_of(outputs)
    both = Sources.of([*sources.outputs, open_output(outputs.output("backtest", []))])
    assert both.title == "Backtest of ema:7 over ema:21"
    (symbol,) = contents(both, [dataclasses.replace(story, figures=figures())], known=1)["symbols"]
    assert (symbol["pair"], list(symbol["lines"])) == (["ema:7", "ema:21"], ["ema:7", "ema:21"])
    assert symbol["cuts"] == [[29, 100]]


def test_readings_in_tests_are_the_jobs(outputs):
    """The descriptions written by hand here have the fields of those that jobs write."""
    path = outputs.bars(bars_of())
    place = outputs.run("backtest", path)
    assert READING.keys() == open_output(place).told["reading"].keys()
