"""What is read of a table is what was there at one moment, although a writer never stops changing it."""

import threading
from contextlib import contextmanager
from os import cpu_count

import pytest

from tests.sql.test_read import START
from tests.sql.test_staging import put
from windrow.errors import InputError
from windrow.storage.sql import snapshot as snapshots
from windrow.storage.sql.readers import MysqlReader
from windrow.storage.sql.snapshot import snapshot
from windrow.storage.sql.uris import Place

SYMBOLS = [f"S{number:02}" for number in range(40)]
TRIALS = 8


@contextmanager
def writing(database):
    """All prices become the number of the transaction, again and again; the list grows with each commit."""
    commits, stop, wrong = [0], threading.Event(), []

    def write():
        connection = database.connect(**({"check_same_thread": False} if "sqlite" in database.uri else {}))
        cursor = connection.cursor()
        try:
            while not stop.is_set():
                number = commits[-1] + 1
                cursor.execute(f"UPDATE bars SET close = {number}, load_id = {number}")
                cursor.execute("UPDATE bars_version SET changes = changes + 1")
                connection.commit()
                commits.append(number)
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield commits
    finally:
        stop.set()
        thread.join()
    assert not wrong


@pytest.fixture
def filled(database):
    from datetime import timedelta

    rows = [
        (symbol, START + timedelta(minutes=n), 1.0, 1.0, 1.0, 0.5, 1.0, 1.0) for symbol in SYMBOLS for n in range(100)
    ]
    put(database, rows, 1)
    if "sqlite" in database.uri:
        database.query("PRAGMA journal_mode=WAL")
    return database


def states(run_job, uri):
    """The prices that a job sees."""
    found = run_job("-q", "--window", "1", uri)
    assert found.status == 0, found.err
    lines = found.out.splitlines()
    assert len(lines) == 4000
    return {line.rpartition(b"\t")[2] for line in lines}


@pytest.mark.parametrize("readers", [1, 3])
def test_a_job_sees_one_state(readers, filled, run_job, monkeypatch):
    monkeypatch.setattr(snapshots, "_more", lambda rows: readers - 1)
    with writing(filled) as commits:
        seen = [states(run_job, filled.uri) for _ in range(TRIALS)]
    assert all(len(one) == 1 for one in seen), seen
    assert len(set.union(*seen)) > 1 and len(commits) > TRIALS


def test_several_connections_share_a_snapshot_where_they_can(filled, monkeypatch):
    monkeypatch.setattr(snapshots, "_more", lambda rows: 2)
    with writing(filled), snapshot(Place.of(filled.uri)) as found:
        assert len(found.readers) == (1 if found.place.dialect == "sqlite" else 3)
        seen = {reader.rows("SELECT MIN(close), MAX(close) FROM bars")[0] for reader in found.readers}
    assert len(seen) == 1


def test_connections_that_began_before_and_after_a_commit_begin_anew(mariadb, monkeypatch):
    put(mariadb, [("A", START, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0)], 1)
    monkeypatch.setattr(snapshots, "_more", lambda rows: 2)
    begin, begun = MysqlReader.begin, []

    def begin_late(reader):
        begun.append(reader)
        if len(begun) == 5:  # of the first attempt, after one of the three has begun
            mariadb.query("UPDATE bars SET close = 7")
            mariadb.query("UPDATE bars_version SET changes = changes + 1")
        begin(reader)

    monkeypatch.setattr(MysqlReader, "begin", begin_late)
    with snapshot(Place.of(mariadb.uri)) as found:
        seen = [reader.rows("SELECT close FROM bars") for reader in found.readers]
    assert seen == [[(7.0,)]] * 3 and len(begun) == 9


def test_where_none_is_agreed_on_one_connection_reads(mariadb, monkeypatch):
    put(mariadb, [("A", START, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0)], 1)
    monkeypatch.setattr(snapshots, "_more", lambda rows: 2)
    number = iter(range(10**6))
    monkeypatch.setattr(snapshots, "_changes", lambda reader: next(number))
    with snapshot(Place.of(mariadb.uri)) as found:
        assert len(found.readers) == 1


def test_large_tables_are_read_by_several():
    assert snapshots._more(199_999) == 0
    assert snapshots._more(200_000) == min(4, cpu_count()) - 1


def test_isolation_of_the_server_does_not_matter(mariadb, mariadb_server, run_job, monkeypatch):
    """Under READ COMMITTED each query would see rows of its own."""
    put(mariadb, [("A", START, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0)], 1)
    with snapshot(Place.of(mariadb.uri)) as found:
        [(isolation,)] = found.readers[0].rows("SELECT @@tx_isolation")
        before = found.readers[0].rows("SELECT close FROM bars")
        mariadb.query("UPDATE bars SET close = 7")
        assert isolation == "REPEATABLE-READ" and found.readers[0].rows("SELECT close FROM bars") == before


def test_a_table_without_earlier_states_that_changes_meanwhile_is_refused(mariadb, monkeypatch):
    mariadb.query("CREATE TABLE bars (symbol VARCHAR(9), date DATE, close DOUBLE) ENGINE=MyISAM")
    mariadb.query("INSERT INTO bars VALUES ('A', '2026-01-01', 1)")
    with snapshot(Place.of(mariadb.uri)) as found:
        from windrow.storage.sql.asking import Asked

        assert found.count(Asked()) == 1
        mariadb.query("INSERT INTO bars VALUES ('A', '2026-01-02', 1)")
        with pytest.raises(InputError, match=r"has changed while it was read, from 1 rows to 2: .*; read it while"):
            list(found.read(found.columns, Asked()))


def test_the_description_tells_the_state(filled, run_job, tmp_path):
    import json

    out = tmp_path / "out"
    assert run_job("-q", "--window", "1", "-o", out, filled.uri).status == 0
    told = json.loads((out / "_windrow.json").read_text())["tables"]
    assert told == [{"table": filled.uri, "rows": 4000, "changes": told[0]["changes"]}]
    assert isinstance(told[0]["changes"], int)
