"""Randomness without state: hashes, a walk and a shuffle, each of which can be computed at any position by itself.

Only 32-bit integer hashes and single IEEE additions, multiplications and divisions are used. They give the same bits on
every machine and with every numpy; numpy.random, exp and log may not.
"""

from math import isqrt

import numpy as np
import numpy.typing as npt

from windrow.arrays import Floats, Ints

Hashes = npt.NDArray[np.uint32]

OCTAVES = 7
# A bar takes three quarters of its time slot, so it opens near, not at, the close before.
BAR_SHARE = 0.75
# Odd constants that spread numbers and salts over all 32 bits.
SPREAD, SALT = 0x9E3779B9, 0x85EBCA6B


def hashed(values: Hashes, salt: int) -> Hashes:
    """Return a well mixed 32-bit hash of each value (Wellons' lowbias32); one to one for any `salt`."""
    x = values + np.uint32(salt * SALT & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def numbered(keys: Hashes, numbers: Ints) -> Hashes:
    """Return a value to hash for each pair of a key and a number (modulo 2^32)."""
    return keys + numbers.astype(np.uint32) * np.uint32(SPREAD)


def share(hashes: Hashes) -> Floats:
    """Return the hashes as shares of one, [0, 1)."""
    return hashes.astype(np.float64) * 2.0**-32


def walk(keys: Hashes, bar: Ints) -> tuple[Floats, Floats]:
    """Return the walk of `keys` at each `bar`'s open, and the move from there to its close.

    It is value noise: straight lines between hashed knots 1, 4, 16 ... bars apart, each octave twice as high as the one
    before, as in a random walk, up to 4,096 bars; beyond that it does not drift. The unit is the height of the smallest
    octave; values are within +-127. Knots' numbers wrap at 2^32, where the walk joins its start.
    """
    level, move = np.zeros(len(bar)), np.zeros(len(bar))
    for octave in range(OCTAVES):
        span = 4**octave
        left = _knot(keys, bar // span, octave)
        slope = (_knot(keys, bar // span + 1, octave) - left) / span
        level += left + slope * (bar & (span - 1))
        move += slope * BAR_SHARE
    return level, move


def _knot(keys: Hashes, number: Ints, octave: int) -> Floats:
    """Return the heights, within +-2^octave, of an octave's knots."""
    heights = hashed(numbered(keys, number), 16 + octave)
    return heights.astype(np.float64) * 2.0 ** (octave - 31) - 2.0**octave


def permuted(rows: Ints, total: int, key: int) -> Ints:
    """Return where the shuffle of range(total) chosen by `key` puts each of `rows`; takes memory for `rows` only.

    A Feistel network permutes a square just larger than `total`; a result outside is permuted again until it is inside
    (J. Black and P. Rogaway, Ciphers with Arbitrary Finite Domains, 2002).

    >>> sorted(permuted(np.arange(1000), 1000, key=1).tolist()) == list(range(1000))
    True
    """
    out = _feistel(rows, isqrt(total - 1) + 1, key)
    while (outside := np.flatnonzero(out >= total)).size:
        out[outside] = _feistel(out[outside], isqrt(total - 1) + 1, key)
    return out


def _feistel(rows: Ints, side: int, key: int) -> Ints:
    left, right = np.divmod(rows, side)
    for turn in range(6):
        left, right = right, (left + hashed(right.astype(np.uint32), key + turn)) % side
    return left * side + right


def compounded(growth: Floats) -> Floats:
    """Return exp(growth) approximately, by multiplications alone; positive for growth > -8."""
    result = 1 + growth / 8
    for _ in range(3):
        result *= result
    return result
