"""Windrow's own tables, and types of columns that mean the same in every database.

    NAME              the bars: symbol, ts, open, high, low, close, adj_close, volume, load_id; key (symbol, ts)
    NAME_watermarks   for each symbol the newest bar, and the load that was there last
    NAME_loads        the loads: what was asked of which source, when, and what it changed
    NAME_version      one row: the layout of these tables, and a number that every change of the bars raises

A symbol's characters are compared as bytes (by default `A`, `a`, `Á` and `A ` are one key of MariaDB); a time is UTC
in microseconds, DATETIME(6) and timestamp(6), in SQLite a whole number of them since 1970; a value is a float64. What
a transaction commits has its `changes` in it: connections that read the same number see the same bars.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from windrow.errors import InputError, UsageError
from windrow.storage.sql.uris import Place
from windrow.times import parse_duration

VALUES = ("open", "high", "low", "close", "adj_close", "volume")
#: Characters of the longest symbol.
LONGEST_SYMBOL = 64


class Column(NamedTuple):
    """A column of a table; its kind is symbol, time, float, int or text."""

    name: str
    kind: str
    required: bool = False


BARS = (
    Column("symbol", "symbol", True), Column("ts", "time", True), Column("open", "float"), Column("high", "float"),
    Column("low", "float"), Column("close", "float", True), Column("adj_close", "float"), Column("volume", "float"),
    Column("load_id", "int", True),
)  # fmt: skip
WATERMARKS = (Column("symbol", "symbol", True), Column("upto", "time"), Column("load_id", "int", True))
LOADS = (
    Column("load_id", "int", True), Column("asked", "text", True), Column("since", "time"), Column("until", "time"),
    Column("started", "time", True), Column("finished", "time"), Column("transactions", "int", True),
    Column("inserted", "int", True), Column("revised", "int", True), Column("interval_ns", "int"),
)  # fmt: skip
VERSION = (Column("id", "int", True), Column("layout", "int", True), Column("changes", "int", True))

_TYPES = {
    "sqlite": {"symbol": "TEXT", "time": "INTEGER", "float": "REAL", "int": "INTEGER", "text": "TEXT"},
    "mysql": {"time": "DATETIME(6)", "float": "DOUBLE", "int": "BIGINT", "text": "TEXT"},
    "postgresql": {
        "symbol": 'TEXT COLLATE "C"', "time": "TIMESTAMP(6)", "float": "DOUBLE PRECISION", "int": "BIGINT",
        "text": "TEXT",
    },
}  # fmt: skip


def quoted(connection: Any, name: str) -> str:
    """A name of a table or column in a statement of SQLAlchemy's, whatever characters it has."""
    text = quoted_alone(connection, name)
    return text.replace("%", "%%") if connection.dialect.paramstyle in ("format", "pyformat") else text


def quoted_alone(connection: Any, name: str) -> str:
    """The same in a statement that a driver gets without values, in which % means nothing."""
    text: str = connection.dialect.identifier_preparer.quote_identifier(name)
    return text


def sql_type(connection: Any, kind: str) -> str:
    """The type of a column of that kind."""
    dialect = connection.dialect
    if dialect.name == "mysql" and kind == "symbol":
        # Without padding, or `A` and `A ` were one.
        collation = "utf8mb4_nopad_bin" if dialect.is_mariadb else "utf8mb4_0900_bin"
        return f"VARCHAR({LONGEST_SYMBOL}) CHARACTER SET utf8mb4 COLLATE {collation}"
    return _TYPES[dialect.name][kind]


def definition(connection: Any, columns: Sequence[Column], key: Sequence[str] = ()) -> str:
    """What follows a table's name where it is made: `(symbol TEXT NOT NULL, ...)`."""
    lines = [
        f"{quoted(connection, one.name)} {sql_type(connection, one.kind)}{' NOT NULL' if one.required else ' NULL'}"
        for one in columns
    ]
    if key:
        lines.append(f"PRIMARY KEY ({', '.join(quoted(connection, name) for name in key)})")
    return f"({', '.join(lines)})"


