"""The tables that a query reads, found in its text."""

import pytest

from windrow.catalog.usage.queried import Named, tables_in


def names(text):
    """As a sorted text; None stays None."""
    found = tables_in(text)
    return found if found is None else " ".join(sorted(".".join(filter(None, named)) for named in found))


#: Queries as Athena takes them, and what each reads.
QUERIES = {
    "select 1": "",
    "": "",
    "-- nothing but a comment": "",
    "SELECT * FROM Orders": "orders",
    "select * from sales.orders o, items;": "items sales.orders",
    'select * from "AwsDataCatalog"."Sales"."Orders"': "awsdatacatalog.sales.orders",
    'select * from "s3tablescatalog/bucket"."ns"."t"': "s3tablescatalog/bucket.ns.t",
    "table orders": "orders",
    "values (1, 2)": "",
    "select max(a), (select max(b) from q) from t where exists (select 1 from r)": "q r t",
    "(select * from a) union all (select * from b) except select * from c": "a b c",
    "select * from (a join b on true)": "a b",
    "select * from t cross join unnest(t.list) as u(x)": "t",
    "select * from t, lateral (select * from u where u.a = t.a)": "t u",
    "select * from t tablesample bernoulli (10)": "t",
    "select * from t for timestamp as of timestamp '2026-01-01 00:00:00 UTC'": "t",
    "select * from t for version as of 7": "t",
    'select * from "t$partitions", sales."Orders$History"': "sales.orders t",
    'select * from "pay$roll"': "pay$roll",
    "select * from t where a = ? and b = 'from x'": "t",
    # Names of queries are no tables where they are in force, and only there.
    "with w as (select * from a) select * from w join W as v on true": "a",
    "with w as (select * from w) select * from w": "w",
    "with w as (select * from a), v as (select * from w) select * from v": "a",
    "with v as (select * from w), w as (select * from a) select * from v": "a w",
    "with recursive w(n) as (select 1 union all select n + 1 from w) select * from w": "",
    "with w as (select 1) select * from sales.w": "sales.w",
    "select * from (with w as (select * from a) select * from w) x join w on true": "a w",
    # Statements about a query.
    "EXPLAIN select * from t": "t",
    "explain analyze verbose select * from t": "t",
    "explain (type io, format json) select * from t": "t",
    "explain (select * from t)": "t",
    "prepare p from select * from t where a = ?": "t",
    "unload (select * from (select * from t) x) to 's3://b/' with (format = 'PARQUET')": "t",
    "/* by the nightly run */ unload (with w as (select * from a) select * from w) to 's3://b/'": "a",
    "using external function f(a int) returns int lambda 'f' select f(a) from t": "t",
    # What is only written is not read.
    "insert into t select * from s": "s",
    "insert into t with w as (select * from s) select * from w": "s",
    "insert into t select * from t": "t",
    "create table t with (format = 'parquet') as select * from s": "s",
    "create or replace view v as select * from s": "",
    "create external table t (a int) location 's3://x/'": "",
    "merge into t using s on t.a = s.a when matched then update set b = s.b": "s",
    "delete from t where a in (select a from s)": "s",
    "update t set a = 1": "",
    # What reads nothing.
    "show tables in sales": "",
    "describe orders": "",
    "msck repair table t": "",
    "optimize t rewrite data using bin_pack": "",
    "vacuum t": "",
    "alter table t add partition (a = 1)": "",
    "drop table t": "",
    # What cannot be known.
    "execute p using 1": None,
    "select from where": None,
    "not sql at all !!": None,
    "select * from lambda:f.db.t": None,
    "unload (select * from t to 's3://b/'": None,
    "prepare p": None,
    "explain": "",
    "select '": None,
    "select * from `db`.`t`": None,
    "select " + "(" * 5000 + "1": None,
    "select 1 from t where " + " or ".join(["a = 1"] * 3000): "t",
}


@pytest.mark.parametrize("text", QUERIES, ids=lambda text: text[:60])
def test_a_query_reads_these_tables(text):
    assert names(text) == QUERIES[text]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "=cmd()", "../x", "\u202eelbat", "x; drop table y", "n" * 255]
)
def test_any_name_in_quotes_is_a_name(name):
    assert tables_in(f'select * from "db"."{name}"') == {Named(None, "db", name.lower())}
    assert tables_in(f"select 'from \"{name}\"' -- from {name}") in (frozenset(), None)
