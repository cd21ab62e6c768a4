"""Parts of outputs that are read by the names of their fields: of text, CSV or Parquet, the same frame."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import SEEK_END
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from sort_keys.keys import decode_symbol
from windrow.errors import InputError
from windrow.sinks.crosses import TEXT_FIELDS
from windrow.sinks.fields import SYMBOL, TIME, UNDEFINED, WRITTEN_BY, Field
from windrow.sinks.inert import original
from windrow.storage.compressed import for_arrow, is_compressed, is_empty, open_part, plain_name
from windrow.storage.open import is_parquet
from windrow.trading.figures import TIMES

_TYPES = {"number": pa.float64(), "count": pa.int64()}


def is_csv(part: Path) -> bool:
    """Whether a part is of CSV, by its name."""
    return plain_name(part.name).endswith(".csv")


def read_fields(parts: Sequence[Path], fields: Sequence[Field]) -> pd.DataFrame:
    """The rows of parts, sorted by symbol, then by the first of the times, of entries by the first.

    An empty time is the earliest. Raises InputError for other files.
    """
    names = [field.name for field in fields]
    tables = [_table(part, fields) for part in parts]
    # What an empty part of text has for times is of no time zone.
    filled = [(part, table) for part, table in zip(parts, tables, strict=True) if len(table)]
    filled = filled or [(parts[0], tables[0])]
    by = [names[0], *[field.name for field in fields if field.kind == "time"][:1]]
    frame = pd.concat([_frame(part, table, fields) for part, table in filled])
    return frame[names].sort_values(by, kind="stable", ignore_index=True, na_position="first")


def holds_entries(part: Path, fields: Sequence[Field]) -> bool:
    """Whether a part's lines are objects of JSON with these entries, or a table of them."""
    names = [field.name for field in fields]
    if is_parquet(part.name):
        with _undamaged(part):
            schema = pq.read_schema(part)
        return schema.names == names and WRITTEN_BY.items() <= (schema.metadata or {}).items()
    with open_part(part) as file:
        first = file.readline()
    return first == f"{','.join(names)}\n".encode() if is_csv(part) else first.startswith(b'{"%b":' % names[0].encode())


def fields_in(part: Path) -> list[Field] | None:
    """The fields of a part of CSV or Parquet that has times; None of one of figures."""
    names = pq.read_schema(part).names if is_parquet(part.name) else _header(part)
    if names[:2] != [SYMBOL.name, TIME.name]:
        return None
    return [SYMBOL, TIME, *(Field(name, "text" if name in TEXT_FIELDS else "number") for name in names[2:])]


def figures_in(part: Path) -> Iterator[dict[str, Any]]:
    """The figures in a part of CSV or Parquet, a row of a dict each."""
    table = _parquet(part) if is_parquet(part.name) else _inferred(part)
    names = table.column_names
    texts = [table.column(name).cast(pa.string()) if name.endswith(TIMES) else table.column(name) for name in names]
    for row in zip(*(column.to_pylist() for column in texts), strict=True):
        told = dict(zip(names, row, strict=True))
        yield {
            name: _value(value, is_csv(part), plain=name == SYMBOL.name)
            for name, value in told.items()
            if value is not None or not name.endswith(UNDEFINED)
        }


def _value(value: Any, from_csv: bool, plain: bool) -> Any:
    """A cell's value: what was an object or a list is one again, unless it is a plain text."""
    if not isinstance(value, str):
        return value
    if not plain and value[:1] in ("{", "["):
        return orjson.loads(value)
    return original(value) if from_csv else value


def _header(part: Path) -> list[str]:
    with open_part(part) as file:
        return list(pa_csv.read_csv(pa.BufferReader(file.readline()), _reading(part)).column_names)


def _reading(part: Path) -> pa_csv.ReadOptions:
    if is_csv(part) and is_empty(part):
        raise InputError(f"{part}: is empty, but a part has a header; copy the whole output again")
    return pa_csv.ReadOptions()


def _inferred(part: Path) -> pa.Table:
    table = _with_texts(part, {name for name in _header(part) if name == SYMBOL.name or name.endswith(UNDEFINED)})
    if times := {field.name for field in table.schema if pa.types.is_temporal(field.type)}:  # texts, as in lines
        table = _with_texts(part, times.union(field.name for field in table.schema if pa.types.is_string(field.type)))
    symbols = pa.array([text or "" for text in table.column(SYMBOL.name).to_pylist()], pa.string())
    return table.set_column(0, SYMBOL.name, symbols)


