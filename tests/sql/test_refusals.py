"""What is wrong with a table is told in a sentence, whose cure leads to a right result; a password never is.

Followed here: feeds/tabled.py:_spooled, feeds/tabled.py:_write.
"""

import re
from contextlib import suppress

import pytest

from tests.sql.servers import SERVERS
from tests.sql.test_read import file_of
from tests.sql.test_rows import BARS, DAYS, TYPES, make
from windrow.feeds import room
from windrow.storage.sql.asking import Asked
from windrow.storage.sql.readers import MysqlReader, UnevenError
from windrow.storage.sql.snapshot import Snapshot, snapshot
from windrow.storage.sql.uris import Place

ROWS = [("A", day, 1.5 + n) for n, day in enumerate(DAYS)]
MEAN = ["-q", "--window", "2"]


def refusal(run_job, *args, status=1):
    found = run_job(*MEAN, *args)
    assert (found.status, found.out) == (status, b""), found.err
    [line] = found.err.splitlines()
    return line


@pytest.fixture
def filled(database):
    make(database, BARS, ROWS)
    return database


def test_an_empty_table(database, run_job):
    make(database, BARS, [])
    make(database, BARS, ROWS, "others")
    line = refusal(run_job, database.uri)
    assert line == (
        f"error: {database.uri}: has no rows; a job needs bars; fill it by windrow collect, or name another by"
        " ?table=NAME"
    )
    assert run_job(*MEAN, database.table("others")).status == 0


def test_a_missing_column_is_told_before_anything_is_read(filled, run_job, monkeypatch):
    monkeypatch.setattr("windrow.feeds.tabled._write", lambda *_: pytest.fail("it was read"))
    line = refusal(run_job, "--column", "open", filled.uri)
    assert f"{filled.uri}: has no column 'open'; its columns are symbol, date, close; choose one of them" in line
    line = refusal(run_job, "--where", "series=EQ", filled.uri)
    assert f"{filled.uri}: has no column 'series' for --where; its columns are symbol, date, close" in line


def test_a_missing_table(filled, run_job):
    assert "has no table averages, or none of its columns can be read; give its name as ?table=NAME" in refusal(
        run_job, filled.table("averages")
    )


def test_none_of_the_rows_is_asked_for(filled, run_job, tmp_path):
    own = filled.uri.partition(":")[0]
    line = refusal(run_job, "--symbols", "B", filled.uri)
    assert re.search("none of .*rows.* one of those asked for; check --symbols, --from, --to and --where", line), own
    # Beside another input that has some it counts for nothing, as a file would.
    other = file_of(tmp_path / "b.csv", [("B", day, 2.5) for day in DAYS], list(BARS))
    found = run_job(*MEAN, "--symbols", "B", filled.uri, other)
    assert found.status == 0 and found.out.startswith(b"B\t") and found.out.count(b"\n") == 5, found.err


def test_a_table_that_is_named_twice(filled, run_job):
    assert "is named twice; a table is read once; name it once" in refusal(run_job, filled.uri, filled.uri)


@pytest.mark.parametrize("server", SERVERS)
def test_a_password_that_is_wrong_is_not_told(server, request, run_job, monkeypatch):
    filled = request.getfixturevalue(server)
    make(filled, BARS, ROWS)
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "hunter2-and-wrong")
    line = refusal(run_job, filled.uri)
    assert "refuses the login" in line and "set user in the URI, and WINDROW_SQL_PASSWORD" in line
    assert "hunter2" not in line and filled.password not in line
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", filled.password)
    assert run_job(*MEAN, filled.uri).status == 0


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_database_that_is_away(scheme, run_job, monkeypatch):
    monkeypatch.setenv("WINDROW_SQL_PASSWORD", "hunter2")
    line = refusal(run_job, f"{scheme}://me@127.0.0.1:1/bars")
    assert "does not answer" in line and "check host and port, and that the server runs there" in line
    assert "hunter2" not in line


def test_a_file_that_is_away_or_none_of_sqlite(tmp_path, run_job):
    assert "there is no such file" in refusal(run_job, f"sqlite:///{tmp_path}/bars.db")
    (tmp_path / "bars.db").write_text("symbol,date,close\n" * 100)
    assert "is not a database of SQLite that can be read" in refusal(run_job, f"sqlite:///{tmp_path}/bars.db")
    assert not (tmp_path / "bars.db-wal").exists()


