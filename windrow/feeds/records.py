"""JSON -> lines of CSV: objects in lines, or in an array. Their members are columns, by name.

Numbers are written in the shortest form that reads back to the same float64, integers with all their digits; so a value
is the one that the file has. Memory: the objects of a MiB of text, the first thousand, and a
document that is one object, whole.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv

from windrow.bars.layout import FOLDER_NAMES, SYMBOL_NAMES, normalise
from windrow.errors import InputError
from windrow.storage.open import is_json_lines

#: Bytes read at once, and the most of one line, or one object of an array.
_BLOCK, _LONGEST = 1 << 20, 16 << 20
#: The most bytes of a document that is one object: it is held whole.
_MOST = 64 << 20
#: How many objects say what the columns are.
_FIRST = 1000
_BETWEEN = re.compile(rb"\}\s*,\s*(?=\{)")
_TRIES = 20
_NEAR_END = 1 << 16
_AS_IT_IS = pa_csv.WriteOptions(include_header=False, quoting_style="none")
_MARK = b"\xef\xbb\xbf"
#: Line ends within a text become half a character: a field with one is not valid, and is no line of its own.
_LINE_ENDS = dict.fromkeys(map(ord, "\n\r"), "\udcff")

Records = list[Any]


def csv_pieces(stream: BinaryIO, path: str) -> Iterator[bytes]:
    """The lines of CSV, with a header, of a stream of JSON. Raises InputError for JSON of another kind, or damaged."""
    pieces = _records(stream, path)
    first: Records = []
    while len(first) < _FIRST and (more := next(pieces, None)) is not None:
        first += more
    keys = [key for record in first[:_FIRST] if isinstance(record, dict) for key in record]
    names = list(dict.fromkeys(keys))
    if first and not names:
        raise _other(path, "JSON without objects, or of such without members")
    if names:
        yield _lines([names])
        for records in chain([first], pieces):
            yield _rows(records, names)


def _rows(records: Records, names: Sequence[str]) -> bytes:
    """Records as lines; what is no record is a line of too few fields."""
    if (lines := _columns(records, names)) is not None:
        return lines
    rows = [list(map(one.get, names)) if isinstance(one, dict) else [json.dumps(one)] for one in records]
    return _lines(rows)


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = _written(rows)
    if text.count("\n") != len(rows) or "\r" in text:
        text = _written([[one.translate(_LINE_ENDS) if isinstance(one, str) else one for one in row] for row in rows])
    return text.encode(errors="surrogatepass")


def _columns(records: Records, names: Sequence[str]) -> bytes | None:
    """Records as lines, by columns; None where a column is of several types, or a text has what separates fields."""
    try:
        columns = [pa.array([record.get(name) for record in records]) for name in names]
        file = io.BytesIO()
        pa_csv.write_csv(pa.table(columns, names=list(map(str, range(len(names))))), file, _AS_IT_IS)
    except (pa.ArrowException, AttributeError, TypeError, ValueError, OverflowError):
        return None
    return file.getvalue()


def _written(rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _records(stream: BinaryIO, path: str) -> Iterator[Records]:
    """The objects of a JSON text, in pieces."""
    head = stream.read(_BLOCK).lstrip(_MARK)  # its bytes begin no JSON
    while not head.strip() and (more := stream.read(_BLOCK)):
        head = more
    head = head.lstrip()
    if not head:
        return iter(())
    if is_json_lines(path) or _is_lines(head):
        return _of_lines(stream, head, path)
    if head[:1] == b"[":
        return _of_array(stream, head[1:], path)
    return _of_object(stream, head, path)


def _is_lines(head: bytes) -> bool:
    """Whether the first line is an object, and more follow it."""
    line, _, rest = head.partition(b"\n")
    return line[:1] == b"{" and bool(rest.strip()) and isinstance(_loaded(line), dict)


def _loaded(text: bytes) -> Any:
    """A JSON text as Python has it, NaN included; None if it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_lines(stream: BinaryIO, head: bytes, path: str) -> Iterator[Records]:
    rest, block = b"", head
    first = True
    while block:
        whole, end, after = (rest + block).rpartition(b"\n")
        rest = after
        if len(rest) > _LONGEST:
            raise _damaged(path, f"a line of more than {_LONGEST:,} bytes")
        if end:
            lines = [line for line in whole.split(b"\n") if line.strip()]
            if first and lines:
                _refuse_twice(path, lines[:_FIRST])
                first = False
            yield _of_whole_lines(lines)
        block = stream.read(_BLOCK)
    if rest.strip():
        if _loaded(rest) is None:
            raise _damaged(path, "its last line ends within an object")
        yield [_loaded(rest)]


