"""Rows from arrow's columns into a table, by way of a temporary one: the way that each database is quickest at.

MariaDB reads them by LOAD DATA LOCAL into a table of Aria, MySQL into one of InnoDB, PostgreSQL by COPY, SQLite by
INSERT. LOAD DATA warns where INSERT would fail, and a warning here is an error; rows are counted.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from windrow.errors import OutputError
from windrow.storage.private import private
from windrow.storage.sql.schema import LONGEST_SYMBOL, Column, definition, quoted_alone

#: The temporary table, which only its connection sees.
STAGE = "windrow_stage"
#: MySQL's numbers of a key that is there, and of a connection that is lost.
_DUPLICATE, _LOST = 1062, 2013
_ARROW = {
    "symbol": pa.string(), "text": pa.string(), "float": pa.float64(), "int": pa.int64(), "time": pa.timestamp("us"),
}  # fmt: skip


def stage(connection: Any, columns: Sequence[Column], rows: pa.Table) -> None:
    """Puts rows into the temporary table, in their order; in the key's order they are merged quickest.

    `rows` has the columns by name, times in UTC; what is null becomes NULL, an empty text too in MariaDB and MySQL.
    Raises OutputError for a value that no database keeps: NaN and infinity, a symbol of more than 64 characters, a time
    with nanoseconds.
    """
    rows = _checked(columns, rows)
    _renew(connection, columns)
    _written(connection, STAGE, columns, rows, {})


def append(
    connection: Any, table: str, columns: Sequence[Column], rows: pa.Table, given: Mapping[str, int | str]
) -> None:
    """Puts rows into `table` that are known not to be there, at once: half the work of a stage and a merge.

    `given` has columns of one value. Raises InputError or OutputError for a row whose key is there.
    """
    _written(connection, table, columns, _checked(columns, rows), given)


def _written(
    connection: Any, table: str, columns: Sequence[Column], rows: pa.Table, given: Mapping[str, int | str]
) -> None:
    write = {"sqlite": _insert, "mysql": _load, "postgresql": _copy}[connection.dialect.name]
    if not connection.in_transaction():  # the driver's cursor begins none that SQLAlchemy would know
        connection.begin()
    found = write(connection, quoted_alone(connection, table), columns, rows, given)
    if found != rows.num_rows:
        raise OutputError(f"{found:,} of {rows.num_rows:,} rows reached the database; check its log")


def merge(
    connection: Any,
    table: str,
    columns: Sequence[Column],
    key: Sequence[str],
    given: Mapping[str, int | str] | None = None,
) -> None:
    """Puts what is in the temporary table into `table`: rows of a key that is there take that row's place.

    `given` has columns of one value that are not staged: of the key, or such as a row gets where it is new or any other
    value of it differs.
    """
    from sqlalchemy import text as statement

    given = given or {}
    names = [_escaped(connection, one.name) for one in columns]
    others = [_escaped(connection, one.name) for one in columns if one.name not in key]
    own = [_escaped(connection, name) for name in given if name not in key]
    into = ", ".join([*names, *(_escaped(connection, name) for name in given)])
    values = {f"given_{number}": value for number, value in enumerate(given.values())}
    selected = ", ".join([*names, *(f":{name}" for name in values)])
    target = _escaped(connection, table)
    # `WHERE true`: SQLite would take ON for a join's.
    text = f"INSERT INTO {target} ({into}) SELECT {selected} FROM {STAGE} WHERE true"
    if connection.dialect.name == "mysql":
        text += f" ON DUPLICATE KEY UPDATE {_mysql_updates(target, others, own)}"
    else:
        conflict = ", ".join(_escaped(connection, name) for name in key)
        sets = ", ".join(f"{name} = excluded.{name}" for name in [*others, *own])
        differs = distinct(connection, others, target, "excluded")
        text += f" ON CONFLICT ({conflict}) DO " + (f"UPDATE SET {sets} WHERE {differs}" if others else "NOTHING")
    connection.execute(statement(text), values)


def _escaped(connection: Any, name: str) -> str:
    """A name in a statement of SQLAlchemy's `text`, to which a colon begins a value's."""
    return quoted_alone(connection, name).replace(":", "\\:")


def distinct(connection: Any, names: Sequence[str], one: str, other: str) -> str:
    """The condition that any of these columns, quoted, differ between two tables; two NULLs are equal."""
    form = {
        "mysql": "NOT ({one}.{name} <=> {other}.{name})",
        "sqlite": "{one}.{name} IS NOT {other}.{name}",
        "postgresql": "{one}.{name} IS DISTINCT FROM {other}.{name}",
    }[connection.dialect.name]
    return f"({' OR '.join(form.format(name=name, one=one, other=other) for name in names) or '1 = 0'})"


def _mysql_updates(target: str, others: Sequence[str], own: Sequence[str]) -> str:
    """Assignments in order: those that ask whether the others differ come before these."""
    same = " AND ".join(f"{target}.{name} <=> VALUES({name})" for name in others) or "true"
    kept = [f"{name} = IF({same}, {target}.{name}, VALUES({name}))" for name in own]
    return ", ".join([*kept, *(f"{name} = VALUES({name})" for name in others)]) or f"{own[0]} = {own[0]}"


def _renew(connection: Any, columns: Sequence[Column]) -> None:
    """A fresh temporary table: emptying one would commit, or is slow."""
    shape = definition(connection, columns)
    if connection.dialect.name == "mysql" and connection.dialect.is_mariadb:
        connection.exec_driver_sql(
            f"CREATE OR REPLACE TEMPORARY TABLE {STAGE} {shape} ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=DYNAMIC"
        )
        return
    temporary = {"sqlite": f"temp.{STAGE}"}.get(connection.dialect.name, STAGE)
    connection.exec_driver_sql(
        f"DROP {'TEMPORARY ' if connection.dialect.name == 'mysql' else ''}TABLE IF EXISTS {temporary}"
    )
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE {STAGE} {shape}")


def _checked(columns: Sequence[Column], rows: pa.Table) -> pa.Table:
    """The rows in the types and the order of the columns. Raises OutputError."""
    try:
        table = pa.table({one.name: rows[one.name].cast(_ARROW[one.kind]) for one in columns})
    except pa.ArrowInvalid as error:
        raise OutputError(
            f"a row cannot be kept in a database: {error}; its times have microseconds at most; cut them to these"
        ) from None
    for one in columns:
        column = table[one.name]
        if one.kind == "float" and pc.all(pc.is_finite(column)).as_py() is False:
            raise OutputError(f"{one.name}: has NaN or infinity, which no database keeps; leave such rows out")
        if one.kind == "symbol" and (pc.max(pc.utf8_length(column)).as_py() or 0) > LONGEST_SYMBOL:
            raise OutputError(
                f"{one.name}: a symbol has more than {LONGEST_SYMBOL} characters, the most that a table keeps; give it"
                " a shorter name"
            )
    return table


def _insert(
    connection: Any, table: str, columns: Sequence[Column], rows: pa.Table, given: Mapping[str, int | str]
) -> int:
    names = [quoted_alone(connection, name) for name in [*(one.name for one in columns), *given]]
    values = [
        (column.cast(pa.int64()) if one.kind == "time" else column).to_pylist()
        for one, column in zip(columns, rows.columns, strict=True)
    ]
    values += [[value] * rows.num_rows for value in given.values()]
    cursor = connection.connection.driver_connection.cursor()
    text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    cursor.executemany(text, zip(*values, strict=True))
    return int(cursor.rowcount)


def _copy(
    connection: Any, table: str, columns: Sequence[Column], rows: pa.Table, given: Mapping[str, int | str]
) -> int:
    names = [quoted_alone(connection, name) for name in [*(one.name for one in columns), *given]]
    for name, value in given.items():
        rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    cursor = connection.connection.driver_connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(_text(rows))
    return int(cursor.rowcount)


def _load(
    connection: Any, table: str, columns: Sequence[Column], rows: pa.Table, given: Mapping[str, int | str]
) -> int:
    """By LOAD DATA LOCAL: of columns that are null in part, empty fields become NULL; empty columns are left out."""
    driver = connection.connection.driver_connection
    kept = [one for one in columns if rows[one.name].null_count < max(rows.num_rows, 1)]
    fields = []
    sets = [f"{quoted_alone(connection, name)} = {driver.escape(value)}" for name, value in given.items()]
    for number, one in enumerate(kept):
        name = quoted_alone(connection, one.name)
        if rows[one.name].null_count:
            fields.append(f"@f{number}")
            sets.append(f"{name} = NULLIF(@f{number}, '')")
        else:
            fields.append(name)
    with _file(_text(rows.select([one.name for one in kept]))) as name, driver.cursor() as cursor:
        # Backslashes mean nothing, quotes are doubled; a text is quoted, or one of NULL would be none.
        _sent(
            cursor,
            f"LOAD DATA LOCAL INFILE '{name}' INTO TABLE {table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','"
            " OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n'"
            f" ({', '.join(fields)}){' SET ' + ', '.join(sets) if sets else ''}",
        )
        found = int(cursor.rowcount)
        if cursor.warning_count:
            cursor.execute("SHOW WARNINGS")
            _, number, told = cursor.fetchone() or ("", 0, "it warns")
            if number == _DUPLICATE:
                raise import_module("pymysql").IntegrityError(number, told)
            raise OutputError(f"the database could not take a row as it is: {told}; correct that row")
    return found


def _sent(cursor: Any, text: str) -> None:
    """Executes what sends a file. Where the connection is lost meanwhile, PyMySQL goes on with None for a socket."""
    try:
        cursor.execute(text)
    except AttributeError:
        if cursor.connection.open:
            raise
        raise import_module("pymysql").OperationalError(_LOST, "lost while rows were sent") from None


def _text(rows: pa.Table) -> bytes:
    """The rows as CSV without a header: floats in the shortest form that reads back, texts in quotes."""
    out = BytesIO()
    csv.write_csv(rows, out, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return out.getvalue()


@contextmanager
def _file(data: bytes) -> Iterator[str]:
    """The name of a file with these bytes, in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("windrow")
        try:
            with os.fdopen(os.dup(number), "wb") as file:
                file.write(data)
            yield f"/proc/self/fd/{number}"
        finally:
            os.close(number)
        return
    from tempfile import TemporaryDirectory  # pragma: no cover

    with TemporaryDirectory(prefix="windrow-") as folder:  # pragma: no cover
        name = os.path.join(folder, "rows")
        with open(name, "wb", opener=private) as file:
            file.write(data)
        yield name.replace("\\", "\\\\").replace("'", "\\'")
