"""Indicators of several columns, through all that takes an indicator: jobs, DataFrames, read_output, plots, sweeps."""

import json

import numpy as np
import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
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


ALL = [
    "rsi:14", "macd:12,26,9", "bollinger:20,2", "atr:14", "vwap:20", "vwap:10d", "vwap:session", "donchian:20",
    "roc:10",
    "dema:10", "tema:10", "hma:16", "kama:10,2,30", "median:9", "quantile:20,0.9", "zscore:20", "halflife:10d",
]  # fmt: skip


def test_every_indicator_in_one_run_of_the_job_and_on_a_frame(run_job, file, bars, tmp_path):
    args = [arg for indicator in ALL for arg in ("--indicator", indicator)]
    assert run_job(*args, "-q", "-o", tmp_path / "out", file).status == 0
    read = windrow.read_output(tmp_path / "out")
    pd.testing.assert_frame_equal(windrow.moving_average(bars, *ALL), read.rename(columns=str), check_exact=True)
    assert len(read) == len(bars) and read.notna().sum().min() > 250


@pytest.mark.parametrize(
    ("fast", "slow"),
    [("close", "donchian:20,1.upper"), ("macd:12,26,9.macd", "macd:12,26,9.signal"), ("close", "vwap:20"),
     ("hma:9", "kama:10"), ("rsi:5", "rsi:14"), ("halflife:2d", "halflife:9d"), ("atr:5", "atr:20")],
)  # fmt: skip
def test_lines_that_take_other_columns_trade(run_job, file, bars, fast, slow):
    (first, _) = figures(run_job("--fast", fast, "--slow", slow, "-q", file, job=Backtest))
    own = windrow.backtest(bars, fast, slow).iloc[0]
    assert (first["fast"], first["slow"], first["pnl"]) == (fast, slow, own["pnl"])
    assert own["trades_total"] > 0


@pytest.mark.parametrize(
    ("fast", "slow", "line"),
    [("kama:5,10..20/5,30", None, None), ("sma:1", "donchian:10..20/10,1.upper", "donchian:{},1.upper"),
     ("ema:3", "vwap:5..7", "vwap:{}"), ("dema:3", "median:5..7", "median:{}")],
)  # fmt: skip
def test_axes_that_take_other_columns(run_job, file, bars, fast, slow, line):
    if line is None:
        ran = run_job("--fast", fast, "--slow", "sma:50", file, job=Sweep)
        assert ran.status == 2 and "'10..20/5' is no FAST, a whole number" in ran.err
        return
    for row in figures(run_job("--fast", fast, "--slow", slow, "-q", file, job=Sweep))[:2]:
        own = windrow.backtest(bars[bars["symbol"] == "AA"], fast, line.format(row["slow"]))
        assert own["pnl"].item() == row["pnl"]


@pytest.mark.parametrize("job", ["moving-average", "crossover", "backtest", "sweep"])
def test_a_column_that_an_input_lacks_is_told_with_what_needs_it(run_job, bars, tmp_path, job):
    path = tmp_path / "few.csv"
    bars.drop(columns="volume").rename(columns={"low": "bottom"}).to_csv(path, index=False)
    kind, args = {
        "moving-average": (MovingAverage, ["--indicator", "{}"]),
        "crossover": (Crossover, ["--fast", "close", "--slow", "{}"]),
        "backtest": (Backtest, ["--fast", "close", "--slow", "{}"]),
        "sweep": (Sweep, ["--fast", "sma:1", "--slow", "{}"]),
    }[job]
    ran = run_job(*(arg.format("atr:14") for arg in args), path, job=kind)
    assert ran.status == 1
    assert (
        "few.csv: has no column 'low'; its columns are symbol, timestamp, open, high, bottom, close; atr:14 is of high,"
        " low and close; leave it out or, if that column is there by another name, use --rename NAME=low\n"
    ) in ran.err
    assert run_job(*(arg.format("atr:14") for arg in args), "-q", "--rename", "bottom=low", path, job=kind).status == 0
    ran = run_job(*(arg.format("vwap:14") for arg in args), "--rename", "bottom=low", path, job=kind)
    assert "has no column 'volume'" in ran.err and "vwap:14 is of high, low, close and volume; leave it out" in ran.err
    assert run_job(*(arg.format("sma:14") for arg in args), "-q", path, job=kind).status == 0


def test_a_column_that_a_frame_lacks_is_told_with_what_needs_it(bars):
    few = bars.drop(columns="volume")
    says = r"and vwap:5 is of high, low, close and volume; leave it out, or rename the column that has them to `volume`"
    asked = [
        lambda frame: windrow.moving_average(frame, "sma:3", "vwap:5"),
        lambda frame: windrow.crossover(frame, "close", "vwap:5"),
        lambda frame: windrow.backtest(frame, "close", "vwap:5"),
        lambda frame: windrow.sweep(frame, "sma:1", "vwap:5"),
    ]
    for one in asked:
        with pytest.raises(UsageError, match=says):
            one(few)
        assert len(one(few.assign(volume=bars["volume"])))
        assert len(one(few.assign(Volume=bars["volume"])))


def test_slices_are_refused_where_a_kernel_carries_more_than_bars(run_job, file):
    ran = run_job("--slices", "30d", "--indicator", "sma:5", "--indicator", "rsi:14", file)
    assert ran.status == 2
    assert (
        "--slices: rsi:14 carries from bar to bar what a slice cannot know of the bars before it; leave out --slices,"
        " or this indicator"
    ) in ran.err
    assert run_job("--indicator", "sma:5", "--indicator", "rsi:14", "-q", file).status == 0
    assert run_job("--slices", "30d", "--indicator", "sma:5", "-q", file).status == 0


def test_slices_of_windows_of_several_columns_give_the_lines_of_the_whole(run_job, file):
    windows = ["donchian:20", "vwap:5", "vwap:session", "hma:9", "zscore:9", "median:9", "roc:3", "bollinger:5.lower"]
    args = [arg for indicator in windows for arg in ("--indicator", indicator)]
    assert sorted(run_job("--slices", "30d", *args, "-q", file).lines) == sorted(run_job(*args, "-q", file).lines)


def test_what_is_no_price_is_drawn_below_the_prices(run_job, file, tmp_path):
    from windrow.pages import averages

    args = [arg for indicator in ("rsi:14", "vwap:20", "zscore:20") for arg in ("--indicator", indicator)]
    assert run_job(*args, "-q", "-o", tmp_path / "out", file).status == 0
    (symbol, *_), _ = averages._read(tmp_path / "out", [str(file)], [], None)
    assert [[line.name for line in pane.lines] for pane in symbol.panes] == [["vwap:20"], ["rsi:14"], ["zscore:20"]]


@pytest.mark.parametrize(
    ("lines", "over"),
    [(("ema:5", "sma:20"), "[true,true]"), (("macd:12,26,9.macd", "macd:12,26,9.signal"), "[false,false]")],
)
def test_a_report_draws_lines_that_are_no_prices_below_them(run_job, file, tmp_path, lines, over):
    args = ["--fast", lines[0], "--slow", lines[1], "--equity", "-q", "-o", tmp_path / "out", file]
    assert run_job(*args, job=Backtest).status == 0
    page, *_ = windrow.report(tmp_path / "out", bars=file, out=tmp_path / "report.html")
    assert f'"over":{over}' in page.read_text()
