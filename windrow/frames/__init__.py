"""The kernels on a DataFrame in memory: the same keys, merge and arithmetic as a job's, without files.

backtest.py has those that trade.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from sort_keys.blocks import sort_bars, write_blocks
from sort_keys.keys import decode_symbol
from sort_keys.merge import ON_CONFLICT, Merge, Stretch
from sort_keys.slots import Slots
from windrow.bars import outside_range
from windrow.errors import ConflictError, InputError, UsageError
from windrow.feeds.layout import SYMBOL_NAMES, normalise
from windrow.indicators import Indicators, Step, parse_step
from windrow.windows import Options, parse_indicator


def moving_average(
    bars: pd.DataFrame,
    *indicators: str,
    column: str = "close",
    step: str | int | None = None,
    min_periods: int | None = None,
    ema_seed: Literal["sma", "first"] = "sma",
    ddof: int = 1,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
) -> pd.DataFrame:
    """Moving averages of every symbol's bars, to the bit what `jobs.moving_average` writes for them.

    bars: columns `symbol`, `timestamp` (datetimes, in UTC if they have no zone) and `column`, in any order; without a
    symbol column all bars are one symbol's, and a DatetimeIndex serves as timestamp. indicators: as `sma:20`, `ema:12`,
    `max:30d` (default `sma:20`). The others are the job's options of the same names.

    Returns symbol, timestamp and one float64 column an indicator (NaN: no value yet), sorted, for the bars that have a
    value. Memory: some copies of the columns used. Raises UsageError for wrong options, InputError for values that are
    no prices, ConflictError for two different bars at one (symbol, timestamp).

    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=4), "close": [38.71, 38.37, 36.6, 36.6]})
    >>> moving_average(bars, "sma:2", "max:3d")
      symbol  timestamp   sma:2  max:3d
    0     AA 2008-03-04  38.540     NaN
    1     AA 2008-03-05  37.485     NaN
    2     AA 2008-03-06  36.600   38.37
    """
    names = [str(name) for name in indicators] or ["sma:20"]
    kernel = Indicators(
        [parse_indicator(name) for name in names],
        Options(min_periods=min_periods, ema_seed=ema_seed, ddof=ddof),
        Step() if step is None else parse_step(str(step)),
    )
    pieces = [
        _piece(stretch, *kernel.push(stretch.times, stretch.values[0], stretch.new_starts), names)
        for stretch in stretches(bars, [column], on_conflict)
    ]
    return in_zone(_joined(pieces, names), bars)


def stretches(bars: pd.DataFrame, columns: Sequence[str], on_conflict: str) -> Iterator[Stretch]:
    """A frame's bars, with the values of these columns, as a reducer gets them: what `moving_average` says of `bars`.

    Raises what it raises; ConflictError once all bars have gone by.
    """
    if on_conflict not in ON_CONFLICT:
        raise UsageError(f"on_conflict={on_conflict!r}: is one of {', '.join(ON_CONFLICT)}")
    merge = Merge(len(columns), on_conflict)
    yield from merge.stretches(_lines(bars, columns))
    if on_conflict == "fail" and (conflict := merge.findings.first_conflict) is not None:
        one, other = (values[0] if len(values) == 1 else values for values in (conflict.one, conflict.other))
        raise ConflictError(
            f"{merge.findings.conflicts:,} bars differ from another of their symbol and time, as"
            f" {decode_symbol(conflict.symbol)} at {pd.Timestamp(conflict.time)}: {one!r} and"
            f" {other!r}; a symbol has one bar at a time; drop the wrong ones, or give"
            " on_conflict='smallest' or 'largest'"
        )


def in_zone(frame: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """The frame with its column `timestamp`, in UTC, put into the zone of `bars`, where that has one."""
    zone = _timestamps(bars).dt.tz
    if zone is not None:
        frame["timestamp"] = frame["timestamp"].dt.tz_localize("UTC").dt.tz_convert(zone)
    return frame


def figures_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Figures, one dict a row, as a frame sorted by symbol; undefined ones are NaN.

    Figures of a part, a dict in that dict, become columns with the part's name before theirs.

    >>> figures_table([{"symbol": "AA", "fast": 7, "train": {"pnl": 83.0, "sqn": None}}])
      symbol  fast  train_pnl  train_sqn
    0     AA     7       83.0        NaN
    """
    table = pd.DataFrame(list(map(_flat, rows))).sort_values("symbol", kind="stable", ignore_index=True)
    empty = [name for name in table if table[name].isna().all()]
    return table.astype(dict.fromkeys(empty, np.float64) | {"symbol": str})


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        parted = isinstance(value, dict) and name != "undefined"
        flat |= {f"{name}_{figure}": its for figure, its in value.items()} if parted else {name: value}
    return flat


