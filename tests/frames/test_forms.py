"""Outputs as text, CSV and Parquet are the same frames, whatever texts they hold, and so is what is beside."""

import csv

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import windrow
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.rejects import Rejects
from jobs.sectors import Sectors
from jobs.sequences import Sequences
from jobs.sweep import Sweep
from tests.rules import ROOT
from windrow.cli import main
from windrow.errors import InputError, UsageError
from windrow.mapreduce.help import writes_tables
from windrow.mapreduce.registry import find_jobs, job_class
from windrow.pages.report.results import Output

PAIR = ["--fast", "ema:5", "--slow", "sma:24"]
ALL = ["--orders", "--trades", "--equity"]
MEMBERS = ROOT / "data/constituents.csv"
GRID = ["--fast", "ema:3,5", "--slow", "sma:9,24", "--split", "0.7"]
CASES = {
    "averages": (MovingAverage, ["--indicator", "sma:3", "--indicator", "ema:5"], [None]),
    "crosses": (Crossover, ["--fast", "close", "--slow", "sma:9"], [None]),
    "crosses of pairs": (Crossover, ["--fast", "close", "--slow", "sma:9", *PAIR], [None]),
    "backtest": (Backtest, [*PAIR, "--commission-per-order", "3", *ALL], [None, "orders", "trades", "equity"]),
    "backtest, refused": (Backtest, [*PAIR, "--size", "9999", *ALL], [None, "orders", "trades", "equity"]),
    "sectors": (Sectors, ["--constituents", MEMBERS, "--averages", "2,5", "--equal"], [None, "symbols"]),
    "sweep": (Sweep, GRID, [None]),
    "sweep, top": (Sweep, [*GRID, "--top", "2"], [None]),
    "sweep, best": (Sweep, [*GRID, "--best", "--shards", "2"], [None]),
}
#: Formulas to spreadsheets, what looks made inert already, quotes, separators, and texts that look like others.
HOSTILE = [
    "@ES",
    "'@ES",
    "=1+1",
    "-",
    "+A",
    "a,b",
    'a"b',
    "a\tb",
    "007",
    "NA",
    "true",
    "{}",
    "[1]",
    "'",
    "é%09",
]


def ran(run_job, job, options, folder, *files):
    done = run_job("-q", *options, "-o", folder, *files, job=job)
    assert done.status == 0, done.err


@pytest.fixture
def hostile(tmp_path):
    path = tmp_path / "hostile.csv"
    rng = np.random.default_rng(5)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "timestamp", "open", "close"])
        for symbol in HOSTILE:
            prices = 20 * np.exp(np.cumsum(rng.normal(0, 0.05, (60, 2)), axis=0))
            rows.writerows(
                [symbol, f"2024-01-01T{at // 60:02}:{at % 60:02}:00Z", *prices[at].round(3)] for at in range(60)
            )
    return path


@pytest.mark.parametrize("bars", ["dates", "times, hostile symbols"])
@pytest.mark.parametrize("case", CASES)
def test_every_form_of_every_part_is_the_same_frame(run_job, tmp_path, hostile, case, bars):
    job, options, parts = CASES[case]
    file = ROOT / "data/bars.csv" if bars == "dates" else hostile
    more = ["-D", "mapreduce.job.reduces=2"]
    for form in ("text", "csv", "parquet", "parquet-ns"):
        ran(run_job, job, [*options, *more, "--output-format", form], tmp_path / form, file)
    for part in parts:
        expected = windrow.read_output(tmp_path / "text", part=part)
        assert len(expected) or (case == "backtest, refused" and part == "trades")
        for form in ("csv", "parquet", "parquet-ns"):
            found = windrow.read_output(tmp_path / form, part=part)
            types = case != "sweep, best"  # `ruined` of all symbols is a count, and of one a truth
            assert_frame_equal(found, expected[list(found)], check_dtype=types)
            assert set(found) == set(expected)


def test_every_job_writes_tables():
    assert [name for name, file in find_jobs().items() if not writes_tables(job_class(file))] == []


