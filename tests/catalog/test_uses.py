"""Uses of tables are counted as plain Python counts them, and in a memory that does not grow."""

import tracemalloc
from collections import Counter, defaultdict
from datetime import date, timedelta
from random import Random
from threading import Thread

import pytest

from tests.catalog.lake import ACCOUNT, HOSTILE, REGION
from windrow.catalog.columns import symbol_of
from windrow.catalog.usage.uses import Table, Use, Uses

DAY = date(2026, 11, 29)


def table(name="orders", database="sales"):
    return Table(ACCOUNT, REGION, database, name)


def counted(uses, day=DAY):
    """Queries and users of each table."""
    with Uses() as kept:
        kept.add(uses)
        return {row["symbol"].rpartition("/")[2]: (row["queries"], row["users"]) for row in kept.rows(day)}


def test_a_query_that_asks_for_schema_partitions_and_data_is_one():
    kinds = ("schema", "partitions", "partitions", "data")
    assert counted(Use(table(), DAY, str(number), kind, "ann") for number, kind in enumerate(kinds)) == {
        "sales.orders": (2, 1)
    }


def test_what_users_ask_for_adds_up():
    one = [Use(table(), DAY, "1", "schema", "ann"), Use(table(), DAY, "2", "data", "bob")]
    assert counted(one) == {"sales.orders": (2, 2)}


def test_copies_of_an_event_count_once_and_one_event_may_be_of_several_tables():
    copies = [Use(table(name), DAY, "1", "schema", user) for name in "ab" for user in ("ann", "of account 1")]
    assert counted(copies) == {"sales.a": (1, 1), "sales.b": (1, 1)}


def test_uses_by_nobody_who_is_known_have_no_users():
    assert counted([Use(table(), DAY, "1"), Use(table(), DAY, "2")]) == {"sales.orders": (2, None)}


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_a_name(name):
    [(found, _)] = counted([Use(table(name, name), DAY, name, name, name)]).items()
    assert found == symbol_of(ACCOUNT, REGION, name, name).rpartition("/")[2]


def test_random_uses_are_counted_as_plain_python_counts_them():
    random = Random(5)
    uses = [
        Use(
            table(random.choice("abc"), random.choice("xy")),
            DAY - timedelta(days=random.randrange(3)),
            str(random.randrange(2000)),
            random.choice(("schema", "data")),
        )
        for _ in range(5000)
    ]
    whose = [Random(int(use.event)).choice((None, "ann", "bob", "\ud800")) for use in uses]
    uses = [use._replace(user=user) for use, user in zip(uses, whose, strict=True)]
    right = {}
    for day in {use.day for use in uses}:
        of_table = defaultdict(Counter)
        for use in {use for use in uses if use.day == day}:
            of_table[f"{use.table.database}.{use.table.name}"][use.user, use.kind] += 1
        for name, counts in of_table.items():
            users = {user for user, _ in counts}
            queries = sum(max(counts[user, kind] for kind in ("schema", "data")) for user in users)
            right.setdefault(day, {})[name] = queries, len(users - {None})
    assert len(right) == 3 and {day: counted(uses, day) for day in right} == right


def test_threads_may_count_at_one_time():
    with Uses() as kept:
        threads = [
            Thread(target=kept.add, args=([Use(table(), DAY, f"{thread} {number}") for number in range(500)],))
            for thread in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [row["queries"] for row in kept.rows(DAY)] == [4000]


@pytest.mark.processes
def test_memory_is_flat():
    def peak(count):
        tracemalloc.start()
        with Uses() as kept:
            kept.add(Use(table(str(number % 50)), DAY, str(number), "data", str(number % 9)) for number in range(count))
            assert sum(row["queries"] for row in kept.rows(DAY)) == count
        return tracemalloc.get_traced_memory()[1], tracemalloc.stop()

    few, many = peak(1000)[0], peak(100_000)[0]
    assert many < few + 200_000
