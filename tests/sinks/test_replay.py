"""Files in the layouts of the field's sources -> records: the bars that are written by hand in tests/feeds."""

import json

import pytest

from jobs.backtest import Backtest
from tests.conftest import ROOT
from tests.feeds.test_sources import ALL, SOURCES
from windrow.commands.stream import load, reading_of
from windrow.errors import InputError
from windrow.sinks.replay import find


def records_of(*args):
    """The records of `windrow stream load ARGS`, and their keys."""
    asked = load.make_context("load", [*map(str, args), "--to", "kinesis://bars"]).params
    others = ("uri", "shards", "retention", "kms", "journal", "max_bad", "max_missing", "quiet")
    for name in others:
        del asked[name]
    with find(asked.pop("files"), *reading_of(asked.pop("column"), asked)) as found:
        replay = found.replay([bars for bars, _ in found.feed()])
    records = list(replay.records())
    assert len(records) == len(replay)
    return [json.loads(record.data)["data"] for record in records], [record.key for record in records]


@pytest.mark.parametrize("source", ALL, ids=lambda source: source.name)
def test_the_records_of_a_source_are_its_bars_by_time(source):
    symbol = ["--symbol", "X"] if source.symbols == "X" else []
    options, value = source.options.split(), "close"
    if "--column" in options:
        value = options[options.index("--column") + 1]
    elif "--scale" in options:  # which is of closes alone
        options += ["--column", "close"]
    bars, keys = records_of(SOURCES / source.name, *options, *symbol)
    symbols = [source.symbols] * len(source.times) if isinstance(source.symbols, str) else source.symbols
    expected = list(zip(source.times, symbols, source.closes, strict=True))
    found = [(bar["dt"], bar["sym"], bar[value]) for bar in bars]
    assert sorted(found) == sorted(expected)
    assert [bar["dt"] for bar in bars] == sorted(source.times) and keys == [bar["sym"] for bar in bars]


def test_records_have_the_names_of_the_published_solution(tmp_path):
    bars, _ = records_of(ROOT / "data/bars.csv")
    assert list(bars[0]) == ["dt", "sym", "open", "high", "low", "close", "vol"]
    header, first, *_ = (ROOT / "data/bars.csv").read_text().splitlines()
    assert header == "symbol,timestamp,open,high,low,close,volume"
    assert list(bars[0].values()) == [first.split(",")[1], first.split(",")[0], *map(float, first.split(",")[2:])]


def test_a_job_over_the_records_has_the_bits_of_one_over_the_files(run_job, tmp_path):
    """Values that take all of a float64, very small and very large ones, and times of day to the nanosecond."""
    rows = [
        ('b"\u20ac', "2023-01-03T09:30:00.000000001Z", 0.1 + 0.2, 1e-15),
        ("A", "2023-01-03T09:30:00Z", 123456789.12345679, 1e15),
        ("A", "2023-01-03T09:30:00.5Z", 5e-15, 3.0000000000000004),
        ("A", "2023-01-03T09:31:00Z", 1 / 3, 9007199254740993.0 / 10),
    ]
    path, again = tmp_path / "a.csv", tmp_path / "again.jsonl"
    quoted = [('"' + row[0].replace('"', '""') + '"', row[1], repr(row[2]), repr(row[3])) for row in rows]
    path.write_text("symbol,timestamp,open,close\n" + "".join(",".join(row) + "\n" for row in quoted))
    bars, _ = records_of(path)
    again.write_text("".join(json.dumps(bar) + "\n" for bar in bars))
    assert [bar["dt"][16:] for bar in bars] == [":00Z", ":00.000000001Z", ":00.500Z", ":00Z"]
    rules = ["--fast", "sma:1", "--slow", "sma:2", "--quiet", "--size", "1", "--cash", "1e14"]
    one, other = (run_job(*rules, place, job=Backtest) for place in (path, again))
    assert one.status == 0 and one.out == other.out != b"", one.err
    for column in ("open", "close"):
        one, other = (run_job("--window", "1", "-q", "--column", column, place) for place in (path, again))
        assert one.status == 0 and one.out == other.out != b"", one.err


