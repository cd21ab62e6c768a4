"""Records of a stream -> a table of columns.

A record is an object of JSON: a bar, or one with the bar in its member `data` and what is about it in `metadata`, as
AWS's Database Migration Service (DMS) writes. What DMS writes of the table itself has no `data`, and is passed over. A
record may have several objects, in lines or in an array.

A column has the type that its values have: numbers, or text as soon as two types meet, so that no value changes. What
is no object is kept as it is, in a column of its own, and is an invalid row.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa

from windrow.bars.headers import meaning
from windrow.bars.layout import normalise
from windrow.errors import InputError
from windrow.feeds.parquet import INVALID

_MOST_COLUMNS = 1000
#: What DMS says of a record: it has a row, or is about the table.
_ABOUT, _OPERATION = "metadata", "operation"


class Records:
    """What the records of a page hold: bars as objects, texts that are no object, and how many are about the table."""

    def __init__(self, where: str, data: Sequence[bytes]) -> None:
        self._where = where
        self.bars: list[dict[str, Any]] = []
        self.invalid: list[bytes] = []
        self.controls = 0
        if (bars := _bars_alone(data)) is not None:
            self.bars = bars
            return
        for record in data:
            try:
                told = orjson.loads(record)
            except orjson.JSONDecodeError:
                self._take_text(record)
            else:
                self._take(told, record)

    def _take(self, told: Any, record: bytes) -> None:
        if isinstance(told, list):
            for one in told:
                self._take(one, record) if isinstance(one, dict) else self.invalid.append(record)
        elif not isinstance(told, dict):
            self.invalid.append(record)
        else:
            self._refuse_delete(told)
            bar = told.get("data")
            if isinstance(bar, dict):
                self.bars.append(bar)
            elif _is_control(told):
                self.controls += 1
            else:
                self.bars.append(told)

    def _take_text(self, record: bytes) -> None:
        """A record of several lines, or with NaN, which is JSON to Python alone."""
        lines = record.split(b"\n")
        if len(lines) > 1:
            for line in filter(bytes.strip, lines):
                self._take_line(line)
        else:
            self._take_line(record)

    def _take_line(self, line: bytes) -> None:
        try:
            told = json.loads(line)
            json.dumps(told, ensure_ascii=False).encode()  # half a character is in no text
            self._take(told, line)
        except (ValueError, RecursionError):
            self.invalid.append(line)

    def _refuse_delete(self, told: Mapping[str, Any]) -> None:
        if _deletes(told):
            raise InputError(
                f"{self._where}: has a record by which a bar is deleted, {orjson.dumps(told)[:200].decode()!r}; bars of"
                " a stream are only added; leave deletes out where the stream is written, or read a part without one"
                " by ?from=TIME&to=TIME"
            )


def _is_control(told: Mapping[str, Any]) -> bool:
    """Whether a record is about the table; a bar may have metadata beside its other members."""
    about = told.get(_ABOUT)
    return isinstance(about, dict) and (about.get("record-type") == "control" or told.keys() <= {_ABOUT, "data"})


def _bars_alone(data: Sequence[bytes]) -> list[dict[str, Any]] | None:
    """The bars of records each of which has one, under `data` or flat, as nearly all pages are; else None."""
    try:
        told = [*map(orjson.loads, data)]
    except orjson.JSONDecodeError:
        return None
    if {*map(type, told)} != {dict}:
        return None
    try:
        bars = [*map(itemgetter("data"), told)]
    except KeyError:
        return told if {*chain.from_iterable(told)}.isdisjoint(("data", _ABOUT)) else None
    is_alone = {*map(len, told)} == {1} or not any(map(_deletes, told))
    return bars if is_alone and {*map(type, bars)} == {dict} else None


def _deletes(told: Mapping[str, Any]) -> bool:
    """Whether DMS says by a record that a row is deleted."""
    about = told.get(_ABOUT)
    return isinstance(about, dict) and about.get(_OPERATION) == "delete"


def is_json(record: bytes) -> bool:
    """Whether a record is meant as JSON, by how it begins.

    >>> is_json(b' {"close": 1}'), is_json(b"AA,2023-01-03,1.5")
    (True, False)
    """
    return record.lstrip()[:1] in (b"{", b"[")


def table_of(records: Records, where: str) -> Any:
    """The table of a page's bars, and of what is no bar. Raises InputError for records without common names."""
    columns = _columns(records.bars)
    check_names(columns, where)
    none = [None] * len(records.invalid)
    arrays = {name: _array(name, values + none) for name, values in columns.items()}
    if none:
        arrays[INVALID] = pa.array([None] * len(records.bars) + records.invalid, pa.binary())
    return pa.table(arrays)


def check_names(names: Collection[str], where: str) -> None:
    """Raises InputError where members have values as names, so that there would be a column for each."""
    if len(names) > _MOST_COLUMNS:
        raise InputError(
            f"{where}: its records have {len(names):,} different members, so their names are no columns; write the"
            " values of a bar under the same names in each record"
        )


def _columns(bars: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The members of objects by name, None where an object lacks one."""
    names = list(bars[0]) if bars else []
    if {*map(len, bars)} == {len(names)}:
        try:
            return {name: [*map(itemgetter(name), bars)] for name in names}
        except KeyError:  # one has another name
            pass
    return {name: [bar.get(name) for bar in bars] for name in dict.fromkeys(chain.from_iterable(bars))}


def _array(name: str, values: list[Any]) -> Any:
    """Values as numbers where all are, else as text; whole numbers only where none would change.

    Symbols are text, as some feeds write 700, and others "700".
    """
    kinds = {*map(type, values)} - {type(None)}
    if kinds == {int} and meaning(normalise(name)) == "symbol":
        return _texts(values)
    if kinds <= {int, float} or kinds == {str}:  # arrow would take False for a number too
        with suppress(pa.ArrowException, OverflowError, UnicodeError):
            array = pa.array(values)
            if not pa.types.is_uint64(array.type):
                return array
    return _texts(values)


def _texts(values: list[Any]) -> Any:
    """Values as text: a text itself, all else as JSON."""
    texts = (one if one is None or isinstance(one, str) else orjson.dumps(one).decode() for one in values)
    return pa.array(list(texts), pa.string())
