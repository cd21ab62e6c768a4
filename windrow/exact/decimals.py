"""Values as decimals: the shortest one that reads back to the same float64, which is what `repr` prints.

That is the number which a CSV file had (up to 17 digits of it), and which a Parquet file's producer meant. It is found
for each value by itself, in arrays, by the quickest way that is certain:

* x is digits / 10**places, for some number of places up to 22 and digits below 2**52: one division, of two exact
  floats, tells. No shorter decimal reads back to x: a shorter one has fewer places, so it is a multiple of 10**-places
  too, and two of these are farther apart than floats around x are: (x * 2**-52) * 10**places < 1.
* the rest have 16 or 17 digits, or more than 22 places. x * 10**places, with 17 digits before the point, is computed
  without error, or next to none, and rounded to 17, 16 and 15 digits. The fewest that are nearer to x than half the gap
  to the next float are taken; 17 always are. Where two decimals are equally near, `repr` and this take the one whose
  last digit is even.
* where a distance is half a gap, give or take what rounding comes to, `repr` itself is asked.

Steele and White, "How to print floating-point numbers accurately" (1990); Gay, "Correctly rounded binary-decimal and
decimal-binary conversions" (1990).
"""

from decimal import Decimal
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.exact.rounding import two_product

#: Most places of a value within 1e-15..1e15: 17 digits, the first of them at the 15th place.
MOST_PLACES = 31
#: Numbers of places that values are tried with first: prices and whole numbers, then exchange rates and coins.
_PLACES = (6, 9)
#: Below it, digits / 10**places is the shortest decimal of its float64.
_CERTAIN = 2.0**52
_EXACT_PLACES = 22  # 10**22 is the last power of ten that is a float64
_UNSURE = 2.0**-30  # of a half gap; 2**20 times what the rounding of distances comes to

#: 10**places as float64, and what that leaves out.
_POWERS = np.array([float(10**places) for places in range(MOST_PLACES + 1)])
_TAILS = np.array([float(10**places - int(float(10**places))) for places in range(MOST_PLACES + 1)])

_EXPONENT = np.int64(0x7FF0000000000000)
_FRACTION = np.int64(0x000FFFFFFFFFFFFF)


class Decimals(NamedTuple):
    """Values as digits / 10**places, both int64; `places` of shape (1,) if all have as many."""

    digits: Ints
    places: Ints


def decimals(x: Floats) -> Decimals:
    """The shortest decimals of values that are 0 or within 1e-15..1e15 in magnitude, (n,).

    The digits of those that have more than 9 places do not end in 0.

    >>> decimals(np.array([36.6, -0.07]))
    Decimals(digits=array([36600000,   -70000]), places=array([6]))
    >>> decimals(np.array([36.6, 1.2e-14, 0.1 + 0.2]))
    Decimals(digits=array([         36600000,                12, 30000000000000004]), places=array([ 6, 15, 17]))
    """
    usual, more = _PLACES
    digits, found = _counted(x, _POWERS[usual])
    if found.all():
        return Decimals(digits.astype(np.int64), np.array([usual]))
    rest = np.flatnonzero(~found)
    digits[rest] = 0.0
    result = Decimals(digits.astype(np.int64), np.full(len(x), usual))
    digits, found = _counted(x[rest], _POWERS[more])
    result.digits[rest[found]], result.places[rest[found]] = digits[found], more
    rest = rest[~found]
    if len(rest):
        result.digits[rest], result.places[rest] = _shortest(np.abs(x[rest]))
        result.digits[rest] *= np.sign(x[rest]).astype(np.int64)
    return result


def _counted(x: Floats, power: Floats | float) -> tuple[Floats, Mask]:
    """The integers nearest to x * power, and where they are certain to be the digits of x."""
    digits = np.rint(x * power)
    return digits, (digits / power == x) & (np.abs(digits) < _CERTAIN)


