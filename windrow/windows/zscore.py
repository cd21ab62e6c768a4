"""Distance from the mean in deviations."""

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.windows.rolling import Rolling


class ZScore(Rolling):
    """The price less the window's mean, over the window's standard deviation, which is over n - ddof.

    As (x - rolling.mean()) / rolling.std() in pandas, and scipy.stats.zscore of the window with --ddof 0. Mean and
    deviation are exact, and so is 0 where they are equal; within 3 ulp. In a flat window it is 0: the price is its mean
    (0 / 0, NaN in pandas). No value where the window has at most ddof bars.

    >>> from windrow.windows import CountWindow, Options
    >>> kernel = ZScore(CountWindow(3), Options())
    >>> kernel.push(np.arange(5), np.array([0.1, 0.2, 0.3, 0.3, 0.3]), np.array([0])).round(12).tolist()
    [nan, nan, 1.0, 0.57735026919, 0.0]
    """

    kind = "zscore"
    over_prices = False
    deviates = True

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Distance of the last value of each window values[lo:hi]."""
        deviations = np.sqrt(exact.variances(values, lo, hi, self.options.ddof))
        return np.asarray(exact.away_from_means(values, lo, hi) / np.where(deviations == 0, 1.0, deviations))
