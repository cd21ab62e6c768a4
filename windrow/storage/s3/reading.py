"""An object as a file, which reads ahead by ranges, several at a time."""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from windrow.aws.parallel import MANY, in_parallel
from windrow.aws.s3_client import client, refusing
from windrow.aws.session import attempts
from windrow.errors import InputError
from windrow.storage.ahead import AHEAD, LEAST, PIECE, Ahead, Piece
from windrow.storage.private import private
from windrow.storage.s3.listing import Object, known
from windrow.storage.s3.names import is_s3, last_part, split

#: Objects that are copied at a time.
_PARALLEL = 4
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
    return _get(found, 0, LEAST)


def _wait(attempt: int) -> None:
    """Waits as botocore does: a random time of up to twice as long at each attempt."""
    time.sleep(random.random() * min(2.0**attempt / 4, _LONGEST_WAIT))  # noqa: S311  no secret


def open_input(uri: str, end: int | None = None) -> BinaryIO:
    """An object as a file that can seek and reads ahead, not beyond `end`, by ranges in parallel. Raises InputError."""
    found = known(uri)

    def get(start: int, length: int) -> bytes:
        return _get(found, start, length) if start or length > LEAST else _start(found)[:length]

    return cast(BinaryIO, Ahead(found.size, get, end, _prefetched.pop(split(uri), None)))


#: First pieces of objects that will be opened next.
_prefetched: dict[tuple[str, str], Piece] = {}


def looking_ahead(ranges: Sequence[Range]) -> Iterator[Range]:
    """These ranges, of files or objects, one by one; meanwhile the first bytes of the next objects are fetched.

    So no small object waits for another. Memory: 32 MiB, in addition to the open one's.
    """
    waiting = deque(one["place"] for one in ranges if is_s3(one["place"]) and not one["start"])
    with ThreadPoolExecutor(MANY, thread_name_prefix="windrow-s3") as threads:
        try:
            for one in ranges:
                room = AHEAD + min(PIECE, one.get("size", 0))  # this one does not count
                while waiting and sum(piece.stop for piece in _prefetched.values()) < room and len(_prefetched) <= MANY:
                    found = known(waiting.popleft())
                    stop = min(found.size, PIECE)
                    _prefetched[split(found.uri)] = Piece(0, stop, threads.submit(_get, found, 0, stop))
                yield one
        finally:
            _prefetched.clear()
            threads.shutdown(cancel_futures=True)


def download(uris: Sequence[str], folder: Path, advance: Callable[[int], object] = int) -> dict[str, Path]:
    """Local copies of objects, whose names must differ; `advance` is called after each. Raises InputError."""
    places = {uri: folder / last_part(uri) for uri in uris}

    def fetch(uri: str) -> None:
        with open_input(uri) as source, open(places[uri], "wb", opener=private) as file:
            while content := source.read(PIECE):
                file.write(content)

    for _ in in_parallel(fetch, uris, _PARALLEL):
        advance(1)
    return places