def _lines(bars: pd.DataFrame, columns: Sequence[str]) -> Iterable[bytes]:
    """The bars as a shuffle would bring them to a reducer."""
    timestamps = _timestamps(bars)
    name = _symbol_column(bars)
    codes, symbols = pd.factorize(_symbols(bars[name])) if name else (np.zeros(len(bars)), ["bars"])
    times = timestamps.dt.tz_localize("UTC") if timestamps.dt.tz is None else timestamps
    ns, values = _nanoseconds(times), [_values(bars, column) for column in columns]
    ordered = sort_bars(np.asarray(codes, np.int32), list(symbols), ns, values)
    return sorted(line[:-1] for line in write_blocks(ordered, Slots(1 << 62)))


def _symbol_column(bars: pd.DataFrame) -> str | None:
    """The column of symbols, by the names that files may give it; None where all bars are one symbol's.

    A frame with other text in it is refused: bars of several symbols must never be averaged as one series.
    """
    for known in SYMBOL_NAMES:
        for name in bars.columns:
            if normalise(str(name)) == known:
                return str(name)
    texts = [str(name) for name in bars.columns if pd.api.types.is_string_dtype(bars[name].dtype)]
    if texts:
        raise UsageError(
            f"the frame has no column {', '.join(SYMBOL_NAMES)}, but text in {', '.join(texts)}; it must be clear which"
            " symbol a bar is of; rename the column that says it to symbol, or drop the others"
        )
    return None


def _symbols(symbols: "pd.Series[Any]") -> "pd.Series[Any]":
    texts = symbols.astype(str)
    if symbols.isna().any() or (texts == "").any():
        raise InputError(
            f"column {symbols.name} is empty or missing in some rows; a bar needs a symbol; drop those rows, as by"
            " bars.dropna()"
        )
    return texts


def _nanoseconds(times: "pd.Series[Any]") -> np.ndarray[Any, np.dtype[np.int64]]:
    try:
        return np.asarray(times.dt.as_unit("ns").astype("int64"), np.int64)
    except pd.errors.OutOfBoundsDatetime as error:
        raise InputError(
            f"column timestamp: {error}; times lie in the years 1678-2261; drop the rows outside"
        ) from error


def _timestamps(bars: pd.DataFrame) -> "pd.Series[Any]":
    if "timestamp" in bars:
        timestamps = bars["timestamp"]
    elif isinstance(bars.index, pd.DatetimeIndex):
        timestamps = pd.Series(bars.index, index=bars.index)
    else:
        raise UsageError(
            f"the frame has columns {', '.join(map(str, bars.columns))}; bars need a column `timestamp`, or a"
            " DatetimeIndex; rename the column that holds the times"
        )
    if not pd.api.types.is_datetime64_any_dtype(timestamps) or timestamps.isna().any():
        raise InputError(
            f"column timestamp is of type {timestamps.dtype} or has missing times; a bar's time is a datetime;"
            " convert it by pd.to_datetime, and drop rows without one"
        )
    return timestamps


def _values(bars: pd.DataFrame, column: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    if column not in bars:
        raise UsageError(f"column={column!r}: the frame's columns are {', '.join(map(str, bars.columns))}; choose one")
    try:
        values = bars[column].to_numpy(np.float64, na_value=np.nan) + 0.0
    except (TypeError, ValueError) as error:
        raise InputError(
            f"column {column!r} is no column of numbers ({error}); convert it, as by pd.to_numeric"
        ) from error
    bad = ~np.isfinite(values) | outside_range(values)
    if bad.any():
        raise InputError(
            f"column {column!r} holds {values[bad][0]} and {int(bad.sum()) - 1} more values that are no prices; a price"
            f" is 0 or 1e-9..1e12 in magnitude; drop those rows, as by bars.dropna(subset=[{column!r}])"
        )
    return values


def _piece(stretch: Stretch, index: Any, columns: list[Any], names: list[str]) -> pd.DataFrame:
    owners = np.searchsorted(stretch.starts, index, side="right") - 1
    symbols = np.array([decode_symbol(symbol) for symbol in stretch.symbols], object)
    times = stretch.times[index].view("datetime64[ns]")
    return pd.DataFrame({"symbol": symbols[owners], "timestamp": times, **dict(zip(names, columns, strict=True))})


def _joined(pieces: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    empty = {"symbol": [], "timestamp": np.empty(0, "datetime64[ns]"), **{name: np.empty(0) for name in names}}
    frame = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(empty)
    frame["symbol"] = frame["symbol"].astype(str)
    return frame.sort_values(["symbol", "timestamp"], kind="stable", ignore_index=True)
