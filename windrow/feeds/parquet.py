"""Parquet files -> parsed bars, batch by batch, under the same rules as lines of CSV.

Mappers share a file by row groups. Only the required columns are read; symbols as dictionary indices, which is how
nearly every writer stores them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from windrow.arrays import Floats, Ints, Mask, as_bool, as_float64, as_int64
from windrow.bars.adjusted import adjusted
from windrow.bars.checks import (
    MISSING,
    MISSING_TEXT,
    SHOWN_BYTES,
    Reasons,
    counted_times,
    is_utf8,
    only_utf8,
    selected,
    text_times,
    trim_symbols,
    undefined,
)
from windrow.bars.columns import Bars, Layout, Rejected, check_one_kind_of_time
from windrow.bars.epochs import by_magnitude
from windrow.bars.examples import example_of, example_of_line, firsts
from windrow.bars.numbers import PLAIN, parse_numbers
from windrow.errors import InputError
from windrow.feeds.row_groups import asked_for, in_range
from windrow.storage.open import opened, size_of
from windrow.storage.source import source_of
from windrow.times import DAY, FIRST_YEAR, LAST_YEAR, from_local

#: Rows read at once: as many as in a chunk of CSV, so that blocks are equally long.
ROWS = 1 << 17
#: In the file of a stream's shard, the column of records that are no object of JSON: windrow/feeds/shards.py.
INVALID = "a record that is no object\n"
#: From how many row groups, and how many rows of each, times are sampled.
_GROUPS, SAMPLED = 8, 2000
#: The rule for a symbol, and the fix.
_SYMBOL = ("a symbol is text", "write it as a string column")
_FIRST = int(np.datetime64(f"{FIRST_YEAR}-01-01", "s").astype(np.int64))
_LAST = int(np.datetime64(f"{LAST_YEAR + 1}-01-01", "s").astype(np.int64)) - 1
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def column_names(path: str) -> list[str]:
    """The names of a Parquet file's columns, unchanged; InputError if it cannot be read."""
    return list(_schema(path).names)


def time_index(path: str) -> str | None:
    """The column that pandas keeps as the index, if that is one of times."""
    return index_of_times(_schema(path))


def index_of_times(schema: Any) -> str | None:
    """The same, by a schema of arrow's."""
    if b"pandas" not in (schema.metadata or {}):
        return None
    columns = [name for name in schema.pandas_metadata.get("index_columns", []) if isinstance(name, str)]
    kinds = [schema.field(name).type for name in columns if schema.names.count(name) == 1]
    times = [pa.types.is_timestamp(kind) or pa.types.is_date(kind) for kind in kinds]
    return columns[times.index(True)] if len(kinds) == len(columns) and times.count(True) == 1 else None


def _schema(path: str) -> Any:
    with _opened(path) as file:
        return file.schema_arrow


def count_rows(path: str) -> int:
    """How many rows a Parquet file has, by its footer."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def first_rows(path: str, count: int) -> list[list[Any]]:
    """The first rows of a Parquet file, all columns."""
    with _opened(path) as file:
        batch = next(file.iter_batches(count, use_threads=False), None)
    return [] if batch is None else [[shown(column[row]) for column in batch.columns] for row in range(len(batch))]


def sampled_times(path: str, layout: Layout) -> tuple[list[str], bool] | None:
    """Times, as text, from some row groups, and whether they are numbers; None where their type says what they are."""
    names = dict(zip(layout.names, _schema(path).names, strict=True))
    needed = [name for name in (layout.time, layout.time_of_day) if name is not None]
    with _opened(path) as file:
        groups = range(0, file.metadata.num_row_groups, max(1, file.metadata.num_row_groups // _GROUPS))
        firsts = _firsts(file, path, groups, [names[name] for name in needed])
        return texts_of_times(({name: batch.column(names[name]) for name in needed} for batch in firsts), layout, path)


def texts_of_times(batches: Iterable[dict[str, Any]], layout: Layout, path: str) -> tuple[list[str], bool] | None:
    """The same, from these rows' columns of times."""
    texts: list[str] = []
    numbers = False
    for columns in batches:
        column = _time_column(columns, layout, path)
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if not (numbers or _is_text(kind)):
            return None
        written = column.cast(pa.string()).cast(pa.binary()).to_pylist()
        texts += [text.decode(errors="replace") for text in written if text]
    return texts, numbers


