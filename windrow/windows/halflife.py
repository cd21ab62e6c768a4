"""An exponential average whose weights decay by time."""

from decimal import Decimal
from functools import cache
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import UsageError
from windrow.states import Carries, Count, MadeOf, Number
from windrow.windows.kernel import Declared, Options
from windrow.windows.window import CountWindow, TimeWindow, Window, elapsed

_STEPS = 64
_LN2 = 0.6931471805599453


class HalfLife(Declared):
    """The mean of all bars so far, weighted by 0.5 ** (age / half-life): halflife:30d by time, halflife:20 by bars.

    As pandas' ewm(halflife="30D", times=...).mean() and ewm(halflife=20).mean(), to 1e-12 x the largest |x| so far;
    what is missing between two bars counts by the time that it takes, not by rows. It is y + (x - y) / s, where s, the
    sum of weights, is 1 + s * 0.5 ** (time since the bar before / half-life). Its first value is where a half-life has
    passed since the symbol's first bar or, with --min-periods N, at the N-th bar. State: four numbers.

    >>> kernel = HalfLife(TimeWindow(2), Options(min_periods=1))
    >>> kernel.push(np.array([0, 2, 6]), np.array([1.0, 4.0, 4.0]), np.array([0])).round(12).tolist()
    [1.0, 3.0, 3.727272727273]
    """

    kind = "halflife"
    carries: ClassVar[Carries] = {
        "_average": Number(),
        "_weight": Number(),
        "_bars": Count(),
        "_born": Count(),
        "_time": Count(),
    }

    def __init__(self, window: Window, options: Options) -> None:
        if not isinstance(window, CountWindow | TimeWindow):
            raise UsageError(f"{self.kind}:{window}: a half-life is a time or a number of bars; use e.g. halflife:30d")
        self._window, self._options = window, options
        self._average, self._weight = 0.0, 0.0
        self._bars = self._born = self._time = 0  # of the last symbol: its bars, the times of its first and last one

    def made_of(self) -> MadeOf:
        """Its half-life, and what decides on its first value."""
        return {
            "halflife": str(self._window),
            "min_periods": self._options.min_periods,
            "step_ns": self._options.step_ns,
        }

    @property
    def state_bars(self) -> int:
        """Bars held: none."""
        return 0

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value per bar, NaN where there is none yet: see `Kernel.push`."""
        if not len(times):
            return np.empty(0)
        cuts = np.concatenate([[0], starts])
        lengths = np.diff(cuts, append=len(times))
        counts = np.arange(1, len(times) + 1) - np.repeat(cuts, lengths)
        births = times[np.minimum(cuts, len(times) - 1)]
        if lengths[0] and self._bars:
            counts[: lengths[0]] += self._bars
            births[0] = self._born
        ready = self._ready(counts, times - np.repeat(births, lengths))
        result = np.array(self._averages(values, self._kept(times, counts)))
        self._average = float(result[-1])
        self._bars, self._born, self._time = int(counts[-1]), int(births[-1]), int(times[-1])
        result[~ready] = np.nan
        return result

    def _ready(self, counts: Ints, ages: Ints) -> Mask:
        if self._options.min_periods is not None:
            return np.asarray(counts >= self._options.min_periods)
        return self._window.full(counts, ages, self._options.step_ns)

    def _kept(self, times: Ints, counts: Ints) -> Floats:
        """What is left of earlier weights at each bar; 0 at a symbol's first."""
        if isinstance(self._window, CountWindow):
            kept = np.full(len(times), halved(np.array([1.0 / self._window.bars]))[0])
        else:
            since = elapsed(times, np.concatenate([[self._time], times[:-1]]))
            kept = halved(since.astype(np.float64) / self._window.span_ns)
        kept[counts == 1] = 0.0
        return kept

    def _averages(self, values: Floats, kept: Floats) -> list[float]:
        average, weight = self._average, self._weight
        averages: list[float] = []
        for value, part in zip(values.tolist(), kept.tolist(), strict=True):
            weight = 1.0 + weight * part
            average = average + (value - average) / weight if weight > 1.0 else value
            averages.append(average)
        self._weight = weight
        return averages


def halved(times: Floats) -> Floats:
    """0.5 ** times, for times from 0 on, within 2 ulp and with the same bits on every machine, as its own exp is not.

    >>> halved(np.array([0.0, 0.5, 3.0, 1e9])).tolist()
    [1.0, 0.7071067811865476, 0.125, 0.0]
    """
    steps = np.minimum(times, 1100.0) * _STEPS
    whole = np.floor(steps)
    rest = (steps - whole) * (_LN2 / _STEPS)
    series = np.ones(len(times))
    for power in range(8, 0, -1):  # exp(-rest), of at most 0.011
        series = 1.0 - rest / power * series
    number = whole.astype(np.int64)
    return np.asarray(np.ldexp(_roots()[number % _STEPS] * series, -(number // _STEPS)))


@cache
def _roots() -> Floats:
    """0.5 ** (k / _STEPS), correctly rounded."""
    return np.array([float(Decimal(2) ** (Decimal(-k) / _STEPS)) for k in range(_STEPS)])
