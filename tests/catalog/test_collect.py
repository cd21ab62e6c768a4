"""`windrow catalog collect`: from a catalog to the snapshot of a day, with what it tells, and its exit status.

Followed here: catalog/collection/collector.py:_databases, catalog/collection/collector.py:_empty,
catalog/collection/drops.py:drops, catalog/origins.py:_whose, catalog/origins.py:origins, commands/catalog.py:_sizes,
catalog/sizes/manifests.py:newest, catalog/sizes/manifests.py:_found.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, HOSTILE, OTHERS, REGION, fill, role
from tests.catalog.test_inventory import PLACE, configure, put
from tests.conftest import ROOT
from tests.console import terminal
from windrow.catalog import snapshots
from windrow.catalog.collection import daily
from windrow.catalog.metastore.described import Run
from windrow.cli import main

TODAY = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
GOOD_LINKS = {"GetTable": lambda asked, number: {"Table": {"Name": "orders"}}}
LINE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def clock(monkeypatch):
    """The time at which runs begin; they are numbered from 1."""
    now, runs = [TODAY], []

    def new_run():
        runs.append(now[0])
        return Run(f"run-{len(runs)}", now[0])

    monkeypatch.setattr(daily, "new_run", new_run)
    return now


@pytest.fixture
def collect(clock, capsys, tmp_path):
    """Runs the command; its status, and what it told."""

    def run(*options, place=tmp_path / "metrics"):
        status = main(["catalog", "collect", "-o", str(place), *options])
        return status, *capsys.readouterr()

    run.place = str(tmp_path / "metrics")
    return run


@pytest.fixture
def sales(lake):
    """A database with a table of two files."""
    lake.bucket()
    lake.database("sales")
    lake.table("sales", "orders", "s3://lake/orders")
    lake.put("s3://lake/orders/1", 10)
    lake.put("s3://lake/orders/2", 32)
    return lake


@pytest.mark.parametrize("place", ["here", "s3://lake/metrics/"])
def test_a_snapshot_of_what_was_put_in(collect, lake, tmp_path, place):
    lake.bucket()
    fill(lake, 60, 300)
    place = str(tmp_path) if place == "here" else place
    with wire.answers(GOOD_LINKS):
        status, out, err = collect(place=place)
    found = snapshots.read_day(place, TODAY.date())
    rows = {row["symbol"]: row for row in found.tables.to_pylist()}
    assert (status, err, len(rows), found.run) == (0, "", 60, "run-1")
    for account, region, database, name in lake.tables:
        row, asked = rows[f"{account}/{region}/{database}.{name}"], lake.tables[account, region, database, name]
        where = asked.get("StorageDescriptor", {}).get("Location", "")
        wanted = lake.held(where) if where.startswith("s3") else (None, None)
        assert (row["bytes"], row["totalfilesons3"]) == wanted
    stored = sum(size for size, _ in (lake.held(f"s3://lake/db{number}/") for number in range(8)))
    counted = [line for line in out.splitlines() if line.startswith("live bytes not known: ")]
    assert len(counted) == 4  # two tables each of Iceberg and Delta, whose metadata are not there
    assert [line for line in out.splitlines() if line not in counted] == [
        "run run-1: 60 tables in 8 databases of 1 catalog",
        f"measured: 54 tables; {sum(row['bytes'] or 0 for row in rows.values()):,} bytes in 270 files",
        "not measured: 2 other scheme, 2 view, 2 link",
        f"snapshot of 2030-01-02 written to {place}",
    ]
    assert stored >= sum(row["bytes"] or 0 for row in rows.values())
    assert [row["tables"] for row in found.databases.to_pylist()] == [8] * 4 + [7] * 4


def test_what_cannot_be_read_is_told_and_the_status_is_3(collect, sales):
    sales.database("secret")
    denied = {"GetTables": lambda asked, _: wire.denied() if asked["DatabaseName"] == "secret" else None}
    with wire.answers(denied):
        status, out, err = collect()
    assert (status, err) == (3, "")
    assert f"failed: {ACCOUNT}/{REGION}/secret: denied (AccessDeniedException)" in out.splitlines()
    found = snapshots.read_day(collect.place, TODAY.date())
    assert found.databases["unread"].to_pylist() == [None, "denied (AccessDeniedException)"]
    assert found.tables["bytes"].to_pylist() == [42]


def test_a_rerun_replaces_the_day_and_days_stay(collect, clock, sales):
    collect()
    sales.put("s3://lake/orders/3", 100)
    assert collect()[0] == 0
    clock[0] += timedelta(days=1)
    sales.put("s3://lake/orders/4", 1000)
    assert collect()[0] == 0
    days = snapshots.days(collect.place)
    assert [day.isoformat() for day in days] == ["2030-01-02", "2030-01-03"]
    assert [snapshots.read_day(collect.place, day).tables["bytes"].to_pylist() for day in days] == [[142], [1142]]


def test_a_sudden_drop_is_warned_of_with_the_role(collect, clock, lake):
    lake.database("sales")
    for number in range(10):
        lake.table("sales", f"t{number}")
    assert collect()[2] == ""
    clock[0] += timedelta(days=1)
    with wire.answers({"GetTables": lambda asked, number: {"TableList": [{"Name": "t0", "DatabaseName": "sales"}]}}):
        status, _, err = collect()
    assert status == 0 and err == (
        f"warning: {ACCOUNT} {REGION}: 1 table visible, 10 in the snapshot of 2030-01-02; if nobody dropped the others,"
        f" Lake Formation hides them, without an error: check there what arn:aws:sts::{ACCOUNT}:user/moto may see\n"
    )
    with wire.answers({"GetTables": lambda asked, number: {"TableList": [{"Name": "t0", "DatabaseName": "sales"}]}}):
        assert collect()[2] == err  # and again with the day before


def test_two_at_one_time_make_one_snapshot_and_the_other_is_told(collect, sales, monkeypatch):
    first, write = [], snapshots.write

    def overtaken(*args):
        monkeypatch.setattr(snapshots, "write", write)
        first.append(collect()[0])
        write(*args)

    monkeypatch.setattr(snapshots, "write", overtaken)
    status, out, err = collect()
    assert first == [0] and status == 1 and out == ""
    assert "another run has written this day since this one began" in err
    assert snapshots.read_day(collect.place, TODAY.date()).run == "run-2"


def test_hostile_names_are_printed_as_they_can_be_and_kept_as_they_are(collect, lake):
    for name in HOSTILE:
        lake.database(f"{name}\n\x1b[2J")
        lake.table(f"{name}\n\x1b[2J", name, f"s3://nowhere/{name}")
    status, out, err = collect()
    assert status == 3 and not LINE.search(out + err) and len(out.splitlines()) == 3 + len(HOSTILE) + 1
    [tables] = snapshots.listed(collect.place)["tables"].values()
    assert sorted(pq.read_table(tables, partitioning=None)["tablename"].to_pylist()) == sorted(HOSTILE)
    assert sorted(os.listdir(collect.place)) == ["databases", "tables"]


# Errors, and following their cures.

#: Options, what is said, and options that follow the cure.
CURES = {
    "all regions": (["--all-regions", "--region", REGION], "leave one of them out", ["--region", REGION]),
    "region": (["--region", "eu-wset-1"], "did you mean eu-west-1?", ["--region", "eu-west-1"]),
    "role": (["--role", "reader"], "name it as arn:aws:iam::111122223333:role/NAME", ["--role", role(ACCOUNT)]),
    "no role": (["--role", "reader"], "or - for the credentials themselves", ["--role", "-"]),
    "two roles": (["--role", "-", "--role", role(ACCOUNT)], "leave one of them out", ["--role", role(ACCOUNT)]),
    "two roles of a catalog": (
        ["--role", "-", "--role", role(OTHERS[0]), "--catalog-id", ACCOUNT],
        "leave one of them out",
        ["--role", "-", "--catalog-id", ACCOUNT],
    ),
    "databases": (["--database", "sale"], "use * for any characters, or leave it out", ["--database", "sale*"]),
    "no databases": (["--database", "sale"], "use * for any characters, or leave it out", []),
    "empty": (["--region", "us-west-2"], "check --region", ["--region", REGION]),
    "rate": (["--rate", "0"], "'--rate': 0.0 is not in the range x>0", ["--rate", "10"]),
    "rate of no listing": (
        ["--rate", "10", "--sizes", "inventory", "--inventory", PLACE],
        "leave one of them out",
        ["--sizes", "inventory", "--inventory", PLACE],
    ),
    "an inventory for a listing": (
        ["--inventory", PLACE],
        "--sizes is listing; give that",
        ["--sizes", "inventory", "--inventory", PLACE],
    ),
    "no inventory": (
        ["--sizes", "inventory"],
        "name it by --inventory s3://BUCKET/FOLDER/",
        ["--sizes", "inventory", "--inventory", PLACE],
    ),
    "an inventory here": (
        ["--sizes", "inventory", "--inventory", "inventories"],
        "name it as s3://BUCKET/FOLDER/",
        ["--sizes", "inventory", "--inventory", PLACE],
    ),
    "an inventory elsewhere": (
        ["--sizes", "inventory", "--inventory", "s3://lake/orders/"],
        "has no inventory",
        ["--sizes", "inventory", "--inventory", PLACE],
    ),
    "sizes": (["--sizes", "guess"], "'--sizes': 'guess' is not one of", ["--sizes", "listing"]),
}


@pytest.mark.parametrize("case", CURES)
def test_following_a_cure_leads_to_a_snapshot(collect, sales, case):
    wrong, told, cured = CURES[case]
    sales.bucket("home")
    put(sales, rows=[("orders/1", 10, True, False), ("orders/2", 32, True, False)])
    configure()
    status, out, err = collect(*wrong)
    assert status in (1, 2) and out == "" and told in err and err.count("\n") == 1
    status, _, err = collect(*cured)
    assert status == 0 and ("sizes are of its inventory" in err) == ("inventory" in cured)
    assert snapshots.read_day(collect.place, TODAY.date()).tables["bytes"].to_pylist() == [42]


def test_the_cure_of_a_part_is_a_place_of_its_own(collect, sales, tmp_path):
    sales.database("other")
    collect()
    status, _, err = collect("--database", "sales")
    assert status == 0 and "leaves out 1 database" in err and "into a place of its own (-o)" in err
    collect()
    part = tmp_path / "part"
    assert collect("--database", "sales", place=part)[2] == collect("--database", "sales", place=part)[2] == ""
    status, _, err = collect("--role", role(OTHERS[0]), "--role", role(OTHERS[1]))
    assert status == 1 and "no database is visible" in err


def test_catalogs_that_are_no_longer_asked_for_are_told(collect, sales):
    sales.database("sales", account=OTHERS[0])
    assert collect("--role", "-", "--role", role(OTHERS[0]))[0] == 0
    status, _, err = collect()
    assert status == 0 and f"{OTHERS[0]} {REGION}: in the snapshot of 2030-01-02, but not asked for now" in err
    collect("--role", "-", "--role", role(OTHERS[0]))
    assert collect("--role", "-", "--role", role(OTHERS[0]))[2] == ""


def test_no_place(clock, capsys):
    assert main(["catalog", "collect"]) == 2
    assert capsys.readouterr().err == (
        "error: -o: is missing; name the folder of the snapshots, e.g. -o metrics or -o s3://BUCKET/metrics\n"
    )


@pytest.mark.parametrize("place", ["/proc/metrics", "file", "s3:metrics", "hdfs://host/metrics", "s3://nowhere/m"])
def test_a_place_that_cannot_be_written_is_an_end_before_anything_is_read(collect, sales, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with wire.answers({}) as calls:
        status, out, err = collect(place=place)
    assert status == 1 and out == "" and err.startswith(f"error: {place}") and err.count("\n") == 1
    assert not {"GetDatabases", "GetTables"} & {call.operation for call in calls}


def test_no_credentials_in_one_sentence(collect, nowhere, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    status, _, err = collect()
    assert status == 1 and err == (
        "error: sts: GetCallerIdentity: no AWS credentials were found, or only part of them; run `aws configure` or"
        " `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE\n"
    )


def test_without_boto3_what_installs_it_is_named(collect, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    status, _, err = collect()
    assert status == 1 and err == (
        "error: windrow catalog collect: needs boto3, which is not installed; install it with: pip install"
        " 'windrow[aws]'\n"
    )


def test_help_needs_nothing_of_aws():
    program = "import sys; from windrow.cli import main; main(['catalog', 'collect', '--help'])"
    program += "; sys.exit('boto3' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, cwd=ROOT).returncode == 0


def test_cloudwatch_knows_whole_buckets_alone(collect, sales):
    sales.table("sales", "all", "s3://lake")
    status, out, err = collect("--sizes", "cloudwatch")
    assert status == 0 and "sizes are what CloudWatch knew of whole buckets" in err
    measured, others = out.splitlines()[1:3]  # of bytes moto tells those of Python's objects
    assert re.fullmatch(r"measured: 1 table; \d+ bytes in 2 files", measured)
    assert others == "not measured: 1 not a whole bucket"


def test_a_terminal_shows_progress_and_a_pipe_none(sales, tmp_path):
    """In a process of its own, at moto's server; a terminal as if the work took longer."""
    asked = ["catalog", "collect", "-o", str(tmp_path / "m")]
    command = [sys.executable, "-m", "windrow.cli", *asked]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(command, env=env, capture_output=True, check=True).stderr == b""
    ran = terminal.run(*asked)
    assert ran.status == 0
    shown = "\n".join(ran.pictures)
    assert "1 of 1 database, 1 table" in shown and "1 of 1 folder, 2 files" in shown
    quiet = subprocess.run([*command, "--quiet"], env=env, capture_output=True, check=True)
    assert quiet.stderr == b"" and b"measured: 1 table; 42 bytes in 2 files" in quiet.stdout
