"""Windows, by bars or by time, and their texts."""

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Ints, Mask
from windrow.errors import UsageError, WindowSizeError
from windrow.times import DAY, DURATIONS, duration_units, format_duration, parse_duration, to_local

MOST_BARS = 1_000_000  # in one window


@dataclass(frozen=True)
class Reach:
    """Bars at one end of a run of bars: a number of them, and all that are within a span of time of the outermost."""

    bars: int = 0
    span_ns: int = 0

    def __or__(self, other: "Reach") -> "Reach":
        """What both reach.

        >>> Reach(bars=5) | Reach(bars=3, span_ns=10)
        Reach(bars=5, span_ns=10)
        """
        return Reach(max(self.bars, other.bars), max(self.span_ns, other.span_ns))


@dataclass(frozen=True)
class CountWindow:
    """The last `bars` bars of a symbol, the present one included: x[i - bars + 1 : i + 1].

    >>> window = CountWindow(3)
    >>> origin = np.zeros(5, np.int64)  # all five are bars of one symbol
    >>> window.first_bars(np.arange(5), origin).tolist()
    [0, 0, 0, 1, 2]
    """

    bars: int

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= MOST_BARS:
            raise UsageError(f"window {self.bars}: a window holds 1 to {MOST_BARS:,} bars; use a number in that range")

    def __str__(self) -> str:
        return str(self.bars)

    @property
    def reach(self) -> Reach:
        """How far a window reaches back beyond the present bar."""
        return Reach(bars=self.bars - 1)

    def first_bars(self, times: Ints, origin: Ints) -> Ints:
        """Position of the first bar of each bar's window; `origin` is where the bar's symbol begins."""
        return np.maximum(np.arange(len(times)) - (self.bars - 1), origin)

    def full(self, counts: Ints, ages: Ints, step_ns: int) -> Mask:
        """Where the window is full, by the number of its bars."""
        return counts >= self.bars

    def still_reached(self, times: Ints, first_bars: Ints) -> int:
        """Position of the first bar that the window of a later bar may hold."""
        return max(len(times) - (self.bars - 1), int(first_bars[-1]))


@dataclass(frozen=True)
class TimeWindow:
    """The bars of a symbol within (t - span, t], t being the present bar's time; `span_ns` in nanoseconds.

    >>> window = TimeWindow(3)
    >>> window.first_bars(np.array([10, 11, 12, 14, 17]), np.zeros(5, np.int64)).tolist()
    [0, 0, 0, 2, 4]
    """

    span_ns: int

    def __post_init__(self) -> None:
        if not 0 < self.span_ns < 2**63:
            raise UsageError(
                f"window of {self.span_ns} ns: a time window is above 0 and below 2^63 ns (292 years);"
                " use a span in that range"
            )

    def __str__(self) -> str:
        return format_duration(self.span_ns)

    @property
    def reach(self) -> Reach:
        """How far a window reaches back beyond the present bar."""
        return Reach(span_ns=self.span_ns)

    def first_bars(self, times: Ints, origin: Ints) -> Ints:
        """Position of the first bar of each bar's window; `origin` is where the bar's symbol begins.

        Raises WindowSizeError if a window holds more than a million bars.
        """
        first = first_within(times, origin, self.span_ns)
        check_size(self, times, first)
        return first

    def full(self, counts: Ints, ages: Ints, step_ns: int) -> Mask:
        """Where the window is full, by the time since the symbol's first bar; a step counts towards it."""
        return ages.view(np.uint64) >= np.uint64(max(self.span_ns - step_ns, 0))

    def still_reached(self, times: Ints, first_bars: Ints) -> int:
        """Position of the first bar that the window of a later bar may hold."""
        return int(first_bars[-1])


