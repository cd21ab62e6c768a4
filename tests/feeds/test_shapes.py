"""Tables with a column for each symbol are read as the same rows, one for each symbol and time, would be."""

import io
import json
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from windrow.bars.layout import Reading, from_json, to_json
from windrow.errors import WindrowError
from windrow.feeds.files import read_bars
from windrow.feeds.settle import settle

DAYS = ["2023-01-12", "2023-01-13", "2023-01-17"]
CLOSE = Reading(values=("close",))
WIDE = Reading(values=("close",), wide="close")
TABLE = "Date,AAA,BBB\n2023-01-12,1,10\n2023-01-13,2,\n2023-01-17,3,30\n"
LINES = ["AAA\t2023-01-12\t1.0", "AAA\t2023-01-13\t2.0", "AAA\t2023-01-17\t3.0", "BBB\t2023-01-12\t10.0",
         "BBB\t2023-01-17\t30.0"]  # fmt: skip
STACKED = "Price,Close,Close,Open,Open\nTicker,AAA,BBB,AAA,BBB\nDate,,,,\n"
ROWS = "2023-01-12,1,10,2,20\n2023-01-13,2,,3,\n2023-01-17,3,30,4,40\n"


def run(run_job, path, *options, **how):
    return run_job("-q", "--window", "1", *options, path, **how)


def lines(ran):
    assert ran.status == 0, ran.err
    return [line.decode() for line in ran.lines]


