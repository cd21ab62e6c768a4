"""A collection: from the databases of every origin to the rows of a day's snapshot.

Nothing that one database or table refuses ends it: that one's row has the reason, and the run tells it. It ends where
no origin lets its databases be read, and where none has any.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

from windrow.aws.parallel import in_parallel
from windrow.catalog import glue
from windrow.catalog.collected import Collected
from windrow.catalog.described import (
    Run,
    database_row,
    folders_of,
    is_foreign,
    origin_row,
    outermost,
    table_row,
)
from windrow.catalog.formats import Raw
from windrow.catalog.locations import Folder, Size
from windrow.catalog.origins import Origin, beside
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes import Sizes
from windrow.errors import AccountError, InputError

In = TypeVar("In")
Out = TypeVar("Out")

#: What folders hold, by the role that asked.
_Sized: TypeAlias = dict[tuple[str | None, Folder], Size | str]
#: Takes the share of the work that is done, and what to say of it.
Progress = Callable[[float, str], object]

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


@dataclass
class _Table:
    """A table, and what of it is still needed."""

    origin: Origin
    raw: Raw
    row: dict[str, Any]
    folders: set[Folder] | str
    """Where its files are, or why it is not measured."""


@dataclass
class _Database:
    """A database, and its tables once they have been read."""

    origin: Origin
    raw: Raw
    row: dict[str, Any]
    tables: dict[str, _Table] = field(default_factory=dict)
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
    _measure(tables, asked.sizes, collected, progress)
    collected.databases += [database.row for database in databases]
    collected.tables += [table.row for table in tables]
    return collected


# The catalog.


def _databases(asked: Asked, collected: Collected) -> list[_Database]:
    """The databases that are asked for; an origin that cannot be read has a row of its own, without a name."""
    origins = [*asked.origins, *(_beside(asked.origins, collected) if asked.all_catalogs else ())]
    found: list[_Database] = []
    refused: list[AccountError] = []
    for origin, told in _tried(lambda origin: list(glue.databases(origin)), origins):
        if not isinstance(told, AccountError):
            found += [_Database(origin, raw, database_row(origin, raw, collected.run)) for raw in told]
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
                    database.tables[table["Name"]] = _table(origin, table, run)
                database.row["tables"] = len(database.tables)
        except AccountError as error:
            database.row["unread"] = glue.reason_of(error, is_link)
        return len(database.tables)

    count = 0
    for done, found in enumerate(in_parallel(read, databases), 1):
        count += found
        progress(_DATABASES * done / len(databases), f"{done:,} of {len(databases):,} databases, {count:,} tables")


def _table(origin: Origin, raw: Raw, run: Run) -> _Table:
    """A table, without its columns, which are most of it."""
    storage = {key: one for key, one in (raw.get("StorageDescriptor") or {}).items() if key in _STORAGE}
    parameters = {key: one for key, one in (raw.get("Parameters") or {}).items() if key in _PARAMETERS}
    slim = {key: raw[key] for key in _KEPT if key in raw} | {"StorageDescriptor": storage, "Parameters": parameters}
    return _Table(origin, slim, table_row(origin, raw, run), folders_of(raw))


def _look_closer(tables: Sequence[_Table], most: int, progress: Progress) -> None:
    """Finds partitions that are elsewhere than their tables, and links that lead nowhere."""
    closer = [table for table in tables if table.folders == Unmeasured.LINK or (most and _has_partitions(table))]
    look = partial(_look_at, most=most)
    for done, _ in enumerate(in_parallel(look, closer), 1):
        share = _DATABASES + (_CATALOG - _DATABASES) * done / len(closer)
        progress(share, f"partitions of {done:,} of {len(closer):,} tables")


def _has_partitions(table: _Table) -> bool:
    """Whether Glue knows partitions of a table: those of Iceberg and Delta are in their own metadata."""
    is_one = table.row["format"] in ("hive", "hudi") and table.folders != Unmeasured.VIEW
    if is_one and not table.raw.get("PartitionKeys"):
        table.row["partitions"] = 0
    return is_one and bool(table.raw.get("PartitionKeys"))


def _look_at(table: _Table, most: int) -> None:
    is_link = table.folders == Unmeasured.LINK
    try:
        if is_link:
            glue.refuse_orphan(table.origin, table.raw)
            return
        found = glue.partitions(table.origin, table.raw, most)
    except AccountError as error:
        table.folders = glue.reason_of(error, is_link)
        return
    if found is None:
        table.folders = Unmeasured.PARTITIONS
    else:
        table.row["partitions"] = found.number
        table.folders = folders_of(table.raw, found.elsewhere)


# Sizes.


def _measure(tables: Sequence[_Table], sizes: Sizes | None, collected: Collected, progress: Progress) -> None:
    """Measures all folders, each once with the same credentials, and tells tables what theirs hold."""
    sized = _sized(_by_origin(tables), sizes, progress) if sizes else {}
    for table in tables:
        _tell_size(table, sized)
    known = {folder: size for (_, folder), size in sized.items() if isinstance(size, Size)}
    whole = [known[folder] for folder in outermost(set(known))]
    collected.stored = Size(sum(one.bytes for one in whole), sum(one.files for one in whole))
    of_each: dict[Folder, list[str]] = defaultdict(list)
    for table in tables:
        for folder in table.folders if isinstance(table.folders, set) else ():
            of_each[folder].append(str(table.row["symbol"]))
    collected.shared = {folder: names for folder, names in sorted(of_each.items()) if len(names) > 1}


def _by_origin(tables: Sequence[_Table]) -> dict[Origin, set[Folder]]:
    """The folders of tables, each under the first origin of those with the same credentials."""
    first: dict[tuple[str | None, Folder], Origin] = {}
    for table in tables:
        for folder in table.folders if isinstance(table.folders, set) else ():
            first.setdefault((table.origin.role, folder), table.origin)
    found: dict[Origin, set[Folder]] = defaultdict(set)
    for (_, folder), origin in first.items():
        found[origin].add(folder)
    return found


def _sized(by_origin: Mapping[Origin, Collection[Folder]], sizes: Sizes, progress: Progress) -> _Sized:
    found: _Sized = {}
    files, count = 0, sum(map(len, by_origin.values()))
    for origin, folders in by_origin.items():
        for folder, size in sizes(origin, folders):
            found[origin.role, folder] = size
            files += size.files if isinstance(size, Size) else 0
            share = _CATALOG + (1 - _CATALOG) * len(found) / count
            progress(share, f"{len(found):,} of {count:,} folders, {files:,} files")
    return found


def _tell_size(table: _Table, sized: _Sized) -> None:
    """Fills in a table's size, or why there is none."""
    if isinstance(table.folders, str):
        table.row["unmeasured"] = str(table.folders)
        return
    parts = [sized.get((table.origin.role, folder), Unmeasured.NOT_ASKED) for folder in table.folders]
    reasons = sorted(str(part) for part in parts if isinstance(part, str))
    if reasons:
        table.row["unmeasured"] = reasons[0]
        return
    stored = [part for part in parts if isinstance(part, Size)]
    amount = sum(part.bytes for part in stored)
    table.row |= {
        "bytes": amount,
        "sizeinmbons3": amount / 2**20,
        "totalfilesons3": sum(part.files for part in stored),
    }


def _tried(work: Callable[[In], Out], items: Sequence[In]) -> Iterator[tuple[In, Out | AccountError]]:
    """Each item, and what the work on it gave, or was refused with."""

    def attempt(item: In) -> tuple[In, Out | AccountError]:
        try:
            return item, work(item)
        except AccountError as error:
            return item, error

    return in_parallel(attempt, items)
