"""A job over a table gives the bytes that it gives over the file with the same rows, in every database."""

import csv
import io
import random
from datetime import datetime, timedelta

import pytest

from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from tests.sql.test_staging import put
from windrow import read_output
from windrow.cli import main
from windrow.storage.sql.connection import connected
from windrow.storage.sql.lock import locked
from windrow.storage.sql.uris import Place

START = datetime(2026, 11, 2, 14, 30)
NAMES = ("symbol", "ts", "open", "high", "low", "close", "adj_close", "volume")


def bars(symbols=("AA", "aa", "BRK.B", "^GSPC", "ÄÖ", 'q"u,o'), minutes=300, seed=1):
    """Rows of minute bars, of prices with up to 17 digits."""
    draw = random.Random(seed)
    for symbol in symbols:
        price = draw.uniform(1, 500)
        for minute in range(minutes):
            price *= 1 + draw.gauss(0, 1e-3)
            close = round(price, 2) if minute % 3 else price
            yield (symbol, START + timedelta(minutes=minute), price, price * 1.01, price * 0.99, close, close / 3,
                   float(draw.randrange(10**7)))  # fmt: skip


def file_of(path, rows, names=NAMES):
    """A CSV file with these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if field is None else field for field in row] for row in rows])
    path.write_text(text.getvalue())
    return path


@pytest.fixture
def both(database, tmp_path):
    """A file, and windrow's own table with its rows."""
    rows = list(bars())
    put(database, rows, 1)
    return file_of(tmp_path / "bars.csv", rows), database


JOBS = [
    (MovingAverage, ["--indicator", "sma:20", "--indicator", "ema:12", "--column", "adj_close"]),
    (Crossover, ["--fast", "ema:7", "--slow", "ema:21"]),
]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(("job", "options"), JOBS, ids=[job.__name__ for job, _ in JOBS])
def test_a_job_gives_the_bytes_of_the_file(job, options, runner, both, run_job):
    path, table = both
    want = run_job("-q", "-r", runner, *options, path, job=job)
    found = run_job("-q", "-r", runner, *options, table.uri, job=job)
    assert want.status == 0 and want.out
    assert (found.status, found.out) == (0, want.out), found.err


SELECTIONS = [
    ["--symbols", "AA"],
    ["--symbols", 'aa,ÄÖ,q"u'],
    ["--from", "2026-11-02T15:00", "--to", "2026-11-02T16:00"],
    ["--from", "2026-11-02", "--to", "2026-11-02"],
    ["--to", "2026-11-02T15:00Z", "--symbols", "^GSPC"],
    ["--where", "symbol=BRK.B"],
]


@pytest.mark.parametrize("options", SELECTIONS, ids=[" ".join(one) for one in SELECTIONS])
def test_chosen_rows_are_those_of_the_file(options, both, run_job):
    path, table = both
    want, found = (run_job("-q", "--window", "3", *options, one) for one in (path, table.uri))
    assert want.status == 0 and want.out
    assert (found.status, found.out) == (0, want.out), found.err


def test_a_table_of_a_schema(postgres, tmp_path, run_job, monkeypatch):
    """All that is done with a table, in a schema whose name only quotes keep as it is."""
    monkeypatch.chdir(tmp_path)
    postgres.query('CREATE SCHEMA "Minutes"')
    rows, uri = list(bars(minutes=30)), postgres.table("Minutes.bars")
    path = file_of(tmp_path / "bars.csv", rows)
    assert main(["collect", "--source", str(path), "--to", uri, "--quiet"]) == 0
    put(postgres, rows[:30], 1)  # the table of that name in the usual schema
    want, found = (run_job("-q", "--window", "3", one) for one in (path, uri))
    assert (found.status, found.out) == (0, want.out) and want.out, found.err
    assert run_job("-q", "--window", "3", "-o", postgres.table("Minutes.averages"), uri).status == 0
    assert len(read_output(postgres.table("Minutes.averages"))) == want.out.count(b"\n")
    tables = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"
    own = [("bars",), ("bars_loads",), ("bars_version",), ("bars_watermarks",)]
    assert postgres.query(tables, "Minutes") == [("averages",), *own, ("windrow_outputs",)]
    assert postgres.query(tables, "public") == own
    again = run_job("-q", "--window", "3", "-o", postgres.table("Minutes.averages"), uri)
    assert again.status == 1 and "table Minutes.averages is there already" in again.err
    away = run_job("-q", "--window", "3", postgres.table("nowhere.bars"))
    assert away.status == 1 and "has no table nowhere.bars, or none of its columns" in away.err
    with connected(Place.of(uri), writes=True) as one, locked(one, Place.of(uri)):
        assert main(["collect", "--source", str(path), "--to", uri, "--quiet"]) == 1
        assert main(["collect", "--source", str(path), "--to", postgres.uri, "--quiet"]) == 0
    public = Place.of(postgres.table("public.bars"))
    with connected(public, writes=True) as one, locked(one, public):
        assert main(["collect", "--source", str(path), "--to", postgres.uri, "--quiet"]) == 1