def bars_of(path, reading, pieces=1):
    """The bars of a file, read in so many ranges, as rows, and the counts of the others."""
    layout = settle([str(path)], reading, slot=1)[0].inputs[str(path)]
    assert from_json(json.loads(json.dumps(to_json(layout)))) == layout
    size = path.stat().st_size
    cuts = [size * number // pieces for number in range(pieces)] + [size]
    parts = [part for span in pairwise(cuts) for part in read_bars(str(path), layout, *span)]
    rows = [
        (part.symbols[code], at, *values)
        for part in parts
        for code, at, *values in zip(
            part.codes.tolist(), part.times.tolist(), *(one.tolist() for one in part.values), strict=True
        )
    ]
    return sorted(rows), sum((part.rejected for part in parts), parts[0].rejected.__class__())


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_wide_table(run_job, tmp_path, runner):
    (tmp_path / "a.csv").write_text(TABLE)
    assert lines(run(run_job, tmp_path / "a.csv", "--wide", "close", "-r", runner)) == LINES


@pytest.mark.parametrize("header", [
    STACKED, STACKED.replace("Price", "").replace("Ticker", ""), STACKED.replace("Date,,,,\n", ""),
    "Ticker,AAA,BBB,AAA,BBB\nPrice,Close,Close,Open,Open\nDate,,,,\n", ",AAA,BBB,AAA,BBB\nDate,Close,Close,Open,Open\n",
    "Attributes,Close,Close,Open,Open\nSymbols,AAA,BBB,AAA,BBB\nDate,,,,\n",
])  # fmt: skip
def test_symbols_and_values_above_the_columns(run_job, tmp_path, header):
    (tmp_path / "a.csv").write_text(header + ROWS)
    assert lines(run(run_job, tmp_path / "a.csv")) == LINES
    values = (2.0, 3.0, 4.0, 20.0, 40.0)
    opens = [f"{line[:14]}\t{value}" for line, value in zip(LINES, values, strict=True)]
    assert lines(run(run_job, tmp_path / "a.csv", "--column", "open")) == opens


def test_a_row_that_lacks_one_of_its_values_is_missing_and_one_without_any_is_none(tmp_path):
    (tmp_path / "a.csv").write_text(STACKED + "2023-01-12,1,10,,20\n2023-01-13,2,,3,\n2023-01-17,x,NaN,4,-\n,,,,\n")
    rows, rejected = bars_of(tmp_path / "a.csv", Reading(values=("close", "open")))
    assert [(symbol, *values) for symbol, _, *values in rows] == [("AAA", 2.0, 3.0), ("BBB", 10.0, 20.0)]
    assert rejected == {"missing": 1, "number": 1}


@pytest.mark.parametrize(("row", "reason"), [
    ("2023-01-12,1,10,,20", "missing"), ("2023-01-12,1e-400,10,1,20", "range"), ("2023-01-12,1,10,1e16,20", "range"),
])  # fmt: skip
def test_the_only_invalid_row_is_found_too(tmp_path, row, reason):
    (tmp_path / "a.csv").write_text(f"{STACKED}{row}\n")
    rows, rejected = bars_of(tmp_path / "a.csv", Reading(values=("close", "open")))
    assert [(symbol, *values) for symbol, _, *values in rows] == [("BBB", 10.0, 20.0)] and rejected == {reason: 1}


def test_one_row_in_another_form(tmp_path):
    text = STACKED.replace(",", ";") + "13.01.2023;1.037,25;;2;\n"
    (tmp_path / "a.csv").write_text(text)
    assert bars_of(tmp_path / "a.csv", CLOSE) == ([("AAA", pd.Timestamp("2023-01-13").value, 1037.25)], {})


def test_rows_that_are_not_asked_for_are_counted(tmp_path):
    (tmp_path / "a.csv").write_text(STACKED + ROWS + "noon,5,,,\n")
    reading = Reading(values=("close",), since="2023-01-17")
    layout = settle([str(tmp_path / "a.csv")], reading, slot=1)[0].inputs[str(tmp_path / "a.csv")]
    (part,) = read_bars(str(tmp_path / "a.csv"), layout)
    assert (len(part), part.unselected, part.headers, part.rejected) == (2, 3, 0, {"time": 1})


def test_different_bars_at_one_time_are_a_conflict(run_job, tmp_path):
    (tmp_path / "a.csv").write_text(TABLE + "2023-01-12,2,20\n2023-01-13,3,\n2023-01-17,4,40\n")
    ran = run(run_job, tmp_path / "a.csv", "--wide", "close")
    assert ran.status == 1 and "AAA at 2023-01-12" in ran.err, ran.err
    ran = run(run_job, tmp_path / "a.csv", "--wide", "close", "--on-conflict", "smallest")
    assert lines(ran) == LINES


def test_a_line_that_does_not_parse_is_a_row_of_each_symbol(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE + "noon,4,40\n2023-01-18,5\n2023-01-19,6,60\n")
    rows, rejected = bars_of(tmp_path / "a.csv", WIDE)
    assert len(rows) == 7 and rejected == {"time": 2, "fields": 2}


def test_rejects_shows_a_cell_as_a_row(run_job, tmp_path):
    from jobs.rejects import Rejects

    (tmp_path / "a.csv").write_text(TABLE + "2023-01-18,4,n/a\nnoon,5,\n")
    ran = run_job("-q", "--wide", "close", tmp_path / "a.csv", job=Rejects)
    shown = [json.loads(line) for line in ran.out.splitlines()]
    assert [(one["reason"], one["text"]) for one in shown] == [("time", "AAA,noon,5"), ("number", "BBB,2023-01-18,n/a")]


def test_files_that_were_joined_to_one(run_job, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(STACKED + ROWS + STACKED + ROWS.replace("2023", "2024"))
    assert len(lines(run(run_job, path))) == 10
    path.write_text(STACKED + ROWS + STACKED.replace("AAA,BBB", "BBB,AAA") + ROWS)
    ran = run(run_job, path)
    assert ran.status == 1 and "has a second header, 'Ticker,BBB,AAA,BBB,AAA', of other columns" in ran.err
    path.write_text(TABLE + "Date,BBB,AAA\n2023-01-19,1,2\n")
    ran = run(run_job, path, "--wide", "close", "--max-bad", "1")
    assert ran.status == 1 and "has a second header, 'Date,BBB,AAA'" in ran.err


def test_both_give_the_bytes_of_the_long_form(run_job, tmp_path):
    """On all that a backtest uses, for any number of tasks, compressed, and with blanks, quotes and CRLF."""
    from jobs.backtest import Backtest

    chance = np.random.default_rng(5)
    days = pd.bdate_range("2020-01-01", periods=400)
    symbols = ["AAA", "BRK.B", "7203.T", "LOW", "DT"]
    prices = {name: 50 + chance.normal(size=(400, 5)).cumsum(axis=0).round(3) for name in ("Open", "Close")}
    absent = chance.random((400, 5)) < 0.1
    columns = pd.MultiIndex.from_product([["Open", "Close"], symbols], names=["Price", "Ticker"])
    values = np.concatenate([np.where(absent, np.nan, prices[name]) for name in ("Open", "Close")], axis=1)
    frame = pd.DataFrame(values, index=pd.Index(days, name="Date"), columns=columns)
    long = frame.stack("Ticker", future_stack=True).dropna().reset_index()
    long.rename(columns=str.lower).rename(columns={"ticker": "symbol"}).to_csv(tmp_path / "long.csv", index=False)
    frame.to_csv(tmp_path / "stacked.csv")
    text = (tmp_path / "stacked.csv").read_text()
    (tmp_path / "crlf.csv").write_bytes(text.replace("\n", "\r\n").encode())
    frame.to_csv(tmp_path / "stacked.csv.gz")
    frame.swaplevel(axis=1).to_csv(tmp_path / "tickers.csv", sep=";", decimal=",", date_format="%d.%m.%Y")
    pair = ["-q", "--fast", "ema:7", "--slow", "ema:21"]
    right = run_job(*pair, tmp_path / "long.csv", job=Backtest)
    assert right.status == 0
    for name in ("stacked.csv", "crlf.csv", "stacked.csv.gz", "tickers.csv"):
        for how in ([], ["-r", "local", "-D", "mapreduce.job.reduces=1"]):
            ran = run_job(*pair, *how, tmp_path / name, job=Backtest)
            assert (ran.status, ran.out) == (0, right.out), (name, how, ran.err)
    frame["Close"].to_csv(tmp_path / "wide.csv")
    frame["Close"].to_parquet(tmp_path / "wide.parquet")
    right = run(run_job, tmp_path / "long.csv").out
    for name in ("wide.csv", "wide.parquet"):
        assert run(run_job, tmp_path / name, "--wide", "close").out == right
    ran = run_job(*pair, "--wide", "close", tmp_path / "wide.csv", job=Backtest)
    assert ran.status == 1 and "has no column 'open'; its columns are close; " in ran.err


CELLS = st.one_of(
    st.none(),
    st.integers(-(10**6), 10**6).map(lambda cents: cents / 100),
    st.sampled_from(["n/a", "inf", "1e20", "NaN"]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=12),
    symbols=st.lists(st.text("ABCdé. -,\"", min_size=1, max_size=4).filter(str.strip), min_size=3, max_size=3,
                     unique_by=str.strip),
    delimiter=st.sampled_from(",;\t"),
    pieces=st.integers(1, 4),
)  # fmt: skip
def test_melted_by_pandas(tmp_path, table, symbols, delimiter, pieces):
    days = [str(date(2020, 1, 1) + timedelta(days=number)) for number in range(len(table))]
    frame = pd.DataFrame(table, columns=symbols, dtype=object)
    frame.insert(0, "date", days)
    path = tmp_path / "wide.csv"
    frame.to_csv(path, index=False, sep=delimiter, encoding="utf-8")
    long = frame.melt("date", var_name="symbol", value_name="close")
    long["close"] = [None if value == "NaN" else value for value in long["close"]]
    long = long.dropna()
    reading = Reading(values=("close",), wide="close", delimiter=delimiter)
    right = sorted(
        (symbol.strip(), pd.Timestamp(day).value, float(value))
        for day, symbol, value in zip(long["date"], long["symbol"], long["close"], strict=True)
        if not isinstance(value, str)
    )
    try:
        rows, rejected = bars_of(path, reading, pieces)
    except WindrowError:
        assert not right
        return
    assert rows == right
    words = {"n/a": "number", "inf": "infinite", "1e20": "range"}
    assert (
        rejected
        == long["close"].map(lambda value: words.get(value, "")).loc[lambda one: one != ""].value_counts().to_dict()
    )


@pytest.mark.parametrize(("text", "says"), [
    ("Day,AAA\n2023-01-12,1\n", "its first column, 'Day', has no name of times"),
    ("Date,AAA,AAA\n2023-01-12,1,2\n", "has two columns of AAA"),
    ("Date,AAA,\n2023-01-12,1,2\n", "column 3 has no symbol above it"),
    ("Date\n2023-01-12\n", "has no column but those of times"),
    ("date,time,AAA\n2023-01-12,09:30,2\n", "say it with --time-column date,time or --time-column date"),
    (",Date,AAA\n0,2023-01-12,2\n", "say it with --time-column date or, if it is a symbol, name the first column Date"),
    (STACKED + ROWS, "so --wide close says what is known, or contradicts it"),
])  # fmt: skip
def test_wide_tables_that_are_refused(run_job, tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    ran = run(run_job, tmp_path / "a.csv", "--wide", "close")
    assert ran.status == 1 and says in ran.err


@pytest.mark.parametrize(("text", "says"), [
    ("Price,Close,Close,Open\nTicker,AAA,BBB,AAA\nDate,,,\n2023-01-12,1,2,3\n", "has no column 'open' of BBB, but"),
    (STACKED.replace("AAA,BBB\n", "AAA,AAA\n") + ROWS, "has two columns of open of AAA"),
    (",LOW,OPEN\n,Open,Close\n2023-01-12,1,2\n", "either of its first two rows"),
])  # fmt: skip
def test_headers_of_two_rows_that_are_refused(run_job, tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    ran = run(run_job, tmp_path / "a.csv", "--column", "open")
    assert ran.status == 1 and says in ran.err


@pytest.mark.parametrize("options", [["--symbol", "X"], ["--symbol-column", "x"], ["--time-column", "day"]])
def test_options_that_contradict_symbols_above_the_columns(run_job, tmp_path, options):
    (tmp_path / "a.csv").write_text(STACKED + ROWS)
    ran = run(run_job, tmp_path / "a.csv", *options)
    assert ran.status == 1 and f"{options[0]} " in ran.err and "leave it out" in ran.err


def test_tickers_that_are_names_of_columns(run_job, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Date,DT,TIME,CODE,LAST\n2023-01-12,1,2,3,4\n")
    ran = run(run_job, path, "--wide", "close")
    assert [line.split("\t")[0] for line in lines(ran)] == ["CODE", "DT", "LAST", "TIME"]
    for rows in ("Price,Close,Close\nTicker,LOW,OPEN", "Ticker,LOW,OPEN\nPrice,Close,Close"):
        path.write_text(f"{rows}\nDate,,\n2023-01-12,1,2\n")
        assert lines(run(run_job, path)) == ["LOW\t2023-01-12\t1.0", "OPEN\t2023-01-12\t2.0"]


def test_wide_parquet_counts_its_cells(tmp_path):
    path = tmp_path / "a.parquet"
    columns = {
        "day": pa.array([date(2023, 1, 12), date(2023, 1, 13), None]),
        "AAA": pa.array([1, None, 5]), "BBB": pa.array([1.5, float("nan"), None]), "CCC": pa.nulls(3),
        "DDD": pa.array([1e20, float("inf"), None]),
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    with pytest.raises(WindrowError, match="--time-column"):
        bars_of(path, WIDE)
    rows, rejected = bars_of(path, Reading(values=("close",), wide="close", time_columns=("day",)))
    assert [(symbol, value) for symbol, _, value in rows] == [("AAA", 1.0), ("BBB", 1.5)]
    assert rejected == {"range": 1, "infinite": 1, "missing": 1}


def test_a_wide_table_of_many_symbols_has_as_many_cells_in_memory_as_another_rows(tmp_path):
    days = pd.date_range("2020-01-01", periods=3000, name="date")
    frame = pd.DataFrame(np.ones((3000, 100)), index=days, columns=[f"S{number}" for number in range(100)])
    frame.to_parquet(tmp_path / "a.parquet")
    layout = settle([str(tmp_path / "a.parquet")], WIDE, slot=1)[0].inputs[str(tmp_path / "a.parquet")]
    sizes = [len(part) for part in read_bars(str(tmp_path / "a.parquet"), layout)]
    assert sum(sizes) == 300_000 and max(sizes) <= 1 << 17


@pytest.mark.parametrize("options", [
    ["--symbols", "BBB"], ["--from", "2023-01-13"], ["--to", "2023-01-13", "--symbols", "AAA,CCC"],
    ["--from", "2023-01-13", "--to", "2023-01-16"],
])  # fmt: skip
def test_some_of_the_rows(run_job, tmp_path, options):
    """As of the same rows, one for each symbol; what is not asked for may be invalid."""
    bad = "2023-01-18,n/a,5\n" if "--to" in options else ""
    (tmp_path / "wide.csv").write_text(TABLE + bad)
    frame = pd.read_csv(io.StringIO(TABLE), parse_dates=["Date"])
    frame.to_parquet(tmp_path / "wide.parquet", index=False)
    rows = [line.replace("\t", ",") for line in LINES]
    (tmp_path / "long.csv").write_text("\n".join(["symbol,date,close", *rows, ""]))
    right = lines(run(run_job, tmp_path / "long.csv", *options))
    assert 0 < len(right) < len(LINES)
    for name in ("wide.csv", "wide.parquet"):
        ran = run_job("--window", "1", "--wide", "close", *options, tmp_path / name)
        assert (ran.status, [line.decode() for line in ran.lines]) == (0, right), ran.err


@pytest.mark.parametrize("levels", [["Price", "Ticker"], ["Ticker", "Price"], [None, None]])
def test_what_yfinance_downloads_in_parquet(run_job, tmp_path, levels):
    frame = pd.read_csv(io.StringIO(STACKED + ROWS), header=[0, 1], index_col=0, parse_dates=True)
    frame = frame.swaplevel(axis=1) if levels[0] == "Ticker" else frame
    frame.rename_axis(columns=levels).rename_axis(index="Date").to_parquet(tmp_path / "a.parquet")
    assert lines(run(run_job, tmp_path / "a.parquet")) == LINES
    assert lines(run(run_job, tmp_path / "a.parquet", "--column", "open"))[-1] == "BBB\t2023-01-17\t40.0"


@pytest.mark.parametrize("columns", ["Date,Open,High,Low,Close,Volume", "date,close", "Date,open,close,AAA"])
def test_a_table_of_values_is_not_read_as_one_of_symbols(run_job, tmp_path, columns):
    (tmp_path / "a.csv").write_text(f"{columns}\n2023-01-12{',5' * columns.count(',')}\n")
    ran = run(run_job, tmp_path / "a.csv", "--wide", "close")
    assert ran.status == 1 and f"has the columns {columns.replace(',', ', ')}, so values are above them" in ran.err


def test_adjusted_by_each_symbol_s_own_closes(run_job, tmp_path):
    header = "Price,Adj Close,Adj Close,Close,Close,Open,Open\nTicker,AAA,BBB,AAA,BBB,AAA,BBB\nDate,,,,,,\n"
    (tmp_path / "a.csv").write_text(
        header + "2023-01-12,5,40,10,10,20,8\n2023-01-13,0,,10,,20,\n2023-01-17,6,9,6,9,6,9\n"
    )
    options = ["--adjusted", "--column", "open", "--max-bad", "0.5"]
    right = ["AAA\t2023-01-12\t10.0", "AAA\t2023-01-17\t6.0", "BBB\t2023-01-12\t32.0", "BBB\t2023-01-17\t9.0"]
    assert lines(run(run_job, tmp_path / "a.csv", *options)) == right
    ran = run(run_job, tmp_path / "a.csv", *options[:-1], "0.1")
    assert ran.status == 1 and "1 adjusted (adj_close / close is not above 0" in ran.err


@pytest.mark.parametrize(("line", "reason"), [
    ('2023-01-18,"4,5', "quote"), ("2023-01-18,4,5,6", "fields"), (f"2023-01-18,{'1' * (1 << 20)},2", "long"),
    (f"2023-01-18,{'1' * (9 << 20)},2", "long"),
    ("18,4,5", "time"),
], ids=["quote", "fields", "long", "longer", "time"])  # fmt: skip
def test_a_bad_line_counts_for_each_symbol(run_job, tmp_path, line, reason):
    from jobs.rejects import Rejects

    (tmp_path / "a.csv").write_text(f"{TABLE}{line}\n")
    rows, rejected = bars_of(tmp_path / "a.csv", WIDE)
    assert len(rows) == 5 and rejected == {reason: 2}
    ran = run_job("--wide", "close", tmp_path / "a.csv", job=Rejects)
    assert ran.out.count(b'"reason":"%s"' % reason.encode()) and "2 of 7 rows are invalid" in ran.err


def test_a_second_header_without_a_name_over_its_times(run_job, tmp_path):
    table = TABLE.replace("Date", "")
    (tmp_path / "a.csv").write_text(table + table)
    assert lines(run(run_job, tmp_path / "a.csv", "--wide", "close")) == LINES
    (tmp_path / "a.csv").write_text(table + table.replace("AAA,BBB", "BBB,AAA"))
    ran = run(run_job, tmp_path / "a.csv", "--wide", "close", "--max-bad", "1")
    assert ran.status == 1 and "has a second header, ',BBB,AAA'" in ran.err


def test_symbols_of_digits(run_job, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Price,Close,Close\nTicker,000001,7203\nDate,,\n2023-01-12,1,2\n")
    assert lines(run(run_job, path)) == ["000001\t2023-01-12\t1.0", "7203\t2023-01-12\t2.0"]
    path.write_text("Date,000001,7203\n2023-01-12,1,2\n")
    assert lines(run(run_job, path, "--wide", "close")) == ["000001\t2023-01-12\t1.0", "7203\t2023-01-12\t2.0"]
    path.write_text(",open,close\n,1,2\n2023-01-13,3,4\n")  # pandas' index, of which one is missing
    ran = run(run_job, path, "--symbol", "X", "--max-missing", "0.5")
    assert lines(ran) == ["X\t2023-01-13\t4.0"]


def test_a_header_that_is_longer_than_what_is_read_first(tmp_path):
    """Of 5,000 symbols; and ranges that begin within its rows."""
    symbols = [f"SYMBOL{number:05}" for number in range(5000)]
    heads = [["Price", *["Close"] * 5000], ["Ticker", *symbols], ["Date", *[""] * 5000]]
    rows = [[day, *map(str, range(5000))] for day in DAYS]
    (tmp_path / "a.csv").write_text("\n".join(map(",".join, [*heads, *rows])) + "\n")
    right = sorted(
        (symbol, pd.Timestamp(day).value, float(number)) for day in DAYS for number, symbol in enumerate(symbols)
    )
    for pieces in (1, 3, 50):
        assert bars_of(tmp_path / "a.csv", CLOSE, pieces) == (right, {})


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.lists(st.none() | st.integers(1, 10**6), min_size=2, max_size=2), min_size=1, max_size=9),
       index=st.booleans(), groups=st.integers(1, 4))  # fmt: skip
def test_melted_by_pandas_from_parquet(tmp_path, table, index, groups):
    days = pd.date_range("2020-01-01", periods=len(table), name="date")
    frame = pd.DataFrame(table, columns=["A", "b c"], index=days).astype("Float64")
    long = frame.melt(ignore_index=False, var_name="symbol").dropna().reset_index()
    frame = frame if index else frame.reset_index()
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=groups)
    right = sorted((row.symbol, row.date.value, float(row.value)) for row in long.itertuples())
    if not right:
        return
    for pieces in (1, 3):
        assert bars_of(tmp_path / "a.parquet", WIDE, pieces) == (right, {})
