"""Moving quantile."""

from bisect import bisect_left, insort
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.exact import sums as exact
from windrow.states import MadeOf
from windrow.windows.kernel import Argument, Options
from windrow.windows.rolling import Rolling
from windrow.windows.window import Window

_MOST_PLACES = 6


class Quantile(Rolling):
    """The value below which a share of the window's values are, from 0, the least, to 1, the largest.

    Between two values it is on the straight line from one to the next, as numpy's, pandas' and Excel's (type 7 of
    Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996), exact and rounded once. Time per bar is about a
    microsecond, and grows with windows of some thousand bars. The share has at most 6 decimals.

    >>> from windrow.windows import CountWindow
    >>> kernel = Quantile(CountWindow(3), Options(), Decimal("0.75"))
    >>> kernel.push(np.arange(5), np.array([0.1, 0.5, 0.3, 0.3, 0.2]), np.array([0])).tolist()
    [nan, nan, 0.4, 0.4, 0.3]
    """

    kind = "quantile"
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("SHARE", "0.5", whole=False, low=0, high=1),)

    def __init__(self, window: Window, options: Options, share: Decimal = Decimal("0.5")) -> None:
        super().__init__(window, options)
        self._share = Fraction(share)
        if 10**_MOST_PLACES % self._share.denominator:
            raise UsageError(f"{self.kind}:{window},{share}: a share has at most {_MOST_PLACES} decimals; round it")

    def made_of(self) -> MadeOf:
        """Its kind, window, share and options."""
        return {**super().made_of(), "share": str(self._share)}

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """The quantile of each window values[lo:hi]."""
        share = self._share
        ranks, parts = np.divmod((hi - lo - 1) * share.numerator, share.denominator)
        lows, highs = _ranked(values, lo, hi, ranks)
        return exact.between(lows, highs, parts, share.denominator)


def _ranked(values: Floats, lo: Ints, hi: Ints, ranks: Ints) -> tuple[Floats, Floats]:
    """The value of a rank, 0 the least, in each window values[lo:hi], and the next larger one or, of the last, itself.

    The windows ascend. One sorted list moves along them.
    """
    rows, window = values.tolist(), list[float]()
    found = np.empty((2, len(lo)))
    begin = end = 0
    for at, (first, last, rank) in enumerate(zip(lo.tolist(), hi.tolist(), ranks.tolist(), strict=True)):
        if first >= end or last - end > len(window):
            window = sorted(rows[first:last])
        else:
            for value in rows[begin:first]:
                del window[bisect_left(window, value)]
            for value in rows[end:last]:
                insort(window, value)
        begin, end = first, last
        found[:, at] = window[rank], window[min(rank + 1, last - first - 1)]
    return found[0], found[1]
