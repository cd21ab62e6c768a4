"""The first bytes of an input that lies elsewhere -> a small local file that its header can be settled from."""

import bz2
import zlib
from pathlib import Path

import pyarrow as pa

from windrow.feeds.files import CODECS
from windrow.feeds.settle import Head


def write_head(head: bytes, uri: str, size: int, place: Path) -> Head:
    """Writes `head`, an input's first bytes, as a file of whole lines of plain text; `size` is the input's, in bytes.

    A head that is the whole input is kept as it is: what is wrong with it is then found at submission.
    """
    if len(head) >= size:
        place.write_bytes(head)
        return Head(str(place), 1.0)
    codec = CODECS.get(Path(uri).suffix.lower())
    text = head if codec is None else _expand(head, codec)
    place = place if codec is None else place.with_suffix("")
    place.write_bytes(text[: text.rfind(b"\n") + 1] or text)
    return Head(str(place), len(head) / size)


def _expand(head: bytes, codec: str) -> bytes:
    """As much text as the first bytes of a compressed file give."""
    if codec == "gzip":
        return zlib.decompressobj(wbits=31).decompress(head)
    if codec == "bz2":
        return bz2.BZ2Decompressor().decompress(head)
    text = b""
    try:
        stream = pa.CompressedInputStream(pa.BufferReader(head), codec)
        while piece := stream.read(1 << 14):
            text += piece
    except OSError:
        return text  # the file goes on where the head ends
    return text
