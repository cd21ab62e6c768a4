"""A collection: from the databases of every origin to the rows of a day's snapshot.

Nothing that one database or table refuses ends it: that one's row has the reason, and the run tells it. It ends where
no origin lets its databases be read, and where none has any.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple, TypeVar

from windrow.aws.parallel import in_parallel
from windrow.catalog.collection.collected import Collected
from windrow.catalog.collection.measured import Progress, Table, count_live, measure, shared
from windrow.catalog.metastore import glue
from windrow.catalog.metastore.described import (
    Run,
    database_row,
    folders_of,
    is_foreign,
    located,
    origin_row,
    table_row,
)
from windrow.catalog.metastore.formats import Raw
from windrow.catalog.origins import Origin, beside
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes.listed import Sizes
from windrow.console import several
from windrow.errors import AccountError, InputError, WindrowError

In = TypeVar("In")
Out = TypeVar("Out")

#: The most partitions of a table that are read: 100 calls.
MAX_PARTITIONS = 100_000
#: The shares of the work that are done when tables, and when partitions have been read; the rest is their files.
_DATABASES, _CATALOG = 0.15, 0.3
#: What of a table is needed once its row is made.
_KEPT = ("Name", "DatabaseName", "TableType", "PartitionKeys", "TargetTable")
_STORAGE, _PARAMETERS = ("Location", "AdditionalLocations"), ("metadata_location",)


class Asked(NamedTuple):
    """What a collection is to do."""

    origins: Sequence[Origin]
    sizes: Sizes | None = None
    """How sizes are found; None: they are not."""
    databases: Sequence[str] = ()
    """Patterns of the names of databases; all, if there are none."""
    max_partitions: int = MAX_PARTITIONS
    """Partitions of a table beyond which it is not measured; 0: none are read."""
    all_catalogs: bool = False
    """Whether the catalogs beside an account's own are read too."""
    counts_live: bool = True
    """Whether Iceberg's and Delta's own counts are read too, if sizes are."""


@dataclass
class _Database:
    """A database, and its tables once they have been read."""

    origin: Origin
    raw: Raw
    row: dict[str, Any]
    tables: dict[str, Table] = field(default_factory=dict)
    """By name: while tables come and go, pages may have one twice."""


def collect(asked: Asked, run: Run, progress: Progress = lambda share, text: None) -> Collected:
    """Reads the catalogs of all origins, and measures their tables.

    Raises AccountError where no origin lets its databases be read, and InputError where there are none.
    """
    collected = Collected(run)
    databases = _databases(asked, collected)
    _read_tables(databases, run, progress)
    tables = [table for database in databases for table in database.tables.values()]
    _look_closer(tables, asked.max_partitions, progress)

    def measured(share: float, text: str) -> None:
        progress(_CATALOG + (1 - _CATALOG) * share, text)

    collected.stored = measure(tables, asked.sizes, measured)
    collected.shared = shared(tables)
    if asked.sizes and asked.counts_live:
        collected.uncounted = count_live(tables)
    collected.databases += [database.row for database in databases]
    collected.tables += [table.row for table in tables]
    return collected


# The catalog.


def _databases(asked: Asked, collected: Collected) -> list[_Database]:
    """The databases that are asked for; an origin that cannot be read has a row of its own, without a name."""
    first: dict[tuple[str, str], Origin] = {}
    for origin in (*asked.origins, *(_beside(asked.origins, collected) if asked.all_catalogs else ())):
        first.setdefault((origin.account, origin.region), origin)  # two accounts may see one catalog beside their own
    origins = list(first.values())
    found: list[_Database] = []
    refused: list[AccountError] = []
    for origin, told in _tried(lambda origin: list(glue.databases(origin)), origins):
        if not isinstance(told, AccountError):
            found += [_Database(origin, raw, database_row(origin, raw, collected.run)) for raw in told]
            collected.empty += [] if told else [origin]
        elif origin.is_not_enabled(told):
            collected.not_enabled.append(origin)
        else:
            refused.append(told)
            collected.databases.append(_unread(origin, told, collected.run))
    if not found:
        raise refused[0] if refused else _empty(origins)
    chosen = [one for one in found if is_asked(one.raw["Name"], asked.databases)]
    if not chosen:
        few = ", ".join(sorted({str(one.raw["Name"]) for one in found})[:3])
        raise InputError(
            f"--database {asked.databases[0]}: none of the {len(found):,} databases has such a name, e.g. {few}; use *"
            " for any characters, or leave it out"
        )
    names = [one.raw["Name"] for one in chosen]
    collected.unmatched += [one for one in asked.databases if not any(is_asked(name, [one]) for name in names)]
    return chosen


