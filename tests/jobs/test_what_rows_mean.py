"""Inputs whose rows are easily read as something else: read right or refused by name, on each runner, in each format.

Each input here was once read wrong with exit status 0, or its refusal led to that. Right values are worked out by hand.
"""

import bz2
import gzip
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from jobs.rejects import Rejects

pytestmark = pytest.mark.one_python

DAYS = [f"2023-01-{day:02d}" for day in range(1, 32)]
GOOD = "symbol,timestamp,close\n" + "".join(f"A,{day},{number}\n" for number, day in enumerate(DAYS, 1))
PACK = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstandard.ZstdCompressor().compress}


@pytest.fixture(params=["inline", pytest.param("local", marks=pytest.mark.full)])
def job(request, run_job, tmp_path, monkeypatch):
    """Runs moving averages of one bar, which print each bar as it was read."""
    monkeypatch.chdir(tmp_path)

    def run(*args, window="1", **how):
        done = run_job("-r", request.param, "--window", window, *args, **how)
        assert "Traceback" not in done.err
        assert not (done.status and done.out), "printed although it failed"
        return done

    return run


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(done, *parts, status=1):
    assert done.status == status and done.out == b"", done.err
    (error,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    for part in parts:
        assert part in error, error
    return error


def bars(done):
    """{(symbol, time): value} of a run that ended well."""
    assert done.status == 0, done.err
    fields = [line.decode().split("\t") for line in done.lines]
    assert len({(symbol, time) for symbol, time, _ in fields}) == len(fields)
    return {(symbol, time): float(value) for symbol, time, value in fields}


# 13: units of counted times.

COUNTS = {"s": 1_672_531_200, "ms": 1_672_531_200_000, "us": 1_672_531_200_000_000, "ns": 1_672_531_200_000_000_000}
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def counted(unit, first=0, rows=60):
    """A CSV of minutes from 2023-01-01T00:00Z on."""
    times = (COUNTS[unit] + 60 * minute * PER_SECOND[unit] for minute in range(first, first + rows))
    return "symbol,timestamp,close\n" + "".join(f"A,{time},{number}\n" for number, time in enumerate(times, first + 1))


def counted_as(path, kind, unit):
    if kind == "parquet":
        rows = [line.split(",") for line in counted(unit).splitlines()[1:]]
        table = {"symbol": [row[0] for row in rows], "timestamp": pa.array([int(row[1]) for row in rows]),
                 "close": [float(row[2]) for row in rows]}  # fmt: skip
        pq.write_table(pa.table(table), path.with_suffix(".parquet"))
        return path.with_suffix(".parquet")
    return write(path.with_suffix(".csv" + kind), PACK[kind](counted(unit).encode()))


@pytest.mark.parametrize("kind", ["", ".gz", "parquet"])
@pytest.mark.parametrize(("written", "asked"), [("ms", "us"), ("s", "ms"), ("s", "us"), ("us", "ns"), ("ms", "ns")])
def test_counts_in_a_larger_unit_than_was_said_are_not_times_of_1970(job, tmp_path, kind, written, asked):
    path = counted_as(tmp_path / "a", kind, written)
    error = refused(job("--time-unit", asked, path), str(path), "are all in 1970 or 1971", f"as {NAMES[written]} they")
    assert error.endswith(f"use --time-unit {written}")
    read = bars(job("--time-unit", written, path))  # the cure
    assert len(read) == 60 and read["A", "2023-01-01T00:59:00Z"] == 60


@pytest.mark.parametrize(("written", "asked"), [("us", "ms"), ("ns", "us"), ("ms", "s")])
def test_counts_in_a_smaller_unit_than_was_said_are_no_times(job, tmp_path, written, asked):
    path = counted_as(tmp_path / "a", "", written)
    refused(job("--time-unit", asked, path), "60 time", f"look like {NAMES[written]}, not {NAMES[asked]}",
            "leave out --time-unit, and each is read by its magnitude")  # fmt: skip
    assert len(bars(job(path))) == 60  # the cure


@pytest.mark.parametrize("asked", ["ms", "us"])
def test_a_folder_of_milliseconds_until_2024_and_microseconds_from_2025(job, tmp_path, asked):
    for year, unit in ((2023, "ms"), (2024, "ms"), (2025, "us")):
        begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * PER_SECOND[unit]
        rows = "".join(f"A,{begin + minute * 60 * PER_SECOND[unit]},1\n" for minute in range(1440))
        write(tmp_path / f"in/{year}.csv", "symbol,timestamp,close\n" + rows)
    wrong = {"ms": "2025.csv", "us": "2023.csv"}[asked]
    refused(
        job("--time-unit", asked, tmp_path / "in"), wrong, "leave out --time-unit, and each is read by its magnitude"
    )
    assert len(bars(job(tmp_path / "in"))) == 3 * 1440


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_of_two_units(job, tmp_path, order):
    """More of the first kind than is sampled at submission."""
    rows = [*counted("ms", rows=9000).splitlines()[1:], *counted("us", 9000, 9000).splitlines()[1:]]
    path = write(tmp_path / "a.csv", "\n".join(["symbol,timestamp,close", *rows[::order], ""]))
    refused(job("--time-unit", "us", path), "a.csv: its times", "milliseconds")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["", "parquet"])
