"""Constituents: which symbols are in which sector, from when until when, from a CSV file as users have it.

    symbol,security,gics_sector,gics_sub_industry,date_added,date_removed

A row says that a symbol is in a sector from a day on, before another; a blank date leaves that end open. Only symbol
and gics_sector must be there, and names may be those of other lists: Ticker, Sector, "GICS Sector", "Date added",
Added, Removed. Other columns that speak of dates are refused, so that none is passed over unheard. Between fields is a
comma, a semicolon or a tab. A symbol that changed its sector, or left and came back, has several rows: each lasts until
the day of the next. So nothing of today's list is in what it was on a day of the past.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from zoneinfo import ZoneInfo

import numpy as np

from windrow.arrays import Ints
from windrow.bars.layout import normalise
from windrow.errors import InputError
from windrow.times import DAY, EARLIEST, LATEST, SECOND

#: The sectors of GICS (2023), and the name that one of them had until 2018.
SECTORS = (
    "Communication Services", "Consumer Discretionary", "Consumer Staples", "Energy", "Financials", "Health Care",
    "Industrials", "Information Technology", "Materials", "Real Estate", "Utilities", "Telecommunication Services",
)  # fmt: skip
#: In place of the sector of a symbol that has none.
NONE = "No sector"
_SYMBOL, _SECTOR = ("symbol", "ticker"), ("gics_sector", "sector")
_ADDED = ("date_added", "date_first_added", "added", "added_date")
_REMOVED = ("date_removed", "removed", "removed_date")
#: Words in the names of columns that say from when or until when, as such a file must not do unheard.
_WHEN = {"date", "added", "removed", "since", "until", "start", "end", "from", "to", "begin", "entry", "exit"}
_EPOCH = date(1970, 1, 1)
_MOST_BYTES = 1 << 24


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

    def counted(self, sector: str, times: Ints, clock: "Clock") -> Ints:
        """How many companies a sector has at times."""
        its = [one for rows in self.members.values() for one in rows if one.sector == sector]
        begins, ends = (np.sort([clock.span(one)[end] for one in its]) for end in (0, 1))
        return np.searchsorted(begins, times, side="right") - np.searchsorted(ends, times, side="right")

    def to_json(self) -> dict[str, Any]:
        """As tasks get it."""
        return {"path": self.path, "members": self.members}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Constituents":
        """What `to_json` wrote."""
        members = {symbol: [Membership(*row) for row in rows] for symbol, rows in fields["members"].items()}
        return cls(fields["path"], members)


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
    try:
        if Path(path).stat().st_size > _MOST_BYTES:
            raise ValueError("it has more than 16 MiB")
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return Constituents(path, _members(path, file, any_sector))
    except UnicodeDecodeError:
        raise InputError(
            f"--constituents {path}: is no text in UTF-8; save it as that, in Excel as `CSV UTF-8 (comma delimited)`"
        ) from None
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"--constituents {path}: cannot be read: {why}; give a CSV file with a header, symbol,gics_sector and more"
        ) from error


def _members(path: str, file: TextIO, any_sector: bool) -> dict[str, list[Membership]]:
    rows = csv.reader(file, delimiter=_delimiter(file), strict=True)
    names = [normalise(name.replace("-", " ")) for name in next(rows, [])]
    columns = _columns(path, names)
    members: defaultdict[str, list[Membership]] = defaultdict(list)
    for row in rows:
        if any(field.strip() for field in row):
            where = f"--constituents {path}: line {rows.line_num}"
            if len(row) > len(names) and any(field.strip() for field in row[len(names) :]):
                raise InputError(
                    f"{where}: has {len(row)} fields, more than the first line's {len(names)}; put quotes around those"
                    ' that have a comma, as in "Apple, Inc."'
                )
            symbol, sector, added, removed = (row[at].strip() if 0 <= at < len(row) else "" for at in columns)
            if not symbol:
                raise InputError(f"{where}: has no symbol; give each company its symbol, or take the line out")
            sector = _sector(where, sector, any_sector)
            members[symbol].append(Membership(sector, _day(where, added), _day(where, removed)))
    if not members:
        raise InputError(f"--constituents {path}: has no company; give a file with a line for each, below its header")
    return {symbol: list(_in_order(path, symbol, its)) for symbol, its in members.items()}


def _delimiter(file: TextIO) -> str:
    """What is between the names of the first line: , or, as some programs write it, ; or a tab."""
    first = file.readline()
    file.seek(0)
    return max(",;\t", key=first.count)


def _columns(path: str, names: Sequence[str]) -> list[int]:
    """Where symbol, sector, first day and last day are; -1: nowhere. Raises InputError."""
    for name in names:
        if name and names.count(name) > 1 and name in (*_SYMBOL, *_SECTOR, *_ADDED, *_REMOVED):
            raise InputError(f"--constituents {path}: has two columns {name!r}; leave one, or call it otherwise")
    columns = [_column(path, names, wanted) for wanted in (_SYMBOL, _SECTOR)]
    days = [next((names.index(name) for name in wanted if name in names), -1) for wanted in (_ADDED, _REMOVED)]
    for name in names if -1 in days else ():
        if name not in (*_ADDED, *_REMOVED) and _WHEN.intersection(name.split("_")):
            raise InputError(
                f"--constituents {path}: has a column {name!r}, which may say from when or until when a symbol is in"
                f" its sector; call it {_ADDED[0]} or {_REMOVED[0]}, or, where it says something else, by another name"
            )
    return [*columns, *days]


def _column(path: str, names: Sequence[str], wanted: Sequence[str]) -> int:
    found = [names.index(name) for name in wanted if name in names]
    if not found:
        raise InputError(
            f"--constituents {path}: has no column {wanted[0]!r}; its columns are {', '.join(names)}; name one of them"
            f" {wanted[0]} in its first line"
        )
    return found[0]


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
