"""Adjusted prices by hand, in every form of file: a split is no loss, and what is left unadjusted is told."""

import bz2
import gzip
import json

import orjson
import pandas as pd
import pytest
import zstandard

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.rejects import Rejects
from jobs.sweep import Sweep

pytestmark = pytest.mark.one_python

#: A split of 4:1 after the third day. As decimals the adjusted opens are 25, 25.5, 26.5, 26.5, 27 and 28.
SPLIT = """symbol,timestamp,open,high,low,close,{adjusted}
AA,2020-01-01,100,104,96,100,25
AA,2020-01-02,102,108,98,104,26
AA,2020-01-03,106,112,100,108,27
AA,2020-01-06,26.5,28,26,27,27
AA,2020-01-07,27,29,26,28,28
AA,2020-01-08,28,30,27,29,29
"""
#: Above its mean of two days since the second close; bought at the third open, worth 29 at the end.
LONG = ["--fast", "close", "--slow", "sma:2", "--side", "long", "--size", "10"]
NOTE = (
    "note: {}: has close and adj_close, and orders are filled at unadjusted prices, where a split is a loss; use"
    " --adjusted to scale them\n"
)


def frame_of(adjusted="adj_close"):
    lines = [line.split(",") for line in SPLIT.format(adjusted=adjusted).splitlines()]
    frame = pd.DataFrame(lines[1:], columns=lines[0])
    prices = dict.fromkeys(lines[0][2:], float)
    return frame.astype({"timestamp": "datetime64[ns]", **prices})


def written(path, adjusted="adj_close"):
    """The bars in the form that a name's suffix stands for."""
    packed = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.ZstdCompressor().compress}
    if path.suffix == ".parquet":
        frame_of(adjusted).assign(timestamp=lambda frame: frame.timestamp.dt.date).to_parquet(path)
    else:
        path.write_bytes(packed.get(path.suffix, bytes)(SPLIT.format(adjusted=adjusted).encode()))
    return path


def figures(ran):
    [line] = ran.lines
    return orjson.loads(line.split(b"\t")[1])


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".csv.bz2", ".csv.zst", ".parquet"])
def test_a_split_is_no_loss_with_adjusted_prices(run_job, tmp_path, suffix, runner):
    path = written(tmp_path / f"AA{suffix}")
    ran = run_job(*LONG, "-r", runner, "--adjusted", path, job=Backtest)
    assert ran.status == 0 and figures(ran)["pnl"] == 10 * (29 - 26.5) and "note:" not in ran.err
    assert figures(ran)["buy_and_hold"] == pytest.approx(10 * (29 - 25.5) / 100_000)  # bought at the second open
    raw = run_job(*LONG, "-r", runner, path, job=Backtest)  # bought at 106, sold at 27, bought again at 28
    assert figures(raw)["pnl"] == 10 * (27 - 106 + 29 - 28) and raw.err.startswith(NOTE.format(path))


@pytest.mark.parametrize("name", ["adjclose", "Adj Close", "Adj. Close", "Adjusted Close", "close_adj"])
def test_adjusted_closes_have_many_names(run_job, tmp_path, name):
    path = written(tmp_path / "AA.csv", name)
    assert figures(run_job(*LONG, "--adjusted", path, job=Backtest))["pnl"] == 25
    for asked in ("adj_close", name):
        ran = run_job("--window", 2, "--column", asked, path, job=MovingAverage)
        assert ran.lines[0] == b"AA\t2020-01-02\t25.5"


def test_standard_input_is_adjusted_too(run_job):
    bars = SPLIT.format(adjusted="adj_close").encode()
    assert figures(run_job(*LONG, "--adjusted", "-", job=Backtest, stdin=bars))["pnl"] == 25


def test_all_jobs_over_prices_take_adjusted_ones(run_job, tmp_path):
    path = written(tmp_path / "AA.csv")
    highs = [104 / 4, 108 / 4, 112 / 4, 28, 29, 30]
    lines = run_job("--indicator", "max:1", "--column", "high", "--adjusted", path, job=MovingAverage).out.splitlines()
    assert [float(line.split(b"\t")[2]) for line in lines] == highs
    assert windrow.moving_average(frame_of(), "max:1", column="high", adjusted=True)["max:1"].tolist() == highs
    raw, ours = (
        run_job("--fast", "close", "--slow", "sma:2", *how, path, job=Crossover) for how in ([], ["--adjusted"])
    )
    assert [line.split(b"\t")[2] for line in raw.out.splitlines()] == [b"death", b"golden"] and ours.out == b""
    assert windrow.crossover(frame_of(), "close", "sma:2", adjusted=True).empty
    swept = run_job("--fast", "sma:1", "--slow", "sma:2", *LONG[4:], "--adjusted", path, job=Sweep)
    assert figures(swept)["pnl"] == 25
    assert run_job("--adjusted", path, job=Rejects).status == 2