def test_eight_digits_are_no_counts(job, tmp_path, unit, kind):
    text = GOOD.replace("2023-01-", "202301")
    path = write(tmp_path / "a.csv", text)
    if kind:
        rows = [line.split(",") for line in text.splitlines()[1:]]
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"symbol": [row[0] for row in rows], "timestamp": [int(row[1]) for row in rows],
                                 "close": [1.0] * len(rows)}), path)  # fmt: skip
    refused(job("--time-unit", unit, path), "20230101 to 20230131, look like dates", "leave out --time-unit")
    assert list(bars(job(path))) == [("A", f"2023-01-{day:02}") for day in range(1, 32)]


def test_counts_are_of_the_unit_that_their_magnitude_shows(job, tmp_path):
    for unit in COUNTS:
        path = counted_as(tmp_path / unit, "", unit)
        done = job(path)
        assert done.lines == job("--time-unit", unit, path).lines and len(done.lines) > 2
        assert f"times are {NAMES[unit]} since 1970" in done.err
        assert job(counted_as(tmp_path / unit, "parquet", unit)).lines == done.lines


def test_a_series_through_1970_is_read(job, tmp_path):
    days = [(day, int((date(1969, 1, 1) - date(1970, 1, 1)).days + day) * 86_400) for day in range(9000)]
    path = write(tmp_path / "a.csv", "symbol,timestamp,close\n" + "".join(f"A,{at},{day + 1}\n" for day, at in days))
    read = bars(job("--time-unit", "s", path))
    assert len(read) == 9000 and read["A", "1970-01-20"] == 365 + 20
    short = write(tmp_path / "b.csv", "symbol,timestamp,close\n" + "".join(f"A,{at},1\n" for _, at in days[400:500]))
    refused(job("--time-unit", "s", short), "b.csv: its times", "convert them to times as text")


# 14: --columns against the file's own header.

MIXED = "Date,Close,High,Low,Open\n2023-01-02,10.5,12,9,10\n2023-01-03,11.5,13,10,11\n"


@pytest.mark.parametrize("pack", PACK)
def test_columns_that_contradict_the_header(job, tmp_path, pack):
    path = write(tmp_path / f"a.csv{pack}", PACK[pack](MIXED.encode()))
    error = refused(job("--symbol", "A", "--columns", "date,open,high,low,close", path),
                    "its column 2 is 'close' in its header, 'open' in --columns", "leave it out")  # fmt: skip
    right = {("A", "2023-01-02"): 10.5, ("A", "2023-01-03"): 11.5}
    assert bars(job("--symbol", "A", path)) == right
    assert bars(job("--symbol", "A", "--columns", error.rpartition("--columns ")[2], path)) == right


def test_columns_that_name_the_same_columns(job, tmp_path):
    path = write(tmp_path / "a.csv", MIXED)
    done = job("--symbol", "A", "--columns", "timestamp,close,high,low,open", path)
    assert bars(done) == {("A", "2023-01-02"): 10.5, ("A", "2023-01-03"): 11.5} and "invalid" not in done.err
    refused(job("--symbol", "A", "--columns", "date,close", path), "its header names 5 columns, --columns 2")


