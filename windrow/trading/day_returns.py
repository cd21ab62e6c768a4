"""Returns from day to day, of all runs at once: their moments, drawdowns, and what they share with a benchmark.

A day is one of UTC, and its value that at its last bar; the first return is from the initial cash. Of bars longer than
a day each is the last of its own. A day ends where a bar of another one follows, so the last bar's waits:

    bars      | o  o  o | o  o | o  o ...          the value at a day's last bar, and the return from the one before
    days      |    1    |   2  |  3, as far as it is known
"""

from copy import deepcopy
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.states import Array, Carries, Count, Number, Resumable
from windrow.trading.drawdown import Side
from windrow.trading.measures import Measures, day_of, days_of_year
from windrow.trading.rules import DUST
from windrow.trading.spans import Spans

#: Days x runs that are processed together: so they stay in the cache.
_TILE = 1 << 17
#: What is added up of each day: powers of its return, its product with the benchmark's, its squared drawdown.
_ONE, _TWO, _THREE, _FOUR, _BOTH, _FALL = range(6)
_SUMS = 6
#: Runs from which on rows are compared one by one.
_NARROW = 32
#: More days than any two are apart.
_FAR = 1 << 60


class Moments(NamedTuple):
    """Returns of runs: how many, and their moments, (runs,) arrays.

    std divides by the number of returns. skewness and kurtosis are those of the population; normal returns have a
    kurtosis of 3. NaN where they are undefined: no returns, no deviation, or a value of 0 or below before the last bar,
    from which there is no return.
    """

    count: int  # type: ignore[assignment]  # rather than tuple's method
    mean: Floats
    std: Floats
    skewness: Floats
    kurtosis: Floats


class Days(Resumable):
    """Days, and the returns of a benchmark, as bars go by: what all that follows values from day to day begins with."""

    carries: ClassVar[Carries] = {
        "_shared": Array(),
        **dict.fromkeys(("days", "_first", "_day", "_weekends", "_nearest"), Count()),
        **dict.fromkeys(("_other", "_other_base"), Number()),
    }

    def __init__(self, measures: Measures) -> None:
        self.measures = measures
        self.days, self._first, self._day, self._weekends, self._nearest = 0, 0, 0, 0, _FAR
        self._rates = [measures.rate(days) for days in measures.years]
        self._other, self._other_base, self._shared = 1.0, 1.0, np.zeros((2, 1))  # of the benchmark

    def push(self, times: Ints, spans: Spans, closes: Floats, benchmark: Floats, rises: Side) -> None:
        """Takes what runs held at these closes, at least one, and what a benchmark was worth, a share of the cash;
        `rises`: the closes as long positions see them.
        """
        days = day_of(times)
        waits = self.days > 0 and bool(days[0] != self._day)
        ends = np.flatnonzero(days[1:] != days[:-1])
        self._push_days(waits, ends, spans, benchmark, rises)
        self._count(days)
        self._wait(spans, closes)
        self._other = float(benchmark[-1])

    def _push_days(self, waits: bool, ends: Ints, spans: Spans, benchmark: Floats, rises: Side) -> None:
        """Takes the days that are over: the one that waited, if it is, and those that end at these bars."""
        raise NotImplementedError

    def _wait(self, spans: Spans, closes: Floats) -> None:
        """Keeps what runs have at the last bar, whose day may go on."""
        raise NotImplementedError

    def so_far(self) -> "Returns":
        """The returns, with that of the last day as far as it is known."""
        raise NotImplementedError

    def _count(self, days: Ints) -> None:
        """Counts the days that begin among those of bars."""
        begun = days[np.append(not self.days or days[0] != self._day, days[1:] != days[:-1])]
        if not len(begun):
            return
        if not self.days:
            self._first, self._day = int(begun[0]), int(begun[0]) - _FAR  # no day is near the first
        self._nearest = min(self._nearest, int(np.diff(begun, prepend=self._day).min()))
        self.days += len(begun)
        self._weekends += int(np.count_nonzero((begun + 3) % 7 >= 5))
        self._day = int(begun[-1])

    def _moves(self, others: Floats) -> Floats:
        """The benchmark's returns; adds up their first two powers."""
        if not len(others):
            return others
        bases = np.append(self._other_base, others)[:-1]
        with np.errstate(all="ignore"):
            moves: Floats = others / np.where(bases > DUST, bases, np.nan) - 1.0
            for power, row in enumerate((moves, moves * moves)):
                self._shared[power] = np.add.accumulate(np.append(self._shared[power], row))[-1]
        self._other_base = float(others[-1])
        return moves


