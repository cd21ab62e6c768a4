"""Sessions: when an exchange trades, of its calendar or by hours of the day, in nanoseconds UTC.

A session's day is the date that its exchange gives it: that of its close for sessions over midnight. A bar belongs to
the session that its time is in: open <= time < close. A break for lunch is part of its session.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from time import time_ns
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from windrow.arrays import Ints
from windrow.errors import InputError, UsageError
from windrow.times import DAY, EARLIEST, LATEST, SECOND

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
#: Days that are computed at a time, so that neighbouring questions are answered by what is there.
_AHEAD = 400 * DAY
_EPOCH = date(1970, 1, 1)
#: From when on sessions of exchanges are recorded for tasks: 1950-01-01.
_FROM = -7305 * DAY


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
class Ends:
    """Sessions for bars whose times are their ends: open < time <= close, in nanoseconds that are whole.

    >>> one = Ends(Hours("09:30-16:00")).between(0, 0)
    >>> (one.at(9 * 3600 * SECOND + 1800 * SECOND + np.array([0, 1, 6 * 3600 * SECOND])) >= 0).tolist()
    [False, True, True]
    """

    trading: Trading

    def between(self, since: int, until: int) -> Sessions:
        """The sessions that have a bar that ends from `since` to `until`, and perhaps others around."""
        days, opens, closes = self.trading.between(since - 1, until - 1)
        return Sessions(days, opens + 1, closes + 1)


class _Kept(ABC):
    """Computes sessions once, with some around those that are asked for."""

    def between(self, since: int, until: int) -> Sessions:
        """The sessions that have a time from `since` to `until` (ns UTC), and others around."""
        known = self._known
        if not known:
            low, high = max(since, EARLIEST + _AHEAD) - _AHEAD, min(until, LATEST - _AHEAD) + _AHEAD
            known[:] = [(low, high, self._sessions(low, high))]
        low, high, found = known[0]
        if since < low:
            low = max(since, EARLIEST + _AHEAD) - _AHEAD
            found = _joined(self._sessions(low, known[0][0]), found)
        if until > high:
            high = min(until, LATEST - _AHEAD) + _AHEAD
            found = _joined(found, self._sessions(known[0][1], high))
        known[:] = [(low, high, found)]
        return found

    @cached_property
    def _known(self) -> list[tuple[int, int, Sessions]]:
        return []

    @abstractmethod
    def _sessions(self, since: int, until: int) -> Sessions: ...


@dataclass(frozen=True)
class Hours(_Kept):
    """Sessions from a time of day to another, every day, in a time zone; over midnight where the second is not later.

    One that ends at midnight, 00:00, is of the day before it: 00:00-00:00 is all of a day.

    Clocks that change move the session with them. Raises UsageError for hours that are none, or an unknown zone.

    >>> days = Hours("09:30-16:00", "America/New_York").between(1_741_300_000 * SECOND, 1_741_500_000 * SECOND)
    >>> at = days.days.tolist().index(1_741_392_000 * SECOND)  # 2025-03-08, before clocks went forward
    >>> (np.diff(days.opens[at : at + 2]) // SECOND).tolist()
    [82800]
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

    def _sessions(self, since: int, until: int) -> Sessions:
        first, last = max(since, EARLIEST) // DAY - 2, min(until, LATEST) // DAY + 2
        found = [self._of(_EPOCH + timedelta(days=day)) for day in range(first, last + 1)]
        days, opens, closes = np.array(found, np.int64).reshape(-1, 3).T
        return Sessions(days, opens, closes)

    def _of(self, day: date) -> tuple[int, int, int]:
        """Midnight, open and close of a day's session."""
        begin, end = self.hours.split("-")
        last = day + timedelta(days=end == "00:00")
        first = day if begin < end or last > day else day - timedelta(days=1)
        return (day - _EPOCH).days * DAY, self._utc(first, begin), self._utc(last, end)

    def _utc(self, day: date, clock: str) -> int:
        return _instant(day, clock, ZoneInfo(self.timezone))


@dataclass(frozen=True)
class Days(_Kept):
    """Whole days of a time zone, from midnight to midnight: of 23 or 25 hours where clocks change.

    A midnight that a change of clocks skips is that change; of one that comes twice it is the first.

    >>> days = Days("America/New_York").between(1_741_500_000 * SECOND, 1_741_500_000 * SECOND)
    >>> at = days.at(np.array([1_741_500_000 * SECOND]))[0]  # 2025-03-09
    >>> int(days.closes[at] - days.opens[at]) // (3600 * SECOND)
    23
    """

    timezone: str = "UTC"

    def _sessions(self, since: int, until: int) -> Sessions:
        first, last = max(since, EARLIEST) // DAY - 2, min(until, LATEST) // DAY + 2
        days = np.arange(first, last + 2) * DAY
        zone = ZoneInfo(self.timezone)
        edges = np.array([_instant(_date(day), "00:00", zone) for day in days.tolist()])
        return Sessions(days[:-1], edges[:-1], edges[1:])


@dataclass(frozen=True)
class Exchange(_Kept):
    """Sessions of an exchange by its name of four letters (ISO 10383), e.g. XNYS, with its holidays and half days.

    Capitals mean nothing in it. Raises UsageError for a name that exchange_calendars does not know, or where that
    package is not installed.

    >>> Exchange("xnys").name
    'XNYS'
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
        known = {name.upper(): name for name in get_calendar_names(include_aliases=True)}
        if self.name.upper() not in known:
            raise UsageError(
                f"--calendar {self.name}: is not an exchange that exchange_calendars knows; give its code of four"
                " letters, e.g. XNYS for New York, XLON for London"
            )
        object.__setattr__(self, "name", known[self.name.upper()])

    @property
    def bounds(self) -> tuple[int, int]:
        """The first and the last time (ns) that are known: from 1950, or where its records begin, to a year from now.

        A calendar whose holidays are known for some years alone ends with them.
        """
        from exchange_calendars.calendar_utils import global_calendar_dispatcher as known

        kind = known._calendar_factories[known.resolve_alias(self.name)]  # bounds are there without its sessions
        first, last = kind.bound_min(), kind.bound_max()
        since, until = _FROM if first is None else max(_FROM, first.value), time_ns() + 366 * DAY
        until = until if last is None else min(until, last.value + DAY)
        return int(since), int(until) // DAY * DAY - 1

    def recorded(self) -> "Recorded":
        """All of its sessions that are known, for tasks that need not have exchange_calendars."""
        since, until = self.bounds
        return Recorded(self.name, self._sessions(since, until), since, until)

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


@dataclass(frozen=True)
class Recorded:
    """Sessions of an exchange that were computed before, from a time to another (ns).

    >>> one = Recorded("XNYS", Sessions(*np.array([[0], [5], [9]])), 0, 10)
    >>> Recorded.from_json(one.to_json()).between(0, 10).closes.tolist()
    [9]
    """

    name: str
    sessions: Sessions
    since: int
    until: int

    def between(self, since: int, until: int) -> Sessions:
        """All of them. Raises InputError for times that they do not cover."""
        if since < self.since or until > self.until:
            time = since if since < self.since else until
            raise InputError(
                f"--calendar {self.name}: is known from {_date(self.since)} to {_date(self.until)}, but there is a bar"
                f" of {_date(time)}; take bars of known years by --from and --to, or give hours by --session"
            )
        return self.sessions

    def to_json(self) -> dict[str, Any]:
        """As it is passed to tasks."""
        return {
            "name": self.name,
            "sessions": [one.tolist() for one in self.sessions],
            "since": self.since,
            "until": self.until,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Recorded":
        """What `to_json` wrote."""
        sessions = Sessions(*(np.array(one, np.int64) for one in fields["sessions"]))
        return cls(fields["name"], sessions, fields["since"], fields["until"])


def _joined(one: Sessions, other: Sessions) -> Sessions:
    """The sessions of both, in order, those of a day once."""
    days = np.concatenate([one.days, other.days])
    _, at = np.unique(days, return_index=True)
    return Sessions(*(np.concatenate(both)[at] for both in zip(one, other, strict=True)))


def _instant(day: date, clock: str, zone: ZoneInfo) -> int:
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone).timestamp()) * SECOND


def _date(ns: int) -> date:
    return _EPOCH + timedelta(days=ns // DAY)
