"""Exact sums of float64 numbers: the same in any order, and from any parts."""

from collections.abc import Sequence
from fractions import Fraction
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
