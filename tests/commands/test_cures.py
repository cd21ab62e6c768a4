"""Errors of the tools that name an option: what fails, and each cure of its message, which must end well and be right.

As tests/test_cures.py does for jobs, whose last test sees which functions are followed here.
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages.report.outputs import unpacked
from tests.test_cures import LONG, MEAN, SLASHED, csv
from windrow.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs a tool in a folder of its own, which has AA.csv: (status, what it printed, what it said)."""
    monkeypatch.chdir(tmp_path)
    Path("AA.csv").write_text(csv())

    def run(*words):
        capsys.readouterr()
        status = main([str(word) for word in words])
        return (status, *capsys.readouterr())

    return run


def times(name):
    """The times of sample bars, of the first symbol."""
    frame = pd.read_parquet(name) if Path(name).suffix == ".parquet" else pd.read_csv(name)
    return [str(time) for time in frame["timestamp"][frame["symbol"] == frame["symbol"].iloc[0]]]


def drawn(page):
    """The lines of a page of one symbol, by name; None where a line has no value."""
    found = re.findall(r'"name":"([^"]+)","color".*?"values":({.*?})', Path(page).read_text())
    lines = ((name, unpacked(json.loads(values))) for name, values in found)
    return {name: [None if np.isnan(value) else value for value in line] for name, line in lines}