def test_columns_over_a_header_of_unknown_names(job, tmp_path):
    path = write(tmp_path / "a.csv", MIXED.replace("Date,Close,High,Low,Open", "Tag,Schluss,Hoch,Tief,Start1"))
    done = job("--symbol", "A", "--columns", "date,close,high,low,open", path, "--max-bad", "0.5")
    assert bars(done) == {("A", "2023-01-02"): 10.5, ("A", "2023-01-03"): 11.5}
    partly = write(tmp_path / "b.csv", MIXED.replace("Date,Close,High,Low,Open", "Day,SMA20,High,Low,Close"))
    refused(job("--symbol", "A", "--columns", "date,close,high,low,x", partly), "column 2 is 'sma20'")


def test_columns_that_contradict_parquet(job, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"symbol": ["A"], "date": ["2023-01-02"], "close": [2.0], "open": [1.0]}), path)
    for names in ("symbol,date,open,close", "symbol,date,close,open"):
        refused(job("--columns", names, path), "has names for its columns, symbol, date, close, open, but --columns is")
    assert bars(job(path)) == {("A", "2023-01-02"): 2}


# 15: a second header.


@pytest.mark.parametrize("far", [5, 20_000])
@pytest.mark.parametrize("pack", ["", ".gz"])
def test_a_second_header_in_another_order_fails_the_job(job, tmp_path, far, pack):
    begin = datetime(2000, 1, 1)
    times = [(begin + timedelta(hours=hour)).isoformat() for hour in range(2 * far)]
    text = "symbol,timestamp,open,close\n" + "".join(f"A,{time},1,2\n" for time in times[:far])
    text += "symbol,timestamp,close,open\n" + "".join(f"A,{time},2,1\n" for time in times[far:])
    path = write(tmp_path / f"a.csv{pack}", PACK[pack](text.encode()))
    refused(job("--max-bad", "1", path), "a.csv", "has a second header, 'symbol,timestamp,close,open'", "split it")


@pytest.mark.parametrize("second", ["symbol,timestamp,close,volume", "Date,Close", "timestamp,symbol,open,close"])
def test_a_second_header_of_other_columns(job, tmp_path, second):
    path = write(tmp_path / "a.csv", f"symbol,timestamp,open,close\nA,2023-01-02,1,2\n{second}\nA,2023-01-03,1,2\n")
    refused(job("--max-bad", "1", path), f"second header, '{second}'")


def test_a_header_again_is_no_row(job, tmp_path):
    text = "symbol,timestamp,open,close\nA,2023-01-02,1,2\nSymbol,Timestamp,Open,Close\nTicker,Date,OPEN,close\n"
    done = job(write(tmp_path / "a.csv", text + "A,2023-01-03,1,3\n"))
    assert bars(done) == {("A", "2023-01-02"): 2, ("A", "2023-01-03"): 3} and "invalid" not in done.err


def test_an_invalid_row_with_words_is_no_header(job, tmp_path):
    path = write(tmp_path / "a.csv", GOOD + "date,time,close?\nA,2023-02-02,close\n")
    refused(job(path), "2 of 33 rows are invalid")
    assert len(bars(job("--max-bad", "0.1", path))) == 31


# 16: a column of the key that is left out.

MINUTES = [(f"2023-01-{day:02d}", f"09:{minute:02d}") for day in range(2, 10) for minute in range(30, 60)]
SPLIT_TIME = "".join(f"A,{day},{time},{number}.5\n" for number, (day, time) in enumerate(MINUTES, 1))


def test_date_and_time_in_two_columns_are_one_time(job, tmp_path):
    split = job(write(tmp_path / "a.csv", "symbol,date,time,close\n" + SPLIT_TIME))
    assert "times joined from date and time" in split.err
    joined = "".join(f"A,{day} {time},{n}.5\n" for n, (day, time) in enumerate(MINUTES, 1))
    read = bars(job(write(tmp_path / "b.csv", "symbol,timestamp,close\n" + joined)))
    assert bars(split) == read
    assert len(read) == 240 and read["A", "2023-01-09T09:59:00Z"] == 240.5


