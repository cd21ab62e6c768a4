"""An object as a file, which reads ahead by ranges, several at a time."""

import io
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from windrow.aws.parallel import MANY, in_parallel
from windrow.aws.s3_client import client, refusing
from windrow.aws.session import attempts
from windrow.errors import InputError
from windrow.storage.private import private
from windrow.storage.s3.listing import Object, known
from windrow.storage.s3.names import is_s3, last_part, split

#: Concurrent requests while one object is read.
_PARALLEL = 4
#: Bytes of one request, at most and at least; bytes to read ahead, at most.
_PIECE, _LEAST, _AHEAD = 8 << 20, 64 << 10, 24 << 20
#: More bytes than a mere look at an object takes.
_LONG = 1 << 20
#: The status of an answer that is a range.
_PARTIAL = 206
#: Seconds to wait before an attempt, at most.
_LONGEST_WAIT = 20.0
#: A range of a file or an object: the `place` where it is read, its `start` and `length`.
Range = dict[str, Any]


def read_range(uri: str, start: int, length: int) -> bytes:
    """Bytes [start, start + length) of an object, fewer if it ends before. Raises InputError."""
    return _get(known(uri), start, length)


def _get(found: Object, start: int, length: int) -> bytes:
    """The bytes of a range, requested again if the connection is cut, or if other bytes are answered."""
    length = min(length, found.size - start)
    if length <= 0:
        return b""
    span = f"{start}-{start + length - 1}"
    for attempt in range(attempts()):
        try:
            return _answered(found, span, length)
        except _cuts() as error:
            fault = error
            _wait(attempt)
    if isinstance(fault, _OtherBytesError):
        raise InputError(
            f"{found.uri}: asked for bytes {span}/{found.size}, S3 answered {attempts()} times with other bytes"
            f" ({fault}); a proxy or a server between here and S3 changes its answers: check AWS_ENDPOINT_URL and the"
            " network, and run it again"
        )
    raise InputError(
        f"{found.uri}: the connection to S3 broke {attempts()} times ({fault}); check the network, and run it again"
    )


class _OtherBytesError(Exception):
    """An answer that is not the range asked for, though it looks complete; `str()` is what shows it."""


def _answered(found: Object, span: str, length: int) -> bytes:
    """What S3 answers to one request for a range.

    The length that an answer names itself proves nothing: a cache or a gateway that shortened it named the new one.
    """
    bucket, key = split(found.uri)
    with refusing(found.uri):
        answer = client().get_object(Bucket=bucket, Key=key, IfMatch=found.etag, Range=f"bytes={span}")
    with closing(answer["Body"]) as body:
        status, named = answer["ResponseMetadata"]["HTTPStatusCode"], answer.get("ContentRange")
        if status != _PARTIAL:
            raise _OtherBytesError(f"status {status}")
        if named != f"bytes {span}/{found.size}":
            raise _OtherBytesError(f"Content-Range {named}" if named else "no Content-Range")
        content = cast(bytes, body.read())
    if len(content) != length:
        raise _OtherBytesError(f"{len(content):,} bytes")
    return content


def _cuts() -> tuple[type[Exception], ...]:
    """What is raised if a connection ends too early, or brings something else."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError
    from urllib3.exceptions import HTTPError

    return _OtherBytesError, HTTPClientError, IncompleteReadError, HTTPError, OSError


@lru_cache(maxsize=2 * MANY)
def _start(found: Object) -> bytes:
    """An object's first bytes, cached because its kind, its header and its first bars are each read from them."""
    return _get(found, 0, _LEAST)


def _wait(attempt: int) -> None:
    """Waits as botocore does: a random time of up to twice as long at each attempt."""
    time.sleep(random.random() * min(2.0**attempt / 4, _LONGEST_WAIT))  # noqa: S311  no secret


class _Piece(NamedTuple):
    start: int
    stop: int
    content: "Future[bytes]"


