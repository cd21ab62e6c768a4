"""JSON -> lines of CSV: objects in lines, or in an array. Their members are columns, by name.

Numbers stay the text that the file has, so a value is the file's, and so is a text that --where compares. Memory: the
objects of a MiB of text, the first thousand, and a document that is one object, whole.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv

from windrow.bars.columns import Layout
from windrow.bars.layout import FOLDER_NAMES, normalise, would_matter
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


class _Number(str):
    """A number that is not in quotes, as the file has it."""

    __slots__ = ()


_TEXTS = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
#: Three times as slow: only where numbers in quotes are of another form than those without.
_NUMBERS = json.JSONDecoder(parse_float=_Number, parse_int=str, parse_constant=str)


def csv_pieces(stream: BinaryIO, path: str, layout: Layout | None = None) -> Iterator[bytes]:
    """The lines of CSV, with a header, of a stream of JSON. Raises InputError for JSON of another kind, or damaged.

    With a layout, also for a member that the first objects lack and whose column the layout would have.
    """
    pointed = layout is None or layout.form.numbers.decimal == "."
    pieces = _records(stream, path, _TEXTS if pointed else _NUMBERS)
    first: Records = []
    while len(first) < _FIRST and (more := next(pieces, None)) is not None:
        first += more
    keys = [key for record in first[:_FIRST] if isinstance(record, dict) for key in record]
    names = list(dict.fromkeys(keys))
    if first and not names:
        raise _other(path, "JSON without objects, or of such without members")
    if names:
        yield _lines([names])
        before = 0
        for records in chain([first], pieces):
            _refuse_arrays(path, records, before)
            if layout is not None:
                _refuse_late(path, records, before, names, layout)
                _write_as(records, names, layout)
            before += len(records)
            yield _rows(records, names)


def _refuse_arrays(path: str, records: Records, before: int) -> None:
    """Raises InputError for objects within an array among others: all of them would be one invalid row."""
    for number, one in enumerate(records, before + 1):
        if isinstance(one, list) and any(isinstance(record, dict) for record in one):
            raise _other(path, f"objects of which number {number:,} is an array of objects")


def _refuse_late(path: str, records: Records, before: int, names: Sequence[str], layout: Layout) -> None:
    """Raises InputError for a member that the first objects lack, so that it is no column, if the job needs it."""
    objects = [one if isinstance(one, dict) else {} for one in records]
    late = set[str]().union(*objects).difference(names)
    for key in sorted(late):
        if would_matter(layout, normalise(key)):
            number = before + 1 + next(at for at, one in enumerate(objects) if key in one)
            raise InputError(
                f"{path}: object {number:,} has a member {key!r}, and none of the first {_FIRST:,} has it; those say"
                f" what the columns are; move object {number:,} to the front, or convert the file to CSV or Parquet"
            )


def _write_as(records: Records, names: Sequence[str], layout: Layout) -> None:
    """Writes numbers that are not in quotes, whose decimal mark is a point, with the mark that those in quotes have."""
    mark = layout.form.numbers.decimal
    if mark == ".":
        return
    values = [name for name, its in zip(names, layout.names, strict=False) if its in layout.values]
    for record in records:
        if isinstance(record, dict):
            found = {name: one for name in values if isinstance(one := record.get(name), _Number)}
            record.update({name: one.replace(".", mark) for name, one in found.items()})


def _rows(records: Records, names: Sequence[str]) -> bytes:
    """Records as lines; what is no record is a line of too few fields."""
    if (lines := _columns(records, names)) is not None:
        return lines
    rows = [[_text(one.get(name)) for name in names] if isinstance(one, dict) else [_text(one)] for one in records]
    return _lines(rows)


def _text(value: Any) -> str | None:
    """A member as its column has it: text and numbers as they are, all else as JSON; what is null is empty."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


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


def _records(stream: BinaryIO, path: str, decoder: json.JSONDecoder) -> Iterator[Records]:
    """The objects of a JSON text, in pieces."""
    head = stream.read(_BLOCK).lstrip(_MARK)  # its bytes begin no JSON
    while not head.strip() and (more := stream.read(_BLOCK)):
        head = more
    head = head.lstrip()
    if not head:
        return iter(())
    if is_json_lines(path) or _is_lines(head):
        return _of_lines(stream, head, path, decoder)
    if head[:1] == b"[":
        return _of_array(stream, head[1:], path, decoder)
    return _of_object(stream, head, path, decoder)


