"""What is live in a table, by its own count: the files of its current version, beside all that is stored for it.

Iceberg and Delta keep the files of earlier versions, until these are expired or vacuumed. It takes one read of a table
of Iceberg whose snapshots have a sum, and up to a few tens of small ones of a table of Delta; none of its data.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from windrow.aws.parallel import in_parallel
from windrow.catalog import delta
from windrow.catalog.avro import BadAvroError, records
from windrow.catalog.formats import Raw
from windrow.catalog.locations import folder_of
from windrow.catalog.measured import Table
from windrow.catalog.metadata import Reader, UnknownError, amount
from windrow.catalog.origins import Origin
from windrow.errors import InputError
from windrow.storage.s3.names import split

#: The most manifests that are read of a snapshot without a sum, and how an entry of one says that its file is deleted.
_MANIFESTS, _DELETED = 50, 2
#: Tables that are read at a time: the metadata of some have many megabytes.
_TABLES = 8


def count(tables: Sequence[Table]) -> dict[str, str]:
    """Fills in the live bytes of tables that have a count of their own; of the others the symbol, and why not."""
    counted: dict[Origin, list[Table]] = defaultdict(list)
    for table in tables:
        if table.row["format"] in _COUNTS and table.asked:
            counted[table.origin].append(table)
    unknown: dict[str, str] = {}
    for origin, of_it in counted.items():
        told = live_bytes(origin, [(table.row["format"], table.raw) for table in of_it])
        for table, live in zip(of_it, told, strict=True):
            if isinstance(live, str):
                unknown[str(table.row["symbol"])] = live
            else:
                table.row["live_bytes"] = live
    return unknown


def live_bytes(origin: Origin, tables: Sequence[tuple[str, Raw]]) -> Iterator[int | str]:
    """Live bytes of tables, each given by its format and as Glue tells it; a text is why they are not known."""
    return in_parallel(partial(_counted, Reader(origin.new_client("s3"))), tables, _TABLES)


def _counted(reader: Reader, table: tuple[str, Raw]) -> int | str:
    kind, raw = table
    try:
        return _COUNTS[kind](reader, raw)
    except UnknownError as error:
        return str(error)


def _iceberg(reader: Reader, table: Raw) -> int:
    """What the current snapshot says of all its files, those of deletes included."""
    try:
        bucket, key = split(str((table.get("Parameters") or {}).get("metadata_location")))
    except InputError:
        raise UnknownError("no metadata_location on S3") from None
    metadata = reader.json(bucket, key)
    current = metadata.get("current-snapshot-id", -1)
    if current in (None, -1):  # nothing has been written to it yet
        return 0
    snapshots = metadata.get("snapshots")
    for snapshot in snapshots if isinstance(snapshots, list) else ():
        if isinstance(snapshot, Mapping) and snapshot.get("snapshot-id") == current:
            return _summed(reader, snapshot)
    raise UnknownError("malformed metadata")


def _summed(reader: Reader, snapshot: Mapping[str, Any]) -> int:
    """What a snapshot says that its files add up to; if it does not say so, what its manifests have."""
    summary = snapshot.get("summary")
    if isinstance(summary, Mapping) and "total-files-size" in summary:
        return amount(summary["total-files-size"])
    try:
        places = snapshot.get("manifests") or _manifests(reader, str(snapshot["manifest-list"]))
        if len(places) > _MANIFESTS:
            raise UnknownError(f"{len(places):,} manifests")
        return sum(_of_manifest(reader.read(*split(place))) for place in places)
    except (BadAvroError, KeyError, TypeError, AttributeError, InputError):
        raise UnknownError("malformed metadata") from None


def _manifests(reader: Reader, place: str) -> list[str]:
    return [str(one["manifest_path"]) for one in records(reader.read(*split(place)))]


def _of_manifest(content: bytes) -> int:
    """The bytes of the files in a manifest that are not deleted, of data and of deletes."""
    return sum(amount(one["data_file"]["file_size_in_bytes"]) for one in records(content) if one["status"] != _DELETED)


def _delta(reader: Reader, table: Raw) -> int:
    folder = folder_of((table.get("StorageDescriptor") or {}).get("Location"))
    if not folder:
        raise UnknownError("no location on S3")
    return delta.live(reader, folder)


#: By a table's format.
_COUNTS: dict[str, Callable[[Reader, Raw], int]] = {"iceberg": _iceberg, "delta": _delta}
