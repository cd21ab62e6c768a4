"""Outputs as tables: symbol, timestamp, and a column of float64 for each named value; key (symbol, timestamp).

A table appears with all its rows or not at all: it is filled under another name, and renamed at the end. What the job
says of its output is in the table `windrow_outputs`, so that an output here is read as one in a folder is. Times are
UTC's, in SQLite texts as in lines.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from windrow.errors import InputError, OutputError, WindrowError
from windrow.storage.sql import schema
from windrow.storage.sql.asking import Asked
from windrow.storage.sql.connection import TakenError, connected, refusing
from windrow.storage.sql.schema import Column, quoted
from windrow.storage.sql.snapshot import snapshot
from windrow.storage.sql.staging import append, merge, stage
from windrow.storage.sql.uris import Place

#: What jobs say of their outputs, by the names of these.
OUTPUTS = "windrow_outputs"
_DESCRIBED = (Column("name", "symbol", True), Column("description", "text", True))
KEY = ("symbol", "timestamp")
#: Microseconds of a day.
_DAY = 86_400 * 10**6
_FORM = "%Y-%m-%dT%H:%M:%SZ"


def refuse_taken(output: str) -> None:
    """Raises OutputError if there is a table of that name, or the database cannot be written to."""
    place = _place(output)
    file = Path(place.database)
    if place.dialect == "sqlite" and file.parent.is_dir() and not file.exists():
        return
    with _writing(place) as connection:
        if schema.exists(connection, place.table):
            raise OutputError(
                f"{output}: table {place.name} is there already; a job writes a new table only; drop it, or name"
                " another by ?table=NAME"
            )


def publish(parts: Sequence[Path], description: Path, output: str, advance: Callable[[int], object]) -> None:
    """Makes a table of parts of Parquet, all rows or none. Raises OutputError. Memory: a row group.

    `description` is the file that the job wrote of its output; `advance` takes bytes done.
    """
    place = _place(output)
    if odd := [part.name for part in parts if part.suffix != ".parquet"]:
        raise OutputError(
            f"{output}: a table has no place for {odd[0]}, which the job wrote; write a directory instead"
        )
    names = _names(parts)
    hidden = left = f"windrow_{uuid4().hex[:12]}"
    with _writing(place) as connection:
        columns = _columns(connection, names)
        schema.create(connection, hidden, columns, KEY)
        try:
            for part in parts:
                _fill(connection, hidden, columns, part, advance)
            _describe(connection, place.table, description)
            _rename(connection, hidden, place.table)
            if place.dialect == "mysql":
                left = place.table
            # Not before the name is ours: it may be another's by now, and so may what is said of it.
            merge(connection, OUTPUTS, _DESCRIBED, ("name",))
            connection.commit()
        except BaseException:
            with suppress(Exception):  # what is wrong is told already
                connection.rollback()
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {quoted(connection, left)}")
                connection.commit()
            raise


def download(output: str, folder: Path, part: str, description: str) -> None:
    """The table as the files `part`, of Parquet, and `description`, if the job's is known, of a folder."""
    place = Place.of(output)
    with snapshot(place) as found:
        names = [one.name for one in found.columns]
        if tuple(names[:2]) != KEY:
            raise InputError(
                f"{output}: is no output of a job, whose columns begin with symbol and timestamp; name a table that a"
                " job wrote with -o"
            )
        tables = list(found.read(found.columns, Asked(found.columns[0], found.columns[1])))
        if tables:
            pq.write_table(_as_output(pa.concat_tables(tables)), folder / part)
        described = _described(found.readers[0].rows, place)
    if described is not None and described.get("columns") == names[2:]:
        (folder / description).write_text(json.dumps(described) + "\n")


def _place(output: str) -> Place:
    """Where an output goes. Raises OutputError for a URI that chooses rows, or names a table of windrow's own use."""
    try:
        place = Place.of(output)
    except InputError as error:
        raise OutputError(str(error)) from None
    if place.where or place.table.lower().startswith("windrow_"):
        what = "has where=, which chooses rows to read" if place.where else "names a table of windrow's own use"
        raise OutputError(f"{output}: {what}; give the name of a new table, as ?table=averages")
    return place


@contextmanager
def _writing(place: Place) -> Iterator[Any]:
    """A connection that writes. What the database refuses is an OutputError."""
    try:
        with connected(place, writes=True) as connection, refusing(place):
            yield connection
    except TakenError:
        raise OutputError(
            f"{place.uri}: a row has the symbol and time of another, and a table keeps one of each;"
            " write a directory instead"
        ) from None
    except InputError as error:
        raise OutputError(str(error)) from None


