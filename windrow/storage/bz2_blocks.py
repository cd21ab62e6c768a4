"""bz2 by byte ranges: a file's blocks, each of which can be read without those before it.

A block begins with 48 bits that say so, anywhere within a byte, and holds up to 900 KB of text, whose checksum it has.
A stream ends with 48 other bits and a checksum of all, and streams may follow each other, as `pbzip2` writes them. A
range reads the blocks that begin in its bytes:

    bytes    |--------- range ---------|--------- range ---------|
    blocks   [--------][-------][--------][-------][------][-------] end
    read by   first     first    first     second   second  second

Each block is made a stream of its own, so the decoder checks that it ends where the next begins: damage, also to the 48
bits, is an error, as is a file without an end.
"""

import bz2
import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_BLOCK, _END = 0x314159265359, 0x177245385090
_BITS = 48
#: Bits of a checksum, of a block's first fields, and the longest permutation's place.
_SUM, _RANDOM, _PLACE, _MOST_PLACE = 32, 1, 24, 900_000
_HEADER = b"BZh9"  # a block of any level fits
#: Bytes read, and looked through, at a time: a block has some hundred thousand.
_PIECE, _WINDOW = 1 << 20, 1 << 16


class _Mark(NamedTuple):
    """Where a block, or a stream's end, begins: the bit in the file."""

    bit: int
    is_end: bool


class BlockText(io.RawIOBase):
    """The text of the blocks that begin in bytes [start, end) of a bz2 file, as of a range of lines.

    A range that is not the first leaves out what is up to its first line end, and each goes on up to the first line
    end of the next one's text: so every line is in exactly one. Memory: a block and its text. Raises OSError for a file
    that is damaged.

    >>> text = b"".join(b"%d\\n" % number for number in range(200_000))
    >>> packed = bz2.compress(text, 1)
    >>> bounds = [0, len(packed) // 3, len(packed) // 2, len(packed)]
    >>> ranges = [BlockText(io.BytesIO(packed), start, end) for start, end in zip(bounds, bounds[1:])]
    >>> b"".join(one.read() for one in ranges) == text
    True
    """

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        super().__init__()
        self._texts = _lines_of(_blocks(file, start), start, end)
        self._rest = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        taken, wanted = [], None if size is None or size < 0 else size
        while wanted is None or wanted > 0:
            self._rest = self._rest or next(self._texts, b"")
            if not self._rest:
                break
            taken.append(self._rest if wanted is None else self._rest[:wanted])
            self._rest = self._rest[len(taken[-1]) :]
            wanted = None if wanted is None else wanted - len(taken[-1])
        return b"".join(taken)


def _lines_of(blocks: Iterator[tuple[int, bytes]], start: int, end: int) -> Iterator[bytes]:
    """The text of blocks, by the byte in which each begins, from the first line end to the first after the range."""
    skips = start > 0
    if start >= end:
        return
    for byte, text in blocks:
        if byte >= end:
            at = text.find(b"\n") + 1
            if skips:  # the range has no line end: its line is another's
                return
            yield text[:at] or text
            if at:
                return
        elif skips:
            at = text.find(b"\n") + 1
            skips = not at
            yield from filter(None, [text[at:] if at else b""])
        else:
            yield from filter(None, [text])


def _blocks(file: BinaryIO, start: int) -> Iterator[tuple[int, bytes]]:
    """The byte in which each block begins, from `start` on, and its text. Raises OSError."""
    bits, first = _Bits(file, start), len(_HEADER) * 8
    if not start:
        _check_header(bits.taken(0, first))
    mark = bits.next_mark(start * 8 or first)
    if not start and (mark is None or mark.bit != first):
        raise OSError("it has no block where the first should be")
    while mark is not None:
        if mark.is_end:
            mark = _after_end(bits, mark)
            continue
        bits.forget(mark.bit)
        following = bits.next_mark(mark.bit + _BITS)
        if following is None:
            raise OSError("it ends within a block")
        yield mark.bit // 8, _text_of(bits.taken(mark.bit, following.bit - mark.bit), following.bit - mark.bit)
        mark = following


