"""Exponential moving average."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import SliceError, UsageError
from windrow.exact import sums as exact
from windrow.states import Array, Carries, MadeOf, Number, are_finite
from windrow.windows.kernel import Declared, Options, Skipped
from windrow.windows.window import CountWindow, Reach, Window

_FEW = 48  # runs below which a loop over bars beats numpy over runs, measured
_PIECES = 32  # pieces of runs below which that loop beats numpy over pieces, measured
_FORGOTTEN = 64  # bits by which a start must have faded before two averages are expected to be the same float64
_APART = 2.0**-41  # of the largest price so far; two averages of a series that are farther apart are not the same


class EMA(Declared):
    """e + 2 / (n + 1) * (x - e), bar by bar from a seed; the window n counts bars.

    Seed `sma`: the correctly rounded mean of the first n bars, the first output (as TA-Lib); seed `first`:
    the first bar (as pandas' ewm(adjust=False)). The operations and their order do not depend on the
    pushes, so neither do the bits; on a flat price x - e is 0, so it stays flat. The state is one float, and
    up to n - 1 bars before the seed; `min_periods` does not apply. Raises UsageError for a time window.

    >>> kernel = EMA(CountWindow(3), Options())
    >>> kernel.push(np.arange(6), np.array([1.0, 2.0, 3.0, 4.0, 4.0, 8.0]), np.array([0])).tolist()
    [nan, nan, 2.0, 3.0, 3.5, 5.75]
    """

    kind = "ema"
    carries: ClassVar[Carries] = {
        "_unseeded": Array(grows=True),
        "_average": Number(optional=True),
        "_largest": Number(),
    }

    def __init__(self, window: Window, options: Options) -> None:
        if not isinstance(window, CountWindow):
            raise UsageError(f"ema:{window}: an ema is smoothed over a number of bars; use e.g. ema:20")
        self._alpha = 2.0 / (window.bars + 1)
        self._seed_bars = window.bars if options.ema_seed == "sma" else 1
        self._unseeded = np.empty(0)
        self._average: float | None = None
        self._largest = 0.0  # magnitude in skipped slices

    def made_of(self) -> MadeOf:
        """Its bars, and those of its seed."""
        return {"ema": round(2.0 / self._alpha - 1.0), "seed_bars": self._seed_bars}

    def odd(self) -> str | None:
        """Bars beside an average, or as many as would seed one."""
        if self.state_bars and (self._average is not None or self.state_bars >= self._seed_bars):
            return f"_unseeded has {self.state_bars} bars, with which there is an average"
        return None if are_finite(self._unseeded) else "_unseeded has values that are no numbers"

    @property
    def state_bars(self) -> int:
        """Bars held for the seed."""
        return len(self._unseeded)

    @property
    def head(self) -> Reach:
        """The bars of a seed, and those after which its average should be the same whatever was before it."""
        return Reach(bars=self._seed_bars + _forgetting(self._alpha))

    @property
    def tail(self) -> Reach:
        """No bars: later values depend on the average alone."""
        return Reach()

    def skip(self, times: Ints, values: Floats, skipped: Skipped) -> None:
        """Continues from the average at the end of bars that another kernel processed: see `Sliceable.skip`.

        That average is used as it is where the other kernel began them with the same average, to the last bit.
        Otherwise the difference, never more than rounding, is carried to their end and fades by 1 - alpha per bar.
        """
        average = self._average
        self._largest = max(self._largest, skipped.largest)
        if average is None or abs(average - skipped.before) > _APART * self._largest:
            raise SliceError(
                f"ema over {2.0 / self._alpha - 1.0:.0f} bars: after {self.head.bars:,} bars of a slice it is"
                f" {skipped.before!r}, but {average!r} when computed from the bars before the slice: the two must agree"
                " by then, and do not where a long average meets prices that do not move; leave out --slices"
            )
        self._average = skipped.end + (1.0 - self._alpha) ** skipped.bars * (average - skipped.before)

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        if not len(values):
            return np.empty(0)
        held = len(self._unseeded)
        values = np.concatenate([self._unseeded, values])
        result = np.full(len(values), np.nan)
        cuts = np.concatenate([[0], starts + held])
        ends = np.append(cuts[1:], len(values))
        begins, ends, seeds = self._seeded(values, result, cuts, ends)
        smooth(values, result, begins, ends, seeds, self._alpha)
        self._hold(values, result, int(cuts[-1]))
        return result[held:]

    def _seeded(self, values: Floats, result: Floats, cuts: Ints, ends: Ints) -> tuple[Ints, Ints, Floats]:
        """Where the recursion runs, and its starting values; writes the seeds that are outputs."""
        continued = self._average is not None
        cut, end = cuts[continued:], ends[continued:]
        enough = end - cut >= self._seed_bars
        cut, end = cut[enough], end[enough]
        if continued and not len(cut):  # as at bars that come one by one
            return np.zeros(1, np.int64), ends[:1], np.array([self._average or 0.0])
        begin = cut + self._seed_bars
        seeds = exact.means(values, cut, begin)
        result[begin - 1] = seeds
        if continued:
            begin, end = np.append(0, begin), np.append(ends[0], end)
            seeds = np.append(self._average or 0.0, seeds)
        return begin, end, seeds

    def _hold(self, values: Floats, result: Floats, cut: int) -> None:
        if cut < len(values):
            self._unseeded = values[cut:].copy() if np.isnan(result[-1]) else np.empty(0)
            self._average = None if np.isnan(result[-1]) else float(result[-1])


def smooth(values: Floats, result: Floats, begins: Ints, ends: Ints, seeds: Floats, alpha: float) -> None:
    """Runs the recursion over values[begin:end] of every run, side by side while many of them are left."""
    if len(begins) == 1 and ends[0] - begins[0] < _FEW:
        _smooth_one(values, result, int(begins[0]), int(ends[0]), float(seeds[0]), alpha)
        return
    begins, seeds = _smooth_pieces(values, result, begins, ends, seeds, alpha)
    order = np.argsort(begins - ends, kind="stable")  # longest first: the runs not yet over are a prefix
    at, ends, averages = begins[order], ends[order], seeds[order]
    lengths = ends - at
    steps = int(lengths[_FEW - 1]) if len(lengths) >= _FEW else 0
    going = np.searchsorted(-lengths, -np.arange(steps), side="left")
    for step, runs in enumerate(going.tolist()):
        here, average = at[:runs] + step, averages[:runs]
        average += alpha * (values[here] - average)
        result[here] = average
    at = at + np.minimum(lengths, steps)
    for run in range(min(len(at), _FEW)):
        _smooth_one(values, result, int(at[run]), int(ends[run]), float(averages[run]), alpha)


def _smooth_pieces(
    values: Floats, result: Floats, begins: Ints, ends: Ints, seeds: Floats, alpha: float
) -> tuple[Ints, Floats]:
    """Runs it over long runs in pieces, side by side; returns where each run continues, and from what average.

    A piece cannot know the average before it, so it starts early, from an arbitrary value, and goes over the bars in
    front of it: meanwhile its start fades below the last bit. This is checked, not assumed: if the average with which a
    piece arrives is not, to the last bit, the one with which the previous piece ended, it is run again from that one.
    So the bits are those of one loop over all bars.

        run      |---- piece 0 ----|---- piece 1 ----|---- piece 2 ----|-- rest --|
        seed ->   ................. .................
                   early start ->  ^must be equal
    """
    bars = _forgetting(alpha)
    pieces = (ends - begins) // bars
    if pieces.sum() < _PIECES:
        return begins, seeds
    first = np.cumsum(pieces) - pieces
    runs = np.flatnonzero(pieces)
    starts = np.repeat(begins - first * bars, pieces) + np.arange(pieces.sum()) * bars
    heads = first[runs]
    early = starts - bars
    early[heads] = starts[heads]  # their start is known; what they compute before it is discarded
    step = np.arange(bars)[:, None]
    arrived = side_by_side(values[early + step], values[early], alpha).copy()
    arrived[heads] = seeds[runs]
    rows = values[starts + step]
    side_by_side(rows, arrived, alpha)
    result[starts + step] = rows
    _check(values, result, starts, arrived, heads, bars, alpha)
    begins, seeds = begins + pieces * bars, seeds.copy()
    seeds[runs] = result[begins[runs] - 1]
    return begins, seeds


def _forgetting(alpha: float) -> int:
    """Bars after which an average has forgotten everything before them."""
    return max(1, int(np.ceil(_FORGOTTEN / -np.log2(1.0 - alpha)))) if alpha < 1 else 1


def side_by_side(rows: Floats, average: Floats, alpha: float | Floats) -> Floats:
    """Runs it down the columns of (bars, columns), in place; returns the last row. Each column may have its alpha."""
    for row in rows:
        np.subtract(row, average, out=row)
        np.multiply(row, alpha, out=row)
        average = np.add(average, row, out=row)
    return average


def _check(values: Floats, result: Floats, starts: Ints, arrived: Floats, heads: Ints, bars: int, alpha: float) -> None:
    """Runs again, one after another, the pieces whose start was not the end of the previous piece."""
    follows = np.ones(len(starts), bool)
    follows[heads] = False
    wrong = follows & (arrived != result[starts - 1])
    piece = int(np.argmax(wrong))
    while wrong[piece]:
        start = int(starts[piece])
        _smooth_one(values, result, start, start + bars, float(result[start - 1]), alpha)
        wrong[piece] = False
        after = piece + 1
        if after < len(starts) and follows[after]:
            wrong[after] = arrived[after] != result[starts[after] - 1]
        piece = int(np.argmax(wrong))


def _smooth_one(values: Floats, result: Floats, begin: int, end: int, average: float, alpha: float) -> None:
    smoothed = _smoothed(values[begin:end].tolist(), average, alpha)
    result[begin:end] = np.fromiter(smoothed, np.float64, end - begin)


def _smoothed(values: Iterable[float], average: float, alpha: float) -> Iterator[float]:
    for value in values:
        average += alpha * (value - average)
        yield average