def _beside(origins: Sequence[Origin], collected: Collected) -> Iterator[Origin]:
    """The catalogs beside each origin's own."""
    for origin, told in _tried(beside, origins):
        if not isinstance(told, AccountError):
            yield from told
        elif not origin.is_not_enabled(told):
            collected.databases.append(_unread(origin, told, collected.run))


def is_asked(name: str, patterns: Sequence[str]) -> bool:
    """Whether a database is asked for, by its name.

    >>> is_asked("sales", ["sa*"]), is_asked("sales", []), is_asked("Sales", ["sa*"])
    (True, True, False)
    """
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _unread(origin: Origin, error: AccountError, run: Run) -> dict[str, Any]:
    """The row of a catalog whose databases nobody knows."""
    return {"databasename": None, "unread": glue.reason_of(error), **origin_row(origin, run)}


def _empty(origins: Sequence[Origin]) -> InputError:
    more = f" and {len(origins) - 1:,} more catalogs" if len(origins) > 1 else ""
    return InputError(
        f"{origins[0]}{more}: no database is visible to {origins[0].reader}; check --region, and its permissions in"
        " Lake Formation, which hides without an error what it does not permit"
    )


def _read_tables(databases: Sequence[_Database], run: Run, progress: Progress) -> None:
    """Reads the tables of databases that are in the catalog itself; for a link, whether it leads to one."""

    def read(database: _Database) -> int:
        origin, raw, is_link = database.origin, database.raw, "TargetDatabase" in database.raw
        try:
            if is_link:
                glue.refuse_orphan(origin, raw)
            elif not is_foreign(origin, raw):
                for table in glue.tables(origin, raw["Name"]):
                    named = located({**table, "DatabaseName": raw["Name"]})
                    database.tables[table["Name"]] = _table(origin, named, run)
                database.row["tables"] = len(database.tables)
        except WindrowError as error:
            database.row["unread"] = glue.reason_of(error, is_link)
        return len(database.tables)

    count = 0
    for done, found in enumerate(in_parallel(read, databases), 1):
        count += found
        text = f"{done:,} of {several(len(databases), 'database')}, {several(count, 'table')}"
        progress(_DATABASES * done / len(databases), text)


def _table(origin: Origin, raw: Raw, run: Run) -> Table:
    """A table, without its columns, which are most of it."""
    storage = {key: one for key, one in (raw.get("StorageDescriptor") or {}).items() if key in _STORAGE}
    parameters = {key: one for key, one in (raw.get("Parameters") or {}).items() if key in _PARAMETERS}
    slim = {key: raw[key] for key in _KEPT if key in raw} | {"StorageDescriptor": storage, "Parameters": parameters}
    return Table(origin, slim, table_row(origin, raw, run), folders_of(raw))


def _look_closer(tables: Sequence[Table], most: int, progress: Progress) -> None:
    """Finds partitions that are elsewhere than their tables, and links that lead nowhere."""
    closer = [table for table in tables if table.folders == Unmeasured.LINK or (most and _has_partitions(table))]
    look = partial(_look_at, most=most)
    for done, _ in enumerate(in_parallel(look, closer), 1):
        share = _DATABASES + (_CATALOG - _DATABASES) * done / len(closer)
        progress(share, f"partitions of {done:,} of {several(len(closer), 'table')}")


def _has_partitions(table: Table) -> bool:
    """Whether Glue knows partitions of a table: those of Iceberg and Delta are in their own metadata."""
    is_one = table.row["format"] in ("hive", "hudi") and table.folders != Unmeasured.VIEW
    if is_one and not table.raw.get("PartitionKeys"):
        table.row["partitions"] = 0
    return is_one and bool(table.raw.get("PartitionKeys"))


def _look_at(table: Table, most: int) -> None:
    is_link = table.folders == Unmeasured.LINK
    try:
        if is_link:
            glue.refuse_orphan(table.origin, table.raw)
            return
        found = glue.partitions(table.origin, table.raw, most)
    except WindrowError as error:
        table.folders = glue.reason_of(error, is_link)
        return
    if found is None:
        table.folders = Unmeasured.PARTITIONS
    else:
        table.row["partitions"] = found.number
        table.folders = folders_of(table.raw, found.elsewhere)


def _tried(work: Callable[[In], Out], items: Sequence[In]) -> Iterator[tuple[In, Out | AccountError]]:
    """Each item, and what the work on it gave, or was refused with."""

    def attempt(item: In) -> tuple[In, Out | AccountError]:
        try:
            return item, work(item)
        except AccountError as error:
            return item, error

    return in_parallel(attempt, items)