@pytest.mark.parametrize("column", ["uhrzeit", "hour_minute", "time"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_column_that_is_left_out_is_named(job, tmp_path, column, kind):
    path = write(tmp_path / "a.csv", f"symbol,date,{'x' if column == 'time' else column},close\n" + SPLIT_TIME)
    options = []
    if column == "time":
        options = ["--columns", "symbol,date,trading_time,close"]
    if kind == "parquet":
        rows = [line.split(",") for line in SPLIT_TIME.splitlines()]
        names = ["symbol", "date", "trading_time" if column == "time" else column, "close"]
        table = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        path, options = tmp_path / "a.parquet", []
        pq.write_table(pa.table({**table, "close": [float(row[3]) for row in rows]}), path)
    named = "trading_time" if column == "time" else column
    error = refused(job(*options, path), f"by column {named!r}", "seems left out")
    assert "--on-conflict" not in error
    done = job(*options, "--on-conflict", "smallest", path)
    assert done.status == 0 and "warning: 232 conflicts were settled by --on-conflict; in " in done.err


def test_series_of_one_symbol_are_told_apart_by_their_column(job, tmp_path):
    prices = {"EQ": ".5", "BE": ".75"}
    rows = "".join(f"A,{day},{series},{n}{prices[series]}\n" for n, day in enumerate(DAYS) for series in prices)
    refused(job(write(tmp_path / "a.csv", "symbol,date,series,close\n" + rows)), "differ by column 'series'")


def test_conflicts_that_nothing_in_the_file_explains(job, tmp_path):
    path = write(tmp_path / "a.csv", "symbol,date,close\n" + "".join(f"A,{day},{n}\n" for day in DAYS for n in (1, 2)))
    error = refused(job(path), "31 conflicts", "a column that tells them apart seems left out")
    assert "--on-conflict" not in error
    few = write(tmp_path / "b.csv", GOOD + "A,2023-01-05,7\n")
    refused(job(few), "1 conflict, different bars", "--on-conflict smallest|largest")


# 17: every input for itself.

BARREN = "symbol,timestamp,close\n" + "".join(f"B,day {day},1\n" for day in range(1, 29))


@pytest.mark.parametrize("max_bad", [[], ["--max-bad", "1"]])
@pytest.mark.parametrize("pack", PACK)
def test_an_input_without_a_valid_row_among_59_good_ones(job, tmp_path, max_bad, pack):
    for number in range(59):
        write(tmp_path / f"in/{number:02d}.csv", GOOD.replace("\nA,", f"\nS{number},"))
    write(tmp_path / f"in/us.csv{pack}", PACK[pack](BARREN.encode()))
    refused(job(*max_bad, tmp_path / "in"), f"in/us.csv{pack}: none of its 28 rows is valid: 28 time")


def test_max_bad_holds_for_each_input(job, tmp_path):
    for number in range(20):
        write(tmp_path / f"in/{number:02d}.csv", GOOD.replace("\nA,", f"\nS{number},"))
    bad = write(tmp_path / "in/bad.csv", GOOD + "A,noon,1\n" * 2)
    refused(job("--max-bad", "0.05", tmp_path / "in"), f"{bad}: 2 of 33 rows are invalid: 2 time",
            "--max-bad 0.05 allows 1 of an input")  # fmt: skip
    assert len(bars(job("--max-bad", "0.07", tmp_path / "in"))) == 21 * 31
    write(tmp_path / "in/badder.csv", GOOD + "A,noon,1\n" * 3)
    refused(job("--max-bad", "0.05", tmp_path / "in"), "(1 more inputs break a rule too)")


def test_the_ranges_of_a_large_input_count_together(job, tmp_path, monkeypatch):
    """Invalid rows are all in one of many mappers' ranges: too many for that range, but not for the file."""
    monkeypatch.setattr("windrow.runners.simulated.SPLIT_BYTES", 2000)
    begin = date(1900, 1, 1)
    rows = [f"A,{begin + timedelta(days=day)},{day + 1}\n" for day in range(20_000)]
    rows[7000:7000] = ["A,noon,1\n"] * 20
    path = write(tmp_path / "a.csv", "symbol,timestamp,close\n" + "".join(rows))
    assert len(bars(job("--max-bad", "0.001", path))) == 20_000
    refused(job("--max-bad", "0.0009", path), "20 of 20,020 rows are invalid")


@pytest.mark.parametrize("more", [["--slices", "100d"], ["-D", "mapreduce.job.reduces=3"]])
def test_the_rules_hold_with_slices_and_with_many_reducers(job, tmp_path, more):
    write(tmp_path / "in/a.csv", GOOD)
    bad = write(tmp_path / "in/b.csv", GOOD.replace("\nA,", "\nB,") + "B,noon,1\n" * 2)
    refused(job("--max-bad", "0.04", *more, tmp_path / "in"), f"{bad}: 2 of 33 rows are invalid")
    assert len(bars(job("--max-bad", "0.07", *more, tmp_path / "in"))) == 62


def test_rejects_lists_what_a_job_refuses(run_job, tmp_path):
    path = write(tmp_path / "us.csv", BARREN)
    assert len(run_job(path, job=Rejects).lines) == 28


# 18: blanks around symbols, and symbols that look alike.


@pytest.mark.parametrize("kind", ["csv", "csv with an invalid row", "gz", "parquet", "stdin"])
def test_blanks_around_symbols_are_trimmed(job, tmp_path, kind):
    symbols = [" AAPL", "AAPL", "AAPL ", "AAPL\t", "\u00a0AAPL\u00a0"]
    rows = [(symbol, day, float(n)) for n, (symbol, day) in enumerate(zip(symbols, DAYS, strict=False), 1)]
    text = "symbol,timestamp,close\n" + "".join(f"{symbol},{day},{n}\n" for symbol, day, n in rows)
    given, stdin = tmp_path / "a.csv", b""
    if kind == "stdin":
        given, stdin = "-", text.encode()
    elif kind == "parquet":
        given = tmp_path / "a.parquet"
        columns = [list(column) for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(columns, names=["symbol", "timestamp", "close"]), given)
    elif kind == "gz":
        given = write(tmp_path / "a.csv.gz", gzip.compress(text.encode()))
    else:
        write(given, text + ("AAPL,noon,1\n" if "invalid" in kind else ""))
    done = job("--max-bad", "0.5", given, window="5", stdin=stdin)
    assert done.out == b"AAPL\t2023-01-05\t3.0\n" and " of 1 symbol " in done.err


def test_a_symbol_of_blanks_is_missing(job, tmp_path):
    path = write(tmp_path / "a.csv", GOOD + " \t,2023-02-01,1\n")
    assert "1 row without a needed value" in job(path).err
    refused(job("--symbol", " ", write(tmp_path / "b.csv", "date,close\n2023-01-01,1\n")), "is empty", status=2)


@pytest.mark.parametrize("more", [[], ["-D", "mapreduce.job.reduces=4"]])
def test_symbols_that_differ_by_case_or_dots_alone_are_told(job, tmp_path, more):
    rows = "".join(f"{symbol},2023-01-01,1\n" for symbol in ("aapl", "AAPL", "BRK.B", "BRKB", "VOD.", "VOD", "X"))
    done = job(*more, write(tmp_path / "a.csv", "symbol,timestamp,close\n" + rows))
    assert done.status == 0 and len(done.lines) == 7
    (warning,) = [line for line in done.err.splitlines() if line.startswith("warning: ")]
    assert "'AAPL', 'aapl'; 'VOD', 'VOD.'; if they" in warning and "BRK" not in warning
    assert "warning" not in job(*more, write(tmp_path / "b.csv", GOOD)).err


# 19: midnights of an exchange.


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("kind", ["offset", "T", "gz", "local", "parquet", "parquet local"])
def test_bars_stamped_at_an_exchanges_midnight_are_dated(job, tmp_path, zone, kind):
    days = [(datetime(2024, 2, 20) + timedelta(days=day)).replace(tzinfo=ZoneInfo(zone)) for day in range(31)]
    texts = [time.replace(tzinfo=None).isoformat(" ") if "local" in kind else
             time.isoformat("T" if kind == "T" else " ") for time in days]  # fmt: skip
    options = ["--timezone", zone] if "local" in kind else []
    path = tmp_path / "a.csv"
    text = "symbol,timestamp,close\n" + "".join(f"A,{time},{n}\n" for n, time in enumerate(texts, 1))
    if "parquet" in kind:
        path = tmp_path / "a.parquet"
        naive = pa.timestamp("us")
        times = pa.array([time.replace(tzinfo=None) for time in days], naive) if "local" in kind else pa.array(
            [int(time.timestamp() * 10**6) for time in days], pa.int64()).cast(pa.timestamp("us", zone))  # fmt: skip
        table = {"symbol": ["A"] * 31, "timestamp": times, "close": [float(n) for n in range(1, 32)]}
        pq.write_table(pa.table(table), path)
    elif kind == "gz":
        path = write(tmp_path / "a.csv.gz", gzip.compress(text.encode()))
    else:
        write(path, text)
    read = bars(job(*options, path, window="7d"))
    # The first full week ends with the eighth bar; each mean is of the seven bars up to it.
    expected = {("A", day.strftime("%Y-%m-%d")): float(n - 3) for n, day in enumerate(days, 1) if n >= 8}
    assert read == expected


def test_dates_and_exchange_midnights_in_one_run_are_dates(job, tmp_path):
    write(tmp_path / "in/a.csv", GOOD)
    write(tmp_path / "in/b.csv", "symbol,timestamp,close\nB,2023-01-01 00:00:00+05:30,7\n")
    read = bars(job(tmp_path / "in"))
    assert len(read) == 32 and read["B", "2023-01-01"] == 7


def test_midnights_among_inputs_with_times_of_day_are_instants(job, tmp_path):
    """One bar of an hour may be all that a file holds of a day: its midnight is no date."""
    write(tmp_path / "in/a.csv", "symbol,timestamp,close\nB,2023-01-01 00:00:00+05:30,7\n")
    write(tmp_path / "in/b.csv", "symbol,timestamp,close\nB,2023-01-01 01:00:00+05:30,8\n")
    read = bars(job(tmp_path / "in"))
    assert read == {("B", "2022-12-31T18:30:00Z"): 7, ("B", "2022-12-31T19:30:00Z"): 8}


def test_a_time_of_day_far_into_a_file_of_midnights(job, tmp_path):
    begin = datetime(1900, 1, 1)
    rows = [f"A,{begin + timedelta(days=day)}+05:30,1\n" for day in range(60_000)]
    path = write(tmp_path / "a.csv.gz", gzip.compress(("symbol,timestamp,close\n" + "".join(rows)).encode()))
    assert len(bars(job(path))) == 60_000
    rows.append("A,2099-01-01 09:15:00+05:30,1\n")
    path = write(tmp_path / "b.csv", "symbol,timestamp,close\n" + "".join(rows))
    done = job(path)
    assert (done.status, len(done.lines)) == (0, 60_001) or "but also a time of day: 2099-01-01T09:15:00Z" in done.err


# 20: folders that name the symbol.


def parquet_without_symbol(path, first):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"date": DAYS[:3], "close": [first, first + 1.0, first + 2.0]}), path)
    return path


