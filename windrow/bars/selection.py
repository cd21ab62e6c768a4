"""Which rows of the inputs a job takes: chosen symbols, a span of time, rows with a value in some column.

A row that is not selected is no bar and no invalid row: what it holds is not looked at, beyond what tells that it is
not selected. So rows of another kind, which lack other fields, are none of the job's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from windrow.arrays import Ints, Mask
from windrow.errors import InputError, UsageError
from windrow.times import DAY, EARLIEST, LATEST, SECOND, parse_times

#: Bytes of a file of symbols.
_MOST_BYTES = 16 << 20


@dataclass(frozen=True)
class Selection:
    """Rows to take; of `start` and `end` (ns, as the input's times are) the first is included, the second is not.

    `where` has a column's accepted texts for each column.
    """

    symbols: frozenset[str] | None = None
    start: int = EARLIEST
    end: int = LATEST + 1
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether times decide."""
        return self.start > EARLIEST or self.end <= LATEST

    def times(self, times: Ints) -> Mask:
        """Which times are within the span."""
        within: Mask = (times >= self.start) & (times < self.end)
        return within

    def of_symbols(self, symbols: Sequence[str]) -> Mask | None:
        """Which of these symbols are taken; None: all."""
        if self.symbols is None:
            return None
        taken = np.array([symbol in self.symbols for symbol in symbols], bool)
        return None if taken.all() else taken

    def to_json(self) -> dict[str, Any]:
        """The selection as tasks receive it."""
        symbols = None if self.symbols is None else sorted(self.symbols)
        return {"symbols": symbols, "start": self.start, "end": self.end, "where": self.where}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Selection":
        """The selection that `to_json` wrote."""
        symbols = None if fields["symbols"] is None else frozenset(fields["symbols"])
        where = tuple((name, tuple(texts)) for name, texts in fields["where"])
        return cls(symbols, fields["start"], fields["end"], where)


def none_selected(rows: int) -> str:
    """What to say of inputs none of whose rows is asked for."""
    return f"none of the {rows:,} rows read is one of those asked for; check --symbols, --from, --to and --where"


def symbols_asked(text: str) -> tuple[str, ...]:
    """The symbols of `--symbols`: A,B,... or @FILE with one on each line.

    >>> symbols_asked("AAPL, BRK.B,AAPL")
    ('AAPL', 'BRK.B')
    """
    names = _lines_of(text[1:]) if text.startswith("@") else text.split(",")
    symbols = tuple(dict.fromkeys(filter(None, (name.strip() for name in names))))
    if not symbols:
        raise UsageError(f"--symbols {text}: names no symbol; give A,B,... or @FILE with a symbol on each line")
    return symbols


def _lines_of(path: str) -> list[str]:
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError("it has more than 16 MiB")
        return text.decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"--symbols @{path}: cannot be read: {why}; give a text file with a symbol on each line"
        ) from error


def conditions(asked: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What `--where` asks for: of a column given again, either value; of several columns, all of them.

    >>> conditions(["series=EQ", "series=BE", "exchange=NSE"])
    (('series', ('EQ', 'BE')), ('exchange', ('NSE',)))
    """
    texts: dict[str, list[str]] = {}
    for condition in asked:
        name, equals, text = condition.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--where {condition}: is not COLUMN=VALUE; give a column and the value of its rows")
        texts.setdefault("_".join(name.lower().split()), []).append(text.strip())
    return tuple((name, tuple(dict.fromkeys(values))) for name, values in texts.items())


def check_pattern(pattern: str) -> None:
    """Raises UsageError for a pattern that `--symbol-from-path` cannot have.

    >>> check_pattern("us/(.+)[.]csv")
    """
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"--symbol-from-path {pattern}: is no regular expression of Python's: {error}; give one such as"
            " 'us/(.+)\\.csv'"
        ) from None
    if groups != 1:
        raise UsageError(
            f"--symbol-from-path {pattern}: has {groups} groups in parentheses; the group is the symbol; give one, and"
            " write others as (?:...)"
        )


def span_asked(since: str | None, until: str | None, timezone: str, dated: bool) -> tuple[int, int]:
    """The span (ns) that `--from` and `--to` mean for times of an input, dates or not: begin, and end (excluded).

    A date in `--to` is meant with the whole day, a time with itself. Raises UsageError.

    >>> span_asked("1970-01-02", "1970-01-03", "UTC", False) == (DAY, 3 * DAY)
    True
    """
    start = EARLIEST if since is None else bound_asked("--from", since, timezone, dated, 0)
    end = LATEST + 1 if until is None else bound_asked("--to", until, timezone, dated, 1)
    if start >= end:
        raise UsageError(f"--from {since} --to {until}: no time is in between; --to is not before --from")
    return start, end


def bound_asked(option: str, text: str, timezone: str, dated: bool, later: int) -> int:
    """The first time (ns) from a date or time on, or, if `later` is 1, after it, or the date's whole day.

    Raises UsageError, which names the option that has the text.

    >>> bound_asked("--to", "1970-01-02", "UTC", True, 1) == 2 * DAY
    True
    """
    ns, timed = _parsed(text, timezone, dated)
    if ns is None:
        raise UsageError(f"{option} {text}: is not a date or time; give e.g. 2023-01-31 or 2023-01-31T09:30")
    if timed or not later:
        return ns + later
    if dated:
        return ns + DAY
    return _midnight((date.fromisoformat(text.strip()) + timedelta(days=1)).isoformat(), timezone)


def _parsed(text: str, timezone: str, dated: bool) -> tuple[int | None, bool]:
    """A date or time in ns, and whether it has a time of day; a date begins at midnight in the time zone."""
    raw = text.strip().encode()
    times = parse_times(np.frombuffer(raw, np.uint8), np.array([0, len(raw)]), timezone, dated)
    if not times.ok[0]:
        return None, False
    if times.timed[0] or dated:
        return int(times.ns[0]), bool(times.timed[0])
    return _midnight(text.strip(), timezone), False


def _midnight(day: str, timezone: str) -> int:
    """When a day begins; one whose midnight a change of clocks skips begins at that change."""
    from zoneinfo import ZoneInfo  # a task's start is part of its cost

    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(timezone)).timestamp()) * SECOND
