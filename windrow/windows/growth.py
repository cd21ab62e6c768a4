"""How a table grows: averages, changes, steps, and the size that it will have if it goes on as it did.

A bar is a table on a day: its bytes and files. Windows are spans of time, so that a day without a snapshot is a day.

averages     of 7 and 30 days: the exact means of windrow/windows/sma.py, from the day on that completes the window
changes      from the bar before, a day: by the days between
steps        what is no growth: a table rewritten, truncated, or loaded for the first time. A change is a step if it is
             a tenth of the larger size or more, and farther from the usual changes than 3.5 times their spread: the
             median, and 1.4826 times the median distance from it (or the median's own size, if that is larger, so that
             loads may double), of the changes a day in the window before, those of 0 left out, so that loads once a
             week or month are growth too. This is Hampel's identifier ("The Influence Curve and Its Role in Robust
             Estimation", JASA 69, 1974; Davies and Gather, "The Identification of Multiple Outliers", JASA 88, 1993)
             with the 3.5 of Iglewicz and Hoaglin ("How to Detect and Handle Outliers", 1993). Of a table that changed
             less than twice in that window any such change is a step; of one with fewer than seven bars in it, none is.
             What is added in the six bars after a step upward is growth, however much: a table that runs away grows
projection   the line of windrow/windows/trend.py through the window's sizes since the last step, seven of them at
             least; its interval is where the line would be with the slopes of its 95 % interval. It says how surely the
             past is known, not what will happen. No size is below 0

State: the bars of the longest of these windows, of one table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.states import Array, Carries, MadeOf, Parts, Resumable, is_ascending
from windrow.times import DAY, format_times
from windrow.windows.kernel import Options
from windrow.windows.sma import SMA
from windrow.windows.trend import Trend, theil_sen
from windrow.windows.window import TimeWindow, elapsed

#: Days of the averages, and days ahead of the projections.
AVERAGED, AHEAD = (7, 30), (30, 90, 365)
_OF_TRENDS = ("slope", *(f"bytes_in_{days}d" for days in AHEAD))
#: Bars without which nothing is said of what is usual.
FEWEST = 7
#: The smallest step, as a share of the larger size; and the least number of changes of which some are usual.
_SHARE, _CHANGES = 0.1, 2
#: From how many times the usual spread on a change is a step; and the deviation of a normal distribution, by its MAD.
_FAR, _DEVIATION = 3.5, 1.4826


@dataclass(frozen=True)
class Growing:
    """What is said of a table: with the trend of which window, up to which size, on its last day only or on each.

    held_ns: the longest span that is asked of `Growth.since`.
    """

    window_ns: int = 90 * DAY
    limit: float | None = None
    every: bool = False
    held_ns: int = 0

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        averages = [f"{name}_{days}d" for name in ("bytes", "files") for days in AVERAGED]
        changes = ["bytes_change", "files_change", "step"]
        return ["bytes", "files", "file_bytes", *averages, *changes, *self.projected]

    @cached_property
    def projected(self) -> list[str]:
        """Those that a trend says."""
        names = [f"{name}{end}" for name in _OF_TRENDS for end in ("", "_low", "_high")]
        return names if self.limit is None else [*names, "days_to_limit"]

    @property
    def held(self) -> int:
        """How far back bars are held (ns)."""
        return max(self.window_ns, self.held_ns)


class Since(NamedTuple):
    """How much a table grew since a bar: the size there, and how much was added by what is no step."""

    size: float
    grown: float


class Growth(Resumable):
    """The bars of one table, pushed in order of time.

    >>> table = Growth("a.b", Growing())
    >>> days = np.arange(40)
    >>> columns = table.push(days * DAY, 1e12 + 1e9 * days, 10.0 + days, last=True)
    >>> told = dict(zip(Growing().names, (column[-1] for column in columns)))
    >>> [f"{told[name]:g}" for name in ("bytes", "bytes_7d", "bytes_change", "slope", "bytes_in_365d", "step")]
    ['1.039e+12', '1.036e+12', '1e+09', '1e+09', '1.404e+12', 'nan']
    """

    carries: ClassVar[Carries] = {
        "_averages": Parts(),
        "_times": Array(grows=True),
        "_sizes": Array(grows=True),
        "_files": Array(grows=True),
        "_rates": Array(grows=True),
        "_steps": Array(grows=True),
    }

    def __init__(self, name: str, how: Growing) -> None:
        self._name, self._how = name, how
        whole = Options(step_ns=DAY)  # a window of 7 dates is complete on the seventh of them
        self._averages = [SMA(TimeWindow(days * DAY), whole) for _ in ("sizes", "files") for days in AVERAGED]
        self._times: Ints = np.empty(0, np.int64)
        self._sizes = self._files = self._rates = self._steps = np.empty(0)

    def made_of(self) -> MadeOf:
        """The table, and what is said of it."""
        return {"name": self._name, **asdict(self._how)}

    def odd(self) -> str | None:
        """Times that go back, or without sizes, files, changes or steps."""
        held = {len(self._times), len(self._sizes), len(self._files), len(self._rates), len(self._steps)}
        return None if len(held) == 1 and is_ascending(self._times) else "_times and the others are no days in order"

    def push(self, times: Ints, sizes: Floats, files: Floats, last: bool) -> list[Floats]:
        """A value of each of `Growing.names` for each bar, NaN where there is none; `last`: no bars follow.

        files: NaN where they are not known. Raises InputError for a size or a number of files below 0, and
        WindowSizeError for more bars in a window than a trend can have.
        """
        for what, values in (("bytes", sizes), ("files", files)):
            if (wrong := values < 0).any():
                raise self._negative(what, times[wrong], values[wrong])
        half = len(AVERAGED)
        averages = [*_means(self._averages[:half], times, sizes), *_means(self._averages[half:], times, files)]
        each = np.divide(sizes, files, out=np.full(len(files), np.nan), where=files > 0)
        at = len(self._times)
        self._take(times, sizes, files)
        rates, steps = self._rates[at:], self._steps[at:]
        more = _per_day(self._files, self._times, at)
        columns = [sizes, files, each, *averages, rates, more, np.where(steps != 0, steps, np.nan)]
        columns += self._projected(at, last)
        self._forget()
        return columns

    def since(self, span_ns: int) -> Since | None:
        """How much the table grew in a span before its last bar.

        It is counted from the last bar that is at least as old; None where that is twice as old, or there is none.
        """
        old = np.flatnonzero((self._ages >= span_ns) & (self._ages < 2 * span_ns))
        if not len(old):
            return None
        size, steps = float(self._sizes[old[-1]]), float(self._steps[old[-1] + 1 :].sum())
        return Since(size, float(self._sizes[-1]) - size - steps)

    def stepped_within(self, span_ns: int) -> bool:
        """Whether it had a step within a span before its last bar."""
        return bool(self._steps[self._ages < span_ns].any())

    @property
    def _ages(self) -> NDArray[np.uint64]:
        return elapsed(self._times[-1:], self._times)

    def _take(self, times: Ints, sizes: Floats, files: Floats) -> None:
        """Adds bars to those held, with their changes a day, and their steps."""
        at = len(self._times)
        self._times = np.concatenate([self._times, times])
        self._sizes, self._files = np.concatenate([self._sizes, sizes]), np.concatenate([self._files, files])
        self._rates = np.concatenate([self._rates, _per_day(self._sizes, self._times, at)])
        self._steps = np.concatenate([self._steps, np.zeros(len(times))])
        after = max(at, 1)
        before, now = self._sizes[after - 1 : -1], self._sizes[after:]
        large = np.abs(now - before) >= _SHARE * np.maximum(now, before)
        for bar in (after + np.flatnonzero(large & (now != before))).tolist():
            if self._is_step(bar):
                self._steps[bar] = self._sizes[bar] - self._sizes[bar - 1]

    def _is_step(self, bar: int) -> bool:
        """Whether a change, which is large enough, is none of the usual ones."""
        first = self._first(bar)
        usual, lately = self._rates[first:bar], self._steps[max(first, bar - FEWEST + 1) : bar]
        if len(usual) < FEWEST or (self._rates[bar] > 0 and (lately > 0).any()):
            return False
        usual = usual[(usual != 0) & ~np.isnan(usual)]
        if len(usual) < _CHANGES:
            return True
        middle = np.median(usual)
        spread = max(_DEVIATION * np.median(np.abs(usual - middle)), abs(middle))
        return bool(abs(self._rates[bar] - middle) > _FAR * spread)

    def _first(self, bar: int) -> int:
        """The first bar in the trend's window of another."""
        begin = max(int(self._times[bar]) - self._how.window_ns, -(1 << 63))
        return int(np.searchsorted(self._times[: bar + 1], begin, side="right"))

    def _projected(self, at: int, last: bool) -> Iterator[Floats]:
        """The columns of trends, for the bars that have one."""
        bars = len(self._times)
        table = np.full((len(self._how.projected), bars - at), np.nan)
        for bar in range(at if self._how.every else bars - last, bars):
            if (line := self._trend(bar)) is not None:
                table[:, bar - at] = self._of(line, float(self._sizes[bar]))
        return iter(table)

    def trend(self) -> Trend | None:
        """The line through the window's sizes since the last step, on whose last day x is 0; None: there is none."""
        return self._trend(len(self._times) - 1) if len(self._times) else None

    def _trend(self, bar: int) -> Trend | None:
        """The line through the sizes up to a bar, on whose day x is 0."""
        first = self._first(bar)
        steps = np.flatnonzero(self._steps[first : bar + 1])
        begin = first + int(steps[-1]) if len(steps) else first
        if bar + 1 - begin < FEWEST:
            return None
        days = (self._times[begin : bar + 1] - self._times[bar]) / DAY
        return theil_sen(days, self._sizes[begin : bar + 1])

    def _of(self, line: Trend, size: float) -> list[float]:
        """What a line says of the days ahead."""
        slopes = (line.slope, line.low, line.high)
        told = [*slopes, *(max(line.at(days, slope), 0.0) for days in AHEAD for slope in slopes)]
        return told if self._how.limit is None else [*told, _days_to(self._how.limit, line, size)]

    def _forget(self) -> None:
        """Holds the bars that later windows reach; copies, so that the whole push is not kept alive."""
        kept = int(np.count_nonzero(self._ages >= self._how.held))
        for name in ("_times", "_sizes", "_files", "_rates", "_steps"):
            setattr(self, name, getattr(self, name)[kept:].copy())

    def _negative(self, what: str, times: Ints, values: Floats) -> InputError:
        time = format_times(times[:1], dates=bool(times[0] % DAY == 0))[0].decode()
        return InputError(
            f"{self._name} at {time}: has {values[0]:g} {what}: a table has 0 or more; check that --column and"
            " --files-column name the columns of bytes and files"
        )


def _means(averages: Sequence[SMA], times: Ints, values: Floats) -> Iterator[Floats]:
    """Averages; a bar whose value is not known has none, and is in none."""
    known, none = ~np.isnan(values), np.empty(0, np.int64)
    for average in averages:
        means = np.full(len(values), np.nan)
        means[known] = average.push(times[known], values[known], none)
        yield means


def _per_day(values: Floats, times: Ints, at: int) -> Floats:
    """The changes a day of the bars from a position on; NaN for one with none before it."""
    begin = max(at - 1, 0)
    changes = np.diff(values[begin:]) / (elapsed(times[begin + 1 :], times[begin:-1]) / DAY)
    return changes if at else np.append(np.nan, changes)


def _days_to(limit: float, line: Trend, size: float) -> float:
    """Days until the line is at a limit: 0 if the size, or the line, is already; NaN if it never will be."""
    if size >= limit:
        return 0.0
    return max((limit - line.intercept) / line.slope, 0.0) if line.slope > 0 else np.nan
