"""A remote input as a file, which reads ahead by ranges, several at a time, wherever it is."""

import io
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

#: Concurrent requests while one input is read.
_PARALLEL = 4
#: Bytes of one request, at most and at least; bytes to read ahead, at most.
PIECE, LEAST, AHEAD = 8 << 20, 64 << 10, 24 << 20
#: More bytes than a mere look at an input takes.
_LONG = 1 << 20


class Piece(NamedTuple):
    """Bytes [start, stop) of an input, which may still be on their way."""

    start: int
    stop: int
    content: "Future[bytes]"


class Ahead(io.RawIOBase):
    """An input of `size` bytes as a file that can seek; `get` returns so many bytes from a place on.

    Sequential reads fetch ahead, by at most twice what was read so far, 24 MiB, and `end`, four requests at a time; so
    a look at some bytes costs one small request, and in a long read no request waits for another. No request crosses a
    multiple of `grid`, where blocks of the input are in different places. `first` is a piece of it that is already
    being fetched. Memory: 40 MiB, and what a read returns. Reads raise what `get` raises.

    >>> text = b"symbol,timestamp,close"
    >>> file = Ahead(len(text), lambda start, length: text[start : start + length], grid=4)
    >>> file.seek(7), file.read(9), file.tell()
    (7, b'timestamp', 16)
    """

    def __init__(
        self,
        size: int,
        get: Callable[[int, int], bytes],
        end: int | None = None,
        first: Piece | None = None,
        grid: int | None = None,
    ) -> None:
        super().__init__()
        self._size, self._get, self._grid = size, get, grid or size or 1
        self._end = size if end is None else min(end, size)
        self._pieces = deque([first] if first else [])
        self._position = self._read = 0
        self._requested = first.stop if first else 0
        self._threads: ThreadPoolExecutor | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position of the next byte that is read."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves there; asks for nothing."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as the buffer holds, fewer only at the end."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, fewer only at the input's end."""
        left = max(0, self._size - self._position)
        stop = self._position + (left if size is None or size < 0 else min(size, left))
        first = self._taken(stop)
        if self._position == stop:
            return first
        taken = [first]
        while self._position < stop:
            taken.append(self._taken(stop))
        return b"".join(taken)

    def read1(self, size: int) -> bytes:
        """At most `size` bytes, as one request brought them, so without a copy; empty only at the end."""
        return self._taken(min(self._position + size, self._size))

    def _taken(self, stop: int) -> bytes:
        """Bytes from the position up to `stop`, of the piece that the position is in."""
        if self._position >= stop:
            return b""
        self._fetch(stop)
        piece = self._pieces[0]
        content = piece.content.result()
        begin, end = self._position - piece.start, min(stop, piece.stop) - piece.start
        self._position += end - begin
        self._read += end - begin
        return content[begin:end]

    def close(self) -> None:
        """Closes it; what is being fetched is awaited, and dropped."""
        self._drop()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        super().close()

    def _fetch(self, stop: int) -> None:
        """Requests what is missing of [position, stop), and what is likely to be read next."""
        while self._pieces and self._pieces[0].stop <= self._position:
            self._pieces.popleft()
        if not (self._pieces[0].start if self._pieces else self._requested) <= self._position <= self._requested:
            self._drop()
            self._read, self._requested = 0, self._position
        begin = self._requested
        now = stop - self._position
        ahead = min(2 * (self._read + (now if now >= _LONG else 0)), AHEAD)
        wanted = max(stop, min(stop + ahead, self._end))
        if stop <= begin and wanted - begin < min(PIECE, ahead // 2) and wanted < self._end:
            return  # too little for a request: one for each read would be too many
        alone = wanted - begin <= LEAST
        while begin < wanted:
            end = min(max(wanted, begin + LEAST), begin + PIECE, self._size, (begin // self._grid + 1) * self._grid)
            self._pieces.append(Piece(begin, end, self._request(begin, end, alone)))
            begin = self._requested = end

    def _request(self, begin: int, end: int, alone: bool) -> "Future[bytes]":
        """The bytes when they have arrived; `alone`: this is the only request, so no other thread is needed."""
        if alone:
            here: Future[bytes] = Future()
            here.set_result(self._get(begin, end - begin))
            return here
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="windrow-ahead")
        return self._threads.submit(self._get, begin, end - begin)

    def _drop(self) -> None:
        for piece in self._pieces:
            piece.content.cancel()
        self._pieces.clear()
