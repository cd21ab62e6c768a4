"""Largest values of ranges of one array, and the first value in a range that reaches a level."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from windrow.arrays import Floats, Ints, Mask


class Ranges:
    """Queries on many ranges of one array at once. Memory: log2(values) times the array.

    Row k of its table holds the largest of each 2**k neighbours; two such spans cover a range.

    >>> ranges = Ranges(np.array([3.0, 1.0, 4.0, 1.0, 5.0]))
    >>> ranges.largest(np.array([0, 1, 3]), np.array([2, 4, 4])).tolist()
    [3.0, 4.0, 1.0]
    >>> ranges.first(np.array([0, 3]), np.array([5, 4]), np.zeros(2), np.ones(2), np.array([4.0, 2.0])).tolist()
    [2, 4]
    """

    def __init__(self, values: Floats) -> None:
        self._levels, self._values = max(len(values).bit_length(), 1), len(values)
        rows = np.empty((self._levels, len(values)))
        rows[0] = values
        for level in range(1, self._levels):
            half, last, row = 1 << (level - 1), rows[level - 1], rows[level]
            np.maximum(last[:-half], last[half:], out=row[:-half])
            row[-half:] = last[-half:]
        self._table = rows.ravel()
        self._log = _logs(len(values))

    def largest(self, begins: Ints, ends: Ints) -> Floats:
        """The largest value of each range [begin, end), none of which is empty."""
        level = self._log[ends - begins]
        row = level * self._values
        found: Floats = np.maximum(self._table[row + begins], self._table[row + ends - (1 << level)])
        return found

    def first(self, begins: Ints, ends: Ints, base: Floats, factor: Floats, goal: Floats) -> Ints:
        """The first position in each range where base + factor * value >= goal, else its end; factor is 0 or more.

        Rounding keeps the order of sums and products, so the largest value of a span shows whether any reaches it.
        """
        return self.first_that(begins, ends, lambda values: base + factor * values >= goal)

    def first_that(self, begins: Ints, ends: Ints, reaches: Callable[[Floats], Mask]) -> Ints:
        """The first position in each range whose value reaches something, else its end; larger values do too.

        reaches: which of the values, one for each range, do.
        """
        at = begins.copy()
        longest = int((ends - begins).max()) if len(begins) else 0
        for level in reversed(range(longest.bit_length())):
            row = self._table[level * self._values : (level + 1) * self._values]
            passed = (at + (1 << level) <= ends) & ~reaches(row.take(at, mode="clip"))
            at += passed.astype(np.int64) << level  # nothing is faster where no branch can be foreseen
        return at


@lru_cache(maxsize=16)
def _logs(most: int) -> Ints:
    """The whole part of the logarithm, to base 2, of each number up to one."""
    logs: Ints = np.frexp(np.arange(most + 1, dtype=np.float64))[1] - 1
    return logs
