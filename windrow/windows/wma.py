"""Weighted moving average."""

from dataclasses import replace

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.exact import sums as exact
from windrow.windows.kernel import Options
from windrow.windows.rolling import Rolling
from windrow.windows.window import CountWindow, Window

_MOST_BARS = 10_000


class WMA(Rolling):
    """Mean of the window with weights 1, 2, ... n, the newest bar heaviest, correctly rounded; as TA-Lib's WMA.

    Windows of 1 to 10,000 bars, full ones only: `min_periods` does not apply. Raises UsageError for other windows.

    >>> import numpy as np
    >>> kernel = WMA(CountWindow(3), Options())
    >>> kernel.push(np.arange(5), np.array([1.0, 2.0, 3.0, 3.0, 3.0]), np.array([0])).tolist()
    [nan, nan, 2.3333333333333335, 2.8333333333333335, 3.0]
    """

    kind = "wma"

    def __init__(self, window: Window, options: Options) -> None:
        if not isinstance(window, CountWindow):
            raise UsageError(f"wma:{window}: a wma is weighted over a number of bars; use e.g. wma:20")
        if window.bars > _MOST_BARS:
            raise UsageError(f"wma:{window}: a wma takes 1 to {_MOST_BARS:,} bars; use a window in that range")
        super().__init__(window, replace(options, min_periods=None))

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Weighted mean of each window values[lo:hi]."""
        return exact.weighted_means(values, lo, hi)