def test_sectors_of_any_name_are_inert_and_read_again(run_job, tmp_path, hostile):
    """Names of sectors are where symbols are elsewhere; that list has symbols too."""
    members = tmp_path / "members.csv"
    with members.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["symbol", "sector", "date_added", "date_removed"])
        rows.writerows([name, HOSTILE[at - 1], "", "2031-01-01"] for at, name in enumerate(HOSTILE))
    options = ["--constituents", members, "--any-sector", "--averages", "2", "--equal"]
    for form in ("text", "csv", "parquet"):
        ran(run_job, Sectors, [*options, "--output-format", form], tmp_path / form, hostile)
    for part in (None, "symbols"):
        expected = windrow.read_output(tmp_path / "text", part=part)
        assert len(expected.symbol.unique()) == len(HOSTILE)
        for form in ("csv", "parquet"):
            assert_frame_equal(windrow.read_output(tmp_path / form, part=part), expected)
    found = windrow.read_output(tmp_path / "csv", part="symbols")
    assert found.columns.tolist() == ["symbol", "sector", "date_added", "date_removed"]
    assert dict(zip(found.symbol, found.sector, strict=True)) == {
        name: HOSTILE[at - 1] for at, name in enumerate(HOSTILE)
    }
    assert found.date_added.isna().all() and found.date_removed.eq(pd.Timestamp("2031-01-01")).all()
    for part in (tmp_path / "csv").glob("*.csv"):
        with part.open(newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row[: 2 if "symbols" in part.name else 1]]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_the_list_of_symbols_is_of_sectors_alone(run_job, tmp_path):
    ran(run_job, Backtest, PAIR, tmp_path / "out", ROOT / "data/bars.csv")
    with pytest.raises(InputError, match="out: it holds no symbols; give an output of windrow sectors, or leave part"):
        windrow.read_output(tmp_path / "out", part="symbols")


#: Rows that are no bars: formulas, quotes, separators, ends of lines and other control characters within, no UTF-8.
INVALID = [
    b"=1+1,2020-01-02,x",
    b"@A,2020-01-03,\"=cmd|' /c calc'!a0\"",
    b"'=A,2020-01-03,y",
    b"AA,2020-13-03,1",
    b"\xff,2020-01-03,4",
    b'"AA,2020-01-03,4',
    b"AA;2020-01-03;4",
    b"AA,,4",
    b"AA,2020-01-04,a\rb",
    b"AA,2020-01-04,a\tb\x00\x9b",
    b'{"file":"x"}',
    "é\u202e,2020-01-05,-".encode(),
]


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_invalid_rows_are_the_same_frame_in_every_form(run_job, tmp_path, runner):
    path = tmp_path / "@bars, of 'any' name.csv"
    path.write_bytes(b"\n".join([b"symbol,timestamp,close", b"AA,2020-01-01,1", *INVALID, b"AA,2020-01-05,1"]) + b"\n")
    (tmp_path / "a.csv").write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,z\n")
    for form in ("text", "csv", "parquet", "parquet-ns"):
        ran(run_job, Rejects, ["-r", runner, "--output-format", form], tmp_path / form, path, tmp_path / "a.csv")
    expected = windrow.read_output(tmp_path / "text")
    texts = [row.decode(errors="backslashreplace") for row in INVALID]
    assert expected.columns.tolist() == ["file", "reason", "text"]
    assert expected.file.tolist() == [str(path)] * len(INVALID) + [str(tmp_path / "a.csv")]
    assert sorted(expected.text[:-1]) == sorted(texts) and expected.text.iloc[-1] == "AA,2020-01-02,z"
    for form in ("csv", "parquet", "parquet-ns"):
        found = windrow.read_output(tmp_path / form)
        assert_frame_equal(found, expected)
        parts = sorted((tmp_path / form).glob("part-*"))
        assert {part.suffix for part in parts} == {f".{form.partition('-')[0]}"}
        assert_frame_equal(pd.concat([windrow.read_output(part) for part in parts], ignore_index=True), expected)
    for part in (tmp_path / "csv").glob("*.csv"):
        with part.open(newline="") as file:
            head, *rows = csv.reader(file)
        assert head == ["file", "reason", "text"]
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    found = duckdb.sql(f"select count(*), count(distinct reason) from '{tmp_path}/parquet/*.parquet'").fetchall()
    assert found == [(len(expected), expected.reason.nunique())]


@pytest.mark.parametrize("form", ["text", "csv", "parquet"])
def test_no_invalid_row_is_a_frame_without_rows(run_job, tmp_path, form):
    ran(run_job, Rejects, ["--output-format", form], tmp_path / "out", ROOT / "data/bars.csv")
    found = windrow.read_output(tmp_path / "out")
    assert found.columns.tolist() == ["file", "reason", "text"] and found.empty