SHORT = ["sample", "--quiet", "--symbols", "1", "--bars", "2"]
DAYS = ["2020-01-01", "2020-01-02"]
#: By function: what fails, what it says, and by each cure's words the file that it writes, and the times in there.
SAMPLES = {
    "sample/bars.py:parse_spacing": (
        ["--spacing", "5", "a.csv"], "e.g. 5min, or bd",
        [(["--spacing", "5min", "a.csv"], "a.csv", ["2020-01-01T00:00:00Z", "2020-01-01T00:05:00Z"]),
         (["--spacing", "bd", "--start", "2020-01-03", "b.csv"], "b.csv", ["2020-01-03", "2020-01-06"])],
    ),
    "sample/bars.py:_parse_start": (
        ["--start", "May", "a.csv"], "e.g. 2020-01-31 or 2020-01-31T14:30Z",
        [(["--start", "2020-01-31", "a.csv"], "a.csv", ["2020-01-31", "2020-02-01"]),
         (["--start", "2020-01-31T14:30Z", "b.csv"], "b.csv", ["2020-01-31T14:30:00Z", "2020-02-01T14:30:00Z"])],
    ),
    "sample/bars.py:_parse_start fraction": (
        ["--start", "2020-01-01T00:00:00.5", "a.csv"], "leave it out",
        [(["--start", "2020-01-01T00:00:00", "a.csv"], "a.csv", DAYS)],
    ),
    "sample/bars.py:format_of none": (
        ["a.txt"], "end the name in .csv or .parquet, or use --format",
        [(["a.csv"], "a.csv", DAYS), (["--format", "csv", "a.txt"], "a.txt", DAYS),
         (["a.parquet"], "a.parquet", DAYS)],
    ),
    "sample/bars.py:format_of two": (
        ["--format", "csv", "a.parquet"], "change one of them",
        [(["--format", "csv", "a.csv"], "a.csv", DAYS),
         (["--format", "parquet", "a.parquet"], "a.parquet", DAYS)],
    ),
    "sample/bars.py:format_of compressed": (
        ["a.parquet.gz"], "leave .gz out", [(["a.parquet"], "a.parquet", DAYS)],
    ),
    "sample/bars.py:__post_init__": (
        ["--start", "2261-12-31", "a.csv"], "make fewer bars, closer together, or start at another time",
        [(["--start", "2261-12-31", "--bars", "1", "a.csv"], "a.csv", ["2261-12-31"]),
         (["--start", "2261-12-31", "--spacing", "12h", "b.csv"], "b.csv",
          ["2261-12-31T00:00:00Z", "2261-12-31T12:00:00Z"]),
         (["--start", "2020-01-01", "c.csv"], "c.csv", DAYS)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fails", "says", "cures"), SAMPLES.values(), ids=SAMPLES)
def test_cures_of_samples(run, fails, says, cures):
    status, out, err = run(*SHORT, *fails)
    assert (status, out) == (2, "") and says in err, err
    for words, name, right in cures:
        assert run(*SHORT, *words)[0] == 0
        assert times(name) == right


def test_cures_of_numbers_of_a_sample(run):
    status, _, err = run("sample", "--quiet", "--symbols", "0", "--bars", "2", "a.csv")
    assert status == 2 and "use 1 to 456,976" in err
    assert run("sample", "--quiet", "--symbols", "1", "--bars", "2", "a.csv")[0] == 0 and times("a.csv") == DAYS


def test_cures_of_new_files(run):
    """storage/newfile.py:refuse_taken"""
    Path("a.csv").write_text("mine")
    status, _, err = run(*SHORT, "a.csv")
    assert status == 1 and "choose another name, or replace it with --force" in err
    assert Path("a.csv").read_text() == "mine"
    assert run(*SHORT, "b.csv")[0] == run(*SHORT, "--force", "a.csv")[0] == 0
    assert times("a.csv") == times("b.csv") == DAYS
    Path("c.csv").mkdir()
    status, _, err = run(*SHORT, "c.csv")
    assert status == 1 and "name a file in it" in err
    assert run(*SHORT, "c.csv/d.csv")[0] == 0 and times("c.csv/d.csv") == DAYS
    status, _, err = run(*SHORT, "e/f.csv")
    assert status == 1 and "create it first" in err
    Path("e").mkdir()
    assert run(*SHORT, "e/f.csv")[0] == 0 and times("e/f.csv") == DAYS
    status, _, err = run(*SHORT, "s3://bucket/f.csv")
    assert status == 1 and "name a path" in err


def test_cures_of_pages_of_averages(run):
    """pages/averages.py:_indicators"""
    assert run("moving-average", "-q", *MEAN, "--output-dir", "averages", "AA.csv")[0] == 0
    status, _, err = run("plot", "nothing", "--bars", "AA.csv")
    assert status == 1 and "use its --output-dir, or a file of its lines" in err
    for name, output in (("sma:2", "averages"), ("value_1", "averages/part-00000")):
        assert run("plot", output, "--bars", "AA.csv", "-o", "a.html", "--force")[0] == 0
        assert drawn("a.html") == {name: [None, 11, 11.5, 13]}
    assert run("crossover", "-q", "--fast", "max:1", "--slow", "sma:2", "-o", "crosses", "AA.csv")[0] == 0
    status, _, err = run("plot", "crosses", "--bars", "AA.csv")
    assert status == 1 and "an --indicator for each of the two lines, and plot its output" in err
    both = ["--indicator", "max:1", "--indicator", "sma:2"]
    assert run("moving-average", "-q", *both, "-o", "both", "AA.csv")[0] == 0
    assert run("plot", "both", "--bars", "AA.csv", "-o", "both.html")[0] == 0
    assert drawn("both.html") == {"max:1": [10, 12, 11, 15], "sma:2": [None, 11, 11.5, 13]}


def test_cures_of_pages_of_backtests(run):
    """pages/averages.py:_indicators, commands/report.py:report, pages/report/results.py:_FIXES"""
    assert run("backtest", "-q", *LONG, "-o", "backtest", "AA.csv")[0] == 0
    status, _, err = run("plot", "backtest", "--bars", "AA.csv")
    assert status == 1 and "show it with windrow report backtest --bars FILE..." in err
    assert run("report", "backtest", "--bars", "AA.csv")[0] == 0
    first = Path("report.html").read_text()
    assert '"name":"AA"' in first and "40" in first
    status, _, err = run("report", "backtest")
    assert status == 2 and "e.g. windrow report out/backtest --bars bars.csv" in err
    assert run("report", "backtest", "--bars", "AA.csv", "--force")[0] == 0
    assert Path("report.html").read_text() == first
    words = ["--fast", "close", "--slow", "sma:2"]
    assert run("crossover", "-q", *words, "-o", "crosses", "AA.csv")[0] == 0
    status, _, err = run("report", "crosses", "--bars", "AA.csv", "-o", "crosses.html")
    assert status == 1 and "run windrow backtest with its --fast and --slow" in err
    assert run("backtest", "-q", *words, "-o", "other", "AA.csv")[0] == 0
    assert run("report", "other", "--bars", "AA.csv", "-o", "other.html")[0] == 0
    status, _, err = run("report", "backtest", "--bars", "AA.csv", "--orders", "AA.csv", "-o", "orders.html")
    assert status == 1 and "as written by backtest --orders, separated by tabs; use such a file, or leave it out" in err
    status, orders, _ = run("backtest", "-q", *LONG, "--orders", "AA.csv")
    Path("orders").write_text(orders)
    for number, option in enumerate((["--orders", "orders"], [])):
        assert run("report", "backtest", "--bars", "AA.csv", *option, "-o", f"{number}.html")[0] == 0


def test_a_page_of_some_symbols_says_how_to_choose_others(run):
    """pages/chart.py:left_out"""
    assert run(*SHORT[:2], "--symbols", "5", "--bars", "9", "bars.csv")[0] == 0
    assert run("moving-average", "-q", *MEAN, "-o", "averages", "bars.csv")[0] == 0
    assert run("plot", "averages", "--bars", "bars.csv")[0] == 0
    text = Path("plot.html").read_text()
    assert "4 of 5 symbols are on this page; choose others with windrow plot --symbol." in text
    assert '"name":"AAD"' in text and '"name":"AAE"' not in text
    assert run("plot", "averages", "--bars", "bars.csv", "--symbol", "AAE", "-o", "e.html")[0] == 0
    assert '"name":"AAE"' in Path("e.html").read_text()


#: Of what a job refuses, inspect refuses the same, with the same cure.
ASKED = {
    "mapreduce/options.py:_check_form": (["--delimiter", "ab"], "give one, e.g. ';'", ["--delimiter", ";"], ";"),
    "mapreduce/options.py:_check_form marks": (
        ["--decimal", ",", "--thousands", ","], "give one of them", ["--decimal", ","], ";",
    ),
    "mapreduce/options.py:_check_timezone": (
        ["--timezone", "Mars"], "give one, e.g. America/New_York", ["--timezone", "America/New_York"], ",",
    ),
    "bars/clocks.py:check_form": (
        ["--time-format", "%d"], "give all three, e.g. '%d/%m/%Y'", ["--time-format", "%d/%m/%Y"], ",",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fails", "says", "cure", "delimiter"), ASKED.values(), ids=ASKED)
def test_cures_of_inspect(run, fails, says, cure, delimiter):
    Path("AA.csv").write_text((SLASHED if "--time-format" in cure else csv()).replace(",", delimiter))
    status, out, err = run("inspect", *fails, "AA.csv")
    assert (status, out) == (2, "") and says in err, err
    status, out, _ = run("inspect", "--json", *cure, "AA.csv")
    found = json.loads(out)
    assert (status, found["rows"], found["first"], found["last"]) == (0, 4, "2020-01-01", "2020-01-04")


def test_cures_of_inspect_on_counts(run):
    """bars/epochs.py:doubt"""
    times = [86_400_000 * (18_262 + day) for day in range(4)]
    pd.DataFrame({"symbol": "AA", "timestamp": times, "close": [10.0, 12, 11, 15]}).to_parquet("AA.parquet")
    status, out, _ = run("inspect", "AA.parquet")
    assert status == 0 and "times are milliseconds since 1970" in out
    status, out, _ = run("inspect", "--time-unit", "us", "AA.parquet")
    assert status == 1 and out.endswith("or use --time-unit ms\n")
    status, out, _ = run("inspect", "--json", "--time-unit", "ms", "AA.parquet")
    found = json.loads(out)
    assert (status, found["rows"]) == (0, 4)
    assert (found["first"], found["last"]) == ("2020-01-01", "2020-01-04")  # all are midnights


def test_a_name_that_no_input_of_inspect_has(run):
    """commands/inspect.py:inspect"""
    status, _, said = run("inspect", "--rename", "opne=first", "AA.csv")
    assert status == 1 and "no input has a column 'opne'; name one of theirs, or leave it out" in said
    assert run("inspect", "--rename", "open=first", "AA.csv")[0] == run("inspect", "AA.csv")[0] == 0
