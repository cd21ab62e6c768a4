"""The outputs of jobs, and the bars that they read, as pandas DataFrames: for notebooks, plots and tests."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from sort_keys.keys import decode_symbol
from windrow.bars.columns import Bars
from windrow.bars.layout import Reading, normalise
from windrow.errors import InputError, UsageError
from windrow.feeds.files import read_bars as read_file
from windrow.feeds.settle import Settled, settle
from windrow.frames.arguments import with_known_arguments
from windrow.frames.description import description_of, reading_in, refuse_larger
from windrow.frames.fielded import fields_in, figures_in, holds_entries, is_csv, read_fields
from windrow.frames.rows import frame_of
from windrow.frames.tables import figures_table
from windrow.sinks import SYMBOLS
from windrow.sinks.alerted import ALERTS
from windrow.sinks.alerted import FIELDS as ALERT_FIELDS
from windrow.sinks.backtests import FIELDS as BACKTESTS
from windrow.sinks.crosses import TEXT_FIELDS, is_cross, names_of
from windrow.sinks.fields import MEMBERSHIPS, VALUES, WRITTEN_BY
from windrow.sinks.portfolios import PORTFOLIO
from windrow.sinks.rejected import FIELDS as REJECTED
from windrow.storage.compressed import for_arrow, is_compressed, open_part, plain_name
from windrow.storage.open import is_parquet
from windrow.storage.publish import INNER, at_hand
from windrow.storage.source import list_inputs, source_of, unchanged

#: The fields of what is written beside lines, by the ends of the names of parts.
_BESIDE = {
    **{name: tuple(fields) for name, fields in BACKTESTS.items()},
    PORTFOLIO: VALUES,
    ALERTS: ALERT_FIELDS,
    SYMBOLS: MEMBERSHIPS,
}
#: What writes those that no option asks for.
_ALWAYS_BESIDE = {SYMBOLS: "windrow sectors"}
#: What tasks write beside lines: orders, models and others. Spark's own parts have a number of 32 digits there.
_OTHERS = re.compile(rf"part-\d+-(?!{INNER[1:]}\b|[0-9a-f]{{8}}-)")
_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark


@with_known_arguments("'out/backtest', part='orders'", named=())
def read_output(path: str | Path, columns: Sequence[str] | None = None, part: str | None = None) -> pd.DataFrame:
    r"""A job's output as a DataFrame: symbol, timestamp, then a float64 column for each of an indicator's.

    `path` is an output directory, or one part of it, local or on S3, of lines, CSV or Parquet. Rows are sorted by
    symbol and timestamp. Timestamps are datetime64[ns], in UTC where the output holds times of day. Columns are named
    by `columns`, or else by the directory's _windrow.json or by parts of CSV or Parquet, or else value_1, value_2, ...;
    an empty field is NaN. Crosses have the columns signal (golden or death), price, fast, slow and, with several pairs,
    pair. Outputs of named figures, e.g. of backtests, have one row per line: symbol, then a column per name, NaN where
    a figure is undefined. Invalid rows, as rejects lists them, have the columns file, reason and text, sorted by file.

    `part` is what to read in place of the lines: `orders`, `trades`, `equity` or `portfolio` of a backtest, `alerts` of
    a catalog's growth, where they were asked for, or `symbols` of sectors; docs/signals.md, docs/catalog.md and
    docs/market.md name their columns. All lines are held in memory.

    Raises UsageError for another part, and InputError where there is no output, or lines have another number of fields
    than there are `columns`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     part = Path(folder, "part-00000")
    ...     size = part.write_bytes(b"AA\t2008-03-05\t37.485\nAA\t2008-03-04\t38.54\n")
    ...     read_output(folder, columns=["sma:2"])
      symbol  timestamp   sma:2
    0     AA 2008-03-04  38.540
    1     AA 2008-03-05  37.485
    """
    with at_hand(path) as place:
        return _read_beside(place, part) if part is not None else _read_all(place, columns)


def _read_beside(place: Path, part: str) -> pd.DataFrame:
    """What was written beside the lines of an output, by its name."""
    if (fields := _BESIDE.get(f"-{part}")) is None:
        raise UsageError(
            f"part={part!r}: is no part of an output; use one of {', '.join(name[1:] for name in _BESIDE)}, or leave it"
            " out for the output itself"
        )
    parts = [place] if place.is_file() else sorted(one for one in place.glob("part-*") if _suffix(one) == f"-{part}")
    if not parts:
        again = f"run the job again with --{part[:-1] if part == 'alerts' else part}"
        if (job := _ALWAYS_BESIDE.get(f"-{part}")) is not None:
            again = f"give an output of {job}"
        raise InputError(f"{place}: it holds no {part}; {again}, or leave part out for the output itself")
    return read_fields(parts, fields)


def _suffix(part: Path) -> str | None:
    """The end of the name of a part that is written beside the lines; None of any other."""
    stem = plain_name(part.name).removesuffix(".csv").removesuffix(".parquet")
    return next((suffix for suffix in _BESIDE if stem.startswith("part-") and stem.endswith(suffix)), None)


def _read_all(place: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    if place.is_file() and columns is None and (beside := _suffix(place)) is not None:
        return read_fields([place], _BESIDE[beside])
    parts = _parts(place)
    if _described(place) == [field.name for field in REJECTED] or holds_entries(parts[0], REJECTED):
        return read_fields(parts, REJECTED)
    if any(map(_holds_figures, parts)):
        return figures_table([row for part in parts for row in _read_figures(part)])
    if (named := _read_named(parts, columns)) is not None:
        return named
    names = columns if columns is not None else _described(place)
    read = [_read_parquet(part, names) if is_parquet(part.name) else _read_part(part, names) for part in parts]
    frames = [frame for frame in read if frame is not None]
    if not frames:
        return _empty(names or [])
    return _in_order(pd.concat(frames, ignore_index=True))


def _read_named(parts: Sequence[Path], columns: Sequence[str] | None) -> pd.DataFrame | None:
    """What is in CSV, or in Parquet other than the tables of values that `_read_parquet` reads; else None."""
    if not all(is_csv(part) or _has_names(part) for part in parts):
        return None
    fields = fields_in(parts[0])
    if fields is None:
        return figures_table([row for part in parts for row in figures_in(part)])
    frame = read_fields(parts, fields)
    if columns is not None:
        if len(columns) != len(fields) - 2:
            raise _other_names(parts[0], len(fields) - 2, columns)
        frame.columns = pd.Index(["symbol", "timestamp", *columns])
    return frame


def _has_names(part: Path) -> bool:
    """Whether a part is of Parquet with texts, or with figures."""
    try:
        schema = pq.read_schema(part) if is_parquet(part.name) else None
    except (OSError, pa.ArrowException):
        return False
    if schema is None or schema.names[:1] != ["symbol"] or schema.field(0).type != pa.string():
        return False
    if "timestamp" not in schema.names:
        return WRITTEN_BY.items() <= (schema.metadata or {}).items()
    return any(map(pa.types.is_string, schema.types[1:]))


def _parts(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    parts = sorted(filter(_is_part, place.glob("*"))) if place.is_dir() else []
    if not parts:
        raise InputError(
            f"{place}: it holds no output of a job; use the directory that was given as --output-dir, or a file of"
            " lines that a job printed"
        )
    return parts


def _is_part(path: Path) -> bool:
    return path.name[0] not in "._" and not _OTHERS.match(path.name)


def _holds_figures(part: Path) -> bool:
    return not is_parquet(part.name) and _ends(part)[0].partition(b"\t")[2].startswith(b"{")


def _read_figures(part: Path) -> Iterator[dict[str, Any]]:
    with open_part(part) as lines:
        for line in lines:
            symbol, _, figures = line.partition(b"\t")
            try:
                yield {"symbol": decode_symbol(symbol), **orjson.loads(figures)}
            except ValueError as error:
                raise _no_output(part, error) from error


def _described(place: Path) -> list[str] | None:
    return (description_of(place) or {}).get("columns")


def _read_part(part: Path, names: Sequence[str] | None) -> pd.DataFrame | None:
    first, whole = _ends(part)
    if not first:
        return None
    if not whole:
        raise InputError(f"{part}: its last line has no end, so some of it is missing; copy the whole output again")
    fields = first.count(b"\t") - 1
    usual = names_of(fields - 3) if is_cross(first) else [f"value_{i + 1}" for i in range(fields)]
    names = names if names is not None else usual
    if fields < 1:
        raise _no_output(part, ValueError(f"its first line holds {fields + 1} tabs"))
    if fields != len(names):
        raise _other_names(part, fields, names)
    are_texts = [name in (*TEXT_FIELDS, ALERT_FIELDS[-1].name) for name in usual]
    table = _read_lines(part, are_texts, marked=first.startswith(_MARK))
    symbols, times = (column.unify_dictionaries().combine_chunks() for column in table.columns[:2])
    texts = np.array([decode_symbol(text.encode()) for text in symbols.dictionary.to_pylist()], object)
    moments = _parse_times(part, times.dictionary.to_pylist())
    values = [
        column.to_pandas().astype(str) if is_text else column.to_numpy()
        for column, is_text in zip(table.columns[2:], are_texts, strict=True)
    ]
    return frame_of([texts[symbols.indices], moments[times.indices.to_numpy()], *values], names)


def _read_parquet(part: Path, names: Sequence[str] | None) -> pd.DataFrame:
    try:
        table = pq.ParquetFile(part, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{part}: it is truncated or damaged ({error}); copy the whole output again") from error
    time, *kinds = table.schema.types[1:] or [None]
    if table.schema.names[:2] != ["symbol", "timestamp"] or {pa.float64()} != set(kinds) or not _is_time(time):
        columns = ", ".join(f"{field.name} {field.type}" for field in table.schema)
        raise _no_output(part, ValueError(f"its columns are {columns}"))
    if names is not None and len(names) != len(kinds):
        raise _other_names(part, len(kinds), names)
    moments = table.column(1).cast(pa.timestamp("ns", getattr(time, "tz", None))).to_pandas()
    values = [column.to_numpy() for column in table.columns[2:]]
    return frame_of([table.column(0).to_pandas(), moments, *values], names or table.schema.names[2:])


def _ends(part: Path) -> tuple[bytes, bool]:
    """A part's first line, and whether its last one has an end."""
    with open_part(part) as file:
        first = file.readline()
        if is_compressed(part.name):
            return first, True  # it has an end of its own
        file.seek(-min(1, len(first)), 2)
        return first, file.read() in (b"", b"\n")