class Input(io.RawIOBase):
    """An object as a file that can seek.

    Sequential reads fetch ahead, by at most twice what was read so far, 24 MiB, and `end`, four requests at a time; so
    a look at some bytes costs one small request, and in a long read no request waits for another. `start` is a piece of
    it that is already being fetched. Memory: 40 MiB, and what a read returns.
    """

    def __init__(self, found: Object, end: int | None = None, start: "_Piece | None" = None) -> None:
        super().__init__()
        self._object = found
        self._end = found.size if end is None else min(end, found.size)
        self._pieces = deque([start] if start else [])
        self._position = self._read = 0
        self._requested = start.stop if start else 0
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
        """Moves there; asks S3 for nothing."""
        self._position = offset + (0, self._position, self._object.size)[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Reads as many bytes as the buffer holds, fewer only at the end."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, fewer only at the object's end. Raises InputError."""
        left = max(0, self._object.size - self._position)
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
        return self._taken(min(self._position + size, self._object.size))

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
        ahead = min(2 * (self._read + (now if now >= _LONG else 0)), _AHEAD)
        wanted = max(stop, min(stop + ahead, self._end))
        if stop <= begin and wanted - begin < min(_PIECE, ahead // 2) and wanted < self._end:
            return  # too little for a request: one for each read would be too many
        alone = wanted - begin <= _LEAST
        while begin < wanted:
            end = min(max(wanted, begin + _LEAST), begin + _PIECE, self._object.size)
            self._pieces.append(_Piece(begin, end, self._request(begin, end, alone)))
            begin = self._requested = end

    def _request(self, begin: int, end: int, alone: bool) -> "Future[bytes]":
        """The bytes when they have arrived; `alone`: this is the only request, so no other thread is needed."""
        if alone:
            here: Future[bytes] = Future()
            here.set_result(_get(self._object, begin, end - begin) if begin else _start(self._object))
            return here
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="windrow-s3")
        return self._threads.submit(_get, self._object, begin, end - begin)

    def _drop(self) -> None:
        for piece in self._pieces:
            piece.content.cancel()
        self._pieces.clear()


def open_input(uri: str, end: int | None = None) -> BinaryIO:
    """An object as a file that can seek and reads ahead, not beyond `end`, by ranges in parallel. Raises InputError."""
    return cast(BinaryIO, Input(known(uri), end, _prefetched.pop(split(uri), None)))


#: First pieces of objects that will be opened next.
_prefetched: dict[tuple[str, str], _Piece] = {}


def looking_ahead(ranges: Sequence[Range]) -> Iterator[Range]:
    """These ranges, of files or objects, one by one; meanwhile the first bytes of the next objects are fetched.

    So no small object waits for another. Memory: 32 MiB, in addition to the open one's.
    """
    waiting = deque(one["place"] for one in ranges if is_s3(one["place"]) and not one["start"])
    with ThreadPoolExecutor(MANY, thread_name_prefix="windrow-s3") as threads:
        try:
            for one in ranges:
                room = _AHEAD + min(_PIECE, one.get("size", 0))  # this one does not count
                while waiting and sum(piece.stop for piece in _prefetched.values()) < room and len(_prefetched) <= MANY:
                    found = known(waiting.popleft())
                    stop = min(found.size, _PIECE)
                    _prefetched[split(found.uri)] = _Piece(0, stop, threads.submit(_get, found, 0, stop))
                yield one
        finally:
            _prefetched.clear()
            threads.shutdown(cancel_futures=True)


def download(uris: Sequence[str], folder: Path, advance: Callable[[int], object] = int) -> dict[str, Path]:
    """Local copies of objects, whose names must differ; `advance` is called after each. Raises InputError."""
    places = {uri: folder / last_part(uri) for uri in uris}

    def fetch(uri: str) -> None:
        with open_input(uri) as source, open(places[uri], "wb", opener=private) as file:
            while content := source.read(_PIECE):
                file.write(content)

    for _ in in_parallel(fetch, uris, _PARALLEL):
        advance(1)
    return places
