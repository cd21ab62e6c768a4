"""The rows of an answer as a table, CSV, JSON or Parquet. Names in them are data: no terminal and no spreadsheet obeys.

What is null is empty in a table and in CSV, and null in JSON and Parquet.
"""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from windrow.catalog.queries.query import Answer
from windrow.console import shown, shown_json
from windrow.errors import UsageError, escaped
from windrow.sinks.inert import inert
from windrow.storage.newfile import new_file

#: Rows whose texts decide how wide the columns of a table are.
_MEASURED = 1_000
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
#: Kinds of values that are no texts, whatever they begin with; those of all others, such as enums and JSON, may be any.
_NO_TEXTS = (*_NUMBERS, pa.types.is_boolean, pa.types.is_temporal)


def write(answer: Answer, form: str, file: Path | None, force: bool = False) -> None:
    """Writes an answer as `table`, `csv`, `json` or `parquet` to a file, which is there whole or not at all, or prints.

    Raises OutputError where the file is taken, unless `force`.
    """
    writers: dict[str, Callable[[Answer, TextIO], None]] = {
        "table": write_table,
        "csv": partial(write_csv, terminal=file is None and bool(sys.stdout) and sys.stdout.isatty()),
        "json": write_json,
    }
    if file is None:
        if sys.stdout:
            writers[form](answer, sys.stdout)
        return
    with new_file(file, force) as out:
        if form == "parquet":
            write_parquet(answer, out)
            return
        text = TextIOWrapper(out, "utf-8", newline="")
        writers[form](answer, text)
        text.flush()
        text.detach()


def write_table(answer: Answer, out: TextIO) -> None:
    """Columns side by side, numbers to the right, as wide as their first rows are; nothing is cut."""
    from rich.cells import cell_len

    names = [shown(name) for name in answer.schema.names]
    right = [any(is_of(kind) for is_of in _NUMBERS) for kind in answer.schema.types]
    lines = ([shown(_short(value)) for value in row] for row in _rows(answer))
    first = list(islice(lines, _MEASURED))
    widths = [max(map(cell_len, column)) for column in zip(names, *first, strict=True)]

    def line(cells: list[str]) -> str:
        padded = (
            f"{' ' * (width - cell_len(cell))}{cell}" if to_right else f"{cell}{' ' * (width - cell_len(cell))}"
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip() + "\n"

    out.write(line(names))
    out.write(line(["-" * width for width in widths]))
    out.writelines(map(line, chain(first, lines)))


def write_csv(answer: Answer, out: TextIO, terminal: bool = False) -> None:
    """Comma-separated, with a header; texts that are formulas are made inert by an apostrophe."""
    made: Callable[[str], str] = escaped if terminal else str
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([made(inert(name)) for name in answer.schema.names])
    texts = [not any(is_of(kind) for is_of in _NO_TEXTS) for kind in answer.schema.types]
    for row in _rows(answer):
        rows.writerow(
            [made(inert(_text(value))) if is_text else _text(value) for value, is_text in zip(row, texts, strict=True)]
        )


def write_json(answer: Answer, out: TextIO) -> None:
    """An array of objects, each on a line. Raises UsageError where two columns have one name."""
    names, before = answer.schema.names, "[\n"
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"SQL: two columns have the name {name}, and an object of JSON one; rename one, by AS")
    for row in _rows(answer):
        text = json.dumps(dict(zip(names, map(_plain, row), strict=True)), ensure_ascii=False)
        out.write(before + shown_json(text.encode()).decode())
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def write_parquet(answer: Answer, out: BinaryIO) -> None:
    """Parquet, compressed by zstd."""
    with pq.ParquetWriter(out, answer.schema, compression="zstd") as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


def _rows(answer: Answer) -> Iterator[tuple[Any, ...]]:
    for batch in answer.batches:
        columns = zip(batch.schema.names, batch.columns, strict=True)
        yield from zip(*(_values(name, column) for name, column in columns), strict=True)


def _values(name: str, column: pa.Array) -> list[Any]:
    try:
        return cast(list[Any], column.to_pylist())
    except (OverflowError, ValueError):  # DuckDB has times that Python's calendar has not, infinity among them
        raise UsageError(
            f"SQL: {name} has a time that is not in the years 1 to 9999; give it as a text, by CAST({name} AS VARCHAR)"
        ) from None


def _short(value: Any) -> str:
    """A value for eyes: a fraction to six digits, and no exponent where it is large."""
    if isinstance(value, float):
        return f"{value:.0f}" if 1e6 <= abs(value) < 1e18 else f"{value:.6g}"
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Decimal):  # all of its digits, which are more than those of a float
        digits = f"{value:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    value = _plain(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value as JSON has it: times as ISO 8601, binary as hexadecimal digits, no NaN."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if abs(value) < float("inf") else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return _time(value)
        case bytes():
            return value.hex()
        case list():
            return [_plain(one) for one in value]
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case tuple():
            return [_plain(one) for one in value]
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _time(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
