"""Intervals around forecasts by split conformal prediction, as wide as prices have lately moved.

On a calibration part, which no network was trained on, the errors are divided by the deviation of changes known at that
time; the quantile of these ratios, times the deviation, is the half width of later intervals. If ratios were
exchangeable, intervals would hold the truth in the promised share of cases (Vovk 2005; Lei 2018); prices are not quite,
so that the coverage on the test part is always told beside it.
"""

from itertools import accumulate
from math import ceil

import numpy as np

from windrow.arrays import Floats, Mask

#: RiskMetrics' decay of the variance by one step (J.P. Morgan, 1996).
DECAY = 0.94
#: Changes whose mean square the variance begins with.
_FIRST = 50
#: The least deviation, as a share of that of all changes given: after a standstill prices move again.
_LEAST = 0.01


def deviations(changes: Floats, known: Mask) -> Floats:
    """The deviation of each change that was known before it, and of the next: the root of v <- 0.94 v + 0.06 change^2.

    Changes that are not `known`, e.g. over a gap, leave it as it is.

    >>> changes = np.array([0.0, 2.0, -2.0, 4.0])
    >>> deviations(changes, np.array([False, True, True, True])).round(3).tolist()
    [2.828, 2.828, 2.786, 2.745, 2.836]
    """
    squares = (changes * changes)[known]
    if not len(squares):
        return np.zeros(len(changes) + 1)
    steps = accumulate(
        squares.tolist(), lambda v, square: DECAY * v + (1 - DECAY) * square, initial=float(np.mean(squares[:_FIRST]))
    )
    variances = np.fromiter(steps, np.float64, len(squares) + 1)
    before = np.concatenate([[0], np.cumsum(known)])
    return np.asarray(np.maximum(np.sqrt(variances[before]), _LEAST * np.sqrt(np.mean(squares))))


def half_width(errors: Floats, scales: Floats, level: float = 0.9) -> float | None:
    """Half the width of an interval, in units of the scales, from a calibration part's errors and their scales.

    It is the ceil((n + 1) level)-th smallest of n ratios; None if n is too small for the level.

    >>> half_width(np.arange(1.0, 20.0), np.ones(19)), half_width(np.ones(8), np.ones(8))
    (18.0, None)
    """
    rank = ceil((len(errors) + 1) * level)
    if rank > len(errors):
        return None
    ratios = np.abs(errors) / np.where(scales > 0, scales, 1)
    return float(np.partition(ratios, rank - 1)[rank - 1])
