"""Returns from day to day, of all runs at once: their moments, drawdowns, and what they share with a benchmark.

A day is one of UTC, and its value that at its last bar; the first return is from the initial cash. Of bars longer than
a day each is the last of its own. A day ends where a bar of another one follows, so the last bar's waits:

    bars      | o  o  o | o  o | o  o ...          the value at a day's last bar, and the return from the one before
    days      |    1    |   2  |  3, as far as it is known
"""

from copy import deepcopy
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.states import Array, Carries, Count, Number, Resumable
from windrow.trading.measures import Measures, day_of, days_of_year
from windrow.trading.rules import DUST
from windrow.trading.spans import Spans

#: Days x runs that are processed together: so they stay in the cache.
_TILE = 1 << 15
#: Days whose running maximum is found side by side.
_BLOCK = 32
#: What is added up of each day: powers of its return, its product with the benchmark's, its squared drawdown.
_ONE, _TWO, _THREE, _FOUR, _BOTH, _FALL = range(6)
_SUMS = 6
#: More days than any two are apart.
_FAR = 1 << 60


class Daily(Resumable):
    """What figures need of the returns of each run. State: a dozen numbers per run, whatever the number of days.

    Sums are taken day by day, so their bits do not depend on where pushes end. A return from a value of 0 or below is
    NaN, as are then the sums.
    """

    carries: ClassVar[Carries] = {
        **dict.fromkeys(("_now", "_base", "_sums", "_peak", "_deepest", "_depths", "_falls", "_shared"), Array()),
        **dict.fromkeys(("days", "_first", "_day", "_weekends", "_nearest"), Count()),
        **dict.fromkeys(("_other", "_other_base"), Number()),
    }

    def __init__(self, cash: float, runs: int, measures: Measures) -> None:
        self.measures, self._dust = measures, DUST * cash
        self.days, self._first, self._day, self._weekends, self._nearest = 0, 0, 0, 0, _FAR
        self._now, self._base = np.full(runs, cash, np.float64), np.full(runs, cash, np.float64)
        self._rates = [measures.rate(days) for days in measures.years]
        self._sums = np.zeros((_SUMS + len(self._rates), runs))
        self._peak, self._deepest, self._depths = self._base.copy(), np.zeros(runs), np.zeros(runs)
        self._falls = np.zeros(runs, np.int64)
        self._other, self._other_base, self._shared = 1.0, 1.0, np.zeros((2, 1))  # of the benchmark

    def push(self, times: Ints, spans: Spans, closes: Floats, benchmark: Floats) -> None:
        """Takes what runs held at these closes, at least one, and what a benchmark was worth, a share of the cash."""
        days = day_of(times)
        waits = self.days > 0 and days[0] != self._day
        ends = np.flatnonzero(days[1:] != days[:-1])
        if waits or len(ends):
            self._push_days(waits, ends, spans, closes, benchmark)
        self._count(days)
        lasts = spans.lasts
        self._now = spans.cash[lasts] + spans.held[lasts] * closes[-1]
        self._other = float(benchmark[-1])

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

    def _push_days(self, waits: bool, ends: Ints, spans: Spans, closes: Floats, benchmark: Floats) -> None:
        """Takes the days that are over: the one that waited, if it is, and those that end among these bars."""
        others = benchmark[ends]
        if waits:
            others = np.append(self._other, others)
        moves = self._moves(others)
        width = max(_TILE // (len(ends) + 2), 1)
        for at in range(0, len(self._now), width):
            runs = slice(at, at + width)
            rows = np.empty((len(others) + 1, len(self._now[runs])))
            if waits:
                rows[1] = self._now[runs]
            rows[1 + waits :] = values_at(spans.of(runs), closes, ends).T
            self._add(runs, rows, moves)

    def _moves(self, others: Floats) -> Floats:
        """The benchmark's returns; adds up their first two powers."""
        bases = np.append(self._other_base, others)[:-1]
        with np.errstate(all="ignore"):
            moves: Floats = others / np.where(bases > DUST, bases, np.nan) - 1.0
            for power, row in enumerate((moves, moves * moves)):
                self._shared[power] = np.add.accumulate(np.append(self._shared[power], row))[-1]
        self._other_base = float(others[-1])
        return moves

    def _add(self, runs: slice, rows: Floats, moves: Floats) -> None:
        """Takes values (days, runs) of some runs, below a row that is free."""
        rows[0] = self._base[runs]
        self._base[runs] = rows[-1]
        with np.errstate(all="ignore"):
            self._add_falls(runs, rows[1:])
            self._add_returns(runs, rows, moves)

    def _add_returns(self, runs: slice, rows: Floats, moves: Floats) -> None:
        bases, room = rows[:-1], np.empty_like(rows)
        if bases.min() <= self._dust:
            bases = np.where(bases > self._dust, bases, np.nan)
        returns = rows[1:] / bases
        returns -= 1.0
        its = room[1:]
        its[:] = returns
        self._sum(_ONE, runs, room)
        for power in (_TWO, _THREE, _FOUR):
            its *= returns
            self._sum(power, runs, room)
        np.multiply(returns, moves[:, None], out=its)
        self._sum(_BOTH, runs, room)
        for number, rate in enumerate(self._rates):
            np.subtract(returns, rate, out=its) if rate else np.copyto(its, returns)
            np.minimum(its, 0.0, out=its)
            its *= its
            self._sum(_SUMS + number, runs, room)

    def _sum(self, number: int, runs: slice, room: Floats) -> None:
        """Adds the rows below the first to a sum."""
        room[0] = self._sums[number, runs]
        self._sums[number, runs] = added(room)

    def _add_falls(self, runs: slice, values: Floats) -> None:
        """Takes how far values are below their peaks."""
        room = np.empty((len(values) + 1, values.shape[1]))
        peaks = np.maximum(values, self._peak[runs])
        run_up(peaks)
        self._peak[runs] = peaks[-1]
        falls = room[1:]
        np.subtract(peaks, values, out=falls)
        falls /= peaks
        falls *= falls > DUST
        self._count_falls(runs, np.ascontiguousarray(falls.T))
        falls *= falls
        self._sum(_FALL, runs, room)

    def _count_falls(self, runs: slice, falls: Floats) -> None:
        """Adds up the depths of drawdowns that are over, of (runs, days); one may go on."""
        width, deepest = falls.shape[1], self._deepest[runs]
        run, begins, ends = stretches(falls > 0)
        flat = np.append(falls.ravel(), 0.0)
        bounds = np.stack([run * width + begins, run * width + ends], axis=1).ravel()
        depths = np.maximum.reduceat(flat, bounds)[::2] if len(run) else np.empty(0)
        goes_on = begins == 0
        over = (deepest > 0) & (falls[:, 0] == 0)
        depths[goes_on] = np.maximum(depths[goes_on], deepest[run[goes_on]])
        total, count = self._depths[runs], self._falls[runs]
        total[over] += deepest[over]
        count += over
        done = ends < width
        np.add.at(total, run[done], depths[done])
        count += np.bincount(run[done], minlength=len(count))
        deepest[:] = 0.0
        deepest[run[~done]] = depths[~done]

    def so_far(self) -> "Returns":
        """The returns, with that of the last day as far as it is known."""
        whole = deepcopy(self)
        if self.days:
            moves = whole._moves(np.array([self._other]))
            whole._add(slice(0, None), np.stack([self._base, self._now]), moves)
        return Returns(whole)


class Returns:
    """The returns of all days: how many, and their figures, (runs,) arrays; NaN where they are undefined."""

    def __init__(self, daily: Daily) -> None:
        self.count, self._sums, self._shared = daily.days, daily._sums, daily._shared
        self._measures = daily.measures
        self._depths, self._falls = daily._depths + daily._deepest, daily._falls + (daily._deepest > 0)
        found = days_of_year(daily._first, daily._day, daily.days, daily._weekends, daily._nearest)
        self.bought = daily._other  # what the benchmark is worth, as a share
        self.per_year = float(daily.measures.days_per_year or found)
        self.rate = daily.measures.rate(self.per_year)

    @property
    def mean(self) -> Floats:
        """The mean return."""
        mean: Floats = self._sums[_ONE] / np.float64(self.count)
        return mean

    @property
    def variance(self) -> Floats:
        """Their variance, of a sample; 0 where all are equal, rounding aside."""
        return self._spread(self._sums[_ONE], self._sums[_TWO])

    @property
    def benchmark(self) -> tuple[Floats, Floats]:
        """The mean and the variance of the benchmark's returns, (1,) arrays."""
        one, two = self._shared
        return one / np.float64(self.count), self._spread(one, two)

    def _spread(self, one: Floats, two: Floats) -> Floats:
        n = np.float64(self.count)
        spread = (two - one * one / n) / (n - 1)
        rounding = np.maximum(DUST * two / n, DUST**2)
        return np.where(spread <= rounding, 0.0, spread)

    @property
    def covariance(self) -> Floats:
        """With the benchmark's."""
        n = np.float64(self.count)
        covariance: Floats = (self._sums[_BOTH] - self._sums[_ONE] * self._shared[0] / n) / (n - 1)
        return covariance

    @property
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
        second, third, _ = self._central()
        skewness: Floats = np.sqrt(n * (n - 1)) / (n - 2) * third / (second * np.sqrt(second))
        return skewness

    @property
    def kurtosis(self) -> Floats:
        """Of a sample, above that of a normal distribution, as pandas tells it: G2 of Joanes and Gill."""
        n = np.float64(self.count)
        second, _, fourth = self._central()
        excess = fourth / (second * second) - 3
        kurtosis: Floats = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
        return kurtosis

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


def run_up(rows: Floats) -> None:
    """Makes each row the largest so far, column by column.

    >>> rows = np.array([[3.0], [1.0], [4.0], [1.0]])
    >>> run_up(rows)
    >>> rows.ravel().tolist()
    [3.0, 3.0, 4.0, 4.0]
    """
    blocks = len(rows) // _BLOCK
    head, tail = rows[: blocks * _BLOCK].reshape(blocks, _BLOCK, rows.shape[1]), rows[blocks * _BLOCK :]
    for at in range(1, _BLOCK):
        np.maximum(head[:, at - 1], head[:, at], out=head[:, at])
    for block in range(1, blocks):
        np.maximum(head[block - 1, -1], head[block, -1], out=head[block, -1])
    np.maximum(head[1:, :-1], head[:-1, -1:], out=head[1:, :-1])
    for at in range(len(tail)):
        before = tail[at - 1] if at else rows[blocks * _BLOCK - 1]
        if at or blocks:
            np.maximum(before, tail[at], out=tail[at])


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
