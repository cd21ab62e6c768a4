"""`windrow catalog usage`: from trails, looked-up events and Athena's history to the usage of days.

Followed here: commands/catalog.py:usage, commands/catalog.py:_days, catalog/usage/trails.py:read_trail,
catalog/usage/sifted.py:lines.
"""

import gzip
import sys
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, HOSTILE, OTHERS, REGION, Lake, role
from tests.catalog.test_athena import History, query
from tests.catalog.trail import DAY, access, at, content, identity, looked_up, name, record
from windrow.aws import pace
from windrow.catalog import snapshots
from windrow.catalog.columns import USAGE
from windrow.catalog.queries.query import asked
from windrow.catalog.usage import kept as usage_module
from windrow.catalog.usage import trails
from windrow.cli import main
from windrow.errors import AccountError
from windrow.storage.local import LocalSource

NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)
AT = {"account": ACCOUNT, "region": REGION, "run": "collected", "role": role(ACCOUNT, "collector")}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Today, the day after the one that is counted; nobody waits between calls."""
    monkeypatch.setattr(usage_module, "today", lambda: NEXT)
    monkeypatch.setattr(pace, "Event", lambda: SimpleNamespace(wait=lambda seconds: None))


@pytest.fixture
def place(aws, tmp_path):
    """A place with a snapshot."""
    return collected(str(tmp_path / "metrics"))


def collected(place, by=AT["role"]):
    found, at = snapshots.begin(place, DAY), {**AT, "role": by}
    tables = [{**at, "databasename": "sales", "tablename": "orders", "symbol": "x"}]
    snapshots.write(place, DAY, [{**at, "databasename": "sales"}], tables, found)
    return place


@pytest.fixture
def usage(place, capsys):
    """Runs the command; its status, and what it told."""

    def run(*options, place=place):
        status = main(["catalog", "usage", place, *options])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def logs(tmp_path):
    """Puts records into a file of a trail; the trail's folder."""

    def put(*records, key=None):
        path = tmp_path / "logs" / (key or name())
        path.parent.mkdir(parents=True, exist_ok=True)
        body = content(records)
        path.write_bytes(body if path.suffix == ".gz" else gzip.decompress(body))
        return str(tmp_path / "logs")

    return put


def written(place, day=DAY):
    """The rows of a day: source, symbol without account and region, queries and users."""
    with usage_module.source_of(place).open(snapshots.uri_of(place, "usage", day)) as file:
        rows = pq.read_table(file, partitioning=None)
    assert rows.schema.equals(USAGE)
    return [
        (row["source"], row["symbol"].removeprefix(f"{ACCOUNT}/{REGION}/"), row["queries"], row["users"])
        for row in rows.to_pylist()
    ]


def runs(place, day=DAY):
    """The runs of a day's rows."""
    return pq.read_table(snapshots.uri_of(place, "usage", day), partitioning=None)["run"].to_pylist()


def test_usage_of_yesterday_is_counted_and_told(place, usage, logs):
    trail = logs(
        *[record(userIdentity=identity(person)) for person in ("ann", "bob", "bob")],
        access(userIdentity=identity("ann")),
        record("GetPartitions", {"databaseName": "Sales", "tableName": "Items"}),
        record(errorCode="AccessDeniedException"),
        record(userAgent="Boto3/1.40 windrow"),
        record(userIdentity=identity("collector")),
        record("DescribeInstances", source="ec2.amazonaws.com"),
        at(BEFORE),
    )
    assert usage("--trail", trail) == (
        0,
        "cloudtrail: 9 records of 1 day, 5 of them of tables\n"
        "cloudtrail: not counted: 2 requests of windrow's own\n"
        "cloudtrail: not counted: 1 requests that AWS refused\n"
        "cloudtrail: not counted: 1 record of other days, 2026-11-28 to 2026-11-28; --from and --to say which days"
        " count\n"
        f"usage of 2026-11-29 written to {place}\n",
        "",
    )
    assert written(place) == [("cloudtrail", "sales.items", 1, 1), ("cloudtrail", "sales.orders", 3, 2)]
    [row] = pq.read_table(snapshots.uri_of(place, "usage", DAY), partitioning=None).to_pylist()[:1]
    assert (row["account"], row["region"], row["databasename"], row["tablename"], row["snapshot"]) == (
        ACCOUNT, REGION, "sales", "items", DAY,
    )  # fmt: skip
    assert row["run"] != "collected"


