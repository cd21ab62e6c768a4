"""Indicators of several columns, through all that takes an indicator: jobs, DataFrames, read_output, plots, sweeps."""

import json

import numpy as np
import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.sweep import Sweep
from windrow.errors import UsageError

BANDS = ["bollinger:20.upper", "bollinger:20.middle", "bollinger:20.lower"]


@pytest.fixture(scope="module")
def bars():
    rng = np.random.default_rng(4)
    frames = []
    for symbol in ("AA", "B"):
        close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.02, 160))), 2)
        opens = np.round(close * (1 + rng.normal(0, 0.01, 160)), 2)
        edges = {"high": np.maximum(opens, close) + 0.25, "low": np.minimum(opens, close) - 0.25}
        days = {"symbol": symbol, "timestamp": pd.date_range("2021-01-01", periods=160)}
        volume = {"volume": np.rint(rng.uniform(1e3, 1e6, 160))}
        frames.append(pd.DataFrame({**days, "open": opens, **edges, "close": close, **volume}))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture
def file(bars, tmp_path):
    path = tmp_path / "bars.csv"
    bars.to_csv(path, index=False)
    return path


def figures(ran):
    assert ran.status == 0, ran.err
    return [json.loads(line.partition(b"\t")[2]) for line in ran.lines]


def test_all_columns_of_an_indicator_and_one_of_them(run_job, file, bars, tmp_path):
    asked = ["bollinger:20", "sma:20", "bollinger:20,1.5.lower"]
    args = [arg for indicator in asked for arg in ("--indicator", indicator)]
    assert run_job(*args, "-q", "-o", tmp_path / "out", file).status == 0
    read = windrow.read_output(tmp_path / "out")
    assert read.columns.tolist()[2:] == [*BANDS, "sma:20", "bollinger:20,1.5.lower"]
    assert len(read) == 2 * (160 - 19)
    pd.testing.assert_frame_equal(windrow.moving_average(bars, *asked), read, check_exact=True)
    assert (read["bollinger:20.middle"] == read["sma:20"]).all()


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_slices_give_the_lines_of_the_whole(run_job, file, runner):
    asked = ["--indicator", "bollinger:20", "--indicator", "sma:5d", "-r", runner, "-q", file]
    assert sorted(run_job("--slices", "30d", *asked).lines) == sorted(run_job(*asked).lines)


def test_bands_are_drawn_over_the_prices(run_job, file, tmp_path):
    assert run_job("--indicator", "bollinger:20", "-q", "-o", tmp_path / "out", file).status == 0
    places = windrow.plot(tmp_path / "out", file, out=tmp_path / "plot.html")
    text = places[0].read_text()
    assert all(name in text for name in BANDS)


def test_lines_of_crosses(run_job, file, bars):
    ran = run_job("--fast", "close", "--slow", "bollinger:20.upper", "-q", file, job=Crossover)
    crosses = windrow.crossover(bars, "close", "bollinger:20.upper")
    assert len(crosses) == len(ran.lines) > 5
    one = crosses[crosses["signal"] == "golden"].iloc[0]
    bands = windrow.moving_average(bars, "bollinger:20").set_index(["symbol", "timestamp"])
    assert one["slow"] == bands.loc[(one["symbol"], one["timestamp"]), "bollinger:20.upper"] < one["price"]


def test_a_sweeps_pairs_are_those_backtests(run_job, file, bars):
    axes = ["--fast", "sma:1,5", "--slow", "bollinger:10..20/10,1.upper"]
    swept = figures(run_job(*axes, "-q", file, job=Sweep))
    assert len(swept) == 8
    for symbol, rows in (("AA", swept[:4]), ("B", swept[4:])):
        own = bars[bars["symbol"] == symbol]
        for row in rows:
            one = windrow.backtest(own, f"sma:{row['fast']}", f"bollinger:{row['slow']},1.upper")
            assert (one["pnl"].item(), one["trades_total"].item()) == (row["pnl"], row["trades_total"])
    ran = figures(run_job("--fast", "sma:5", "--slow", "bollinger:20,1.upper", "-q", file, job=Backtest))
    assert [(row["slow"], row["pnl"]) for row in ran] == [("bollinger:20,1.upper", row["pnl"]) for row in swept[3::4]]


def test_a_line_is_one_column(run_job, file):
    says = (
        "bollinger:20: has the columns bollinger:20.upper, bollinger:20.middle, bollinger:20.lower, and a line is one"
        " of them; use e.g. bollinger:20.upper"
    )
    for job in (Crossover, Backtest, Sweep):
        ran = run_job("--fast", "sma:5", "--slow", "bollinger:20", file, job=job)
        assert (ran.status, says in ran.err) == (2, True)
        assert run_job("--fast", "sma:5", "--slow", "bollinger:20.upper", "-q", file, job=job).status == 0
    with pytest.raises(UsageError, match="a line is one of them"):
        windrow.crossover(pd.DataFrame(), "bollinger:20", "sma:3")
