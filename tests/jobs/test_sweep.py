"""The sweep from files to lines: pair by pair the backtest job's, the same bytes however it runs, and its refusals."""

import csv
import json
import random
from pathlib import Path

import pandas as pd
import pytest

import windrow
from jobs.backtest import Backtest
from jobs.sweep import Sweep
from windrow.sweeps import runs, splits

pytestmark = pytest.mark.one_python
DATA = Path(__file__).parents[2] / "data"
BARS = DATA / "bars.csv"
SMALL = ["--fast", "ema:3,5", "--slow", "ema:5..9/2"]
PAIRS = [(3, 5), (3, 7), (3, 9), (5, 7), (5, 9)]
TRADING = {
    "default": ["--size", "10"],
    "cross": ["--entry", "cross", "--fill", "close", "--side", "long", "--size", "all-in", "--commission", "0.001"],
    "adjusted": ["--column", "open", "--slippage", "0.01", "--cash", "3000", "--ema-seed", "first"],
}


def told(line):
    """The symbol, pair and part of a line, and the text of its figures."""
    symbol, text = line.decode().split("\t")
    told = json.loads(text)
    return (symbol, told["fast"], told["slow"], told.get("part")), text[text.index('"pnl"') :]


def write_rows(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def backtests(run_job, path, options, part):
    """What the backtest job says of each pair, on a file of bars: {(symbol, fast, slow, part): figures}."""
    found = {}
    for fast, slow in PAIRS:
        ran = run_job("-q", "--fast", f"ema:{fast}", "--slow", f"ema:{slow}", *options, path, job=Backtest)
        assert ran.status == 0, ran.err
        for line in ran.lines:
            symbol, figures = line.decode().split("\t")
            found[symbol, fast, slow, part] = figures[figures.index('"pnl"') :]
    return found


@pytest.mark.parametrize("options", TRADING.values(), ids=TRADING)
def test_each_pair_and_part_is_the_backtest_jobs_on_a_file_of_that_part(run_job, tmp_path, options):
    by_symbol = {}
    for row in rows_of(BARS):
        by_symbol.setdefault(row["symbol"], []).append(row)
    expected = {}
    for part, begin, end in (("train", 0, 175), ("test", 175, 250)):
        rows = [row for rows in by_symbol.values() for row in rows[begin:end]]
        expected |= backtests(run_job, write_rows(tmp_path / f"{part}.csv", rows), options, part)
    ran = run_job("-q", *SMALL, "--split", "0.7", "--cold", *options, BARS, job=Sweep)
    assert ran.status == 0, ran.err
    found = [told(line) for line in ran.out.splitlines()]
    assert dict(found) == expected and len(found) == 5 * 2 * len(PAIRS)
    of_one = [key[1:] for key, _ in found if key[0] == "AAB"]
    assert of_one == [(*pair, part) for part in ("train", "test") for pair in PAIRS]


def test_without_a_split_it_is_the_backtest_job_on_all_bars(run_job):
    expected = backtests(run_job, BARS, [], "all")
    assert dict(map(told, run_job("-q", *SMALL, BARS, job=Sweep).lines)) == expected


def test_a_warm_test_part_trades_from_its_first_bar(run_job):
    lines = {}
    for cold in ((), ("--cold",)):
        ran = run_job("-q", "--fast", "sma:10", "--slow", "sma:60", "--split", "0.7", *cold, BARS, job=Sweep)
        lines[cold] = dict(map(told, ran.lines))
    for key, text in lines[()].items():
        warm, cold = (json.loads("{" + figures) for figures in (text, lines["--cold",][key]))
        if key[3] == "train":
            assert warm == cold
        else:  # flat for the first 59 bars until both are full, and at the first bar of all
            assert cold["exposure"] <= 15 / 75 and warm["exposure"] == pytest.approx(74 / 75)


def test_the_acceptance_figures_of_intcs_year(run_job, shared_data):
    options = ["-q", "--fast", "ema:5..10", "--slow", "ema:21..31", "--split", "0.7", "--size", "100", "--cold"]
    options.append("--backtrader")
    options.append(shared_data / "INTC_year.csv")
    ran = run_job(*options, "--best", job=Sweep)
    best, overall = (json.loads(line.split(b"\t")[1]) for line in sorted(ran.lines, reverse=True))
    assert [line.split(b"\t")[0] for line in sorted(ran.lines, reverse=True)] == [b"INTC", b""]
    assert (best["fast"], best["slow"], best["trials"], best["objective"]) == (7, 21, 66, "pnl")
    assert best["train"]["pnl"] == 83 and best["test"]["pnl"] == 293 and 0 < best["deflated_sharpe"] < 0.5
    assert best["train"]["bt_sharpe_annual"] == pytest.approx(-4.410461169, abs=5e-10)
    assert best["train"]["bt_sqn"] == pytest.approx(0.186805286, abs=5e-10) and best["test"]["bt_max_drawdown"] == 177
    assert overall == {
        "fast": 7, "slow": 21, "objective": "pnl", "symbols": 1, "trials": 66,
        "deflated_sharpe": pytest.approx(best["deflated_sharpe"], rel=1e-9),
        "train": {"symbols": 1, "pnl": 83, "ruined": 0}, "test": {"symbols": 1, "pnl": 293, "ruined": 0},
    }  # fmt: skip
    top = [json.loads(line.split(b"\t")[1]) for line in run_job(*options, "--top", 5, job=Sweep).out.splitlines()]
    assert [(one["fast"], one["slow"], one["pnl"]) for one in top[:5]] == [
        (7, 21, 83), (7, 22, 83), (5, 24, 50), (6, 23, 45), (8, 21, 43),
    ]  # fmt: skip
    assert [(one["part"], one["fast"], one["slow"]) for one in top[5:7]] == [("test", 7, 21), ("test", 7, 22)]


RUNS = {
    "a bar a block": ["--block-bars", "1"],
    "reducers": ["-D", "mapreduce.job.reduces=3"],
    "local": ["-r", "local", "--slot", "20d"],
    "shards": ["--shards", "2"],
    "more shards than pairs": ["-r", "local", "--shards", "7", "-D", "mapreduce.job.reduces=3"],
}
OUTPUTS = {
    "lines": ["--split", "0.29"],
    "top": ["--walk-forward", "3", "--top", "2", "--objective", "sqn"],
    "best": ["--split-at", "2023-09-01", "--best", "--cold", "--objective", "return"],
}


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """The sample bars in two files, in any order, some of them twice."""
    folder = tmp_path_factory.mktemp("shuffled")
    rows = rows_of(BARS)
    rows += rows[:7]
    random.Random(1).shuffle(rows)
    return [write_rows(folder / "one.csv", rows[:500]), write_rows(folder / "two.csv", rows[500:])]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("how", RUNS)
def test_the_same_bytes_however_it_runs(run_job, monkeypatch, shuffled, how, output):
    plain = run_job(*SMALL, *OUTPUTS[output], BARS, job=Sweep)
    monkeypatch.setattr(splits, "_IN_MEMORY", 40)
    monkeypatch.setattr(runs, "_BARS", 33)
    ran = run_job(*SMALL, *OUTPUTS[output], *RUNS[how], *shuffled, job=Sweep)
    assert (ran.status, ran.lines) == (0, plain.lines), ran.err
    assert [line for line in ran.out.splitlines() if line.startswith(b"AAC")] == [
        line for line in plain.out.splitlines() if line.startswith(b"AAC")
    ]
    assert f"1,257 bars of 5 symbols -> {len(plain.lines)} lines; 7 repeats dropped\n" in ran.err
    assert "\n  repeats             7\n" in ran.err


@pytest.mark.full
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_bytes_on_spark(run_module, output):
    options = [*SMALL, *OUTPUTS[output], "--shards", 2, BARS]
    plain, spark = (run_module("jobs.sweep", "-q", "-r", runner, *options) for runner in ("inline", "spark"))
    assert (spark.status, spark.lines) == (0, plain.lines), spark.err


def test_every_shard_finds_a_conflict_and_it_counts_once(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,open,close\nA,2020-01-01,1,1\nA,2020-01-02,1,1\nA,2020-01-02,1,2\n")
    options = ["--fast", "sma:1,2", "--slow", "sma:3..5", "--shards", 3, "-r", "local", bars]
    ran = run_job(*options, job=Sweep)
    assert ran.status == 1 and "error: 1 conflict, different bars at one symbol and time: A at 2020-01-02" in ran.err
    ran = run_job(*options, "--on-conflict", "largest", job=Sweep)
    assert "3 bars of 1 symbol -> 6 lines; 1 conflict settled" in ran.err


def test_symbols_too_short_for_a_part_or_an_average(run_job, tmp_path):
    bars = tmp_path / "bars.csv"
    rows = [("A", 1), ("B", 2), ("C", 30)]
    lines = [f"{name},2020-01-{day:02},{day},{day}" for name, days in rows for day in range(1, days + 1)]
    bars.write_text("\n".join(["symbol,timestamp,open,close", *lines]) + "\n")
    ran = run_job("--fast", "sma:2", "--slow", "sma:9", "--split", "0.3", bars, job=Sweep)
    assert ran.status == 0
    figures = {key: json.loads("{" + text) for key, text in map(told, ran.lines)}
    assert len(figures) == 6
    assert figures["A", 2, 9, "train"]["undefined"]["exposure"] == "no bars"
    assert figures["A", 2, 9, "test"]["exposure"] == 0 and figures["B", 2, 9, "test"]["trades_total"] == 0
    assert figures["C", 2, 9, "test"]["trades_total"] == 1


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_no_pair_is_the_best_where_none_has_the_objective(run_job, tmp_path, runner):
    """Where nothing trades, no Sharpe ratio is defined: naming a pair would name the first of the grid."""
    bars = write_rows(tmp_path / "bars.csv", [row for row in rows_of(BARS) if row["symbol"] == "AAA"][:4])
    options = ["-q", "-r", runner, *SMALL, "--best", "--objective"]
    ran = run_job(*options, "sharpe", "-o", tmp_path / "out", bars, job=Sweep)
    assert (ran.status, ran.out) == (1, b"") and not (tmp_path / "out").exists()
    assert ran.err == (
        "error: --best --objective sharpe: no pair has it on any symbol: all days returned the same; rank by"
        " another --objective, e.g. pnl, or use more bars\n"
    )
    assert run_job(*options, "pnl", bars, job=Sweep).status == 0


def test_a_symbol_on_which_no_pair_has_the_objective_says_so_in_its_line(run_job, tmp_path):
    """Of two symbols, one has too few bars for any average."""
    few, many = ([row for row in rows_of(BARS) if row["symbol"] == symbol] for symbol in ("AAA", "AAB"))
    bars = write_rows(tmp_path / "bars.csv", few[:4] + many)
    out = tmp_path / "out"
    assert run_job("-q", *SMALL, "--objective", "sharpe", "--best", "-o", out, bars, job=Sweep).status == 0
    overall, none, best = windrow.read_output(out).to_dict("records")
    assert (overall["symbol"], none["symbol"], best["symbol"]) == ("", "AAA", "AAB")
    assert none["fast"] != none["fast"] and none["undefined"] == dict.fromkeys(
        ("fast", "slow", "deflated_sharpe"), "no pair has sharpe: all days returned the same"
    )
    assert (best["fast"], best["all_sharpe"]) == (overall["fast"], overall["all_sharpe"])


@pytest.mark.parametrize("options", [[], ["-r", "local", "--shards", "3", "-D", "mapreduce.job.reduces=2"]])
def test_a_ruined_pair_is_never_the_best(run_job, tmp_path, options):
    """1/2 is short from 90 on, of 200 in cash owes all at the fifth close, 200, and is 50 ahead at the last."""
    bars = tmp_path / "bars.csv"
    closes = [160, 90, 20, 120, 200, 40]
    bars.write_text(
        "symbol,timestamp,close\n" + "".join(f"A,2020-01-{day:02},{c}\n" for day, c in enumerate(closes, 1))
    )
    how = ["-q", "--fast", "sma:1", "--slow", "sma:2..4", "--size", "1", "--cash", "110", "--fill", "close"]
    lines = {key[2]: json.loads("{" + text) for key, text in map(told, run_job(*how, bars, job=Sweep).lines)}
    assert {slow: (one["pnl"], one["ruined"]) for slow, one in lines.items()} == {
        2: (50, True), 3: (-20, True), 4: (0, False)
    }  # fmt: skip
    assert lines[2]["ruined_at"] == "2020-01-05" and lines[2]["sortino"] is None
    ran = run_job(*how, *options, "--best", bars, job=Sweep)
    overall, best = (json.loads(line.split(b"\t")[1]) for line in sorted(ran.lines))
    assert (best["slow"], overall["slow"]) == (4, 4) and overall["all"] == {"symbols": 1, "pnl": 0, "ruined": 0}
    top = run_job(*how, *options, "--top", 3, bars, job=Sweep).out.splitlines()
    assert [json.loads(line.split(b"\t")[1])["slow"] for line in top] == [4, 2, 3]


def test_what_is_written_beside_the_output(run_job, tmp_path):
    out = tmp_path / "out"
    assert run_job("-q", *SMALL, "--walk-forward", 2, "-o", out, BARS, job=Sweep).status == 0
    described = json.loads((out / "_windrow.json").read_text())
    assert described["job"] == "jobs.sweep"
    assert (described["fast"], described["slow"], described["walk_forward"]) == ("ema:3,5", "ema:5..9/2", 2)
    assert described["rules"]["size"] == "all-in" and described["best"] is False


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_frame_gives_the_jobs_figures(run_job, tmp_path, output):
    bars = pd.read_csv(BARS, parse_dates=["timestamp"])
    asked = {
        "lines": {"split": 0.29},
        "top": {"walk_forward": 3, "top": 2, "objective": "sqn"},
        "best": {"split_at": pd.Timestamp("2023-09-01"), "best": True, "cold": True, "objective": "return"},
    }
    frame = windrow.sweep(bars.sample(frac=1, random_state=0), fast="ema:3,5", slow="ema:5..9/2", **asked[output])
    assert run_job("-q", *SMALL, *OUTPUTS[output], "-o", tmp_path / "out", BARS, job=Sweep).status == 0
    pd.testing.assert_frame_equal(frame.figures, windrow.read_output(tmp_path / "out"))


def test_a_frame_without_bars_gives_no_rows():
    bars = pd.DataFrame({"symbol": [], "timestamp": pd.to_datetime([]), "open": [], "close": []})
    frame = windrow.sweep(bars, fast="sma:1", slow="sma:2")
    assert len(frame) == 0 and [*frame][:5] == ["symbol", "fast", "slow", "part", "pnl"]


REFUSED = [
    (["--fast", "sma:10..5"], "--fast 'sma:10..5': the range 10..5 goes down"),
    (["--slow", "ema:0"], "--slow 'ema:0': 0 is not within 1 to 1,000,000 bars"),
    (["--fast", "ema:40", "--slow", "ema:31"], "--fast ema:40 --slow ema:31: no pair is left"),
    (["--split", "1"], "--split 1: the share of a series' bars to train on is a decimal above 0 and below 1"),
    (["--split", "0.7", "--walk-forward", "2"], "--split 0.7 --walk-forward 2: a series is split one way"),
    (["--split-at", "soon"], "--split-at soon: does not parse as a time"),
    (["--walk-forward", "0"], "--walk-forward 0: it is the number of walks from train to test; use 1 or more"),
    (["--top", "0"], "--top 0: it is the number of best pairs to keep; use 1 or more"),
    (["--top", "3", "--best"], "--top 3 --best: one writes lines of the best pairs, the other one line of the best"),
    (["--shards", "0"], "--shards 0: a symbol's pairs go to 1 reducer or more; use 1 or more"),
    (["--objective", "luck"], "argument --objective: invalid choice: 'luck'"),
    (["--size", "0"], "--size 0"),
    (["--slices", "30d"], "--slices: does not apply to this job; leave it out"),
    (["--output-format", "parquet"], "--output-format parquet: needs files, but lines are printed; name a directory"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED)
def test_wrong_options_are_refused_before_any_work(run_job, options, says):
    ran = run_job(*options, DATA / "nowhere.csv", job=Sweep)
    assert (ran.status, ran.out) == (2, b"") and f"error: {says}" in ran.err
