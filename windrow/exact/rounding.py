"""Quotients of wide integers, rounded once to float64.

An exact window sum is a short row of int64 *limbs*, most significant first: total = sum(limb[k] * 2**(width *
(last - k))). `rounded` divides such totals by counts and returns what Python's `int / int` would: the
nearest float64, ties to even. Why each way of doing it is correct:

* one limb below 2**53: one IEEE division of two exact floats rounds correctly by definition.
* more limbs: they are added as a double-double (high, low) whose rounding errors are measured, not estimated;
  two limbs have none. One step of long division gives value + left = total / divisor up to 2**-103 relative.
  Where |left| is short of half the gap to the next float by more than that, value is the nearest float.
* the rest are ties and near ties. There the remainder total - value * divisor is computed exactly, and
  compared with half a gap times the divisor. On a proven tie value is correct as well: the last step of the
  division was exact then, and the addition that made value chose the even neighbour.
* what is still open (three or more limbs that cancelled, or a divisor that no float64 holds) is divided as
  Python integers, one by one.

Dekker, "A floating-point technique for extending the available precision", Numer. Math. 18 (1971); Knuth,
TAOCP 2, 4.2.2.
"""

from collections.abc import Sequence

import numpy as np

from windrow.arrays import Floats, Ints, Mask

EXACT = 2**53  # every integer up to here is a float64
_EXPONENT_BITS = np.int64(0x7FF0000000000000)


def two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Sum and its rounding error: a + b == sum + error exactly (Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def fast_two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """`two_sum` where a is 0 or |a| >= |b| (Dekker)."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Product and its rounding error: a * b == product + error exactly (Dekker)."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, error


def _halves(a: Floats) -> tuple[Floats, Floats]:
    scaled = 134217729.0 * a  # 2**27 + 1: 26 bits go to each half
    high = scaled - (scaled - a)
    return high, a - high


def rounded(limbs: Sequence[Ints], width: int, counts: Ints, scale: int) -> Floats:
    """Total / (counts * scale), correctly rounded.

    limbs: int64 arrays of one shape, most significant first, none beyond 2**53 in magnitude.
    counts: positive int64, of that shape or one that broadcasts to it. scale: a positive integer. Time is a few dozen
    array passes, memory a dozen temporaries.

    >>> import numpy as np
    >>> limbs = [np.array([3, 0, -3]), np.array([4, 1, 2])]
    >>> rounded(limbs, 4, np.array([10]), 1).tolist()  # (3 * 16 + 4) / 10, 1 / 10, (-3 * 16 + 2) / 10
    [5.2, 0.1, -4.6]
    """
    # Powers of two cost no bits: a product is a float64 if its odd part is below 2**53. Two bits less, and three
    # half gaps times the divisor, a tie's largest remainder, is one too.
    fits = int(counts.max(initial=1)) * (scale // (scale & -scale)) <= EXACT // 4
    if fits and len(limbs) == 1:
        return limbs[0] / (counts.astype(np.float64) * float(scale))
    if (shape := limbs[0].shape) != (limbs[0].size,):
        each = np.broadcast_to(counts, shape).ravel()
        return rounded([limb.ravel() for limb in limbs], width, each, scale).reshape(shape)
    high, low, error = _double_double(limbs, width)
    divisor, tail = _divisors(counts, scale, fits)
    values, doubtful = _divide(high, low, error, divisor, tail)
    doubtful = doubtful[(high[doubtful] != 0) | (error[doubtful] != 0)]  # 0 / n is 0
    if len(doubtful):
        still = doubtful
        if tail is None:
            divisor = np.broadcast_to(divisor, high.shape)[doubtful]
            still = still[_undecided(values[doubtful], high[doubtful], low[doubtful], error[doubtful], divisor)]
        values[still] = _long_division(limbs, width, counts, scale, still)
    return values


def _double_double(limbs: Sequence[Ints], width: int) -> tuple[Floats, Floats, Floats]:
    """High and low part of the totals, and a bound on what the two leave out."""
    radix = 2.0**width
    high, low = limbs[0].astype(np.float64), np.zeros(len(limbs[0]))
    error = np.zeros(len(high))
    for number, limb in enumerate(limbs[1:]):
        high, carry = two_sum(high * radix, limb.astype(np.float64))
        if not number:
            low = carry
            continue
        low, lost = two_sum(low * radix, carry)
        error = error * radix + np.abs(lost)
        high, low = two_sum(high, low)
    return high, low, error


def _divisors(counts: Ints, scale: int, fits: bool) -> tuple[Floats, Floats | None]:
    """Counts * scale as float64, and what these leave out, but for 2**-104 of them; None if that is nothing."""
    divisor = counts.astype(np.float64)
    if fits:
        return divisor * float(scale), None
    high = float(scale)
    product, rest = two_product(divisor, np.full_like(divisor, high))
    return product, rest + divisor * float(scale - int(high))


def _divide(high: Floats, low: Floats, error: Floats, divisor: Floats, tail: Floats | None) -> tuple[Floats, Ints]:
    """Quotients, and the positions of those that may not be the nearest float."""
    guess = high / divisor
    product, rest = two_product(guess, divisor)
    remainder = (high - product) - rest
    if tail is not None:
        remainder -= guess * tail
    values, left = fast_two_sum(guess, (remainder + low) / divisor)
    power = (values.view(np.int64) & _EXPONENT_BITS).view(np.float64)  # the power of two at or below |value|
    half_gap = power * 2.0**-53
    half_gap[np.abs(values) == power] *= 0.5  # below a power of two the gap is half as wide
    # 2**-46 of half a gap, 2**-100 of the value, covers the rounding of `remainder`, `tail` and of the quotient.
    clear = np.abs(left) + error / divisor * 1.0625 < half_gap * (1 - 2.0**-46)
    return values, np.flatnonzero(~clear)


def _undecided(values: Floats, high: Floats, low: Floats, error: Floats, divisor: Floats) -> Mask:
    """Where even the exact remainder leaves open whether the values are the nearest floats."""
    product, rest = two_product(values, divisor)
    remainder, tail = two_sum((high - product) - rest, low)
    neighbours = np.nextafter(values, np.copysign(np.inf, remainder))
    half_gap = np.abs(neighbours - values) * 0.5 * divisor
    excess = (np.abs(remainder) - half_gap) + np.copysign(1.0, remainder) * tail
    tie = (excess == 0) & (error == 0)
    undecided: Mask = ~tie & (excess + 1.0625 * error >= 0)
    return undecided


def _long_division(limbs: Sequence[Ints], width: int, counts: Ints, scale: int, at: Ints) -> Floats:
    """The quotients at the given positions by Python's int / int, which rounds correctly."""
    divisors = np.broadcast_to(counts, limbs[0].shape)[at].tolist()
    totals = [0] * len(at)
    for limb in limbs:
        totals = [(total << width) + part for total, part in zip(totals, limb[at].tolist(), strict=True)]
    quotients = [total / (count * scale) for total, count in zip(totals, divisors, strict=True)]
    return np.array(quotients, dtype=np.float64)
