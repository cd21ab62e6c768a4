"""Rows come out of a database as they went in, whatever their values, and over themselves change nothing."""

import math
from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from windrow.errors import InputError, OutputError, WindrowError
from windrow.storage.sql import schema
from windrow.storage.sql.connection import connected, refusal
from windrow.storage.sql.schema import BARS, Column
from windrow.storage.sql.staging import append, merge, stage
from windrow.storage.sql.uris import Place

ROWS = BARS[:-1]
KEY = ("symbol", "ts")
EPOCH = datetime(1970, 1, 1)


def table_of(rows):
    columns = list(zip(*rows, strict=True)) if rows else [[] for _ in ROWS]
    kinds = {"symbol": pa.string(), "time": pa.timestamp("us"), "float": pa.float64()}
    return pa.table({
        one.name: pa.array(column, kinds[one.kind]) for one, column in zip(ROWS, columns, strict=True)
    })  # fmt: skip


def put(database, rows, load):
    place = Place.of(database.uri)
    with connected(place, writes=True) as connection:
        schema.prepare(connection, place)
        stage(connection, ROWS, table_of(rows))
        merge(connection, place.table, ROWS, KEY, {"load_id": load})
        connection.commit()


def kept(database):
    rows = database.query("SELECT symbol, ts, open, high, low, close, adj_close, volume, load_id FROM bars")
    ours = [(one[0], EPOCH + timedelta(microseconds=one[1]) if isinstance(one[1], int) else one[1], *one[2:])
            for one in rows]  # fmt: skip
    return sorted(ours, key=lambda row: (row[0].encode(), row[1]))


def bar(symbol, minute, close=1.5, **other):
    values = {"open": 1.0, "high": 2.0, "low": 0.5, "adj_close": 1.25, "volume": 100.0} | other
    return (symbol, EPOCH + timedelta(minutes=minute), values["open"], values["high"], values["low"], close,
            values["adj_close"], values["volume"])  # fmt: skip


SYMBOLS = [
    "A",
    "a",
    "Á",
    "A ",
    " A",
    "NULL",
    "null",
    "BRK.B",
    "^GSPC",
    'say "x"',
    "a,b",
    "\\N",
    "\\",
    "é",
    "e\u0301",
    "😀",
    "%s",
]


def test_symbols_that_differ_in_any_byte_are_kept_apart(database):
    rows = [bar(symbol, 0, float(number)) for number, symbol in enumerate(SYMBOLS)]
    put(database, rows, 1)
    assert kept(database) == sorted(((*row, 1) for row in rows), key=lambda row: row[0].encode())


FLOATS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(lambda x: x + 0.0)
MAYBE = st.none() | FLOATS


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_come_out_bit_for_bit(database, data):
    rows = data.draw(st.lists(st.tuples(MAYBE, MAYBE, MAYBE, FLOATS, MAYBE, MAYBE), min_size=1, max_size=30))
    times = st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 31))
    keys = data.draw(st.lists(times, unique=True, min_size=len(rows), max_size=len(rows)))
    bars = [("X", time, *values) for time, values in zip(keys, rows, strict=True)]
    if database.uri.startswith("sqlite") is False:
        database.query("DROP TABLE IF EXISTS bars, bars_version, bars_watermarks, bars_loads")
    else:
        for name in ("bars", "bars_version", "bars_watermarks", "bars_loads"):
            database.query(f"DROP TABLE IF EXISTS {name}")
    put(database, bars, 1)
    found = kept(database)
    assert found == [(*row, 1) for row in sorted(bars, key=lambda row: row[1])]
    signs = [[math.copysign(1, value) for value in row[2:-1] if value is not None] for row in found]
    assert signs == [[math.copysign(1, value) for value in row[2:] if value is not None]
                     for row in sorted(bars, key=lambda row: row[1])]  # fmt: skip


