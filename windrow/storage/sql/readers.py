"""Connections that read: rows of a query, and tables of arrow, which are never made row by row in Python.

MariaDB and MySQL put the rows of a symbol, or of a part of its time, into one text, lines of CSV, which arrow parses:
a third of the time of fetching rows. PostgreSQL copies rows out as such lines. SQLite's rows are fetched, and become
columns some thousands at a time; there a row may hold a text where others hold numbers, and then all become texts.

No float loses a bit: the databases write the shortest text that reads back to the same float64.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv

from windrow.storage.sql.asking import DIALECTS, Condition, Dialect
from windrow.storage.sql.stored import TIMES, VALUE, Stored
from windrow.storage.sql.uris import Place

#: Bytes of text that arrow parses at once, and rows that are fetched at once.
_TEXT, _ROWS = 8 << 20, 1 << 14
#: Bytes of the longest character, of which a text that is cut has all or none.
_CHARACTER = 4
#: Seconds until a server gives up a reader that waits for its disk.
_PATIENCE = 3600
_ARROW = {
    "text": pa.string(), "decimal": pa.string(), "float": pa.float64(), "int": pa.int64(), "uint": pa.uint64(),
    "date": pa.date32(), "time": pa.timestamp("us"), "instant": pa.timestamp("us"),
}  # fmt: skip
#: As what values of SQLite are fetched; others by what they are.
_FETCHED = {"text": pa.string(), "float": pa.float64(), "int": pa.int64(), "instant": pa.int64()}
#: For times that windrow cannot have: a year that files refuse as well.
_NO_TIME = "0001-01-01"


class UnevenError(Exception):
    """Rows that cannot be read the quick way."""


class Group(NamedTuple):
    """Which rows MariaDB puts into one text: those of a symbol within so many seconds; 0: in all its time."""

    symbol: Stored | None = None
    time: Stored | None = None
    seconds: int = 0


def arrow_type(column: Stored) -> Any:
    """The type of a column in arrow, as this module's tables have it; of SQLite's `any`, text."""
    kind = _ARROW.get(column.kind, pa.string())
    return pa.timestamp("us", "UTC") if column.kind == "instant" else kind


def parsed(lines: bytes | memoryview, columns: Sequence[Stored]) -> pa.Table:
    """Lines of CSV as a table; an empty field is null, an empty text in quotes is not."""
    names = [str(number) for number in range(len(columns))]
    table = csv.read_csv(
        pa.BufferReader(lines),
        csv.ReadOptions(column_names=names, block_size=4 << 20),
        csv.ParseOptions(newlines_in_values=any(one.kind == "text" for one in columns), ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types={name: _ARROW[one.kind] for name, one in zip(names, columns, strict=True)},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    arrays = [array.cast(arrow_type(one)) for one, array in zip(columns, table.columns, strict=True)]
    return pa.table(arrays, names=[one.name for one in columns])


class Reader(ABC):
    """One connection within one transaction, whose queries all see the same rows."""

    #: What stands for a value in the driver's SQL.
    mark = "%s"

    def __init__(self, place: Place, connection: Any) -> None:
        self._driver = connection.connection.driver_connection
        self.place = place
        self.dialect: Dialect = DIALECTS[place.dialect]
        self.table = self.dialect.name(place.table)

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a small query, in which VALUE stands for each value."""
        cursor = self._driver.cursor()
        try:
            cursor.execute(self.marked(text), tuple(values))
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    @abstractmethod
    def tables(self, columns: Sequence[Stored], which: Condition, group: Group) -> Iterator[pa.Table]:
        """The table's rows with these columns, in pieces; `which` is a clause with its values.

        Raises UnevenError where they have to be read another way.
        """

    def marked(self, text: str) -> str:
        """A text of SQL with the driver's marks."""
        return (text.replace("%", "%%") if self.mark == "%s" else text).replace(VALUE, self.mark)

    def all_rows(self, columns: Sequence[Stored], which: Condition) -> Iterator[pa.Table]:
        """The same rows as `tables`, the slow way."""
        return self.tables(columns, which, Group())


