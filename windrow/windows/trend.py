"""Theil-Sen: the line through points that single ones, however far away, do not turn.

Its slope is the median of the slopes of all pairs (Theil 1950, Sen, "Estimates of the Regression Coefficient Based on
Kendall's Tau", JASA 63, 1968), so that 29 % of the points may be anywhere. Slope, intercept and the interval of the
slope are those of `scipy.stats.theilslopes` to the bit; scipy is not needed. Pairs grow with the square of the points:
90 have 4,005, which take 0.1 ms.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import WindowSizeError

#: The most points of one line: half a million pairs.
MOST_POINTS = 1000


class Trend(NamedTuple):
    """A line, and the interval of its slope: the slopes from `low` to `high` are as likely as its level says.

    middle: the median of x and of y, which the line goes through, whatever its slope is taken to be.
    """

    slope: float
    low: float
    high: float
    middle: tuple[float, float]

    @property
    def intercept(self) -> float:
        """Where it is at 0 (Conover, "Practical Nonparametric Statistics", 1971)."""
        x, y = self.middle
        return y - self.slope * x

    def at(self, x: float, slope: float | None = None) -> float:
        """Where it is at x, or would be if it had another slope, e.g. `low`."""
        own = self.slope if slope is None else slope
        return self.middle[1] + own * (x - self.middle[0])


def theil_sen(x: Floats, y: Floats, level: float = 0.95) -> Trend | None:
    """The line through points in order of x; None where no two differ in x. Points of one x are no pair.

    Raises WindowSizeError for more than MOST_POINTS points.

    >>> theil_sen(np.array([0.0, 1.0, 2.0, 5.0, 6.0]), np.array([1.0, 3.0, 5.0, 11.0, 900.0]))
    Trend(slope=2.0, low=2.0, high=889.0, middle=(2.0, 5.0))
    """
    from statistics import NormalDist  # a task's start is part of its cost

    if len(x) > MOST_POINTS:
        raise WindowSizeError(
            f"a trend of {len(x):,} points: it has at most {MOST_POINTS:,}, since each pair of them counts; use a"
            " shorter window, or sparser bars, e.g. by --resample 1d"
        )
    first, second = _pairs(len(x))
    runs, rises = x[second] - x[first], y[second] - y[first]
    if not (apart := runs > 0).all():
        runs, rises = runs[apart], rises[apart]
    if not len(runs):
        return None
    slopes = np.sort(rises / runs)
    # Sen's (2.6), with the operations of scipy in their order. Its z differs from this one in the last place, which
    # no rank does: it is a multiple of an irrational number.
    z = NormalDist().inv_cdf((1 - level) / 2)
    deviation = float(np.sqrt(max(0.0, 1 / 18 * (_weight(len(x)) - _ties(x) - _ties(y)))))
    low = max(round((len(slopes) + z * deviation) / 2) - 1, 0)
    high = min(round((len(slopes) - z * deviation) / 2), len(slopes) - 1)
    return Trend(_middle(slopes), float(slopes[low]), float(slopes[high]), (_middle(x), _middle(np.sort(y))))


@cache
def _pairs(points: int) -> tuple[Ints, Ints]:
    """The positions of all pairs, the earlier and the later; kept for numbers of points that windows have."""
    first, second = np.triu_indices(points, 1)
    return first, second


def _middle(ordered: Floats) -> float:
    """The median of values in order."""
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else float((ordered[half - 1] + ordered[half]) / 2)


def _weight(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)


def _ties(values: Floats) -> int:
    """What values that occur several times take from the variance."""
    _, counts = np.unique(values, return_counts=True)
    return sum(_weight(count) for count in counts[counts > 1].tolist())