def _firsts(file: Any, path: str, groups: Sequence[int], columns: list[str]) -> Iterator[Any]:
    """The first rows of row groups."""
    try:
        for group in groups:
            yield from islice(file.iter_batches(SAMPLED, [group], columns, use_threads=False), 1)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def read_parquet(
    path: str, layout: Layout, start: int = 0, end: int | None = None, keep_texts: bool = False
) -> Iterator[Bars]:
    """The bars of a Parquet file, or of the row groups that correspond to its bytes [start, end).

    Memory: 131,072 rows of the required columns, and their pages.
    """
    schema = _schema(path)
    if layout.wide:
        yield from _read_wide(path, layout, schema.names, start, end, keep_texts)
        return
    stored = dict(zip(layout.names, schema.names, strict=True))
    if layout.symbol and pa.types.is_nested(kind := schema.types[layout.names.index(layout.symbol)]):
        raise _wrong_type(path, layout.symbol, kind, *_SYMBOL)  # arrow cannot read it as indices
    needed = [stored[name] for name in layout.read]
    spoiled = INVALID in schema.names and pa.types.is_binary(schema.field(INVALID).type)
    with _opened(path, [stored[layout.symbol]] if layout.symbol else []) as file:
        within = in_range(file.metadata, size_of(path), start, end)
        groups = asked_for(file.metadata, within, layout)
        try:
            read = [*needed, INVALID] if spoiled else needed
            for batch in file.iter_batches(ROWS, groups, read, use_threads=False) if groups else ():
                good = batch.filter(pc.is_null(batch.column(INVALID))) if spoiled else batch
                columns = {name: good.column(stored[name]) for name in layout.read}
                bars = adjusted(parse_columns(columns, layout, path, keep_texts), layout)
                if len(good) < len(batch):
                    _reject(batch.column(INVALID).drop_null().to_pylist(), bars, keep_texts)
                check_one_kind_of_time(bars, layout, path)
                yield bars
            if left_out := sum(file.metadata.row_group(number).num_rows for number in set(within).difference(groups)):
                yield _none_of(left_out, layout)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error


def _read_wide(
    path: str, layout: Layout, stored: Sequence[str], start: int, end: int | None, keep_texts: bool
) -> Iterator[Bars]:
    """The bars of a file with a column for each symbol; as many cells at once as else rows."""
    from windrow.bars.wide import places_of_times

    places = [*places_of_times(layout), *(place for _, its in layout.wide for place in its)]
    needed = [stored[place] for place in dict.fromkeys(places)]
    with _opened(path) as file:
        within = in_range(file.metadata, size_of(path), start, end)
        groups = asked_for(file.metadata, within, layout)
        rows = max(1, ROWS // len(layout.wide))
        try:
            for batch in file.iter_batches(rows, groups, needed, use_threads=False) if groups else ():
                columns = {place: batch.column(stored[place]) for place in places}
                bars = adjusted(parse_wide_columns(columns, layout, path, keep_texts), layout)
                check_one_kind_of_time(bars, layout, path)
                yield bars
            if left_out := sum(file.metadata.row_group(number).num_rows for number in set(within).difference(groups)):
                yield _none_of(left_out * len(layout.wide), layout)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error


def parse_wide_columns(columns: dict[int, Any], layout: Layout, path: str, keep_texts: bool) -> Bars:
    """The bars of the required columns, by their places, of a table with a column for each symbol."""
    from windrow.bars.wide import places_of_times, select

    named = {layout.names[place]: columns[place] for place in places_of_times(layout)}
    of_times = Reasons(len(named[layout.time]))
    for column in named.values():
        of_times.add(MISSING, as_bool(column.is_null()))
    times, timed = _times(_time_column(named, layout, path), layout, path, of_times)
    values = [
        np.concatenate([_cells(columns[its[number]], symbol, path, power) for symbol, its in layout.wide])
        for number, (_, power) in enumerate(layout.scaled)
    ]
    empty = [np.isnan(value) for value in values]
    absent = np.logical_and.reduce(empty)
    reasons = Reasons(len(absent))
    for reason, rows in of_times.each():
        reasons.add(reason, np.tile(rows, len(layout.wide)))
    values = [reasons.check_values(value) for value in values]
    bars, bad = select(layout, times, timed, values, absent, of_times.good, reasons)
    bars.rejected.update(reasons.of(bad))
    for reason, place in firsts(bad.tolist(), reasons.of(bad)).items():
        symbol, row = divmod(place, len(times))
        its = {name: columns[at] for name, at in zip(layout.values, layout.wide[symbol][1], strict=True)}
        bars.examples[reason] = example_of(reason, _texts({**named, **its}, row, layout), layout)
    if keep_texts:
        for reason, place in zip(reasons.of(bad), bad.tolist(), strict=True):
            symbol, row = divmod(place, len(times))
            fields = {name: shown(column[row]) for name, column in named.items()}
            cells = {name: float(value[place]) for name, value in zip(layout.values, values, strict=True)}
            text = repr({"symbol": layout.wide[symbol][0], **fields, **cells}).encode()
            bars.texts.append(Rejected(reason, text[:SHOWN_BYTES]))
    return bars


def _cells(array: Any, symbol: str, path: str, power: int) -> Floats:
    """The cells of a symbol, NaN where they are empty."""
    return np.full(len(array), np.nan) if pa.types.is_null(array.type) else _floats(array, symbol, path, power, np.nan)


@contextmanager
def _opened(path: str, as_dictionary: Sequence[str] = ()) -> Iterator[Any]:
    # Of a remote file only what arrow asks for is fetched, column by column; nothing is prefetched.
    place = source_of(path).path(path)
    with opened(path, end=0) if place is None else nullcontext(place) as source:
        try:
            file = pq.ParquetFile(
                source, read_dictionary=list(as_dictionary), pre_buffer=False, page_checksum_verification=True
            )
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: cannot be read: No such file or directory; check the path and its permissions"
            ) from error
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error
        with file:
            yield file


