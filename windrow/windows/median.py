"""Moving median."""

from windrow.windows.kernel import Options
from windrow.windows.quantile import Quantile
from windrow.windows.window import Window


class Median(Quantile):
    """The middle value of the window or, of an even number of values, the mean of the middle two, rounded once.

    As pandas' rolling median; it is quantile:n,0.5.

    >>> import numpy as np
    >>> from windrow.windows import CountWindow
    >>> kernel = Median(CountWindow(4), Options(min_periods=1))
    >>> kernel.push(np.arange(5), np.array([0.1, 0.5, 0.3, 0.2, 0.2]), np.array([0])).tolist()
    [0.1, 0.3, 0.3, 0.25, 0.25]
    """

    kind = "median"
    arguments = ()

    def __init__(self, window: Window, options: Options) -> None:
        super().__init__(window, options)
