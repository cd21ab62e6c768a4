"""Average true range."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.states import Carries, MadeOf, Part
from windrow.windows.kernel import Declared, Options
from windrow.windows.smoothing import Before, Smoothed, bars_of
from windrow.windows.window import Window


class ATR(Declared):
    """Wilder's average of true ranges: from the lowest to the highest of a bar's low, its high and the close before it.

    A symbol's first bar has no close before it, and no range; the average starts from the mean of the next n, so its
    first value is at bar n + 1, then it is e + (x - e) / n (Wilder, "New Concepts in Technical Trading Systems", 1978);
    as TA-Lib's ATR. TradingView takes the first bar's high - low as a range too. Ranges are those of
    decimals, correctly rounded.

    >>> from windrow.windows import CountWindow
    >>> kernel, close = ATR(CountWindow(2), Options()), np.array([10.0, 10.2, 10.6, 9.9])
    >>> kernel.push(np.arange(4), close + 0.25, close - 0.25, close, np.array([0])).round(12).tolist()
    [nan, nan, 0.575, 0.7625]
    """

    kind = "atr"
    over_prices = False
    inputs = ("high", "low", "close")
    carries: ClassVar[Carries] = {"_before": Part(), "_ranges": Part()}

    def __init__(self, window: Window, options: Options) -> None:
        self._bars = bars_of(self.kind, window)
        self._before, self._ranges = Before(), Smoothed(1.0 / self._bars, self._bars)

    def made_of(self) -> MadeOf:
        """Its bars."""
        return {"atr": self._bars}

    @property
    def state_bars(self) -> int:
        """Ranges held for the seed."""
        return self._ranges.state_bars

    def push(self, times: Ints, high: Floats, low: Floats, close: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        before = self._before.push(close, starts)
        known = ~np.isnan(before)
        ranges = np.full(len(close), np.nan)
        highest, lowest = np.maximum(high, before)[known], np.minimum(low, before)[known]
        ranges[known] = exact.differences(highest, lowest)
        return self._ranges.push(ranges, starts)
