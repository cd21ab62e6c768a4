"""The bars of a DataFrame, in the form that a reducer gets those of files."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from sort_keys.blocks import Columns, sort_bars
from sort_keys.keys import decode_symbol
from sort_keys.merge import ON_CONFLICT, Merge, Stretch
from windrow.arrays import Ints
from windrow.bars.adjusted import PRICES, has_ratio, scale
from windrow.bars.checks import BLANKS, LARGEST, SMALLEST, outside_range
from windrow.bars.layout import SYMBOL_NAMES, adjusted_close, normalise
from windrow.errors import ConflictError, InputError, UsageError
from windrow.frames.naming import check_times, told_columns
from windrow.windows.indicator import needs_of

#: Rows by which it is judged whether a frame is sorted by symbol.
_FEW = 1 << 10


def stretches(
    bars: pd.DataFrame, columns: Sequence[str], on_conflict: str, adjusted: bool = False
) -> Iterator[Stretch]:
    """The bars of a frame as `moving_average` takes it, with the values of these columns.

    Raises what that raises; ConflictError once all bars have been read.
    """
    if on_conflict not in ON_CONFLICT:
        raise UsageError(f"on_conflict={on_conflict!r}: not one of {', '.join(ON_CONFLICT)}; use one of them")
    merge = Merge(len(columns), on_conflict)
    yield from merge.in_memory(_sorted(bars, columns, adjusted))
    if on_conflict == "fail" and (conflict := merge.findings.first_conflict) is not None:
        one, other = (values[0] if len(values) == 1 else values for values in (conflict.one, conflict.other))
        raise ConflictError(
            f"{merge.findings.conflicts:,} bars differ from another bar of their symbol and time, e.g."
            f" {decode_symbol(conflict.symbol)} at {pd.Timestamp(conflict.time)}, {one!r} and"
            f" {other!r}: a symbol has one bar at a time; drop the wrong ones, or use"
            " on_conflict='smallest' or 'largest'"
        )


def in_zone(frame: pd.DataFrame, bars: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with its column `timestamp`, or these, converted to the time zone of `bars`, where that has one."""
    timestamps = _timestamps(bars)
    zone = timestamps.dt.tz
    if zone is None:
        return frame
    dates = _are_dates(timestamps)

    def converted(times: Any) -> Any:
        if dates:
            return times.dt.tz_localize(zone, ambiguous=np.ones(len(times), bool), nonexistent="shift_forward")
        return times.dt.tz_localize("UTC").dt.tz_convert(zone)

    return frame.assign(**{name: converted(frame[name]) for name in columns or ("timestamp",)})


def _are_dates(timestamps: "pd.Series[Any]") -> bool:
    """Whether times with a zone are all midnight on its clock: such bars are a day apart, whatever the clocks do."""
    clock = timestamps.dt.tz_localize(None)
    return bool((clock == clock.dt.normalize()).all())


def _sorted(bars: pd.DataFrame, columns: Sequence[str], adjusted: bool) -> Columns:
    """The bars by symbol, then time."""
    timestamps = _timestamps(bars)
    if timestamps.isna().any():
        raise InputError(
            "column timestamp: missing in some rows: a bar needs a time; drop those rows, e.g. with bars.dropna()"
        )
    name = _symbol_column(bars)
    codes, symbols = _coded(bars[name]) if name else (np.zeros(len(bars), np.int32), ["bars"])
    local = timestamps.dt.tz is not None and _are_dates(timestamps)
    ns = _nanoseconds(timestamps.dt.tz_localize(None) if local else timestamps)
    return sort_bars(
        codes, symbols, ns, _scaled(bars, columns) if adjusted else [_values(bars, one) for one in columns]
    )


def _symbol_column(bars: pd.DataFrame) -> str | None:
    """The column of symbols, by the names that it may have in files; None where all bars belong to one symbol.

    A frame with other columns of text is refused: bars of several symbols must never be averaged as one series.
    """
    for known in SYMBOL_NAMES:
        for name in bars.columns:
            if normalise(str(name)) == known:
                return str(name)
    texts = [str(name) for name in bars.columns if _is_text(bars[name].dtype)]
    texts += ["its index"] if _is_text(bars.index if bars.index.dtype == object else bars.index.dtype) else []
    if texts:
        raise UsageError(
            f"the frame has none of the columns {', '.join(SYMBOL_NAMES)}, but text in {', '.join(texts)}: it must be"
            " clear which symbol a bar belongs to; rename what has the symbols to symbol, or drop the text"
        )
    return None


def _is_text(kind: Any) -> bool:
    if isinstance(kind, pd.CategoricalDtype):
        return _is_text(kind.categories.dtype)
    return pd.api.types.is_string_dtype(kind)


def _coded(symbols: "pd.Series[Any]") -> tuple[npt.NDArray[np.int32], list[str]]:
    """The symbols' names, in order, and which of them each row has."""
    codes, found = _numbered(symbols)
    texts = pd.Series(found).astype(str).str.strip(BLANKS)
    if (codes < 0).any() or (texts == "").any():
        raise InputError(
            f"column {symbols.name}: empty or missing in some rows: a bar needs a symbol; drop those rows, e.g. with"
            " bars.dropna()"
        )
    numbers, names = pd.factorize(texts, sort=True)
    if not np.array_equal(numbers, np.arange(len(numbers))):
        codes = numbers.astype(np.int32)[codes]
    return codes, list(names)


