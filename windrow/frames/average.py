"""Moving averages of the bars of a DataFrame: `windrow.moving_average(...)`."""

from numbers import Integral
from typing import Literal

import pandas as pd

from windrow.errors import UsageError
from windrow.frames.arguments import with_known_arguments
from windrow.frames.bars import check_needs, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.rows import Rows
from windrow.windows import Options, parse_indicator
from windrow.windows.indicators import Indicators, Step, parse_step


@with_known_arguments("bars, 'sma:20', 'ema:12'")
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
    """Moving averages and other indicators of every symbol's bars, to the bit what `jobs.moving_average` writes.

    Parameters
    ----------
    bars
        A row per symbol and time, in any order: columns `symbol`, `timestamp` and `column`. Times are datetimes, in UTC
        if they have no zone; a DatetimeIndex serves too. Names may be those that files have, in any case (Ticker, Date,
        Close); what `yfinance.download` returns, with levels of values and symbols, is taken as it is. Without a column
        of symbols all bars belong to one, which is called `bars`.
    *indicators
        Each KIND:WINDOW, e.g. `sma:20`, `max:30d` or `bollinger:20,2`: docs/indicators.md; by default `sma:20`.
    column
        The column that indicators are of.
    step
        A row only every so many bars, e.g. 5, or once so much time has passed, e.g. "1d"; by default at every bar.
    min_periods
        Values from so many bars on, not only from a full window; not for recursive averages.
    ema_seed
        "sma": an ema starts from the mean of its first bars; "first": from the first bar.
    ddof
        std and zscore divide by the number of bars less this.
    adjusted
        Whether open, high, low and close are scaled by adj_close / close first.
    on_conflict
        Of two different bars at one symbol and time: "fail", or keep the "smallest" or "largest".

    Returns
    -------
    DataFrame
        symbol, timestamp and a float64 column for each indicator, or several, as for bollinger, sorted, of the bars
        that have a value. NaN: no value yet.

    Raises
    ------
    UsageError
        For wrong arguments, and columns that are missing.
    InputError
        For invalid values.
    ConflictError
        For two different bars at one (symbol, timestamp).

    Notes
    -----
    Memory: some copies of the columns used.

    Examples
    --------
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=4), "close": [38.71, 38.37, 36.6, 36.6]})
    >>> moving_average(bars, "sma:2", "max:3d")
      symbol  timestamp   sma:2  max:3d
    0     AA 2008-03-04  38.540     NaN
    1     AA 2008-03-05  37.485     NaN
    2     AA 2008-03-06  36.600   38.37
    """
    texts = [_text(one) for one in indicators] or ["sma:20"]
    asked = list(map(parse_indicator, texts))
    kernel = Indicators(
        asked,
        Options(min_periods=min_periods, ema_seed=ema_seed, ddof=ddof),
        Step() if step is None else parse_step(str(step)),
        column,
    )
    kernel.check_values()
    bars = named(bars, kernel.columns, adjusted)
    check_needs(bars, asked)
    # By their texts as given: `sum:7d` is not called sum:1w.
    rows = Rows(
        [text + name.removeprefix(str(one)) for text, one in zip(texts, asked, strict=True) for name in one.names],
        len(bars) if step is None else 0,
    )
    for stretch in stretches(bars, kernel.columns, on_conflict, adjusted):
        rows.add(stretch, *kernel.push(stretch.times, *stretch.values, starts=stretch.new_starts))
    return in_zone(rows.frame(), bars)


def _text(indicator: object) -> str:
    """An indicator's text. Raises UsageError for a list of them, and for a window alone."""
    if isinstance(indicator, list | tuple):
        each = ", ".join(map(repr, indicator))
        raise UsageError(f"indicators={indicator!r}: each is an argument of its own; leave out the brackets: {each}")
    if isinstance(indicator, Integral):
        raise UsageError(f"indicators={indicator}: is a window, of which indicator is not said; use 'sma:{indicator}'")
    return str(indicator)