def test_invalid_rows_that_end_within_a_line_are_refused(run_job, tmp_path):
    (tmp_path / "a.csv").write_text("symbol,timestamp,close\nAA,2020-01-01,1\nAA,2020-01-02,z\n")
    ran(run_job, Rejects, [], tmp_path / "out", tmp_path / "a.csv")
    part = tmp_path / "out" / "part-00000"
    whole = part.read_bytes()
    for damaged in (whole[:-1], whole[:-4] + b"\n", whole.replace(b'"text"', b'"test"'), b"[1]\n"):
        part.write_bytes(damaged)
        with pytest.raises(InputError, match=r"part-00000: it is truncated or damaged \("):
            windrow.read_output(tmp_path / "out")


def test_each_part_has_its_header_or_types_and_reads_alone(run_job, tmp_path):
    for form in ("csv", "parquet"):
        options = [*PAIR, *ALL, "-D", "mapreduce.job.reduces=3", "--output-format", form]
        ran(run_job, Backtest, options, tmp_path / form, ROOT / "data/bars.csv")
        kinds = ("", "-equity", "-orders", "-trades")
        names = {f"part-{number:05}{kind}.{form}" for number in range(3) for kind in kinds}
        assert {path.name for path in (tmp_path / form).glob("part-*")} == names
        whole = windrow.read_output(tmp_path / form, part="trades")
        alone = [windrow.read_output(part) for part in (tmp_path / form).glob(f"*-trades.{form}")]
        assert_frame_equal(pd.concat(alone).sort_values(["symbol", "entry_time"], ignore_index=True), whole)
    head = (tmp_path / "csv" / "part-00000-orders.csv").read_text().split("\n")[0]
    assert head == "symbol,timestamp,side,size,price,status"
    schema = pq.read_schema(tmp_path / "parquet" / "part-00000.parquet")
    told = ("won", "sharpe", "ruined", "max_drawdown_from", "fast")
    assert [str(schema.field(name).type) for name in told] == ["int64", "double", "bool", "date32[day]", "string"]
    counted = duckdb.sql(f"select count(*), sum(pnl) from '{tmp_path}/parquet/*-trades.parquet'").fetchall()[0]
    assert counted == (len(whole), pytest.approx(whole.pnl.sum()))


def test_symbols_are_inert_in_csv(run_job, tmp_path, hostile):
    for job, options in ((MovingAverage, ["--window", "2"]), (Backtest, [*PAIR, *ALL])):
        ran(run_job, job, [*options, "--output-format", "csv"], tmp_path / job.__name__, hostile)
        for part in (tmp_path / job.__name__).glob("*.csv"):
            with part.open(newline="") as file:
                symbols = {row[0] for row in csv.reader(file)} - {"symbol"}
            assert len(symbols) == len(HOSTILE) or "trades" in part.name
            assert not [symbol for symbol in symbols if symbol.startswith(("=", "+", "-", "@", "\t"))]


def test_pages_are_made_of_text_and_say_so(run_job, tmp_path):
    bars = ROOT / "data/bars.csv"
    ran(run_job, Backtest, [*PAIR, "--output-format", "csv"], tmp_path / "out", bars)
    asked = ["--bars", str(bars), "-o", str(tmp_path / "page.html")]
    assert main(["report", str(tmp_path / "out"), *asked]) == 1
    told = "out: was written as csv, and pages are made of text; run the job again without --output-format"
    with pytest.raises(InputError, match=told):
        _ = Output(tmp_path / "out", "jobs.backtest", {"format": "csv", "columns": []}).parts
    ran(run_job, Backtest, [*PAIR, *ALL], tmp_path / "again", bars)
    assert main(["report", str(tmp_path / "again"), *asked]) == 0


def test_parts_that_are_not_there_are_refused_with_what_to_do(run_job, tmp_path):
    ran(run_job, Backtest, [*PAIR], tmp_path / "out", ROOT / "data/bars.csv")
    with pytest.raises(InputError, match="out: it holds no trades; run the job again with --trades, or leave part out"):
        windrow.read_output(tmp_path / "out", part="trades")
    with pytest.raises(UsageError, match="part='fills': is no part of an output; use one of orders, trades, equity,"):
        windrow.read_output(tmp_path / "out", part="fills")
    ran(run_job, Backtest, [*PAIR, "--trades"], tmp_path / "again", ROOT / "data/bars.csv")
    assert len(windrow.read_output(tmp_path / "again", part="trades"))
    assert len(windrow.read_output(tmp_path / "again"))


