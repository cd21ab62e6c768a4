"""A stream of bytes -> chunks of whole lines, in bounded memory however long a line is."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from io import FileIO, RawIOBase
from typing import BinaryIO, NamedTuple

from windrow.bars.checks import MAX_LINE, SHOWN_BYTES

#: Bytes parsed at once: enough to make fixed costs negligible, few enough to keep a task small.
CHUNK_BYTES = 6 << 20
#: Bytes at a chunk's end that are inspected before it is read, if possible: most lines are shorter.
_LOOK_AHEAD = 1 << 12


class Chunk(NamedTuple):
    """Whole lines, each with its LF; `long` is the first KiB of a line that was too long and is not among them."""

    lines: bytes
    long: bytes | None = None


def read_lines(stream: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[Chunk]:
    r"""The lines that begin in bytes [start, end) of a stream, as Hadoop splits text: the last one is read to its end.

    Every line is in exactly one of a file's ranges, however the file is cut. A range with `start` > 0 needs a seekable
    stream. Memory: at most two chunks; never a line over 1 MiB.

    >>> import io
    >>> text = io.BytesIO(b"one\ntwo\nthree")
    >>> [b"".join(chunk.lines for chunk in read_lines(text, *part)) for part in ((0, 5), (5, None))]
    [b'one\ntwo\n', b'three\n']
    """
    position = start
    if start:
        stream.seek(start - 1)
        position = _skip_line(stream, start - 1)
    return _whole_lines(_quickest(stream), None if end is None else max(0, end - position))


def _quickest(stream: BinaryIO) -> Callable[[int], bytes]:
    """The way to read the stream with the fewest copies; it may return fewer bytes than asked for."""
    if isinstance(stream, FileIO) and stream.seekable():
        return partial(_read_up_to_a_line, stream)
    return stream.read1 if isinstance(stream, RawIOBase) and hasattr(stream, "read1") else stream.read


def _read_up_to_a_line(file: FileIO, size: int) -> bytes:
    """At most `size` bytes, cut at the end of a line if one is near, so that no partial line must be copied."""
    if size < CHUNK_BYTES or size <= _LOOK_AHEAD:
        return file.read(size) or b""
    ahead = os.pread(file.fileno(), _LOOK_AHEAD, file.tell() + size - _LOOK_AHEAD)
    beyond = len(ahead) - 1 - ahead.rfind(b"\n") if len(ahead) == _LOOK_AHEAD and b"\n" in ahead else 0
    return file.read(size - beyond) or b""


def _skip_line(stream: BinaryIO, position: int) -> int:
    """Reads past the next LF; returns the position after it."""
    while block := stream.read(1 << 16):
        at = block.find(b"\n")
        if at >= 0:
            stream.seek(position + at + 1)
            return position + at + 1
        position += len(block)
    return position


def _whole_lines(read: Callable[[int], bytes], length: int | None = None) -> Iterator[Chunk]:
    """`length` is how many bytes there are in which a line may begin (None: all)."""
    rest, long = b"", None
    while block := _next_block(read, length, bool(rest) or long is not None):
        if length is not None:
            ending = length <= 0  # only the last line, which began before the end, is still needed
            length -= len(block)
            if ending:
                block = block[: block.find(b"\n") + 1] or block
        if long is not None:
            at = block.find(b"\n") + 1
            if not at:
                continue
            yield Chunk(b"", long)
            block, long = block[at:], None
        at = block.rfind(b"\n") + 1
        if at:
            whole = not rest and at == len(block)
            chunk = Chunk(block if whole else b"".join((rest, memoryview(block)[:at])))  # copied once, not twice
            rest = block[at:]
            del block
            yield chunk
            del chunk  # before the next is read
        else:
            rest += block
        if len(rest) > MAX_LINE:
            rest, long = b"", rest[:SHOWN_BYTES]
        if length is not None and length <= 0 and not rest and long is None:
            return
    if long is not None:
        yield Chunk(b"", long)
    if rest:
        yield Chunk(rest + b"\n")


def _next_block(read: Callable[[int], bytes], length: int | None, unfinished: bool) -> bytes:
    if length is None or length >= CHUNK_BYTES:
        return read(CHUNK_BYTES)
    if length > 0:
        return read(length)
    return read(1 << 16) if unfinished else b""
