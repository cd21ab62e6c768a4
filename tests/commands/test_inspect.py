"""`windrow inspect`: what a job would understand, on known files; refused where a job refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from windrow.commands.inspect import inspect

SOURCES = ROOT / "tests/feeds/sources"


def run(*args):
    return CliRunner().invoke(inspect, [str(arg) for arg in args])


def looked(*args):
    """The JSON objects that it prints."""
    done = run("--json", *args)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_plain_file():
    path = ROOT / "data/bars.csv"
    (found,) = looked(path)
    bars = pd.read_csv(path)
    assert (found["form"], found["rows"], found["whole"]) == ("", len(bars), True)
    assert found["symbols"] == sorted(bars["symbol"].unique())
    assert (found["first"], found["last"]) == (bars["timestamp"].min(), bars["timestamp"].max())
    assert (found["spacing"], found["duplicates"], found["invalid"], found["missing"]) == ("1d", 0, {}, 0)
    assert found["columns"] == {
        "symbol": "symbol", "timestamp": "time", "close": "value",
        **dict.fromkeys(["open", "high", "low", "volume"], "ignored"),
    }  # fmt: skip


def test_columns_for_people(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("Date,Ticker,Open,Close,Adj Close\n2023-01-02,AA,1.5,2,1\n")
    said = run(path).stdout.splitlines()
    assert said[2:4] == [
        "  columns     date is the time, ticker is the symbol, close is the value; others: open, adj_close",
        "  adjusted    --adjusted scales open, high, low and close by adj_close / close",
    ]
    assert "adjusted" not in run(ROOT / "data/bars.csv").stdout


def test_rows_that_are_no_bars_have_an_example(tmp_path):
    rows = [f"A,2023-01-{day:02},{day}" for day in range(1, 29)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["symbol,date,close", *rows, rows[0], "A,noon,1", "A,2023-02-20,", "A,2023-03-01,x", ""]))
    (found,) = looked(path)
    assert found["rows"] == 32 and found["duplicates"] == 1 and found["missing"] == 1
    assert found["invalid"] == {"time": 1, "number": 1}
    assert found["examples"] == {"time": "A,noon,1", "number": "A,2023-03-01,x", "missing": "A,2023-02-20,"}
    said = run(path).stdout
    assert "  rows        32: 2 invalid, 1 missing, 1 repeated\n" in said and "  time        1, e.g. A,noon,1\n" in said


def test_rows_that_are_not_asked_for():
    path, bars = ROOT / "data/bars.csv", pd.read_csv(ROOT / "data/bars.csv")
    (found,) = looked("--symbols", "AAA", "--from", "2023-12-01", "--where", "volume=1433196", path)
    rows = bars[(bars["symbol"] == "AAA") & (bars["timestamp"] >= "2023-12-01") & (bars["volume"] == 1433196)]
    assert (found["rows"], found["unselected"]) == (len(bars), len(bars) - len(rows))
    assert found["columns"]["volume"] == "condition"
    refused = run("--symbols", "ZZZ", path)
    assert refused.exit_code == 1 and "none of the 1,250 rows read is one of those asked for" in refused.output


def test_gaps(tmp_path):
    path = tmp_path / "a.csv"
    days = [*range(1, 11), 25, 26]
    path.write_text("symbol,date,close\n" + "".join(f"A,2023-01-{day:02},1\n" for day in days))
    (found,) = looked(path)
    assert (found["spacing"], found["gaps"], found["longest_gap"]) == ("1d", 1, "15d")
    assert ", every 1d, 1 gap, the longest 15d\n" in run(path).stdout


def test_another_form_is_said_as_a_job_says_it(run_job):
    path = SOURCES / "finam.csv"
    (found,) = looked(path)
    assert found["form"] == "';' between fields, times as yyyymmdd HHMMSS, times joined from date and time"
    assert f"{path}: {found['form']}\n" in run_job("--window", "1", path).err


@pytest.mark.parametrize("name", ["no.csv", "us.csv"])
def test_what_a_job_refuses(tmp_path, run_job, name):
    path = tmp_path / name
    path.write_text("symbol,date,close\nA,01/02/2023,1\n" if name == "us.csv" else "one,two\n1,2\n")
    done, job = run(path, ROOT / "data/bars.csv"), run_job("--window", "1", path)
    assert (done.exit_code, job.status) == (1, 1)
    refused = next(line for line in job.err.splitlines() if line.startswith("error: "))
    assert f"  refused     {refused.removeprefix(f'error: {path}: ')}\n" in done.stdout
    assert "5: AAA, AAB, AAC, AAD, AAE\n" in done.stdout  # the other is shown all the same


def test_a_large_file_is_sampled(tmp_path):
    path = tmp_path / "large.csv"
    times = pd.date_range("2000-01-01", periods=300_000, freq="min")
    pd.DataFrame({"symbol": "A", "timestamp": times, "close": 1.5}).to_csv(path, index=False)
    (found,) = looked(path)
    assert not found["whole"] and 10_000 < found["rows"] < 100_000 and found["spacing"] == "1min"
    assert (found["first"], found["last"]) == ("2000-01-01T00:00:00Z", f"{times[-1]:%Y-%m-%dT%H:%M:%SZ}")
    assert f"{found['rows']:,} sampled of {path.stat().st_size:,} bytes: 0 invalid" in run(path).stdout


@pytest.mark.parametrize("path", sorted(SOURCES.iterdir()), ids=lambda path: path.name)
def test_any_source_is_shown_or_refused(path: Path):
    done = run("--symbol-from-filename", path)
    assert done.exit_code in (0, 1) and done.stdout.startswith(f"{path}:\n"), done.output
