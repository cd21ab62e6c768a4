"""Sessions: when an exchange trades, of its calendar or by hours of the day, in nanoseconds UTC.

A session's day is the date that its exchange gives it: that of its close for sessions over midnight. A bar belongs to
the session that its time is in: open <= time < close. A break for lunch is part of its session.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from windrow.arrays import Ints
from windrow.errors import UsageError
from windrow.times import DAY, EARLIEST, LATEST, SECOND

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
#: Days that are computed at a time, so that neighbouring questions are answered by what is there.
_AHEAD = 400 * DAY
_EPOCH = date(1970, 1, 1)


class Sessions(NamedTuple):
    """Sessions in order of time; arrays of shape (sessions,): midnights of their days, opens and closes, ns UTC."""

    days: Ints
    opens: Ints
    closes: Ints

    def at(self, times: Ints) -> Ints:
        """The position of the session that each time is in, -1 for a time in none.

        >>> hours = Hours("09:30-16:00", "America/New_York")
        >>> one = hours.between(0, DAY)
        >>> one.at(one.opens[0] + np.array([-1, 0, 6 * 3600 * SECOND, 7 * 3600 * SECOND])).tolist()
        [-1, 0, 0, -1]
        """
        at = np.searchsorted(self.opens, times, side="right") - 1
        inside = (at >= 0) & (times < self.closes[np.maximum(at, 0)]) if len(self.opens) else np.zeros(len(times), bool)
        return np.where(inside, at, -1)


class Trading(Protocol):
    """What has sessions."""

    def between(self, since: int, until: int) -> Sessions:
        """All sessions that have a time from `since` to `until` (ns UTC, both included), and perhaps others around."""
        ...


@dataclass(frozen=True)
class Hours:
    """Sessions from a time of day to another, every day, in a time zone; over midnight where the second is not later.

    Clocks that change move the session with them. Raises UsageError for hours that are none, or an unknown zone.

    >>> from windrow.times import format_times
    >>> two = Hours("09:30-16:00", "America/New_York").between(1_741_300_000 * SECOND, 1_741_500_000 * SECOND)
    >>> [text.decode() for text in format_times(two.opens[4:6], dates=False)]
    ['2025-03-08T14:30:00Z', '2025-03-09T13:30:00Z']
    """

    hours: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not _HOURS.fullmatch(self.hours):
            raise UsageError(f"--session {self.hours}: is not two times of day; give HH:MM-HH:MM, e.g. 09:30-16:00")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"--timezone {self.timezone}: is not a time zone of the IANA database; give one, e.g. America/New_York"
            ) from None

    def between(self, since: int, until: int) -> Sessions:
        """The sessions of those days, and of one before and after."""
        first, last = max(since, EARLIEST) // DAY - 2, min(until, LATEST) // DAY + 2
        found = [self._of(_EPOCH + timedelta(days=day)) for day in range(first, last + 1)]
        days, opens, closes = np.array(found, np.int64).reshape(-1, 3).T
        return Sessions(days, opens, closes)

    def _of(self, day: date) -> tuple[int, int, int]:
        """Midnight, open and close of the session that ends on a day."""
        begin, end = self.hours.split("-")
        first = day if begin < end else day - timedelta(days=1)
        midnight = (day - _EPOCH).days * DAY
        return midnight, self._utc(first, begin), self._utc(day, end)

    def _utc(self, day: date, clock: str) -> int:
        local = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZoneInfo(self.timezone))
        return int(local.timestamp()) * SECOND


@dataclass(frozen=True)
class Exchange:
    """Sessions of an exchange by its name of four letters (ISO 10383), e.g. XNYS, with its holidays and half days.

    Raises UsageError for a name that exchange_calendars does not know, or where that package is not installed.

    >>> half = Exchange("XNYS").between(1_764_201_600 * SECOND, 1_764_374_400 * SECOND)
    >>> position = half.days.tolist().index(1_764_288_000 * SECOND)  # 2025-11-28, after Thanksgiving
    >>> int(half.closes[position] - half.opens[position]) / (3600 * SECOND)
    3.5
    """

    name: str

    def __post_init__(self) -> None:
        try:
            from exchange_calendars import get_calendar_names
        except ImportError:
            raise UsageError(
                f"--calendar {self.name}: needs the package exchange_calendars; install it by: pip install"
                " 'windrow[market]'"
            ) from None
        if self.name not in get_calendar_names(include_aliases=True):
            raise UsageError(
                f"--calendar {self.name}: is not an exchange that exchange_calendars knows; give its code of four"
                " letters, e.g. XNYS for New York, XLON for London"
            )

    def between(self, since: int, until: int) -> Sessions:
        """The sessions of the calendar's years; those asked for are computed once, with some around them."""
        known = self._known
        if not known or since < known[0][0] or until > known[0][1]:
            low = max(min(since, known[0][0]) if known else since, EARLIEST + _AHEAD) - _AHEAD
            high = min(max(until, known[0][1]) if known else until, LATEST - _AHEAD) + _AHEAD
            known[:] = [(low, high, self._sessions(low, high))]
        return known[0][2]

    @cached_property
    def _known(self) -> list[tuple[int, int, Sessions]]:
        return []

    def _sessions(self, since: int, until: int) -> Sessions:
        from exchange_calendars import get_calendar
        from exchange_calendars.errors import CalendarError

        try:
            calendar: Any = get_calendar(self.name, start=_date(since), end=_date(until))
        except (CalendarError, ValueError) as error:  # a calendar's bounds
            raise UsageError(
                f"--calendar {self.name}: is not known from {_date(since)} to {_date(until)}: {error}; take bars of"
                " other years by --from and --to, or give the hours by --session and --timezone"
            ) from None
        days = calendar.sessions.asi8 if calendar.sessions.unit == "ns" else calendar.sessions.as_unit("ns").asi8
        return Sessions(np.array(days), np.array(calendar.opens_nanos), np.array(calendar.closes_nanos))


def _date(ns: int) -> date:
    return _EPOCH + timedelta(days=ns // DAY)
