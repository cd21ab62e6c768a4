"""What tables store: folders are measured, each once, and tables are told what theirs hold."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from windrow.aws.parallel import in_parallel
from windrow.catalog.live.counts import COUNTS, live_bytes
from windrow.catalog.locations import Folder, Size, folder_of
from windrow.catalog.metastore.described import outermost
from windrow.catalog.metastore.formats import Raw
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes.listed import Sizes, reason_of
from windrow.console import several

#: Takes the share of the work that is done, and what to say of it.
Progress = Callable[[float, str], object]

#: A folder, and the role that asks for it.
_Asked: TypeAlias = tuple[str | None, Folder]
#: What folders hold.
_Sized: TypeAlias = dict[_Asked, Size | str]


@dataclass
class Table:
    """A table, and what of it is still needed."""

    origin: Origin
    raw: Raw
    row: dict[str, Any]
    folders: set[Folder] | str
    """Where its files are, or why it is not measured."""

    @property
    def asked(self) -> list[_Asked]:
        """Its folders, with the role that asks for them."""
        return [] if isinstance(self.folders, str) else [(self.origin.role, folder) for folder in self.folders]

    @property
    def may_be_object(self) -> _Asked | None:
        """Its own folder, where its location does not end as a folder's, and might be the name of one object."""
        location = str((self.raw.get("StorageDescriptor") or {}).get("Location") or "")
        folder = folder_of(location)
        return (self.origin.role, folder) if folder and folder.prefix and not location.endswith("/") else None


def measure(tables: Sequence[Table], sizes: Sizes | None, progress: Progress) -> Size | None:
    """Fills in what tables store, or why that is not known; what all of them store, each object once."""
    sized = _sized(_by_origin(tables), sizes, progress) if sizes else {}
    single = _single(tables, sized)
    for table in tables:
        parts = {one: sized.get(one, Unmeasured.NOT_ASKED) for one in table.asked}
        own = table.may_be_object
        _tell(table, list((parts | {own: single[own]} if own in parts and own in single else parts).values()))
    known = {folder: size for (_, folder), size in (sized | single).items() if isinstance(size, Size)}
    return sum_of(known[folder] for folder in outermost(set(known))) if sizes else None


def count_live(tables: Sequence[Table]) -> dict[str, str]:
    """Fills in the live bytes of tables that have a count of their own; of the others the symbol, and why not."""
    counted: dict[Origin, list[Table]] = defaultdict(list)
    for table in tables:
        if table.row["format"] in COUNTS and table.asked:
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


def shared(tables: Sequence[Table]) -> dict[Folder, list[str]]:
    """Folders that are those of several tables, and these tables."""
    of_each: dict[Folder, list[str]] = defaultdict(list)
    for table in tables:
        for _, folder in table.asked:
            of_each[folder].append(str(table.row["symbol"]))
    return {folder: names for folder, names in sorted(of_each.items()) if len(names) > 1}


def _by_origin(tables: Sequence[Table]) -> dict[Origin, set[Folder]]:
    """The folders of tables, each under the first origin of those with the same credentials."""
    first: dict[_Asked, Origin] = {}
    for table in tables:
        for asked in table.asked:
            first.setdefault(asked, table.origin)
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
            progress(len(found) / count, f"{len(found):,} of {several(count, 'folder')}, {several(files, 'file')}")
    return found


def _single(tables: Sequence[Table], sized: _Sized) -> _Sized:
    """Locations that are no folder but one object, as crawlers make them for a file that they are pointed at."""
    asked: dict[_Asked, Origin] = {}
    for table in tables:
        own = table.may_be_object
        if own in table.asked and sized.get(own) == Size(0, 0):
            asked.setdefault(own, table.origin)
    clients = {origin: origin.new_client("s3") for origin in asked.values()}
    look = partial(_object_at, clients)
    return dict(zip(asked, in_parallel(look, [(origin, folder) for (_, folder), origin in asked.items()]), strict=True))


def _object_at(clients: Mapping[Origin, Any], where: tuple[Origin, Folder]) -> Size | str:
    """The object of exactly a location's name: of all keys that begin so it is the first. Size 0, if there is none."""
    from botocore.exceptions import BotoCoreError, ClientError

    origin, folder = where
    key = folder.prefix.removesuffix("/")
    try:
        page = clients[origin].list_objects_v2(Bucket=folder.bucket, Prefix=key, MaxKeys=1)
    except (BotoCoreError, ClientError) as error:
        return reason_of(error)
    found = [one["Size"] for one in page.get("Contents", ()) if one["Key"] == key]
    return Size(sum(found), len(found))


def _tell(table: Table, parts: Sequence[Size | str]) -> None:
    """Fills in a table's size, by what its folders hold, or why there is none."""
    if isinstance(table.folders, str):
        table.row["unmeasured"] = str(table.folders)
        return
    if reasons := sorted(str(part) for part in parts if isinstance(part, str)):
        table.row["unmeasured"] = reasons[0]
        return
    stored = sum_of(part for part in parts if isinstance(part, Size))
    table.row |= {"bytes": stored.bytes, "sizeinmbons3": stored.bytes / 2**20, "totalfilesons3": stored.files}


def sum_of(sizes: Iterable[Size]) -> Size:
    """What all of them hold.

    >>> sum_of([Size(10, 1), Size(5, 2)]), sum_of([])
    (Size(bytes=15, files=3), Size(bytes=0, files=0))
    """
    total = Size(0, 0)
    for size in sizes:
        total = total.plus(size)
    return total
