"""The first bytes of an input that lies elsewhere -> a small local file that its header can be settled from."""

import bz2
import zlib
from pathlib import Path

import pyarrow as pa

from windrow.feeds.files import CODECS, is_parquet
from windrow.feeds.settle import Head


def write_head(head: bytes, uri: str, size: int, place: Path) -> Head:
    """Writes `head`, an input's first bytes, as a file of whole lines of plain text; `size` is the input's, in bytes.

    A Parquet file says its columns at its end, so it has to be there whole.
    """
    codec = CODECS.get(Path(uri).suffix.lower())
    if codec is not None:
        place = place.with_suffix("")
    text = head if codec is None else _expand(head, codec)
    if len(head) < size and not is_parquet(uri):
        text = text[: text.rfind(b"\n") + 1] or text
    place.write_bytes(text)
    return Head(str(place), min(1.0, len(head) / max(size, 1)))


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
