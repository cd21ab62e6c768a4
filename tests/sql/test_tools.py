"""Every job and tool takes tables where it takes files."""

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from jobs.backtest import Backtest
from jobs.rejects import Rejects
from jobs.resample import Resample
from jobs.sweep import Sweep
from tests.conftest import ROOT
from tests.sql.test_read import bars, both, file_of  # noqa: F401  a fixture
from tests.sql.test_staging import put
from windrow.cli import windrow

JOBS = [
    (Resample, ["--resample", "1h"]),
    (Resample, ["--view", "day", "--calendar", "XNYS"]),
    (Backtest, ["--fast", "ema:7", "--slow", "ema:21", "--size", "10", "--cash", "100000"]),
    (Sweep, ["--fast", "ema:5..7", "--slow", "ema:21..23", "--split", "0.7"]),
]


@pytest.mark.parametrize(("job", "options"), JOBS, ids=[" ".join([job.__name__, *more[:2]]) for job, more in JOBS])
def test_other_jobs_give_the_bytes_of_the_file(job, options, both, run_job):  # noqa: F811
    path, table = both
    want = run_job("-q", *options, path, job=job)
    found = run_job("-q", "-r", "local", *options, table.uri, job=job)
    assert want.status == 0 and want.out
    assert (found.status, found.lines) == (0, want.lines), found.err


def shown(*args):
    found = CliRunner().invoke(windrow, [str(arg) for arg in args])
    assert not found.exit_code, found.output
    return found.output


def test_inspect_says_of_a_table_what_it_says_of_the_file(both):  # noqa: F811
    path, table = both
    one, other = (json.loads(shown("inspect", "--json", place).splitlines()[-1]) for place in (path, table.uri))
    assert other.pop("path") == table.uri and one.pop("path") == str(path)
    assert {**other, "size": 0} == {**one, "size": 0}


def test_pages_draw_the_same_of_a_table(sqlite, tmp_path, run_job):
    rows, table, pages = list(bars(["AA", "B"])), sqlite, {}
    put(sqlite, rows, 1)
    path = file_of(tmp_path / "bars.csv", rows)
    for name, bars_of in (("file", path), ("table", table.uri)):
        out = tmp_path / name
        assert run_job("-q", "--window", "20", "-o", out, bars_of).status == 0
        for command in ([out, "--bars", bars_of], ["--bars", bars_of]):
            page = tmp_path / f"{name}{len(command)}.html"
            shown("plot", *command, "--symbol", "AA", "-o", page)
            pages[name, len(command)] = page.read_text().replace(str(bars_of), "BARS")
    for number in (2, 3):
        series = [
            re.findall(r'"[A-Za-z0-9+/=]{200,}"|\[[-0-9., ]{200,}\]', pages[name, number]) for name in ("file", "table")
        ]
        assert series[0] == series[1] and series[0]


def test_rejected_rows_are_listed(sqlite, run_job):
    sqlite.query("CREATE TABLE bars (symbol TEXT, date TEXT, close REAL)")
    sqlite.query("INSERT INTO bars VALUES ('A', '2026-01-05', 1.5), ('A', 'soon', 1.5)")
    [line] = run_job("-q", sqlite.uri, job=Rejects).out.splitlines()
    assert json.loads(line)["file"] == sqlite.uri and "soon" in json.loads(line)["text"]


def test_a_job_over_files_imports_nothing_of_databases(tmp_path):
    program = (
        "import sys; from jobs.moving_average import MovingAverage;"
        f"status = MovingAverage.main(['-q', '--window', '3', '-o', {str(tmp_path / 'out')!r}, 'data/bars.csv']);"
        "names = ('sqlalchemy', 'pymysql', 'psycopg', 'sqlite3', 'windrow.storage.sql', 'windrow.feeds.tabled');"
        "print(status, [name for name in names if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "0 []", done.stderr


@pytest.mark.parametrize("package", ["sqlalchemy", "pymysql"])
def test_a_package_that_is_not_there(package, run_job, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    found = run_job("-q", "mysql://me@127.0.0.1:1/bars")
    assert found.status == 1 and "which is not installed; install it with: pip install 'windrow[sql]'" in found.err


def test_a_table_is_collected_into_another(both, tmp_path, run_job):  # noqa: F811
    path, table = both
    for number, source in enumerate((path, table.uri)):
        shown("collect", "--quiet", "--source", source, "--to", f"sqlite:///{tmp_path}/{number}.db")
    one, other = (run_job("-q", "--window", "20", f"sqlite:///{tmp_path}/{number}.db") for number in (0, 1))
    assert one.status == 0 and one.out and one.out == other.out, other.err
