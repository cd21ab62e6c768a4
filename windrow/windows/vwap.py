"""Volume-weighted average price."""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.groups import windowed, windowed_products
from windrow.windows.rolling import Windowed


class VWAP(Windowed):
    """The mean of (high + low + close) / 3 over the window, weighted by volume; exact, and rounded once.

    vwap:20 is over the last 20 bars, vwap:1h over an hour, vwap:session over the bars since midnight UTC, and
    vwap:session@America/New_York since midnight there: that of a day, which TradingView and brokers show. With the
    typical price, as there; some take the close. Of volumes that are all 0 there is no value.

    >>> from windrow.windows import CountWindow, Options
    >>> kernel, price = VWAP(CountWindow(2), Options()), np.array([0.1, 0.1, 0.4, 0.7])
    >>> kernel.push(np.arange(4), price, price, price, np.array([3.0, 1.0, 2.0, 0.0]), np.array([0])).tolist()
    [nan, 0.1, 0.3, 0.4]
    """

    kind = "vwap"
    inputs = ("high", "low", "close", "volume")

    def push(self, times: Ints, high: Floats, low: Floats, close: Floats, volume: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none: see `Kernel.push`."""
        return self.rolled(times, [high, low, close, volume], starts)

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Mean of each window values[:, lo:hi]."""
        *prices, volume = values
        return windowed_products(prices, volume, lo, hi).by(windowed(np.ascontiguousarray(volume), lo, hi), 3)