@pytest.mark.parametrize("arn", [role(ACCOUNT, "AWSReservedSSO_Admin_1f"), f"arn:aws:iam::{ACCOUNT}:user/ann", None])
def test_who_collects_by_the_credentials_of_a_person_still_counts(tmp_path, usage, logs, arn):
    place = collected(str(tmp_path / "others"), arn)
    by = identity("AWSReservedSSO_Admin_1f", "ann@example.com")
    ann = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann"}
    assert usage("--trail", logs(record(userIdentity=by), record(userIdentity=ann)), place=place)[0] == 0
    assert written(place) == [("cloudtrail", "sales.orders", 2, 2)]


def test_a_place_on_s3_has_its_usage_there(usage, aws):
    lake = Lake()
    lake.bucket()
    lake.put(f"s3://lake/logs/{name()}", body=content([record()]))
    place = collected("s3://lake/metrics")
    assert usage("--trail", "s3://lake/logs/", place=place)[0] == 0
    assert written(place) == [("cloudtrail", "sales.orders", 1, 1)]


def test_a_run_replaces_the_rows_of_its_sources_and_keeps_the_others(place, usage, logs):
    history = History({"primary": [query(), query("select * from items")]})
    with wire.answers({**history.answers(), "LookupEvents": looked_up([record()])}):
        assert usage("--athena", "--events")[0] == 0
        first = [("athena", "sales.items", 1, None), ("athena", "sales.orders", 1, None)]
        assert sorted(written(place)) == sorted([*first, ("cloudtrail", "sales.orders", 1, 1)])
        history.queries["primary-1"] = query("select 1")
        assert usage("--athena")[0] == 0
    kept = [("athena", "sales.orders", 1, None), ("cloudtrail", "sales.orders", 1, 1)]
    assert written(place) == kept
    usage("--trail", logs(record("GetTable", {"databaseName": "sales", "name": "items"})))
    assert written(place) == [("cloudtrail", "sales.items", 1, 1), ("athena", "sales.orders", 1, None)]


def test_a_trail_and_looked_up_events_are_one_source_whose_events_count_once(place, usage, logs):
    one, two = record(), record()
    with wire.answers({"LookupEvents": looked_up([one, two])}):
        status, out, _ = usage("--events", "--trail", logs(one))
    assert (status, written(place)) == (0, [("cloudtrail", "sales.orders", 2, 1)])
    assert out.startswith("cloudtrail: 3 records of 1 day, 3 of them of tables\n")


def test_several_days_are_each_written_but_those_of_which_there_is_no_record(place, usage, logs):
    trail = logs(at(DAY), at(BEFORE - timedelta(days=1)), at(BEFORE - timedelta(days=1)), key="a.json.gz")
    status, out, _ = usage("--trail", trail, "--from", "2026-11-26")
    assert status == 0 and out.splitlines()[1:] == [
        "cloudtrail: no record at all of 2 days, e.g. 2026-11-26; nothing is written of them",
        f"usage of 2026-11-27 to 2026-11-29 written to {place}",
    ]
    assert [len(written(place, day)) for day in (DAY, BEFORE - timedelta(days=1))] == [1, 1]
    assert set(snapshots.listed(place, "usage")["usage"]) == {DAY, BEFORE - timedelta(days=1)}


def test_records_of_other_days_count_where_their_days_are_asked_for(place, usage, logs):
    trail = logs(at(DAY), at(BEFORE), key="a.json")
    assert "1 record of other days, 2026-11-28 to 2026-11-28; --from and --to say" in usage("--trail", trail)[1]
    assert "other days" not in usage("--trail", trail, "--from", "2026-11-28", "--to", "2026-11-29")[1]
    assert [len(written(place, day)) for day in (BEFORE, DAY)] == [1, 1]


def test_a_day_with_records_but_no_use_is_written_without_rows(place, usage, logs):
    assert usage("--trail", logs(record("ListBuckets", source="s3.amazonaws.com")))[0] == 0
    assert written(place) == []


def test_nothing_is_written_where_there_is_no_record(place, usage, logs):
    status, out, _ = usage("--trail", logs())
    assert status == 0 and out.splitlines()[-1] == "nothing was written"
    assert snapshots.listed(place, "usage")["usage"] == {}


def test_what_cannot_be_read_is_told_and_the_status_is_3(place, usage, logs):
    trail = logs(record(), {**record(eventID="e-\x1b[2J"), "eventTime": 5})
    status, out, _ = usage("--trail", trail)
    assert status == 3 and written(place) == [("cloudtrail", "sales.orders", 1, 1)]
    assert "cloudtrail: failed: 1 damaged records, e.g. " in out and "\x1b" not in out


