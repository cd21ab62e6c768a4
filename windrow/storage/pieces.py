"""Pieces of bytes as a stream, and xz, which arrow does not read, in such pieces."""

import lzma
from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import BinaryIO

_BLOCK = 1 << 20
#: Memory that an xz may ask for: `xz -9` asks for 65 MiB.
_MOST_MEMORY = 256 << 20


class Pieces(RawIOBase):
    """Bytes that come in pieces, as a file that is read from its start. Memory: a piece, and what is asked for."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As many bytes as are asked for; fewer only at the end."""
        found = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            found.append(piece)
            length += len(piece)
        whole = b"".join(found)
        size = length if size < 0 else size
        self._rest = whole[size:]
        return whole[:size]


def unxz(file: BinaryIO) -> Iterator[bytes]:
    """The text of an xz file, of one stream or of several. Raises OSError where it is damaged, or ends too early.

    Python's own reader takes damage in a later stream for the end of the file.
    """
    decoder, streams, block = _decoder(), 0, b""
    begun = True  # the first stream begins with the file; before a later one there may be zeros
    while block or (block := file.read(_BLOCK)):
        block = block if begun else block.lstrip(b"\0")
        if not block:
            continue
        begun = True
        try:
            piece = decoder.decompress(block, _BLOCK)
            while piece or not (decoder.eof or decoder.needs_input):
                yield piece
                piece = b"" if decoder.eof or decoder.needs_input else decoder.decompress(b"", _BLOCK)
        except lzma.LZMAError as error:
            raise OSError(str(error)) from error
        block = decoder.unused_data
        if decoder.eof:
            decoder, begun, streams = _decoder(), False, streams + 1
    if begun or not streams:
        raise OSError("it ends before its end mark")


def _decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
