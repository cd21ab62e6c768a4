"""Exact totals of runs of values: sums, and sums of products, that are rounded once, or kept to be added to others.

A run is all values from one start up to the next. A total is the exact rational one over the shortest decimals of the
float64s (windrow/exact/decimals.py), so it is the same however a run is cut: `fraction` gives that of a part of a run,
which other parts are added to. All are computed in arrays, as int64 limbs (windrow/exact/limbs.py), none of whose sums
passes 2**53, nor any sum of products 2**62.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.limbs import limbs_of, limbs_of_width
from windrow.exact.rounding import EXACT, rounded

#: Most values of a run in one call.
MOST = 1 << 20
#: Below these products of whole numbers fit int64, and decimals are certain; the bits of limbs that those are cut into.
_ROOM, _CERTAIN, _WIDTH = 2.0**62, 2.0**52, 28


class Sums(NamedTuple):
    """Sums of runs, in units of 10**-places: int64 limbs of `width` bits, (runs,) each, most significant first."""

    limbs: list[Ints]
    width: int
    places: int

    def fraction(self, at: int) -> Fraction:
        """The exact total of one run."""
        whole = 0
        for limb in self.limbs:
            whole = (whole << self.width) + int(limb[at])
        return Fraction(whole, 10**self.places)

    def over(self, counts: Ints, factor: int = 1) -> Floats:
        """Each total / (count * factor), the nearest float64; counts are 1 or more, (runs,) or (1,)."""
        return rounded(self.limbs, self.width, counts, factor * 10**self.places)

    def by(self, other: "Sums", factor: int = 1) -> Floats:
        """Each total / (the other's total * factor), the nearest float64; NaN where the other's is 0.

        Arithmetic of arrays where the other's totals are below 2**53 in their units, 0.5 microseconds a run otherwise.

        >>> volumes = totals(np.array([2.0, 1.0, 0.0]), np.array([0, 2]))
        >>> products([np.array([0.1, 0.4, 7.0])], np.array([2.0, 1.0, 0.0]), np.array([0, 2])).by(volumes).tolist()
        [0.2, nan]
        """
        divisors, power = other.limbs[0], self.places - other.places
        if power < 0:
            unit = 10**-power
            divisors, power = np.where(divisors % unit == 0, divisors // unit, -1), 0
        if len(other.limbs) == 1 and (divisors >= 0).all() and (divisors < EXACT).all():
            quotients = rounded(self.limbs, self.width, np.maximum(divisors, 1), factor * 10**power)
            return np.where(divisors == 0, np.nan, quotients)
        runs = range(len(self.limbs[0]))
        pairs = ((self.fraction(run), factor * other.fraction(run)) for run in runs)
        return np.array([float(one / divisor) if divisor else np.nan for one, divisor in pairs], np.float64)


def totals(x: Floats, starts: Ints) -> Sums:
    """The total of each run x[starts[i]:starts[i + 1]], the last one to the end.

    starts: (runs,) strictly ascending, the first is 0, runs of at most MOST values. Values are 0 or within
    1e-15..1e15 in magnitude.

    >>> totals(np.array([0.1, 0.2, 1e12, 0.7]), np.array([0, 2])).over(np.array([1])).tolist()
    [0.3, 1000000000000.7]
    """
    if (quick := _totals_of_whole(x, starts)) is not None:
        return quick
    limbs = limbs_of(x, _longest(x, starts))
    return Sums([np.add.reduceat(part, starts) for part in limbs.parts], limbs.width, limbs.places)


def products(factors: Sequence[Floats], x: Floats, starts: Ints) -> Sums:
    """The total of (factors[0] + factors[1] + ...) * x over each run; at most 8 factors, runs as in `totals`.

    >>> ones = np.ones(3)
    >>> products([np.array([0.1, 0.2, 0.3]), ones], 10 * ones, np.array([0, 1])).over(np.array([1])).tolist()
    [11.0, 25.0]
    """
    if (quick := _products_of_cents(factors, x, starts)) is not None:
        return quick
    width = _width_of_products(_longest(x, starts))
    return _multiplied(factors, x, width, lambda products: np.add.reduceat(products, starts))


def windowed(x: Floats, lo: Ints, hi: Ints) -> Sums:
    """The total of each window x[lo:hi], which may overlap; windows as long as runs may be."""
    limbs = limbs_of(x, int((hi - lo).max(initial=1)))
    return Sums([_over(part, lo, hi) for part in limbs.parts], limbs.width, limbs.places)


def windowed_products(factors: Sequence[Floats], x: Floats, lo: Ints, hi: Ints) -> Sums:
    """The total of (factors[0] + factors[1] + ...) * x over each window [lo:hi]; at most 8 factors.

    >>> ones, lo = np.ones(3), np.array([0, 1])
    >>> windowed_products([np.array([0.1, 0.2, 0.3]), ones], 10 * ones, lo, lo + 2).over(np.array([1])).tolist()
    [23.0, 25.0]
    """
    width = _width_of_products(int((hi - lo).max(initial=1)))
    return _multiplied(factors, x, width, lambda products: _over(products, lo, hi))


def _over(values: Ints, lo: Ints, hi: Ints) -> Ints:
    before = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(before[hi] - before[lo])


def _width_of_products(longest: int) -> int:
    """The bits of limbs whose products int64 holds the sum of, over so many values.

    The sum of 8 limbs has 3 bits more. A run of 2**room such products, of which up to 16 pairs meet at one power of
    two, stays within 2**62: room + 2 * width + 3 + 4 <= 62. Limbs of up to 28 bits are never of another width.
    """
    return min((55 - (longest - 1).bit_length()) // 2, 28)


def _multiplied(factors: Sequence[Floats], x: Floats, width: int, total: Callable[[Ints], Ints]) -> Sums:
    joined = limbs_of_width(np.concatenate(factors), width)
    ones = [part.reshape(len(factors), len(x)).sum(axis=0) for part in joined.parts]
    others = limbs_of_width(x, width)
    result: list[Ints] = [total(np.zeros_like(x, np.int64)) for _ in range(len(ones) + len(others.parts) - 1)]
    for i, one in enumerate(ones):
        for j, other in enumerate(others.parts):
            result[i + j] = result[i + j] + total(one * other)
    return Sums(_carried(result, width), width, joined.places + others.places)


def _products_of_cents(factors: Sequence[Floats], x: Floats, starts: Ints) -> Sums | None:
    """The totals by int64 alone, where factors are of cents, x is whole, and no total passes 2**62; else None."""
    largest = sum(map(_largest, factors)) * 100.0
    if largest > _CERTAIN or not largest * _largest(x) * _longest(x, starts) < _ROOM:
        return None
    total = np.zeros(len(x))
    for one in factors:
        if (cents := _counted(one, 100.0)) is None:
            return None
        total += cents
    if (whole := _counted(x, 1.0)) is None:
        return None
    sums = np.add.reduceat(total.astype(np.int64) * whole.astype(np.int64), starts)
    return Sums(_carried([sums], _WIDTH), _WIDTH, 2)


def _totals_of_whole(x: Floats, starts: Ints) -> Sums | None:
    """The totals of whole numbers, or of cents, by sums of floats that are exact; None for others."""
    for places, unit in ((0, 1.0), (2, 100.0)):
        if _largest(x) * unit * _longest(x, starts) < _CERTAIN and (counted := _counted(x, unit)) is not None:
            return Sums([np.add.reduceat(counted, starts).astype(np.int64)], _WIDTH, places)
    return None


def _counted(x: Floats, unit: float) -> Floats | None:
    """Values in 1 / unit, if all are decimals of that; where these are below 2**52 they are their shortest ones."""
    counted = np.rint(x * unit)
    return counted if (counted / unit == x).all() else None


def _largest(x: Floats) -> float:
    return float(max(x.max(initial=0.0), -x.min(initial=0.0)))


def _longest(x: Floats, starts: Ints) -> int:
    return int(np.diff(starts, append=len(x)).max(initial=1))


def _carried(limbs: list[Ints], width: int) -> list[Ints]:
    """The same totals with every limb but the first within a limb's bits, and the first below 2**53."""
    if len(limbs) == 1 and np.abs(limbs[0]).max(initial=0) < EXACT:
        return limbs
    carried: list[Ints] = []
    carry = np.zeros_like(limbs[0])
    for limb in reversed(limbs):
        total = limb + carry
        carry = total >> width
        carried.append(total - (carry << width))
    return [carry, *reversed(carried)]
