"""Averages of one kind and many windows over the same bars, side by side: one row per window.

To the bit what the kernels of windrow/windows return, at a fraction of their cost: simple averages share the integers
and running sums of their prices, exponential ones take each bar together. Other kinds are left to their kernels, window
by window.

    one core, 43 windows, ns per bar and window:    sma 4 (by kernels 42)    ema 32 (by kernels 75 to 150)
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact import sums as exact
from windrow.sweeps.grid import Axis
from windrow.windows import Options
from windrow.windows.ema import side_by_side

#: Bars that exponential averages take at once: their rows are still in the cache when they become columns.
_BARS = 1024


class Averages(Protocol):
    """Takes one series' bars in time order, push by push."""

    @property
    def push(self) -> Callable[..., Floats]:
        """push(times, *values): an average per window and bar, (windows, bars), NaN where there is none yet.

        values: one array for each of the columns that the averages are of.
        """
        ...


def averages(axis: Axis, options: Options) -> Averages:
    """Averages of an axis. Raises UsageError where its kind and windows do not go together.

    >>> from windrow.sweeps.grid import parse_axis
    >>> lines = averages(parse_axis("sma:1,3"), Options())
    >>> lines.push(np.arange(3), np.array([1.0, 2.0, 6.0])).tolist()
    [[1.0, 2.0, 6.0], [nan, nan, 3.0]]
    >>> lines.push(np.arange(3, 4), np.array([4.0])).tolist()
    [[4.0], [4.0]]
    """
    if axis.kind == "sma" and options.min_periods is None:
        return _Simple(axis.windows)
    if axis.kind == "ema":
        return _Exponential(axis.windows, options)
    return _ByKernels(axis, options)


class _Simple:
    """Simple averages. State: the bars of the longest window."""

    def __init__(self, windows: Sequence[int]) -> None:
        self._windows = windows
        self._held = np.empty(0)

    def push(self, times: Ints, values: Floats) -> Floats:
        held, values = len(self._held), np.concatenate([self._held, values])
        self._held = values[max(0, len(values) - self._windows[-1] + 1) :].copy()
        return exact.trailing_means(values, self._windows, held)


class _Exponential:
    """Exponential averages. State: an average per window; the first bars, until the longest window has its seed.

         bars ->          window
    . . S a a a | a a a      3       S: the seed, from which a row runs through the bars
    . . . . S a | a a a      5       the rows that run are the first ones: windows ascend
                ^ a push ends
    """

    def __init__(self, windows: Sequence[int], options: Options) -> None:
        self._alphas = 2.0 / (np.array(windows) + 1)
        self._seeded_at = np.array(windows) if options.ema_seed == "sma" else np.ones(len(windows), np.int64)
        self._averages = np.full(len(windows), np.nan)
        self._bars = 0
        self._first = np.empty(0)

    def push(self, times: Ints, values: Floats) -> Floats:
        result = np.empty((len(self._alphas), len(values)))
        for begin in range(0, len(values), _BARS):
            part = values[begin : begin + _BARS]
            result[:, begin : begin + _BARS] = self._rows(part).T
        return result

    def _rows(self, values: Floats) -> Floats:
        """The averages as (bars, windows)."""
        rows = np.full((len(values), len(self._alphas)), np.nan)
        first, seeds = self._bars, self._seeds(values)
        self._bars += len(values)
        cuts = np.unique(np.clip(self._seeded_at, first, self._bars)).tolist()
        for start, end in pairwise(sorted({first, *cuts, self._bars})):
            running = int(np.searchsorted(self._seeded_at, start, side="right"))
            here = rows[start - first : end - first, :running]
            here[:] = values[start - first : end - first, None]
            self._averages[:running] = side_by_side(here, self._averages[:running], self._alphas[:running])
            seeded = self._seeded_at == end
            self._averages[seeded] = rows[end - first - 1, seeded] = seeds[seeded]
        return rows

    def _seeds(self, values: Floats) -> Floats:
        """The seeds that these bars complete, NaN where there is none."""
        seeds = np.full(len(self._alphas), np.nan)
        if self._bars < self._seeded_at[-1]:
            self._first = np.concatenate([self._first, values])[: self._seeded_at[-1]]
            complete = (self._seeded_at > self._bars) & (self._seeded_at <= len(self._first))
            ends = self._seeded_at[complete]
            seeds[complete] = exact.means(self._first, np.zeros_like(ends), ends)
        else:
            self._first = np.empty(0)
        return seeds


class _ByKernels:
    """Other kinds: a kernel per window."""

    def __init__(self, axis: Axis, options: Options) -> None:
        self._kernels = [indicator.kernel(options) for indicator in axis.indicators()]

    def push(self, times: Ints, *values: Floats) -> Floats:
        none = np.empty(0, np.int64)
        return np.array([kernel.push(times, *values, starts=none) for kernel in self._kernels])
