"""x * numerator / denominator over the decimals that floats print as, rounded once: prices scaled by a ratio of prices.

In floats 10.3 * 50.5 / 202 is not 2.575, as it is on paper. So each value is taken as an integer over a power of ten,
and the quotient is formed in double-doubles. That is the float nearest to the quotient of the printed decimals, where
these have at most 15 digits and 22 places; other values are taken as they are in binary, and the result is within 2
units in the last place.
"""

from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.rounding import fast_two_sum, two_product

_DIGITS = 1e15
_PLACES = range(1, 23)  # 10**22 is the largest power of ten that a float64 holds


class _Decimals(NamedTuple):
    """Values as units / 10**places."""

    units: Floats
    places: Ints


def scaled(x: Floats, numerator: Floats, denominator: Floats) -> Floats:
    """x * numerator / denominator, value by value; x itself where the two are equal. No denominator is 0, unless so.

    >>> import numpy as np
    >>> scaled(np.array([10.3, 10.3]), np.array([50.5, 0.0]), np.array([202.0, 0.0])).tolist()
    [2.575, 10.3]
    """
    result = x.copy()
    at = np.flatnonzero(numerator != denominator)
    if len(at):
        value, top, bottom = (_decimals(column[at]) for column in (x, numerator, denominator))
        shift = top.places + value.places - bottom.places
        high, low = two_product(value.units, top.units)
        up, down = np.maximum(-shift, 0), np.maximum(shift, 0)
        result[at] = _divided(*_times_power(high, low, up), *_times_power(bottom.units, np.zeros(len(at)), down))
    return result


def _decimals(x: Floats) -> _Decimals:
    units, places = x.copy(), np.zeros(len(x), np.int64)
    left = np.flatnonzero(np.rint(x) != x)
    for number in _PLACES:
        if not len(left):
            break
        scaled = np.rint(x[left] * 10.0**number)
        found = (scaled / 10.0**number == x[left]) & (np.abs(scaled) < _DIGITS)
        units[left[found]], places[left[found]] = scaled[found], number
        left = left[~found]
    return _Decimals(units, places)


def _times_power(high: Floats, low: Floats, power: Ints) -> tuple[Floats, Floats]:
    """(high + low) * 10**power, to a hundred bits."""
    most = int(power.max(initial=0))
    powers = [10**number for number in range(most + 1)]
    highs = np.array([float(number) for number in powers])
    lows = np.array([float(number - int(float(number))) for number in powers])
    product, rest = two_product(high, highs[power])
    return fast_two_sum(product, rest + (high * lows[power] + low * highs[power]))


def _divided(high: Floats, low: Floats, by: Floats, by_low: Floats) -> Floats:
    guess = high / by
    product, rest = two_product(guess, by)
    left = ((high - product) - rest) + (low - guess * by_low)
    return fast_two_sum(guess, left / by)[0]
