"""Running sums of float64 numbers: exact, so the same in any order and from any parts, and rounded once.

A number is digits * 2**exponent. Its digits are cut where powers of 2**32 are, into int64 limbs that are added up
without error: the limbs of every float64 there is are 69, and few of them are in use.

    2**64        2**32         1       2**-32       2**-64
      |            |           |           |           |
      |            |      1111010000100100.0011001100110011...       a number of three limbs
"""

from fractions import Fraction

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.rounding import EXACT, rounded

_WIDTH = 32
_LOW = (1 << _WIDTH) - 1
#: The exponent of the lowest limb's unit, below that of any float64.
_LEAST = -36 * _WIDTH
_LIMBS = 70
#: Most limbs whose totals doubles are certain to hold.
_MOST = 24
#: From here on float64s have all 53 bits.
_USUAL = 2.0**-1000


class RunningSum:
    """A total, to which changes are added. Memory: 70 integers, and some hundred bytes for each change of a call.

    >>> total = RunningSum(10.0)
    >>> new, old = np.array([0.1, 0.2, 1e100]), np.array([0.0, 0.0, 1e100])
    >>> total.after(new, old, np.array([0, 1])).tolist(), float(total.exact)
    ([10.1, 10.3], 10.3)
    """

    def __init__(self, begin: float = 0.0, times: int = 1) -> None:
        self._limbs = np.zeros(_LIMBS, np.int64)
        low, parts = _cut(np.array([begin]))
        self._limbs[low : low + len(parts)] = parts[:, 0] * times
        self._limbs = _carried(self._limbs[:, None])[:_LIMBS, 0]

    @property
    def exact(self) -> Fraction:
        """The total."""
        return _fraction(self._limbs, 0)

    def after(self, new: Floats, old: Floats, starts: Ints, count: int = 1) -> Floats:
        """The total / count, the nearest float64, after each run of changes from `old` to `new` numbers, (n,).

        Run i is [starts[i], starts[i + 1]), the last one to the end; the first start is 0, and none is empty.
        """
        low, parts = _cut(np.concatenate([new, old]))
        changes = parts[:, : len(new)] - parts[:, len(new) :]
        used = np.flatnonzero(self._limbs)
        if len(used):
            bottom, top = min(low, int(used[0])), max(low + len(parts), int(used[-1]) + 1)
        else:
            bottom, top = low, low + len(parts)
        totals = np.zeros((top - bottom, len(starts)), np.int64)
        totals[low - bottom : low - bottom + len(parts)] = np.add.reduceat(changes, starts, axis=1).cumsum(axis=1)
        totals = _carried(totals + self._limbs[bottom:top, None])
        self._limbs = np.zeros(_LIMBS, np.int64)
        self._limbs[bottom : bottom + len(totals)] = totals[: _LIMBS - bottom, -1]
        return _divided(totals, bottom, count)


def _cut(x: Floats) -> tuple[int, Ints]:
    """Finite numbers as (limbs, n), the lowest first, and which limb that is."""
    fractions, exponents = np.frexp(x)
    digits = (fractions * 2.0**53).astype(np.int64)
    exponents = np.where(digits == 0, 0, exponents) - (53 + _LEAST)
    limb, shift = exponents // _WIDTH, exponents % _WIDTH
    low = int(limb.min(initial=_LIMBS))
    parts = np.zeros((int(limb.max(initial=low)) - low + 3, len(x)), np.int64)
    at = np.arange(len(x))
    lower = (digits & _LOW) << shift  # below 2**63
    upper = ((digits >> _WIDTH) << shift) + (lower >> _WIDTH)
    for place, part in enumerate((lower & _LOW, upper & _LOW, upper >> _WIDTH)):
        parts[limb - low + place, at] = part
    return low, parts


def _carried(limbs: Ints) -> Ints:
    """The same totals in limbs of at most 2**31 in magnitude, and one more for what is carried out of the highest."""
    carried = np.empty((len(limbs) + 1, limbs.shape[1]), np.int64)
    carry = np.zeros(limbs.shape[1], np.int64)
    for place, limb in enumerate(limbs):
        total = limb + carry
        carry = (total + (1 << _WIDTH - 1)) >> _WIDTH
        carried[place] = total - (carry << _WIDTH)
    carried[-1] = carry
    return carried


def _divided(limbs: Ints, low: int, count: int) -> Floats:
    """Totals / count, the nearest float64."""
    there = np.flatnonzero(limbs.any(axis=1))
    if not len(there):
        return np.zeros(limbs.shape[1])
    first, last = int(there[0]), int(there[-1]) + 1
    limbs, low = limbs[first:last], low + first
    if len(limbs) > _MOST or count > EXACT:
        return np.array([float(_fraction(column, low) / count) for column in limbs.T])
    quotients = rounded(list(limbs[::-1]), _WIDTH, np.array([count]), 1)
    found = np.ldexp(quotients, low * _WIDTH + _LEAST)
    for at in np.flatnonzero((quotients != 0) & (np.abs(found) < _USUAL)).tolist():
        found[at] = float(_fraction(limbs[:, at], low) / count)  # a quotient below 2**-1022 would be rounded twice
    return found


def _fraction(limbs: Ints, low: int) -> Fraction:
    whole = 0
    for limb in limbs[::-1].tolist():
        whole = (whole << _WIDTH) + limb
    return Fraction(whole) * Fraction(2) ** (low * _WIDTH + _LEAST)