def test_frames_give_the_jobs_figures_and_say_the_same(tmp_path):
    lines = {"fast": "close", "slow": "sma:2", "side": "long", "size": 10}
    assert windrow.backtest(frame_of("Adj Close"), adjusted=True, **lines).pnl.tolist() == [25]
    swept = {**lines, "fast": "sma:1"}
    assert windrow.sweep(frame_of(), adjusted=True, **swept).pnl.tolist() == [25]
    for run in (lambda: windrow.backtest(frame_of(), **lines), lambda: windrow.sweep(frame_of(), **swept)):
        with pytest.warns(
            UserWarning, match="^the frame: has close and adj_close, and orders are filled at unadjusted"
        ):
            run()


def test_a_mean_of_adjusted_opens_is_that_of_the_decimals(run_job, tmp_path):
    """10.3 * 50.5 / 202 is 2.575 on paper, and two means of such opens are equal there: no cross."""
    path = tmp_path / "AA.csv"
    rows = [f"AA,2020-01-0{day},10.3,202,50.5" for day in range(1, 6)] + ["AA,2020-01-06,2.575,3,3"]
    path.write_text("symbol,timestamp,open,close,adj_close\n" + "\n".join(rows) + "\n")
    how = ["--column", "open", "--adjusted", path]
    assert {line.split(b"\t")[2] for line in run_job("--window", 3, *how).out.splitlines()} == {b"2.575"}
    ran = run_job("--fast", "sma:2", "--slow", "sma:3", *how, job=Crossover)
    assert (ran.status, ran.out) == (0, b"")


def test_a_row_without_a_ratio_is_invalid_and_one_of_zeros_is_not(run_job, tmp_path):
    path = tmp_path / "AA.csv"
    path.write_text(
        "symbol,timestamp,close,adj_close\nAA,2020-01-01,8,2\nAA,2020-01-02,0,0\nAA,2020-01-03,0,3\nAA,2020-01-04,4,-1\n"
    )
    ran = run_job("--indicator", "max:1", "--adjusted", "--max-bad", 0.5, path)
    assert [line.split(b"\t")[2] for line in ran.out.splitlines()] == [b"2.0", b"0.0"]
    assert "rejected            2\n    adjusted          2\n" in ran.err
    strict = run_job("--adjusted", path)
    assert "2 adjusted (adj_close / close is not above 0, so that --adjusted has no ratio" in strict.err


def test_the_output_says_that_prices_were_adjusted_and_the_report_reads_them_so(run_job, tmp_path):
    path, out = written(tmp_path / "AA.csv"), tmp_path / "out"
    how = [*LONG, "--adjusted", "--orders", "--equity", "-o", out]
    assert run_job(*how, path, job=Backtest).status == 0
    assert json.loads((out / "_windrow.json").read_text())["reading"]["adjusted"] is True
    page = tmp_path / "page.html"
    windrow.report([out], path, out=str(page))
    assert "adjusted prices" in page.read_text()


@pytest.mark.parametrize(
    ("options", "header", "message"),
    [
        (
            [], "symbol,timestamp,open,close",
            "has no column 'adj_close'; its columns are symbol, timestamp, open, close; --adjusted scales prices by"
            " adj_close / close; leave it out",
        ),
        (
            ["--column", "volume"], "symbol,timestamp,close,adj_close,volume",
            "--adjusted --column volume: only open, high, low, close are scaled by adj_close / close; choose one of"
            " them, or leave --adjusted out",
        ),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_adjust_by_it_is_refused(run_job, tmp_path, options, header, message):
    path = tmp_path / "AA.csv"
    path.write_text(f"{header}\nAA,2020-01-01,1,2,3\n")
    ran = run_job("--adjusted", *options, path)
    assert ran.status in (1, 2) and ran.err.endswith(f"{message}\n")


def test_a_note_counts_further_inputs_and_is_left_out_by_quiet(run_job, tmp_path):
    paths = [written(tmp_path / name) for name in ("a.csv", "b.csv")]
    ran = run_job(*LONG, *paths, job=Backtest)
    assert ran.err.startswith(f"note: {paths[0]} and 1 more: have close and adj_close, and orders are filled")
    assert run_job("-q", *LONG, *paths, job=Backtest).err == ""
