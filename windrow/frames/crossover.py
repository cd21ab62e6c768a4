"""Golden and death crosses among the bars of a DataFrame: `windrow.crossover(...)`."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from windrow.frames.arguments import check_line, with_known_arguments
from windrow.frames.bars import check_needs, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.rows import Rows
from windrow.sinks.crosses import SIGNALS, TEXT_FIELDS, names_of
from windrow.trading.signals import Signals, parse_pairs
from windrow.windows import Options

_SIGNALS = np.array(["", SIGNALS[1], SIGNALS[-1]], object)  # by sign: -1 counts from the end


@with_known_arguments("bars, fast='sma:50', slow='sma:200'")
def crossover(
    bars: pd.DataFrame,
    fast: str | Sequence[str] = "sma:50",
    slow: str | Sequence[str] = "sma:200",
    *,
    column: str = "close",
    ema_seed: Literal["sma", "first"] = "sma",
    adjusted: bool = False,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
) -> pd.DataFrame:
    """Crosses of a fast and a slow line in every symbol's bars, to the bit what `jobs.crossover` writes for them.

    Parameters
    ----------
    bars
        As for `windrow.moving_average`.
    fast, slow
        A line each: an indicator, e.g. `ema:7`, or the price, by the name of its column, e.g. `close`. Or equally many
        lines each, for several pairs: the first fast line with the first slow line, and so on.
    column
        The column that indicators are of, and whose value is the price.
    ema_seed, adjusted, on_conflict
        As for `windrow.moving_average`.

    Returns
    -------
    DataFrame
        A row per cross, sorted by symbol, timestamp and pair: symbol, timestamp, signal (golden: fast crosses above
        slow; death: below), the float64 columns price, fast and slow at that bar, and with several pairs the column
        pair, e.g. `sma:50/sma:200`.

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
    Touching is not crossing: docs/signals.md. Memory: some copies of the column used.

    Examples
    --------
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2024-01-02", periods=7), "close": [10, 11, 11, 12, 12, 11, 13]})
    >>> crossover(bars, fast="close", slow="sma:2")
      symbol  timestamp  signal  price  fast  slow
    0     AA 2024-01-07   death   11.0  11.0  11.5
    1     AA 2024-01-08  golden   13.0  13.0  12.0
    """
    fasts, slows = _lines("fast", fast), _lines("slow", slow)
    signals = Signals(parse_pairs(fasts, slows, column), Options(ema_seed=ema_seed), column)
    names = names_of(len(signals.pairs))
    pairs = np.array(list(map(str, signals.pairs)), object)
    bars, rows = named(bars, signals.columns, adjusted), Rows(names)
    check_needs(bars, (line for pair in signals.pairs for line in (pair.fast, pair.slow)))
    for stretch in stretches(bars, signals.columns, on_conflict, adjusted):
        found = signals.push(stretch.times, *stretch.values, starts=stretch.new_starts)
        columns = _SIGNALS[found.signs], found.prices, found.fast, found.slow, pairs[found.pairs]
        rows.add(stretch, found.positions, columns[: len(names)])
    return in_zone(rows.frame().astype({name: str for name in names if name in TEXT_FIELDS}), bars)


def _lines(name: str, asked: str | Sequence[str]) -> list[str]:
    lines = [asked] if isinstance(asked, str) or not isinstance(asked, Iterable) else list(asked)
    for line in lines:
        check_line(name, line)
    return lines
