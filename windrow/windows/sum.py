"""Moving sum."""

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class Sum(Rolling):
    """Sum of the window, correctly rounded.

    >>> import numpy as np
    >>> from windrow.windows import CountWindow, Options
    >>> kernel = Sum(CountWindow(3), Options())
    >>> kernel.push(np.arange(6), np.array([0.1, 0.2, 0.3, 0.2, 0.2, 0.2]), np.array([0])).tolist()
    [nan, nan, 0.6, 0.7, 0.7, 0.6]
    """

    kind = "sum"
    over_prices = False

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Sum of each window values[lo:hi]."""
        return exact.sums(values, lo, hi)
