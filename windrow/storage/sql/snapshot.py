"""A table at one moment: connections that see the same rows, whoever writes meanwhile, and the rows they read.

By themselves several connections do not begin at the same moment (of 60 trials with a writer 15 saw two states). In
PostgreSQL one exports what it sees. In MariaDB windrow's own tables have a number that each change raises: connections
begin anew until all of them read the same. Any other table, and SQLite's, is read by one connection.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from os import cpu_count
from typing import Any

import pyarrow as pa

from windrow.errors import InputError
from windrow.storage.interleaved import interleaved
from windrow.storage.sql.asking import Asked, Condition, where
from windrow.storage.sql.connection import connected, refusing
from windrow.storage.sql.readers import Group, MysqlReader, PostgresqlReader, Reader, SqliteReader, UnevenError
from windrow.storage.sql.schema import layout_of
from windrow.storage.sql.stored import TIMES, VALUE, Stored, stored
from windrow.storage.sql.uris import Place

#: Rows from which several connections read a table, at most how many do, and rows that one text should have.
_MANY, _MOST, _TEXT_ROWS = 200_000, 4, 20_000
#: Attempts to agree on a state; with a writer that commits 700 times a second it takes two or three.
_ATTEMPTS = 200
#: Bytes of a row of PostgreSQL, about.
_ROW = 100


@dataclass
class Snapshot:
    """A table at one moment. `changes`: the number of that state of windrow's own tables."""

    place: Place
    readers: Sequence[Reader]
    columns: list[Stored]
    changes: int | None = None
    #: The sizes of symbols by these conditions, as they were counted.
    _counted: dict[Any, list[tuple[Any, int]]] = field(default_factory=dict)

    def count(self, asked: Asked) -> int:
        """How many rows a database would answer with."""
        return sum(rows for _, rows in self._sizes(asked))

    def read(self, columns: Sequence[Stored], asked: Asked, quickly: bool = True) -> Iterator[pa.Table]:
        """These rows in pieces, in no order. Memory: some pieces, of about 8 MB of text each.

        Raises UnevenError where they cannot be read `quickly`, InputError where there are more or fewer than counted.
        """
        sizes = self._sizes(asked)
        parts = _parts(sizes, len(self.readers) if quickly and asked.symbol is not None else 1)
        group, rows = self._group(asked, max((rows for _, rows in sizes), default=0)), 0
        parts_read = [
            self._part(reader, columns, asked, part, group, quickly)
            for reader, part in zip(self.readers, parts, strict=False)
        ]
        for table in parts_read[0] if len(parts_read) == 1 else interleaved(parts_read, len(parts_read), waits=True):
            rows += table.num_rows
            yield table
        if rows != (expected := self.count(asked)):
            raise InputError(
                f"{self.place}: table {self.place.name} has changed while it was read, from {expected:,} rows to"
                f" {rows:,}: its engine keeps no earlier state; read it while nothing writes, or use one that does, as"
                " InnoDB"
            )

    def knows_times(self, column: Stored) -> bool:
        """Whether the database knows the values of a column as times."""
        return self.readers[0].dialect.compares_times(column)

    def first(self, columns: Sequence[Stored], asked: Asked, more: Sequence[Condition] = ()) -> pa.Table | None:
        """One row that keeps the conditions, `more` too; None if there is none."""
        reader = self.readers[0]
        clause = where([*asked.conditions(reader.dialect), *more])
        which = Condition(f"{clause.text} LIMIT 1", clause.values)
        with suppress(UnevenError):
            return next(iter(list(reader.tables(columns, which, Group()))), None)  # to its end, or the answer is cut
        return None

    def first_timed(self, columns: Sequence[Stored], asked: Asked) -> pa.Table | None:
        """One row whose time is not midnight; None if there is none, or the database does not know times."""
        if asked.time is None or not self.knows_times(asked.time) or asked.time.kind == "date":
            return None
        return self.first(columns, asked, [Condition(self.readers[0].dialect.is_timed(asked.time))])

    def _sizes(self, asked: Asked) -> list[tuple[Any, int]]:
        """Symbols in the database's order, each with its rows; of a table without symbols one."""
        if asked not in self._counted:
            reader = self.readers[0]
            found = where(asked.conditions(reader.dialect))
            if asked.symbol is None or (len(self.readers) == 1 and self.place.dialect != "mysql"):
                [(rows,)] = reader.rows(f"SELECT COUNT(*) FROM {reader.table}{found.text}", found.values)
                self._counted[asked] = [(None, rows)]
            else:
                by = reader.dialect.bytes_of(asked.symbol)
                text = f"SELECT {by}, COUNT(*) FROM {reader.table}{found.text} GROUP BY {by} ORDER BY {by}"
                self._counted[asked] = [(symbol, rows) for symbol, rows in reader.rows(text, found.values)]
        return self._counted[asked]

    def _group(self, asked: Asked, most: int) -> Group:
        """Of which rows MariaDB makes a text, if `most` is the size of the largest symbol."""
        if self.place.dialect != "mysql" or most <= _TEXT_ROWS:
            return Group(asked.symbol) if self.place.dialect == "mysql" else Group()
        reader = self.readers[0]
        if asked.time is None or asked.time.kind not in TIMES:
            return Group()
        found, name = where(asked.conditions(reader.dialect)), reader.dialect.name(asked.time.name)
        text = f"SELECT TIMESTAMPDIFF(SECOND, MIN({name}), MAX({name})) FROM {reader.table}{found.text}"
        [(span,)] = reader.rows(text, found.values)
        return Group(asked.symbol, asked.time, max(1, int(span or 0) * _TEXT_ROWS // most))

    def _part(
        self, reader: Reader, columns: Sequence[Stored], asked: Asked, part: Condition | None, group: Group,
        quickly: bool,
    ) -> Iterator[pa.Table]:  # fmt: skip
        conditions = asked.conditions(reader.dialect)
        if part is not None:
            assert asked.symbol is not None
            conditions.append(part._replace(text=part.text.format(reader.dialect.bytes_of(asked.symbol))))
        which = where(conditions)
        return reader.tables(columns, which, group) if quickly else reader.all_rows(columns, which)


def _parts(sizes: Sequence[tuple[Any, int]], most: int) -> list[Condition | None]:
    """Ranges of symbols, of about as many rows each, with `{}` for the column; together they are all of them.

    >>> [one.text.replace(VALUE, "?") for one in _parts([(None, 1), ("A", 5), ("B", 4)], 2)]
    ['({0} < ? OR {0} IS NULL)', '{0} >= ?']
    >>> _parts([("A", 5)], 2)
    [None]
    """
    known = [(symbol, rows) for symbol, rows in sizes if symbol is not None]
    total, done, bounds = sum(rows for _, rows in known), 0, list[Any]()
    for number, (symbol, rows) in enumerate(known):
        if number and done >= total * (len(bounds) + 1) / most and len(bounds) < most - 1:
            bounds.append(symbol)
        done += rows
    if not bounds:
        return [None]
    first, last = Condition(f"({{0}} < {VALUE} OR {{0}} IS NULL)", (bounds[0],)), bounds[-1]
    middle = [Condition(f"({{0}} >= {VALUE} AND {{0}} < {VALUE})", pair) for pair in pairwise(bounds)]
    return [first, *middle, Condition(f"{{0}} >= {VALUE}", (last,))]


@contextmanager
def snapshot(place: Place) -> Iterator[Snapshot]:
    """The table as it is now, for the length of the block. Raises InputError that names the database."""
    open_one = {"sqlite": _of_sqlite, "mysql": _of_mysql, "postgresql": _of_postgresql}[place.dialect]
    with open_one(place) as found:
        yield found


@contextmanager
def _of_sqlite(place: Place) -> Iterator[Snapshot]:
    with connected(place) as connection:
        is_own = layout_of(connection, place) is not None
        reader = SqliteReader(place, connection)
        with refusing(place):
            columns = stored(reader.rows, place, is_own)
            yield Snapshot(place, [reader], columns, _changes(reader) if is_own else None)


def _changes(reader: Reader) -> int:
    [(changes,)] = reader.rows(f"SELECT changes FROM {reader.dialect.name(f'{reader.place.table}_version')}")
    return int(changes)


@contextmanager
def _of_mysql(place: Place) -> Iterator[Snapshot]:
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(place))]
        is_own = layout_of(connections[0], place) is not None
        readers = [MysqlReader(place, connections[0])]
        columns, changes = stored(readers[0].rows, place, is_own), None
        with refusing(place):
            if is_own and (more := _more(_estimate(readers[0]))):
                connections += [stack.enter_context(connected(place)) for _ in range(more)]
                readers += [MysqlReader(place, one) for one in connections[1:]]
            if is_own:
                readers, changes = _agreed(readers)
            yield Snapshot(place, readers, columns, changes)


