"""Rows that lack some of their values: the rest of them is as good as if it were alone.

A job reads the columns that it needs, and a row that lacks another is a bar all the same: indices have no volume. So
where rows of a file are no bars by all columns, each column is read for itself, and what belongs to one row is put
together by symbol and time. What a row lacks is NaN.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from windrow.arrays import Codes, Floats
from windrow.bars.checks import MISSING
from windrow.bars.columns import Bars, Layout, join_bars
from windrow.console import say
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.times import format_times

#: Why a value, not the row, is invalid.
VALUE_REASONS = {MISSING, "number", "infinite", "range"}


def with_partial(place: str, name: str, layout: Layout, whole: Bars) -> Bars:
    """The bars of a file, and its rows with some of their values; `whole` are its rows with all of them.

    place, name: where the file is, and what the user calls it.

    Raises InputError where several rows have one symbol and time, and lack different values.
    """
    columns = [join_bars(list(read_bars(place, one))) for one in _each(layout)]
    symbols = list(dict.fromkeys(symbol for bars in (whole, *columns) for symbol in bars.symbols))
    alone = [_distinct(bars, bars.values[0], symbols) for bars in columns]
    beside = [_distinct(whole, values, symbols) for values in whole.values]
    counts = pd.concat([frame.index.value_counts() for frame in (*alone, *beside)], axis=1).fillna(0)
    of_alone, of_whole = np.hsplit(counts.to_numpy(np.int64), 2)
    alike = (of_alone == of_whole).all(axis=1)  # rows that lack values may repeat whole ones
    apart = (of_alone <= 1).all(axis=1) & (of_alone == 0).any(axis=1) & (of_whole == 0).all(axis=1)
    if not (alike | apart).all():
        code, time = counts.index[int(np.argmin(alike | apart))]
        at = format_times(np.array([time]), bool(layout.dated))[0].decode()
        raise InputError(
            f"{name}: has several rows of {symbols[code]} at {at}, which lack different values, so which belong"
            " together is unclear; a symbol has one bar at a time; remove all but one, or choose one column with"
            " --column"
        )
    if not apart.any():
        return whole
    say(
        f"note: {name}: {int(apart.sum()):,} rows lack some of {', '.join(layout.values)}, or have one that is no"
        " number; it is null in their records"
    )
    return _together(symbols, columns, alone, counts.index[apart], whole)


def _each(layout: Layout) -> list[Layout]:
    """A layout for each column of values alone."""
    return [replace(layout, values=(name,), powers=(power,) if power else ()) for name, power in layout.scaled]


def _distinct(bars: Bars, values: Floats, symbols: Sequence[str]) -> pd.DataFrame:
    """The values by symbol and time, without repeats."""
    frame = pd.DataFrame({"symbol": _codes(bars, symbols), "time": bars.times, "value": values, "timed": bars.timed})
    return frame.drop_duplicates(["symbol", "time", "value"]).set_index(["symbol", "time"])


def _codes(bars: Bars, symbols: Sequence[str]) -> Codes:
    """The bars' symbols, by their numbers in another list."""
    number = {symbol: at for at, symbol in enumerate(symbols)}
    return np.array([number[symbol] for symbol in bars.symbols], np.int32)[bars.codes]


def _together(
    symbols: list[str], columns: Sequence[Bars], alone: Sequence[pd.DataFrame], keys: Any, whole: Bars
) -> Bars:
    """The whole rows and, behind them, one for each of these keys."""
    found = [frame[frame.index.isin(keys)].reindex(keys) for frame in alone]
    values = [frame["value"].to_numpy(np.float64) for frame in found]
    timed = np.logical_or.reduce([frame["timed"].fillna(value=False).to_numpy(bool) for frame in found])
    best = max(columns, key=len)
    return Bars(
        symbols,
        np.concatenate([_codes(whole, symbols), keys.get_level_values("symbol").to_numpy(np.int32)]),
        np.concatenate([whole.times, keys.get_level_values("time").to_numpy(np.int64)]),
        [np.concatenate(both) for both in zip(whole.values, values, strict=True)],
        np.concatenate([whole.timed, timed]),
        rejected=_less(best.rejected, len(whole) + len(keys) - len(best)),
        unselected=whole.unselected,
        examples=best.examples,
    )


def _less(rejected: Counter[str], fewer: int) -> Counter[str]:
    """What one column's reading rejected, without so many rows that another column has."""
    left = Counter(rejected)
    for reason in (MISSING, *sorted(rejected)):
        taken = min(left[reason], fewer)
        left[reason] -= taken
        fewer -= taken
    return +left
