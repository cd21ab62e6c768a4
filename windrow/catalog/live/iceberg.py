"""What the current snapshot of a table of Iceberg holds, by its own count: one read where that has a sum."""

from collections.abc import Mapping
from typing import Any

from windrow.catalog.live.avro import BadAvroError, records
from windrow.catalog.live.metadata import Reader, UnknownError, amount
from windrow.catalog.metastore.formats import Raw
from windrow.errors import InputError
from windrow.storage.s3.names import split

#: The most manifests that are read of a snapshot without a sum, and how an entry of one says that its file is deleted.
_MANIFESTS, _DELETED = 50, 2


def live(reader: Reader, table: Raw) -> int:
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
