"""Relative strength index."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.states import Carries, MadeOf, Part
from windrow.windows.kernel import Declared, Options
from windrow.windows.smoothing import Before, Smoothed, bars_of
from windrow.windows.window import Window


class RSI(Declared):
    """100 * gains / (gains + losses), their averages by Wilder: 0 where the price only falls, 100 where it only rises.

    The averages start from the mean of the first n changes, so its first value is at bar n + 1; then each is
    e + (x - e) / n (Wilder, "New Concepts in Technical Trading Systems", 1978); as TA-Lib's RSI. Changes are those of
    decimals, correctly rounded. Where the price never moved it is 50, neither strong nor weak: TA-Lib has 0 there, and
    wherever both averages are below 1e-14; TradingView has 100. Windows of 2 bars or more.

    >>> from windrow.windows import CountWindow
    >>> kernel = RSI(CountWindow(2), Options())
    >>> kernel.push(np.arange(6), np.array([0.1, 0.3, 0.2, 0.2, 0.6, 0.6]), np.array([0])).round(9).tolist()
    [nan, nan, 66.666666667, 66.666666667, 94.736842105, 94.736842105]
    """

    kind = "rsi"
    over_prices = False
    carries: ClassVar[Carries] = {"_before": Part(), "_gains": Part(), "_losses": Part()}

    def __init__(self, window: Window, options: Options) -> None:
        self._bars = bars_of(self.kind, window, least=2)
        self._before = Before()
        self._gains, self._losses = (Smoothed(1.0 / self._bars, self._bars) for _ in range(2))

    def made_of(self) -> MadeOf:
        """Its bars."""
        return {"rsi": self._bars}

    @property
    def state_bars(self) -> int:
        """Changes held for the seed."""
        return self._gains.state_bars

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        changes = _changes(values, self._before.push(values, starts))
        gains = self._gains.push(np.maximum(changes, 0.0), starts)
        losses = self._losses.push(np.maximum(-changes, 0.0), starts)
        both = gains + losses
        return np.where(both == 0, 50.0, 100.0 * (gains / np.where(both == 0, 1.0, both)))


def _changes(values: Floats, before: Floats) -> Floats:
    """Values less those before them, NaN where there are none."""
    known = ~np.isnan(before)
    changes = np.full(len(values), np.nan)
    changes[known] = exact.differences(values[known], before[known])
    return changes
