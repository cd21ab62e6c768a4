"""The bytes of an input, or its text, from any source: plain, gzip, bz2, zstd, xz, or a member of a zip.

A file is read to its end or refused: a truncated or damaged file never passes for a shorter one, and every member of a
concatenated gzip is read.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa  # zipfile and lzma only where they are needed: a task's start is part of its cost

from windrow.errors import InputError
from windrow.storage.source import source_of

#: Suffix -> name of the codec, arrow's where arrow has it.
CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}

PARQUET = (".parquet", ".pq")
#: Arrow's own files; version 2 of Feather is one.
FEATHER = (".feather", ".arrow", ".ipc")
#: A JSON object a line, and whatever else a JSON file may be.
JSON_LINES, JSON = (".jsonl", ".ndjson"), (".json",)

ZIP = ".zip"
_MEMBER = re.compile(r"(?i)(.*?\.zip)/(.+)")
_MAGIC = {
    b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\x28\xb5\x2f\xfd": ".zst", b"\xfd7zXZ\0": ".xz", b"PK\3\4": ZIP,
    b"PAR1": ".parquet", b"ARROW1": ".arrow",
}  # fmt: skip
_NAMES = {**CODECS, ZIP: "zip", ".parquet": "Parquet", ".arrow": "Arrow"}


def is_parquet(path: str) -> bool:
    """Whether the name has a suffix of Parquet.

    >>> is_parquet("bars/2020.PARQUET"), is_parquet("bars.csv.gz")
    (True, False)
    """
    return path.lower().endswith(PARQUET)


def is_zip(path: str) -> bool:
    """Whether this is a zip file, by its name, not a member of one."""
    return path.lower().endswith(ZIP)


def split_member(path: str) -> tuple[str, str]:
    """A path's zip file and the member that it names, as in a folder; a path of another kind and no member.

    >>> split_member("bars.zip/2023/AAA.csv"), split_member("bars.zip"), split_member("bars.csv")
    (('bars.zip', '2023/AAA.csv'), ('bars.zip', ''), ('bars.csv', ''))
    """
    found = _MEMBER.fullmatch(path)
    if found is None:
        return path, ""
    place = source_of(found[1]).path(found[1])
    return (path, "") if place is not None and place.is_dir() else (found[1], found[2])


def is_feather(path: str) -> bool:
    """Whether the name has a suffix of Arrow's own files."""
    return path.lower().endswith(FEATHER)


def is_columnar(path: str) -> bool:
    """Whether the file has columns with types, Parquet or Feather, rather than text."""
    return is_parquet(path) or is_feather(path)


def is_json(path: str) -> bool:
    """Whether the text is JSON, by the suffix before that of a compression.

    >>> is_json("bars.jsonl.gz"), is_json("bars.zip/bars.json"), is_json("bars.json.csv")
    (True, True, False)
    """
    return _uncompressed(path).endswith(JSON + JSON_LINES)


def is_json_lines(path: str) -> bool:
    """Whether the text has a JSON object in each line, by its suffix."""
    return _uncompressed(path).endswith(JSON_LINES)


def needs_end(path: str) -> bool:
    """Whether the first bytes of a file alone say nothing: what it has is listed at its end, or closed there."""
    return is_columnar(path) or is_zip(path) or _uncompressed(path).endswith(JSON)


def _uncompressed(path: str) -> str:
    """The path in lower case, without the suffix of a compression."""
    name = path.lower()
    return name.removesuffix(Path(name).suffix) if Path(name).suffix in CODECS else name


def is_splittable(path: str) -> bool:
    """Whether a range of the file can be read on its own: plain text, blocks of bz2, or row groups of Parquet."""
    whole = is_feather(path) or is_json(path) or f"{path.lower()}/".find(f"{ZIP}/") >= 0
    return not (whole or _suffix(path) in CODECS) or (is_bz2(path) and not whole)


