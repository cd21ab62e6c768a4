"""Files of Avro, read by the schema in them: what Iceberg keeps its manifests in.

A file is a header (the schema, the codec, a mark of 16 bytes) and blocks of records, each followed by the mark. Numbers
are zigzag-encoded in groups of seven bits, the lowest first; what has a length has it before it.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

_MAGIC = b"Obj\x01"
_MARK = 16
#: A block is unpacked to no more than this.
_LARGEST = 64 << 20


class BadAvroError(ValueError):
    """Bytes that are no file of Avro, or one of a kind that is not read."""


class _Bytes:
    """Bytes that are read from the begin on."""

    def __init__(self, content: bytes) -> None:
        self._content, self.at = content, 0

    def take(self, length: int) -> bytes:
        """The next bytes. Raises BadAvroError if these are fewer."""
        begin, self.at = self.at, self.at + length
        if length < 0 or self.at > len(self._content):
            raise BadAvroError("it is cut off")
        return self._content[begin : self.at]

    def number(self) -> int:
        """The next number."""
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)
            if shift > 63:
                raise BadAvroError("a number of more than 64 bits")

    def count(self) -> int:
        """The next number of things, of each of which there is a byte at least."""
        count = self.number()
        if abs(count) > len(self._content):
            raise BadAvroError("it is cut off")
        return count

    def sized(self) -> bytes:
        """The next bytes that have their length before them."""
        return self.take(self.number())

    @property
    def is_left(self) -> bool:
        """Whether any bytes are left."""
        return self.at < len(self._content)


_Read: TypeAlias = Callable[[_Bytes], Any]


def records(content: bytes) -> Iterator[Any]:
    """The records of a file: of each its fields by name. Raises BadAvroError.

    >>> header = _MAGIC + b"\\x02\\x16avro.schema\\x0c" + b'"long"' + b"\\x00" + bytes(16)
    >>> list(records(header + b"\\x04\\x04\\x02\\x03" + bytes(16)))
    [1, -2]
    """
    file = _Bytes(content)
    if file.take(len(_MAGIC)) != _MAGIC:
        raise BadAvroError("it is not of Avro")
    header = dict(_blocks(file, lambda one: (_text(one), one.sized())))
    mark = file.take(_MARK)
    try:
        read = _reader(json.loads(header["avro.schema"]), {})
        unpack = _CODECS[header.get("avro.codec", b"null").decode()]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadAvroError(f"its header is not understood ({error!r})") from None
    while file.is_left:
        count, block = file.number(), _Bytes(unpack(file.sized()))
        while count > 0 and block.is_left:
            yield read(block)
            count -= 1
        if count or block.is_left or file.take(_MARK) != mark:
            raise BadAvroError("a block does not end where it should")


def _deflated(block: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=-15).decompress(block, _LARGEST)
    except zlib.error as error:
        raise BadAvroError(str(error)) from None


def _zstandard(block: bytes) -> bytes:
    try:
        content: bytes = pa.CompressedInputStream(pa.BufferReader(block), "zstd").read(_LARGEST)
    except (pa.ArrowException, OSError) as error:
        raise BadAvroError(str(error)) from None
    return content


_CODECS: dict[str, Callable[[bytes], bytes]] = {"null": bytes, "deflate": _deflated, "zstandard": _zstandard}


def _blocks(file: _Bytes, read: _Read) -> Iterator[Any]:
    """The items of an array or a map: blocks of some, behind their number, or less than 0, and their size."""
    while count := file.count():
        if count < 0:
            file.number()
        for _ in range(abs(count)):
            yield read(file)


def _text(file: _Bytes) -> str:
    return file.sized().decode(errors="replace")


_SIMPLE: dict[str, _Read] = {
    "null": lambda file: None,
    "boolean": lambda file: file.take(1) == b"\x01",
    "int": _Bytes.number,
    "long": _Bytes.number,
    "float": lambda file: struct.unpack("<f", file.take(4))[0],
    "double": lambda file: struct.unpack("<d", file.take(8))[0],
    "bytes": _Bytes.sized,
    "string": _text,
}


def _reader(schema: Any, named: dict[str, _Read]) -> _Read:
    """What reads a value of a schema; `named` has the types that were defined before it."""
    if isinstance(schema, str):
        return _SIMPLE.get(schema) or named[schema]
    if isinstance(schema, list):
        return _one_of([_reader(each, named) for each in schema])
    kind = schema["type"]
    if kind == "array":
        item = _reader(schema["items"], named)
        return lambda file: list(_blocks(file, item))
    if kind == "map":
        value = _reader(schema["values"], named)
        return lambda file: dict(_blocks(file, lambda one: (_text(one), value(one))))
    if kind in ("record", "enum", "fixed"):
        return _named(schema, named)
    return _reader(kind, named)


def _one_of(readers: list[_Read]) -> _Read:
    def read(file: _Bytes) -> Any:
        number = file.number()
        if not 0 <= number < len(readers):
            raise BadAvroError("a value of a type that is not in its schema")
        return readers[number](file)

    return read


def _named(schema: Mapping[str, Any], named: dict[str, _Read]) -> _Read:
    """What reads a value of a type that has a name, by which it may be meant again."""
    read: _Read
    if schema["type"] == "enum":
        read = _Bytes.number
    elif schema["type"] == "fixed":
        size = int(schema["size"])
        read = lambda file: file.take(size)  # noqa: E731
    else:
        fields: list[tuple[str, _Read]] = []
        read = lambda file: {name: one(file) for name, one in fields}  # noqa: E731
        named[schema["name"]] = read  # a field may be of its record's own type
        fields += [(str(each["name"]), _reader(each["type"], named)) for each in schema["fields"]]
    named[schema["name"]] = read
    return read
