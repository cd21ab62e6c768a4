"""Simple moving average."""

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class SMA(Rolling):
    """Arithmetic mean of the window, correctly rounded: means that are equal in exact decimal arithmetic are equal.

    >>> import numpy as np
    >>> from windrow.windows import CountWindow, Options
    >>> kernel = SMA(CountWindow(3), Options())
    >>> kernel.push(np.arange(6), np.array([0.1, 0.2, 0.3, 0.2, 0.2, 0.2]), np.array([0])).tolist()
    [nan, nan, 0.2, 0.23333333333333334, 0.23333333333333334, 0.2]
    """

    kind = "sma"

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Mean of each window values[lo:hi]."""
        return exact.means(values, lo, hi)

    def trailing(self, values: Floats, bars: int) -> Floats:
        """Mean of each window of so many bars."""
        return exact.full_means(values, bars)
