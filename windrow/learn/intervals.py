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
#: Changes up to which the variance is the mean of all squares so far, before it decays.
_FIRST = 50
#: The least deviation, as a share of that of all changes so far: after a standstill prices move again.
_LEAST = 0.01


def deviations(changes: Floats, known: Mask) -> Floats:
    """The deviation of each change that was known before it, and of the next: the root of v <- 0.94 v + 0.06 change^2.

    v begins as the mean of the squares so far. Changes that are not `known`, e.g. over a gap, leave it as it is; before
    the first that is, it is 0.

    >>> changes = np.array([0.0, 2.0, -2.0, 4.0])
    >>> deviations(changes, np.array([False, True, True, True])).round(3).tolist()
    [0.0, 0.0, 2.0, 2.0, 2.828]
    """
    squares = (changes * changes)[known]
    means = np.cumsum(squares) / np.arange(1, len(squares) + 1)
    decayed = accumulate(
        squares[_FIRST:].tolist(),
        lambda v, square: DECAY * v + (1 - DECAY) * square,
        initial=float(means[_FIRST - 1]) if len(means) >= _FIRST else 0.0,
    )
    means = np.concatenate([[0.0], means])
    variances = np.concatenate([means[:_FIRST], np.fromiter(decayed, np.float64)])[: len(means)]
    least = _LEAST**2 * means
    before = np.concatenate([[0], np.cumsum(known)])
    return np.asarray(np.sqrt(np.maximum(variances, least))[before])


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
