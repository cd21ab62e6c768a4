"""Golden and death crosses among the bars of a DataFrame: `windrow.crossover(...)`."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from windrow.frames.arguments import with_known_arguments
from windrow.frames.bars import check_needs, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.rows import Rows
from windrow.sinks.crosses import SIGNALS, TEXT_FIELDS, names_of
from windrow.trading.signals import Signals, parse_pairs
from windrow.windows import Options

_SIGNALS = np.array(["", SIGNALS[1], SIGNALS[-1]], object)  # by sign: -1 counts from the end


@with_known_arguments
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

    bars: as for `windrow.moving_average`. fast, slow: a line each, an indicator, e.g. `ema:7`, or the price by the name
    of its column, e.g. `close`; or equally many lines each, for several pairs: the first fast line with the first slow
    line, and so on. The others are the job's options of the same names.

    Returns a row per cross, sorted by symbol, timestamp and pair: symbol, timestamp, signal (golden: fast crosses above
    slow; death: below), the float64 columns price, fast and slow at that bar, and with several pairs the column pair,
    e.g. `sma:50/sma:200`. Memory: some copies of the column used. Raises UsageError for wrong options, InputError for
    invalid values, ConflictError for two different bars at one (symbol, timestamp).

    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2024-01-02", periods=7), "close": [10, 11, 11, 12, 12, 11, 13]})
    >>> crossover(bars, fast="close", slow="sma:2")
      symbol  timestamp  signal  price  fast  slow
    0     AA 2024-01-07   death   11.0  11.0  11.5
    1     AA 2024-01-08  golden   13.0  13.0  12.0
    """
    fasts, slows = ([line] if isinstance(line, str) else list(line) for line in (fast, slow))
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