@pytest.mark.parametrize("options", [[], ["--symbol-from-filename"]])
def test_a_folder_that_names_the_symbol(job, tmp_path, options):
    paths = [parquet_without_symbol(tmp_path / f"symbol={name}/part-0.parquet", first)
             for name, first in (("AAPL", 1.0), ("BRK%2FB", 11.0))]  # fmt: skip
    paths.append(write(tmp_path / "date=x/Symbol=MSFT/y=2023/part-0.csv", "date,close\n2023-01-01,21\n"))
    read = bars(job(*options, *paths))
    assert read == {
        **{("AAPL", day): n for n, day in enumerate(DAYS[:3], 1)},
        **{("BRK/B", day): n for n, day in enumerate(DAYS[:3], 11)},
        ("MSFT", "2023-01-01"): 21,
    }
    refused(job("--symbol", "X", paths[0]), "is in a folder of symbol 'AAPL', but --symbol is 'X'")
    null = parquet_without_symbol(tmp_path / "symbol=__HIVE_DEFAULT_PARTITION__/part-0.parquet", 1.0)
    refused(job(null), "stands for bars without a symbol")


def test_one_name_in_several_folders(job, tmp_path):
    paths = [write(tmp_path / f"{venue}/AAPL.csv", f"date,close\n2023-01-0{n},{n}\n")
             for n, venue in enumerate(("nyse", "xetra"), 1)]  # fmt: skip
    refused(job("--symbol-from-filename", *paths), "would have the same symbol, 'AAPL'", "rename the files")
    assert bars(job("--symbol", "AAPL", *paths)) == {("AAPL", "2023-01-01"): 1, ("AAPL", "2023-01-02"): 2}  # the cure
    assert bars(job("--symbol-from-filename", paths[0], paths[0])) == {("AAPL", "2023-01-01"): 1}


