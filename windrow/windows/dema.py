"""Double exponential moving average."""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.windows.smoothing import Chained


class DEMA(Chained):
    """2 * e1 - e2, where e1 is the ema over n bars, and e2 the ema over n of e1; its first value is at bar 2 n - 1.

    Mulloy, "Smoothing Data with Faster Moving Averages", Stocks & Commodities 12:1 (1994); as TA-Lib's DEMA. Each ema
    starts from a mean, or with --ema-seed first from its first value, as pandas' ewm(adjust=False) twice. A flat price
    stays flat.

    >>> from windrow.windows import CountWindow, Options
    >>> kernel = DEMA(CountWindow(2), Options())
    >>> kernel.push(np.arange(5), np.array([1.0, 2.0, 3.0, 4.0, 4.0]), np.array([0])).round(12).tolist()
    [nan, nan, 3.0, 4.0, 4.111111111111]
    """

    kind = "dema"
    length = 2

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        once, twice = self._chain.push(times, values, starts)
        return np.asarray(2.0 * once - twice)