def create(connection: Any, name: str, columns: Sequence[Column], key: Sequence[str]) -> None:
    """Makes a table unless it is there."""
    ends = {"sqlite": " WITHOUT ROWID", "mysql": " ENGINE=InnoDB"}
    text = f"CREATE TABLE IF NOT EXISTS {quoted(connection, name)} {definition(connection, columns, key)}"
    connection.exec_driver_sql(text + ends.get(connection.dialect.name, ""))


def exists(connection: Any, name: str) -> bool:
    """Whether there is a table, or a view, of that name."""
    from sqlalchemy import inspect

    found: bool = inspect(connection).has_table(name)
    return found


def _first(connection: Any, table: str) -> None:
    create(connection, table, BARS, ("symbol", "ts"))
    create(connection, f"{table}_watermarks", WATERMARKS, ("symbol",))
    create(connection, f"{table}_loads", LOADS, ("load_id",))


#: The time between bars, in the words of a load before it was a column.
_INTERVAL = re.compile(r"(?:yfinance|generator|inputs of) ([0-9]+[a-z]+)[ :]")


def _with_intervals(connection: Any, table: str) -> None:
    """Loads know the time between their bars, which was in their words; `puts` is called what it counts."""
    loads, there = quoted(connection, f"{table}_loads"), _columns_of(connection, f"{table}_loads")
    if "puts" in there:
        connection.exec_driver_sql(f"ALTER TABLE {loads} RENAME COLUMN puts TO transactions")
    if "interval_ns" not in there:
        connection.exec_driver_sql(f"ALTER TABLE {loads} ADD COLUMN interval_ns BIGINT NULL")
    for number, asked in connection.exec_driver_sql(f"SELECT load_id, asked FROM {loads}").fetchall():
        with suppress(UsageError):  # words that name a span in ns, which no option takes
            if found := _INTERVAL.match(asked):
                span = parse_duration(found[1])
                connection.exec_driver_sql(f"UPDATE {loads} SET interval_ns = {span} WHERE load_id = {number}")


def _columns_of(connection: Any, table: str) -> set[str]:
    from sqlalchemy import inspect

    return {one["name"] for one in inspect(connection).get_columns(table)}


#: What leads from each layout to the next; each may be repeated after it was broken off.
MIGRATIONS: list[Callable[[Any, str], None]] = [_first, _with_intervals]


def layout_of(connection: Any, place: Place) -> int | None:
    """The layout of windrow's tables; None where there are none. Raises InputError for a later windrow's."""
    if not exists(connection, f"{place.table}_version"):
        return None
    found = connection.exec_driver_sql(f"SELECT layout FROM {quoted(connection, f'{place.table}_version')}").scalar()
    if found is not None and found > len(MIGRATIONS):
        raise InputError(
            f"{place.uri}: has the layout {found} of a later windrow, and this one knows"
            f" {len(MIGRATIONS)}; update windrow"
        )
    return found or 0


def prepare(connection: Any, place: Place) -> None:
    """Makes windrow's tables, or brings them to this layout, and commits. One process at a time may do so.

    Raises InputError where a table of that name is there that is not windrow's.
    """
    layout = layout_of(connection, place)
    if layout is None and exists(connection, place.table):
        raise InputError(
            f"{place.uri}: is a table that windrow collect has not made, and would change; give another"
            " name by ?table=NAME"
        )
    version = quoted(connection, f"{place.table}_version")
    if not layout:
        create(connection, f"{place.table}_version", VERSION, ("id",))
        if connection.exec_driver_sql(f"SELECT layout FROM {version}").scalar() is None:
            connection.exec_driver_sql(f"INSERT INTO {version} (id, layout, changes) VALUES (1, 0, 0)")
    for number in range(layout or 0, len(MIGRATIONS)):
        MIGRATIONS[number](connection, place.table)
        connection.exec_driver_sql(f"UPDATE {version} SET layout = {number + 1}, changes = changes + 1")
    connection.commit()


def changes_of(connection: Any, table: str) -> int:
    """The number that every change of windrow's bars raises; two snapshots that have the same are the same."""
    name = quoted(connection, f"{table}_version")
    return int(connection.exec_driver_sql(f"SELECT changes FROM {name}").scalar_one())
