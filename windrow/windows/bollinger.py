"""Bollinger bands."""

from decimal import Decimal
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.states import MadeOf
from windrow.windows.kernel import Argument, Options
from windrow.windows.rolling import Rolling
from windrow.windows.window import Window


class Bollinger(Rolling):
    """The window's mean, and lines above and below it by a number of its deviations, 2 by default.

    The deviation is over n, not n - 1, whatever --ddof says: so in Bollinger, "Bollinger on Bollinger Bands" (2001), in
    TA-Lib, backtrader and TradingView; pandas' std is over n - 1. The mean is correctly rounded, the deviation within 1
    ulp; in a flat window all three are its price.

    >>> from windrow.windows import CountWindow
    >>> kernel = Bollinger(CountWindow(2), Options())
    >>> kernel.push(np.arange(4), np.array([0.1, 0.3, 0.3, 0.7]), np.array([0])).round(12).tolist()
    [[nan, 0.4, 0.3, 0.9], [nan, 0.2, 0.3, 0.5], [nan, 0.0, 0.3, 0.1]]
    """

    kind = "bollinger"
    outputs = ("upper", "middle", "lower")
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("DEVIATIONS", "2", whole=False, low=0, high=1000),)

    def __init__(self, window: Window, options: Options, deviations: Decimal = Decimal(2)) -> None:
        super().__init__(window, options)
        self._deviations = float(deviations)

    def made_of(self) -> MadeOf:
        """Its kind, window, number of deviations and options."""
        return {**super().made_of(), "deviations": self._deviations}

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Bands of each window values[lo:hi]."""
        middle = exact.means(values, lo, hi)
        away = self._deviations * np.sqrt(exact.variances(values, lo, hi, 0))
        return np.array([middle + away, middle, middle - away])