def _names(parts: Sequence[Path]) -> list[str]:
    """The columns of values. Raises OutputError for names that a database takes for the same."""
    names = [name for name in pq.read_schema(parts[0]).names if name not in KEY]
    lower = [name.lower() for name in (*KEY, *names)]
    if twice := [name for name in names if lower.count(name.lower()) > 1]:
        raise OutputError(
            f"column {twice[0]}: another has that name but for the case of letters, which databases do not tell apart;"
            " ask for one of them, or write files"
        )
    return names


def _columns(connection: Any, names: Sequence[str]) -> list[Column]:
    kind = "text" if connection.dialect.name == "sqlite" else "time"
    key = [Column("symbol", "symbol", True), Column("timestamp", kind, True)]
    return [*key, *(Column(name, "float") for name in names)]


def _fill(connection: Any, table: str, columns: Sequence[Column], part: Path, advance: Callable[[int], object]) -> None:
    """Puts the rows of a part into the table."""
    with pq.ParquetFile(part) as file:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number)
            group = group.set_column(0, "symbol", group["symbol"].cast(pa.string()))
            group = group.set_column(1, "timestamp", _times(group["timestamp"], columns[1].kind))
            append(connection, table, columns, group, {})
            advance(part.stat().st_size // file.num_row_groups)


def _times(times: Any, kind: str) -> Any:
    """Times as a column of that kind has them; in texts as in lines, fractions of seconds only where there are any."""
    if pa.types.is_date(times.type):
        return times.cast(pa.string()) if kind == "text" else times.cast(pa.timestamp("us"))
    try:
        plain = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        raise OutputError(
            "a time has nanoseconds, and a table's have microseconds at most; cut them to these, or write a directory"
        ) from None
    if kind != "text":
        return plain.cast(pa.timestamp("us"))
    whole = pc.equal(pc.subtract(plain, pc.multiply(pc.divide(plain, 10**6), 10**6)), 0)
    exact, short = (pc.strftime(plain.cast(pa.timestamp("us")), _FORM), pc.strftime(_seconds(plain), _FORM))
    return pc.if_else(whole, short, exact)


def _seconds(plain: Any) -> Any:
    return pc.divide(plain, 10**6).cast(pa.timestamp("s"))


def _describe(connection: Any, table: str, description: Path) -> None:
    """Makes ready what is said of the table, in the staging table."""
    schema.create(connection, OUTPUTS, _DESCRIBED, ("name",))
    text = description.read_text() if description.is_file() else "{}"
    stage(connection, _DESCRIBED, pa.table({"name": [table], "description": [text]}))


def _rename(connection: Any, hidden: str, table: str) -> None:
    """Gives the table its name; MariaDB and MySQL commit that at once."""
    if connection.dialect.name == "mysql":
        connection.commit()
    connection.exec_driver_sql(f"ALTER TABLE {quoted(connection, hidden)} RENAME TO {quoted(connection, table)}")


def _described(rows: Callable[..., list[tuple[Any, ...]]], place: Place) -> dict[str, Any] | None:
    """What a job said of its output; None if that is not known."""
    from windrow.storage.sql.stored import VALUE

    with connected(place) as connection:
        if not schema.exists(connection, OUTPUTS):
            return None
    found = rows(f"SELECT description FROM {OUTPUTS} WHERE name = {VALUE}", [place.table])
    with suppress(ValueError, WindrowError):
        told = json.loads(found[0][0]) if found else None
        return told if isinstance(told, dict) else None
    return None


def _as_output(table: pa.Table) -> pa.Table:
    """The rows as jobs write them: dates, or times in UTC, and values as float64."""
    times = table["timestamp"]
    if pa.types.is_string(times.type):
        dated = pc.all(pc.equal(pc.utf8_length(times), 10)).as_py()
        times = times.cast(pa.date32()) if dated else pc.replace_substring(times, "Z", "").cast(pa.timestamp("us"))
    if pa.types.is_timestamp(times.type):
        plain = times.cast(pa.timestamp("us", times.type.tz)).cast(pa.int64())
        dated = pa.types.is_string(table["timestamp"].type) is False and _are_days(plain)
        times = plain.cast(pa.timestamp("us")).cast(pa.date32()) if dated else plain.cast(pa.timestamp("us", "UTC"))
    values = {name: table[name].cast(pa.float64()) for name in table.column_names[2:]}
    return pa.table({"symbol": table["symbol"].dictionary_encode(), "timestamp": times, **values}).combine_chunks()


def _are_days(plain: Any) -> bool:
    rest = pc.subtract(plain, pc.multiply(pc.divide(plain, _DAY), _DAY))
    return bool(pc.all(pc.equal(rest, 0)).as_py())
