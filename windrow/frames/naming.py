"""Frames as people have them -> frames with windrow's names.

Names are those of files, in any case; what `yfinance.download` returns has levels of columns, values and symbols.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from windrow.bars.layout import ADJUSTED_NAMES, ALIASES, SYMBOL_NAMES, TIME_NAMES, normalise
from windrow.bars.shapes import SYMBOL_CORNERS, are_values
from windrow.errors import InputError, UsageError


def named(bars: pd.DataFrame, columns: Sequence[str], adjusted: bool = False) -> pd.DataFrame:
    """The frame with a column for each of these values that it has by another name, and its times as `timestamp`.

    A frame with two levels of columns, as `yfinance.download` returns it, becomes one with a row for each symbol and
    time; a symbol whose values are all missing at a time has no bar there. Raises UsageError where two columns may be
    meant.

    >>> prices = pd.DataFrame({"Close": [2.0]}, index=pd.DatetimeIndex(["2008-03-03"], name="Date"))
    >>> named(prices, ["close"]).columns.tolist()
    ['Close', 'close']
    """
    stacked = bars.columns.nlevels > 1
    if stacked:
        bars = _stacked(bars)
    if bars.index.nlevels > 1 or _are_symbols(bars.index, bars):
        bars = bars.reset_index()
    needed = [*columns, *(("close", _adjusted_name(bars)) if adjusted else ())]
    names = {name: _column(bars, name, ALIASES.get(name, ())) for name in dict.fromkeys(("open", "close", *needed))}
    if "timestamp" not in bars and not isinstance(bars.index, pd.DatetimeIndex):
        names["timestamp"] = _time_column(bars)
        if names["timestamp"] is not None:
            check_times(str(names["timestamp"]), bars[names["timestamp"]])
    new = {name: bars[old] for name, old in names.items() if old is not None and old != name}
    bars = bars.assign(**new) if new else bars
    return bars.dropna(how="all", subset=[name for name in needed if name in bars]) if stacked else bars


def told_columns(bars: pd.DataFrame) -> str:
    """The columns of a frame that `named` returned, as its owner knows them: without those that `named` added.

    >>> told_columns(named(pd.DataFrame({"Close": [2.0], "Date": pd.to_datetime(["2008-03-03"])}), ["close"]))
    'Close, Date'
    """
    others = {"timestamp": TIME_NAMES[1:]}
    added = [
        name
        for name in ("open", "high", "low", "close", "volume", "timestamp")
        if name in bars and _column(bars.drop(columns=name), name, others.get(name, ALIASES.get(name, ()))) is not None
    ]
    return ", ".join(str(name) for name in bars.columns if name not in added)


def check_times(name: str, times: Any) -> None:
    """Raises InputError where a column does not hold times."""
    if not pd.api.types.is_datetime64_any_dtype(times):
        raise InputError(
            f"column {name}: it is of type {times.dtype}: a bar's time is a datetime; convert it with"
            f" bars[{name!r}] = pd.to_datetime(bars[{name!r}])"
        )


def _are_symbols(index: "pd.Index[Any]", bars: pd.DataFrame) -> bool:
    """Whether an index is that of symbols, which no column has."""
    names = {normalise(str(name)) for name in bars.columns}
    return normalise(str(index.name)) in SYMBOL_NAMES and not names.intersection(SYMBOL_NAMES)


def _column(bars: pd.DataFrame, name: str, aliases: Sequence[str]) -> Any:
    """The column of this name: itself, or in another case, or by another name of the same; None if there is none."""
    if list(bars.columns).count(name) == 1:
        return name
    for known in (normalise(name), *aliases):
        found = [column for column in bars.columns if normalise(str(column)) == known]
        if len(found) > 1:
            raise UsageError(
                f"the frame has the columns {', '.join(map(repr, found))}, each of which may be {name!r}: the one to"
                " use must be unambiguous; rename or drop the others"
            )
        if found:
            return found[0]
    return None


def _adjusted_name(bars: pd.DataFrame) -> str:
    return next((str(name) for name in bars.columns if normalise(str(name)) in ADJUSTED_NAMES), "adj_close")


def _time_column(bars: pd.DataFrame) -> Any:
    found = _column(bars, TIME_NAMES[0], TIME_NAMES[1:])
    if normalise(str(found)) in ("date", "dt") and _column(bars, "time", ()) is not None:
        raise UsageError(
            f"the frame has the columns {found} and {_column(bars, 'time', ())}: a bar's time is a date and a time of"
            " day together; join them into a column `timestamp`, e.g. with pd.to_datetime"
        )
    return found


def _stacked(bars: pd.DataFrame) -> pd.DataFrame:
    """A frame with levels of values and symbols as one with a row for each symbol and time."""
    level = _level_of_symbols(bars)
    symbols = bars.columns.get_level_values(level)
    parts: list[pd.DataFrame] = [
        bars.xs(symbol, axis=1, level=level).assign(symbol=str(symbol)) for symbol in symbols.unique()
    ]
    return pd.concat(parts)


def _level_of_symbols(bars: pd.DataFrame) -> int:
    levels = [list(map(str, bars.columns.get_level_values(level))) for level in range(bars.columns.nlevels)]
    corners = [normalise(str(name)) for name in bars.columns.names]
    values = [
        level for level, labels in enumerate(levels) if are_values(labels) and corners[level] not in SYMBOL_CORNERS
    ]
    if len(levels) != 2 or len(values) != 1:
        raise UsageError(
            "the frame has several levels of columns, and it is not clear which is of symbols: a bar needs a symbol;"
            " make rows of that level, e.g. with bars.stack('Ticker', future_stack=True).reset_index()"
        )
    return 1 - values[0]