def is_bz2(path: str) -> bool:
    """Whether the name has the suffix of bz2, whose blocks can be read on their own.

    >>> is_bz2("bars.csv.BZ2"), is_bz2("bars.csv")
    (True, False)
    """
    return _suffix(path) == ".bz2"


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def is_plain(path: str) -> bool:
    """Whether the file's bytes are its text."""
    return is_splittable(path) and not is_parquet(path) and not is_bz2(path)


def opened(path: str, end: int | None = None) -> BinaryIO:
    """The unchanged bytes of an input as a seekable file; nothing beyond `end` is prefetched."""
    return source_of(path).open(path, end)


def size_of(path: str) -> int:
    """The size of an input in bytes; of a member of a zip, the zip's."""
    path, _ = split_member(path)
    return source_of(path).size(path)


@contextmanager
def named(place: str, name: str) -> Iterator[None]:
    """In errors of this block, the file read at `place` is called `name`, as the user knows it."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(place, name)) from error


@contextmanager
def open_text(path: str) -> Iterator[BinaryIO]:
    """The bytes of a text file, decompressed by its suffix; read errors become an InputError that names it."""
    with open_both(path) as (_, stream):
        yield stream


@contextmanager
def open_both(path: str, end: int | None = None) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A file's raw bytes, and its text; `end` as in `opened`."""
    codec = CODECS.get(_suffix(path))
    outer, member = split_member(path)
    with _explained(path, codec), opened(outer, end) as raw, _member(path, outer, member, raw) as file:
        _check_magic(path, file.read(6), codec)
        if codec is not None and file.seek(0, 2) == 0:
            raise OSError("it has 0 bytes")  # arrow would read it as an empty text
        file.seek(0)
        yield raw, cast(BinaryIO, _expanded(file, codec))


@contextmanager
def open_blocks(path: str, start: int, end: int) -> Iterator[BinaryIO]:
    """The lines of a range of bytes of a bz2 file, which are in no other range; read errors as of `open_text`."""
    from windrow.storage.bz2_blocks import BlockText

    with _explained(path, CODECS[".bz2"]), opened(path) as raw:
        yield cast(BinaryIO, BlockText(raw, start, end))


@contextmanager
def _explained(path: str, codec: str | None) -> Iterator[None]:
    """Errors of reading a file become an InputError that names it."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        if codec is None or getattr(error, "filename", None) is not None:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{path}: cannot be read: {why}; check the path and its permissions") from error
        raise InputError(
            f"{path}: is truncated or damaged ({error}); windrow reads a file whole or not at all;"
            f" get the file again, or test it with `{_TESTERS[codec]}`"
        ) from error


@contextmanager
def _member(path: str, outer: str, member: str, raw: BinaryIO) -> Iterator[BinaryIO]:
    """The bytes of a file, or of a member of the zip that it is."""
    if not member:
        yield raw
        return
    from windrow.storage.zips import open_member

    with open_member(outer, member, raw) as file:
        yield file


def _expanded(file: BinaryIO, codec: str | None) -> object:
    if codec == "xz":
        from windrow.storage.pieces import Pieces, unxz

        return Pieces(unxz(file))
    return file if codec is None else pa.CompressedInputStream(file, codec)


_TESTERS = {"gzip": "gzip -t", "bz2": "bzip2 -t", "zstd": "zstd -t", "xz": "xz -t"}


def _check_magic(path: str, head: bytes, codec: str | None) -> None:
    suffix = next((suffix for magic, suffix in _MAGIC.items() if head.startswith(magic)), None)
    if codec is not None or suffix is None:
        return
    if suffix == ZIP and not split_member(path)[1]:
        from windrow.storage.zips import members

        members(path)  # which refuses a spreadsheet as such
    raise InputError(
        f"{path}: begins with {head[:4]!r}, so it is {_NAMES[suffix]} data; the format is chosen by suffix;"
        f" rename it to end in {suffix}"
    )
