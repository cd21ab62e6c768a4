"""What the page shows, read from snapshots: rows of views, and the sizes of every table through a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from windrow.arrays import Floats, Ints
from windrow.catalog.queries.questions import stored_by
from windrow.catalog.queries.relations import opened, require_duckdb
from windrow.errors import InputError
from windrow.frames.description import description_of
from windrow.frames.fielded import read_fields
from windrow.sinks.alerted import ALERTS, FIELDS
from windrow.storage.publish import at_hand

#: Points of a sparkline, and the days between two.
POINTS, APART = 53, 7
#: The most rows of a table of a section, and the most tables whose growth is drawn.
MOST_ROWS, MOST_DRAWN = 10, 4

#: The views and relations that the page asks.
_ASKED = (
    "tables", "tables_now", "databases_now", "days", "table_counts", "growth", "most_used", "least_used",
    "shared_databases", "changes", "schema_drift", "unmeasured",
)  # fmt: skip

Rows = list[dict[str, Any]]


class Alerts(NamedTuple):
    """What an output of growth tells: alert by alert, the tables that it is of, and their amounts.

    day: the last day of these; None without any.
    """

    name: str
    found: Mapping[str, Sequence[tuple[str, float]]]
    day: str | None


class Counted(NamedTuple):
    """Rows that are shown, and how many there are."""

    rows: Rows
    all: int


@dataclass(frozen=True)
class Lake:
    """A catalog on a day, and how it came to be so.

    tables: those of the day, by the columns of windrow/catalog/columns.py and `grown`, `queries`, `last_used`. sizes:
    (tables, POINTS), the last one the day's; NaN where there is none. stored: databases by what they store.
    bytes_grown: by all tables; what they share counts once. drawn: the tables that have grown most, by day.
    """

    place: str
    day: date
    tables: pa.Table
    sizes: Floats
    databases: Rows
    storage: Rows
    stored: Rows
    counts: Rows
    grown: Counted
    bytes_grown: float | None
    drawn: Sequence[tuple[str, Ints, Floats]]
    most_used: Counted
    least_used: Counted
    shared: Counted
    changes: Counted
    changed_by_day: Rows
    drift: Counted
    unmeasured: Rows
    alerts: Alerts | None

    def name(self, row: Mapping[str, Any]) -> str:
        """A table as a person names it: with its account and region where there are several."""
        return _name(row, self._is_one_place)

    @cached_property
    def _is_one_place(self) -> bool:
        return _is_one_place(self.databases, self.tables)


def read(place: str, day: date | None, growth: str | None) -> Lake:
    """The lake as of a day, by default the last. Raises InputError where the place has no snapshots."""
    require_duckdb("windrow catalog report")
    alerts = None if growth is None else _alerts(growth)
    with opened(place, _ASKED, day) as connection:

        def rows(sql: str) -> Rows:
            found: Rows = connection.sql(sql).to_arrow_table().to_pylist()
            return found

        def first(view: str, where: str = "true") -> Counted:
            total = rows(f"select count(*) as number from {view} where {where}")[0]["number"]  # noqa: S608
            return Counted(rows(f"from {view} where {where} limit {MOST_ROWS}"), total)

        tables = connection.sql(_TABLES).to_arrow_table()
        last: date = rows("select max(snapshot) as day from days")[0]["day"]
        databases = rows("from databases_now")
        grown = first("growth", "bytes_grown > 0")
        return Lake(
            place=place,
            day=last,
            tables=tables,
            sizes=_sizes(connection.sql(_SIZES).to_arrow_table(), tables.num_rows),
            databases=databases,
            storage=rows(_STORAGE),
            stored=rows(_DATABASES),
            counts=rows(_COUNTS),
            grown=grown,
            bytes_grown=rows(_GROWN)[0]["bytes"],
            drawn=_drawn(connection, grown.rows[:MOST_DRAWN], _is_one_place(databases, tables)),
            most_used=first("most_used"),
            least_used=first("least_used", "bytes is not null"),
            shared=first("shared_databases"),
            changes=first("changes"),
            changed_by_day=rows(_CHANGED),
            drift=first("schema_drift"),
            unmeasured=rows(_WHY),
            alerts=alerts,
        )  # fmt: skip


_TABLES = """
    select t.*, g.bytes_grown as grown, u.queries, u.last_used
    from tables_now t
    left join growth g on g.account is not distinct from t.account and g.region is not distinct from t.region
        and g.databasename is not distinct from t.databasename and g.tablename is not distinct from t.tablename
    left join least_used u on u.account is not distinct from t.account and u.region is not distinct from t.region
        and u.databasename is not distinct from t.databasename and u.tablename is not distinct from t.tablename
    order by t.account, t.region, t.databasename, t.tablename
