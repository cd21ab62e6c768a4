"""Bars of symbols as the job read them, the averages that it took of them, and its orders and values at those bars."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from windrow.arrays import Floats, Ints
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.frames.outputs import columns_of, read_bars
from windrow.pages.report.results import Equity, Orders
from windrow.times import format_times
from windrow.trading.signals import parse_line
from windrow.windows import Options

CANDLES = ("open", "high", "low", "close")
_KEY = ("symbol", "timestamp")


@dataclass(frozen=True)
class Series:
    """One symbol's bars: times (ns) and, by name, prices of shape (bars,); `price` is the one that averages take.

    `dated`: their times are dates. `source`: what they were read from, for errors.
    """

    symbol: str
    times: Ints
    prices: dict[str, Floats]
    price: str
    dated: bool
    source: str

    @property
    def has_candles(self) -> bool:
        """Whether the inputs hold open, high, low and close."""
        return all(name in self.prices for name in CANDLES)

    @property
    def close(self) -> Floats:
        """What a line is drawn of where there are no candles."""
        return self.prices["close"] if self.has_candles else self.prices[self.price]

    def average(self, name: str, options: Options, restarts: Sequence[int] = ()) -> Floats:
        """The line of that name, as `ema:7`, from the job's kernels; it begins anew at the bars of `restarts`."""
        starts = np.array([0, *restarts], np.int64)
        return parse_line(name, self.price).kernel(options).push(self.times, self.prices[self.price], starts)

    def at(self, times: Ints, what: str) -> Ints:
        """The bars at these times. Raises InputError, which tells `what` is at a time without a bar."""
        bars = np.searchsorted(self.times, times)
        found = self.times[np.minimum(bars, len(self.times) - 1)] == times
        if not found.all():
            time = format_times(times[~found][:1], self.dated)[0].decode()
            raise InputError(
                f"{self.source}: has no bar of {self.symbol} at {time}, the time of {what}; give the bars that the job"
                " read, all of them"
            )
        return bars

    def orders(self, orders: Orders) -> dict[str, Any]:
        """Columns of orders for a chart; `at` is the bar."""
        return {"at": self.at(orders.times, "an order"), **orders._asdict()}

    def values(self, equity: Equity) -> Floats:
        """The values at the bars; NaN where there is none."""
        values = np.full(len(self.times), np.nan)
        values[self.at(equity.times, "a value of the equity curve")] = equity.values
        return values


def read_series(paths: Sequence[str], symbols: Sequence[str], reading: Reading, price: str) -> dict[str, Series]:
    """The symbols' series, read as a job of that reading read them, whose averages take `price`.

    Candles are read beside it, where all inputs have them: a bar whose high is missing still was one for the job.
    Raises InputError where a symbol has no bar, and what `read_bars` raises. Memory: the symbols' bars.
    """
    source = " ".join(paths)
    frame = _once(read_bars(paths, symbols, reading), _KEY)
    missing = [name for name in CANDLES if name not in reading.values]
    if missing and set(missing) <= columns_of(paths, reading):
        # Of different bars at one time the candle of the one that the job kept.
        same = [*_KEY, *(name for name in CANDLES if name in reading.values)]
        candles = _once(read_bars(paths, symbols, replace(reading, values=CANDLES, on_conflict="fail")), same)
        frame = frame.merge(candles[[*same, *missing]], on=same, how="left")
    groups = dict(iter(frame.groupby("symbol", sort=False)))
    for symbol in symbols:
        if symbol not in groups:
            raise InputError(
                f"{source}: has no bar of symbol {symbol}, of which the output tells; give the bars that the job read"
            )
    return {symbol: _series(symbol, groups[symbol], price, source) for symbol in symbols}


def _once(frame: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    return frame.drop_duplicates(list(key))


def _series(symbol: str, frame: pd.DataFrame, price: str, source: str) -> Series:
    times = frame["timestamp"]
    prices = {str(name): frame[name].to_numpy(np.float64) for name in frame.columns[2:]}
    moments = np.asarray(times.astype("int64"), np.int64)
    return Series(symbol, moments, prices, price, times.dt.tz is None, source)