def _after_end(bits: "_Bits", mark: _Mark) -> _Mark | None:
    """The first mark of the stream after one that ends there; None if that was the last."""
    after = -(-(mark.bit + _BITS + _SUM) // 8) * 8
    if bits.is_over(after - 8):
        raise OSError("it ends within a stream's checksum")
    header = bits.taken(after, len(_HEADER) * 8)
    if header == 0 and bits.is_over(after):
        return None
    _check_header(header)
    following = bits.next_mark(after + len(_HEADER) * 8)
    if following is None or following.bit != after + len(_HEADER) * 8:
        raise OSError("it has no block where a stream begins")
    return following


def _check_header(header: int) -> None:
    if not (header >> 8 == int.from_bytes(_HEADER[:3], "big") and b"1"[0] <= header & 255 <= b"9"[0]):
        raise OSError("it has no header where a stream begins")


def _text_of(block: int, length: int) -> bytes:
    """The text of a block of so many bits."""
    checksum = block >> (length - _BITS - _SUM) & ((1 << _SUM) - 1)
    stream = ((block << _BITS | _END) << _SUM) | checksum
    total = length + _BITS + _SUM
    padding = -total % 8
    decoder = bz2.BZ2Decompressor()
    text = decoder.decompress(_HEADER + (stream << padding).to_bytes((total + padding) // 8, "big"))
    if not decoder.eof or decoder.unused_data:
        raise OSError("a block does not end where the next begins")
    return text


class _Bits:
    """A file's bits from a byte on, of which those before what is asked for are forgotten."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file, self._begin, self._held, self._ended = file, start, b"", False
        file.seek(start)

    def _hold(self, byte: int) -> bool:
        """Reads up to a byte; whether the file goes so far."""
        while not self._ended and self._begin + len(self._held) < byte:
            piece = self._file.read(_PIECE)
            self._ended = not piece
            self._held += piece
        return self._begin + len(self._held) >= byte

    def is_over(self, bit: int) -> bool:
        """Whether the file ends there."""
        return not self._hold(bit // 8 + 1)

    def taken(self, bit: int, length: int) -> int:
        """So many bits as a number; zeros after the file's end."""
        first, last = bit // 8, -(-(bit + length) // 8)
        self._hold(last)
        content = self._held[first - self._begin : last - self._begin].ljust(last - first, b"\0")
        return int.from_bytes(content, "big") >> (last * 8 - bit - length) & ((1 << length) - 1)

    def forget(self, bit: int) -> None:
        """Frees what is before a bit."""
        self._held, self._begin = self._held[bit // 8 - self._begin :], bit // 8

    def next_mark(self, bit: int) -> _Mark | None:
        """The next block, or end of a stream, from a bit on."""
        byte = bit // 8
        while self._hold(byte + 1):
            self._hold(byte + _WINDOW)
            if found := list(self._marks(bit, byte - self._begin, byte - self._begin + _WINDOW)):
                return min(found)
            byte += _WINDOW - _BITS // 8  # a mark may begin at the window's end
        return None

    def _marks(self, bit: int, low: int, high: int) -> Iterator[_Mark]:
        """The first marks from a bit on, within some of what is held, at each of the eight places within a byte."""
        for shift in range(8):
            for pattern in (_BLOCK, _END):
                inner = (pattern >> shift & ((1 << 40) - 1)).to_bytes(5, "big")  # its five whole bytes at this shift
                at = self._held.find(inner, low, high)
                while at >= 0:
                    mark = _Mark((self._begin + at) * 8 - (8 - shift), pattern == _END)
                    if mark.bit >= bit and self._is_mark(mark, pattern):
                        yield mark
                        break
                    at = self._held.find(inner, at + 1, high)

    def _is_mark(self, mark: _Mark, pattern: int) -> bool:
        """Whether all bits fit, and of a block its first fields, too: bits of a text may look alike."""
        if mark.bit < self._begin * 8 or self.taken(mark.bit, _BITS) != pattern:
            return False
        if mark.is_end:
            return True
        fields = self.taken(mark.bit + _BITS + _SUM, _RANDOM + _PLACE)
        return fields < _MOST_PLACE  # the first is 0: no program randomises any more
