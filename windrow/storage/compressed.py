"""Parts of lines that are compressed: one stream each, whose bytes depend on its text alone, read whole or refused.

Of gzip it is zlib's stream, whose header has neither a time nor a name. arrow has its highest level alone, which takes
eleven times as long for a twelfth less.
"""

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from windrow.storage.open import open_text

#: The ends of the names of parts, by how they are compressed.
ENDS = {"gzip": ".gz", "zstd": ".zst"}
#: As gzip has it, with a header and a checksum.
_GZIP_LEVEL, _GZIP_BITS = 4, 16 + zlib.MAX_WBITS
#: Bytes that are compressed, and read, at once.
_PIECE = 1 << 18


def plain_name(name: str) -> str:
    """A part's name without the end that says how it is compressed.

    >>> plain_name("part-00000-orders.csv.gz"), plain_name("part-00000.parquet")
    ('part-00000-orders.csv', 'part-00000.parquet')
    """
    return name.removesuffix(ENDS["gzip"]).removesuffix(ENDS["zstd"])


def is_compressed(name: str) -> bool:
    """Whether a part's name says that it is compressed."""
    return plain_name(name) != name


@contextmanager
def compressing(file: BinaryIO, end: str) -> Iterator[BinaryIO]:
    """What compresses into a file, as the end of its name says; complete once the block has ended well.

    >>> file = io.BytesIO()
    >>> with compressing(file, ".gz") as text:
    ...     text.writelines([b"AA", b"A\\n"])
    >>> zlib.decompress(file.getvalue(), wbits=31)
    b'AAA\\n'
    """
    if end == ENDS["gzip"]:
        gzip = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_BITS)
        text = _Text(lambda piece: file.write(gzip.compress(piece)))
        yield cast(BinaryIO, text)
        text.end()
        file.write(gzip.flush())
        return
    with pa.CompressedOutputStream(pa.PythonFile(_Kept(file), "w"), "zstd") as zstd:
        text = _Text(zstd.write)
        yield cast(BinaryIO, text)
        text.end()


@contextmanager
def open_part(part: Path) -> Iterator[BinaryIO]:
    """The text of a part, from its start. Raises InputError for a compressed one that is truncated or damaged."""
    if is_compressed(part.name):
        with open_text(str(part)) as text:
            yield cast(BinaryIO, io.BufferedReader(cast(Any, text), _PIECE))
    else:
        with part.open("rb") as file:
            yield file


@contextmanager
def for_arrow(part: Path) -> Iterator[Any]:
    """What arrow reads a part from: its path, or its text."""
    if is_compressed(part.name):
        with open_text(str(part)) as text:
            yield text
    else:
        yield part


def is_empty(part: Path) -> bool:
    """Whether a part has no text."""
    with open_part(part) as text:
        return not text.read(1)


class _Text(io.RawIOBase):
    """Text in pieces of one size, so that what becomes of it does not depend on how it is written."""

    def __init__(self, take: Callable[[memoryview], object]) -> None:
        self._take, self._held = take, bytearray()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: Any) -> int:
        """Takes it whole."""
        self._held += text
        if len(self._held) >= _PIECE:
            with memoryview(self._held) as held:
                whole = len(held) // _PIECE * _PIECE
                for begin in range(0, whole, _PIECE):
                    with held[begin : begin + _PIECE] as piece:
                        self._take(piece)
            del self._held[:whole]
        return len(text)

    def end(self) -> None:
        """Passes on what is left."""
        self._take(memoryview(bytes(self._held)))
        self._held.clear()


class _Kept(io.RawIOBase):
    """A file that stays open when arrow has written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, piece: Any) -> int:
        """Writes all of it."""
        return self._file.write(piece)
