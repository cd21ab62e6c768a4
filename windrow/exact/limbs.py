"""Values as short integers: the grid they are on, and the limbs they are cut into.

All values of a call are put on one grid 10**-places, exactly: as a double-double where one float64 will not
do. They are then cut into int64 limbs so short that no window's weighted sum of them passes 2**53.
"""

from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.exact.rounding import EXACT, fast_two_sum, two_product

_COARSE_PLACES = (0, 2, 4, 8)


class _Grid(NamedTuple):
    """Values as (high + low) * 10**-places; low is None where it is all zeros."""

    high: Floats
    low: Floats | None
    places: int
    bottom: int  # every value is a multiple of 2**bottom on the grid ...
    top: int  # ... and below 2**top in magnitude


class Limbs(NamedTuple):
    """Values as int64 limbs, most significant first, in units of 2**exponent * 10**-places."""

    parts: list[Ints]
    width: int
    exponent: int
    places: int


def limbs_of(x: Floats, weight: int, squared: bool = False) -> Limbs:
    """Limbs of x such that the sums asked for stay exact in windows of the given total weight."""
    room = (weight - 1).bit_length()
    # A sum of limbs stays within 2**53. A square takes n**2 products of two limbs, and up to 32 such squares
    # meet at one power of two: 2 * room + 2 * width + 5 <= 62.
    width = (57 - 2 * room) // 2 if squared else 53 - room
    grid = _grid(x)
    if grid.top - grid.bottom > width:
        grid = _coarser(grid)
    return Limbs(_peeled(grid, width), width, grid.bottom, grid.places)


def _grid(x: Floats) -> _Grid:
    """The coarsest of the grids 10**-6, 10**-9 and binary that every value has a place on."""
    micros, is_micro = _decimals(x, 6)
    if is_micro.all():
        return _bounded(micros, None, 6, 0)
    nanos, is_nano = _decimals(x, 9)
    is_nano &= ~is_micro
    is_binary = ~(is_micro | is_nano)
    if is_binary.all():
        return _bounded(x, None, 0, _lowest_bit(x, is_binary))
    places = 9 if is_nano.any() else 6
    factors = np.where(is_micro, 10.0 ** (places - 6), np.where(is_nano, 1.0, 10.0**places))
    high, low = two_product(np.where(is_micro, micros, np.where(is_nano, nanos, x)), factors)
    bottom = min(_lowest_bit(x, is_binary) + places, 0)
    return _bounded(high, low if low.any() else None, places, bottom)


def _decimals(x: Floats, places: int) -> tuple[Floats, Mask]:
    """The integers nearest to x * 10**places, and where they represent x."""
    scaled = np.rint(x * 10.0**places)
    return scaled, (scaled / 10.0**places == x) & (np.abs(scaled) < EXACT)


def _lowest_bit(x: Floats, where: Mask) -> int:
    """Exponent of a power of two that every value is a multiple of, judged by the smallest magnitude."""
    smallest = np.abs(x).min(initial=np.inf, where=where)  # no binary value is 0: that is a decimal
    return int(np.frexp(smallest)[1]) - 53 if np.isfinite(smallest) else 0


def _bounded(high: Floats, low: Floats | None, places: int, bottom: int) -> _Grid:
    top = int(np.frexp(np.abs(high).max(initial=0.0))[1])
    return _Grid(high, low, places, bottom, top)


def _coarser(grid: _Grid) -> _Grid:
    """The same values with fewer places where all end in zeros: fewer bits for cents and whole shares."""
    if grid.low is not None or grid.bottom < 0 or grid.top > 62:
        return grid
    whole = grid.high.astype(np.int64)
    for places in (places for places in _COARSE_PLACES if places < grid.places):
        unit = 10 ** (grid.places - places)
        fewer = whole // unit
        if (fewer * unit == whole).all():
            return _bounded(fewer.astype(np.float64), None, places, 0)
    return grid


def _peeled(grid: _Grid, width: int) -> list[Ints]:
    """Limbs of `width` bits off the top of high + low; each subtraction is exact."""
    high, low = grid.high, grid.low
    parts = []
    for k in reversed(range(max(1, -(-(grid.top - grid.bottom) // width)))):
        unit = grid.bottom + k * width
        part = np.rint(high * 2.0**-unit)
        parts.append(part.astype(np.int64))
        if k:
            high = high - part * 2.0**unit
        if k and low is not None:
            high, low = fast_two_sum(high, low)
    return parts
