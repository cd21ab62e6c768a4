"""Each view says what plain Python says of random histories: tests/catalog/history.py."""

import time
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import catalog_views
from tests.catalog.history import LAST, History
from windrow.catalog import plan, snapshots
from windrow.catalog.columns import USAGE
from windrow.catalog.queries.query import asked
from windrow.catalog.queries.questions import DOLLARS_A_GB_MONTH, VIEWS

pytestmark = pytest.mark.catalog

#: The views that read usage.
USED = ("least_used", "most_used", "idle")
SEEDS = (*range(4), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 60)))


def answer(place, sql, day=None):
    with asked(str(place), sql, day) as found:
        return [row for batch in found.batches for row in batch.to_pylist()]


def without(rows, *names):
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


@pytest.fixture(scope="module", params=SEEDS)
def kept(request, tmp_path_factory):
    """A history, and the folder of its snapshots."""
    history, place = History(request.param), tmp_path_factory.mktemp("metrics")
    history.write(str(place))
    return history, place


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in USED])
def test_a_view_says_what_plain_python_says(kept, name):
    history, place = kept
    right = getattr(history, name)()
    assert right and answer(place, name) == right


def test_all_kinds_of_changes_are_in_these_histories(kept):
    assert {row["change"] for row in kept[0].changes()} == {"created", "dropped", "altered"}


def usage_of(history, seed):
    """Rows of usage by two sources on some days, before the last ones and after them too; one table of them is gone."""
    random, usage = Random(seed), {}
    symbols = [row["symbol"] for row in history.now] + ["gone"]
    for number in range(-3, 40):
        day = LAST - timedelta(days=number)
        if random.random() < 0.8:
            usage[day] = [
                {"symbol": symbol, "snapshot": day, "source": source}
                | {name: random.randrange(4) for name in ("queries", "users")}
                for symbol in symbols
                for source in ("athena", "cloudtrail")
                if random.random() < 0.5
            ]
    return usage


def write_usage(place, usage):
    for day, rows in usage.items():
        path = Path(place, f"usage/year={day.year}/month={day.month:02d}/day={day.day:02d}/usage.parquet")
        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, USAGE), path)


@pytest.mark.parametrize("name", USED[:2])
@pytest.mark.parametrize("written", [False, True], ids=["last access", "usage"])
def test_use_is_counted_where_usage_is_written_and_else_by_the_last_access(kept, tmp_path, name, written):
    history, _ = kept
    usage = usage_of(history, name) if written else {}
    history.write(str(tmp_path))
    write_usage(tmp_path, usage)
    right = getattr(history, name)(usage)
    assert right and answer(tmp_path, name) == right


@pytest.mark.parametrize("number", [0, 29, 30])
def test_what_nobody_has_used_is_idle_where_usage_is_kept_of_all_days(kept, tmp_path, number):
    history, old = deepcopy(kept[0]), 2
    for row in history.now[:old]:
        row |= {"createtime": None, "lastaccesstime": None}
    usage = {
        LAST - timedelta(days=day): [
            {"symbol": row["symbol"], "snapshot": LAST - timedelta(days=day), "source": "athena", "queries": 1}
            for row in history.now[old + day % 5 :: 5]
            if day < 3
        ]
        for day in range(number)
    }
    history.write(str(tmp_path))
    write_usage(tmp_path, usage)
    right = history.idle({day: [{"users": None, **row} for row in rows] for day, rows in usage.items()})
    assert len(right) >= old and answer(tmp_path, "idle") == right
    assert {row["idle_days"] is None for row in right} == {number < 30}


def test_the_price_of_idle_tables_is_that_of_plans():
    prices = plan.load()
    assert (prices.s3_gigabyte_month, prices.region, prices.dated) == (DOLLARS_A_GB_MONTH, "us-east-1", "2025-06")


def test_usage_of_no_query_at_all_says_that_nothing_was_used(kept, tmp_path):
    history, _ = kept
    history.write(str(tmp_path))
    write_usage(tmp_path, {LAST: []})
    assert {row["queries"] for row in answer(tmp_path, "least_used")} == {0} and answer(tmp_path, "most_used") == []


def test_a_day_before_the_last_is_asked_as_if_it_were_the_last(kept, tmp_path):
    history, place = deepcopy(kept[0]), kept[1]
    day = sorted(history.databases)[-9]
    for later in [later for later in history.databases if later > day]:
        del history.databases[later], history.tables[later]
    history.write(str(tmp_path))
    for name in VIEWS:
        assert answer(place, name, day) == answer(tmp_path, name)


def test_relations_have_the_rows_of_the_days_that_they_speak_of(kept):
    history, place = kept
    days = sorted(history.databases)
    assert [row["snapshot"] for row in answer(place, "from days order by snapshot")] == days
    for name, first in (("tables", days[0]), ("tables_now", LAST), ("tables_recent", LAST - timedelta(days=30))):
        right = [row["symbol"] for day in days if day >= first for row in history.tables[day]]
        found = answer(place, f"select symbol, snapshot, run from {name}")
        assert sorted(row["symbol"] for row in found) == sorted(right)
        assert all(row["run"] == f"run-{row['snapshot']}" for row in found)


def test_a_lake_of_the_benchmark_has_something_for_each_view(tmp_path):
    catalog_views.year(tmp_path, 400, 60)
    for name in VIEWS:
        assert name == "stale_tables" or answer(tmp_path, name), name


@pytest.mark.full
def test_views_over_a_year_of_10000_tables_take_what_two_cores_do_in_a_second_or_in_three(tmp_path):
    """In seconds of CPU, which other work on the machine leaves as they are."""
    catalog_views.year(tmp_path)
    for name in VIEWS:
        over_all = name in ("table_counts", "storage", "changes", "schema_drift")
        start = time.process_time()
        assert name == "stale_tables" or answer(tmp_path, name)
        assert time.process_time() - start < 2 * (3 if over_all else 1), name


def days_of(place, days, at=("111122223333", "eu-west-1")):
    """Snapshots of one table of the database sales: by day whether it is there and with which schema, or not read."""
    for number, (schema, unread) in enumerate(days):
        day, row = LAST - timedelta(days=len(days) - number), dict(zip(("account", "region"), at, strict=True))
        databases = [{"databasename": "sales", "unread": unread, "run": "run", **row}]
        table = {"databasename": "sales", "tablename": "orders", "schema_hash": schema, "run": "run", **row}
        snapshots.write(
            str(place), day, databases, [] if schema == "gone" else [table], snapshots.begin(str(place), day)
        )
    return [(LAST - row["snapshot"]).days * -1 + len(days) for row in reversed(answer(place, "changes"))], [
        row["change"] for row in reversed(answer(place, "changes"))
    ]


def test_a_table_read_in_part_of_a_day_does_not_hide_that_it_was_gone_on_another(tmp_path):
    """It is there on as many days as there are from the first to the last, of those on which it is known."""
    days = [("a", None), ("a", "denied"), ("gone", None), ("a", None)]
    assert days_of(tmp_path, days) == ([2, 3], ["dropped", "created"])


def test_a_schema_that_is_not_known_for_some_days_has_changed_if_it_is_another_after_them(tmp_path):
    days = [("a", None), ("a", None), (None, None), (None, None), ("b", None), ("b", None)]
    assert days_of(tmp_path, days) == ([4], ["altered"])
