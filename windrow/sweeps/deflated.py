"""The deflated Sharpe ratio: how likely it is that the best of many tries is better than luck.

The best of 456 pairs mostly shows the luck of 456 draws. Bailey and Lopez de Prado, "The Deflated Sharpe Ratio:
Correcting for Selection Bias, Backtest Overfitting and Non-Normality", Journal of Portfolio Management 40(5), 2014,
correct for that: of N tries without any skill, whose Sharpe ratios have variance V, the best is expected to reach

    SR0 = sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e)))                g: Euler and Mascheroni's constant
                                                                         Z: the normal distribution's quantiles
and the deflated Sharpe ratio is the probability that the true one is above SR0, given T returns whose skewness is g3
and whose kurtosis is g4, 3 for a normal distribution:

    DSR = P((SR - SR0) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2))

All ratios are mean / deviation of returns from day to day, not annualised. Below 0.95 or so, the result may be luck.
The formula assumes independent tries; pairs of a grid are not independent, which makes it strict.
"""

from collections.abc import Sequence
from math import e, erf, fsum, isfinite, sqrt
from statistics import NormalDist
from typing import NamedTuple, TypeVar

import numpy as np

from windrow.arrays import Floats, Mask

_EULER_MASCHERONI = 0.5772156649015329
_NORMAL = NormalDist()
_ROOT_TWO = sqrt(2.0)

#: A number, or one for each of many backtests.
_Number = TypeVar("_Number", float, Floats)

#: Why returns have no Sharpe ratio: all are equal; or some are undefined, as a value that is not above 0 has no return.
NO_DEVIATION = "its returns have no deviation"
NOT_ABOVE_0 = "its value was 0 or below before the last bar"
NO_DAYS = "it has no returns: that takes bars"


class Returns(NamedTuple):
    """A backtest's returns by day: how many, mean / deviation (None: undefined, and `why`), and their shape."""

    days: int
    sharpe: float | None = None
    skewness: float = 0.0
    kurtosis: float = 0.0
    why: str = NO_DEVIATION


class Shapes(NamedTuple):
    """The same of many backtests over the same days, by column; NaN where a ratio is undefined.

    gone: those whose value was 0 or below before the last bar.
    """

    days: int
    sharpes: Floats
    skewness: Floats
    kurtosis: Floats
    gone: Mask

    def one(self, run: int) -> Returns:
        """One of them."""
        if not np.isnan(self.sharpes[run]):
            sharpe, skewness, kurtosis = (float(column[run]) for column in self[1:4])
            return Returns(self.days, sharpe, skewness, kurtosis)
        if self.gone[run]:
            return Returns(self.days, why=NOT_ABOVE_0)
        return Returns(self.days, why=NO_DEVIATION if self.days else NO_DAYS)


def expected_best(variance: float, tries: int) -> float:
    """The Sharpe ratio that the best of a number of tries without skill is expected to reach; 0 for a single try.

    >>> round(expected_best(0.5 / 250, 100), 4)
    0.1132
    """
    if tries < 2:
        return 0.0
    quantile, farther = _NORMAL.inv_cdf(1 - 1 / tries), _NORMAL.inv_cdf(1 - 1 / (tries * e))
    return sqrt(variance) * ((1 - _EULER_MASCHERONI) * quantile + _EULER_MASCHERONI * farther)


class Tries:
    """All tries, of which one may be chosen: what each is measured by is what the best of them would show by luck.

    sharpes: of all of them, in any order; None, or NaN, where a try has none, e.g. a pair that never trades: it counts
    as a try and not for the variance, which divides by n - 1.

    >>> spread = [sqrt(0.5 / 250 * 99 / 100) * sign for sign in (1, -1)] * 50  # of variance 0.5 / 250
    >>> tries = Tries(spread)
    >>> tries.count, round(tries.deflated_sharpe(Returns(1250, 2.5 / sqrt(250), -3.0, 10.0))[0], 4)
    (100, 0.9004)
    """

    def __init__(self, sharpes: Sequence[float | None] | Floats) -> None:
        each = np.array(sharpes, np.float64)
        known = each[~np.isnan(each)].tolist()
        self.count = len(sharpes)
        self._few = len(sharpes) > 1 and len(known) < 2
        self._hurdle = expected_best(_variance(known), len(sharpes))

    def deflated_sharpe(self, one: Returns) -> tuple[float | None, str]:
        """The deflated Sharpe ratio of one of them as the best, or None and the reason."""
        if one.sharpe is None:
            return None, one.why
        if one.days < 2:
            return None, "it takes 2 returns or more"
        if self._few:
            return None, "fewer than 2 pairs have returns with a deviation"
        spread = _spread(one.sharpe, one.skewness, one.kurtosis)
        if not isfinite(spread) or spread <= 0:
            return None, "the spread of its Sharpe ratio is not above 0"
        return _normal(self._scores(one.days, one.sharpe, sqrt(spread))), ""

    def deflated_sharpes(self, shapes: Shapes) -> tuple[Floats, dict[int, str]]:
        """The same of many of them, NaN where it is undefined, and there the reason, by number."""
        with np.errstate(all="ignore"):
            spreads = _spread(*shapes[1:4])
        known = np.isfinite(spreads) & (spreads > 0) & (shapes.days > 1) & (not self._few)
        found = np.full(len(spreads), np.nan)
        scores = self._scores(shapes.days, shapes.sharpes[known], np.sqrt(spreads[known]))
        found[known] = list(map(_normal, scores.tolist()))
        return found, {run: self.deflated_sharpe(shapes.one(run))[1] for run in np.flatnonzero(~known).tolist()}

    def _scores(self, days: int, sharpe: _Number, deviation: _Number) -> _Number:
        return (sharpe - self._hurdle) * sqrt(max(days - 1, 0)) / deviation


def _normal(score: float) -> float:
    """As NormalDist().cdf, in half its time."""
    return 0.5 * (1.0 + erf(score / _ROOT_TWO))


def _spread(sharpe: _Number, skewness: _Number, kurtosis: _Number) -> _Number:
    """The variance of a Sharpe ratio, times the number of returns."""
    return 1 - skewness * sharpe + (kurtosis - 1) / 4 * (sharpe * sharpe)


def _variance(values: Sequence[float]) -> float:
    """Over n - 1; `fsum` rounds once, so that the order of values does not matter. 0 for a single value."""
    if len(values) < 2:
        return 0.0
    mean = fsum(values) / len(values)
    return fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
