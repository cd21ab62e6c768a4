"""Records of a stream -> a table of columns, and a file of such tables.

A record is an object of JSON: a bar, or one with the bar in its member `data` and what is about it in `metadata`, as
AWS's Database Migration Service (DMS) writes. What DMS writes of the table itself has no `data`, and is passed over. A
record may have several objects, in lines or in an array.

A column has the type that its values have: numbers, or text as soon as two types meet, so that no value changes. What
is no object is kept as it is, in a column of its own, and is an invalid row.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, combinations
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from windrow.bars.headers import meaning
from windrow.bars.layout import normalise
from windrow.errors import InputError
from windrow.feeds.parquet import INVALID
from windrow.feeds.records import refuse_twice
from windrow.storage.private import private
from windrow.storage.stream import uncollected

#: Rows of a row group, about: pages of a stream that is nearly empty have a few.
_GROUP = 1 << 14
_MOST_COLUMNS = 1000
#: Records that are parsed at a time: as objects of so few they stay in the processor's cache.
_AT_ONCE = 1000
#: How many records are looked at for two members of one name, and, with so many bytes, for what is no JSON.
_FIRST, _FIRST_BYTES = 1000, 1 << 20
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
        about = told.get(_ABOUT)
        if isinstance(about, dict) and about.get(_OPERATION) == "delete":
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
    """The bars of records each of which is {"data": {...}} and nothing else; None if any is not."""
    try:
        told = [*map(orjson.loads, data)]
        if {*map(type, told)} == {dict} and {*map(len, told)} == {1}:
            bars = [*map(itemgetter("data"), told)]
            return bars if {*map(type, bars)} == {dict} else None
    except (orjson.JSONDecodeError, KeyError):
        pass
    return None


def is_json(record: bytes) -> bool:
    """Whether a record is meant as JSON, by how it begins.

    >>> is_json(b' {"close": 1}'), is_json(b"AA,2023-01-03,1.5")
    (True, False)
    """
    return record.lstrip()[:1] in (b"{", b"[")


def table_of(records: Records, where: str) -> Any:
    """The table of a page's bars, and of what is no bar. Raises InputError for records without common names."""
    columns = _columns(records.bars)
    _check_names(columns, where)
    none = [None] * len(records.invalid)
    arrays = {name: _array(name, values + none) for name, values in columns.items()}
    if none:
        arrays[INVALID] = pa.array([None] * len(records.bars) + records.invalid, pa.binary())
    return pa.table(arrays)


def _check_names(names: Collection[str], where: str) -> None:
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