def _read_lines(part: Path, are_texts: Sequence[bool], marked: bool) -> Any:
    """The lines as an arrow table, whose parser of numbers is exact; `are_texts`: which values are not numbers."""
    text = pa.dictionary(pa.int32(), pa.string())
    types = [text, text, *(text if is_text else pa.float64() for is_text in are_texts)]
    names = [str(number) for number in range(len(types))]
    with open_part(part) as whole, for_arrow(part) as lines:
        try:
            return pa_csv.read_csv(
                # arrow drops a byte order mark; this one is the first symbol's
                pa.BufferReader(_MARK + whole.read()) if marked else lines,
                pa_csv.ReadOptions(column_names=names),
                pa_csv.ParseOptions(delimiter="\t", quote_char=False),
                pa_csv.ConvertOptions(
                    column_types=dict(zip(names, types, strict=True)),
                    null_values=[""],
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise _no_output(part, error) from error


def _parse_times(part: Path, texts: list[str]) -> pd.DatetimeIndex:
    try:
        return pd.to_datetime(pd.Index(texts), format="ISO8601", utc=texts[0].endswith("Z")).as_unit("ns")
    except ValueError as error:
        raise _no_output(part, error) from error


def _is_time(kind: Any) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date32(kind))


def _other_names(part: Path, fields: int, names: Sequence[str]) -> InputError:
    return InputError(
        f"{part}: its lines hold {fields} values, but there are names for {len(names)}:"
        f" {', '.join(names)}; name each of them with columns=[...]"
    )


def _no_output(part: Path, error: ValueError) -> InputError:
    return InputError(
        f"{part}: it is not the output of a job ({str(error).strip()}): lines of output are SYMBOL, TIME and values,"
        " separated by tabs; use the directory that was given as --output-dir"
    )


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["symbol", "timestamp"], kind="stable", ignore_index=True)