def _more(rows: int) -> int:
    """How many more connections so many rows are worth."""
    return min(_MOST, cpu_count() or 1) - 1 if rows >= _MANY else 0


def _estimate(reader: MysqlReader) -> int:
    """About how many rows the table has: InnoDB knows no better."""
    text = f"SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {VALUE}"
    return int((reader.rows(text, [reader.place.table]) or [(0,)])[0][0] or 0)


def _agreed(readers: list[MysqlReader]) -> tuple[list[MysqlReader], int]:
    """The readers at one state, and its number; one of them alone if the others never see the same."""
    for _ in range(_ATTEMPTS):
        for reader in readers:
            reader.begin()
        seen = {_changes(reader) for reader in readers}
        if len(seen) == 1:
            return readers, seen.pop()
    return readers[:1], _changes(readers[0])


@contextmanager
def _of_postgresql(place: Place) -> Iterator[Snapshot]:
    with ExitStack() as stack:
        connection = stack.enter_context(connected(place))
        is_own = layout_of(connection, place) is not None
        readers = [PostgresqlReader(place, connection)]
        with refusing(place):
            columns = stored(readers[0].rows, place, is_own)
            [(estimate,)] = readers[0].rows(
                f"SELECT COALESCE(pg_relation_size(to_regclass(quote_ident({VALUE}))), 0) / {_ROW}", [place.table]
            )
            if more := _more(int(estimate)):
                name = readers[0].export()
                others = [stack.enter_context(connected(place)) for _ in range(more)]
                readers += [PostgresqlReader(place, one, name) for one in others]
            yield Snapshot(place, readers, columns, _changes(readers[0]) if is_own else None)