@dataclass(frozen=True)
class SessionWindow:
    """The bars of a symbol since the midnight, of UTC or of a time zone, before the present bar: `session@ZONE`.

    >>> window = SessionWindow("America/New_York")
    >>> hours = np.array([3, 4, 5, 6, 28, 29]) * 3600 * 10**9  # midnight is at 5 and 29 o'clock of UTC
    >>> window.first_bars(hours, np.zeros(6, np.int64)).tolist()
    [0, 0, 2, 2, 2, 5]
    """

    timezone: str = "UTC"

    def __str__(self) -> str:
        return "session" if self.timezone == "UTC" else f"session@{self.timezone}"

    @property
    def reach(self) -> Reach:
        """How far a window reaches back beyond the present bar: a day, which has 25 hours where clocks are set back."""
        return Reach(span_ns=25 * DURATIONS["h"])

    def first_bars(self, times: Ints, origin: Ints) -> Ints:
        """Position of the first bar of each bar's window; `origin` is where the bar's symbol begins.

        Raises WindowSizeError if a window holds more than a million bars.
        """
        if not len(times):
            return origin
        days = self._days(times)
        at = np.arange(len(times))
        begins = (at == origin) | np.append(True, days[1:] != days[:-1])
        first = np.maximum.accumulate(np.where(begins, at, 0))
        check_size(self, times, first)
        return first

    def _days(self, times: Ints) -> Ints:
        """A number for each time's day."""
        return (times if self.timezone == "UTC" else to_local(times, self.timezone)) // DAY

    def full(self, counts: Ints, ages: Ints, step_ns: int) -> Mask:
        """Where the window is full: everywhere."""
        return counts >= 1

    def still_reached(self, times: Ints, first_bars: Ints) -> int:
        """Position of the first bar that the window of a later bar may hold."""
        return int(first_bars[-1])


Window: TypeAlias = CountWindow | TimeWindow | SessionWindow


def check_size(window: Window, times: Ints, first: Ints) -> None:
    """Raises WindowSizeError if a window, which begins at `first`, holds more than a million bars."""
    bars = np.arange(1, len(times) + 1) - first
    if bars.max(initial=0) > MOST_BARS:
        at = int(bars.argmax())
        raise WindowSizeError(
            f"window {window}: it holds {bars[at]:,} bars at {np.datetime64(int(times[at]), 'ns')}Z:"
            f" a window holds at most {MOST_BARS:,}; use a shorter window, or sparser bars"
        )


def first_within(times: Ints, origin: Ints, span: int) -> Ints:
    """For each entry, the first of its symbol (from position `origin` on) less than `span` before it.

    Goes back in steps of 2**k entries, longest first, all entries at once: there may be 50,000 symbols.
    """
    first = np.arange(len(times))
    for k in reversed(range(_doublings(times, origin, np.uint64(span)))):
        back = first - (1 << k)
        inside = back >= origin
        inside &= elapsed(times, times.take(back, mode="clip")) < np.uint64(span)
        first = np.where(inside, back, first)
    return first


def _doublings(times: Ints, origin: Ints, span: np.uint64) -> int:
    """Smallest k such that no entry has one 2**k before it within the span."""
    k = 0
    while True:
        apart = 1 << k
        near = elapsed(times[apart:], times[:-apart]) < span
        if not (near & (origin[apart:] <= np.arange(len(near)))).any():
            return k
        k += 1


def parse_window(text: str) -> Window:
    """The window that an option's text means: bars (`20`), a span of time (`30d`; s, min, h, d, w), or the day
    (`session`, or `session@ZONE`).

    Raises UsageError for any other text, a window out of range, or a time zone that is none.

    >>> parse_window("20"), parse_window("90min")
    (CountWindow(bars=20), TimeWindow(span_ns=5400000000000))
    """
    if re.fullmatch("[0-9]+", text, re.ASCII):
        return CountWindow(int(text[:30]))
    if re.fullmatch("[0-9]+[a-z]+", text, re.ASCII):
        return TimeWindow(parse_duration(text))
    if text == "session":
        return SessionWindow()
    if text.startswith("session@"):
        from zoneinfo import ZoneInfo  # a task's start is part of its cost

        zone = text.partition("@")[2]
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise UsageError(
                f"window {text!r}: {zone!r} is not a time zone of the IANA database; use e.g. session@America/New_York"
            ) from None
        return SessionWindow(zone)
    raise UsageError(f"window {text!r}: a window is a number of bars, or of {duration_units()}; use e.g. 20 or 30d")


def elapsed(later: Ints, earlier: Ints | np.int64) -> NDArray[np.uint64]:
    """Nanoseconds from `earlier` to `later`, however far apart they are.

    >>> elapsed(np.array([2**63 - 1]), np.int64(-(2**63))).tolist()
    [18446744073709551615]
    """
    # The whole range of int64 is 584 years: the difference fits uint64, and wrapping gives it.
    with np.errstate(over="ignore"):
        return np.asarray(later - earlier).view(np.uint64)
