"""The delegation token of a task: what Hadoop gives it on a cluster with Kerberos, where it has no ticket of its own.

Hadoop writes a job's tokens to a file, and names that in the environment. HDFS's own among them opens WebHDFS, too.
The file: HDTS, a version, and in version 0 a count, and for each token a name, then an identifier, a password, a kind
and a service, each behind its length, a number of one to nine bytes (Credentials.writeTokenStorageToStream,
Token.write and WritableUtils.writeVLong of Hadoop). Version 1 has the same fields as Protocol Buffers.
"""

import base64
import io
import os
from typing import BinaryIO, NamedTuple

_FILE = "HADOOP_TOKEN_FILE_LOCATION"
_MAGIC = b"HDTS"
_KINDS = (b"HDFS_DELEGATION_TOKEN", b"WEBHDFS delegation", b"SWEBHDFS delegation")


class Token(NamedTuple):
    """A token's fields, as Hadoop writes them."""

    identifier: bytes
    password: bytes
    kind: bytes
    service: bytes

    def for_url(self) -> str:
        """The token as WebHDFS takes it: its fields in Hadoop's form, in base64 for URLs without padding."""
        fields = b"".join(_written(len(field)) + field for field in self)
        return base64.urlsafe_b64encode(fields).rstrip(b"=").decode()


def token_of_task() -> str | None:
    """The token that opens WebHDFS, if this is a task that has one."""
    place = os.environ.get(_FILE)
    if not place:
        return None
    try:
        with open(place, "rb") as file:
            found = tokens_in(file.read())
    except OSError:
        return None
    return next((token.for_url() for token in found if token.kind in _KINDS), None)


def tokens_in(content: bytes) -> list[Token]:
    """The tokens of such a file; none of a form that is not known."""
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) :][:1] not in (b"\0", b"\1"):
        return []
    file = io.BytesIO(content[len(_MAGIC) + 1 :])
    try:
        return _writables(file) if content[len(_MAGIC)] == 0 else _messages(file)
    except (EOFError, ValueError):
        return []


def _writables(file: BinaryIO) -> list[Token]:
    found = []
    for _ in range(_number(file)):
        _field(file)  # the name under which a job keeps it
        found.append(Token(_field(file), _field(file), _field(file), _field(file)))
    return found


def _field(file: BinaryIO) -> bytes:
    return _bytes(file, _number(file))


def _bytes(file: BinaryIO, length: int) -> bytes:
    field = file.read(length) if length >= 0 else b""
    if len(field) != length:
        raise EOFError
    return field


def _number(file: BinaryIO) -> int:
    """A number in Hadoop's form: a byte, or a byte that says how many follow."""
    first = int.from_bytes(_bytes(file, 1), "big", signed=True)
    if first >= -112:
        return first
    negative = first < -120
    value = int.from_bytes(_bytes(file, -first - (120 if negative else 112)), "big")
    return ~value if negative else value


def _written(number: int) -> bytes:
    """The same, of a number of 0 or more."""
    if number <= 127:
        return bytes([number])
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return (-112 - len(content)).to_bytes(1, "big", signed=True) + content


def _messages(content: BinaryIO) -> list[Token]:
    """Tokens of version 1: a message behind its length, whose field 1 are a name and a token each."""
    size = _varint(content)
    found = []
    for number, named in _fields(_bytes(content, size)):
        if number == 1:
            token = dict(_fields(dict(_fields(named))[2]))
            found.append(Token(*(token[field] for field in (1, 2, 3, 4))))
    return found


def _fields(message: bytes) -> list[tuple[int, bytes]]:
    """Numbers and contents of a message's fields, of which all have a length."""
    file = io.BytesIO(message)
    found = []
    while file.tell() < len(message):
        tag = _varint(file)
        if tag & 7 != 2:
            raise ValueError(f"field {tag >> 3} is of type {tag & 7}")
        found.append((tag >> 3, _bytes(file, _varint(file))))
    return found


def _varint(file: BinaryIO) -> int:
    value = shift = 0
    while True:
        byte = _bytes(file, 1)[0]
        value |= (byte & 127) << shift
        if byte < 128:
            return value
        shift += 7
