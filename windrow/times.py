"""Times and durations: text to nanoseconds and back.

Times are nanoseconds since 1970 in UTC, parsed and formatted a whole column at once. A time is `YYYY-MM-DD`, or that, T
or a blank, `HH:MM[:SS[.1-9 digits]]` and Z, an offset or nothing; years 1678-2261. Nothing else is a time: no hour
without minutes, no 24:00, no leap second, no other order of day and month.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import gcd
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from windrow.arrays import Ints, Mask
from windrow.errors import UsageError

Bytes2D = npt.NDArray[np.uint8]

SECOND = 10**9
DAY = 86_400 * SECOND
FIRST_YEAR, LAST_YEAR = 1678, 2261
#: The first and the last ns of those years.
EARLIEST = -9_214_560_000_000_000_000
LATEST = 9_214_646_399_999_999_999
#: ns per unit of `--time-unit`.
UNITS = {"s": SECOND, "ms": 10**6, "us": 10**3, "ns": 1}

#: ns of the units of durations.
DURATIONS = {"s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}

#: How many texts are sampled to estimate how often times repeat.
_SAMPLE = 512
_FORM = re.compile(rb"0000-00-00([T ]00:00(:00(\.0{1,9})?)?(Z|[+-]00(:?00)?)?)?")
_FORM_OF = bytes.maketrans(b"123456789", b"000000000")


class Times(NamedTuple):
    """A column of times: ns UTC (meaningless where not `ok`), which ones parsed, and which had a time of day."""

    ns: Ints
    ok: Mask
    timed: Mask

    def rows(self, begin: int, end: int) -> "Times":
        """Some of them."""
        return Times(self.ns[begin:end], self.ok[begin:end], self.timed[begin:end])


def parse_times(data: npt.NDArray[np.uint8], offsets: Ints, timezone: str = "UTC", dated: bool = False) -> Times:
    """Parses the texts `data[offsets[i]:offsets[i + 1]]`; times without a zone are read in `timezone`.

    Where texts are `dated`, each is the date that its clock shows, whatever its offset: ns are those of that clock, and
    only what is not midnight on it is `timed`.

    A local time that a clock change skips or repeats is invalid, as it does not name one instant. Dates have no zone.
    Works by *form* (the text with every digit made 0): rows of one form are parsed together, about 40 ns per row if all
    rows have one form; 7 if many consecutive rows have the same time, or the times of an earlier series of a thousand.

    >>> text = b"1970-01-02" b"1970-01-01 00:00:01.5+00:00" b"1970-13-01"
    >>> parse_times(np.frombuffer(text, np.uint8), np.array([0, 10, 37, 47]))
    Times(ns=array([86400000000000,     1500000000,              0]), ok=array([ True,  True, False]), \
timed=array([False,  True, False]))
    """
    count, width = len(offsets) - 1, int(offsets[1] - offsets[0]) if len(offsets) > 1 else 0
    if width and (np.diff(offsets) == width).all():
        texts = data[offsets[0] : offsets[-1]].reshape(count, width)
        if (starts := _starts_of_runs(texts)) is not None:
            once = _parse(texts[starts].ravel(), np.arange(len(starts) + 1) * width, timezone, dated)
            lengths = np.diff(starts, append=count)
            return Times(np.repeat(once.ns, lengths), np.repeat(once.ok, lengths), np.repeat(once.timed, lengths))
        return _parse_series(texts, timezone, dated)
    return _parse(data, offsets, timezone, dated)


def _starts_of_runs(texts: Bytes2D) -> Ints | None:
    """The rows that differ from the row before; None if the first rows suggest that they are many."""
    word = gcd(texts.shape[1], 8)
    words = texts.view(f"u{word}")
    if len(words) < _SAMPLE or np.count_nonzero(_changed(words[:_SAMPLE])) > _SAMPLE // 4:
        return None
    return np.flatnonzero(np.concatenate([[True], _changed(words)]))


class _Series(NamedTuple):
    """Texts in order of time, as a symbol has them, and what they mean."""

    texts: Bytes2D
    times: Times

    def beginning(self, texts: Bytes2D) -> Times:
        """The times of the first of these texts, as far as they follow each other as in this series.

        Texts of forms that do not sort as their times do, such as day before month, are not found, and so are parsed.
        """
        width = self.texts.shape[1]
        at = int(np.searchsorted(self.texts.view(f"S{width}")[:, 0], texts[:1].view(f"S{width}")[0, 0]))
        word = gcd(width, 8)
        own, other = self.texts[at : at + len(texts)].view(f"u{word}"), texts[: len(self.texts) - at].view(f"u{word}")
        same, step = 0, 256
        while same < len(own):
            differs = own[same : same + step] != other[same : same + step]
            if differs.any():
                same += int(differs.argmax()) // differs.shape[1]
                break
            same, step = min(same + step, len(own)), step * 4
        return self.times.rows(at, at + same)

    @classmethod
    def longest(cls, texts: Bytes2D, times: Times) -> "_Series | None":
        """The longest series among texts; None if it is not worth keeping."""
        cuts = np.concatenate([[0], np.flatnonzero(times.ns[1:] <= times.ns[:-1]) + 1, [len(texts)]])
        first = int(np.diff(cuts).argmax())
        begin, end = int(cuts[first]), min(int(cuts[first + 1]), int(cuts[first]) + _KEPT)
        if end - begin < _LONG or not times.ok.all():
            return None
        return cls(texts[begin:end].copy(), _joined([times.rows(begin, end)]))

    def then(self, later: "_Series") -> "_Series":
        """This series with a later one, if there is room; or the longer one of the two."""
        if later.times.ns[0] > self.times.ns[-1] and len(self.texts) + len(later.texts) <= _KEPT:
            return _Series(np.concatenate([self.texts, later.texts]), _joined([self.times, later.times]))
        return max(self, later, key=lambda series: len(series.texts))


#: The series that was kept, by the width of its texts and what else says what they mean.
_SERIES: dict[tuple[int, str, bool], _Series] = {}
#: Texts that are kept, and how many in a row it takes less time to look up than to parse.
_KEPT, _LONG = 1 << 16, 1000


def _parse_series(texts: Bytes2D, timezone: str, dated: bool) -> Times:
    """Parses texts, but not again those that stand as earlier ones did: most symbols have the same times."""
    key = texts.shape[1], timezone, dated
    series, at = _SERIES.get(key), 0
    found: list[Times] = []
    while series and at < len(texts) and len(found) * _LONG <= at + _LONG:
        known = series.beginning(texts[at:])
        if not len(known.ns):
            break
        found.append(known)
        at += len(known.ns)
    if at < len(texts):
        rest = texts[at:]
        times = _parse(rest.ravel(), np.arange(len(rest) + 1) * texts.shape[1], timezone, dated)
        longest = _Series.longest(rest, times)
        if longest is not None:
            _SERIES[key] = series.then(longest) if series else longest
        found.append(times)
    return _joined(found)


def _joined(parts: Sequence[Times]) -> Times:
    """Times one after another, as arrays of their own."""
    return Times(*map(np.concatenate, zip(*parts, strict=True)))


def _changed(words: npt.NDArray[Any]) -> Mask:
    """Which rows differ from the row before, from the second on."""
    changed: Mask = words[1:, -1] != words[:-1, -1]
    for column in range(words.shape[1] - 1):
        changed |= words[1:, column] != words[:-1, column]
    return changed


def _parse(data: npt.NDArray[np.uint8], offsets: Ints, timezone: str, dated: bool) -> Times:
    count = len(offsets) - 1
    times = Times(np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool))
    for form, rows, texts in _by_form(data, offsets):
        if _FORM.fullmatch(form):
            ns, ok = _parse_form(form, texts, None if dated else timezone)
            times.ns[rows], times.ok[rows] = np.where(ok, ns, 0), ok
            times.timed[rows] = ns % DAY != 0 if dated else len(form) > 10
    return times


def _by_form(data: npt.NDArray[np.uint8], offsets: Ints) -> list[tuple[bytes, Any, Bytes2D]]:
    """(form, rows, their texts as a matrix) for each form that occurs."""
    count = len(offsets) - 1
    if not count:
        return []
    begin, end = int(offsets[0]), int(offsets[-1])
    width = int(offsets[1]) - begin
    if (np.diff(offsets) == width).all():
        texts = data[begin:end].reshape(count, width)
        form = texts[0].tobytes().translate(_FORM_OF)
        if _all_of_form(form, texts):
            return [(form, slice(None), texts)]
    flat = data[begin:end].tobytes()
    cuts = (offsets - begin).tolist()
    rows_of: dict[bytes, list[int]] = {}
    for row, form in enumerate(flat[a:b].translate(_FORM_OF) for a, b in pairwise(cuts)):
        rows_of.setdefault(form, []).append(row)
    return [(form, np.array(rows), _gather(data, offsets, rows, len(form))) for form, rows in rows_of.items()]


def _all_of_form(form: bytes, texts: Bytes2D) -> bool:
    pattern = np.frombuffer(form, np.uint8)
    digit = pattern == ord("0")
    return bool((texts[:, ~digit] == pattern[~digit]).all() and (texts[:, digit] - np.uint8(48) <= 9).all())


def _gather(data: npt.NDArray[np.uint8], offsets: Ints, rows: list[int], width: int) -> Bytes2D:
    texts: Bytes2D = data[offsets[rows][:, None] + np.arange(width)]
    return texts


def _parse_form(form: bytes, texts: Bytes2D, timezone: str | None) -> tuple[Ints, Mask]:
    """Times (ns UTC) of texts of one form, and which exist; without a time zone, what their clocks show."""

    def number(begin: int, digits: int) -> Ints:
        return _number(texts, begin, digits)

    ns, ok = _parse_dates(texts)
    if len(form) == 10:
        return ns, ok
    hour, minute, at = number(11, 2), number(14, 2), 16
    ok &= (hour < 24) & (minute < 60)
    ns += (hour * 60 + minute) * (60 * SECOND)
    if form[at : at + 1] == b":":
        second, at = number(at + 1, 2), at + 3
        ok &= second < 60
        ns += second * SECOND
    if form[at : at + 1] == b".":
        digits = len(form[at + 1 :]) - len(form[at + 1 :].lstrip(b"0"))
        ns += number(at + 1, digits) * 10 ** (9 - digits)
        at += 1 + digits
    zone = form[at:]
    if not zone:
        return (ns, ok) if timezone in (None, "UTC") else from_local(ns, ok, timezone)
    if zone != b"Z":
        hour = number(at + 1, 2)
        minute = number(len(form) - 2, 2) if len(zone) > 3 else np.zeros_like(hour)
        ok &= (hour < 24) & (minute < 60)
        offset = (hour * 60 + minute) * (60 * SECOND * (timezone is not None))
        ns += offset if zone[:1] == b"-" else -offset
    return ns, ok


def _parse_dates(texts: Bytes2D) -> tuple[Ints, Mask]:
    """Midnight (ns) of the dates that texts begin with, and which of them exist."""
    dates = texts[:, :10]
    starts = _starts_of_runs(dates)
    if starts is None:
        return midnights(_number(dates, 0, 4), _number(dates, 5, 2), _number(dates, 8, 2))
    once = dates[starts]
    ns, ok = midnights(_number(once, 0, 4), _number(once, 5, 2), _number(once, 8, 2))
    lengths = np.diff(starts, append=len(texts))
    return np.repeat(ns, lengths), np.repeat(ok, lengths)


def _number(texts: Bytes2D, begin: int, digits: int) -> Ints:
    value = texts[:, begin].astype(np.int64) - 48
    for at in range(begin + 1, begin + digits):
        value *= 10
        value += texts[:, at] - np.uint8(48)
    return value


def midnights(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Mask]:
    """Midnight (ns) of calendar days, and which of them exist."""
    begins = _month_begins()
    index = (year - FIRST_YEAR) * 12 + month - 1
    ok = (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)
    index = np.where(ok, index, 0)
    ok &= (day >= 1) & (day <= (begins[1:] - begins[:-1])[index])
    return (begins[index] + day - 1) * DAY, ok


@cache
def _month_begins() -> Ints:
    """Day number (since 1970) of every month's first day."""
    months = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64)


