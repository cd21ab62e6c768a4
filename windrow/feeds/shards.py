"""A file with the records of one shard of a stream: their tables, joined without a change to any value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from windrow.bars.headers import meaning
from windrow.bars.layout import normalise
from windrow.errors import InputError
from windrow.feeds.parquet import INVALID
from windrow.feeds.records import refuse_twice
from windrow.feeds.streamed import Records, check_names, is_json, table_of
from windrow.storage.private import private
from windrow.storage.stream import uncollected

#: Rows of a row group, about: pages of a stream that is nearly empty have a few.
_GROUP = 1 << 14
#: Records that are parsed at a time: as objects of so few they stay in the processor's cache.
_AT_ONCE = 1000
#: How many records are looked at for two members of one name, and, with so many bytes, for what is no JSON.
_FIRST, _FIRST_BYTES = 1000, 1 << 20


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
        check_names(kinds, self._where)
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
        check_names(kinds, self._where)
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