UNLIKE = {
    "backtest": (Backtest, ["--fast", "close", "--slow", "sma:3", "--equity"], ["", "-equity"]),
    "portfolio": (
        Backtest,
        ["--fast", "close", "--slow", "sma:3", "--portfolio", "equal", "--rebalance", "month"],
        ["", "-portfolio"],
    ),
    "sweep": (Sweep, ["--fast", "sma:1,2", "--slow", "sma:3", "--split", "0.5"], [""]),
    "sweep, shards": (Sweep, ["--fast", "sma:1,2", "--slow", "sma:3", "--top", "1", "--shards", "2"], [""]),
    "sweep, best": (Sweep, ["--fast", "sma:1,2", "--slow", "sma:3", "--best", "--across", "median"], [""]),
    "sweep, walks": (
        Sweep,
        ["--fast", "sma:1,2", "--slow", "sma:3", "--walk-forward", "3", "--best", "--equity"],
        ["", "-equity"],
    ),
    "sequences": (Sequences, ["--column", "close", "--length", "2"], [""]),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_all_parts_have_the_same_columns_and_types_whatever_their_symbols_are_like(run_job, tmp_path, case):
    job, options, kinds = UNLIKE[case]
    file = tmp_path / "unlike.csv"
    prices = {"ONE": [5], "FLAT": [7] * 40, "DOWN": range(60, 20, -1), "UP": [3, 4, 3, 5, 4, 6, 2, 7] * 5}
    rows = [
        f"{symbol},{day},{price},{price}\n"
        for symbol, its in prices.items()
        for day, price in zip(pd.date_range("2024-01-01", periods=40).date, its, strict=False)
    ]
    file.write_text("symbol,timestamp,open,close\n" + "".join(rows))
    more = ["-D", "mapreduce.job.reduces=3", "-r", "local"]
    for form in ("csv", "parquet"):
        ran(run_job, job, [*options, *more, "--output-format", form], tmp_path / form, file)
    for kind in kinds:
        heads = [path.open().readline() for path in (tmp_path / "csv").glob(f"part-*[0-9]{kind}.csv")]
        schemas = [pq.read_schema(path) for path in (tmp_path / "parquet").glob(f"part-*[0-9]{kind}.parquet")]
        assert len(heads) == len(schemas) == 3
        assert len(set(heads)) == 1 and heads[0] == ",".join(schemas[0].names) + "\n"
        assert all(schema == schemas[0] for schema in schemas)
        found = duckdb.sql(f"from '{tmp_path}/parquet/part-*[0-9]{kind}.parquet'").fetchall()
        assert found


@pytest.mark.parametrize("form", ["text", "csv", "parquet"])
def test_parts_that_end_within_a_line_are_refused(run_job, tmp_path, form):
    bars = ROOT / "data/bars.csv"
    ran(run_job, Backtest, [*PAIR, *ALL, "--output-format", form], tmp_path / "out", bars)
    for part in (None, "orders", "trades", "equity"):
        name = "part-00000" + (f"-{part}" if part else "") + ("" if form == "text" else f".{form}")
        whole = (tmp_path / "out" / name).read_bytes()
        (tmp_path / "out" / name).write_bytes(whole[:-2])  # a number that lacks a digit is still a number
        with pytest.raises(InputError, match=f"{name}: it is (truncated or damaged|not the output of a job)"):
            windrow.read_output(tmp_path / "out", part=part)
        (tmp_path / "out" / name).write_bytes(whole)
        assert len(windrow.read_output(tmp_path / "out", part=part))


def test_parts_beside_lines_are_no_lines_whatever_they_are(run_job, tmp_path):
    ran(run_job, Backtest, PAIR, tmp_path / "out", ROOT / "data/bars.csv")
    expected = windrow.read_output(tmp_path / "out")
    for name in ("-card.md", "-models.npz", "-times", "-table.csv", "-keras.zip"):
        (tmp_path / "out" / f"part-00000{name}").write_bytes(b"# what tasks write beside lines\n")
    assert_frame_equal(windrow.read_output(tmp_path / "out"), expected)
