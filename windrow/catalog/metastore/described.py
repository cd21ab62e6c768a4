"""What Glue tells of databases and tables, as rows of a snapshot."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from windrow.catalog.columns import Row, symbol_of
from windrow.catalog.locations import Folder, folder_of
from windrow.catalog.metastore.formats import Raw, classification_of, columns_of, format_of, schema_hash
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured

_DAY = timedelta(days=1)
#: How a location ends in which Spark keeps nothing.
_NOWHERE = "-__PLACEHOLDER__"


class Run(NamedTuple):
    """A collection."""

    name: str
    start: datetime
    """In UTC; its day is the snapshot's."""

    @property
    def end_of_day(self) -> datetime:
        """When the snapshot's day ends."""
        return datetime.combine(self.start.date() + _DAY, time(), UTC)


def database_row(origin: Origin, database: Raw, run: Run) -> dict[str, Any]:
    """A database's row. One that another catalog shares, or a link to one there, says so."""
    target = database.get("TargetDatabase") or {}
    owner = target.get("CatalogId") or (database.get("CatalogId") if is_foreign(origin, database) else None)
    name = target.get("DatabaseName") or (database["Name"] if owner else None)
    return {
        "databasename": database["Name"],
        "createtime": time_of(database.get("CreateTime")),
        "sharedresource": "Yes" if target or owner else "No",
        "sharedresourceowner": owner,
        "sharedresourcedatabasename": name,
        "location": database.get("LocationUri"),
        "description": database.get("Description"),
        **origin_row(origin, run),
    }


def is_foreign(origin: Origin, database: Raw) -> bool:
    """Whether a database is another account's, which shares it: its tables are in that account's snapshot.

    A catalog that is asked for by its ID has its own alone, whatever they call it.
    """
    owner = database.get("CatalogId")
    return bool(owner and owner != origin.account and not origin.catalog_id)


def located(table: Raw) -> Raw:
    """The table with the location of its data as its location.

    Of a table whose format Hive does not know Spark keeps that as `path` among the SerDe's parameters, beside a
    location in which nothing is (HiveExternalCatalog.scala, newSparkSQLSpecificMetastoreTable).

    >>> storage = {"Location": "s3://lake/t-__PLACEHOLDER__", "SerdeInfo": {"Parameters": {"path": "s3://lake/real"}}}
    >>> located({"StorageDescriptor": storage})["StorageDescriptor"]["Location"]
    's3://lake/real'
    """
    storage = table.get("StorageDescriptor") or {}
    path = ((storage.get("SerdeInfo") or {}).get("Parameters") or {}).get("path")
    if not path or not str(storage.get("Location")).rstrip("/").endswith(_NOWHERE):
        return table
    return {**table, "StorageDescriptor": {**storage, "Location": path}}


def table_row(origin: Origin, table: Raw, run: Run) -> dict[str, Any]:
    """A table's row, but for what it stores."""
    updated, created = time_of(table.get("UpdateTime")), time_of(table.get("CreateTime"))
    changed = updated or created
    return {
        "tablename": table["Name"],
        "databasename": table["DatabaseName"],
        "owner": table.get("Owner"),
        "createtime": created,
        "updatetime": updated,
        "lastaccesstime": time_of(table.get("LastAccessTime")),
        "tabletype": table.get("TableType"),
        "retention": table.get("Retention"),
        "createdby": table.get("CreatedBy"),
        "isregisteredwithlakeformation": table.get("IsRegisteredWithLakeFormation"),
        "location": (table.get("StorageDescriptor") or {}).get("Location"),
        "format": format_of(table),
        "columns": len(columns_of(table)),
        "schema_hash": schema_hash(table),
        "classification": classification_of(table),
        "unmeasured": None,
        "stale_days": (run.end_of_day - changed) / _DAY if changed else None,
        **origin_row(origin, run),
        "symbol": symbol_of(origin.account, origin.region, table["DatabaseName"], table["Name"]),
    }


def origin_row(origin: Origin, run: Run) -> Row:
    """What every row says of where it comes from."""
    return {
        "region": origin.region,
        "account": origin.account,
        "collected_at": run.start,
        "run": run.name,
        "role": origin.reader,
    }


def time_of(seconds: float | None) -> datetime | None:
    """A time of Glue's; it tells 1970 where it keeps none.

    >>> time_of(1796005576.279), time_of(0)
    (datetime.datetime(2026, 11, 30, 2, 26, 16, 279000, tzinfo=datetime.timezone.utc), None)
    """
    if not seconds or seconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):  # beyond the year 9999
        return None


def folders_of(table: Raw, elsewhere: frozenset[str] = frozenset()) -> set[Folder] | Unmeasured:
    """The folders that a table's files are in, none within another, or why there are none.

    elsewhere: locations of its partitions that are not in its own folder.
    """
    if "TargetTable" in table:
        return Unmeasured.LINK
    if str(table.get("TableType")).upper() == "VIRTUAL_VIEW":
        return Unmeasured.VIEW
    storage = table.get("StorageDescriptor") or {}
    locations = {storage.get("Location"), *(storage.get("AdditionalLocations") or ()), *elsewhere} - {None, ""}
    if not locations:
        return Unmeasured.NO_LOCATION
    folders = [folder_of(one) for one in locations]
    known = {one for one in folders if one}
    if len(known) < len(set(folders)):
        return Unmeasured.OTHER_SCHEME
    return outermost(known)


def outermost(folders: set[Folder]) -> set[Folder]:
    """Folders without those that are within others.

    >>> outermost({Folder("lake", "a/b/"), Folder("lake", "a/"), Folder("lake", "ab/")}) == {
    ...     Folder("lake", "a/"), Folder("lake", "ab/")}
    True
    """
    kept: list[Folder] = []
    for one in sorted(folders):
        if not (kept and kept[-1].holds(one)):
            kept.append(one)
    return set(kept)