class MysqlReader(Reader):
    """MariaDB and MySQL. `begin` starts the transaction."""

    def __init__(self, place: Place, connection: Any) -> None:
        super().__init__(place, connection)
        self._streaming = import_module("pymysql.cursors").SSCursor
        # A server may be set to less, and then each query would see rows of its own.
        self.rows("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        self.rows(f"SET SESSION net_write_timeout = {_PATIENCE}")
        [(self._most,)] = self.rows("SELECT @@max_allowed_packet")
        self.rows(f"SET SESSION group_concat_max_len = {self._most}")
        self.begin()

    def begin(self) -> None:
        """Starts the transaction anew: it sees what is committed now."""
        self.rows("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def tables(self, columns: Sequence[Stored], which: Condition, group: Group) -> Iterator[pa.Table]:
        """The table's rows in pieces: see `Reader`."""
        line = f"CONCAT_WS(',', {', '.join(map(self._text, columns))})"
        by = self._by(group)
        lines = (
            f"CAST(GROUP_CONCAT({line} SEPARATOR '\\n') AS BINARY), COUNT(*)" if by else f"CAST({line} AS BINARY), 1"
        )
        text = f"SELECT {lines} FROM {self.table}{which.text}{f' GROUP BY {by}' if by else ''}"
        cursor = self._driver.cursor(self._streaming)
        try:
            cursor.execute(self.marked(text), which.values)
            yield from self._parsed(cursor, columns)
        except GeneratorExit:
            self._driver.close()  # or the rest of the answer would be read
            cursor.connection = None
            raise
        cursor.close()

    def _parsed(self, cursor: Any, columns: Sequence[Stored]) -> Iterator[pa.Table]:
        buffer, rows = BytesIO(), 0
        for lines, count in cursor:
            if lines is None or len(lines) > self._most - _CHARACTER:  # cut, with no more than a warning
                raise UnevenError
            buffer.write(lines)
            buffer.write(b"\n")
            rows += count
            if buffer.tell() >= _TEXT:
                yield self._table(buffer, columns, rows)
                buffer, rows = BytesIO(), 0
        if rows:
            yield self._table(buffer, columns, rows)

    def _table(self, buffer: BytesIO, columns: Sequence[Stored], rows: int) -> pa.Table:
        try:
            table = parsed(buffer.getbuffer(), columns)
        except pa.ArrowInvalid:
            raise UnevenError from None
        if table.num_rows != rows:
            raise UnevenError
        return table

    def _by(self, group: Group) -> str:
        texts = [self.dialect.bytes_of(group.symbol)] if group.symbol is not None else []
        if group.time is not None and group.seconds:
            texts.append(f"TO_SECONDS({self.dialect.name(group.time.name)}) DIV {group.seconds}")
        return ", ".join(texts)

    def _text(self, column: Stored) -> str:
        """A column as a field of a line."""
        name = self.dialect.name(column.name)
        if column.kind in TIMES:  # days and months may be 0, and years
            name = f"IF(YEAR({name}) * MONTH({name}) * DAYOFMONTH({name}) = 0, '{_NO_TIME}', {name})"
        elif column.type == "float":
            name = f"CAST({name} AS DOUBLE)"  # which has all digits
        elif column.kind in ("text", "decimal"):
            name = f"CONCAT('\"', REPLACE(CONVERT({name} USING utf8mb4), '\"', '\"\"'), '\"')"
        return f"IFNULL({name}, '')"


class PostgresqlReader(Reader):
    """PostgreSQL. `snapshot`: that of another connection, which this one is to see too."""

    def __init__(self, place: Place, connection: Any, snapshot: str | None = None) -> None:
        super().__init__(place, connection)
        self._driver.rollback()
        self._driver.isolation_level = import_module("psycopg").IsolationLevel.REPEATABLE_READ
        self._driver.read_only = True
        if snapshot is not None:
            self.rows(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        self.rows("SET LOCAL statement_timeout = 0")
        self.rows("SET LOCAL idle_in_transaction_session_timeout = 0")

    def export(self) -> str:
        """A name by which other connections see what this one sees."""
        [(name,)] = self.rows("SELECT pg_export_snapshot()")
        return str(name)

    def tables(self, columns: Sequence[Stored], which: Condition, group: Group) -> Iterator[pa.Table]:
        """The table's rows in pieces: see `Reader`."""
        fields = ", ".join(map(self._field, columns))
        text = self.marked(f"COPY (SELECT {fields} FROM {self.table}{which.text}) TO STDOUT (FORMAT csv)")
        buffer = BytesIO()
        with self._driver.cursor() as cursor, cursor.copy(text, which.values) as copy:
            for row in copy:
                buffer.write(row)
                if buffer.tell() >= _TEXT:
                    yield parsed(buffer.getbuffer(), columns)
                    buffer = BytesIO()
        if buffer.tell():
            yield parsed(buffer.getbuffer(), columns)

    def _field(self, column: Stored) -> str:
        name = self.dialect.name(column.name)
        if column.kind in TIMES:  # times may be infinite, or before Christ
            odd = f"{name} < '{_NO_TIME}' OR {name} > '9999-12-31'"
            name = f"CASE WHEN {odd} THEN '{_NO_TIME}' ELSE {name} END"
            return f"({name}) AT TIME ZONE 'UTC'" if column.type == "timestamptz" else name
        if column.type == "float4":
            return f"{name}::float8"  # which has all digits
        return f"{name}::text" if column.kind == "text" else name


class SqliteReader(Reader):
    """SQLite. Whoever writes meanwhile goes on where the file has a log of its own (WAL), else waits.

    Its rows are fetched: the quicker ways bring a library of SQLite of their own, and two in one process break each
    other's locks (sqlite.org/howtocorrupt.html, 2.2.1).
    """

    mark = "?"

    def __init__(self, place: Place, connection: Any) -> None:
        super().__init__(place, connection)
        self.rows("SELECT COUNT(*) FROM sqlite_master")  # from here on the transaction sees the same

    def tables(self, columns: Sequence[Stored], which: Condition, group: Group) -> Iterator[pa.Table]:
        """The table's rows in pieces: see `Reader`."""
        names = [one.name for one in columns]
        kinds: list[Any] = [_FETCHED.get(one.kind) for one in columns]
        for values in self._values(columns, which):
            try:
                arrays = [pa.array(its, kind) for its, kind in zip(values, kinds, strict=True)]
            except (pa.ArrowException, TypeError, OverflowError):
                raise UnevenError from None
            if any(pa.types.is_binary(array.type) for array in arrays):
                raise UnevenError
            arrays = [array.cast(pa.string()) if pa.types.is_null(array.type) else array for array in arrays]
            kinds = [array.type for array in arrays]
            yield pa.table(
                [array.cast(_ARROW.get(one.kind, array.type)) for one, array in zip(columns, arrays, strict=True)],
                names=names,
            ).cast(pa.schema([(one.name, _typed(one, kind)) for one, kind in zip(columns, kinds, strict=True)]))

    def all_rows(self, columns: Sequence[Stored], which: Condition) -> Iterator[pa.Table]:
        """All values as texts."""
        for values in self._values(columns, which):
            texts = [[_as_text(one, value) for value in its] for one, its in zip(columns, values, strict=True)]
            yield pa.table([pa.array(its, pa.string()) for its in texts], names=[one.name for one in columns])

    def _values(self, columns: Sequence[Stored], which: Condition) -> Iterator[list[tuple[Any, ...]]]:
        """The values of each column, of some rows at a time."""
        names = ", ".join(self.dialect.name(one.name) for one in columns)
        cursor = self._driver.execute(self.marked(f"SELECT {names} FROM {self.table}{which.text}"), which.values)
        while rows := cursor.fetchmany(_ROWS):
            yield [*zip(*rows, strict=True)]


def _as_text(column: Stored, value: Any) -> str | None:
    """A value of SQLite's as a file has it."""
    if column.kind == "instant" and isinstance(value, int):
        return f"{np.datetime64(value, 'us')}Z"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if value is None or isinstance(value, str) else repr(value)


def _typed(column: Stored, kind: Any) -> Any:
    return arrow_type(column) if column.kind in _ARROW else kind