def _numbered(symbols: "pd.Series[Any]") -> tuple[npt.NDArray[np.int32], Any]:
    """Which of the distinct symbols each row has, -1 for none, and these, in any order.

    In rows that are sorted by symbol, each change of it is looked up: a fifth of the time.
    """
    if isinstance(symbols.dtype, pd.StringDtype | pd.ArrowDtype):
        import pyarrow.compute as pc

        array = pa.array(symbols)
        array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
        if len(pc.run_end_encode(array[:_FEW]).values) <= _FEW // 8:
            runs = pc.run_end_encode(array)
            codes, found = pd.factorize(pd.Series(runs.values.to_pandas()))
            return np.repeat(codes.astype(np.int32), np.diff(runs.run_ends, prepend=0)), found
    codes, found = pd.factorize(symbols)
    if symbols.dtype == object and pd.api.types.infer_dtype(found) != "string":  # 1, 1.0 and True are three symbols
        codes, found = pd.factorize(symbols.astype(str).where(symbols.notna()))
    return codes.astype(np.int32), found


def _nanoseconds(times: "pd.Series[Any]") -> Ints:
    try:
        counted = times if times.dt.unit == "ns" else times.dt.as_unit("ns")  # which copies
        return np.asarray(counted.array, "datetime64[ns]").view(np.int64)
    except pd.errors.OutOfBoundsDatetime as error:
        raise InputError(f"column timestamp: {error}: times are in the years 1678-2261; drop the other rows") from error


def _timestamps(bars: pd.DataFrame) -> "pd.Series[Any]":
    if "timestamp" in bars:
        timestamps = bars["timestamp"]
    elif isinstance(bars.index, pd.DatetimeIndex):
        timestamps = pd.Series(bars.index, index=bars.index)
    else:
        raise UsageError(
            f"the frame has the columns {told_columns(bars)}: bars need a column `timestamp`, or a"
            " DatetimeIndex; rename the column that holds the times"
        )
    check_times("timestamp", timestamps)
    if isinstance(timestamps.dtype, pd.ArrowDtype) and pa.types.is_date(timestamps.dtype.pyarrow_dtype):
        return timestamps.astype("datetime64[s]")
    return timestamps


def adjusted_column(bars: pd.DataFrame) -> str | None:
    """The column of adjusted closes, by the names that it may have in files, beside one of closes."""
    names = {normalise(str(name)): str(name) for name in bars.columns}
    found = adjusted_close(list(names))
    return names[found] if found and "close" in bars else None


def check_needs(bars: pd.DataFrame, lines: Iterable[object]) -> None:
    """Raises UsageError where the frame lacks a column that indicators among the lines take by name."""
    for name, need in needs_of(lines).items():
        if name not in bars:
            raise UsageError(
                f"the frame's columns are {told_columns(bars)}, and {need}; leave it out, or rename the"
                f" column that has them to `{name}`"
            )


def check_opens(bars: pd.DataFrame, columns: Sequence[str], column: str) -> None:
    """Raises UsageError where orders are to be filled at opens that the frame lacks."""
    if "open" in columns and "open" not in bars and column != "open":
        raise UsageError(
            f"the frame's columns are {told_columns(bars)}, and orders are filled at the next open; add"
            " a column `open`, or fill them at the close with fill='close'"
        )


def check_ranges(bars: pd.DataFrame, excursions: str) -> None:
    """Raises UsageError where the excursions of trades are of lows and highs that the frame lacks, or of nothing."""
    if excursions not in ("close", "range"):
        raise UsageError(f"excursions={excursions!r}: is neither 'close' nor 'range'; use one of them")
    if excursions == "range" and not {"low", "high"} <= set(bars.columns):
        raise UsageError(
            f"the frame's columns are {told_columns(bars)}, and excursions='range' takes low and high;"
            " add them, or leave it out for excursions of closes"
        )


def _scaled(bars: pd.DataFrame, columns: Sequence[str]) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """The values of these columns, scaled by adj_close / close."""
    found = adjusted_column(bars)
    if found is None or not set(columns) <= {*PRICES, found}:
        raise UsageError(
            f"adjusted=True: the frame's columns are {told_columns(bars)}, and {', '.join(columns)} are"
            " used: open, high, low and close are scaled by adj_close / close; leave it out"
        )
    close, adjusting = _values(bars, "close"), _values(bars, found)
    if not (ratio := has_ratio(close, adjusting)).all():
        raise InputError(
            f"column {found!r}: it holds {adjusting[~ratio][0]} where close is {close[~ratio][0]}: adjusted=True takes"
            " a ratio above 0; drop those rows"
        )
    values = [_values(bars, name) for name in columns]
    scaled = [
        scale(one, close, adjusting) if name in PRICES else one for name, one in zip(columns, values, strict=True)
    ]
    if np.logical_or.reduce([outside_range(one) for one in scaled]).any():
        raise InputError(f"column {found!r}: it scales prices out of the range 1e-9..1e12; drop those rows")
    return scaled


def _values(bars: pd.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if column not in bars:
        raise UsageError(f"column={column!r}: the frame's columns are {told_columns(bars)}; use one of them")
    try:
        if bars[column].dtype.kind == "c":  # numpy would drop a part of each
            raise TypeError("they are complex")
        values = bars[column].to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"column {column!r}: it does not hold numbers ({error}); convert it, e.g. with pd.to_numeric"
        ) from error
    if values.min(initial=1.0) >= SMALLEST and values.max(initial=1.0) <= LARGEST:
        return values
    values = values + 0.0  # -0.0 is 0.0
    bad = ~np.isfinite(values) | outside_range(values)
    if bad.any():
        raise InputError(
            f"column {column!r}: it holds {values[bad][0]} and {int(bad.sum()) - 1} more invalid values: a value, be it"
            " a price or a volume, is 0 or 1e-15..1e15 in magnitude; keep the other rows only, e.g. with"
            f" bars[bars[{column!r}].eq(0) | bars[{column!r}].abs().between(1e-15, 1e15)]"
        )
    return values