def _damaged(path: str, error: Exception) -> InputError:
    if re.search("decrypt|encrypted", str(error), re.IGNORECASE):
        return InputError(
            f"{path}: is encrypted, and windrow has no keys ({error}); write it again without encryption, or decrypt it"
            " to CSV or Parquet first"
        )
    return InputError(
        f"{path}: is truncated or damaged, or not a Parquet file ({error}); windrow reads a file whole or not at all;"
        " get the file again"
    )


def parse_columns(columns: dict[str, Any], layout: Layout, path: str, keep_texts: bool) -> Bars:
    """The bars of the required columns, by name, as arrow has them."""
    rows = len(columns[layout.time])
    reasons = Reasons(rows)
    for name in (layout.time, layout.time_of_day):
        if name is not None:
            reasons.add(MISSING, as_bool(columns[name].is_null()))
    times, timed = _times(_time_column(columns, layout, path), layout, path, reasons)
    known = reasons.good
    for name in layout.demanded:
        reasons.add(MISSING, as_bool(columns[name].is_null()))
    null = np.nan if layout.unknown else 0.0
    values = [
        reasons.check_values(_read_values(columns[name], name, path, power, reasons, null), layout.unknown)
        for name, power in layout.scaled
    ]
    symbols, codes = _symbols(columns, layout, path, reasons, rows)
    if layout.selection is not None:
        reasons.leave_out(~_selected(layout, symbols, codes, times, known, columns, path))
    good = reasons.good
    bars = Bars(symbols, codes, times, values, timed)
    if good.all():
        return bars
    bars = bars.only(good)
    bars.unselected, bad = reasons.unselected, reasons.bad
    bars.rejected.update(reasons.of(bad))
    bars.examples = {
        reason: example_of(reason, _texts(columns, row, layout), layout)
        for reason, row in firsts(bad.tolist(), reasons.of(bad)).items()
    }
    if keep_texts:
        texts = [repr({name: shown(column[int(row)]) for name, column in columns.items()}).encode() for row in bad]
        bars.texts = [Rejected(reason, text[:SHOWN_BYTES]) for reason, text in zip(reasons.of(bad), texts, strict=True)]
    return bars


def _texts(columns: dict[str, Any], row: int, layout: Layout) -> dict[str, bytes]:
    """The needed fields of a row as CSV has them."""
    fields = {name: shown(columns[name][row]) for name in layout.needed}
    return {
        name: b"" if field is None else field if isinstance(field, bytes) else str(field).encode()
        for name, field in fields.items()
    }