# 21: which column is the symbol.


def test_a_code_is_the_symbol_before_a_name(job, tmp_path):
    text = "date,code,name,close\n2023-01-01,000001,Old Ltd,1\n2023-01-02,000001,New Ltd,3\n"
    assert bars(job(write(tmp_path / "a.csv", text), window="2")) == {("000001", "2023-01-02"): 2}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_symbol_for_a_file_that_has_its_own(job, tmp_path, kind):
    path = write(tmp_path / "a.csv", GOOD)
    if kind == "parquet":
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"symbol": ["A"] * 31, "timestamp": DAYS, "close": [1.0] * 31}), path)
    refused(job("--symbol", "X", path), "has a symbol column, 'symbol', so --symbol X would", "use --symbols X")
    assert {symbol for symbol, _ in bars(job(path))} == {"A"}


# 22: values that the source says it does not have.

MARKS = ["", "NaN", "nan", "null", "None", "NA", ".", "-", " NaN "]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("place", ["close", "time"])
def test_missing_values_are_a_line_of_the_summary(job, tmp_path, mark, place):
    row = f"A,2023-02-01,{mark}\n" if place == "close" else f"A,{mark},1\n"
    path = write(tmp_path / "a.csv", GOOD + row)
    done = job(path)
    assert len(bars(done)) == 31 and "; 1 row without a needed value" in done.err
    assert "\n  rejected            0\n  missing             1\n" in done.err and "invalid" not in done.err
    shown = (
        f"needed: {mark!r} in column '{'close' if place == 'close' else 'timestamp'}', expected a value; --max-missing"
    )
    refused(job("--max-missing", "0.03", path), f"1 of 32 rows have no value where one is {shown}")