def _empty(names: Sequence[str]) -> pd.DataFrame:
    columns = {"symbol": pd.Series(dtype=str), "timestamp": pd.Series(dtype="datetime64[ns]")}
    return pd.DataFrame(columns | {name: pd.Series(dtype=str if name in TEXT_FIELDS else np.float64) for name in names})


def reading_of(path: str | Path, column: str | None = None) -> Reading:
    """How the job that wrote an output directory read its bars; the defaults for anything else.

    Only the job's first column is read, or `column` in its place, where given.
    """
    reading = full_reading_of(path)
    return replace(reading, values=(normalise(column),) if column else reading.values[:1])


def full_reading_of(path: str | Path) -> Reading:
    """The same with all of the job's columns: a row is invalid for the job if any of them is.

    Raises InputError where the job made larger bars of them first.
    """
    with at_hand(path) as place:
        described = description_of(place)
    refuse_larger(path, described)
    return reading_in(described)


def ends_of(path: str | Path) -> dict[str, int]:
    """Of the streams that the job which wrote an output directory read, the ends (ns)."""
    with at_hand(path) as place:
        streams = (description_of(place) or {}).get("streams", [])
    return {stream["stream"]: stream["until_ns"] for stream in streams}


def read_bars(
    paths: Sequence[str], symbols: Sequence[str] | None = None, reading: Reading | None = None
) -> pd.DataFrame:
    """Bars of chosen symbols (default: all) as a DataFrame: symbol, timestamp, and the values of `reading`'s columns.

    Reads files as jobs do, chunk by chunk; only the chosen symbols' bars are held. Invalid rows are left out. Raises
    InputError as a job would.
    """
    reading = reading or Reading(values=("close",))
    inputs = list_inputs(paths, reading.recursive)
    versions = {path: source_of(path).version(path) for path in inputs}
    settled, _ = settle(inputs, reading, slot=1 << 62, versions=versions)
    chosen, frames = None if symbols is None else set(symbols), []
    for path, layout in settled.inputs.items():
        with unchanged(path, versions[path]):
            frames += [_frame(bars, chosen, reading.values) for bars in read_file(path, layout)]
    frame = pd.concat(frames, ignore_index=True)
    if not settled.dated:
        frame["timestamp"] = frame["timestamp"].dt.tz_localize("UTC")
    frame = _in_order(frame.drop_duplicates())
    return frame if reading.on_conflict == "fail" else _one_per_time(frame, reading)


