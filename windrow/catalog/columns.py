"""The columns of snapshots: one object a tree and day, sorted, zstd.

    databases/year=2026/month=11/day=30/databases.parquet      a row for each database
    tables/year=2026/month=11/day=30/tables.parquet            a row for each table
    usage/year=2026/month=11/day=30/usage.parquet              a row for each table that was used, and source

The first columns of each are as published, with their names. A table's row is a bar of the suite: its composite key is
(`symbol`, `snapshot`), its values are counts of bytes and files. Columns that later versions add are null in older
snapshots; readers unite them by name. What nobody knows is null: a time that Glue does not keep is not 1970.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeAlias

import pyarrow as pa

#: A row by its columns' names; those that are not named are null.
Row: TypeAlias = Mapping[str, Any]

_TIME = pa.timestamp("us", "UTC")

#: What both trees say of where a row comes from.
_ORIGIN = [
    ("region", pa.string()),
    ("account", pa.string()),
    ("collected_at", _TIME),
    ("run", pa.string()),
    ("role", pa.string()),
    ("snapshot", pa.date32()),
]

TABLES = pa.schema(
    [
        ("tablename", pa.string()),
        ("databasename", pa.string()),
        ("owner", pa.string()),
        ("createtime", _TIME),
        ("updatetime", _TIME),
        ("lastaccesstime", _TIME),
        ("tabletype", pa.string()),
        ("retention", pa.int32()),
        ("createdby", pa.string()),
        ("isregisteredwithlakeformation", pa.bool_()),
        ("location", pa.string()),
        ("sizeinmbons3", pa.float64()),
        ("totalfilesons3", pa.int64()),
        # Ours.
        ("bytes", pa.int64()),
        ("live_bytes", pa.int64()),
        ("format", pa.string()),
        ("partitions", pa.int64()),
        ("columns", pa.int32()),
        ("schema_hash", pa.string()),
        ("classification", pa.string()),
        ("unmeasured", pa.string()),
        ("stale_days", pa.float64()),
        *_ORIGIN,
        ("symbol", pa.string()),
    ]
)

DATABASES = pa.schema(
    [
        ("databasename", pa.string()),
        ("createtime", _TIME),
        ("sharedresource", pa.string()),
        ("sharedresourceowner", pa.string()),
        ("sharedresourcedatabasename", pa.string()),
        ("location", pa.string()),
        ("description", pa.string()),
        # Ours.
        ("tables", pa.int64()),
        ("unread", pa.string()),
        *_ORIGIN,
    ]
)

USAGE = pa.schema(
    [
        ("symbol", pa.string()),
        ("account", pa.string()),
        ("region", pa.string()),
        ("databasename", pa.string()),
        ("tablename", pa.string()),
        ("queries", pa.int64()),
        ("users", pa.int64()),
        ("source", pa.string()),
        ("run", pa.string()),
        ("snapshot", pa.date32()),
    ]
)

#: The schema of each tree of snapshots, in the order in which a day's objects are written.
TREES = {"databases": DATABASES, "tables": TABLES}
#: By what the rows of each are sorted.
_SORTED_BY = {
    "databases": ("account", "region", "databasename"),
    "tables": ("account", "region", "databasename", "tablename"),
}


def symbol_of(account: str, region: str, database: str, table: str) -> str:
    """The symbol by which jobs know a table. No two tables have the same: a name with a dot is quoted, as in SQL.

    >>> symbol_of("111122223333", "eu-west-1", "sales", "orders")
    '111122223333/eu-west-1/sales.orders'
    >>> symbol_of("111122223333", "eu-west-1", "sales.eu", "orders")
    '111122223333/eu-west-1/"sales.eu".orders'
    """
    return f"{account}/{region}/{_quoted(database)}.{_quoted(table)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if "." in name or name.startswith('"') else name


def as_columns(tree: str, rows: Iterable[Row], day: date) -> pa.Table:
    """Rows as the columns of a tree on a day, sorted.

    >>> made = as_columns("databases", [{"databasename": "b"}, {"databasename": "a"}], date(2026, 11, 30))
    >>> made["databasename"].to_pylist(), made["snapshot"][0].as_py()
    (['a', 'b'], datetime.date(2026, 11, 30))
    """
    schema, keys = TREES[tree], _SORTED_BY[tree]
    ordered = sorted(rows, key=lambda row: [row.get(key) or "" for key in keys])
    return pa.Table.from_pylist([{**row, "snapshot": day} for row in ordered], schema=schema)
