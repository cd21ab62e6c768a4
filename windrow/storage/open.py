"""The bytes of an input, or its text, from any source: plain, gzip, bz2, zstd.

A file is read to its end or refused: a truncated or damaged file never passes for a shorter one, and every member of a
concatenated gzip is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from windrow.errors import InputError
from windrow.storage.source import source_of

#: Suffix -> arrow's name of the codec.
CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}

PARQUET = (".parquet", ".pq")

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"PAR1": "Parquet"}


def is_parquet(path: str) -> bool:
    """Whether the name has a suffix of Parquet.

    >>> is_parquet("bars/2020.PARQUET"), is_parquet("bars.csv.gz")
    (True, False)
    """
    return path.lower().endswith(PARQUET)


def is_splittable(path: str) -> bool:
    """Whether a range of the file can be read on its own: plain text, or row groups of Parquet."""
    return Path(path).suffix.lower() not in CODECS


def is_plain(path: str) -> bool:
    """Whether the file's bytes are its text."""
    return is_splittable(path) and not is_parquet(path)


def opened(path: str, end: int | None = None) -> BinaryIO:
    """The unchanged bytes of an input as a seekable file; nothing beyond `end` is prefetched."""
    return source_of(path).open(path, end)


def size_of(path: str) -> int:
    """The size of an input in bytes."""
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
    codec = CODECS.get(Path(path).suffix.lower())
    try:
        with opened(path, end) as file:
            _check_magic(path, file.read(4), codec)
            file.seek(0)
            if codec is not None and file.seek(0, 2) == 0:
                raise OSError("it has 0 bytes")  # arrow would read it as an empty text
            file.seek(0)
            stream = file if codec is None else pa.CompressedInputStream(file, codec)
            yield file, cast(BinaryIO, stream)
    except (OSError, pa.ArrowException) as error:
        if codec is None or getattr(error, "filename", None) is not None:
            why = getattr(error, "strerror", None) or error
            raise InputError(f"{path}: cannot be read: {why}; check the path and its permissions") from error
        raise InputError(
            f"{path}: is truncated or damaged ({error}); windrow reads a file whole or not at all;"
            f" get the file again, or test it with `{_TESTERS[codec]}`"
        ) from error


_TESTERS = {"gzip": "gzip -t", "bz2": "bzip2 -t", "zstd": "zstd -t"}


def _check_magic(path: str, head: bytes, codec: str | None) -> None:
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if codec is None and found is not None:
        suffix = ".parquet" if found == "Parquet" else next(key for key, value in CODECS.items() if value == found)
        raise InputError(
            f"{path}: begins with {head!r}, so it is {found} data; the format is chosen by suffix;"
            f" rename it to end in {suffix}"
        )