def test_rows_of_a_region_that_cannot_be_read_stay_as_they_were(place, usage, monkeypatch):
    regions, refusing = ("--region", "us-east-1", "--region", REGION), set()

    def pages(origin, first, last):
        yield [record(awsRegion=origin.region)]
        if origin.region in refusing:
            raise AccountError("cloudtrail: LookupEvents: AWS is too busy")

    monkeypatch.setattr(trails, "_pages", pages)
    assert usage("--events", *regions)[0] == 0
    both = [("cloudtrail", "sales.orders", 1, 1), ("cloudtrail", f"{ACCOUNT}/us-east-1/sales.orders", 1, 1)]
    assert written(place) == both
    old = runs(place)
    refusing.add("us-east-1")
    status, out, _ = usage("--events", *regions)
    assert (status, written(place)) == (3, both)
    assert (
        f"cloudtrail: failed: {ACCOUNT} us-east-1: cloudtrail: LookupEvents: AWS is too busy; its rows stay as they"
        " were" in out.splitlines()
    )
    assert runs(place)[0] != old[0] and runs(place)[1] == old[1]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_data(place, usage, logs, hostile):
    status, out, err = usage("--trail", logs(record(asked={"databaseName": hostile, "name": hostile})))
    name = f'"{hostile.lower()}"' if "." in hostile else hostile.lower()
    assert (status, err) == (0, "") and [row[1:] for row in written(place)] == [(f"{name}.{name}", 1, 1)]
    assert hostile not in out


def test_no_name_of_a_user_is_written(place, usage, logs):
    usage("--trail", logs(record(userIdentity={"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/ann"})))
    with open(snapshots.uri_of(place, "usage", DAY), "rb") as file:
        assert b"ann" not in file.read()


def test_of_two_runs_at_one_time_each_keeps_the_others_rows(place, usage, logs, monkeypatch):
    trail, replace, runs = logs(record()), LocalSource.replace, []

    def late(self, uri, path, revision):
        if not runs:
            runs.append(1)
            with wire.answers(History({"primary": [query()]}).answers()):
                assert usage("--athena")[0] == 0
        return replace(self, uri, path, revision)

    monkeypatch.setattr(LocalSource, "replace", late)
    assert usage("--trail", trail)[0] == 0
    assert written(place) == [("athena", "sales.orders", 1, None), ("cloudtrail", "sales.orders", 1, 1)]


def test_a_day_that_others_replace_again_and_again_is_told(place, usage, logs, monkeypatch):
    monkeypatch.setattr(LocalSource, "replace", lambda self, uri, path, revision: None)
    assert usage("--trail", logs(record())) == (
        1,
        "",
        f"error: {snapshots.uri_of(place, 'usage', DAY)}: others have replaced it 10 times while its rows were being"
        " joined; run it again once no other run is under way\n",
    )


def test_nothing_is_written_where_one_source_refuses(place, usage, logs):
    with wire.answers({"ListWorkGroups": lambda asked, number: wire.denied()}):
        status, _, err = usage("--trail", logs(record()), "--athena")
    assert status == 1 and err.startswith("error: athena: ListWorkGroups: access is denied")
    assert snapshots.listed(place, "usage")["usage"] == {}


@pytest.mark.parametrize("body", ["no Parquet", "no usage"])
def test_an_object_that_is_no_usage_is_not_replaced(place, usage, logs, body):
    uri = snapshots.uri_of(place, "usage", DAY)
    usage("--trail", logs(record()))
    if body == "no usage":
        pq.write_table(pa.table({"a": [1]}), uri)
    else:
        with open(uri, "w") as file:
            file.write(body)
    status, _, err = usage("--trail", logs(record()))
    why = "has no column source, so it is no object of usage" if body == "no usage" else "is no whole Parquet file"
    assert status == 1 and err.startswith(f"error: {uri}: {why}")


