"""Several indicators over one stretch of bars, and the bars that get an output line."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import reduce
from itertools import chain
from operator import or_
from typing import ClassVar, cast

import numpy as np

from windrow.arrays import Floats, Ints, taken_at
from windrow.errors import UsageError
from windrow.states import Carries, Count, MadeOf, Parts, Resumable
from windrow.times import parse_duration
from windrow.windows.indicator import Indicator
from windrow.windows.kernel import Options, Skipped, Sliceable
from windrow.windows.window import Reach, first_within


@dataclass(frozen=True)
class Step:
    """The least distance between two lines of a symbol: bars, or time if `span_ns` is not 0."""

    bars: int = 1
    span_ns: int = 0

    def clock(self, times: Ints, bars: Ints) -> Ints:
        """What the distance is measured in."""
        return times if self.span_ns else bars

    @property
    def distance(self) -> int:
        """The least difference between two lines on that clock."""
        return self.span_ns or self.bars


def parse_step(text: str) -> Step:
    """The step that an option's text means: bars (`5`) or time (`1d`). Raises UsageError for any other text.

    >>> parse_step("5"), parse_step("1d")
    (Step(bars=5, span_ns=0), Step(bars=1, span_ns=86400000000000))
    """
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        return Step(span_ns=parse_duration(text))
    if int(text) < 1:
        raise UsageError(f"--step {text}: a step is 1 bar or more, or a duration; use e.g. 5 or 1d")
    return Step(bars=int(text))


class Indicators(Resumable):
    """Runs bars through one kernel for each indicator and selects the bars that get a line.

    A bar is a candidate once any indicator has a value there. A symbol's first candidate gets a line; then
    the next candidate that is at least a step after the previous line, without a grid. State: the kernels', and
    the last symbol's last line. `columns`: the columns of bars that it takes, `column` first. Raises UsageError where
    an indicator and the options do not go together.

    >>> from windrow.windows import parse_indicator
    >>> indicators = Indicators([parse_indicator("sma:2"), parse_indicator("max:3")], step=Step(2))
    >>> prices = np.array([1.0, 2.0, 4.0, 3.0, 3.0, 1.0])
    >>> index, columns = indicators.push(np.arange(6), prices, starts=np.array([0]))
    >>> index.tolist(), [column.tolist() for column in columns]
    ([1, 3, 5], [[1.5, 3.5, 2.0], [nan, 4.0, 3.0]])
    """

    carries: ClassVar[Carries] = {"_kernels": Parts(), "_bars": Count(), "_last_line": Count(optional=True)}

    def __init__(
        self,
        indicators: Sequence[Indicator],
        options: Options | None = None,
        step: Step | None = None,
        column: str = "close",
    ) -> None:
        self._step = step or Step()
        options = replace(options or Options(), step_ns=self._step.span_ns)
        self._made_of: MadeOf = {"indicators": " ".join(map(str, indicators)), **asdict(options), **asdict(self._step)}
        self._indicators, self._ddof = indicators, options.ddof
        self._kernels = [indicator.kernel(options) for indicator in indicators]
        taken = [indicator.columns(column) for indicator in indicators]
        self.columns = list(dict.fromkeys([column, *chain.from_iterable(taken)]))
        self._taken = [[self.columns.index(name) for name in names] for names in taken]
        self._bars = 0  # of the last symbol
        self._last_line: int | None = None  # of the last symbol, on the step's clock

    def check_values(self) -> None:
        """Raises UsageError for an indicator that never has a value, whatever the bars."""
        for indicator in self._indicators:
            indicator.check_deviation(self._ddof)

    def made_of(self) -> MadeOf:
        """Its indicators, options and step."""
        return self._made_of

    def push(self, times: Ints, *values: Floats, starts: Ints) -> tuple[Ints, list[Floats]]:
        """Positions in this push that get a line, and there each indicator's values, one column or more (NaN: none).

        values: those of `columns`. Takes what `Kernel.push` takes, and raises what it raises.
        """
        columns: list[Floats] = []
        for kernel, taken in zip(self._kernels, self._taken, strict=True):
            columns.extend(np.atleast_2d(kernel.push(times, *(values[at] for at in taken), starts=starts)))
        without = np.logical_and.reduce([np.isnan(column) for column in columns])
        candidates = np.flatnonzero(~without) if without.any() else np.arange(len(times))
        index = self._stepped(times, starts, candidates)
        return index, [taken_at(column, index) for column in columns]

    @property
    def head(self) -> Reach:
        """The first bars of a slice, where some indicator's value needs bars before it: see `Sliceable.head`.

        Raises UsageError where a kernel cannot do without the bars before a slice.
        """
        return reduce(or_, (kernel.head for kernel in self._sliceable()))

    @property
    def tail(self) -> Reach:
        """The last bars of a slice, which some indicator's values after it need."""
        return reduce(or_, (kernel.tail for kernel in self._sliceable()))

    def skip(self, times: Ints, *values: Floats, skipped: Sequence[Skipped]) -> None:
        """Skips bars that other kernels processed, a `Skipped` for each column: see `Sliceable.skip`."""
        first = 0
        for indicator, kernel, taken in zip(self._indicators, self._sliceable(), self._taken, strict=True):
            kernel.skip(times, *(values[at] for at in taken), skipped=skipped[first])
            first += len(indicator.names)

    def _sliceable(self) -> list[Sliceable]:
        for indicator, kernel in zip(self._indicators, self._kernels, strict=True):
            if not hasattr(kernel, "head"):
                raise UsageError(
                    f"--slices: {indicator} carries from bar to bar what a slice cannot know of the bars before it;"
                    " leave out --slices, or this indicator"
                )
        return cast(list[Sliceable], self._kernels)

    def _stepped(self, times: Ints, starts: Ints, candidates: Ints) -> Ints:
        """Those of the candidates that are a step after the previous line."""
        if self._step == Step() or not len(times):
            return candidates
        cuts = np.concatenate([[0], starts])
        lengths = np.diff(cuts, append=len(times))
        bars = np.arange(len(times)) - np.repeat(cuts, lengths)
        bars[: lengths[0]] += self._bars
        clock = self._step.clock(times, bars)
        origin = np.repeat(cuts, lengths)
        # The previous line, if the first bars continue its symbol, is a candidate that has its line already.
        known = [] if self._last_line is None or not lengths[0] else [self._last_line]
        before = np.array(known, dtype=np.int64)
        spaced = _spaced(
            np.concatenate([before, clock[candidates]]),
            np.concatenate([np.zeros_like(before), origin[candidates]]),
            self._step.distance,
        )
        index = candidates[spaced[len(before) :] - len(before)]
        self._bars = int(bars[-1]) + 1
        self._last_line = self._last_of(clock, index, starts)
        return index

    def _last_of(self, clock: Ints, index: Ints, starts: Ints) -> int | None:
        """The last symbol's last line, on the clock, if it has one."""
        if len(index) and (not len(starts) or index[-1] >= starts[-1]):
            return int(clock[index[-1]])
        return None if len(starts) else self._last_line


def _spaced(clock: Ints, symbol: Ints, distance: int) -> Ints:
    """Positions of each symbol's first entry, and then of each next one at least `distance` later.

    `symbol` marks the entries of a symbol by one number, ascending.
    """
    origin = np.searchsorted(symbol, symbol)
    # An entry's window of that span holds what is too close before it; so the one after entry i is the first entry
    # whose window no longer holds i, of the same symbol or the next symbol's first.
    nearest = first_within(clock, origin, distance)
    following = np.searchsorted(nearest, np.arange(len(clock)), side="right")
    if (following == np.arange(1, len(clock) + 1)).all():
        return np.arange(len(clock))
    chain, at, after = [], 0, following.tolist()
    while at < len(after):
        chain.append(at)
        at = after[at]
    return np.array(chain, dtype=np.int64)
