"""Rows of tables of any make are judged, chosen and understood as those of a file with the same rows."""

import sqlite3
from contextlib import nullcontext
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sql.test_read import file_of
from windrow.bars.checks import BLANKS
from windrow.cli import main
from windrow.storage.sql import readers
from windrow.storage.sql import snapshot as snapshots
from windrow.storage.sql.asking import DIALECTS, Asked
from windrow.storage.sql.snapshot import snapshot
from windrow.storage.sql.stored import VALUE, Stored
from windrow.storage.sql.uris import Place

TYPES = {
    "sqlite": {"text": "TEXT", "float": "REAL", "time": "TEXT", "date": "TEXT", "int": "INTEGER", "decimal": "NUMERIC"},
    "mysql": {
        "text": "VARCHAR(40)", "float": "DOUBLE", "time": "DATETIME(6)", "date": "DATE", "int": "BIGINT",
        "decimal": "DECIMAL(20,8)",
    },
    "postgresql": {
        "text": "TEXT", "float": "DOUBLE PRECISION", "time": "TIMESTAMP", "date": "DATE", "int": "BIGINT",
        "decimal": "NUMERIC",
    },
}  # fmt: skip


def make(database, columns, rows, name="bars"):
    """A table with these columns, {name: kind or type}, and rows."""
    scheme = database.uri.partition(":")[0]
    quote = "`" if scheme == "mysql" else '"'
    types = ", ".join(f"{quote}{one}{quote} {TYPES[scheme].get(kind, kind)}" for one, kind in columns.items())
    database.query(f"CREATE TABLE {name} ({types})")
    mark = "?" if scheme == "sqlite" else "%s"
    connection = database.connect()
    cursor = connection.cursor()
    texts = [[str(field) if scheme == "sqlite" and isinstance(field, date) else field for field in row] for row in rows]
    cursor.executemany(f"INSERT INTO {name} VALUES ({', '.join([mark] * len(columns))})", texts)
    connection.commit()
    connection.close()
    return database.uri


BARS = {"symbol": "text", "date": "date", "close": "float"}
DAYS = [date(2026, 1, 5) + timedelta(days=n) for n in range(6)]


def compared(run_job, uri, path, *options, status=0):
    """Runs a job over both, which do the same."""
    want, found = (run_job("--window", "2", *options, one) for one in (path, uri))
    assert (found.status, found.out) == (want.status, want.out), found.err
    assert want.status == status, want.err
    return want, found


def both(database, tmp_path, columns, rows):
    return make(database, columns, rows), file_of(tmp_path / "bars.csv", rows, list(columns))


def test_dates_stay_dates_and_nulls_are_missing(database, tmp_path, run_job):
    rows = [("AA", day, None if n == 2 else 1.5 * n) for n, day in enumerate(DAYS)]
    uri, path = both(database, tmp_path, BARS, [*rows, ("AA", None, 1.0), (None, DAYS[0], 1.0)])
    _, found = compared(run_job, uri, path, "--max-missing", "1")
    assert "3 rows without a needed value" in found.err and b"2026-01-07" not in found.out
    _, found = compared(run_job, uri, path, status=1)
    assert f"{uri}: 3 of 8 rows have no value where one is needed" in found.err


CHOICES = [
    "",
    "--symbols A",
    "--symbols a,NA",
    "--where kind=x_y",
    "--where kind=",
    "--from 2026-01-07",
    "--to 2026-01-07",
]


@pytest.mark.parametrize("options", [[word.replace("_", " ") for word in one.split()] for one in CHOICES], ids=CHOICES)
def test_blanks_case_and_odd_texts(options, database, tmp_path, run_job):
    symbols = [
        "A",
        " A",
        "A ",
        "A\t",
        "a",
        "NA",
        "NULL",
        "A,B",
        'A"B',
        "Á",
        "\u00a0A",
        "A\u00a0",
        "TRUE",
        "A%b",
        "x\\y",
    ]
    rows = [
        (symbol, DAYS[n % 6] + timedelta(days=10 * n), 1.25 + n + day, ["x y", " x y ", "X Y", "", None][n % 5])
        for n, symbol in enumerate(symbols) for day in range(1)
    ]  # fmt: skip
    uri, path = both(database, tmp_path, {**BARS, "kind": "text"}, rows)
    compared(run_job, uri, path, "--min-periods", "1", *options)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("span", [[], ["--from", "2026-03-08", "--to", "2026-03-08"], ["--from", "2026-03-08T01:00"],
                                  ["--from", "2026-03-07T22:00Z", "--to", "2026-03-08T12:00+09:00"]])  # fmt: skip
def test_times_without_a_zone_are_those_of_the_option(zone, span, database, tmp_path, run_job):
    start = datetime(2026, 3, 7, 12)
    times = [start + timedelta(minutes=20 * n, microseconds=n) for n in range(120)]
    times = [time for time in times if not (time.day == 8 and time.hour == 2)]  # which clocks skip
    uri, path = both(database, tmp_path, {**BARS, "date": "time"}, [("A", time, 2.5) for time in times])
    compared(run_job, uri, path, "--timezone", zone, *span)


