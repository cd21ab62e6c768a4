"""An output in a table is that of a folder; the table appears with all rows or not at all.

Followed here: storage/sql/publishing.py:refuse_taken, mapreduce/submission.py:_write_table.
"""

import subprocess
import sys
import time
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.normalize import Normalize
from tests.conftest import ROOT
from tests.sql.servers import SERVERS
from tests.sql.test_read import both, file_of  # noqa: F401  a fixture
from windrow import read_output
from windrow.errors import OutputError
from windrow.storage.sql import publishing

AVERAGES = ["-q", "--indicator", "sma:3", "--indicator", "ema:20"]
DATES = [("A", f"2026-01-{day:02}", 1.5 + day / 7) for day in range(1, 29)]
FINE = [("A", f"2026-01-05 09:30:{second:02}{'.250001' * (second % 2)}", 2.5 + second) for second in range(40)]
NAMES = ("symbol", "date", "close")


def tables_of(database):
    asked = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }[database.uri.partition(":")[0]]
    return sorted(name for (name,) in database.query(asked) or [])


@pytest.mark.parametrize("rows", [DATES, FINE], ids=["dates", "microseconds"])
@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_table_is_read_as_the_folder_is(rows, runner, database, tmp_path, run_job):
    path, folder, table = file_of(tmp_path / "bars.csv", rows, NAMES), tmp_path / "out", database.table("averages")
    for output in (folder, table):
        done = run_job(*AVERAGES, "-r", runner, "-o", output, path)
        assert (done.status, done.out) == (0, b""), done.err
    pd.testing.assert_frame_equal(read_output(table), read_output(folder))
    assert tables_of(database) == ["averages", "windrow_outputs"]
    # And it is an input of other jobs.
    found = run_job("-q", "--window", "1", "--column", "ema:20", "--max-missing", "1", table)
    assert found.status == 0, found.err
    assert [float(line.split(b"\t")[2]) for line in found.lines] == read_output(folder)["ema:20"].dropna().tolist()


def test_a_job_from_table_to_table(both, run_job, tmp_path):  # noqa: F811
    path, database = both
    assert run_job(*AVERAGES, "-o", tmp_path / "out", path).status == 0
    done = run_job(*AVERAGES, "-r", "local", "-o", database.table("averages"), database.uri)
    assert done.status == 0, done.err
    pd.testing.assert_frame_equal(read_output(database.table("averages")), read_output(tmp_path / "out"))


def test_a_table_that_is_there_is_refused_before_any_work(database, tmp_path, run_job):
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 0
    before = read_output(database.table("averages"))
    again = run_job(*AVERAGES, "-o", database.table("averages"), tmp_path / "away.csv")
    assert again.status == 1 and "table averages is there already; a job writes a new table only" in again.err
    pd.testing.assert_frame_equal(read_output(database.table("averages")), before)
    assert run_job(*AVERAGES, "-o", database.table("others"), path).status == 0
    database.query("DROP TABLE averages")
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 0


def test_a_run_that_fails_leaves_no_table(database, tmp_path, run_job):
    path = file_of(tmp_path / "bars.csv", [*DATES, ("A", "soon", 1)], NAMES)
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 1
    assert not [name for name in tables_of(database) if not name.startswith("bars")]


def test_writing_that_fails_midway_leaves_no_table(database, tmp_path, run_job, monkeypatch):
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(publishing, "_describe", lambda *_: 1 / 0)
        run_job(*AVERAGES, "-o", database.table("averages"), path)
    assert not {*tables_of(database)} - {"windrow_outputs"}
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 0


def test_a_description_that_cannot_be_written_leaves_no_table(database, tmp_path, run_job, monkeypatch):
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    merge = publishing.merge

    def broken(connection, table, *args):
        return 1 / 0 if table == publishing.OUTPUTS else merge(connection, table, *args)

    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(publishing, "merge", broken)
        run_job(*AVERAGES, "-o", database.table("averages"), path)
    assert not {*tables_of(database)} - {"windrow_outputs"}
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 0


@pytest.mark.parametrize("server", SERVERS)
def test_a_name_that_another_took_meanwhile_keeps_the_others_table_and_description(
    server, request, tmp_path, run_job, monkeypatch
):
    database = request.getfixturevalue(server)
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    assert run_job("-q", "--indicator", "sma:3", "-o", database.table("others"), path).status == 0
    said = database.query("SELECT description FROM windrow_outputs")
    describe = publishing._describe

    def taken(*args):
        database.query("ALTER TABLE others RENAME TO averages")
        database.query("UPDATE windrow_outputs SET name = 'averages'")
        return describe(*args)

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "_describe", taken)
        done = run_job("-q", "--indicator", "sma:5", "-o", database.table("averages"), path)
    assert done.status == 1 and "the database refuses (" in done.err and "already exists" in done.err
    assert tables_of(database) == ["averages", "windrow_outputs"]
    assert database.query("SELECT description FROM windrow_outputs") == said
    assert len(read_output(database.table("averages"))) == 26


