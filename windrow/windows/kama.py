"""Kaufman's adaptive moving average."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.exact import sums as exact
from windrow.states import Carries, MadeOf, Number, Part
from windrow.windows.kernel import Argument, Declared, Options
from windrow.windows.rolling import Rolling
from windrow.windows.smoothing import bars_of
from windrow.windows.window import MOST_BARS, CountWindow, Window

_BEGINS = 2.0  # in place of a rate, which is at most 1: the average is the price


class KAMA(Declared):
    """k + c**2 * (x - k): fast where the price goes straight, slow where it goes to and fro.

    c = 2 / (slow + 1) + er * (2 / (fast + 1) - 2 / (slow + 1)), where the efficiency er is the distance from the price
    n bars before to the present one, over the way that the price went in between, each exact and rounded once (Kaufman,
    "Smarter Trading", 1995). kama:10,2,30 is of 10 bars, fast 2 and slow 30, as TA-Lib's KAMA, which has no other: the
    first value is at bar n + 1, from the price at bar n. Where the price did not move in n bars, 0 / 0, er is 1, as in
    TA-Lib.

    >>> kernel = KAMA(CountWindow(2), Options())
    >>> kernel.push(np.arange(5), np.array([1.0, 2.0, 3.0, 2.0, 2.0]), np.array([0])).round(9).tolist()
    [nan, nan, 2.444444444, 2.44259452, 2.245885844]
    """

    kind = "kama"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("FAST", "2", high=MOST_BARS),
        Argument("SLOW", "30", high=MOST_BARS),
    )
    carries: ClassVar[Carries] = {"_rates": Part(), "_average": Number()}

    def __init__(self, window: Window, options: Options, fast: Decimal | int = 2, slow: Decimal | int = 30) -> None:
        bars = bars_of(self.kind, window, most=MOST_BARS - 1)
        if fast > slow:
            raise UsageError(
                f"{self.kind}:{bars},{fast},{slow}: fast, {fast} bars, is longer than slow, {slow}; write the shorter"
                f" one first, e.g. {self.kind}:10,2,30"
            )
        self._made_of: MadeOf = {"kama": f"{bars},{fast},{slow}"}
        self._rates = _Rates(bars, options, 2.0 / (int(fast) + 1), 2.0 / (int(slow) + 1))
        self._average = 0.0

    def made_of(self) -> MadeOf:
        """Its bars."""
        return self._made_of

    @property
    def state_bars(self) -> int:
        """Bars held for the efficiency."""
        return self._rates.state_bars

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        rates = self._rates.push(times, values, starts)
        at = np.flatnonzero(~np.isnan(rates))
        result = np.full(len(values), np.nan)
        if len(at):
            result[at] = np.fromiter(self._averages(values[at], rates[at]), np.float64, len(at))
            self._average = float(result[at[-1]])
            result[rates == _BEGINS] = np.nan
        return result

    def _averages(self, values: Floats, rates: Floats) -> Iterator[float]:
        average = self._average
        for value, rate in zip(values.tolist(), rates.tolist(), strict=True):
            average = value if rate == _BEGINS else average + rate * (value - average)
            yield average


class _Rates(Rolling):
    """By which part of its distance to the price an average moves: of the n-th bar _BEGINS, c**2 after it."""

    kind: ClassVar[str]

    def __init__(self, bars: int, options: Options, fast: float, slow: float) -> None:
        super().__init__(CountWindow(bars + 1), replace(options, min_periods=bars))
        self._bars, self._fast, self._slow = bars, fast, slow

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Rate of each window values[lo:hi]."""
        rates = np.full(len(lo), _BEGINS)
        full = hi - lo > self._bars
        lo, hi = lo[full], hi[full]
        way = exact.travelled(values, lo, hi)
        distance = np.abs(exact.differences(values[hi - 1], values[lo]))
        efficiency = np.where(way == 0, 1.0, distance / np.where(way == 0, 1.0, way))
        rates[full] = (efficiency * (self._fast - self._slow) + self._slow) ** 2
        return rates
