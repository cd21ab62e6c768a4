"""What is live in a table, by its own count: the files of its current version, beside all that is stored for it.

Iceberg and Delta keep the files of earlier versions, until these are expired or vacuumed. It takes one read of a table
of Iceberg whose snapshots have a sum, and up to a few tens of small ones of a table of Delta; none of its data.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from windrow.aws.parallel import in_parallel
from windrow.catalog.live import delta, iceberg
from windrow.catalog.live.metadata import Reader, UnknownError
from windrow.catalog.locations import folder_of
from windrow.catalog.metastore.formats import Raw
from windrow.catalog.origins import Origin

#: Tables that are read at a time: the metadata of some have many megabytes.
_TABLES = 8


def live_bytes(origin: Origin, tables: Sequence[tuple[str, Raw]]) -> Iterator[int | str]:
    """Live bytes of tables, each given by its format and as Glue tells it; a text is why they are not known."""
    return in_parallel(partial(_counted, Reader(origin.new_client("s3"))), tables, _TABLES)


def _counted(reader: Reader, table: tuple[str, Raw]) -> int | str:
    kind, raw = table
    try:
        return COUNTS[kind](reader, raw)
    except UnknownError as error:
        return str(error)


def _delta(reader: Reader, table: Raw) -> int:
    folder = folder_of((table.get("StorageDescriptor") or {}).get("Location"))
    if not folder:
        raise UnknownError("no location on S3")
    return delta.live(reader, folder)


#: By the formats of tables that count what is live in them.
COUNTS: dict[str, Callable[[Reader, Raw], int]] = {"iceberg": iceberg.live, "delta": _delta}