def _shortest(x: Floats) -> tuple[Ints, Ints]:
    """Digits and places of positive values; by one division where there are at most 15 digits and 22 places."""
    places_of_17 = _places_of_17(x)
    places = np.clip(places_of_17 - 2, 0, _EXACT_PLACES)
    counted, found = _counted(x, _POWERS[places])
    many = np.flatnonzero(~found)
    counted[many] = 0.0
    digits = counted.astype(np.int64)
    if len(many) < len(x):
        digits, places = _without_zeros(digits, places)
    if len(many):
        digits[many], places[many] = _of_17(x[many], places_of_17[many])
    return digits, places


def _first_powers() -> tuple[Ints, Floats]:
    """By the exponent field of a float64: how many places the least such float has with 17 digits, and the power of ten
    from which on it is one less.
    """
    places, powers = np.zeros(2048, np.int64), np.full(2048, np.inf)
    for field in range(1023 - 51, 1023 + 51):
        least = 2.0 ** (field - 1023)
        digit = Decimal(least).adjusted()  # the power of ten of its first digit
        places[field], powers[field] = 16 - digit, float(f"1e{digit + 1}")
    return places, powers


_PLACES_OF_17, _NEXT_POWER = _first_powers()


def _places_of_17(x: Floats) -> Ints:
    """The places with which x has 17 digits."""
    field = x.view(np.int64) >> 52
    places: Ints = _PLACES_OF_17[field] - (x >= _NEXT_POWER[field])
    return places


def _of_17(x: Floats, places: Ints) -> tuple[Ints, Ints]:
    """Digits and places of values that have 16 or 17 digits, or more than 22 places."""
    power = _POWERS[places]
    most = int(places.max())
    product, rest = two_product(x, power)
    if most > _EXACT_PLACES:
        rest += x * _TAILS[places]
    # The product is an even integer, above 2**53. So this rounds to the even digit, and leaves what is exactly the rest
    # of up to 22 places.
    up = np.rint(rest)
    rest -= up
    digits = product.astype(np.int64) + up.astype(np.int64)
    half_gap = (x.view(np.int64) & _EXPONENT).view(np.float64) * 2.0**-53 * power
    doubtful = (np.abs(np.abs(rest) - 0.25) > 0.25 - _UNSURE) & (places > _EXACT_PLACES)  # ties are not seen there
    result = digits, places
    for dropped in (1, 2) if most - 2 > _EXACT_PLACES else (1,):
        fewer, away = _rounded_to(10**dropped, digits, rest)
        reads_back = away < half_gap * (1.0 - _UNSURE)
        doubtful |= reads_back ^ (away < half_gap * (1.0 + _UNSURE))
        result = np.where(reads_back, fewer, result[0]), np.where(reads_back, places - dropped, result[1])
    # A power of two is nearer to the float below it than to the one above.
    doubtful |= (x.view(np.int64) & _FRACTION) == 0
    digits, places = result
    if most - 2 > _EXACT_PLACES:
        digits, places = _without_zeros(digits, places)
    for at in np.flatnonzero(doubtful).tolist():
        digits[at], places[at] = _printed(float(x[at]))
    return digits, places


def _rounded_to(unit: int, digits: Ints, rest: Floats) -> tuple[Ints, Floats]:
    """What multiple of `unit` is nearest to digits + rest, the even one of two, and how far away it is."""
    fewer = (digits + (unit // 2 - 1) + (rest > 0)) // unit
    away = np.abs((digits - fewer * unit) + rest)
    whole = rest == 0
    if whole.any():
        fewer += fewer & (whole & (away == unit // 2))
    return fewer, away


def _printed(x: float) -> tuple[int, int]:
    """Digits and places of what `repr` prints of a positive value, its zeros before the point among the digits.

    >>> _printed(2.0**-44), _printed(1e15)
    ((5684341886080802, 29), (1000000000000000, 0))
    """
    number = Decimal(repr(x)).normalize()
    places = max(-int(number.as_tuple().exponent), 0)
    return int(number.scaleb(places)), places


def _without_zeros(digits: Ints, places: Ints) -> tuple[Ints, Ints]:
    """The same numbers in as few places as they have; digits are below 10**16."""
    for zeros in (8, 4, 2, 1):
        fewer = digits // 10**zeros
        ends = (fewer * 10**zeros == digits) & (places >= zeros)
        digits = np.where(ends, fewer, digits)
        places = places - zeros * ends
    return digits, places
