"""Sizes of folders from S3 Inventory: what a bucket held when S3 last wrote down all that is in it.

An inventory is a day's or a week's listing of a bucket, in files of CSV, ORC or Parquet. A billion objects take
minutes, where listing them takes an hour; but they are as old as the inventory, which is told. It may have versions
that are not the latest, and delete markers, which no listing has: these are not counted.
"""

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc

from windrow.aws.parallel import in_parallel
from windrow.catalog.locations import Folder, Size
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes.listed import Sizes, reason_of
from windrow.catalog.sizes.manifests import Manifest, UnusableError, newest
from windrow.catalog.sizes.nests import Nest
from windrow.console import say

#: What is read of an object, by its names in lower case without underscores.
_TYPES = {"key": pa.string(), "size": pa.int64(), "islatest": pa.bool_(), "isdeletemarker": pa.bool_()}
#: Data files that are read at a time; each may have some hundred megabytes, and is on disk meanwhile.
_FILES = 4
_ROWS, _BLOCK = 1 << 17, 16 << 20
#: Of a weekly inventory that S3 no longer writes.
_OLD = timedelta(days=8)
_UNUSABLE = Unmeasured.FAILED.with_code("UnusableInventory")

_Told: TypeAlias = Iterator[tuple[Folder, Size | str]]


def inventory(place: str) -> Sizes:
    """Sizes from the newest inventories at a place on S3, of one bucket or of several.

    Raises InputError where none is there. Of an inventory that can be read only in part no size is known.
    """

    def sizes(origin: Origin, folders: Collection[Folder]) -> _Told:
        from botocore.exceptions import BotoCoreError, ClientError

        client = origin.new_client("s3")
        try:
            manifests = newest(client, place)
        except (BotoCoreError, ClientError) as error:
            say(f"warning: --inventory {place}: {reason_of(error)}: no table has a size")
            yield from _all(folders, reason_of(error))
            return
        for manifest, asked in _shared_out(manifests, folders):
            yield from _of(client, manifest, asked) if manifest else _all(asked, Unmeasured.NOT_LISTED)

    return sizes


def _shared_out(
    manifests: Iterable[Manifest], folders: Collection[Folder]
) -> Iterator[tuple[Manifest | None, list[Folder]]]:
    """Each manifest, and the folders that it is the first to have; the folders that none has."""
    left = set(folders)
    for manifest in manifests:
        asked = [
            one for one in left if one.bucket == manifest.bucket and (manifest.is_of is None or manifest.covers(one))
        ]
        left.difference_update(asked)
        if asked:
            yield manifest, asked
    yield None, list(left)


def _all(folders: Collection[Folder], reason: str) -> _Told:
    for folder in folders:
        yield folder, reason


def _of(client: Any, manifest: Manifest, folders: Collection[Folder]) -> _Told:
    """Sizes from one inventory, whose age is told.

    Where it is not known what it is of, no objects are no size, and some may be but a part.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    _tell_age(manifest)
    nest = Nest(sorted({Folder(manifest.bucket, ""), *folders}))
    ends: list[str] = []
    try:
        for held, some in in_parallel(partial(_held, client, manifest, nest.edges), manifest.files, _FILES):
            ends += some
            for run, size in held.items():
                nest.add(run, size)
    except (BotoCoreError, ClientError) as error:
        say(f"warning: {manifest.uri}: {reason_of(error)}: what {manifest.bucket} holds is not known")
        yield from _all(folders, reason_of(error))
    except UnusableError as error:
        say(f"warning: {error}; what {manifest.bucket} holds is not known")
        yield from _all(folders, _UNUSABLE)
    else:
        sizes = dict(nest.sizes())
        partly = _partly(manifest, {one: sizes[one] for one in folders}, ends)
        for folder in folders:
            is_known = manifest.covers(folder) or (manifest.is_of is None and sizes[folder].files)
            yield folder, sizes[folder] if is_known and folder not in partly else Unmeasured.NOT_LISTED


def _partly(manifest: Manifest, sizes: Mapping[Folder, Size], ends: Collection[str]) -> Collection[Folder]:
    """Folders that have objects in an inventory of which it is not known whether it has all of theirs; told.

    What it is of is how all of its keys begin, or less. So it has all of folders whose names begin so, too.
    """
    if manifest.is_of is not None or not ends:
        return ()
    common = common_begin(min(ends), max(ends))
    found = {folder for folder, size in sizes.items() if size.files and not folder.prefix.startswith(common)}
    if common and found:
        say(
            f"warning: {manifest.uri}: all of its keys begin with {common}: whether it has all that {manifest.bucket}"
            " holds is not known; let these credentials s3:GetInventoryConfiguration, which tells"
        )
    return found


def common_begin(one: str, other: str) -> str:
    """What both texts begin with.

    >>> common_begin("sales/orders/day=1", "sales/orders_other"), common_begin("a", "ab")
    ('sales/orders', 'a')
    """
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(each for each, _ in pairs)


def _tell_age(manifest: Manifest) -> None:
    age = datetime.now(UTC) - manifest.made_at
    text = f"{manifest.bucket}: sizes are of its inventory of {manifest.made_at:%Y-%m-%d %H:%M} UTC, {age_of(age)} old"
    say(f"warning: {text}: S3 makes one a day, or a week; see whether it still does" if age > _OLD else text)


def age_of(age: timedelta) -> str:
    """How old something is.

    >>> age_of(timedelta(minutes=90)), age_of(timedelta(hours=30)), age_of(timedelta(days=3, hours=4))
    ('90 min', '30 h', '3 days')
    """
    for least, unit, name in ((48, 24, "days"), (2, 1, "h")):
        if age >= timedelta(hours=least):
            return f"{age // timedelta(hours=unit)} {name}"
    return f"{age // timedelta(minutes=1)} min"


def _held(
    client: Any, manifest: Manifest, edges: Sequence[str], file: Mapping[str, Any]
) -> tuple[Mapping[int, Size], list[str]]:
    """What each run of a nest has of a data file's objects, and keys that have no more in common than all do."""
    held: defaultdict[int, Size] = defaultdict(lambda: Size(0, 0))
    ends: list[str] = []
    uri = f"s3://{manifest.home}/{file['key']}"
    with TemporaryDirectory(prefix="windrow-") as folder:
        path = Path(folder, "data")
        _fetch(client, manifest, file, path, uri)
        try:
            for batch in _READERS[manifest.format](path, manifest, uri):
                ends += _ends(batch, manifest.format == "CSV")
                ends = [min(ends), max(ends)] if ends else ends
                for directory, size in _directories(batch, manifest.format == "CSV", uri):
                    run = bisect_right(edges, directory) - 1
                    held[run] = held[run].plus(size)
        except (pa.ArrowException, OSError, UnicodeError) as error:
            raise UnusableError(
                f"{uri}: is no {manifest.format} of an inventory ({error}); use another day's"
            ) from None
    return held, ends