def test_up_to_a_twentieth_of_each_input_may_be_missing(job, tmp_path):
    path = write(tmp_path / "in/a.csv", GOOD + "A,2023-02-01,\n")
    more = "".join(f"B,2022-01-{day:02d},1\n" for day in range(1, 29))
    write(tmp_path / "in/b.csv", GOOD.replace("\nA,", "\nB,") + more)
    assert len(bars(job(tmp_path / "in"))) == 31 + 31 + 28
    write(path, GOOD + "A,2023-02-01,\n" * 2)
    refused(job(tmp_path / "in"), f"{path}: 2 of 33 rows have no value", "--max-missing 0.05 allows 1 of an input")


def test_missing_is_neither_infinite_nor_a_word(job, tmp_path):
    for value in ("inf", "n/a", "--", "..", "nil", "#N/A"):
        refused(job(write(tmp_path / "a.csv", GOOD + f"A,2023-02-01,{value}\n")), "1 of 32 rows are invalid")


def test_missing_values_in_parquet(job, tmp_path):
    path = tmp_path / "a.parquet"
    closes = [float(n) for n in range(1, 30)]
    for absent in (None, float("nan")):
        table = {"symbol": ["A"] * 30, "timestamp": DAYS[:30], "close": [*closes, absent]}
        pq.write_table(pa.table(table), path)
        done = job(path)
        assert len(bars(done)) == 29 and "1 row without a needed value" in done.err


def test_missing_never_hides_a_row_that_is_invalid_besides(job, tmp_path):
    refused(job(write(tmp_path / "a.csv", GOOD + "A,noon,\n")), "1 of 32 rows are invalid: 1 time")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan"])
def test_a_share_is_between_0_and_1(job, tmp_path, value):
    refused(job("--max-missing", value, write(tmp_path / "a.csv", GOOD)), f"--max-missing {value}", status=2)
