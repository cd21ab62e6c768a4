"""What is no longer visible is warned of, with the role; what could not be read, or was not asked for, is told so."""

from datetime import date

import pytest

from windrow.catalog.collection.drops import Before, drops
from windrow.catalog.columns import as_columns

DAY = date(2026, 11, 29)
READER = "arn:aws:iam::1:role/reader"
CURE = "; if nobody dropped the others, Lake Formation hides them, without an error: check there what"


def databases(counts, account="1", reader=READER, **more):
    """Rows of databases with so many tables."""
    return [
        {"databasename": name, "tables": count, "account": account, "region": "eu-west-1", "role": reader, **more}
        for name, count in counts.items()
    ]


def tables(counts, account="1", reader=READER):
    """A row for each table."""
    at = {"account": account, "region": "eu-west-1", "role": reader}
    return [{"databasename": name, "tablename": f"t{n}", **at} for name, count in counts.items() for n in range(count)]


def before(*catalogs):
    """A snapshot of these counts, by account."""
    pairs = [(str(number), counts) for number, counts in enumerate(catalogs, 1)]
    rows = [[row for account, counts in pairs for row in of(counts, account)] for of in (databases, tables)]
    return Before(DAY, *(as_columns(tree, one, DAY) for tree, one in zip(("databases", "tables"), rows, strict=True)))


def warned(then, now, readers=None, is_asked=lambda name: True):
    return list(drops(then, now, readers or {("1", "eu-west-1"): READER}, is_asked))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"a": 10, "b": 10}, {"a": 10, "b": 10}),
        ({"a": 10, "b": 10}, {"a": 10, "b": 8}),  # 18 of 20
        ({"a": 10, "b": 10}, {"a": 30, "b": 1}),
        ({"a": 0, "b": 10}, {"a": 0, "b": 10}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ({"a": 11, "b": 0}, {"a": 11, "c": 0}),
    ],
)
def test_a_little_less_or_more_is_usual(then, now):
    assert warned(before(then), databases(now)) == []


def test_a_database_that_another_account_shares_has_no_tables_here_though_it_has_the_name_of_one():
    theirs = databases({"a": None})
    assert warned(before({"a": 10}), databases({"a": 10}) + theirs) == []


def test_tables_that_are_no_longer_visible():
    assert warned(before({"a": 10, "b": 10}), databases({"a": 10, "b": 7})) == [
        f"1 eu-west-1: 17 tables visible, 20 in the snapshot of 2026-11-29{CURE} {READER} may see"
    ]


def test_databases_that_are_no_longer_visible():
    assert warned(before({"a": 10, "b": 10}), databases({"a": 20})) == [
        f"1 eu-west-1: 1 database visible, 2 in the snapshot of 2026-11-29{CURE} {READER} may see"
    ]


def test_a_database_none_of_whose_tables_is_visible():
    assert warned(before({"a": 99, "b": 1}), databases({"a": 99, "b": 0})) == [
        f"1 eu-west-1 b: no table visible, 1 in the snapshot of 2026-11-29{CURE} {READER} may see"
    ]


def test_a_catalog_of_which_nothing_is_visible_any_more():
    [told] = warned(before({"a": 2}), [])
    assert told.startswith("1 eu-west-1: 0 databases visible, 1 in the snapshot of 2026-11-29;")


def test_another_role_than_then_is_named_too():
    other = "arn:aws:iam::1:role/other"
    [told] = warned(before({"a": 10}), databases({"a": 1}, reader=other), {("1", "eu-west-1"): other})
    assert told.endswith(f"check there what {other} may see, and {READER} could then")


def test_what_could_not_be_read_is_not_compared():
    denied = databases({"b": None}, unread="denied")
    assert warned(before({"a": 10, "b": 90}), databases({"a": 10}) + denied) == []
    assert warned(before({"a": 10, "b": 90}), databases({None: None}, unread="denied")) == []


def test_what_is_not_asked_for_is_told_as_such():
    assert warned(before({"a": 10, "b": 90}), databases({"a": 10}), is_asked=lambda name: name == "a") == [
        "--database: leaves out 1 database of the snapshot of 2026-11-29; collect a part of what there is"
        " into a place of its own (-o)"
    ]
    assert warned(before({"a": 1}, {"b": 1}), databases({"a": 1})) == [
        "2 eu-west-1: in the snapshot of 2026-11-29, but not asked for now; collect it too, or collect a part of what"
        " there is into a place of its own (-o)"
    ]
    [told] = warned(before(*[{"a": 1}] * 6), databases({"a": 1}))
    assert told.startswith("2 eu-west-1, 3 eu-west-1, 4 eu-west-1 and 2 more catalogs: in the snapshot")