def test_a_symbol_of_dates_among_times_keeps_its_times_of_day(database, tmp_path, run_job):
    rows = [("A", datetime(2026, 1, day), 1.5) for day in (5, 6, 7)] + [("B", datetime(2026, 1, 5, 9, 30), 1.5)]
    uri, path = both(database, tmp_path, {**BARS, "date": "time"}, rows)
    want, _ = compared(run_job, uri, path, "--symbols", "A")
    assert b"2026-01-06T00:00:00Z" in want.out
    compared(run_job, uri, path, "--symbols", "C", status=1)


def test_the_conditions_of_a_uri_choose_rows_as_those_of_the_option(database, tmp_path, run_job):
    kinds = ["EQ", " EQ ", "BE", "eq", None, "xEQ"]
    rows = [("A", day, 1.0 + n, kind) for n, (day, kind) in enumerate(zip(DAYS, kinds, strict=True))]
    uri, path = both(database, tmp_path, {**BARS, "series": "text"}, rows)
    want = run_job("-q", "--window", "1", "--where", "series=EQ", path)
    found = run_job(
        "-q",
        "--window",
        "1",
        f"{uri}?where=series=EQ",
    )
    assert (found.status, found.out) == (0, want.out) and want.out.count(b"\n") == 2, found.err
    found = run_job("-q", "--window", "1", f"{uri}?where=nothing=EQ")
    assert found.status == 1 and "has no column 'nothing' for --where" in found.err
    found = run_job("-q", "--window", "1", f"{uri}?where=close=1")
    assert found.status == 1 and "column 'close' holds a value" in found.err


def test_integers_are_times_by_their_size_and_decimals_keep_their_digits(database, tmp_path, run_job):
    columns = {"symbol": "text", "timestamp": "int", "close": "decimal"}
    rows = [("A", 1767600000 + 60 * n, f"{n}.12345678") for n in range(9)]
    uri, path = both(database, tmp_path, columns, rows)
    compared(run_job, uri, path)
    compared(run_job, uri, path, "--from", "2026-01-05T08:02")


def test_a_symbol_for_a_table_without_symbols(database, tmp_path, run_job):
    rows = [(day, 1.5 + n) for n, day in enumerate(DAYS)]
    uri, path = both(database, tmp_path, {"date": "date", "close": "float"}, rows)
    compared(run_job, uri, path, "--symbol", "ZZ")
    want, found = compared(run_job, uri, path, status=1)
    assert want.err == found.err.replace(uri, str(path))