def test_one_that_is_killed_is_seen_by_nobody(database, tmp_path, run_job):
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    program = (
        "import os, sys\n"
        "from windrow.storage.sql import publishing\n"
        "from jobs.moving_average import MovingAverage\n"
        "publishing._describe = lambda *_: os.kill(os.getpid(), 9)\n"
        "MovingAverage.main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, *AVERAGES, "-o", database.table("averages"), str(path)]
    assert subprocess.run(command, cwd=ROOT).returncode == -9
    time.sleep(0.1)
    assert "averages" not in tables_of(database)
    assert run_job(*AVERAGES, "-o", database.table("averages"), path).status == 0
    assert len(read_output(database.table("averages"))) == 26


def test_what_a_table_cannot_hold(sqlite, tmp_path, run_job):
    out = sqlite.table("averages")
    path = file_of(tmp_path / "bars.csv", [("A", "2026-01-05 09:30:00.123456789", 1.5), *FINE[10:]], NAMES)
    fine = run_job("-q", "--window", "1", "-o", out, path)
    assert fine.status == 1 and "a table's have microseconds at most" in fine.err
    path = file_of(tmp_path / "bars.csv", DATES, NAMES)
    long = run_job("-q", "--window", "1", "--symbol", "S" * 65, "-o", out, file_of(
        tmp_path / "b.csv", [row[1:] for row in DATES], NAMES[1:]))  # fmt: skip
    assert long.status == 1 and "a symbol has more than 64 characters" in long.err
    for job, options in ((Crossover, ["--fast", "2", "--slow", "3"]), (Backtest, ["--fast", "2", "--slow", "3"])):
        other = run_job("-q", *options, "-o", out, path, job=job)
        assert other.status == 2 and "this job's output is not a table of values; name a directory instead" in other.err
    scaled = run_job("-q", "-o", out, path, job=Normalize)
    assert scaled.status == 2 and "a table has no place for; name a directory instead" in scaled.err
    for name, why in (("averages&where=symbol=A", "chooses rows to read"), ("windrow_outputs", "of windrow's own use")):
        odd = run_job("-q", "--window", "1", "-o", sqlite.table(name), path)
        assert odd.status == 1 and why in odd.err
    hadoop = run_job("-q", "--window", "1", "-r", "hadoop", "-o", out, path)
    assert (
        hadoop.status == 2 and "with -r hadoop tasks write files; name a folder, or run it with -r inline" in hadoop.err
    )
    assert "averages" not in tables_of(sqlite)
    assert run_job("-q", "--window", "1", "-r", "inline", "-o", out, path).status == 0


def test_a_table_that_no_job_wrote_is_no_output(sqlite):
    sqlite.query("CREATE TABLE others (a TEXT, b TEXT)")
    with pytest.raises(Exception, match=r"is no output of a job, whose columns begin with symbol and timestamp"):
        read_output(sqlite.table("others"))


def test_numbers_of_another_kind_are_none_of_an_outputs(database):
    from tests.sql.test_rows import make

    make(
        database, {"symbol": "text", "timestamp": "time", "x": "float"}, [("A", datetime(2026, 1, 5, 9, 30), 1.5)], "o"
    )
    frame = read_output(database.table("o"))
    assert frame["x"].tolist() == [1.5]


def test_two_rows_of_one_symbol_and_time_are_refused(database, tmp_path):
    times = pa.array([datetime(2026, 1, 5), datetime(2026, 1, 6)], pa.timestamp("us", "UTC"))
    parts = [tmp_path / "part-00000.parquet", tmp_path / "part-00001.parquet"]
    for part in parts:
        pq.write_table(pa.table({"symbol": ["A", "A"], "timestamp": times, "sma:3": [1.5, 2.5]}), part)
    output = database.table("averages")
    with pytest.raises(OutputError) as error:
        publishing.publish(parts, tmp_path / "_windrow.json", output, print)
    assert str(error.value) == (
        f"{output}: a row has the symbol and time of another, and a table keeps one of each; write a directory instead"
    )
    assert tables_of(database) == []
    publishing.publish(parts[:1], tmp_path / "_windrow.json", output, print)
    assert len(read_output(output)) == 2


def test_parts_that_are_no_tables_are_refused(sqlite, tmp_path):
    (tmp_path / "part-00000-scales").touch()
    with pytest.raises(
        OutputError, match="a table has no place for part-00000-scales, which the job wrote; write a dir"
    ):
        publishing.publish([tmp_path / "part-00000-scales"], tmp_path / "_windrow.json", sqlite.table("o"), print)
