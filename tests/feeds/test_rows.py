"""Which rows a job takes: chosen symbols, a span of time, values of other columns; pandas chooses the expected ones."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rejects import Rejects
from windrow.bars.columns import Layout, join_bars
from windrow.bars.layout import Reading, from_json, layout_of, selected, to_json
from windrow.bars.text import parse_lines
from windrow.errors import InputError, UsageError
from windrow.feeds.files import read_bars
from windrow.frames.outputs import read_bars as read_frame
from windrow.mapreduce.options import reading

HEADER = "symbol,date,close,series,exchange\n"
ROWS = """\
AAA,2023-01-02,1,EQ,NSE
AAA,2023-01-02,9,BE,NSE
AAA,2023-01-03,2,EQ,NSE
BBB,2023-01-03,5, EQ ,BSE
BBB,2023-01-04,,FO,BSE
BBB,2023-01-04,6,EQ,NSE
CCC,soon,x,FO,NSE
CCC,2023-01-05,7,SM,BSE
"""


@pytest.fixture
def bars(tmp_path):
    place = tmp_path / "bars.csv"
    place.write_text(HEADER + ROWS)
    return place


def lines(*rows):
    return [f"{symbol}\t2023-01-0{day}\t{close}.0".encode() for symbol, day, close in rows]


CASES = [
    (["--symbols", "AAA", "--where", "series=EQ"], lines(("AAA", 2, 1), ("AAA", 3, 2)), "6 rows not asked for"),
    (["--symbols", "BBB,CCC", "--to", "2023-01-03"], lines(("BBB", 3, 5)), "1 invalid row"),
    (["--where", "series=EQ", "--where", "series=SM", "--from", "2023-01-04"], lines(("BBB", 4, 6), ("CCC", 5, 7)), ""),
    (["--where", "series=EQ", "--where", "exchange=BSE"], lines(("BBB", 3, 5)), "7 rows not asked for"),
    (["--from", "2023-01-03", "--to", "2023-01-03"], lines(("AAA", 3, 2), ("BBB", 3, 5)), "1 invalid row"),
]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(("options", "expected", "told"), CASES)
def test_rows_that_are_asked_for(run_job, bars, runner, options, expected, told):
    more = ["--max-bad", "1", "--max-missing", "1"] if "invalid" in told else []
    ran = run_job("-r", runner, "--window", "1", *options, *more, bars)
    assert (ran.status, sorted(ran.lines)) == (0, sorted(expected)) and told in ran.err, ran.err


def test_rows_of_another_kind_are_none_of_the_jobs(run_job, bars):
    """The rows of FO lack a close, or have none: they are neither missing nor invalid where EQ is asked for."""
    ran = run_job("--window", "1", "--max-bad", "0", "--max-missing", "0", "--where", "series=EQ", bars)
    assert ran.status == 0 and "4 rows not asked for" in ran.err and "invalid" not in ran.err
    ran = run_job("--window", "1", "--where", "series=FO", bars)
    assert ran.status == 1 and "none of its 2 rows is valid" in ran.err


def test_what_no_row_has_is_refused_and_what_some_lack_is_warned_of(run_job, bars):
    for options in (["--symbols", "ZZZ"], ["--where", "series=eq"], ["--to", "2020-01-01", "--where", "series=EQ"]):
        ran = run_job("--window", "1", *options, bars)
        assert ran.status == 1 and "none of the 8 rows read is one of those asked for; check --symbols" in ran.err
    ran = run_job("-q", "--window", "1", "--symbols", "AAA,Zzz,aaa", "--where", "series=EQ", bars)
    assert ran.status == 0 and ran.err.startswith("warning: --symbols: no bar is of Zzz, aaa; check how the inputs")


def test_symbols_in_a_file_are_one_on_each_line(run_job, tmp_path):
    place, names = tmp_path / "bars.csv", tmp_path / "names.txt"
    place.write_text('symbol,date,close\n"A,B",2023-01-02,1\nB,2023-01-02,2\nC,2023-01-02,3\n')
    names.write_text("\ufeffA,B\r\n\n  C  \n", encoding="utf-8")
    assert run_job("-q", "--window", "1", "--symbols", f"@{names}", place).lines == [
        b"A,B\t2023-01-02\t1.0", b"C\t2023-01-02\t3.0",
    ]  # fmt: skip
    ran = run_job("-q", "--window", "1", "--symbols", "@none.txt", place)
    assert ran.status == 1 and "--symbols @none.txt: cannot be read: No such file or directory" in ran.err
    names.write_text("\n \n")
    assert "names no symbol; give A,B,... or @FILE" in run_job("--window", "1", "--symbols", f"@{names}", place).err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--where", "close=1"], "column 'close' holds a value, which is written in many ways"),
        (["--where", "date=2023-01-02"], "holds the time, which is written in many ways; choose times with --from"),
        (["--where", "nothing=1"], "has no column 'nothing' for --where; its columns are symbol, date, close"),
        (["--where", "series"], "--where series: is not COLUMN=VALUE"),
        (["--from", "soon"], "--from soon: is not a date or time; give e.g. 2023-01-31"),
        (["--from", "2023-01-02", "--to", "2023-01-01"], "no time is in between; --to is not before --from"),
        (["--symbol", "X"], "use --symbols X to take only that symbol's rows"),
        (["--symbol-from-path", "("], "--symbol-from-path (: is no regular expression of Python's"),
        (["--symbol-from-path", "a"], "has 0 groups in parentheses; the group is the symbol"),
        (["--symbol-from-path", "(a)", "--symbol", "X"], "an input has one symbol; give one of the two"),
        (["--symbol-from-path", "(b)"], "has a symbol column, 'symbol', so --symbol-from-path would be ignored"),
    ],
)
def test_what_cannot_choose_is_refused(run_job, bars, options, says):
    ran = run_job("--window", "1", *options, bars)
    assert ran.status and says in ran.err and ran.err.count("\n") == 1


def test_days_are_those_of_the_time_zone_and_a_date_to_includes_its_day(run_job, tmp_path):
    place = tmp_path / "bars.csv"
    times = ["2023-03-12T00:30", "2023-03-12T23:30", "2023-03-13T00:00"]  # New York's clocks change on the 12th
    place.write_text("symbol,date,close\n" + "".join(f"A,{time},{number}\n" for number, time in enumerate(times)))
    read = run_job("-q", "--window", "1", "--timezone", "America/New_York", "--to", "2023-03-12", place)
    assert read.lines == [b"A\t2023-03-12T05:30:00Z\t0.0", b"A\t2023-03-13T03:30:00Z\t1.0"]
    utc = run_job("-q", "--window", "1", "--timezone", "America/New_York", "--from", "2023-03-13T04:00Z", place)
    assert utc.lines == [b"A\t2023-03-13T04:00:00Z\t2.0"]
    exact = run_job("-q", "--window", "1", "--from", times[1], "--to", times[1], place)
    assert exact.lines == [b"A\t2023-03-12T23:30:00Z\t1.0"]


def test_a_header_among_rows_of_another_kind_is_still_one(run_job, tmp_path):
    place = tmp_path / "bars.csv"
    place.write_text(HEADER + ROWS + HEADER + ROWS)
    ran = run_job("--window", "1", "--max-bad", "0", "--where", "series=EQ", place)
    assert ran.status == 0 and "8 rows not asked for" in ran.err
    place.write_text(HEADER + ROWS + "symbol,date,series,close,exchange\n" + ROWS)
    ran = run_job("--window", "1", "--where", "series=EQ", place)
    assert ran.status == 1 and "has a second header" in ran.err


def test_folders_of_hive_choose_whole_inputs(run_job, tmp_path):
    for exchange, symbol, close in (("NSE", "A", 1), ("NSE", "B", 2), ("BSE", "A", 3)):
        folder = tmp_path / f"exchange={exchange}/symbol={symbol}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"date": ["2023-01-02"], "close": [float(close)]}), folder / "part-0.parquet")
    ran = run_job("--window", "1", "--recursive", "--where", "exchange=NSE", tmp_path)
    assert ran.lines == [b"A\t2023-01-02\t1.0", b"B\t2023-01-02\t2.0"]
    assert "1 of 3 inputs have no rows asked for" in ran.err
    assert run_job("--window", "1", "--symbols", "B", f"{tmp_path}/**/*.parquet").lines == [b"B\t2023-01-02\t2.0"]
    ran = run_job("--window", "1", "--recursive", "--where", "exchange=nse", tmp_path)
    assert ran.status == 1 and "none has rows that are asked for; check --symbols and --where" in ran.err


def test_a_symbol_from_the_path(run_job, tmp_path):
    for name in ("us/AAA.us.txt", "us/BBB.us.txt", "de/AAA.de.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"date,close\n2023-01-02,{len(name)}\n2023-01-03,1\n")
    ran = run_job("-q", "--window", "1", "--symbol-from-path", r"([A-Z]+\.\w+)\.txt$", f"{tmp_path}/*/*.txt")
    assert sorted({line.split(b"\t")[0] for line in ran.lines}) == [b"AAA.de", b"AAA.us", b"BBB.us"]
    ran = run_job("-q", "--window", "1", "--symbol-from-path", r"us/(\w+)", f"{tmp_path}/*/*.txt")
    assert ran.status == 1 and "AAA.de.txt: --symbol-from-path us/(\\w+) finds nothing in it" in ran.err


def test_the_output_says_which_rows_and_a_chart_of_it_reads_the_same(run_job, bars, tmp_path):
    options = ["--symbols", "AAA", "--where", "series=EQ", "--from", "2023-01-02"]
    assert run_job("--window", "1", *options, "-o", tmp_path / "out", bars).status == 0
    fields = json.loads((tmp_path / "out/_windrow.json").read_text())["reading"]
    assert (fields["symbols"], fields["where"], fields["since"]) == (["AAA"], ["series=EQ"], "2023-01-02")
    from windrow.frames.outputs import full_reading_of

    frame = read_frame([str(bars)], reading=full_reading_of(tmp_path / "out"))
    assert frame["close"].tolist() == [1.0, 2.0]


def test_rejects_lists_what_is_asked_for(run_job, bars):
    ran = run_job("-q", "--symbols", "BBB,CCC", "--from", "2023-01-05", bars, job=Rejects)
    assert [json.loads(line)["text"] for line in ran.lines] == ["CCC,soon,x,FO,NSE"]


rows = st.lists(
    st.tuples(
        st.sampled_from(["A", " A", "B", "BB", "é", ""]),
        st.sampled_from(["2023-01-01", "2023-01-02", "2023-01-03", "2023-01-04", "x", ""]),
        st.sampled_from(["1", "2.5", "x", "", "1e99"]),
        st.sampled_from(["EQ", "EQ ", "eq", "", "BE"]),
    ),
    min_size=1, max_size=30,
)  # fmt: skip
chosen = st.fixed_dictionaries(
    {
        "symbols": st.sampled_from([(), ("A",), ("B", "é"), ("A", "ZZ")]),
        "since": st.sampled_from([None, "2023-01-02"]),
        "until": st.sampled_from([None, "2023-01-03"]),
        "where": st.sampled_from([(), ("series=EQ",), ("series=EQ", "series=BE")]),
    }
)


def expected(frame, asked):
    """The rows that pandas chooses, in order: those taken that are valid, and how many are not asked for."""
    symbols, series = frame["symbol"].str.strip(), frame["series"].str.strip()
    times = pd.to_datetime(frame["date"], format="%Y-%m-%d", errors="coerce")
    taken = pd.Series(True, frame.index)
    if asked["symbols"]:
        taken &= symbols.isin(asked["symbols"])
    if asked["where"]:
        taken &= series.isin([condition.partition("=")[2] for condition in asked["where"]])
    if asked["since"]:
        taken &= ~(times < asked["since"])
    if asked["until"]:
        taken &= ~(times > asked["until"])
    closes = pd.to_numeric(frame["close"], errors="coerce")
    valid = taken & (symbols != "") & times.notna() & closes.notna() & (closes < 1e15)
    found = zip(symbols[valid], times[valid].dt.strftime("%Y-%m-%d"), closes[valid], strict=True)
    return sorted(found), int((~taken).sum())


def read(bars):
    found = zip(bars.codes.tolist(), bars.times.tolist(), bars.values[0].tolist(), strict=True)
    return sorted((bars.symbols[code], str(pd.Timestamp(time).date()), value) for code, time, value in found)


def selecting(names, asked):
    asked = Reading(("close",), **asked)
    layout = layout_of("bars", names, None, asked)
    layout = selected("bars", layout, asked, dated=True)
    assert from_json(json.loads(json.dumps(to_json(layout)))) == layout
    return layout


@given(rows, chosen)
def test_lines_are_chosen_as_pandas_chooses(rows, asked):
    frame = pd.DataFrame(rows, columns=["symbol", "date", "close", "series"])
    layout = selecting(tuple(frame.columns), asked)
    text = "".join(",".join(row) + "\n" for row in rows).encode()
    bars = parse_lines(text, layout, keep_texts=True)
    assert (read(bars), bars.unselected) == expected(frame, asked)
    assert bars.lines == len(rows) and len(bars.texts) == bars.rejected.total()
    assert set(bars.symbols) == {symbol for symbol, _, _ in read(bars)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return str(tmp_path_factory.mktemp("groups") / "bars.parquet")


@given(rows=rows, asked=chosen, size=st.integers(1, 8), in_order=st.booleans(), dates=st.booleans())
def test_row_groups_are_chosen_as_pandas_chooses(place, rows, asked, size, in_order, dates):
    """Groups that hold nothing asked for are not read; what is read is the same."""
    rows = [row for row in rows if row[2] != "x" and (row[1] not in ("", "x") or not dates)]
    rows = sorted(rows, key=lambda row: row[1]) if in_order else rows
    frame = pd.DataFrame(rows, columns=["symbol", "date", "close", "series"], dtype=str)
    closes = pa.array(pd.to_numeric(frame["close"]).tolist(), pa.float64(), from_pandas=True)
    table = {name: pa.array(frame[name].tolist(), pa.string()) for name in ("symbol", "date", "series")}
    times = table["date"].cast(pa.date32()) if dates else table["date"]
    pq.write_table(pa.table({**table, "date": times, "close": closes}), place, row_group_size=size)
    layout = selecting(("symbol", "date", "series", "close"), asked)
    bars = join_bars(list(read_bars(place, layout)) or [parse_lines(b"", layout)])
    assert (read(bars), bars.unselected) == expected(frame, asked) and bars.lines == len(rows)


def test_row_groups_of_other_times_and_symbols_are_not_read(tmp_path, monkeypatch):
    """A thousand days in ten groups: of one month only the groups near it are read."""
    place, days = tmp_path / "bars.parquet", pd.date_range("2020-01-01", periods=1000)
    for times in (pa.array(days), pa.array(days).cast(pa.date32()), pa.array(days.tz_localize("UTC").as_unit("ms"))):
        pq.write_table(
            pa.table({"symbol": ["A", "B"] * 500, "date": times, "close": [1.0] * 1000}), place, row_group_size=100
        )
        asked = Reading(("close",), since="2021-01-01", until="2021-01-31")
        layout = layout_of("bars", ("symbol", "date", "close"), None, asked)
        layout = selected("bars", Layout(**{**vars(layout), "dated": True}), asked, dated=True)
        seen = list(read_bars(str(place), layout))
        assert sum(map(len, seen)) == 31 and seen[-1].unselected >= 800 and not len(seen[-1])


def test_a_hostile_condition_is_refused():
    for name in ("=", "=x", "  =x"):
        with pytest.raises(UsageError, match="is not COLUMN=VALUE"):
            reading_of(where=[name])


def reading_of(**given):
    from argparse import Namespace

    from windrow.mapreduce.options import check_reading

    usual = {
        "adjusted": False, "on_conflict": "fail", "columns": None, "symbol": None, "symbol_from_filename": False,
        "timezone": "UTC", "time_unit": None, "delimiter": None, "skip_lines": None, "encoding": None,
        "time_format": None, "decimal": None, "thousands": None, "symbols": None, "from": None, "to": None, "where": [],
        "recursive": False,
        "symbol_from_path": None, "rename": None, "time_column": None, "symbol_column": None, "wide": None,
    }  # fmt: skip
    asked = Namespace(**{**usual, **given})
    check_reading(asked)
    return reading(asked, ["close"], {})


def test_a_column_of_bytes_cannot_choose(tmp_path):
    place = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"symbol": ["A"], "date": ["2023-01-02"], "close": [1.0], "series": [b"EQ"]}), place)
    with pytest.raises(InputError, match="column 'series' is of type binary; --where compares text, numbers and dates"):
        read_frame([str(place)], reading=Reading(("close",), where=("series=EQ",)))


def test_numbers_and_dates_of_parquet_choose_by_their_text(tmp_path):
    place = tmp_path / "bars.parquet"
    series = pa.array([1, 2, None, 1], pa.int32())
    table = {"symbol": ["A", "B", "C", "D"], "date": ["2023-01-02"] * 4, "close": [1.0, 2.0, 3.0, 4.0]}
    days = pa.array([0, 1, 0, None], pa.date32())
    pq.write_table(pa.table({**table, "series": series, "listed": days}), place)
    for where, symbols in (("series=1", ["A", "D"]), ("listed=1970-01-01", ["A", "C"]), ("series=01", [])):
        frame = read_frame([str(place)], reading=Reading(("close",), where=(where,)))
        assert frame["symbol"].tolist() == symbols