def _ends(batch: pa.RecordBatch, is_encoded: bool) -> list[str]:
    """The first and the last of a batch's keys: all keys begin with what both begin with."""
    ends = [str(one) for one in pc.min_max(batch["key"]).as_py().values() if one is not None]
    return [unquote_plus(one) for one in ends] if is_encoded else ends


def _fetch(client: Any, manifest: Manifest, file: Mapping[str, Any], path: Path, uri: str) -> None:
    """Downloads a data file. Raises UnusableError where it is not the one that the manifest is of."""
    from boto3.exceptions import Boto3Error

    with path.open("w+b") as copy:
        try:
            client.download_fileobj(manifest.home, file["key"], copy)
        except Boto3Error as error:  # the connection was cut, again and again
            raise UnusableError(f"{uri}: cannot be downloaded ({error})") from None
        copy.seek(0)
        found = hashlib.file_digest(copy, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
    if found != file["MD5checksum"]:
        raise UnusableError(
            f"{uri}: its MD5 is {found}, and {manifest.uri} says {file['MD5checksum']}: it has been"
            " changed or cut off; use another day's"
        )


def _directories(batch: pa.RecordBatch, is_encoded: bool, uri: str) -> Iterator[tuple[str, Size]]:
    """What each directory of a batch of rows holds itself: its keys up to their last slash."""
    kept = _latest(batch)
    if kept["key"].null_count or kept["size"].null_count:
        raise UnusableError(f"{uri}: has an object without key or size; use another day's")
    keys = pc.replace_substring(kept["key"], "%2F", "/") if is_encoded else kept["key"]
    held = pa.table({"directory": pc.replace_substring_regex(keys, "[^/]*$", ""), "size": kept["size"]})
    grouped = held.group_by("directory").aggregate([("size", "sum"), ("size", "count")])
    columns = (grouped[name].to_pylist() for name in ("directory", "size_sum", "size_count"))
    for directory, length, files in zip(*columns, strict=True):
        yield unquote_plus(directory) if is_encoded else directory, Size(length, files)


def _latest(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of objects that a listing has; without versions, all are."""
    if "islatest" in batch.schema.names:
        batch = batch.filter(pc.fill_null(batch["islatest"], True))
    if "isdeletemarker" in batch.schema.names:
        batch = batch.filter(pc.invert(pc.fill_null(batch["isdeletemarker"], False)))
    return batch


def _columns(names: Iterable[str], uri: str) -> dict[str, str]:
    """A file's names of the columns that are counted, by ours. Raises UnusableError if key or size is not there."""
    found = {name.replace("_", "").lower(): name for name in names}
    for needed in ("key", "size"):
        if needed not in found:
            raise UnusableError(f"{uri}: has no {needed}; add the field to the inventory's configuration")
    return {ours: found[ours] for ours in _TYPES if ours in found}


def _named(batch: pa.RecordBatch, columns: Mapping[str, str]) -> pa.RecordBatch:
    return pa.record_batch({ours: batch[name].cast(_TYPES[ours]) for ours, name in columns.items()})


def _csv_rows(path: Path, manifest: Manifest, uri: str) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    columns = _columns(manifest.columns, uri)
    how = csv.ConvertOptions(
        include_columns=list(columns.values()), column_types={name: _TYPES[ours] for ours, name in columns.items()}
    )
    names = csv.ReadOptions(column_names=manifest.columns, block_size=_BLOCK)
    opened = partial(pa.input_stream, path, compression="gzip" if uri.endswith(".gz") else None)
    with opened() as file:
        if not file.read(1):  # which arrow refuses
            return
    with opened() as file:
        for batch in csv.open_csv(file, read_options=names, convert_options=how):
            yield _named(batch, columns)


def _orc_rows(path: Path, manifest: Manifest, uri: str) -> Iterator[pa.RecordBatch]:
    from pyarrow import orc

    file = orc.ORCFile(path)
    columns = _columns(file.schema.names, uri)
    for stripe in range(file.nstripes):
        yield _named(file.read_stripe(stripe, columns=list(columns.values())), columns)


def _parquet_rows(path: Path, manifest: Manifest, uri: str) -> Iterator[pa.RecordBatch]:
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    columns = _columns(file.schema_arrow.names, uri)
    for batch in file.iter_batches(_ROWS, columns=list(columns.values())):
        yield _named(batch, columns)


#: By a manifest's fileFormat.
_READERS = {"CSV": _csv_rows, "ORC": _orc_rows, "Parquet": _parquet_rows}