def from_local(ns: Ints, ok: Mask, timezone: str) -> tuple[Ints, Mask]:
    """UTC of local times in `timezone`; one that a clock change skips or repeats is invalid (`ok` False)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    local = pa.array(np.where(ok, ns, 0), pa.int64()).cast(pa.timestamp("ns"))
    early, late = (
        pc.assume_timezone(local, timezone, ambiguous=side, nonexistent=side).cast(pa.int64())
        for side in ("earliest", "latest")
    )
    utc = np.frombuffer(early.buffers()[1], np.int64, len(ns))
    return utc.copy(), ok & (utc == np.frombuffer(late.buffers()[1], np.int64, len(ns)))


def to_local(ns: Ints, timezone: str) -> Ints:
    """Local times in `timezone` of times in UTC.

    >>> local = to_local(np.array([1_741_500_000, 1_741_510_000]) * SECOND, "America/New_York")
    >>> (local // (3600 * SECOND) % 24).tolist()
    [1, 4]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    local = pc.local_timestamp(pa.array(ns, pa.timestamp("ns", timezone))).cast(pa.int64())
    return np.frombuffer(local.buffers()[1], np.int64, len(ns))


def format_times(ns: Ints, dates: bool) -> list[bytes]:
    """Times as text: dates, or ISO 8601 with Z and, only when not zero, 3, 6 or 9 digits of a second.

    >>> format_times(np.array([0, 1_500_000_000]), dates=False)
    [b'1970-01-01T00:00:00Z', b'1970-01-01T00:00:01.500Z']
    >>> format_times(np.array([0]), dates=True)
    [b'1970-01-01']
    """
    texts = format_seconds(ns, dates)
    whole: list[bytes] = texts.view(f"S{texts.shape[1]}").ravel().tolist()
    fraction = ns % (DAY if dates else SECOND)
    if dates or not fraction.any():
        return whole
    return [text[:-1] + _fraction(part) + b"Z" for text, part in zip(whole, fraction.tolist(), strict=True)]


def format_time(ns: int, dated: bool = False) -> str:
    """A time as text, as `format_times` writes it.

    >>> format_time(1_500_000_000), format_time(0, dated=True)
    ('1970-01-01T00:00:01.500Z', '1970-01-01')
    """
    return format_times(np.array([ns], np.int64), dated)[0].decode()


def format_seconds(ns: Ints, dates: bool, end: bytes = b"") -> Bytes2D:
    """Times without fractions of a second, or dates, as rows of bytes, each followed by `end`.

    >>> format_seconds(np.array([0]), dates=True, end=b";").tobytes()
    b'1970-01-01;'
    """
    form = (b"YYYY-MM-DD" if dates else b"YYYY-MM-DDThh:mm:ssZ") + end
    texts = np.empty((len(ns), len(form)), np.uint8)
    texts[:] = np.frombuffer(form, np.uint8)
    days = ns // DAY
    texts[:, :10] = _day_names(days)
    if not dates:
        texts[:, 11:19] = _clock_names()[(ns - days * DAY) // SECOND]
    return texts


def _day_names(days: Ints) -> Bytes2D:
    """`YYYY-MM-DD` of each day number, one row of bytes each."""
    if not len(days):
        return np.empty((0, 10), np.uint8)
    first, last = int(days.min()) // _YEARS, int(days.max()) // _YEARS
    if last - first < 8:
        names = np.concatenate([_names_of_years(years) for years in range(first, last + 1)])
        return names[days - first * _YEARS]
    distinct, which = np.unique(days, return_inverse=True)
    return _namemidnights(distinct)[which]


#: Days that are formatted together: about eleven years.
_YEARS = 4096


@cache
def _names_of_years(number: int) -> Bytes2D:
    return _namemidnights(np.arange(number * _YEARS, (number + 1) * _YEARS))


def _namemidnights(days: Ints) -> Bytes2D:
    names = np.datetime_as_string(days.view("datetime64[D]")).astype("S10")
    return np.frombuffer(names.tobytes(), np.uint8).reshape(-1, 10)


@cache
def _clock_names() -> Bytes2D:
    """`HH:MM:SS` of every second of a day, one row of bytes each."""
    second = np.arange(86_400)
    parts = np.stack([second // 3600, second // 60 % 60, second % 60], axis=1)
    names = np.full((86_400, 8), ord(":"), np.uint8)
    names[:, [0, 3, 6]] = parts // 10 + ord("0")
    names[:, [1, 4, 7]] = parts % 10 + ord("0")
    return names


def _fraction(ns: int) -> bytes:
    if ns == 0:
        return b""
    if ns % 10**6 == 0:
        return b".%03d" % (ns // 10**6)
    return b".%06d" % (ns // 1000) if ns % 1000 == 0 else b".%09d" % ns


def parse_duration(text: str) -> int:
    """Nanoseconds of a span of time: a whole number and a unit (s, min, h, d, w). Raises UsageError.

    >>> parse_duration("2h")
    7200000000000
    """
    match = re.fullmatch("([0-9]{1,19})([a-z]+)", text, re.ASCII)
    if not match or match[2] not in DURATIONS:
        raise UsageError(
            f"duration {text!r}: a duration is a whole number and a unit ({duration_units()}); give one, e.g. 30d"
        )
    span = int(match[1]) * DURATIONS[match[2]]
    if not 0 < span < 2**63:
        raise UsageError(
            f"duration {text!r}: a duration is longer than 0 and shorter than 2^63 ns (292 years);"
            " give one in that range"
        )
    return span


def format_duration(span_ns: int) -> str:
    """The shortest text that `parse_duration` reads as this span; in ns if it is not a whole number of seconds.

    >>> format_duration(parse_duration("36h")), format_duration(parse_duration("48h"))
    ('36h', '2d')
    """
    for unit, length in reversed(DURATIONS.items()):
        if span_ns % length == 0:
            return f"{span_ns // length}{unit}"
    return f"{span_ns}ns"


def duration_units() -> str:
    """The units of durations, as errors list them."""
    return ", ".join(DURATIONS)