def _is_lines(head: bytes) -> bool:
    """Whether the first line is an object, and more follow it."""
    line, _, rest = head.partition(b"\n")
    return line[:1] == b"{" and bool(rest.strip()) and isinstance(_loaded(line, _TEXTS), dict)


def _loaded(text: bytes, decoder: json.JSONDecoder) -> Any:
    """What a JSON text has, NaN included; None if it is none."""
    try:
        return decoder.decode(text.decode())
    except (ValueError, RecursionError):
        return None


def _of_lines(stream: BinaryIO, head: bytes, path: str, decoder: json.JSONDecoder) -> Iterator[Records]:
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
                refuse_twice(path, lines[:_FIRST])
                first = False
            yield _of_whole_lines(lines, decoder)
        block = stream.read(_BLOCK)
    if rest.strip():
        if (last := _loaded(rest, decoder)) is None:
            raise _damaged(path, "its last line ends within an object")
        yield [last]


def _of_whole_lines(lines: Sequence[bytes], decoder: json.JSONDecoder) -> Records:
    records = _loaded(b"[" + b",".join(lines) + b"]", decoder)
    whole = isinstance(records, list) and len(records) == len(lines)
    return records if whole else [_of_line(line, decoder) for line in lines]


def _of_line(line: bytes, decoder: json.JSONDecoder) -> Any:
    """A line's object; its text if it has none."""
    found = _loaded(line, decoder)
    return line.decode(errors="replace") if found is None else found


def _of_array(stream: BinaryIO, text: bytes, path: str, decoder: json.JSONDecoder) -> Iterator[Records]:
    first = True
    while True:
        if text.lstrip()[:1] not in (b"{", b"]", b""):
            raise _other(path, "an array of other things than objects")
        block = stream.read(_BLOCK)
        if not block:
            closed = text.rstrip()
            records = _loaded(b"[" + closed, decoder) if closed[-1:] == b"]" else None
            if not isinstance(records, list):
                raise _damaged(path, "it ends within its array, or something follows it")
            if first:
                refuse_twice(path, [b"[" + closed])
            yield records
            return
        if (found := _whole_objects(text, decoder)) is not None:
            records, end = found
            if first:
                refuse_twice(path, [b"[" + text[:end].rstrip(b", \t\r\n") + b"]"])
            first = False
            yield records
            text = text[end:]
        if len(text) > _LONGEST:
            raise _damaged(path, f"an object of more than {_LONGEST:,} bytes")
        text += block


def _whole_objects(text: bytes, decoder: json.JSONDecoder) -> tuple[Records, int] | None:
    """The objects of an array that are whole in a part of its text, and where the next one begins.

    A comma between braces may be within a text, or an object: what is before it is whole if it is JSON.
    """
    for begin in (max(0, len(text) - _NEAR_END), 0):
        for cut in reversed(list(_BETWEEN.finditer(text, begin))[-_TRIES:]):
            records = _loaded(b"[" + text[: cut.start() + 1] + b"]", decoder)
            if isinstance(records, list):
                return records, cut.end()
    return None


def _of_object(stream: BinaryIO, text: bytes, path: str, decoder: json.JSONDecoder) -> Iterator[Records]:
    """The objects of the one array that an object has; what is beside it may name their symbol."""
    while block := stream.read(_BLOCK):
        text += block
        if len(text) > _MOST:
            raise _other(path, f"one object of more than {_MOST:,} bytes, which would be held whole")
    document = _loaded(text, decoder)
    if document is None:
        raise _damaged(path, "its object does not end, or something follows it")
    if isinstance(document, dict) and not any(isinstance(value, dict | list) for value in document.values()):
        refuse_twice(path, [text])
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
    refuse_twice(path, [text])
    records = document[arrays[0]]
    named = any(normalise(key) in FOLDER_NAMES for record in records for key in record)
    beside = {
        key: value for key, value in document.items() if normalise(key) in FOLDER_NAMES and isinstance(value, str)
    }
    yield records if named else [{**beside, **record} for record in records]


def refuse_twice(path: str, texts: Iterable[bytes]) -> None:
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
