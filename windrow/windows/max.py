"""Moving maximum."""

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class Max(Rolling):
    """Largest value in the window.

    >>> import numpy as np
    >>> from windrow.windows import CountWindow, Options
    >>> kernel = Max(CountWindow(3), Options())
    >>> kernel.push(np.arange(6), np.array([0.1, 0.2, 0.3, 0.2, 0.2, 0.2]), np.array([0])).tolist()
    [nan, nan, 0.3, 0.3, 0.3, 0.2]
    """

    kind = "max"

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Largest value of each window values[lo:hi]."""
        return exact.maxima(values, lo, hi)
