"""Exact means and medians of float64 numbers: the same in any order, and from any parts."""

from collections.abc import Sequence
from fractions import Fraction
from math import inf, isinf
from typing import Any

#: Every float64 is a multiple of 2^-1074.
_PLACES = 1074


class Tally:
    """An exact sum of numbers, and how many there were; None does not count.

    >>> tally = Tally()
    >>> for number in (1e100, None, 0.1, -1e100):
    ...     tally.add(number)
    >>> tally.count, tally.mean
    (3, 0.03333333333333333)
    """

    __slots__ = ("_sum", "count")

    def __init__(self, count: int = 0, units: int = 0) -> None:
        self.count, self._sum = count, units

    def add(self, number: float | None) -> None:
        """Adds a number, which is finite."""
        if number is not None:
            top, bottom = number.as_integer_ratio()
            self._sum += top << (_PLACES + 1 - bottom.bit_length())
            self.count += 1

    def take(self, other: "Tally") -> None:
        """Adds all numbers of another tally."""
        self._sum += other._sum
        self.count += other.count

    @property
    def sum(self) -> Fraction:
        """The exact sum."""
        return Fraction(self._sum, 1 << _PLACES)

    @property
    def mean(self) -> float | None:
        """The mean, correctly rounded; None without a number."""
        return self._sum / (self.count << _PLACES) if self.count else None

    def to_json(self) -> list[Any]:
        """As it is written in records: the count, and the sum as hexadecimal digits and an exponent of 2.

        >>> tally = Tally()
        >>> tally.add(0.75)
        >>> tally.to_json(), Tally.of(tally.to_json()).sum
        ([1, '0x3', -2], Fraction(3, 4))
        """
        zeros = (self._sum & -self._sum).bit_length() - 1 if self._sum else _PLACES
        return [self.count, hex(self._sum >> zeros), zeros - _PLACES]

    @classmethod
    def of(cls, fields: Sequence[Any]) -> "Tally":
        """The tally that `to_json` wrote."""
        count, digits, exponent = fields
        return cls(count, int(digits, 16) << exponent + _PLACES)


class Numbers:
    """All of some numbers, for their median; None does not count. Memory: the numbers.

    >>> numbers = Numbers()
    >>> for number in (3.0, None, 1.0, 7.0):
    ...     numbers.add(number)
    >>> numbers.count, numbers.median(), numbers.median(above=1), numbers.median(below=2, above=9)
    (3, 3.0, 5.0, inf)
    """

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Sequence[float] = ()) -> None:
        self._numbers = list(numbers)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._numbers)

    def add(self, number: float | None) -> None:
        """Adds a number, which is finite."""
        if number is not None:
            self._numbers.append(number + 0.0)  # -0.0 is 0.0: a median must not depend on which of them comes first

    def take(self, other: "Numbers") -> None:
        """Adds all numbers of another one."""
        self._numbers += other._numbers

    def median(self, below: int = 0, at_0: int = 0, above: int = 0) -> float | None:
        """The number in the middle, or the mean of the two there, correctly rounded; None without a number.

        Of these many more numbers only the sign is known: they are below all others, 0, or above all others. So the
        median may be infinite; between one below and one above all others it is 0.
        """
        ranked = [*[-inf] * below, *sorted([*self._numbers, *[0.0] * at_0]), *[inf] * above]
        if not ranked:
            return None
        low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
        if low == high:
            return low
        if isinf(low) or isinf(high):
            return 0.0 if isinf(low) and isinf(high) else low + high
        return float((Fraction(low) + Fraction(high)) / 2)

    def to_json(self) -> list[Any]:
        """As it is written in records."""
        return self._numbers

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Numbers":
        """What `to_json` wrote."""
        return cls(numbers)