"""

#: Of every table of the day the sizes of its last weeks; `at` is its place among them.
_SIZES = f"""
    with named as (
        select
            row_number() over (order by account, region, databasename, tablename) - 1 as at,
            account, region, databasename, tablename, snapshot as last
        from tables_now
    )
    select n.at, {POINTS - 1} - (n.last - t.snapshot) // {APART} as point, t.bytes
    from tables t join named n using (account, region, databasename, tablename)
    where (n.last - t.snapshot) % {APART} = 0 and n.last - t.snapshot < {POINTS * APART} and t.bytes is not null
"""  # noqa: S608  numbers of ours

#: In the lake as a whole: what accounts share counts once, too. A day without a table has a row as well.
_STORAGE = f"""
    select d.snapshot, s.bytes::double as bytes, s.files, coalesce(s.tables, 0) as tables
    from days d left join ({stored_by()}) s using (snapshot) order by d.snapshot
"""  # noqa: S608  SQL of ours

_DATABASES = f"""
    select s.* exclude (snapshot) from ({stored_by("account", "region", "databasename", tables="tables_now")}) s
    order by bytes desc nulls last, databasename, account, region
"""  # noqa: S608  SQL of ours

_COUNTS = """
    select snapshot, sum(tables)::bigint as tables, count(*) as databases
    from table_counts where databasename is not null group by all order by snapshot
"""
#: What tables have grown by takes the place of their sizes, so that what they share counts once.
_GROWN = f"""
    with changed as (
        select t.* replace (g.bytes_grown as bytes) from tables_now t left join growth g
            on g.account is not distinct from t.account and g.region is not distinct from t.region
            and g.databasename is not distinct from t.databasename and g.tablename is not distinct from t.tablename
    )
    select sum(bytes)::double as bytes from ({stored_by(tables="changed")})
"""  # noqa: S608  SQL of ours
_CHANGED = "select snapshot, change, count(*) as number from changes group by all order by all"
_WHY = "select reason, count(*) as number from unmeasured group by all order by number desc, reason"


def _sizes(found: pa.Table, tables: int) -> Floats:
    sizes = np.full((tables, POINTS), np.nan)
    sizes[found["at"].to_numpy(), found["point"].to_numpy()] = found["bytes"].to_numpy()
    return sizes


def _drawn(connection: Any, grown: Rows, is_one_place: bool) -> list[tuple[str, Ints, Floats]]:
    """Names, days since 1970, and sizes of these tables, since they were created."""
    drawn = []
    for row in grown:
        name = [row["account"], row["region"], row["databasename"], row["tablename"]]
        found = connection.sql(
            "select date_diff('day', date '1970-01-01', t.snapshot) as day, t.bytes from tables t join tables_now n"
            " on t.account is not distinct from n.account and t.region is not distinct from n.region"
            " and t.databasename = n.databasename and t.tablename = n.tablename"
            " and t.createtime is not distinct from n.createtime where n.account is not distinct from ?"
            " and n.region is not distinct from ? and n.databasename = ? and n.tablename = ?"
            " and t.bytes is not null order by t.snapshot",
            params=name,
        ).to_arrow_table()
        days, sizes = found["day"].to_numpy().astype(np.int64), found["bytes"].to_numpy().astype(np.float64)
        drawn.append((_name(row, is_one_place), days, sizes))
    return drawn


def _is_one_place(databases: Rows, tables: pa.Table) -> bool:
    """Whether all is of one account and region, which names need not say then."""
    of_tables = zip(tables["account"].to_pylist(), tables["region"].to_pylist(), strict=True)
    return len({*of_tables, *((row["account"], row["region"]) for row in databases)}) < 2


def _name(row: Mapping[str, Any], is_one_place: bool) -> str:
    """A table as a person names it.

    >>> sold = {"databasename": "sales", "tablename": "orders", "account": "111122223333", "region": "eu-west-1"}
    >>> _name(sold, True), _name(sold, False)
    ('sales.orders', 'sales.orders (111122223333 eu-west-1)')
    """
    place = "" if is_one_place else f" ({row['account']} {row['region']})"
    return f"{row['databasename']}.{row['tablename']}{place}"


def _alerts(growth: str) -> Alerts:
    """The alerts beside an output. Raises InputError for another job's output, or none."""
    with at_hand(growth) as place:
        described = description_of(place) if place.is_dir() else None
        if described is None or not str(described.get("job", "")).endswith("catalog_growth"):
            raise InputError(
                f"--growth {growth}: is no output of windrow catalog-growth; give the directory that its -o named"
            )
        found: dict[str, list[tuple[str, float]]] = {text: [] for text in described["growth"]["alert"]}
        last = None
        if parts := sorted(place.glob(f"part-*[0-9]{ALERTS}*")):
            lines = read_fields(parts, FIELDS)
            for symbol, value, alert in zip(lines["symbol"], lines["value"], lines["alert"], strict=True):
                found.setdefault(alert, []).append((symbol, value))
            last = None if lines.empty else f"{lines['timestamp'].max():%Y-%m-%d}"
    return Alerts(growth, found, last)
