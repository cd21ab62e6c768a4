"""Whether one forecast's errors are smaller than another's, and how often it has the direction: by more than chance."""

from math import exp, lgamma, log, log1p, sqrt
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats

#: The normal distribution's 97.5 % quantile: of intervals that hold in 95 of 100 cases.
_Z = 1.959963984540054


class DieboldMariano(NamedTuple):
    """A test of equal errors: t is negative where the first forecast's are smaller."""

    t: float
    p: float
    """The two-sided probability of a t as large or larger if both were equally good."""


def diebold_mariano(errors: Floats, others: Floats) -> DieboldMariano:
    """Diebold and Mariano's test (1995) of two forecasts' squared errors, one step ahead, on the same truths.

    With the correction for small samples by Harvey, Leybourne and Newbold (1997), and Student's distribution of n - 1
    degrees of freedom. Errors that never differ in size give t = 0 and p = 1.

    >>> errors, others = np.array([1.0, -2.0, 1.0, 0.5]), np.array([1.5, 2.5, -1.0, 1.0])
    >>> [round(float(figure), 4) for figure in diebold_mariano(errors, others)]
    [-2.2517, 0.1098]
    """
    difference = errors * errors - others * others
    count = len(difference)
    spread = float(np.var(difference)) if count > 1 else 0.0
    if spread == 0:
        return DieboldMariano(0.0, 1.0)
    corrected = sqrt((count - 1) / count)  # (n + 1 - 2h + h (h - 1) / n) / n, of which h is 1
    t = float(difference.mean()) / sqrt(spread / count) * corrected
    return DieboldMariano(t, _both_tails(t, count - 1))


class Share(NamedTuple):
    """A share of cases, and the interval that holds the true one in 95 of 100 samples."""

    share: float
    low: float
    high: float
    cases: int


def direction(forecast: Floats, truth: Floats) -> Share:
    """How often a forecast change has the sign of the true one; true changes of 0 have none and do not count.

    The interval is Wilson's (1927), which stays within 0 and 1.

    >>> right = direction(np.array([1.0, 1.0, -1.0, 2.0]), np.array([2.0, -1.0, -3.0, 0.0]))
    >>> [round(figure, 3) for figure in right]
    [0.667, 0.208, 0.939, 3]
    """
    moved = truth != 0
    cases = int(moved.sum())
    right = int(np.count_nonzero(np.sign(forecast[moved]) == np.sign(truth[moved])))
    return _wilson(right, cases)


def _wilson(right: int, cases: int) -> Share:
    if not cases:
        return Share(0.0, 0.0, 1.0, 0)
    share, z2 = right / cases, _Z * _Z / cases
    centre = (share + z2 / 2) / (1 + z2)
    half = sqrt(share * (1 - share) * z2 + z2 * z2 / 4) / (1 + z2)
    return Share(share, max(0.0, centre - half), min(1.0, centre + half), cases)


def _both_tails(t: float, freedom: int) -> float:
    """The probability of Student's t beyond -|t| and |t|: the regularised incomplete beta function I_x(n/2, 1/2)."""
    return _beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def _beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) by Lentz's continued fraction (Numerical Recipes, 6.4), on the side where it converges fast."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    tiny, numerator, denominator = 1e-300, 1.0, 1 - (a + b) * x / (a + 1)
    denominator = 1 / (denominator or tiny)
    fraction = denominator
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            denominator = 1 / ((1 + step * denominator) or tiny)
            numerator = (1 + step / numerator) or tiny
            fraction *= denominator * numerator
        if abs(denominator * numerator - 1) < 1e-15:
            break
    return front * fraction
