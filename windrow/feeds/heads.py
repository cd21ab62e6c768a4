"""The first bytes of a remote input -> a small local file from which its layout is settled."""

import bz2
import zlib
from pathlib import Path

import pyarrow as pa

from windrow.feeds.density import Head
from windrow.storage.open import CODECS


def write_head(head: bytes, uri: str, size: int, place: Path) -> Head | None:
    """Writes `head`, an input's first bytes, as a file of whole lines of plain text; `size` is the input's, in bytes.

    A head that is the whole input is kept as it is, so that anything wrong with it is found at submission. None if the
    head is too short for a header and a line: bz2 has blocks of 900 KB.
    """
    if len(head) >= size:
        place.write_bytes(head)
        return Head(str(place), 1.0)
    codec = CODECS.get(Path(uri).suffix.lower())
    text = head if codec is None else _expand(head, codec)
    if text.count(b"\n") < 2:
        return None
    place = place if codec is None else place.with_suffix("")
    place.write_bytes(text[: _end_of_lines(text)] or text)
    return Head(str(place), len(head) / size)


def _end_of_lines(text: bytes) -> int:
    """Where the last whole line of a text ends; where its first letters have zero bytes, it is in UTF-16 or UTF-32."""
    zeros = text[:4].count(0)
    if not zeros:
        return text.rfind(b"\n") + 1
    width = 4 if zeros == 3 or text.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")) else 2
    big = text.startswith((b"\0", b"\xfe\xff"))
    line_end = b"\n".rjust(width, b"\0") if big else b"\n".ljust(width, b"\0")
    at = text.rfind(line_end)
    while at >= 0 and at % width:
        at = text.rfind(line_end, 0, at + width - 1)
    return at + width if at >= 0 else 0


def _expand(head: bytes, codec: str) -> bytes:
    """As much text as the first bytes of a compressed file yield."""
    if codec == "gzip":
        return zlib.decompressobj(wbits=31).decompress(head)
    if codec == "bz2":
        return bz2.BZ2Decompressor().decompress(head)
    if codec == "xz":
        import lzma

        return lzma.LZMADecompressor().decompress(head)
    text = b""
    try:
        stream = pa.CompressedInputStream(pa.BufferReader(head), codec)
        while piece := stream.read(1 << 14):
            text += piece
    except OSError:
        return text  # the file continues after the head
    return text
