"""Bars of symbols, read as a job read them, and what the job wrote of them placed at those bars."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from windrow.arrays import Floats, Ints
from windrow.bars.layout import Reading
from windrow.bars.selection import conditions
from windrow.errors import InputError
from windrow.feeds.spool import spooled
from windrow.frames.outputs import columns_of, read_bars
from windrow.storage.manner import Manner
from windrow.times import format_times
from windrow.trading.signals import parse_line
from windrow.windows import Options, kernels

CANDLES = ("open", "high", "low", "close")
_KEY = ("symbol", "timestamp")


@dataclass(frozen=True)
class Series:
    """One symbol's bars: times (ns) and, by name, prices of shape (bars,); averages are taken of `price`.

    `dated`: the times are dates. `source`: what the bars were read from, for errors.
    """

    symbol: str
    times: Ints
    prices: dict[str, Floats]
    price: str
    dated: bool
    source: str

    @property
    def has_candles(self) -> bool:
        """Whether open, high, low and close are known."""
        return all(name in self.prices for name in CANDLES)

    @property
    def close(self) -> Floats:
        """What is drawn as a line where there are no candles."""
        return self.prices["close"] if self.has_candles else self.prices[self.price]

    def average(self, name: str, options: Options, restarts: Sequence[int] = ()) -> Floats:
        """The line of that name, e.g. `ema:7`, by the job's kernels; it starts again at the bars of `restarts`."""
        starts = np.array([0, *restarts], np.int64)
        line = parse_line(name, self.price)
        values = (self.prices[column] for column in line.columns(self.price))
        return line.kernel(options).push(self.times, *values, starts=starts)

    def at(self, times: Ints, what: str) -> Ints:
        """The bars at these times. Raises InputError, which names `what`, for a time without a bar."""
        bars = np.searchsorted(self.times, times)
        found = self.times[np.minimum(bars, len(self.times) - 1)] == times
        if not found.all():
            time = format_times(times[~found][:1], self.dated)[0].decode()
            raise InputError(
                f"{self.source}: has no bar of {self.symbol} at {time}, the time of {what}: pages need the bars that"
                " the job read, all of them; use those"
            )
        return bars

    def values(self, times: Ints, values: Floats, what: str) -> Floats:
        """A value for each bar from values at some times, NaN elsewhere. Raises what `at` raises."""
        column = np.full(len(self.times), np.nan)
        column[self.at(times, what)] = values
        return column


def is_over_prices(name: str) -> bool:
    """Whether a line of that name, e.g. `ema:7`, is drawn over prices, as one of rsi or macd is not.

    >>> [is_over_prices(name) for name in ("ema:7", "macd:12.signal", "close")]
    [True, False, True]
    """
    kind = name.partition(":")[0]
    return kind not in kernels() or kernels()[kind].over_prices


def choose(known: Sequence[str], wanted: Sequence[str], most: int, source: str) -> list[str]:
    """The symbols wanted, each once; if none is, the first `most` of those known.

    Raises InputError, with the nearest names, where a symbol is not known, and where none is known.
    """
    if not known:
        raise InputError(
            f"{source}: no symbol to show: a page shows symbols that every output has rows of; use outputs that have"
            " some"
        )
    for symbol in wanted:
        if symbol not in known:
            near = ", ".join(difflib.get_close_matches(symbol, known, n=3, cutoff=0))
            raise InputError(
                f"{source}: has no row of symbol {symbol}: it has {len(known):,} symbols; the nearest are {near}"
            )
    return list(dict.fromkeys(wanted)) or list(known[:most])


def read_series(
    paths: Sequence[str],
    symbols: Sequence[str],
    reading: Reading,
    price: str,
    column: str | None = None,
    until: Mapping[str, int] | None = None,
) -> dict[str, Series]:
    """The symbols' series, read as a job with that reading read them, of streams `until` the same end (ns).

    The job's averages are of `price`.

    Open, high, low and close are read too where all inputs have them: a row whose high is missing was a bar for the job
    all the same. `column` is read, and drawn as a line, in place of candles.

    Raises InputError where a symbol has no bar, and what `read_bars` raises. Memory: the symbols' bars.
    """
    with spooled(paths, Manner(gaps="warn"), reading, until) as (places, _):
        frame = _prices(places, symbols, reading, column)
    if column is not None:
        frame, price = frame[[*_KEY, column]], column
    groups = dict(iter(frame.groupby("symbol", sort=False)))
    source = " ".join(paths)
    for symbol in symbols:
        if symbol not in groups:
            raise InputError(
                f"{source}: has no bar of symbol {symbol}, which the output has: pages need the bars that the job read;"
                " use those"
            )
    return {symbol: _series(symbol, groups[symbol], price, source) for symbol in symbols}


def _prices(paths: Sequence[str], symbols: Sequence[str], reading: Reading, column: str | None) -> pd.DataFrame:
    """Bars of these symbols with the job's columns, and those to draw where all inputs have them."""
    frame = _once(read_bars(paths, symbols, reading), _KEY)
    beside = CANDLES if column is None else (column,)
    missing = [name for name in beside if name not in reading.values]
    readable = column is not None or _may_have_candles(reading)
    if missing and readable and (column is not None or set(missing) <= columns_of(paths, reading)):
        # Of different bars at one time, the values of the bar that the job kept.
        same = [*_KEY, *(name for name in beside if name in reading.values)]
        more = _once(read_bars(paths, symbols, replace(reading, values=beside, on_conflict="fail")), same)
        frame = frame.merge(more[[*same, *missing]], on=same, how="left")
    return frame


def _may_have_candles(reading: Reading) -> bool:
    """Whether all four prices can be read as the job read its own: in its scale, and none of them a condition."""
    scaled = {text.partition("=")[0] for text in reading.scale}.intersection(CANDLES)
    compared = {name for name, _ in conditions(reading.where)}
    return len(scaled) in (0, len(CANDLES)) and compared.isdisjoint(CANDLES)


def _once(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    return frame.drop_duplicates(list(key))


def _series(symbol: str, frame: pd.DataFrame, price: str, source: str) -> Series:
    times = frame["timestamp"]
    prices = {str(name): frame[name].to_numpy(np.float64) for name in frame.columns[2:]}
    return Series(symbol, moments(times), prices, price, times.dt.tz is None, source)


def moments(times: "pd.Series[pd.Timestamp]") -> Ints:
    """Times as nanoseconds since 1970."""
    return np.asarray(times.astype("int64"), np.int64)
