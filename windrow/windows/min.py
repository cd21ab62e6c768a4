"""Moving minimum."""

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class Min(Rolling):
    """Smallest value in the window.

    >>> import numpy as np
    >>> from windrow.windows import CountWindow, Options
    >>> kernel = Min(CountWindow(3), Options())
    >>> kernel.push(np.arange(6), np.array([0.1, 0.2, 0.3, 0.2, 0.2, 0.2]), np.array([0])).tolist()
    [nan, nan, 0.1, 0.2, 0.2, 0.2]
    """

    kind = "min"

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Smallest value of each window values[lo:hi]."""
        return exact.minima(values, lo, hi)
