"""Triple exponential moving average."""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.windows.smoothing import Chained


class TEMA(Chained):
    """3 * e1 - 3 * e2 + e3, each the ema over n bars of the one before; its first value is at bar 3 n - 2.

    Mulloy, "Smoothing Data with Less Lag", Stocks & Commodities 12:2 (1994); as TA-Lib's TEMA. Each ema starts from a
    mean, or with --ema-seed first from its first value. A flat price stays flat.

    >>> from windrow.windows import CountWindow, Options
    >>> kernel = TEMA(CountWindow(2), Options())
    >>> kernel.push(np.arange(6), np.array([1.0, 2.0, 3.0, 4.0, 4.0, 4.0]), np.array([0])).round(12).tolist()
    [nan, nan, nan, 4.0, 4.037037037037, 4.0]
    """

    kind = "tema"
    length = 3

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        once, twice, thrice = self._chain.push(times, values, starts)
        return np.asarray((3.0 * once - 3.0 * twice) + thrice)