def _with_texts(part: Path, texts: Iterable[str]) -> pa.Table:
    """A part's columns, of which these are texts, and others what their values look like."""
    how = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(texts, pa.string()),
        null_values=[""],
        true_values=["true"],
        false_values=["false"],
        strings_can_be_null=True,
    )
    _check_end(part)
    with for_arrow(part) as text, _undamaged(part):
        return pa_csv.read_csv(text, parse_options=pa_csv.ParseOptions(newlines_in_values=True), convert_options=how)


@contextmanager
def _undamaged(part: Path) -> Iterator[None]:
    """Raises InputError for a part that cannot be read."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise _damaged(part, str(error)) from error


def _damaged(part: Path, why: str) -> InputError:
    return InputError(f"{part}: it is truncated or damaged ({why}); copy the whole output again")


def _check_end(part: Path) -> None:
    """Raises InputError where lines end within one, of which a number may be left that looks whole."""
    if is_compressed(part.name):
        return  # it has an end of its own
    with part.open("rb") as file:
        file.seek(-1, SEEK_END)
        if file.read() != b"\n":
            raise _damaged(part, "its last line has no end")


def _table(part: Path, fields: Sequence[Field]) -> pa.Table:
    """The columns of a part: texts and times of lines as texts."""
    names = [field.name for field in fields]
    table = _parquet(part) if is_parquet(part.name) else _lines(part, fields)
    if table.column_names != names:
        raise InputError(
            f"{part}: its columns are {', '.join(table.column_names)}, and not {', '.join(names)}; use a part that"
            " a job wrote"
        )
    return table


def _parquet(part: Path) -> pa.Table:
    with _undamaged(part):
        return pq.ParquetFile(part, page_checksum_verification=True).read()


def _lines(part: Path, fields: Sequence[Field]) -> pa.Table:
    types = {field.name: _TYPES.get(field.kind, pa.string()) for field in fields}
    how = pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False)
    reading, parsing = _reading(part), pa_csv.ParseOptions(newlines_in_values=True)
    if not is_csv(part):
        if is_empty(part):
            return pa.table({name: pa.array([], kind) for name, kind in types.items()})
        if fields[0].kind == "entry":
            return _entries(part, types)
        reading = pa_csv.ReadOptions(column_names=[field.name for field in fields])
        parsing = pa_csv.ParseOptions(delimiter="\t", quote_char=False)
    _check_end(part)
    with for_arrow(part) as text, _undamaged(part):
        return pa_csv.read_csv(text, reading, parsing, how)


def _entries(part: Path, types: Mapping[str, pa.DataType]) -> pa.Table:
    """The entries of lines of JSON."""
    _check_end(part)
    try:
        with open_part(part) as lines:
            rows = [orjson.loads(line) for line in lines]
        return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(part, str(error)) from error


def _frame(part: Path, table: pa.Table, fields: Sequence[Field]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for field in fields:
        column = table.column(field.name)
        if field.kind == "time":
            columns[field.name] = _moments(part, column)
        elif field.kind in ("symbol", "text", "entry"):
            columns[field.name] = pd.Series([_read(text, field, part) for text in column.to_pylist()], dtype=str)
        else:
            columns[field.name] = column.to_numpy()
    return pd.DataFrame(columns)


def _read(text: str, field: Field, part: Path) -> str:
    if is_csv(part):
        return original(text)
    return decode_symbol(text.encode()) if field.kind == "symbol" and not is_parquet(part.name) else text


def _moments(part: Path, column: pa.ChunkedArray) -> Any:
    if not pa.types.is_string(column.type):
        return column.cast(pa.timestamp("ns", getattr(column.type, "tz", None))).to_pandas().array
    texts = column.to_pylist()
    try:
        zoned = next(filter(None, texts), "").endswith("Z")
        return pd.to_datetime(pd.Index(texts), format="ISO8601", utc=zoned).as_unit("ns")
    except ValueError as error:
        raise InputError(f"{part}: it is not the output of a job ({error}); use a part that a job wrote") from error
