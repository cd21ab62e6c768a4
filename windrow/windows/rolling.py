"""Kernels that depend on the bars of a window and nothing else."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import UsageError
from windrow.states import Array, Carries, Count, MadeOf, are_finite, is_ascending
from windrow.windows.kernel import Declared, Options, Skipped
from windrow.windows.window import MOST_BARS, CountWindow, Reach, Window


class Windowed(Declared, ABC):
    """Base of the kernels that reduce each window by itself: a subclass defines how, in `reduce`.

    It has a `push` of its own, with the names of its columns, that calls `rolled`; for one column it is `Rolling`.

    The state is the last symbol's bars that a later window can still reach, and the time of its first bar:
    n - 1 bars for a window of n, those within the span for a time window. A push works on these and the new
    bars together, all symbols at once, in a few dozen temporaries of that length.

         push 1          push 2
    |a a a b b b b|  |b b b c c c c|      window of 3 bars
               ^-^    ^                   held after push 1, to complete push 2's first windows
    """

    kind: ClassVar[str]
    carries: ClassVar[Carries] = {
        "_times": Array(grows=True),
        "_values": Array(grows=True),
        "_born": Count(optional=True),
    }

    def __init__(self, window: Window, options: Options) -> None:
        if isinstance(window, CountWindow) and (options.min_periods or 0) > window.bars:
            raise UsageError(
                f"--min-periods {options.min_periods}: {self.kind}:{window} holds at most {window} bars;"
                f" use 1 to {window}"
            )
        self.window, self.options = window, options
        self._times, self._values = np.empty(0, np.int64), np.empty(0)
        self._born: int | None = None  # time of the last symbol's first bar

    @abstractmethod
    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """The value of each window values[lo:hi], (windows,), or a row for each output.

        Of several columns: values[:, lo:hi].
        """

    def made_of(self) -> MadeOf:
        """Its kind, window and options."""
        return {self.kind: str(self.window), **asdict(self.options)}

    def odd(self) -> str | None:
        """Times without values, or that go back; more bars than a window holds."""
        many = len(self._times) * self._columns
        if many != len(self._values) or not is_ascending(self._times) or not are_finite(self._values):
            return "_times and _values are no bars in order of time"
        held = self.window.reach.bars or MOST_BARS
        return f"_times has more bars than the {held} before a window's last" if len(self._times) > held else None

    @property
    def _columns(self) -> int:
        return len(self.inputs) or 1

    @property
    def state_bars(self) -> int:
        """Bars held for later windows."""
        return len(self._times)

    @property
    def head(self) -> Reach:
        """The bars whose windows may begin before the slice, or are the symbol's first."""
        return self.window.reach

    @property
    def tail(self) -> Reach:
        """The bars that windows after the slice may hold."""
        return self.window.reach

    def skip(self, times: Ints, *values: Floats, skipped: Skipped) -> None:
        """Takes the tail of bars that another kernel processed: see `Sliceable.skip`."""
        self.rolled(times, values, np.empty(0, np.int64))

    def rolled(self, times: Ints, values: Sequence[Floats], starts: Ints) -> Floats:
        """One value per bar, or a row for each output, from the bars' columns."""
        if not len(times):
            return self._without_values(0)
        held = len(self._times)
        times = np.concatenate([self._times, times])
        columns = np.empty((self._columns, len(times)))
        columns[:, :held] = self._values.reshape(self._columns, held)
        for row, new in zip(columns, values, strict=True):
            row[held:] = new
        cuts = np.concatenate([[0], starts + held])
        births = times[np.minimum(cuts, len(times) - 1)]
        births[0] = births[0] if self._born is None else self._born
        taken = columns if self.inputs else columns[0]
        if isinstance(self.window, CountWindow) and (self.options.min_periods or self.window.bars) == self.window.bars:
            result = self._of_full(taken, held, starts, self.window.bars)
            reached = max(len(times) - (self.window.bars - 1), int(cuts[-1]))
        else:
            lengths = np.diff(cuts, append=len(times))
            first = self.window.first_bars(times, np.repeat(cuts, lengths))
            ready = self._ready(times, births, lengths, first)
            at = held + np.flatnonzero(ready[held:])
            result = self._without_values(len(times) - held)
            result[..., at - held] = self.reduce(taken, first[at], at + 1)
            reached = self.window.still_reached(times, first)
        # Copies, so that the whole push is not kept alive.
        self._times, self._values = times[reached:].copy(), columns[:, reached:].ravel().copy()
        self._born = int(births[-1])
        return result

    def trailing(self, values: Floats, bars: int) -> Floats:
        """The value of each window of so many bars, from the first to the last: what `reduce` returns for them."""
        ends = np.arange(bars, values.shape[-1] + 1)
        return self.reduce(values, ends - bars, ends)

    def _of_full(self, values: Floats, held: int, starts: Ints, bars: int) -> Floats:
        """The values of full windows, for all bars but those held before; a symbol's first bars have none.

        Windows that reach into another symbol's bars are computed and then dropped: that is quicker than to find them.
        """
        first, many = bars - 1 - held, values.shape[-1] - held
        result = self._without_values(many) if first else self.trailing(values, bars)
        if 0 < first < many:
            result[..., first:] = self.trailing(values, bars)
        for start in starts.tolist():
            result[..., start : start + bars - 1] = np.nan
        return result

    def _without_values(self, bars: int) -> Floats:
        return np.full((*([len(self.outputs)] if self.outputs else []), bars), np.nan)

    def _ready(self, times: Ints, births: Ints, lengths: Ints, first: Ints) -> Mask:
        counts = np.arange(1, len(times) + 1) - first
        if self.options.min_periods is not None:
            ready: Mask = counts >= self.options.min_periods
            return ready
        return self.window.full(counts, times - np.repeat(births, lengths), self.options.step_ns)


class Rolling(Windowed):
    """Base of those that take one column, the one that is asked for."""

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        return self.rolled(times, [values], starts)
