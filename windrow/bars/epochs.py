"""Times as counts since 1970: which unit a count is in, and what shows that another than the one asked for was meant.

Of 1990 to 2100, counts of seconds, milliseconds, microseconds and nanoseconds do not overlap, nor do dates as YYYYMMDD:
so without --time-unit each count is read by its own magnitude. A count taken for one of a smaller unit is a time in the
first weeks of 1970, and one taken for a larger unit is no time at all.
"""

from dataclasses import dataclass

import numpy as np

from windrow.arrays import Ints
from windrow.errors import InputError
from windrow.times import DAY, UNITS, Times, format_times, midnights

_1972, _1990, _2100 = (int(np.datetime64(f"{year}-01-01", "ns").astype(np.int64)) for year in (1972, 1990, 2100))
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
#: What `--time-format` calls them.
FORMS_OF_COUNTS = {"%s": "s", "%L": "ms", "%U": "us", "%N": "ns"}
#: Among units: dates as numbers, 20230103.
DATE = "date"
#: A run has one --time-unit: counts that differ in their unit are read without it.
_LEAVE_OUT = "leave out --time-unit, and each is read by its magnitude"
#: What a fraction of a count is counted in: 1e-18 of its unit.
FRACTION_DIGITS = 18


def likely_unit(count: int) -> str | None:
    """The unit in which a count since 1970 is a time of 1990 to 2100.

    >>> likely_unit(1_672_531_200), likely_unit(1_672_531_200_000), likely_unit(86_400)
    ('s', 'ms', None)
    """
    return next((unit for unit, ns in UNITS.items() if _1990 <= count * ns < _2100), None)


