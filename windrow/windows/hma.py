"""Hull moving average."""

from dataclasses import replace
from math import isqrt

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.states import MadeOf
from windrow.windows.kernel import Options
from windrow.windows.rolling import Rolling
from windrow.windows.smoothing import bars_of
from windrow.windows.window import CountWindow, Window

_MOST_BARS = 2_000


class HMA(Rolling):
    """The wma, over the root of n, of twice the wma over n / 2 less that over n; half and root rounded down.

    Hull, "How to reduce lag in a moving average" (2005); as TradingView's and pandas-ta's, which round down too. A
    weighted sum of the last n + root - 1 bars, where its first value is: exact, and rounded once. Windows of 2 to 2,000
    bars; `min_periods` does not apply.

    >>> import numpy as np
    >>> kernel = HMA(CountWindow(4), Options())
    >>> kernel.push(np.arange(6), np.array([1.0, 2.0, 3.0, 4.0, 4.0, 4.0]), np.array([0])).round(12).tolist()
    [nan, nan, nan, nan, 4.377777777778, 4.2]
    """

    kind = "hma"

    def __init__(self, window: Window, options: Options) -> None:
        bars = bars_of(self.kind, window, 2, _MOST_BARS)
        self._bars = bars, bars // 2, isqrt(bars)
        super().__init__(CountWindow(bars + isqrt(bars) - 1), replace(options, min_periods=None))

    def made_of(self) -> MadeOf:
        """Its bars."""
        return {"hma": self._bars[0]}

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Mean of each window values[lo:hi]."""
        return exact.hull_means(values, hi, self._bars)
