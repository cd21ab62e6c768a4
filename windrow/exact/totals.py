"""Count, sum and sum of squares of any number of values, which arrive in pieces: exact, whatever the pieces."""

from fractions import Fraction
from math import sqrt

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.decimals import MOST_PLACES, decimals

#: Digits are cut into three limbs of so many bits, and squared so many at a time that int64 holds the sums.
_BITS, _AT_ONCE = 20, 1 << 20
_GRID = 10**MOST_PLACES
_SMALLEST, _LARGEST = 1e-15, 1e15


class Totals:
    """The totals of what was added. A value is the shortest decimal that reads back to it, as everywhere in windrow.

    Memory: two whole numbers of a few hundred bits.

    >>> one = Totals()
    >>> one.add(np.array([0.1, 0.2]))
    >>> one.add(np.array([0.3]))
    >>> one.mean, one.deviation()
    (0.2, 0.08164965809277261)
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0
        """In units of 10**-MOST_PLACES; the squares in that of their squares."""
        self._squares = 0
        self._odd = Fraction(0), Fraction(0)

    def add(self, values: Floats) -> None:
        """Adds finite values of any magnitude, (n,); those outside 1e-15..1e15 one by one."""
        self.count += len(values)
        size = np.abs(values)
        usual = (values == 0) | ((size >= _SMALLEST) & (size <= _LARGEST))
        for value in values[~usual].tolist():
            exact = Fraction(repr(value))
            self._odd = self._odd[0] + exact, self._odd[1] + exact * exact
        values = values if usual.all() else values[usual]
        for at in range(0, len(values), _AT_ONCE):
            self._add(values[at : at + _AT_ONCE])

    def _add(self, values: Floats) -> None:
        digits, places = decimals(values)
        for many in np.unique(places).tolist():
            total, squares = _totals(digits if len(places) == 1 else digits[places == many])
            self._sum += total * 10 ** (MOST_PLACES - many)
            self._squares += squares * 10 ** (2 * (MOST_PLACES - many))

    @property
    def mean(self) -> float:
        """The exact mean, rounded once; of one value or more."""
        return float((Fraction(self._sum, _GRID) + self._odd[0]) / self.count)

    def deviation(self, ddof: int = 0) -> float:
        """The standard deviation over n - ddof, of more values than ddof: the root of the exact variance, rounded."""
        total = Fraction(self._sum, _GRID) + self._odd[0]
        squares = Fraction(self._squares, _GRID * _GRID) + self._odd[1]
        return sqrt((self.count * squares - total * total) / (self.count * (self.count - ddof)))


def _totals(digits: Ints) -> tuple[int, int]:
    """The exact sum, and that of squares, of at most _AT_ONCE whole numbers below 2**60 in magnitude."""
    low = (1 << _BITS) - 1
    limbs = [digits >> (2 * _BITS), (digits >> _BITS) & low, digits & low]
    weights = [2 * _BITS, _BITS, 0]
    total = squares = 0
    for one, (limb, weight) in enumerate(zip(limbs, weights, strict=True)):
        total += int(limb.sum()) << weight
        for other in range(one, len(limbs)):
            product = int(np.dot(limb, limbs[other])) << (weight + weights[other])
            squares += product if one == other else 2 * product
    return total, squares