class Daily(Days):
    """What figures need of the returns of each run. State: a dozen numbers per run, whatever the number of days.

    Sums are taken day by day, so their bits do not depend on where pushes end. A return from a value of 0 or below is
    NaN, as are then the sums.
    """

    carries: ClassVar[Carries] = {
        **Days.carries,
        **dict.fromkeys(("_now", "_base", "_sums", "_peak", "_deepest", "_depths", "_falls"), Array()),
    }

    def __init__(self, cash: float, runs: int, measures: Measures) -> None:
        super().__init__(measures)
        self._dust = DUST * cash
        self._now, self._base = np.full(runs, cash, np.float64), np.full(runs, cash, np.float64)
        self._sums = np.zeros((_SUMS + len(self._rates), runs))
        self._peak, self._deepest, self._depths = self._base.copy(), np.zeros(runs), np.zeros(runs)
        self._falls = np.zeros(runs, np.int64)

    def _push_days(self, waits: bool, ends: Ints, spans: Spans, benchmark: Floats, rises: Side) -> None:
        if waits:
            self._add(self._now[:, None], self._moves(np.array([self._other])))
        if len(ends):
            self._add(values_at(spans, rises.closes, ends), self._moves(benchmark[ends]))

    def _wait(self, spans: Spans, closes: Floats) -> None:
        lasts = spans.lasts
        self._now = spans.cash[lasts] + spans.held[lasts] * closes[-1]

    def _add(self, values: Floats, moves: Floats) -> None:
        """Takes values (runs, days), some days at a time, so that they stay in the cache."""
        days = max(_TILE // len(values), 1)
        with np.errstate(all="ignore"):
            for at in range(0, len(moves), days):
                some = np.ascontiguousarray(values[:, at : at + days])
                rows = np.empty((some.shape[1] + 1, len(some)))
                rows[1:] = some.T
                self._add_falls(some, rows[1:])
                self._add_returns(rows, moves[at : at + days])

    def _add_returns(self, rows: Floats, moves: Floats) -> None:
        """Takes values (days, runs) below a row that is free."""
        rows[0] = self._base
        self._base = rows[-1].copy()
        bases, room, product = rows[:-1], np.empty_like(rows), np.empty_like(rows)
        if bases.min() <= self._dust:
            bases = np.where(bases > self._dust, bases, np.nan)
        returns, its = room[1:], product[1:]
        np.divide(rows[1:], bases, out=returns)
        returns -= 1.0
        self._sum(_ONE, room)
        np.multiply(returns, returns, out=its)
        self._sum(_TWO, product)
        for power in (_THREE, _FOUR):
            its *= returns
            self._sum(power, product)
        np.multiply(returns, moves[:, None], out=its)
        self._sum(_BOTH, product)
        for number, rate in enumerate(self._rates):
            np.minimum(returns - rate if rate else returns, 0.0, out=its)
            its *= its
            self._sum(_SUMS + number, product)

    def _sum(self, number: int, rows: Floats) -> None:
        """Adds rows to a sum; the first row is free."""
        rows[0] = self._sums[number]
        self._sums[number] = added(rows)

    def _add_falls(self, values: Floats, rows: Floats) -> None:
        """Takes how far values, (runs, days) and (days, runs), are below their peaks."""
        peaks = running_maximum(self._peak, rows)
        self._peak = peaks[-1].copy()
        room = np.empty((len(rows) + 1, rows.shape[1]))
        falls = room[1:]
        np.subtract(peaks, rows, out=falls)
        falls /= peaks
        self._count_falls(values, peaks, falls > DUST)
        falls *= falls
        self._sum(_FALL, room)

    def _count_falls(self, values: Floats, peaks: Floats, below: Mask) -> None:
        """Adds up the depths of drawdowns that are over; `below`: the days, (days, runs), that are in one."""
        over = np.flatnonzero((self._deepest > 0) & ~below[0])
        self._depths[over] += self._deepest[over]
        self._falls[over] += 1
        self._deepest[over] = 0.0
        run, begins, ends = stretches(below.T)
        if not len(run):
            return
        width = values.shape[1]
        bounds = np.stack([run * width + begins, run * width + ends], axis=1).ravel()
        lowest = np.minimum.reduceat(values.ravel(), bounds[:-1] if bounds[-1] == values.size else bounds)[::2]
        peak = peaks[begins, run]
        depths = (peak - lowest) / peak
        goes_on = begins == 0
        depths[goes_on] = np.maximum(depths[goes_on], self._deepest[run[goes_on]])
        done = ends < width
        np.add.at(self._depths, run[done], depths[done])
        self._falls += np.bincount(run[done], minlength=len(self._falls))
        self._deepest[run[goes_on]] = 0.0
        self._deepest[run[~done]] = depths[~done]

    def so_far(self) -> "Returns":
        """The returns, with that of the last day as far as it is known."""
        whole = deepcopy(self)
        if self.days:
            whole._add(self._now[:, None], whole._moves(np.array([self._other])))
        return Returns(whole, whole._sums, whole._depths + whole._deepest, whole._falls + (whole._deepest > 0))


def with_falls(sums: Floats, falls: Floats) -> Floats:
    """Sums of `span_returns.products`, and of squared drawdowns, in the order of Returns."""
    return np.insert(sums, _FALL, falls, axis=0)


class Returns:
    """The returns of all days: how many, and their figures, (runs,) arrays; NaN where they are undefined."""

    def __init__(self, daily: Days, sums: Floats, depths: Floats, falls: Ints) -> None:
        self.count, self._sums, self._shared = daily.days, sums, daily._shared
        self._measures, self._depths, self._falls = daily.measures, depths, falls
        found = days_of_year(daily._first, daily._day, daily.days, daily._weekends, daily._nearest)
        self.bought = daily._other  # what the benchmark is worth, as a share
        self.per_year = float(daily.measures.days_per_year or found)
        self.rate = daily.measures.rate(self.per_year)

    @cached_property
    def mean(self) -> Floats:
        """The mean return."""
        mean: Floats = self._sums[_ONE] / np.float64(self.count)
        return mean

    @cached_property
    def variance(self) -> Floats:
        """Their variance, of a sample; 0 where all are equal, rounding aside."""
        return self._spread(self._sums[_ONE], self._sums[_TWO])

    @cached_property
    def benchmark(self) -> tuple[Floats, Floats]:
        """The mean and the variance of the benchmark's returns, (1,) arrays."""
        one, two = self._shared
        return one / np.float64(self.count), self._spread(one, two)

    def _spread(self, one: Floats, two: Floats) -> Floats:
        n = np.float64(self.count)
        spread = (two - one * one / n) / (n - 1)
        rounding = np.maximum(DUST * two / n, DUST**2)
        return np.where(spread <= rounding, 0.0, spread)

    @cached_property
    def covariance(self) -> Floats:
        """With the benchmark's."""
        n = np.float64(self.count)
        covariance: Floats = (self._sums[_BOTH] - self._sums[_ONE] * self._shared[0] / n) / (n - 1)
        return covariance

    @cached_property
    def downside(self) -> Floats:
        """The root of the mean of squares of what they are below the rate of a day; NaN where that is not known."""
        years = self._measures.years
        if self.rate and self.per_year not in years:
            return np.full_like(self._sums[0], np.nan)
        number = years.index(self.per_year) if self.rate else 0
        downside = np.sqrt(self._sums[_SUMS + number] / np.float64(self.count))
        return np.where(downside <= DUST, 0.0, downside)

    @property
    def skewness(self) -> Floats:
        """Of a sample, as pandas tells it: G1 of Joanes and Gill."""
        n = np.float64(self.count)
        second, third, _ = self._central
        skewness: Floats = np.sqrt(n * (n - 1)) / (n - 2) * third / (second * np.sqrt(second))
        return skewness

    @property
    def kurtosis(self) -> Floats:
        """Of a sample, above that of a normal distribution, as pandas tells it: G2 of Joanes and Gill."""
        n = np.float64(self.count)
        second, _, fourth = self._central
        excess = fourth / (second * second) - 3
        kurtosis: Floats = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
        return kurtosis

    def moments(self) -> Moments:
        """Their moments, of the population."""
        with np.errstate(all="ignore"):
            second, third, fourth = self._central
            deviation = np.sqrt(second)
            return Moments(self.count, self.mean, deviation, third / (second * deviation), fourth / (second * second))

    @cached_property
    def _central(self) -> tuple[Floats, Floats, Floats]:
        """The second, third and fourth moments about the mean."""
        n = np.float64(self.count)
        one, two, three, four = self._sums[:4] / n
        square = one * one
        third = three - 3 * one * two + 2 * square * one
        fourth = four - 4 * one * three + 6 * square * two - 3 * square * square
        return self.variance * (n - 1) / n, third, fourth

    @property
    def average_drawdown(self) -> Floats:
        """The mean of the depths of drawdowns, the last one included; 0 without any."""
        average: Floats = self._depths / np.maximum(self._falls, 1)
        return average

    @property
    def ulcer_index(self) -> Floats:
        """The root of the mean of squared drawdowns."""
        ulcer: Floats = np.sqrt(self._sums[_FALL] / np.float64(self.count))
        return ulcer


def values_at(spans: Spans, closes: Floats, bars: Ints) -> Floats:
    """The value at the closes of some bars, ascending, as (runs, bars)."""
    before = np.zeros(len(closes) + 1, np.int64)
    before[bars + 1] = 1
    np.cumsum(before, out=before)
    lengths = before[spans.ends] - before[spans.begins]
    shape = len(spans.firsts), len(bars)
    values = np.repeat(spans.held, lengths).reshape(shape)
    values *= closes[bars]
    values += np.repeat(spans.cash, lengths).reshape(shape)
    return values


def added(rows: Floats) -> Floats:
    """Rows added one after another. numpy adds a single column in another order, which must not change its bits."""
    total: Floats = np.add.reduce(rows, axis=0) if rows.shape[1] > 1 else np.add.accumulate(rows)[-1]
    return total


def running_maximum(before: Floats, rows: Floats) -> Floats:
    """The largest value of each column so far, row by row; with many columns that is faster by rows.

    >>> running_maximum(np.array([2.0]), np.array([[1.0], [3.0], [2.0]])).ravel().tolist()
    [2.0, 3.0, 3.0]
    """
    largest = np.maximum(before, rows)
    if rows.shape[1] < _NARROW:
        np.maximum.accumulate(largest, axis=0, out=largest)
        return largest
    for row, so_far in zip(largest[1:], largest, strict=False):
        np.maximum(so_far, row, out=row)
    return largest


def stretches(mask: Mask) -> tuple[Ints, Ints, Ints]:
    """Where rows of (rows, columns) are true: the row, begin and end of each stretch, in order.

    >>> [part.tolist() for part in stretches(np.array([[True, False, True, True], [False, True, True, False]]))]
    [[0, 0, 1], [0, 2, 1], [1, 4, 3]]
    """
    rows, columns = mask.shape
    padded = np.zeros((rows, columns + 2), bool)
    padded[:, 1:-1] = mask
    row, column = np.divmod(np.flatnonzero(padded[:, 1:] != padded[:, :-1]), columns + 1)
    return row[::2], column[::2], column[1::2]
