"""Lines of text -> tables with names: CSV with a header, or Parquet with types.

A job's lines have no names: SYMBOL <tab> TIME <tab> VALUE..., SYMBOL <tab> JSON, or JSON alone. What their fields are
is said once, by the module that writes the lines, so that whatever it writes can be a table, and be read again by name:

    csv        a header; symbols as they are, quoted where that is needed, and inert for spreadsheets (inert.py)
    parquet    text, times (dates where the run's times are dates), float64, int64, booleans

Figures, which are objects of JSON, are a column each; those of an object within become columns whose names begin with
its name. A job that says which there are has the same columns in all parts, whatever their lines have. What it does not
name is a column of the parts whose lines have it, so lines wait in a file until all are known.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints
from windrow.sinks import Write
from windrow.sinks.fields import SYMBOL, UNDEFINED, WRITTEN_BY, Field, Kind, WriteLines, flat
from windrow.sinks.inert import kept
from windrow.sinks.lines import format_lines
from windrow.times import parse_times
from windrow.trading.figures import COUNTS, TIMES

#: Lines of a row group; of entries, which may be long, fewer.
_ROWS, _ROWS_OF_ENTRIES = 1 << 16, 1 << 12
#: Fields that spreadsheets may take for formulas.
_TEXTS = ("symbol", "text", "entry")


@contextmanager
def line_table(file: BinaryIO, fields: Sequence[Field], form: str, dated: bool) -> Iterator[WriteLines]:
    r"""Writes lines into a file as a table, which is complete when the `with` block has ended.

    >>> from io import BytesIO
    >>> from windrow.sinks.fields import TIME
    >>> file = BytesIO()
    >>> with line_table(file, (SYMBOL, TIME, Field("price")), "csv", dated=True) as write:
    ...     write(b"@a%09b\t2008-03-05\t37.485\n")
    >>> file.getvalue()
    b"symbol,timestamp,price\n'@a\tb,2008-03-05,37.485\n"
    """
    if fields[-1].kind == "figures":
        with TemporaryFile() as waiting:
            yield waiting.write
            _write_figures(waiting, file, fields[-1].figures, form, dated)
        return
    with _rows(file, fields, form, dated) as add:

        def write(lines: bytes | memoryview) -> None:
            for line in bytes(lines).splitlines():
                add(_cells(line, fields))

        yield write


def _cells(line: bytes, fields: Sequence[Field]) -> list[str]:
    """The texts of a line's fields."""
    if fields[0].kind == "entry":
        told = orjson.loads(line)
        return [told[field.name] for field in fields]
    return [
        decode_symbol(text) if field.kind == "symbol" else text.decode()
        for text, field in zip(line.split(b"\t"), fields, strict=True)
    ]


@contextmanager
def csv_sink(file: BinaryIO, names: Sequence[str], dated: bool) -> Iterator[Write]:
    """Writes results as CSV: a header, then symbol, timestamp and values."""
    file.write(_csv_line(["symbol", "timestamp", *names]))

    def write(stretch: Stretch, index: Ints, columns: Sequence[Floats]) -> None:
        symbols = [_csv_line([kept(decode_symbol(symbol))]).rstrip(b"\n") for symbol in stretch.symbols]
        # A tab of a symbol is none between fields: a byte that no UTF-8 has stands for it.
        clear = [symbol.replace(b"\t", b"\xff") for symbol in symbols]
        for lines in format_lines(stretch._replace(symbols=clear), index, columns, dated):
            file.write(bytes(lines).replace(b"\t", b",").replace(b"\xff", b"\t"))

    yield write


def _csv_line(cells: Iterable[str]) -> bytes:
    r"""A line of CSV: of a cell with a CR all are in quotes, for readers take it for a line's end, and Python does not.

    >>> _csv_line(["a,b", "c"]), _csv_line(["a\rb", "c"])
    (b'"a,b",c\n', b'"a\rb","c"\n')
    """
    line, row = StringIO(), list(cells)
    returns = any("\r" in cell for cell in row)
    csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL).writerow(row)
    return line.getvalue().encode()


