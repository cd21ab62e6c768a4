"""What recursive kernels are made of: averages of what other kernels give, and of changes from bar to bar."""

from math import fsum
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.states import Array, Carries, MadeOf, Number, Part, Parts, Resumable, are_finite
from windrow.windows.ema import EMA, smooth
from windrow.windows.kernel import Declared, Options
from windrow.windows.window import CountWindow, Window


def bars_of(kind: str, window: Window, least: int = 1, most: int | None = None) -> int:
    """A window's number of bars. Raises UsageError for a window of time, and below or above the bounds."""
    if not isinstance(window, CountWindow):
        raise UsageError(f"{kind}:{window}: {kind} counts bars; use e.g. {kind}:20")
    if window.bars < least or (most and window.bars > most):
        bounds = f"{least} bars or more" if most is None else f"{least} to {most:,} bars"
        raise UsageError(f"{kind}:{window}: {kind} takes {bounds}; use a window in that range")
    return window.bars


class Smoothed(Resumable):
    """e + alpha * (x - e), over the values of each symbol that are not NaN, from the mean of the first ones.

    A symbol's NaN are its first values. State: one float, or the values before the seed.

    >>> one = Smoothed(0.5, seed_bars=2)
    >>> one.push(np.array([np.nan, 1.0, 2.0, 4.0, np.nan, 7.0]), np.array([0, 4])).tolist()
    [nan, nan, 1.5, 2.75, nan, nan]
    >>> one.push(np.array([9.0, np.nan]), np.array([1])).tolist()
    [8.0, nan]
    """

    carries: ClassVar[Carries] = {"_unseeded": Array(grows=True), "_average": Number(optional=True)}

    def __init__(self, alpha: float, seed_bars: int) -> None:
        self._alpha, self._seed_bars = alpha, seed_bars
        self._unseeded = np.empty(0)
        self._average: float | None = None

    def odd(self) -> str | None:
        """Values beside an average, or as many as would seed one."""
        if self.state_bars and (self._average is not None or self.state_bars >= self._seed_bars):
            return f"_unseeded has {self.state_bars} values, with which there is an average"
        return None if are_finite(self._unseeded) else "_unseeded has values that are no numbers"

    @property
    def state_bars(self) -> int:
        """Values held for the seed."""
        return len(self._unseeded)

    def push(self, values: Floats, starts: Ints) -> Floats:
        """An average for each value, NaN where there is none yet."""
        if self._alpha == 1.0:
            return values
        known = ~np.isnan(values)
        before = np.concatenate([[0], np.cumsum(known)])
        held = len(self._unseeded)
        joined = np.concatenate([self._unseeded, values[known]])
        cuts = np.concatenate([[0], before[starts] + held])
        smoothed = self._smoothed(joined, cuts, np.append(cuts[1:], len(joined)))
        if len(starts) or held < len(joined):
            self._hold(joined[cuts[-1] :], smoothed[cuts[-1] :])
        result = np.full(len(values), np.nan)
        result[known] = smoothed[held:]
        return result

    def _smoothed(self, values: Floats, cuts: Ints, ends: Ints) -> Floats:
        result = np.full(len(values), np.nan)
        continued = self._average is not None
        fresh = np.arange(len(cuts)) >= continued
        seeded = fresh & (ends - cuts >= self._seed_bars)
        begins = cuts[seeded] + self._seed_bars
        seeds = np.array([fsum(values[end - self._seed_bars : end]) / self._seed_bars for end in begins], np.float64)
        result[begins - 1] = seeds
        ends = ends[seeded | ~fresh]
        if continued:
            begins, seeds = np.append(0, begins), np.append(self._average or 0.0, seeds)
        if len(begins):
            smooth(values, result, begins, ends, seeds, self._alpha)
        return result

    def _hold(self, values: Floats, smoothed: Floats) -> None:
        """Of the last symbol, which has these values."""
        if len(values) and not np.isnan(smoothed[-1]):
            self._unseeded, self._average = np.empty(0), float(smoothed[-1])
        else:
            self._unseeded, self._average = values.copy(), None


class Chain(Resumable):
    """An ema, the ema of its values, and so on: as many rows, each with its first value n - 1 bars later."""

    carries: ClassVar[Carries] = {"_first": Part(), "_others": Parts()}

    def __init__(self, window: CountWindow, options: Options, length: int) -> None:
        self._first = EMA(window, options)
        self._others = [again(window.bars, options) for _ in range(length - 1)]

    @property
    def state_bars(self) -> int:
        """Bars held for the seeds."""
        return self._first.state_bars + sum(one.state_bars for one in self._others)

    def push(self, times: Ints, values: Floats, starts: Ints) -> list[Floats]:
        """The rows."""
        rows = [self._first.push(times, values, starts)]
        for one in self._others:
            rows.append(one.push(rows[-1], starts))
        return rows


def again(bars: int, options: Options) -> Smoothed:
    """An ema over values of another kernel."""
    return Smoothed(2.0 / (bars + 1), bars if options.ema_seed == "sma" else 1)


class Chained(Declared):
    """Base of the kernels that combine a `Chain` of `length` emas."""

    kind: ClassVar[str]
    length: ClassVar[int]
    carries: ClassVar[Carries] = {"_chain": Part()}

    def __init__(self, window: Window, options: Options) -> None:
        self._made_of: MadeOf = {self.kind: bars_of(self.kind, window), "ema_seed": options.ema_seed}
        assert isinstance(window, CountWindow)
        self._chain = Chain(window, options, self.length)

    def made_of(self) -> MadeOf:
        """Its kind, bars and seed."""
        return self._made_of

    @property
    def state_bars(self) -> int:
        """Bars held for the seeds."""
        return self._chain.state_bars


class Before(Resumable):
    """The value before each one, of the same symbol; NaN at its first.

    >>> one = Before()
    >>> one.push(np.array([1.0, 2.0, 5.0]), np.array([0, 2])).tolist(), one.push(np.array([6.0]), np.array([])).tolist()
    ([nan, 1.0, nan], [5.0])
    """

    carries: ClassVar[Carries] = {"_last": Number(optional=True)}

    def __init__(self) -> None:
        self._last: float | None = None

    def push(self, values: Floats, starts: Ints) -> Floats:
        """The values before these."""
        if not len(values):
            return values
        shifted = np.concatenate([[np.nan if self._last is None else self._last], values[:-1]])
        shifted[starts.astype(np.int64)] = np.nan
        self._last = float(values[-1])
        return shifted
