"""One SELECT over the snapshots of a place: it reads them, and can neither write nor read anything else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa

from windrow.catalog.queries.relations import NAMES, locked, opened, require_duckdb
from windrow.errors import UsageError, WindrowError

#: Rows of an answer that are in memory at a time.
_ROWS = 10_000


class Answer(NamedTuple):
    """The rows that a query answers, in batches."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def asked(place: str, sql: str, day: date | None = None) -> Iterator[Answer]:
    """The answer to one SELECT, as of a day, by default the last; its batches are read in this block.

    `sql` may also be the name of a view. Raises UsageError, InputError.
    """
    require_duckdb("windrow catalog query")
    _refuse_other_bytes(sql)
    sql = f"from {sql.strip()}" if sql.strip().casefold() in NAMES else sql
    with opened(place, _named(sql), day) as connection:
        with _refusing():
            reader = connection.sql(sql).to_arrow_reader(_ROWS)
        yield Answer(reader.schema, _batches(reader))


def _refuse_other_bytes(sql: str) -> None:
    try:
        sql.encode()
    except UnicodeEncodeError:
        raise UsageError(f"SQL: {sql!r} has bytes that are no text in UTF-8; write it in UTF-8") from None


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    with _refusing():
        yield from reader


def _named(sql: str) -> frozenset[str]:
    """The names of ours in one SELECT; all, where there are none, for it may ask for names. Raises UsageError."""
    import duckdb

    with TemporaryDirectory(prefix="windrow-") as folder, locked(Path(folder)) as connection, _refusing():
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            how = f"has {len(statements)} statements" if statements else "is empty"
            raise UsageError(f"SQL: {how}, but one SELECT is answered at a time; write one, e.g. FROM storage")  # noqa: S608
        if statements[0].type != duckdb.StatementType.SELECT:
            kind = str(statements[0].type).rpartition(".")[2]
            raise UsageError(
                f"SQL: is a statement of the kind {kind}, but snapshots are only read; write one SELECT (or FROM, WITH,"
                " VALUES, DESCRIBE, SUMMARIZE; PIVOT with its values, by IN)"
            )
        try:
            found = connection.get_table_names(sql)
        except duckdb.BinderException:  # it looks for columns, which the connection does not know
            found = set(re.findall(r"\w+", sql))
    return NAMES & {name.rpartition(".")[2].strip('"').casefold() for name in found} or NAMES


@contextmanager
def _refusing() -> Iterator[None]:
    """Raises what DuckDB says as a UsageError, in one sentence."""
    import duckdb

    try:
        yield
    except duckdb.PermissionException as error:
        raise UsageError(
            f"SQL: {_sentence(error)}; a query reads the snapshots and nothing else; leave out what else it reads"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise WindrowError(f"SQL: {_sentence(error)}; ask for fewer columns, or fewer days") from error
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # the system's; arrow gives DuckDB's errors no number
            raise
        raise UsageError(
            f"SQL: {_sentence(error)}; correct it; without SQL, `windrow catalog query` lists what can be asked"
        ) from error


def _sentence(error: Exception) -> str:
    """What DuckDB says, without the lines of SQL below it."""
    text = " ".join(str(error).partition("\n\n")[0].split())
    return text.rstrip("!?.;")
