"""Moving averages of the bars of a DataFrame: `windrow.moving_average(...)`."""

from typing import Literal

import pandas as pd

from windrow.frames.arguments import with_known_arguments
from windrow.frames.bars import check_needs, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.rows import Rows
from windrow.windows import Options, parse_indicator
from windrow.windows.indicators import Indicators, Step, parse_step


@with_known_arguments
def moving_average(
    bars: pd.DataFrame,
    *indicators: str,
    column: str = "close",
    step: str | int | None = None,
    min_periods: int | None = None,
    ema_seed: Literal["sma", "first"] = "sma",
    ddof: int = 1,
    adjusted: bool = False,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
) -> pd.DataFrame:
    """Moving averages of every symbol's bars, to the bit what `jobs.moving_average` writes for them.

    bars: columns `symbol`, `timestamp` (datetimes, in UTC if they have no zone) and `column`, in any order; without a
    symbol column all bars belong to one symbol, and a DatetimeIndex serves as timestamp. Their names may be those that
    files have, in any case (Date, Close); what `yfinance.download` returns, with levels of values and symbols, is taken
    too. indicators: KIND:WINDOW, e.g. `sma:20`, `max:30d`, `bollinger:20,2` (default `sma:20`): docs/indicators.md.
    The others are the job's options of the same names.

    Returns symbol, timestamp and a float64 column per indicator, or several, as of bollinger (NaN: no value yet),
    sorted, for the bars that have a value. Memory: some copies of the columns used. Raises UsageError for wrong
    options, InputError for invalid values, ConflictError for two different bars at one (symbol, timestamp).

    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=4), "close": [38.71, 38.37, 36.6, 36.6]})
    >>> moving_average(bars, "sma:2", "max:3d")
      symbol  timestamp   sma:2  max:3d
    0     AA 2008-03-04  38.540     NaN
    1     AA 2008-03-05  37.485     NaN
    2     AA 2008-03-06  36.600   38.37
    """
    texts = [str(text) for text in indicators] or ["sma:20"]
    asked = list(map(parse_indicator, texts))
    kernel = Indicators(
        asked,
        Options(min_periods=min_periods, ema_seed=ema_seed, ddof=ddof),
        Step() if step is None else parse_step(str(step)),
        column,
    )
    bars = named(bars, kernel.columns, adjusted)
    check_needs(bars, asked)
    # By their texts as given: `sum:7d` is not called sum:1w.
    rows = Rows(
        [text + name.removeprefix(str(one)) for text, one in zip(texts, asked, strict=True) for name in one.names]
    )
    for stretch in stretches(bars, kernel.columns, on_conflict, adjusted):
        rows.add(stretch, *kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts))
    return in_zone(rows.frame(), bars)
