"""Largest values of ranges of one array, and the first value in a range that reaches a level."""

from collections.abc import Callable

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
        rows = [values]
        while (span := 2 ** len(rows)) <= len(values):
            last, half = rows[-1], span // 2
            rows.append(np.append(np.maximum(last[:-half], last[half:]), last[-half:]))
        self._levels, self._values = len(rows), len(values)
        self._table = np.concatenate(rows)
        self._log = np.frexp(np.arange(len(values) + 1, dtype=np.float64))[1] - 1

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
        for level in reversed(range(self._levels)):
            after = at + (1 << level)
            row = self._table[level * self._values : (level + 1) * self._values]
            at = np.where(~reaches(row.take(at, mode="clip")) & (after <= ends), after, at)
        return at
