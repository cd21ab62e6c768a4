"""What a collection would take, before anything is listed. Errors' cures: catalog/plan.py:load."""

import json
from datetime import UTC, datetime

import pytest

from tests.catalog.lake import ACCOUNT, FORMATS, OTHERS, REGION, role
from tests.catalog.test_cloudwatch import DAY, known
from tests.catalog.wire import answers, denied
from windrow.catalog.plan import PRICES, load
from windrow.cli import main


@pytest.fixture
def plan(capsys):
    """Runs the command; its exit status, what it prints, and what it says."""

    def run(*options):
        status = main(["catalog", "plan", "--quiet", *map(str, options)])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def sales(lake):
    """Four tables in two folders of one bucket and one of another, and a view."""
    for name in ("lake", "other"):
        lake.bucket(name)
    lake.database("sales")
    lake.table("sales", "orders", "s3://lake/orders/")
    lake.table("sales", "recent", "s3://lake/orders/recent/", Parameters=FORMATS["delta"])
    lake.table("sales", "items", "s3://lake/items/", Parameters=FORMATS["iceberg"])
    lake.table("sales", "people", "s3://other/people/")
    lake.table("sales", "seen", TableType="VIRTUAL_VIEW")
    return lake


LARGE = {
    ("lake", "StandardStorage", DAY): 7.0 * 10**15,
    ("lake", "AllStorageTypes", DAY): 2_000_000_500.0,
    ("other", "StandardStorage", DAY): 5.0,
    ("other", "AllStorageTypes", DAY): 3.0,
}


def metering(values):
    return {name: answer for name, answer in known(values).items() if name != "HeadBucket"}


def test_calls_minutes_and_dollars_of_a_large_lake(plan, sales):
    with answers(metering(LARGE)) as calls:
        status, out, err = plan("--json")
    assert (status, err) == (0, "")
    assert not {call.operation for call in calls} & {"ListObjectsV2", "GetObject", "GetPartitions"}
    told = json.loads(out)
    assert (told["catalogs"], told["databases"], told["tables"]) == (1, 1, 5)
    assert told["formats"] == {"delta": 1, "hive": 3, "iceberg": 1}
    assert [bucket["objects"] for bucket in told["buckets"]] == [2_000_000_500, 3]
    assert [bucket["folders"] for bucket in told["buckets"]] == [2, 1]
    # By hand: a call for each 1,000 objects, and one for each folder; 5 dollars a million of calls.
    assert told["listing"]["calls"] == 2_000_000 + 3
    assert told["listing"]["seconds"] == pytest.approx(2_000_003 / 300)
    assert told["listing"]["dollars"] == pytest.approx(10.000015)
    # Two and a half dollars a thousand millions of objects.
    assert told["inventory"]["dollars"] == pytest.approx(5.0, abs=0.01)
    assert told["saved"]["daily"] == pytest.approx(30.4 * 5, abs=0.1)
    assert told["saved"]["weekly"] == pytest.approx(30.4 * 10 - 4.35 * 5, abs=0.1)
    # A call for the databases, one for the tables, one for partitions of each; a read of Iceberg, three of Delta.
    assert told["catalog"]["calls"] == 1 + 1 + 5 + 1 + 3


def test_the_plan_as_text(plan, sales):
    with answers(metering(LARGE)):
        status, out, _ = plan("--rate", 100)
    assert status == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "5 tables in 1 database of 1 catalog: 1 delta, 3 hive, 1 iceberg"
    assert lines[1] == "their files: 3 folders in 2 buckets"
    assert lines[2] == "lake: 2 folders; 2,000,000,500 objects on 2026-11-29; 2,000,002 calls at most"
    assert lines[3] == "other: 1 folder; 3 objects on 2026-11-29; 1 call at most"
    assert "listing 2,000,003 333 min $10.00 $304.00" in lines
    assert any(line.startswith("listing takes at most that, at 100 calls a second") for line in lines)
    assert any(line.startswith("S3 Inventory would save $15") and "save $282" in line for line in lines)
    assert "a Lambda ends after 15 minutes: use --sizes inventory there, or run it elsewhere" in lines
    assert lines[-1] == f"prices are of {load().dated} in us-east-1; --prices has yours"


def test_what_is_not_known_is_told(plan, sales):
    with answers({"ListMetrics": lambda asked, number: denied()}):
        status, out, _ = plan()
    assert status == 0
    assert "lake: 2 folders; its objects are not known (denied (AccessDeniedException)); 2 calls or more" in out
    assert "listing takes at least that" in out


def test_a_small_lake_of_several_accounts(plan, sales):
    for number in range(30):
        sales.put(f"s3://lake/orders/{number}", number)
    sales.bucket("theirs", account=OTHERS[0])
    sales.database("hr", account=OTHERS[0])
    sales.table("hr", "people", "s3://theirs/people/", account=OTHERS[0])
    status, out, _ = plan("--role", "-", "--role", role(OTHERS[0]), "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["catalogs"], told["databases"], told["tables"]) == (2, 2, 6)
    held = {bucket["name"]: (bucket["objects"], bucket["told"]) for bucket in told["buckets"]}
    day = str(datetime.now(UTC).date())
    assert held == {"lake": (30, day), "other": (0, day), "theirs": (0, day)}


def test_a_database_that_is_denied_is_told(plan, sales):
    sales.database("hr")
    hidden = {"GetTables": lambda asked, number: denied() if asked["DatabaseName"] == "hr" else None}
    with answers(hidden):
        status, out, _ = plan()
    assert status == 0
    assert f"not read: {ACCOUNT}/{REGION}/hr: denied (AccessDeniedException)" in out


def test_an_empty_catalog_is_refused(plan, lake):
    status, out, err = plan()
    assert (status, out) == (1, "")
    assert err.startswith("error: ") and "no database is visible" in err


@pytest.mark.parametrize("content", [None, "no JSON", "[]", "{}", '{"dated": "2026-11", "region": "x"}', "negative"])
def test_following_the_cure_of_a_wrong_price_table(plan, sales, tmp_path, content):
    place = tmp_path / "prices.json"
    if content:
        place.write_text(PRICES.read_text().replace("0.005", "-5") if content == "negative" else content)
    status, out, err = plan("--prices", place)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: --prices {place}: ") and err.endswith(f"copy {PRICES} and edit it\n")
    place.write_text(PRICES.read_text().replace("2025-06", "2026-11").replace("0.005", "0.05"))
    with answers(metering(LARGE)):
        status, out, _ = plan("--prices", place, "--json")
    assert status == 0
    assert json.loads(out)["listing"]["dollars"] == pytest.approx(100.00015)
    assert json.loads(out)["prices"]["dated"] == "2026-11"