def test_a_password_in_the_uri(run_job):
    line = refusal(run_job, "mysql://me:hunter2@127.0.0.1/bars")
    assert "has a password" in line and "hunter2" not in line


def test_a_full_disk(filled, run_job, monkeypatch):
    monkeypatch.setattr(room, "_LEAST_FREE", 1 << 60)
    line = refusal(run_job, filled.uri)
    assert "a table is read into files there, and only" in line
    assert line.endswith("set TMPDIR to another place, or read less by --symbols, --from and --to")


def test_a_lost_connection(mariadb, run_job, monkeypatch):
    make(mariadb, BARS, ROWS)
    read = MysqlReader.tables

    def lost(self, *args):
        mariadb.query(f"KILL {self.rows('SELECT CONNECTION_ID()')[0][0]}")
        return read(self, *args)

    monkeypatch.setattr(MysqlReader, "tables", lost)
    line = refusal(run_job, mariadb.uri)
    assert "has closed the connection" in line and "run it again once the server is there" in line
    monkeypatch.undo()


def test_a_text_among_the_numbers_of_sqlite_is_an_invalid_row(sqlite, tmp_path, run_job):
    rows = [*ROWS, ("A", "2026-02-01", "soon"), ("A", "2026-02-02", b"\xff"), ("A", "2026-02-03", 7)]
    make(sqlite, BARS, rows)
    path = file_of(tmp_path / "bars.csv", [*rows[:-2], ("A", "2026-02-02", "?"), rows[-1]], list(BARS))
    want, found = (run_job("--max-bad", "1", "--window", "2", one) for one in (path, sqlite.uri))
    assert (found.status, found.out) == (0, want.out) and "number" in found.err, found.err


def test_rows_that_can_be_read_in_no_way(sqlite, run_job, monkeypatch):
    make(sqlite, BARS, ROWS)

    def uneven(*_):
        raise UnevenError

    monkeypatch.setattr(Snapshot, "read", uneven)
    line = refusal(run_job, sqlite.uri)
    assert "has rows whose text cannot be read back from the database; have it write the table to a file" in line


def test_a_text_that_the_server_would_cut_is_read_row_by_row(mariadb, tmp_path, run_job, monkeypatch):
    """Wherever it is cut: within a number too, whose first digits are a number."""
    make(mariadb, BARS, [*ROWS, ("Ä", DAYS[0], 1234567.5)])
    begin, most = MysqlReader.begin, [0]

    def with_less(self):
        self._most = most[0]
        self.rows(f"SET SESSION group_concat_max_len = {most[0]}")
        begin(self)

    with monkeypatch.context() as patched:
        patched.setattr(MysqlReader, "begin", with_less)
        for most[0] in range(90, 140):
            with snapshot(Place.of(mariadb.uri)) as found, suppress(UnevenError):
                tables = found.read(found.columns, Asked(found.columns[0]))
                assert sum(sum(table["close"].to_pylist()) for table in tables) == 24 + 1234567.5
        most[0] = 64
        found = run_job(*MEAN, mariadb.uri)
    want = run_job(*MEAN, mariadb.uri)
    assert (found.status, found.out) == (0, want.out) and found.out, found.err


@pytest.mark.parametrize("server", SERVERS)
def test_times_that_are_none_are_invalid_rows(server, request, run_job):
    filled = request.getfixturevalue(server)
    odd = ["0000-00-00", "2026-00-01", "2026-01-00 09:30"]
    if server == "postgres":
        odd = ["infinity", "-infinity", "0044-03-15 BC"]
    filled.query(
        f"CREATE TABLE bars (symbol VARCHAR(9), ts {TYPES[filled.uri.partition(':')[0]]['time']}, close FLOAT)"
    )
    with filled.connect() as connection, connection.cursor() as cursor:
        if server == "mariadb":
            cursor.execute("SET sql_mode = ''")
        times = [*odd, *(f"2026-01-{n:02} 09:30" for n in range(1, 9))]
        cursor.executemany("INSERT INTO bars VALUES ('A', %s, 1.5)", [(time,) for time in times])
        connection.commit()
    for more in ([], ["--from", "2026-01-03"]):
        found = run_job("--window", "2", "--max-bad", "1", *more, filled.uri)
        assert found.status == 0 and re.search("time +3", found.err), found.err