def test_rows_over_themselves_keep_their_load_and_others_get_the_new_one(database):
    put(database, [bar("A", 0), bar("A", 1), bar("B", 0, adj_close=None)], 1)
    put(database, [bar("A", 0), bar("A", 1, 1.75), bar("A", 2), bar("B", 0, adj_close=None)], 2)
    assert [(row[0], row[5], row[-1]) for row in kept(database)] == [
        ("A", 1.5, 1), ("A", 1.75, 2), ("A", 1.5, 2), ("B", 1.5, 1),
    ]  # fmt: skip


def test_a_value_that_becomes_known_is_a_change(database):
    put(database, [bar("A", 0, adj_close=None)], 1)
    put(database, [bar("A", 0)], 2)
    assert [(row[6], row[-1]) for row in kept(database)] == [(1.25, 2)]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([bar("A", 0, math.nan)], "close: has NaN or infinity, which no database keeps; leave such rows out"),
        ([bar("A", 0, open=math.inf)], "open: has NaN or infinity"),
        ([bar("A" * 65, 0)], "symbol: a symbol has more than 64 characters"),
    ],
)
def test_what_no_database_keeps_is_refused(sqlite, rows, told):
    with pytest.raises(OutputError, match=told):
        put(sqlite, rows, 1)
    assert kept(sqlite) == []


def test_nanoseconds_are_refused(sqlite):
    rows = table_of([bar("A", 0)]).set_column(1, "ts", pa.array([1], pa.timestamp("ns")))
    with connected(Place.of(sqlite.uri), writes=True) as connection, pytest.raises(OutputError, match="microseconds"):
        stage(connection, ROWS, rows)


def test_what_does_not_fit_a_column_of_mariadb_is_an_error_not_a_warning(mariadb):
    """Strict mode does not make LOAD DATA LOCAL fail."""
    with connected(Place.of(mariadb.uri), writes=True) as connection:
        rows = pa.table({"n": ["12", "x"]})
        columns = [Column("n", "text")]
        from windrow.storage.sql import staging

        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {staging.STAGE} (n INT)")
        with pytest.raises(OutputError, match=r"could not take a row as it is: Incorrect integer value: 'x'"):
            staging._load(connection, staging.STAGE, columns, rows, {})


def test_any_name_may_be_a_columns(database):
    columns = [Column("k", "int", True), Column('a%s"`b', "float"), Column("select", "text")]
    rows = pa.table({"k": [1], 'a%s"`b': [2.5], "select": ["x%s"]})
    with connected(Place.of(database.uri), writes=True) as connection:
        schema.create(connection, "odd", columns, ["k"])
        for _ in range(2):
            stage(connection, columns, rows)
            merge(connection, "odd", columns, ["k"])
        connection.commit()
    assert database.query("SELECT * FROM odd") == [(1, 2.5, "x%s")]


def test_rows_that_are_there_already_are_not_appended(database):
    place = Place.of(database.uri)
    put(database, [bar("A", 0)], 1)
    rows = table_of([bar("A", 1), bar("A", 0, 7.0)]).drop_columns("symbol")
    with pytest.raises(WindrowError), connected(place, writes=True) as connection:
        append(connection, "bars", ROWS[1:], rows, {"symbol": "A", "load_id": 2})
        connection.commit()
    assert [row[1:2] + row[5:6] for row in kept(database)] == [(EPOCH, 1.5)]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_rows_are_appended_for_any_symbol(database, symbol):
    put(database, [], 1)
    with connected(Place.of(database.uri), writes=True) as connection:
        append(
            connection,
            "bars",
            ROWS[1:],
            table_of([bar("x", 1)]).drop_columns("symbol"),
            {"symbol": symbol, "load_id": 2},
        )
        stage(connection, ROWS[1:], table_of([bar("x", 1, 7.5), bar("x", 2)]).drop_columns("symbol"))
        merge(connection, "bars", ROWS[1:], KEY, {"symbol": symbol, "load_id": 3})
        connection.commit()
    assert kept(database) == [(*bar(symbol, 1, 7.5), 3), (*bar(symbol, 2), 3)]


