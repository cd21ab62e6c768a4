"""Moving averages of the bars of a DataFrame: `windrow.moving_average(...)`."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from sort_keys.keys import decode_symbol
from sort_keys.merge import Stretch
from windrow.frames.bars import in_zone, stretches
from windrow.windows import Options, parse_indicator
from windrow.windows.indicators import Indicators, Step, parse_step


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