def _one_per_time(frame: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """One of different bars at one symbol and time: the one that a job of that reading keeps."""
    key = ["symbol", "timestamp"]
    keep: Literal["first", "last"] = "last" if reading.on_conflict == "largest" else "first"
    order = frame.sort_values([*key, *reading.values], kind="stable").drop_duplicates(key, keep=keep).index
    return frame.loc[order.sort_values()].reset_index(drop=True)


def columns_of(paths: Sequence[str], reading: Reading) -> set[str]:
    """The columns that all of these inputs have, by windrow's names. Raises what `read_bars` raises."""
    return set.intersection(*(set(layout.names) for layout in _settled(paths, reading).inputs.values()))


def _settled(paths: Sequence[str], reading: Reading) -> Settled:
    return settle(list_inputs(paths, reading.recursive), reading, slot=1 << 62)[0]


def _frame(bars: Bars, chosen: set[str] | None, columns: Sequence[str]) -> pd.DataFrame:
    wanted = np.array([chosen is None or symbol in chosen for symbol in bars.symbols], bool)
    rows = wanted[bars.codes]
    names = np.array(bars.symbols, object)[bars.codes[rows]]
    return pd.DataFrame(
        {
            "symbol": pd.Series(names, dtype=str),
            "timestamp": bars.times[rows].view("datetime64[ns]"),
        }
        | {column: values[rows] for column, values in zip(columns, bars.values, strict=True)}
    )