def _selected(
    layout: Layout, symbols: list[str], codes: Any, times: Ints, known: Mask, columns: dict[str, Any], path: str
) -> Mask:
    """Which rows are selected, valid or not."""
    assert layout.selection is not None
    for name, _ in layout.selection.where:
        if pa.types.is_nested(kind := columns[name].type) or pa.types.is_binary(kind):
            raise _wrong_type(path, name, kind, "--where compares text, numbers and dates", "choose another column")
    return selected(layout.selection, symbols, codes, times, known, columns)


def _reject(records: Sequence[bytes], bars: Bars, keep_texts: bool) -> None:
    """Counts records of a stream that are no object as invalid rows."""
    bars.rejected["record"] = len(records)
    bars.examples["record"] = example_of_line(records[0], "an object of JSON")
    if keep_texts:
        bars.texts += [Rejected("record", record[:SHOWN_BYTES]) for record in records]


def _none_of(rows: int, layout: Layout) -> Bars:
    """No bars, of so many rows that are not selected."""
    values = [np.empty(0) for _ in layout.values]
    bars = adjusted(Bars([], np.empty(0, np.int32), np.empty(0, np.int64), values, np.empty(0, bool)), layout)
    bars.unselected = rows
    return bars


def shown(field: Any) -> Any:
    """A field as a Python value; if Python cannot represent the time or text, its number or its bytes."""
    if isinstance(field, pa.DictionaryScalar):
        field = field.value
    try:
        return field.as_py()
    except (OverflowError, ValueError):
        return field.value if hasattr(field, "value") else field.as_buffer().to_pybytes()


def _symbols(columns: dict[str, Any], layout: Layout, path: str, reasons: Reasons, rows: int) -> tuple[list[str], Any]:
    if layout.symbol is None:
        return [layout.constant_symbol or ""], np.zeros(rows, np.int32)
    array = columns[layout.symbol]
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    if not _is_text(array.type.value_type):
        raise _wrong_type(path, layout.symbol, array.type.value_type, *_SYMBOL)
    if len(array.dictionary) > max(rows, 1):  # that of a whole row group: only what these rows use becomes Python's
        array = array.dictionary_decode().dictionary_encode()
    texts = array.dictionary.cast(pa.string()).cast(pa.binary())
    symbols = [*(text.decode(errors="replace") for text in texts.to_pylist()), ""]
    indices = _filled(array.indices.cast(pa.int32()), len(texts))  # treat a missing symbol like an empty one
    codes = np.frombuffer(indices.buffers()[1], np.int32, rows, indices.offset * 4) if rows else np.empty(0, np.int32)
    valid = np.append(is_utf8(texts), True)
    if not valid.all():
        reasons.add("utf8", ~valid[codes])
    symbols, codes = trim_symbols(symbols, codes)
    reasons.add(MISSING, np.array([not symbol for symbol in symbols], bool)[codes])
    return symbols, codes


def _time_column(columns: dict[str, Any], layout: Layout, path: str) -> Any:
    """The column of times; a date and a time of day are joined as text."""
    if layout.time_of_day is None:
        return columns[layout.time]
    for name in (layout.time, layout.time_of_day):
        kind = columns[name].type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (_is_text(kind) or pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_integer(kind)):
            taken = f"{layout.time} and {layout.time_of_day} together are a bar's time, a date and a time of day"
            raise _wrong_type(path, name, kind, taken, "cast both, to date32 and time64 or to text, or drop one")
    parts = (columns[name].cast(pa.string()) for name in (layout.time, layout.time_of_day))
    return pc.binary_join_element_wise(*parts, " ")