@contextmanager
def _rows(file: BinaryIO, fields: Sequence[Field], form: str, dated: bool) -> Iterator[Callable[[list[Any]], object]]:
    """Takes rows, a text for each field, empty for nothing."""
    if form == "csv":
        file.write(_csv_line(field.name for field in fields))
        texts = [field.kind in _TEXTS for field in fields]
        yield lambda row: file.write(
            _csv_line(kept(cell) if is_text else cell for cell, is_text in zip(row, texts, strict=True))
        )
        return
    import pyarrow.parquet as pq

    waiting: list[list[Any]] = []
    kinds, most = _kinds(dated, form), _ROWS_OF_ENTRIES if fields[0].kind == "entry" else _ROWS
    schema = pa.schema([(field.name, kinds[field.kind]) for field in fields], WRITTEN_BY)
    with pq.ParquetWriter(file, schema, compression="snappy", write_page_checksum=True) as writer:

        def flush() -> None:
            columns = zip(*waiting, strict=True)
            arrays = [_array(column, field, schema) for column, field in zip(columns, fields, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            waiting.clear()

        def add(row: list[Any]) -> None:
            waiting.append(row)
            if len(waiting) == most:
                flush()

        yield add
        if waiting:
            flush()


def _kinds(dated: bool, form: str) -> dict[Kind, pa.DataType]:
    time = pa.date32() if dated else pa.timestamp("ns" if form == "parquet-ns" else "us", "UTC")
    text = pa.string()
    numbers: dict[Kind, pa.DataType] = {"number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    return {"symbol": text, "text": text, "entry": text, "time": time, **numbers}


_READ: dict[Kind, Callable[[str], Any]] = {
    "number": float, "count": int, "flag": lambda text: text == "true",
}  # fmt: skip


def _array(column: Sequence[str], field: Field, schema: pa.Schema) -> pa.Array:
    kind = schema.field(field.name).type
    if field.kind == "time":
        return _times(column).cast(kind)
    if field.kind in ("symbol", "entry"):
        return pa.array(column, kind)
    read = _READ.get(field.kind, str)
    return pa.array([read(text) if text else None for text in column], kind)


def _times(texts: Sequence[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    parsed = parse_times(np.frombuffer(b"".join(encoded), np.uint8), np.cumsum([0, *map(len, encoded)]))
    return pa.array(parsed.ns, pa.int64(), mask=~parsed.ok).cast(pa.timestamp("ns", "UTC"))


# Figures.


def _write_figures(waiting: BinaryIO, file: BinaryIO, known: Mapping[str, Any], form: str, dated: bool) -> None:
    kinds = {name: _kind_known(name, value) for name, value in flat(dict(known)).items()}
    found: dict[str, set[type]] = {}
    for _, row in _figures(waiting):
        for name, value in row.items():
            if name not in kinds:
                found.setdefault(name, set()).add(type(value))
    kinds |= {name: _kind_found(name, types - {type(None)}) for name, types in found.items()}
    fields = [Field(name, kinds[name]) for name in sorted(kinds, key=lambda name: name == UNDEFINED)]
    with _rows(file, [SYMBOL, *fields], form, dated) as add:
        for symbol, row in _figures(waiting):
            add([symbol, *(_text(row.get(field.name), field.kind) for field in fields)])


def _figures(waiting: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    waiting.seek(0)
    for line in waiting:
        symbol, _, told = line.partition(b"\t")
        yield decode_symbol(symbol), flat(orjson.loads(told))


def _kind_known(name: str, value: Any) -> Kind:
    """Of a figure of which a job says what it may be."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "count"
    return _kind_found(name, {type(value)} - {type(None)})


def _kind_found(name: str, types: set[type]) -> Kind:
    """Of a figure: by its name where that says it, as parts must agree, and else by its values in a part."""
    if name.endswith(TIMES):
        return "time"
    if types == {bool}:
        return "flag"
    if types <= {int, float, bool}:  # of all symbols it is counted what one symbol has or has not
        return "count" if float not in types and name.endswith(COUNTS) else "number"
    return "text"


def _text(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind in ("number", "count") and isinstance(value, bool):
        value = int(value)
    return value if isinstance(value, str) else orjson.dumps(value).decode()
