"""Constituents: which symbols are in which sector, from when until when, from a CSV file as users have it.

    symbol,security,gics_sector,gics_sub_industry,date_added,date_removed

A row says that a symbol is in a sector from a day on, before another; a blank date leaves that end open. Only symbol
and gics_sector must be there, and names may be those of other lists: Ticker, Sector, "GICS Sector", "Date added",
Added, Removed. Other columns that speak of dates are refused, so that none is passed over unheard. A symbol that
changed its sector, or left and came back, has several rows: each lasts until the day of the next. So nothing of
today's list is in what it was on a day of the past.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from windrow.arrays import Ints
from windrow.errors import InputError
from windrow.market.companies import column_of, companies, refuse_twice
from windrow.times import DAY, EARLIEST, LATEST, SECOND

#: The sectors of GICS (2023), and the name that one of them had until 2018.
SECTORS = (
    "Communication Services", "Consumer Discretionary", "Consumer Staples", "Energy", "Financials", "Health Care",
    "Industrials", "Information Technology", "Materials", "Real Estate", "Utilities", "Telecommunication Services",
)  # fmt: skip
#: In place of the sector of a symbol that has none.
NONE = "No sector"
_SECTOR = ("gics_sector", "sector")
_ADDED = ("date_added", "date_first_added", "added", "added_date")
_REMOVED = ("date_removed", "removed", "removed_date")
#: Words in the names of columns that say from when or until when, as such a file must not do unheard.
_WHEN = {"date", "added", "removed", "since", "until", "start", "end", "from", "to", "begin", "entry", "exit"}
_EPOCH = date(1970, 1, 1)


class Membership(NamedTuple):
    """A symbol's sector from a day on, before another (days since 1970); None: always."""

    sector: str
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Constituents:
    """The memberships of each symbol, in order of time."""

    path: str
    members: Mapping[str, Sequence[Membership]]

    def sectors_of(self, symbol: str) -> Sequence[Membership]:
        """A symbol's memberships; without any it has no sector, always."""
        return self.members.get(symbol) or [Membership(NONE)]

    def companies(self, sector: str, clock: "Clock") -> "Companies":
        """The companies of a sector."""
        spans = [clock.span(one) for rows in self.members.values() for one in rows if one.sector == sector]
        return Companies(*(np.sort([span[end] for span in spans]) for end in (0, 1)))

    def to_json(self) -> dict[str, Any]:
        """As tasks get it."""
        return {"path": self.path, "members": self.members}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Constituents":
        """What `to_json` wrote."""
        members = {symbol: [Membership(*row) for row in rows] for symbol, rows in fields["members"].items()}
        return cls(fields["path"], members)


class Companies(NamedTuple):
    """A sector's companies: the times at which memberships begin, and those at which they are over, in order."""

    begins: Ints
    ends: Ints

    def at(self, times: Ints) -> Ints:
        """How many there are at times."""
        return np.searchsorted(self.begins, times, side="right") - np.searchsorted(self.ends, times, side="right")


class Clock(NamedTuple):
    """What days are to bars: dates, or days of a time zone."""

    dated: bool
    timezone: str = "UTC"

    def span(self, one: Membership) -> tuple[int, int]:
        """The first time of a membership, and the first after it (ns).

        >>> [time // (3600 * SECOND) for time in Clock(False, "America/New_York").span(Membership("Energy", 1, 2))]
        [29, 53]
        """
        since = EARLIEST if one.since is None else self._begin(one.since)
        return since, LATEST + 1 if one.until is None else self._begin(one.until)

    def _begin(self, day: int) -> int:
        if self.dated:
            return day * DAY
        midnight = datetime.combine(date.fromordinal(_EPOCH.toordinal() + day), datetime.min.time())
        return int(midnight.replace(tzinfo=ZoneInfo(self.timezone)).timestamp()) * SECOND


def read_constituents(path: str, any_sector: bool = False) -> Constituents:
    """The constituents in a file. Raises InputError for what is none; any_sector: names need not be those of GICS."""
    place = f"--constituents {path}"
    members: defaultdict[str, list[Membership]] = defaultdict(list)
    with companies("--constituents", path) as (names, rows):
        columns = _columns(place, names)
        for where, symbol, fields in rows:
            sector, added, removed = (fields[at] if 0 <= at < len(fields) else "" for at in columns)
            members[symbol].append(
                Membership(_sector(where, sector, any_sector), _day(where, added), _day(where, removed))
            )
    if not members:
        raise InputError(f"{place}: has no company; give a file with a line for each, below its header")
    return Constituents(path, {symbol: list(_in_order(path, symbol, its)) for symbol, its in members.items()})


def _columns(place: str, names: Sequence[str]) -> list[int]:
    """Where sector, first day and last day are; -1: nowhere. Raises InputError."""
    refuse_twice(place, names, (*_SECTOR, *_ADDED, *_REMOVED))
    days = [next((names.index(name) for name in wanted if name in names), -1) for wanted in (_ADDED, _REMOVED)]
    for name in names if -1 in days else ():
        if name not in (*_ADDED, *_REMOVED) and _WHEN.intersection(name.split("_")):
            raise InputError(
                f"{place}: has a column {name!r}, which may say from when or until when a symbol is in its sector; call"
                f" it {_ADDED[0]} or {_REMOVED[0]}, or, where it says something else, by another name"
            )
    return [column_of(place, names, _SECTOR), *days]


def _sector(where: str, text: str, any_sector: bool) -> str:
    known = {name.casefold(): name for name in SECTORS}.get(text.casefold())
    if known is None and text and not any_sector:
        raise InputError(
            f"{where}: {text!r} is no sector of GICS: {', '.join(SECTORS)}; write one of them, or take any names by"
            " --any-sector"
        )
    return known or text or NONE


def _day(where: str, text: str) -> int | None:
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH.toordinal() if text else None
    except ValueError:
        raise InputError(f"{where}: {text!r} is no date; write e.g. 2018-09-24, or leave it blank for always") from None


def _in_order(path: str, symbol: str, rows: Sequence[Membership]) -> Iterator[Membership]:
    """A symbol's memberships, each until the next. Raises InputError where they contradict each other."""
    first = -(1 << 30)
    ordered = sorted(set(rows), key=lambda one: (first if one.since is None else one.since, one.sector))
    for one, later in zip(ordered, [*ordered[1:], None], strict=True):
        if one.until is not None and one.until <= (one.since if one.since is not None else first):
            raise InputError(
                f"--constituents {path}: {symbol} is removed on the day that it is added, or before; correct its"
                " date_removed, or leave it blank"
            )
        if later is not None and later.since == one.since:
            raise InputError(
                f"--constituents {path}: {symbol} has two lines from one day on, {one.sector} and {later.sector}; give"
                " each the date_added from which on it holds"
            )
        ends = [day for day in (one.until, later.since if later else None) if day is not None]
        yield one._replace(until=min(ends, default=None))