def test_columns_that_not_all_files_have_stay_behind_and_are_told(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("symbol,date,open,close,trades\nA,2023-01-03,1,2,3\n")
    (tmp_path / "b.csv").write_text("symbol,date,close,vol\nA,2023-01-04,1,2\n")
    bars, _ = records_of(tmp_path / "a.csv", tmp_path / "b.csv")
    assert bars == [{"dt": "2023-01-03", "sym": "A", "close": 2.0}, {"dt": "2023-01-04", "sym": "A", "close": 1.0}]
    said = capsys.readouterr().err
    assert "note: not loaded: open, trades, vol; --column names what is to be" in said
    bars, _ = records_of(tmp_path / "a.csv", "--column", "close,trades")
    assert bars == [{"dt": "2023-01-03", "sym": "A", "close": 2.0, "trades": 3.0}]


PARTIAL = """symbol,date,open,close,volume
A,2023-01-03,1,2,3
A,2023-01-04,1.5,2.5,
A,2023-01-05,,3.5,4
A,2023-01-05,,3.5,4
A,2023-01-06,n/a,4.5,5
A,2023-01-09,,,-
A,2023-01-10,2,3,4
A,2023-01-10,2,3,
"""


def test_a_row_that_lacks_some_values_is_a_record_with_the_others(tmp_path, run_job, capfdbinary):
    path, again = tmp_path / "a.csv", tmp_path / "again.jsonl"
    path.write_text(PARTIAL)
    bars, _ = records_of(path)
    assert [tuple(bar.values())[2:] for bar in bars] == [
        (1, 2, 3), (1.5, 2.5, None), (None, 3.5, 4), (None, 4.5, 5), (2, 3, 4),
    ]  # fmt: skip
    said = capfdbinary.readouterr().err.decode()
    assert "3 rows lack some of open, close, volume, or have one that is no number; it is null in their records" in said
    again.write_text("".join(json.dumps(bar) + "\n" for bar in bars))
    lax = ["--window", "1", "-q", "--max-missing", "1", "--max-bad", "1"]
    for column in ("open", "close", "volume"):
        one, other = (run_job(*lax, "--column", column, place) for place in (path, again))
        assert one.status == 0 and one.out == other.out != b"", one.err
    rules = ["--fast", "sma:1", "--slow", "sma:2", *lax[2:]]
    one, other = (run_job(*rules, place, job=Backtest) for place in (path, again))
    assert one.status == 0 and one.out == other.out != b"", one.err


def test_rows_of_one_time_that_lack_different_values_are_refused(tmp_path):
    """sinks/partial.py:with_partial"""
    path = tmp_path / "a.csv"
    path.write_text("symbol,date,open,close\nA,2023-01-03,1,2\nA,2023-01-04,1,\nA,2023-01-04,,2\n")
    with pytest.raises(InputError) as refused:
        records_of(path)
    assert str(refused.value) == (
        f"{path}: has several rows of A at 2023-01-04, which lack different values, so which belong together is"
        " unclear; a symbol has one bar at a time; remove all but one, or choose one column with --column"
    )
    assert [bar["close"] for bar in records_of(path, "--column", "close")[0]] == [2, 2]


def test_a_file_that_may_have_been_cut_short_is_told(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("symbol,date,close\nA,2023-01-03,1\nA,2023-01-04,2")
    assert [bar["close"] for bar in records_of(path)[0]] == [1, 2]
    assert f"warning: {path}: its last line has no line end; it is loaded, but a file that" in capsys.readouterr().err
    path.write_text("symbol,date,close\nA,2023-01-03,1\nA,2023-01-04,2\n")
    records_of(path)
    assert not capsys.readouterr().err


def test_a_column_without_any_value_stays_behind(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("symbol,date,open,close,volume\nA,2023-01-03,1,2,-\nA,2023-01-04,1,2,-\n")
    bars, _ = records_of(path)
    assert list(bars[0]) == ["dt", "sym", "open", "close"]
    assert "note: not loaded: volume; --column names what is to be" in capsys.readouterr().err
