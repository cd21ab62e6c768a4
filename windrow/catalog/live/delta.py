"""The log of a Delta table: the bytes of the files that its newest version has.

    _delta_log/00000000000000000010.json                  what version 10 adds and removes
    _delta_log/00000000000000000010.checkpoint.parquet    all files of version 10
    _delta_log/00000000000000000010.crc                   what they add up to
    _delta_log/_last_checkpoint                           the version of the newest checkpoint

A version's .crc is the answer, if there is one: Spark writes it, others do not. Then the newest checkpoint is read, and
the versions behind it. An added file counts for what the log says of it, as often as it is added, once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from windrow.catalog.live.metadata import Reader, UnknownError, amount, json_object
from windrow.catalog.locations import Folder

_NAME = re.compile(r"(\d{20})\.(?:(json)|(crc)|checkpoint(?:\.\d{10}\.(\d{10}))?\.(parquet)|checkpoint\..+)")
#: The most versions that are read behind a checkpoint, and the most parts of one: engines make one every 10 versions.
_VERSIONS, _PARTS = 100, 16
#: What is read of the files in a checkpoint.
_COLUMNS = ["add.path", "add.size", "add.deletionVector", "sidecar.path"]

#: A file of a table: its path, and what names the vector of the rows that are deleted from it, if there is one.
_File: TypeAlias = tuple[str, str]


class _Log(NamedTuple):
    """What is in a log behind some version."""

    versions: set[int]
    summed: set[int]
    """Versions that have a .crc."""
    checkpoints: dict[int, list[str]]
    """The keys of each that is complete."""
    others: set[int]
    """Versions whose checkpoints are of another kind, which is not read."""


def live(reader: Reader, table: Folder) -> int:
    """The bytes of the files of a table's newest version. Raises UnknownError."""
    folder = Folder(table.bucket, f"{table.prefix}_delta_log/")
    log = _log(reader, folder)
    newest = max(log.versions.union(log.checkpoints, log.others), default=None)
    if newest is None:
        raise UnknownError("no log")
    if newest in log.summed:
        with suppress(UnknownError):  # it may lack the sum; the log has all that is needed
            return amount(reader.json(folder.bucket, f"{folder.prefix}{newest:020}.crc").get("tableSizeBytes"))
    checkpoint = max(log.checkpoints, default=-1)
    behind = range(checkpoint + 1, newest + 1)
    if not log.versions.issuperset(behind):
        raise UnknownError("a checkpoint of a kind that is not read" if log.others else "a log with gaps")
    if len(behind) > _VERSIONS:
        raise UnknownError(f"a log of {len(behind):,} versions behind its checkpoint")
    changed = _changes(reader.read(folder.bucket, f"{folder.prefix}{version:020}.json") for version in behind)
    parts = log.checkpoints.get(checkpoint, [])
    kept = sum(_kept(reader.read(folder.bucket, key), changed) for key in parts)
    return kept + sum(size for size in changed.values() if size is not None)


def _log(reader: Reader, folder: Folder) -> _Log:
    """What a log has, from its newest checkpoint on."""
    versions, summed, others = set[int](), set[int](), set[int]()
    parts: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for key in reader.listed(folder, _pointed_at(reader, folder)):
        if found := _NAME.fullmatch(key[len(folder.prefix) :]):
            version, is_version, is_sum, total, is_parquet = int(found[1]), *found.groups()[1:]
            if is_parquet:
                parts[version, int(total or 1)].append(key)
            else:
                (versions if is_version else summed if is_sum else others).add(version)
    checkpoints = {version: keys for (version, total), keys in sorted(parts.items()) if len(keys) == total <= _PARTS}
    return _Log(versions, summed, checkpoints, others)


def _pointed_at(reader: Reader, folder: Folder) -> str:
    """Where the newest checkpoint's objects begin, as the log says; the log's own begin where it has none."""
    with suppress(UnknownError):
        told = reader.json(folder.bucket, f"{folder.prefix}_last_checkpoint")
        return f"{folder.prefix}{amount(told.get('version')):020}"
    return ""


def _changes(versions: Iterable[bytes]) -> dict[_File, int | None]:
    """The size of each file that versions have added, one after another; None of those that they have removed."""
    changed: dict[_File, int | None] = {}
    for content in versions:
        for line in content.splitlines():
            if line.strip():
                action = json_object(line)
                for verb in ("remove", "add"):
                    if isinstance(told := action.get(verb), Mapping):
                        changed[_file(told)] = amount(told.get("size")) if verb == "add" else None
    return changed


def _file(told: Mapping[str, Any]) -> _File:
    """What tells a file of a version from others, as the protocol says."""
    vector = told.get("deletionVector") or {}
    offset = vector.get("offset")
    name = f"{vector.get('storageType', '')}{vector.get('pathOrInlineDv', '')}{'' if offset is None else f'@{offset}'}"
    return str(told.get("path")), name


def _kept(content: bytes, changed: Mapping[_File, int | None]) -> int:
    """The bytes of the files of a part of a checkpoint that have not been changed since."""
    try:
        table = parquet.ParquetFile(BytesIO(content)).read(columns=_COLUMNS)
        if "sidecar" in table.column_names and table["sidecar"].null_count < len(table):
            raise UnknownError("a checkpoint with sidecars")
        files = table["add"].combine_chunks().drop_null()
        paths, sizes = files.field("path"), files.field("size")
        if sizes.null_count:
            raise UnknownError("malformed metadata")
        touched = pc.is_in(paths, value_set=pa.array({path for path, _ in changed}, pa.string()))
        gone = [one["size"] for one in files.filter(touched).to_pylist() if _file(one) in changed]
        return int((pc.sum(sizes).as_py() or 0) - sum(gone))
    except (pa.ArrowException, OSError, KeyError, TypeError, AttributeError):
        raise UnknownError("malformed metadata") from None
