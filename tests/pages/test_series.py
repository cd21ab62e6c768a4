"""Bars are read as the job read them, and what it wrote is placed at them."""

import numpy as np
import pandas as pd
import pytest

from jobs.backtest import Backtest
from tests.pages.report.outputs import DAY, bars_of, series_of
from windrow import moving_average
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.frames.outputs import full_reading_of
from windrow.pages.series import choose, read_series
from windrow.windows import Options

CLOSE = Reading(values=("close", "open"))


def test_bars_are_read_with_all_columns_of_the_job(outputs):
    """A line whose open is missing was an invalid row for the job; one whose high is missing was not."""
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


@pytest.mark.parametrize(
    ("how", "candles"),
    [
        ({"scale": ("close=1e-2",)}, False), ({"where": ("high=9",)}, False), ({"scale": ("volume=1e-2",)}, True),
        ({"scale": tuple(f"{name}=1e-2" for name in ("open", "high", "low", "close"))}, True),
    ],
)  # fmt: skip
def test_candles_are_of_prices_in_one_scale_that_choose_no_rows(outputs, how, candles):
    """A job that scales only the price that it needs gave an output of which no page could be made."""
    frame = bars_of(("A",), bars=5).assign(high="9", volume=100)
    reading = Reading(values=("close",), **how)
    series = read_series([outputs.bars(frame)], ["A"], reading, "close")["A"]
    factor = 0.01 if "scale" in how and "volume" not in how["scale"][0] else 1
    assert series.has_candles == candles and len(series.times) == 5
    assert np.allclose(series.prices["close"], frame["close"] * factor)


def test_bars_are_read_by_the_jobs_options(outputs):
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
        f"{path}: has no bar of symbol B, which the output has: pages need the bars that the job read; use those"
    )


@pytest.mark.parametrize(("name", "seed"), [("sma:7", "sma"), ("ema:7", "sma"), ("ema:7", "first"), ("max:9d", "sma")])
def test_averages_are_those_of_the_job_to_the_bit(name, seed):
    frame = bars_of(("A",))
    line = series_of(frame).average(name, Options(ema_seed=seed))
    expected = moving_average(frame, name, ema_seed=seed)[name].to_numpy()
    assert line[-len(expected) :].tobytes() == expected.tobytes()
    assert np.isnan(line[: -len(expected)]).all()


def test_averages_start_again_with_the_test_part():
    frame = bars_of(("A",))
    line = series_of(frame).average("ema:5", Options(), restarts=[40])
    for part in (slice(0, 40), slice(40, 60)):
        expected = moving_average(frame.iloc[part], "ema:5")["ema:5"].to_numpy()
        assert line[part][4:].tobytes() == expected.tobytes() and np.isnan(line[part][:4]).all()


def test_the_price_itself_may_be_a_line():
    assert series_of(bars_of(("A",)), "open").average("open", Options())[:2].tolist() == [
        bars_of(("A",))["open"][0],
        bars_of(("A",))["open"][1],
    ]


def test_values_and_orders_stand_at_their_bars():
    series = series_of(bars_of(("A",), bars=5))
    assert series.at(series.times[[3, 1, 3]], "an order").tolist() == [3, 1, 3]
    values = series.values(series.times[2:4], np.array([7.0, 8.0]), "a value")
    assert np.array_equal(values, [np.nan, np.nan, 7, 8, np.nan], equal_nan=True)


@pytest.mark.parametrize("days", [-1, 99])
def test_orders_beside_other_bars_are_refused(days):
    series = series_of(bars_of(("A",)))
    with pytest.raises(InputError) as error:
        series.at(series.times[:1] + days * DAY, "an order")
    date = np.datetime_as_string((series.times[:1] + days * DAY).view("datetime64[ns]"), unit="D")[0]
    assert str(error.value) == (
        f"bars.csv: has no bar of A at {date}, the time of an order: pages need the bars that the job read, all of"
        " them; use those"
    )


def test_symbols_are_chosen_in_order_or_the_first_by_name():
    assert choose(["A", "B", "C"], ["C", "A", "C"], 2, "out") == ["C", "A"]
    assert choose(["A", "B", "C"], [], 2, "out") == ["A", "B"]
    with pytest.raises(InputError) as error:
        choose(["AAPL", "MSFT", "AAP"], ["APPL"], 2, "out")
    assert str(error.value) == "out: has no row of symbol APPL: it has 3 symbols; the nearest are AAPL, AAP, MSFT"
    with pytest.raises(InputError) as error:
        choose([], [], 2, "out")
    assert str(error.value) == (
        "out: no symbol to show: a page shows symbols that every output has rows of; use outputs that have some"
    )