def _times(array: Any, layout: Layout, path: str, reasons: Reasons) -> tuple[Ints, Any]:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_timestamp(kind):
        if layout.dated:
            clock = _timestamps(array if kind.tz is None else _on_its_clock(array), None, reasons)
            return clock, clock % DAY != 0
        local = kind.tz is None and layout.timezone != "UTC"
        return _timestamps(array, layout.timezone if local else None, reasons), np.ones(len(array), bool)
    if pa.types.is_date(kind):
        return _timestamps(array.cast(pa.timestamp("s")), None, reasons), np.zeros(len(array), bool)
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not (numbers or _is_text(kind)):
        raise _wrong_type(path, layout.time, kind, "a time is a timestamp, date, text or number", "cast the column")
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        lost = "a time of so few digits is rounded, to a date beside it or by minutes"
        raise _wrong_type(path, layout.time, kind, lost, "write it anew as int64 or float64, from what it was")
    by_size = numbers and layout.time_unit is None and not layout.form.clock
    if by_size and pa.types.is_integer(kind):
        counts = as_int64(_filled(array.cast(pa.int64(), safe=False), 0))
        times, ok, timed = by_magnitude(counts, None, bool(layout.dated))
        reasons.add("time", ~ok & as_bool(array.is_valid()))
        return times, timed
    texts = only_utf8(_filled(array.cast(pa.string()), "").cast(pa.binary()), reasons)
    times, ok, timed = counted_times(texts, None, bool(layout.dated)) if by_size else text_times(texts, layout)
    if not ok.all():
        trimmed = pc.utf8_trim(texts.cast(pa.string(), safe=False), " \t")
        missing = as_bool(pc.match_substring_regex(trimmed, MISSING_TEXT))
        reasons.add(MISSING, missing)
        reasons.add("time", ~ok & ~missing)
    return times, timed


def _on_its_clock(array: Any) -> Any:
    """Timestamps of a time zone as its clock shows them; those outside the years of times as they are."""
    counts = as_int64(_filled(array.cast(pa.int64()), 0))
    seconds = counts // _PER_SECOND[array.type.unit]
    known = (seconds >= _FIRST) & (seconds <= _LAST)
    if known.all():
        return pc.local_timestamp(array)
    shown = pc.local_timestamp(pc.if_else(pa.array(known), array, pa.scalar(0, array.type)))
    return pc.if_else(pa.array(known), shown, array.cast(pa.timestamp(array.type.unit)))


def _timestamps(array: Any, timezone: str | None, reasons: Reasons) -> Ints:
    """Timestamps, local to `timezone` if given, as ns UTC; those outside the years of times are invalid."""
    unit = array.type.unit
    counts = as_int64(_filled(array.cast(pa.int64()), 0))
    seconds = counts // _PER_SECOND[unit]
    ok = (seconds >= _FIRST) & (seconds <= _LAST)
    ns = np.where(ok, counts, 0) * (10**9 // _PER_SECOND[unit])
    if timezone is not None:
        ns, ok = from_local(ns, ok, timezone)
    reasons.add("time", ~ok)
    return ns


def _read_values(array: Any, name: str, path: str, power: int, reasons: Reasons, null: float) -> Floats:
    """A column of numbers, or of their texts, times ten to the power; `null` where a number is null."""
    if not _is_text(array.type):
        return _floats(array, name, path, power, null)
    texts = _filled(array, "").cast(pa.string())
    values, numbers = parse_numbers(texts, PLAIN, power)
    missing = as_bool(pc.match_substring_regex(texts, MISSING_TEXT))
    reasons.add("number", ~(numbers | missing))
    values[missing] = np.nan
    values[undefined(values, power)] = np.nan
    return values


def _floats(array: Any, name: str, path: str, power: int, null: float = 0.0) -> Floats:
    """A column of numbers, times ten to the power, with `null` where it has none."""
    kind = array.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise _wrong_type(path, name, kind, "a value is a number", "cast the column, or choose another with --column")
    if pa.types.is_decimal(kind):
        array = array.cast(pa.string())  # arrow's own cast from decimals to floats is sometimes off by a bit
    values = as_float64(_filled(array.cast(pa.float64(), safe=False), null))
    return values if not power else _scaled(array, values, power)


def _scaled(array: Any, values: Floats, power: int) -> Floats:
    """Values times ten to the power, each rounded once: whole numbers may have more digits than a float64.

    What stands for no value is NaN.
    """
    texts = _filled(array if not pa.types.is_floating(array.type) else array.cast(pa.float64()), 0).cast(pa.string())
    shifted, numbers = parse_numbers(texts, PLAIN, power)
    shifted = np.where(numbers & ~np.isnan(values), shifted, values)  # NaN and infinities stay
    shifted[undefined(shifted, power)] = np.nan
    return shifted


def _filled(array: Any, value: object) -> Any:
    """The array, with `value` where it is null."""
    # Only if needed: arrow imports pandas for it, a quarter of a second in every task.
    return pc.fill_null(array, value) if array.null_count else array


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _wrong_type(path: str, name: str, kind: Any, rule: str, fix: str) -> InputError:
    return InputError(f"{path}: column {name!r} is of type {kind}; {rule}; {fix}")