@pytest.mark.parametrize(
    "command",
    [
        ["moving-average", "--window", "2"],
        ["inspect"],
        ["plot", "-o", "page.html", "--bars"],
        ["collect", "--to", "sqlite:///other.db", "--source"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize(
    ("option", "lacks"), [(["--symbol-from-filename"], "file name"), (["--symbol-from-path", "(t.+)"], "path")]
)
def test_no_command_takes_symbols_from_the_file_that_a_table_is_read_into(
    command, option, lacks, sqlite, tmp_path, monkeypatch, capsys
):
    """feeds/spool.py:_refuse_symbols_of_files"""
    monkeypatch.chdir(tmp_path)
    make(sqlite, {"date": "date", "close": "float"}, [(day, 1.5 + n) for n, day in enumerate(DAYS)])
    assert main([*command, sqlite.uri, *option]) == 2
    assert f"{option[0]}: a table has no {lacks} to take a symbol from; use --symbol NAME" in capsys.readouterr().err
    assert main([*command, sqlite.uri, "--symbol", "ZZ"]) == 0, capsys.readouterr().err


def test_generated_columns_are_columns(database, tmp_path, run_job):
    """SQLite does not name them where it is asked for a table's columns."""
    uri = make(database, BARS, [("A", day, 1.5 + n) for n, day in enumerate(DAYS[:2])])
    database.query(
        "CREATE TABLE others (symbol VARCHAR(9), date DATE, close FLOAT,"
        " twice FLOAT GENERATED ALWAYS AS (close * 2) STORED)"
    )
    database.query("INSERT INTO others (symbol, date, close) SELECT symbol, date, close FROM bars")
    found = run_job("-q", "--window", "1", "--column", "twice", f"{uri}?table=others")
    assert found.lines == [b"A\t2026-01-05\t3.0", b"A\t2026-01-06\t5.0"], found.err


def test_a_table_that_is_collected_has_its_own_name(sqlite, tmp_path, monkeypatch, capsys):
    """It was called by the file that it was read into, and the progress of that was shown in spite of --quiet."""
    monkeypatch.chdir(tmp_path)
    make(sqlite, {"date": "date", "AA": "float", "BB": "float"}, [(day, 1.5 + n, n) for n, day in enumerate(DAYS)])
    asked = ["collect", "--source", sqlite.uri, "--wide", "close", "--to", "sqlite:///other.db"]
    assert main(asked) == 0
    assert f"{sqlite.uri}: wide table: 2 symbols in columns, close in the cells" in capsys.readouterr().err
    shown = []
    monkeypatch.setattr("windrow.feeds.tabled.progress", lambda *asked: shown.append(asked[2]) or nullcontext(abs))
    assert main(asked) == 0 and capsys.readouterr()
    assert main([*asked, "--quiet"]) == 0
    assert shown == [True, False] and not capsys.readouterr().err


def test_many_bars_of_a_symbol_are_read_in_parts(database, tmp_path, run_job, monkeypatch):
    monkeypatch.setattr(snapshots, "_TEXT_ROWS", 7)
    monkeypatch.setattr(readers, "_TEXT", 500)
    monkeypatch.setattr(readers, "_ROWS", 50)
    start = datetime(2026, 3, 2, 9, 30)
    rows = [(symbol, start + timedelta(seconds=n * n), n / 7) for symbol in "AB" for n in range(300)]
    uri, path = both(database, tmp_path, {**BARS, "date": "time"}, rows)
    compared(run_job, uri, path)


PRICES = st.floats(1e-15, 1e15) | st.floats(-1e15, -1e-15) | st.just(0.0) | st.sampled_from([0.1, 1 / 3, 2.0**49])


@given(prices=st.lists(PRICES, min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_every_float_comes_out_as_it_went_in(prices, database):
    database.query("DROP TABLE IF EXISTS bars")
    make(database, {"n": "int", "close": "float"}, list(enumerate(prices)))
    with snapshot(Place.of(database.uri)) as found:
        tables = list(found.read(found.columns, Asked()))
    rows = {n: close for table in tables for n, close in zip(*table.to_pydict().values(), strict=True)}
    assert [rows[n] for n in range(len(prices))] == prices


def test_a_view_is_read_as_a_table(database, tmp_path, run_job):
    rows = [(symbol, day, 1.5 + n) for n, day in enumerate(DAYS) for symbol in "AB"]
    uri, path = both(database, tmp_path, BARS, rows)
    database.query("CREATE VIEW half AS SELECT * FROM bars WHERE symbol = 'A'")
    compared(
        run_job, f"{uri}?table=half", file_of(tmp_path / "half.csv", [one for one in rows if one[0] == "A"], [*BARS])
    )
    compared(run_job, uri, path)


@pytest.mark.sql
@pytest.mark.parametrize("collation", ["und-x-icu", "C"])
def test_symbols_in_the_order_of_a_language_are_read_in_parts(collation, postgres, tmp_path, run_job, monkeypatch):
    """In that order `a` is before `B`; parts of the table are by bytes all the same."""
    monkeypatch.setattr(snapshots, "_more", lambda rows: 2)
    rows = [
        (symbol, day, 1.5 + n) for n, day in enumerate(DAYS) for symbol in ("a", "B", "c", "Á", "A ", "Z", "é", None)
    ]
    columns = {**BARS, "symbol": f'VARCHAR(9) COLLATE "{collation}"'}
    uri, path = both(postgres, tmp_path, columns, rows)
    for more in ([], ["--symbols", "a,A,é"], ["--symbols", "B"]):
        compared(run_job, uri, path, "--max-missing", "1", *more)


COLLATIONS = ["ascii_bin", "ascii_nopad_bin", "utf8mb4_bin", "utf8mb4_nopad_bin", "latin1_swedish_ci", "latin1_bin"]


@pytest.mark.sql
@pytest.mark.parametrize("collation", COLLATIONS)
def test_symbols_are_found_whatever_the_database_takes_for_equal(collation, mariadb, tmp_path, run_job):
    charset = collation.partition("_")[0]
    symbols = ["A", "a", " A", "\tA", "B ", "B\t", "b", "B!", "C"] + ["Á", "á"] * (charset != "ascii")
    symbols += ["\u00a0D", "D\u00a0"] * (charset != "ascii")
    rows = [(symbol, DAYS[0] + timedelta(n), 1.5 + n) for n, symbol in enumerate(symbols)]
    columns = {**BARS, "symbol": f"VARCHAR(9) CHARACTER SET {charset} COLLATE {collation}"}
    uri, path = both(mariadb, tmp_path, columns, rows)
    for asked in ("A", "a,B", "B!,C", "D,C", "Á,A", "á,C"):
        compared(run_job, uri, path, "--min-periods", "1", "--symbols", asked)


NAME = st.text("Aa \t\u00a0!b\u00a1Ä", max_size=4)


@given(names=st.lists(NAME, min_size=1, max_size=8), wanted=st.lists(NAME.map(str.strip).filter(bool), min_size=1))
def test_a_database_never_leaves_out_what_is_asked_for(names, wanted):
    symbol = Stored("symbol", "text", "TEXT")
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE bars (symbol TEXT COLLATE NOCASE)")
        connection.executemany("INSERT INTO bars VALUES (?)", [(name,) for name in names])
        [condition] = Asked(symbol, symbols=tuple(wanted)).conditions(DIALECTS["sqlite"])
        text = f"SELECT symbol FROM bars WHERE {condition.text.replace(VALUE, '?')}"
        found = [name for (name,) in connection.execute(text, condition.values)]
    assert sorted(name for name in names if name.strip(BLANKS) in wanted) == sorted(
        name for name in found if name.strip(BLANKS) in wanted
    )
