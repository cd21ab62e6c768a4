"""Options and inputs that meet: each of these ended well once, and was wrong. The values are worked out by hand."""

import json
from datetime import date

import pandas as pd
import pytest

from jobs.backtest import Backtest
from windrow.bars.layout import Reading
from windrow.frames.outputs import read_bars


@pytest.fixture
def read(run_job, tmp_path):
    """Runs averages of one bar over texts, and gives the lines, or the error."""

    def run(*args, **texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.csv").write_text(text, newline="")
        ran = run_job("--quiet", "--window", "1", *args, *(tmp_path / f"{name}.csv" for name in texts))
        return ran.err if ran.status else [line.decode().split("\t") for line in ran.lines]

    return run


@pytest.mark.parametrize(
    "options", [["--rename", "datum=date,kurs=close"], ["--time-column", "datum", "--column", "kurs"]]
)
def test_a_header_of_other_names_is_no_row_that_decides(read, options):
    """Of three prices and the header's name, too few seemed to be numbers in any form: 1.500 was taken for 1.5."""
    text = "Datum;Kurs\n2023-01-17;1.500\n2023-01-18;2.500\n2023-01-19;3.500\n"
    assert "may be 1.5 or 1500.0, and none of the 3 rows sampled decides" in read("--symbol", "X", *options, bars=text)
    assert read("--symbol", "X", "--decimal", ",", *options, bars=text)[0][2] == "1500.0"
    german = "Datum;Ticker;Close\n17.01.2023;A;1,5\n"
    assert read("--rename", "datum=date", bars=german) == [["A", "2023-01-17", "1.5"]]


def test_days_of_dates_are_those_of_dates_beside_times_too(read):
    asked = ["--timezone", "America/New_York", "--from", "2023-01-12", "--to", "2023-01-12"]
    dates, times = "symbol,date,close\nD,2023-01-12,1\nD,2023-01-13,2\n", "symbol,date,close\nM,2023-01-12 09:30,3\n"
    assert read(*asked, dates=dates, times=times) == [
        ["D", "2023-01-12T00:00:00Z", "1.0"], ["M", "2023-01-12T14:30:00Z", "3.0"],
    ]  # fmt: skip


def test_names_are_changed_where_there_is_no_header_too(read):
    begin = 1673537700000
    rows = [
        f"{begin + 300_000 * n},36.1,36.9,36.05,36.6,{120 + n},{begin + 300_000 * (n + 1) - 1},{4392 + n}.0,12,60,9.0,0"
        for n in range(3)
    ]
    head = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_volume,taker_quote_volume,ignore"
    asked = ["--symbol", "X", "--column", "volume", "--rename", "volume=base,quote_volume=volume"]
    got = read(*asked, old="\n".join([*rows[:2], ""]), new="\n".join([head, rows[2], ""]))
    assert [line[2] for line in got] == ["4392.0", "4393.0", "4394.0"]
    assert [line[2] for line in read(*asked, old="\n".join([*rows, ""]))] == ["4392.0", "4393.0", "4394.0"]


def test_a_factor_finds_columns_with_units_and_is_missed_at_them(read, run_job, tmp_path):
    closes = [110, 130, 140, 150, 100, 100]
    rows = [
        f"A,2023-01-1{day},{close * 1000},{close * 1000}" for day, close in zip((2, 3, 6, 7, 8, 9), closes, strict=True)
    ]
    text = "\n".join(["symbol,date,Open (USD),Close (USD)", *rows, ""])
    assert [line[2] for line in read("--scale", "close=1e-3", bars=text)] == [f"{close}.0" for close in closes]
    for factor in ("close=1e-3", "close_(usd)=1e-3"):
        ran = run_job("--fast", "sma:1", "--slow", "sma:2", "--scale", factor, tmp_path / "bars.csv", job=Backtest)
        assert ran.status == 1 and "prices in two scales make no sense together; add open_(usd)=1e-3" in ran.err
    both = ["--scale", "open_(usd)=1e-3,close=1e-3"]
    ran = run_job("--fast", "sma:1", "--slow", "sma:2", *both, tmp_path / "bars.csv", job=Backtest)
    (tmp_path / "plain.csv").write_text(text.replace("000,", ",").replace("000\n", "\n"))
    plain = run_job("--fast", "sma:1", "--slow", "sma:2", tmp_path / "plain.csv", job=Backtest)
    assert json.loads(ran.lines[0].split(b"\t")[1]) == json.loads(plain.lines[0].split(b"\t")[1])


@pytest.mark.parametrize(
    ("texts", "form", "hour"),
    [(("2023010309", "2023010310"), "%Y%m%d%H", "09:00"), (("2301030930", "2301030931"), "%y%m%d%H%M", "09:30")],
)
def test_times_in_ten_digits_that_may_be_seconds_are_refused(read, texts, form, hour):
    """They were of 2034 and 2042."""
    text = f"Date,Close\n{texts[0]},5\n{texts[1]},6\n"
    assert f"or be seconds since 1970; give --time-format '{form}' or --time-unit s" in read("--symbol", "X", bars=text)
    assert read("--symbol", "X", "--time-format", form, bars=text)[0] == ["X", f"2023-01-03T{hour}:00Z", "5.0"]
    seconds = pd.Timestamp(int(texts[0]), unit="s").strftime("%Y-%m-%dT%H:%M:%SZ")
    assert read("--symbol", "X", "--time-unit", "s", bars=text)[0][1] == seconds
    assert len(read("--symbol", "X", bars=text + "2023010399,7\n")) == 3  # no hour 99, and no minute


def test_one_row_under_a_header_of_other_names(read):
    assert read("--symbol", "X", "--rename", "t=date,c=close", bars="t,c\n1673537700,5\n")[0][2] == "5.0"


@pytest.mark.parametrize(
    ("numbers", "letter", "time"),
    [
        (["83000000", "83001000"], "%q", "08:30:00Z"), (["83000000", "83001000"], "%o", "23:03:20Z"),
        (["930", "1000"], "%h", "09:30:00Z"), (["0930", "1000"], "%h", "09:30:00Z"),
        (["93000", "100000"], "%t", "09:30:00Z"),
        (["34200", "34260"], "%O", "09:30:00Z"),
    ],
)  # fmt: skip
def test_numbers_that_may_be_several_times_of_day_are_refused_with_each_reading(read, numbers, letter, time):
    text = "Date,Time,Close\n" + "".join(f"01/13/2023,{number},{at}\n" for at, number in enumerate(numbers))
    refused = read("--symbol", "X", bars=text)
    assert f"--time-format '%m/%d/%Y {letter}'" in refused, refused
    assert read("--symbol", "X", "--time-format", f"%m/%d/%Y {letter}", bars=text)[0][1] == f"2023-01-13T{time}"


def test_numbers_that_are_one_time_of_day_need_no_option(read):
    text = "Date,Time,Close\n20230113,34200000,1\n20230113,34260000,2\n"
    assert [line[1] for line in read("--symbol", "X", bars=text)] == ["2023-01-13T09:30:00Z", "2023-01-13T09:31:00Z"]


@pytest.mark.parametrize("none", ["9223372036854775807", "9.223372036854775807e18", "9223372036854775807.0"])
def test_no_price_of_databento_however_it_is_written(read, none):
    text = f"symbol,date,close\nA,2023-01-12,36600000000\nA,2023-01-13,{none}\n"
    asked = ["--scale", "close=1e-9", "--max-missing", "0.5"]
    assert read(*asked, bars=text) == [["A", "2023-01-12", "36.6"]]


def test_no_price_of_databento_as_a_float(tmp_path):
    frame = pd.DataFrame({"symbol": "A", "date": ["2023-01-12", "2023-01-13"], "close": [3.66e10, float(2**63 - 1)]})
    for name in ("a.parquet", "a.feather"):
        getattr(frame, f"to_{name[2:]}")(tmp_path / name)
        assert read_bars([str(tmp_path / name)], reading=Reading(("close",), scale=("close=1e-9",)))[
            "close"
        ].tolist() == [36.6]


@pytest.mark.parametrize(("first", "then"), [("\n", "\r"), ("\r\n", "\r")])
@pytest.mark.parametrize("rows", [3, 5_000, 120_000])
def test_a_part_whose_lines_end_otherwise_is_refused(read, first, then, rows):
    """All of it counted as one invalid row, within the tolerance."""

    def bars(symbol, count, end):
        return "".join(f"{symbol},{date.fromordinal(700_000 + number)},1{end}" for number in range(count))

    text = f"symbol,date,close{first}" + bars("A", 3000, first) + f"symbol,date,close{then}" + bars("B", rows, then)
    refused = read("--max-bad", "0.1", bars=text)
    assert "bars.csv: ends its lines in line feeds, but has rows that end in carriage returns alone, " in refused
    assert "tr '\\r' '\\n'" in refused
    assert len(read(bars=text.replace("\r", "\n"))) == 3000 + rows  # as the cure makes it


def test_an_empty_field_is_the_same_in_text_and_in_parquet(tmp_path):
    frame = pd.DataFrame({"symbol": ["A", "B"], "date": "2023-01-12", "close": [1.0, 2.0], "venue": [None, "N"]})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    for name in ("a.parquet", "a.csv"):
        found = read_bars([str(tmp_path / name)], reading=Reading(("close",), where=("venue=",)))
        assert found["symbol"].tolist() == ["A"]


def test_what_reads_an_outputs_bars_again_reads_its_folders_below_too(run_job, tmp_path):
    from windrow.frames.outputs import full_reading_of

    (tmp_path / "bars/deep").mkdir(parents=True)
    for place, symbol in (("a.csv", "A"), ("deep/b.csv", "B")):
        (tmp_path / "bars" / place).write_text(f"symbol,date,close\n{symbol},2023-01-12,1\n")
    assert run_job("--window", "1", "--recursive", "-o", tmp_path / "out", tmp_path / "bars").status == 0
    frame = read_bars([str(tmp_path / "bars")], reading=full_reading_of(tmp_path / "out"))
    assert frame["symbol"].tolist() == ["A", "B"]


def test_feather_without_a_valid_time_is_said_to_be_so(run_job, tmp_path):
    pd.DataFrame({"symbol": ["A"] * 3, "date": ["soon"] * 3, "close": 1.0}).to_feather(tmp_path / "a.feather")
    ran = run_job("--window", "1", tmp_path / "a.feather")
    assert ran.status == 1 and "3 rows read, all invalid: 3 time (the time does not parse: 'soon' in column" in ran.err


def test_objects_within_an_array_on_a_line_are_refused(run_job, tmp_path):
    """They counted as one invalid row."""
    rows = [
        {"symbol": "A", "date": f"{2000 + n // 300}-{1 + n // 25 % 12:02}-{1 + n % 25:02}", "close": n}
        for n in range(4000)
    ]
    lines = [*map(json.dumps, rows[:2000]), json.dumps(rows[2000:])]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, ""]))
    ran = run_job("--window", "1", tmp_path / "a.jsonl")
    assert ran.status == 1 and "is objects of which number 2,001 is an array of objects" in ran.err
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(run_job("-q", "--window", "1", tmp_path / "a.jsonl").lines) == 4000


def test_the_symbol_beside_an_array_is_its_objects(run_job, tmp_path):
    bars = [{"date": "2023-01-12", "close": 1, "code": "R", "name": "of the exchange"}]
    (tmp_path / "a.json").write_text(json.dumps({"symbol": "AAPL", "bars": bars}))
    assert run_job("-q", "--window", "1", tmp_path / "a.json").lines == [b"AAPL\t2023-01-12\t1.0"]
    (tmp_path / "a.json").write_text(json.dumps({"symbol": "AAPL", "bars": [{**bars[0], "ticker": "MSFT"}]}))
    assert run_job("-q", "--window", "1", tmp_path / "a.json").lines == [b"MSFT\t2023-01-12\t1.0"]