#: What is wrong, the message, and the cure, if it can be tried.
WRONG = {
    ("--events", "--from", "yesterday"): (
        "--from yesterday: is no day; write it as YEAR-MONTH-DAY, e.g. --from 2026-11-30",
        ("--events", "--from", "2026-11-28"),
    ),
    ("--events", "--to", "2026-11-30"): (
        "--to 2026-11-30: is not over in UTC; give --to 2026-11-29, or an earlier day",
        ("--events", "--to", "2026-11-29"),
    ),
    ("--events", "--from", "2026-11-29", "--to", "2026-11-28"): (
        "--from 2026-11-29: is after 2026-11-28, the last day; give an earlier one, or a later --to",
        ("--events", "--from", "2026-11-28", "--to", "2026-11-28"),
    ),
    ("--events", "--from", "2026-09-01"): (
        "--from 2026-09-01: AWS keeps what --events reads for 90 days; give --from 2026-09-02 or a later day, or files"
        " of CloudTrail by --trail",
        ("--events", "--from", "2026-09-02"),
    ),
    ("--athena", "--from", "2026-10-16"): (
        "--from 2026-10-16: AWS keeps what --athena reads for 45 days; give --from 2026-10-17 or a later day, or files"
        " of CloudTrail by --trail",
        ("--athena", "--from", "2026-10-17"),
    ),
    (): (
        "windrow catalog usage: nothing to count from; give --trail PATH, --events or --athena",
        ("--athena",),
    ),
    ("--trail", "logs", "--region", "eu-west-1"): (
        "--region eu-west-1: says where --events and --athena ask; add one of these, or leave it out",
        ("--events", "--region", "eu-west-1"),
    ),
    ("--trail", "logs", "--all-regions"): (
        "--all-regions: says where --events and --athena ask; add one of these, or leave it out",
        ("--athena", "--all-regions"),
    ),
    ("--trail", "logs", "--role", role(OTHERS[0])): (
        "--role: says where --events and --athena ask; add one of these, or leave it out",
        ("--athena", "--role", role(OTHERS[0])),
    ),
}


@pytest.mark.parametrize("options", WRONG, ids=" ".join)
def test_wrong_usage_is_told_with_a_cure_that_cures(usage, options):
    says, cure = WRONG[options]
    status, out, err = usage(*options)
    assert (status, out) == (2, "") and says in err
    with wire.answers({**History({"primary": [query()]}).answers(), "LookupEvents": looked_up([record()])}):
        assert usage(*cure)[0] == 0


def test_a_place_must_be_named_and_have_snapshots(usage, capsys, tmp_path):
    assert main(["catalog", "usage", "--athena"]) == 2
    assert (
        "SNAPSHOTS: is missing; name the folder that `windrow catalog collect` has written" in capsys.readouterr().err
    )
    status, _, err = usage("--athena", place=str(tmp_path))
    assert status == 1 and err.startswith(f"error: {tmp_path}: has no snapshots")


def test_a_trail_without_files_is_told(usage, logs, tmp_path):
    logs(record())
    status, _, err = usage("--trail", str(tmp_path / "nothing"))
    assert status == 1 and "nothing: has no file of CloudTrail, that is no .json or .json.gz" in err
    assert usage("--trail", str(tmp_path / "logs"))[0] == 0


def test_sqlglot_is_asked_for_where_it_is_missing(usage, monkeypatch):
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    status, _, err = usage("--athena")
    assert (status, err) == (
        1,
        "error: --athena: needs sqlglot, which is not installed; install it with: pip install 'windrow[catalog]'\n",
    )


def test_today_is_that_of_utc(monkeypatch):
    monkeypatch.undo()
    assert isinstance(usage_module.today(), date)


def test_views_count_a_query_once_that_two_sources_have_seen(place, usage, logs):
    with wire.answers(History({"primary": [query(), query(), query("select * from items")]}).answers()):
        usage("--trail", logs(record()), "--athena")
    symbol = f"{ACCOUNT}/{REGION}/sales.orders"
    found = snapshots.begin(place, DAY)
    row = {**AT, "databasename": "sales", "tablename": "orders", "symbol": symbol}
    snapshots.write(place, DAY, [{**AT, "databasename": "sales"}], [row], found)
    with asked(place, "most_used") as answer:
        [[one]] = [batch.to_pylist() for batch in answer.batches]
    assert (one["tablename"], one["queries"], one["most_users_a_day"], one["last_used"]) == ("orders", 2, 1, DAY)


def test_why_a_file_cannot_be_read_is_told_whole_however_long_its_name(place, usage, logs):
    trail = logs(record())
    path = Path(trail, name())
    path.write_bytes(content([record() for _ in range(50)])[:200])
    status, out, _ = usage("--trail", trail)
    [line] = [line for line in out.splitlines() if line.startswith("cloudtrail: failed: ")]
    assert status == 3 and str(path) in line and not line.endswith("...")
    assert line.partition(path.name)[2].startswith(": ")
