"""Moving standard deviation."""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class Std(Rolling):
    """Standard deviation of the window over n - ddof: root of the correctly rounded variance, within 1 ulp.

    No value where the window has at most ddof bars; exactly 0 where it is flat. As pandas with ddof 1 (the default),
    as TA-Lib's STDDEV with 0.

    >>> from windrow.windows import CountWindow, Options
    >>> kernel = Std(CountWindow(3), Options(min_periods=1))
    >>> kernel.push(np.arange(6), np.array([0.1, 0.5, 0.3, 0.3, 0.3, 0.6]), np.array([0])).round(3).tolist()
    [nan, 0.283, 0.2, 0.115, 0.0, 0.173]
    """

    kind = "std"
    over_prices = False
    deviates = True

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Deviation of each window values[lo:hi]."""
        return np.sqrt(exact.variances(values, lo, hi, self.options.ddof))
