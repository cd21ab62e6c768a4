"""Spans of larger bars: 5min, 1h, 1d, 1w, 1mo, and the days that they are made of."""

import re
from dataclasses import dataclass

import numpy as np

from windrow.arrays import Ints
from windrow.errors import UsageError
from windrow.times import DAY, DURATIONS, EARLIEST, LATEST

_MONTHS, _WEEK = "mo", 7
#: Days from the Monday before 1970 to 1970-01-01.
_MONDAY = 3
#: The first day of all times, and the last; and how many of a unit a span may have: a hundred years.
_FIRST, _LAST = EARLIEST // DAY, LATEST // DAY
_LONGEST = {"d": 36_525, "w": 5_218, "mo": 1_200}


@dataclass(frozen=True)
class Span:
    """The length of a larger bar: a number of s, min, h, d, w or mo."""

    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @property
    def ns(self) -> int | None:
        """Nanoseconds of a span within a day; None: it is made of whole days."""
        return self.number * DURATIONS[self.unit] if self.unit in ("s", "min", "h") else None

    def days(self, midnights: Ints) -> tuple[Ints, Ints]:
        """The first and the last day (midnights, ns) of the spans that days are in, as far as times have them.

        >>> [np.datetime64(int(day[0]), "ns").astype("M8[D]").item().day for day in Span(1, "mo").days(np.array([0]))]
        [1, 31]
        """
        days, number = midnights // DAY, self.number
        if self.unit == _MONTHS:
            months = days.astype("M8[D]").astype("M8[M]").astype(np.int64) // number * number
            first, after = (
                count.astype("M8[M]").astype("M8[D]").astype(np.int64) for count in (months, months + number)
            )
        else:
            length, origin = (_WEEK * number, -_MONDAY) if self.unit == "w" else (number, 0)
            first = (days - origin) // length * length + origin
            after = first + length
        return np.maximum(first, _FIRST) * DAY, np.minimum(after - 1, _LAST) * DAY


def parse_span(text: str) -> Span:
    """The span of an option's text. Raises UsageError for any other.

    >>> parse_span("5min"), str(parse_span("1mo"))
    (Span(number=5, unit='min'), '1mo')
    """
    found = re.fullmatch("([0-9]{1,5})(s|min|h|d|w|mo)", text, re.ASCII)
    if not found or not int(found[1]):
        raise UsageError(
            f"--resample {text}: is no span of a bar: a whole number of s, min, h, d, w or mo; give one, e.g. 5min, 1h,"
            " 1d, 1w or 1mo"
        )
    span = Span(int(found[1]), found[2])
    if span.ns is not None and span.ns >= DAY:
        raise UsageError(
            f"--resample {text}: spans of s, min and h begin anew each day, and are shorter than one; give 1d, or a"
            " number of d, w or mo"
        )
    if span.number > _LONGEST.get(span.unit, span.number):
        raise UsageError(f"--resample {text}: is longer than a hundred years; give a shorter span, e.g. 12mo for years")
    return span