class ShardFile:
    """A file with the bars of one shard: Parquet, or CSV if none of its first records is JSON.

    Its columns are those of all records, each with a type that keeps every value. Memory: about 16,384 rows.
    """

    def __init__(self, folder: Path, name: str, where: str, group: int = _GROUP) -> None:
        self._folder, self._name, self._where, self._group = folder, name, where, group
        self._tables: list[Any] = []
        self._parts: list[Path] = []
        self._writer: Any = None
        self._lines: BinaryIO | None = None
        self._first: list[bytes] | None = []
        self.rows = self.controls = 0
        self.has_bars = False

    def write(self, data: Sequence[bytes]) -> None:
        """Adds the records of a page."""
        if self._first is None:
            self._write(data)
            return
        self._first += data
        if len(self._first) >= _FIRST or sum(map(len, self._first)) >= _FIRST_BYTES or any(map(is_json, data)):
            self.begin()

    def begin(self) -> None:
        """Chooses the kind of file by the first records, however few a page has; from then on `has_bars` is right."""
        first, self._first = self._first, None
        if first and not any(map(is_json, first)):
            self._lines = open(self._folder / f"{self._name}.csv", "wb", opener=private)  # noqa: SIM115  see `close`
        self._write(first or [])

    def _write(self, data: Sequence[bytes]) -> None:
        if not data:
            return
        if self._lines is not None:
            lines = [line for record in data for line in record.splitlines() if line.strip()]
            self.rows += len(lines)
            self._lines.write(b"".join(line + b"\n" for line in lines))
            return
        if not self.rows:
            refuse_twice(self._where, data[:_FIRST])
        for begin in range(0, len(data), _AT_ONCE):
            with uncollected():
                table, controls = self._parsed(data[begin : begin + _AT_ONCE])
            self._take(table, controls)

    def _parsed(self, data: Sequence[bytes]) -> tuple[Any, int]:
        records = Records(self._where, data)
        return table_of(records, self._where), records.controls

    def _take(self, table: Any, controls: int) -> None:
        self.controls += controls
        self.rows += len(table)
        self.has_bars |= table.column_names != [INVALID] and len(table) > 0
        self._tables.append(table)
        if sum(map(len, self._tables)) >= self._group:
            self._flush()

    @property
    def size(self) -> int:
        """Bytes on disk so far."""
        if self._lines is not None:
            return int(self._lines.tell())
        return sum(part.stat().st_size for part in self._parts)

    def close(self, like: Path | None = None) -> Path | None:
        """The finished file; None if it has no row. One without a bar gets the columns of the file `like`, empty."""
        self.begin()
        if self._lines is not None:
            self._lines.close()
            return self._folder / f"{self._name}.csv"
        if like is not None and not self.has_bars:
            columns = [field for field in pq.read_schema(like) if field.name != INVALID]
            self._tables.append(pa.schema(columns).empty_table())
        self._flush()
        if self._writer is not None:
            self._writer.close()
        if not self._parts:
            return None
        place = self._parts[0] if len(self._parts) == 1 else self._joined()
        refuse_two_names(place, self._where)
        return place

    def _flush(self) -> None:
        tables, self._tables = self._tables, []
        if not any(map(len, tables)):
            return
        kinds = _exact_kinds(tables)
        _check_names(kinds, self._where)
        table = pa.concat_tables([_as_kinds(one, kinds) for one in tables])
        if self._writer is None or not self._writer.schema.equals(table.schema):
            if self._writer is not None:
                self._writer.close()
            self._parts.append(self._folder / f"{self._name}{f'-{len(self._parts)}' * bool(self._parts)}.parquet")
            self._writer = pq.ParquetWriter(self._parts[-1], table.schema)
        self._writer.write_table(table)

    def _joined(self) -> Path:
        """One file of several, whose columns differ in type, or in number."""
        place = self._folder / f"{self._name}-all.parquet"
        kinds = _exact_kinds(chain.from_iterable(map(_row_groups, self._parts)))
        _check_names(kinds, self._where)
        schema = pa.schema(list(kinds.items()))
        with pq.ParquetWriter(place, schema) as writer:
            for table in chain.from_iterable(map(_row_groups, self._parts)):
                writer.write_table(_as_kinds(table, kinds))
        first, *others = self._parts
        for part in others:
            part.unlink()
        return place.replace(first)


def _row_groups(place: Path, columns: list[str] | None = None) -> Iterator[Any]:
    with pq.ParquetFile(place) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns)


def _exact_kinds(tables: Iterable[Any]) -> dict[str, Any]:
    """For each column of any table the type that keeps every value of all."""
    kinds: dict[str, Any] = {}
    inexact = set[str]()
    for table in tables:
        for name in table.column_names:
            kinds[name] = _common(kinds.get(name, pa.null()), table[name].type)
            if pa.types.is_int64(table[name].type) and not _is_exact(table[name]):
                inexact.add(name)
    floats = {name for name, kind in kinds.items() if pa.types.is_floating(kind)}
    return {**kinds, **dict.fromkeys(floats & inexact, pa.string())}


def _common(one: Any, other: Any) -> Any:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = {pa.int64(), pa.float64()}
    return pa.float64() if {one, other} == numbers else pa.string()


def _is_exact(column: Any) -> bool:
    """Whether whole numbers are the same as floating-point numbers."""
    try:
        column.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _as_kinds(table: Any, kinds: Mapping[str, Any]) -> Any:
    columns = [
        table[name].cast(kind) if name in table.column_names else pa.nulls(len(table), kind)
        for name, kind in kinds.items()
    ]
    return pa.table(columns, schema=pa.schema(list(kinds.items())))


def refuse_two_names(place: Path, where: str) -> None:
    """Raises InputError where some records have a value under one name, and others under another that means the same.

    One of the columns would be taken, and the bars of the other records would lack a value.
    """
    meanings: dict[str, list[str]] = {}
    for name in pq.read_schema(place).names:
        if (held := meaning(normalise(name))) is not None:
            meanings.setdefault(held, []).append(name)
    for held, names in meanings.items():
        for one, other in combinations(names, 2):
            if _are_of_different_rows(place, one, other):
                raise InputError(
                    f"{where}: some of its records name the {held} {one!r}, others {other!r}; the records of a shard"
                    " have the same names; write them so, or read a part of one kind by ?from=TIME&to=TIME"
                )


def _are_of_different_rows(place: Path, one: str, other: str) -> bool:
    """Whether rows have either column, but never both."""
    seen = [False, False]
    for table in _row_groups(place, [one, other]):
        has = [pc.is_valid(table[name]) for name in (one, other)]
        if pc.any(pc.and_(*has)).as_py():
            return False
        seen = [before or bool(pc.any(its).as_py()) for before, its in zip(seen, has, strict=True)]
    return all(seen)
