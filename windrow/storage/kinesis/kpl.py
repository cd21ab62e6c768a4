"""Records that Kinesis' producer library has put together into one: taken apart without protobuf.

Such a record is a mark, a message AggregatedRecord (1: partition keys, 2: explicit hash keys, 3: records, each with its
data in field 3) and the MD5 digest of the message:
https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
"""

from collections.abc import Iterator, Sequence
from hashlib import md5
from operator import methodcaller

_MARK = b"\xf3\x89\x9a\xc2"
_DIGEST = 16
_RECORDS = _DATA = 3


def are_aggregated(data: Sequence[bytes]) -> bool:
    """Whether any record begins as those do that a producer has put together."""
    return any(map(methodcaller("startswith", _MARK), data))


def user_records(data: bytes) -> list[bytes]:
    """The records that a record of Kinesis carries: those put together in it, or itself.

    One whose digest is another is a record that only begins alike. Raises ValueError for a message that is damaged
    although its digest is right, which no producer makes.

    >>> user_records(b"{}")
    [b'{}']
    """
    if not data.startswith(_MARK) or len(data) < len(_MARK) + _DIGEST:
        return [data]
    message, digest = data[len(_MARK) : -_DIGEST], data[-_DIGEST:]
    if md5(message, usedforsecurity=False).digest() != digest:
        return [data]
    return [
        value
        for number, record in _fields(message)
        if number == _RECORDS
        for its_number, value in _fields(record)
        if its_number == _DATA
    ]


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message that have a length, each with its number; others are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field is cut off")
            yield tag >> 3, message[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field has the unknown wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number is cut off")
