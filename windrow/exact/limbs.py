"""Values as short integers: the grid they are on, and the limbs they are cut into.

All values of a call are put on one grid 10**-places, exactly: as int64, as an upper and a lower part where that is too
short, by long multiplication where values are 20 decades apart. They are cut into int64 limbs so short that no window's
weighted sum of them passes 2**53.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from windrow.arrays import Floats, Ints
from windrow.exact.decimals import MOST_PLACES, Decimals, decimals

_COARSE_PLACES = (0, 2, 4, 8)
#: A float64 within a unit or two of its last place of an integer is right in its first 50 bits.
_RIGHT_BITS = 50
#: Bits of which a sum or difference of two integers is sure to fit int64.
_INT64_BITS = 60
#: Bits of two numbers whose products an int64 holds 64 of.
_FACTOR_BITS = 28
_DIGITS_BITS = 57  # 17 digits

#: 10**power as int64; above 10**18 the lowest 64 bits.
_POWERS = np.array([10**power % 2**64 for power in range(MOST_PLACES + 1)], np.uint64).view(np.int64)


class Limbs(NamedTuple):
    """Values as int64 limbs of `width` bits, most significant first, in units of 10**-places."""

    parts: list[Ints]
    width: int
    places: int


def limbs_of(x: Floats, weight: int, squared: bool = False) -> Limbs:
    """Limbs of x such that the sums asked for stay exact in windows of the given total weight."""
    room = (weight - 1).bit_length()
    # A sum of limbs stays within 2**53. A square takes n**2 products of two limbs, and up to 32 such squares
    # meet at one power of two: 2 * room + 2 * width + 5 <= 62.
    return limbs_of_width(x, (57 - 2 * room) // 2 if squared else 53 - room)


def limbs_of_width(x: Floats, width: int) -> Limbs:
    """Limbs of x of at most so many bits."""
    numbers = decimals(x)
    places, largest = int(numbers.places.max(initial=0)), float(np.abs(x).max(initial=0.0))
    top = _bits(largest, places)
    if top <= _INT64_BITS:
        whole = _on_grid(numbers, places)
        if top > width:
            whole, places = _coarser(whole, places)
            top = _bits(largest, places)
        return Limbs(_cut(whole, width, top), width, places)
    half = _INT64_BITS // width * width
    if top <= half + _RIGHT_BITS:
        return Limbs(_cut_in_two(x, numbers, places, (width, half, top)), width, places)
    if width <= _FACTOR_BITS:
        return Limbs(_multiplied(numbers, places, width, top)[::-1], width, places)
    short = width // 2
    return Limbs(_joined(_multiplied(numbers, places, short, top), short)[::-1], 2 * short, places)


def _bits(largest: float, places: int) -> int:
    """Bits that hold the largest magnitude in units of 10**-places."""
    return int(largest * 10.0**places * (1 + 2.0**-48)).bit_length()


def _on_grid(numbers: Decimals, places: int) -> Ints:
    """Values in units of 10**-places, or the lowest 64 bits of that: products of int64 wrap around."""
    return numbers.digits if len(numbers.places) == 1 else numbers.digits * _POWERS[places - numbers.places]


def _coarser(whole: Ints, places: int) -> tuple[Ints, int]:
    """The same values in fewer places where all end in zeros: fewer bits for cents and whole shares."""
    few = whole[:64]
    for fewer in (fewer for fewer in _COARSE_PLACES if fewer < places <= fewer + 18):  # 10**18 fits int64
        unit = 10 ** (places - fewer)
        if (few // unit * unit == few).all() and ((counted := whole // unit) * unit == whole).all():
            return counted, fewer
    return whole, places


def _cut(whole: Ints, width: int, top: int) -> list[Ints]:
    """Limbs of integers below 2**top in magnitude; all but the first from -2**(width - 1) to below 2**(width - 1)."""
    parts = []
    for _ in range(1, -(-top // width)):
        above = (whole + (1 << width - 1)) >> width
        parts.append(whole - (above << width))
        whole = above
    return [whole, *reversed(parts)]


def _cut_in_two(x: Floats, numbers: Decimals, places: int, bits: tuple[int, int, int]) -> list[Ints]:
    """Limbs of integers that int64 does not hold: an upper part by floats, a lower one by integers.

    The upper part is about x / 2**half. What it leaves fits int64, so that it comes out right although the integers
    that it is the difference of have wrapped around.
    """
    width, half, top = bits
    upper = np.rint(x * (float(10**places) * 2.0**-half)).astype(np.int64)
    lower = _on_grid(numbers, places) - (upper << half)
    return _cut(upper, width, top - half) + _cut(lower, width, half)


def _multiplied(numbers: Decimals, places: int, width: int, top: int) -> list[Ints]:
    """Limbs of integers of any length, least significant first: digits times a power of ten, by long multiplication."""
    left = np.abs(numbers.digits)
    power = np.broadcast_to(places - numbers.places, left.shape)
    used = -(-(10 ** int(power.max())).bit_length() // width)
    factors = _powers_in(width)[power, :used].T.copy()
    limbs = [np.zeros_like(left) for _ in range(-(-top // width) + used + _DIGITS_BITS // width)]
    for at in range(-(-_DIGITS_BITS // width)):
        digit = left & ((1 << width) - 1)
        left >>= width
        for limb, factor in zip(limbs[at:], factors, strict=False):
            limb += digit * factor
    del limbs[-(-top // width) :]  # zeros, since no part of a product is negative
    for low, high in pairwise(limbs):
        carry = (low + (1 << width - 1)) >> width
        low -= carry << width
        high += carry
    sign = np.sign(numbers.digits)
    return [limb * sign for limb in limbs]


def _joined(limbs: list[Ints], width: int) -> list[Ints]:
    """Half as many limbs, of twice the width."""
    even = limbs if len(limbs) % 2 == 0 else [*limbs, np.zeros_like(limbs[0])]
    return [(high << width) + low for low, high in zip(even[::2], even[1::2], strict=True)]


@cache
def _powers_in(width: int) -> npt.NDArray[np.int64]:
    """The powers of ten as limbs, least significant first."""
    limbs = range(-(-(10**MOST_PLACES).bit_length() // width))
    mask = (1 << width) - 1
    return np.array([[(10**power >> width * limb) & mask for limb in limbs] for power in range(MOST_PLACES + 1)])