def test_a_server_that_takes_no_files_is_told_how_to(mariadb, mariadb_server):
    mariadb_server.administer("SET GLOBAL local_infile = OFF")
    try:
        with pytest.raises(InputError) as error:
            put(mariadb, [bar("A", 0)], 1)
    finally:
        mariadb_server.administer("SET GLOBAL local_infile = ON")
    assert f"{mariadb.uri}: takes no rows by LOAD DATA LOCAL (" in str(error.value)
    assert str(error.value).endswith("); have local_infile set on at the server, as by: SET GLOBAL local_infile = ON")
    put(mariadb, [bar("A", 0)], 1)
    assert len(kept(mariadb)) == 1


@pytest.mark.parametrize("number", [1148, 3948, 4166])
def test_servers_of_all_makes_are_told_so(number):
    error = refusal(Place.of("mysql://h/d"), ValueError(number, "Loading local data is disabled"))
    assert "takes no rows by LOAD DATA LOCAL (Loading local data is disabled); have local_infile set on" in str(error)


def test_tables_of_a_later_windrow_are_refused(database):
    put(database, [bar("A", 0)], 1)
    database.query("UPDATE bars_version SET layout = 99")
    with pytest.raises(InputError, match="layout 99 of a later windrow, and this one knows 2; update windrow"):
        put(database, [bar("A", 1)], 2)


def test_tables_of_an_earlier_windrow_are_brought_to_this_layout(database, monkeypatch):
    put(database, [bar("A", 0)], 1)

    def more(connection, table):
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN vwap DOUBLE PRECISION")

    monkeypatch.setattr(schema, "MIGRATIONS", [*schema.MIGRATIONS, more])
    put(database, [bar("A", 1)], 2)
    assert database.query("SELECT layout FROM bars_version") == [(3,)]
    assert database.query("SELECT vwap FROM bars") == [(None,), (None,)]


def test_intervals_that_were_words_of_loads_become_a_column(database):
    """The first layout had them in `asked` alone, and `transactions` were called puts."""
    put(database, [bar("A", 0)], 1)
    database.query("ALTER TABLE bars_loads DROP COLUMN interval_ns")
    database.query("ALTER TABLE bars_loads RENAME COLUMN transactions TO puts")
    database.query("UPDATE bars_version SET layout = 1")
    words = ["yfinance 60min seed 0 XNYS, 29d to now", "generator 1d seed 0", "inputs of 90s: a.csv", "inputs 1h.csv",
             "inputs of 1500ns: a.csv"]  # fmt: skip
    times = "0, 0, 0" if database.uri.startswith("sqlite") else "'2026-01-05', '2026-01-05', '2026-01-05'"
    for number, asked in enumerate(words, 1):
        database.query(
            "INSERT INTO bars_loads (load_id, asked, since, until, started, puts, inserted, revised)"
            f" VALUES ({number}, '{asked}', {times}, {number}, 7, 0)"
        )
    assert len(kept(database)) == 1  # which a reader need not bring up to date
    for _ in range(2):  # it may have been broken off before the layout was written
        put(database, [bar("A", 1)], 2)
        found = database.query("SELECT interval_ns, transactions FROM bars_loads ORDER BY load_id")
        assert [interval for interval, _ in found] == [60 * 60 * 10**9, 24 * 3600 * 10**9, 90 * 10**9, None, None]
        assert [transactions for _, transactions in found] == [1, 2, 3, 4, 5]
        database.query("UPDATE bars_version SET layout = 1")


def test_a_table_that_is_not_windrows_is_left_alone(database):
    database.query("CREATE TABLE bars (mine INTEGER)")
    with pytest.raises(InputError, match=r"is a table that windrow collect has not made, .*another name by \?table="):
        put(database, [bar("A", 0)], 1)
    assert database.query("SELECT * FROM bars") == []
