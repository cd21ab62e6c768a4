"""The columns of a table, and as what each is read: text, float, decimal, int, uint, date, time, instant or any.

A time has no zone, an instant has: MariaDB's TIMESTAMP and PostgreSQL's timestamptz, and the times of windrow's own
tables, which are UTC's. A decimal is read as text, so that no digit is lost. `any` is SQLite's: each row has a type.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from windrow.errors import InputError
from windrow.storage.sql.schema import BARS
from windrow.storage.sql.uris import Place

#: Kinds that have bounds in time.
TIMES = ("date", "time", "instant")


class Stored(NamedTuple):
    """A column of a table. `by_bytes`: whether the database compares its texts by their bytes."""

    name: str
    kind: str
    type: str
    by_bytes: bool = True
    has_unicode: bool = True


#: Stands for a value in a text of SQL: no name has it.
VALUE = "\x1a"
_MYSQL = f"""
SELECT column_name, data_type, column_type, character_set_name, collation_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = {VALUE} ORDER BY ordinal_position
"""
_POSTGRESQL = f"""
SELECT a.attname, t.typname, COALESCE(c.collname, 'C') IN ('C', 'POSIX', 'ucs_basic') FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = to_regclass(quote_ident({VALUE})) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
#: Generated columns too; 1 hides those of virtual tables.
_SQLITE = f"SELECT name, upper(type) FROM pragma_table_xinfo({VALUE}) WHERE hidden <> 1"
_KINDS = {
    "mysql": {
        "float": "float", "double": "float", "decimal": "decimal", "date": "date", "datetime": "time",
        "timestamp": "instant", "tinyint": "int", "smallint": "int", "mediumint": "int", "int": "int", "bigint": "int",
    },
    "postgresql": {
        "float4": "float", "float8": "float", "numeric": "decimal", "date": "date", "timestamp": "time",
        "timestamptz": "instant", "int2": "int", "int4": "int", "int8": "int",
    },
}  # fmt: skip
#: Types that are no bar's: bytes, and shapes on a map.
_LEFT_OUT = re.compile(r".*blob|(var)?binary|geometry|point|linestring|polygon|multi\w+|bytea|bit|BLOB")

Query = Callable[..., list[tuple[Any, ...]]]


def stored(query: Query, place: Place, is_own: bool) -> list[Stored]:
    """The columns of a table, in its order; `query` answers an SQL text with values. Raises InputError without a table.

    is_own: whether it is one of windrow's own.
    """
    find = {"sqlite": _in_sqlite, "mysql": _in_mysql, "postgresql": _in_postgresql}[place.dialect]
    found = [one for one in find(query, place.table) if not _LEFT_OUT.fullmatch(one.type)]
    if not found:
        raise InputError(
            f"{place}: has no table {place.name}, or none of its columns can be read; give its name as ?table=NAME, or"
            " fill it by: windrow collect"
        )
    times = {one.name for one in BARS if one.kind == "time"} if is_own else ()
    return [one._replace(kind="instant") if one.name in times else one for one in found]


def _in_mysql(query: Query, table: str) -> list[Stored]:
    return [
        Stored(
            _text(name),
            "uint" if kind == "int" and "unsigned" in _text(whole) else kind,
            _text(type_),
            bool(re.fullmatch(r"(utf8\w*|ascii)_\w*bin", collation or "utf8_bin")),
            charset != "ascii",
        )
        for name, type_, whole, charset, collation in query(_MYSQL, [table])
        for kind in [_KINDS["mysql"].get(_text(type_), "text")]
    ]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _in_postgresql(query: Query, table: str) -> list[Stored]:
    kinds = _KINDS["postgresql"]
    return [
        Stored(name, kinds.get(type_, "text"), type_, by_bytes) for name, type_, by_bytes in query(_POSTGRESQL, [table])
    ]


def _in_sqlite(query: Query, table: str) -> list[Stored]:
    """By the rules of SQLite's affinities: a declared type says what most values are, no value must."""
    return [Stored(name, _affinity(type_ or ""), type_ or "") for name, type_ in query(_SQLITE, [table])]


def _affinity(declared: str) -> str:
    """The kind of a column of SQLite.

    >>> [_affinity(declared) for declared in ("BIGINT", "VARCHAR(9)", "DOUBLE", "DATETIME", "")]
    ['int', 'text', 'float', 'any', 'any']
    """
    rules = (("INT", "int"), ("CHAR|CLOB|TEXT", "text"), ("REAL|FLOA|DOUB", "float"))
    return next((kind for words, kind in rules if re.search(words, declared)), "any")