def by_magnitude(counts: Ints, fractions: Ints | None = None, dated: bool = False) -> Times:
    """The times of counts, each in the unit in which it is a time of 1990 to 2100; or the date that it is, YYYYMMDD.

    `fractions` are what follows the counts' decimal points, in 1e-18. What is no such count is not `ok`, nor is what
    is finer than a nanosecond. Where times are `dated`, only what is not midnight is `timed`.

    >>> by_magnitude(np.array([1_672_531_200, 1_672_531_200_000, 20230101, 86_400]))[:2]
    (array([1672531200000000000, 1672531200000000000, 1672531200000000000,
                             0]), array([ True,  True,  True, False]))
    """
    ns, ok = np.zeros(len(counts), np.int64), np.zeros(len(counts), bool)
    smallest, largest = counts.min(initial=2**63 - 1), counts.max(initial=0)
    for per in UNITS.values():
        begin, end = _1990 // per, _2100 // per
        if largest < begin or smallest >= end:
            continue
        if fractions is None and smallest >= begin and largest < end:  # nearly always
            ns, ok = counts * per, np.ones(len(counts), bool)
            return Times(ns, ok, ns % DAY != 0 if dated else ok)
        rows = (counts >= begin) & (counts < end)
        ns += np.where(rows, counts, 0) * per
        ok |= rows
        if fractions is not None:
            finer, rest = np.divmod(np.where(rows, fractions, 0), 10**FRACTION_DIGITS // per)
            ns += finer
            ok &= rest == 0
    timed = ns % DAY != 0 if dated else ok.copy()
    dates = (counts >= 19000101) & (counts <= 21001231)
    if dates.any():
        days = np.where(dates, counts, 0)
        midnight, exists = midnights(days // 10_000, days // 100 % 100, days % 100)
        ns = np.where(dates, midnight, ns)
        ok |= dates & exists & (True if fractions is None else fractions == 0)
    return Times(np.where(ok, ns, 0), ok, timed)


def looks_like_a_date(counts: Ints) -> bool:
    """Whether all these numbers have eight digits that are a date, YYYYMMDD, of 1900 to 2100.

    >>> looks_like_a_date(np.array([20230103, 20230104])), looks_like_a_date(np.array([20230103, 20231301]))
    (True, False)
    """
    years, months, days = counts // 10_000, counts // 100 % 100, counts % 100
    dates = (years >= 1900) & (years <= 2100) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    return bool(len(counts)) and bool(dates.all())


def kind_of(count: int) -> str:
    """What a count is by its magnitude, of which one is known to be: a unit, or DATE.

    >>> kind_of(1_672_531_200), kind_of(20230103)
    ('s', 'date')
    """
    return likely_unit(count) or DATE


@dataclass
class Span:
    """The times of an input's counted bars: the first, the last, and the first since 1972 (ns; None: no bar)."""

    first: int | None = None
    last: int | None = None
    later: int | None = None

    def take(self, times: Ints) -> None:
        """Adds bars."""
        if len(times):
            later = times[times >= _1972]
            self.add(Span(int(times.min()), int(times.max()), int(later.min()) if len(later) else None))

    def add(self, other: "Span") -> None:
        """Adds the times of another part of the input."""
        self.first = min((time for time in (self.first, other.first) if time is not None), default=None)
        self.last = max((time for time in (self.last, other.last) if time is not None), default=None)
        self.later = min((time for time in (self.later, other.later) if time is not None), default=None)

    def doubt(self, path: str, unit: str, sampled: bool = False) -> InputError | None:
        """The refusal of an input whose counts are not all in `unit`; of a sample, only where another unit fits.

        >>> print(Span(1_672_531_200_000_000, 1_672_617_600_000_000).doubt("a.csv", "us"))
        a.csv: its times, 1672531200000 to 1672617600000 us since 1970, are all in 1970 or 1971; as milliseconds they \
are 2023-01-01T00:00:00Z to 2023-01-02T00:00:00Z; leave out --time-unit, and each is read by its magnitude, or use \
--time-unit ms
        """
        if self.first is None or self.last is None or self.first >= _1972:
            return None
        if self.later is not None:
            return self._mixed(path, unit) if self.later >= _1990 else None
        if self.first < 0:
            return None
        first, last = self.first // UNITS[unit], self.last // UNITS[unit]
        told = f"{path}: its times, {first} to {last} {unit} since 1970, are all in 1970 or 1971; "
        if looks_like_a_date(np.array([first, last])):
            return InputError(f"{path}: its times, {first} to {last}, look like dates, not like counts; {_LEAVE_OUT}")
        likely = likely_unit(first)
        if likely is not None and likely == likely_unit(last):
            times = np.array([first, last]) * UNITS[likely]
            begin, end = (text.decode() for text in format_times(times, dates=False))
            return InputError(
                f"{told}as {NAMES[likely]} they are {begin} to {end}; {_LEAVE_OUT}, or use --time-unit {likely}"
            )
        return None if sampled else InputError(
            f"{told}bars of these years are rare, and no one unit makes these counts times of 1990 to 2100; convert"
            " them to times as text, e.g. 1970-01-02T09:30:00Z, and leave out --time-unit"
        )  # fmt: skip

    def _mixed(self, path: str, unit: str) -> InputError:
        assert self.first is not None and self.later is not None
        count = self.first // UNITS[unit]
        first, later = (text.decode() for text in format_times(np.array([self.first, self.later]), dates=False))
        likely = likely_unit(count)
        if likely is None:
            return InputError(
                f"{path}: its times jump from {first} to {later}: {count} seems to be no count of {NAMES[unit]} as"
                " others are; correct such rows, or leave out --time-unit: each is then read by its magnitude, and"
                " these are invalid"
            )
        return InputError(
            f"{path}: its times jump from {first} to {later}: {count} seems to be in {NAMES[likely]}, others are in"
            f" {NAMES[unit]}; {_LEAVE_OUT}"
        )


def hint(text: str, unit: str | None) -> str | None:
    """The cure where a time that does not parse, `text`, is a number; None where it is none. `unit` was asked for.

    >>> hint("86400", None)
    'times like 86400 are in no unit times of 1990 to 2100: give theirs with --time-unit'
    >>> hint("1735689600000000", "ms")
    'times like 1735689600000000 look like microseconds, not milliseconds: leave out --time-unit, and each is read ...
    """
    text = text.strip(" \t")
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    likely = likely_unit(int(text))
    if unit is None:
        return (
            None if likely else f"times like {text} are in no unit times of 1990 to 2100: give theirs with --time-unit"
        )
    if looks_like_a_date(np.array([int(text)])):
        return f"times like {text} look like dates, not {NAMES[unit]}: {_LEAVE_OUT}"
    if likely in (None, unit):
        return None
    return f"times like {text} look like {NAMES[str(likely)]}, not {NAMES[unit]}: {_LEAVE_OUT}"
