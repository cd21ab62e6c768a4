"""Rate of change."""

from dataclasses import replace

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.states import MadeOf
from windrow.windows.kernel import Options
from windrow.windows.rolling import Rolling
from windrow.windows.smoothing import bars_of
from windrow.windows.window import CountWindow, Window


class ROC(Rolling):
    """By how many percent the price is above that of n bars before: 100 * (x - x[-n]) / x[-n]; first at bar n + 1.

    As TA-Lib's ROC, and pandas' pct_change(n) times 100. The difference is that of decimals, so that 0 is no change;
    the value is within 2 ulp. After a price of 0 there is none: TA-Lib has 0 there. `min_periods` does not apply.

    >>> kernel = ROC(CountWindow(1), Options())
    >>> kernel.push(np.arange(5), np.array([10.0, 11.0, 11.0, 0.0, 3.0]), np.array([0])).tolist()
    [nan, 10.0, 0.0, -100.0, nan]
    """

    kind = "roc"
    over_prices = False

    def __init__(self, window: Window, options: Options) -> None:
        self._bars = bars_of(self.kind, window, most=999_999)
        super().__init__(CountWindow(self._bars + 1), replace(options, min_periods=None))

    def made_of(self) -> MadeOf:
        """Its bars."""
        return {"roc": self._bars}

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Change over each window values[lo:hi]."""
        before = values[lo]
        divisors = np.where(before == 0, np.nan, before)
        return np.asarray(100.0 * exact.differences(values[hi - 1], before) / divisors)