def _of_whole_lines(lines: Sequence[bytes]) -> Records:
    try:
        records = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        records = []
    return records if len(records) == len(lines) else [_of_line(line) for line in lines]


def _of_line(line: bytes) -> Any:
    """A line's object; its text if it has none."""
    found = _loaded(line)
    return line.decode(errors="replace") if found is None else found


def _of_array(stream: BinaryIO, text: bytes, path: str) -> Iterator[Records]:
    first = True
    while True:
        if text.lstrip()[:1] not in (b"{", b"]", b""):
            raise _other(path, "an array of other things than objects")
        block = stream.read(_BLOCK)
        if not block:
            closed = text.rstrip()
            records = _loaded(b"[" + closed) if closed[-1:] == b"]" else None
            if not isinstance(records, list):
                raise _damaged(path, "it ends within its array, or something follows it")
            if first:
                _refuse_twice(path, [b"[" + closed])
            yield records
            return
        if (found := _whole_objects(text)) is not None:
            records, end = found
            if first:
                _refuse_twice(path, [b"[" + text[:end].rstrip(b", \t\r\n") + b"]"])
            first = False
            yield records
            text = text[end:]
        if len(text) > _LONGEST:
            raise _damaged(path, f"an object of more than {_LONGEST:,} bytes")
        text += block


def _whole_objects(text: bytes) -> tuple[Records, int] | None:
    """The objects of an array that are whole in a part of its text, and where the next one begins.

    A comma between braces may be within a text, or an object: what is before it is whole if it is JSON.
    """
    for begin in (max(0, len(text) - _NEAR_END), 0):
        for cut in reversed(list(_BETWEEN.finditer(text, begin))[-_TRIES:]):
            records = _loaded(b"[" + text[: cut.start() + 1] + b"]")
            if isinstance(records, list):
                return records, cut.end()
    return None


def _of_object(stream: BinaryIO, text: bytes, path: str) -> Iterator[Records]:
    """The objects of the one array that an object has; what is beside it may name their symbol."""
    while block := stream.read(_BLOCK):
        text += block
        if len(text) > _MOST:
            raise _other(path, f"one object of more than {_MOST:,} bytes, which would be held whole")
    document = _loaded(text)
    if document is None:
        raise _damaged(path, "its object does not end, or something follows it")
    if isinstance(document, dict) and not any(isinstance(value, dict | list) for value in document.values()):
        _refuse_twice(path, [text])
        yield [document]  # a line, of one
        return
    arrays = [
        name
        for name, value in (document.items() if isinstance(document, dict) else ())
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value)
    ]
    if len(arrays) != 1:
        found = f"arrays of objects in {', '.join(arrays)}" if arrays else "no array of objects"
        raise _other(path, f"an object with {found}")
    _refuse_twice(path, [text])
    records = document[arrays[0]]
    named = any(normalise(key) in SYMBOL_NAMES for record in records for key in record)
    beside = {
        key: value for key, value in document.items() if normalise(key) in FOLDER_NAMES and isinstance(value, str)
    }
    yield records if named else [{**beside, **record} for record in records]


def _refuse_twice(path: str, texts: Iterable[bytes]) -> None:
    """Raises InputError where an object has two members of one name, of which one would be read."""

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) < len(members):
            twice = next(key for key in found if [name for name, _ in members].count(key) > 1)
            raise InputError(
                f"{path}: has an object with two members named {twice!r}; the one to use must be unambiguous; write it"
                " with one"
            )
        return found

    decoder = json.JSONDecoder(object_pairs_hook=once)
    for text in texts:
        with suppress(ValueError, RecursionError):
            decoder.decode(text.decode())


def _damaged(path: str, why: str) -> InputError:
    return InputError(
        f"{path}: is truncated or damaged, or not JSON: {why}; windrow reads a file whole or not at all; get the file"
        f" again, or test it with `jq empty`"
    )


def _other(path: str, what: str) -> InputError:
    return InputError(
        f"{path}: is {what}; windrow reads an object a line, an array of objects, or an object with one such array;"
        f" write the bars as objects, one a line, e.g. by jq -c '.NAME[]' '{path}' > bars.jsonl"
    )
