"""Donchian channel."""

from decimal import Decimal
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.exact import sums as exact
from windrow.states import MadeOf
from windrow.windows.kernel import Argument, Options
from windrow.windows.rolling import Windowed
from windrow.windows.window import MOST_BARS, CountWindow, Window


class Donchian(Windowed):
    """The highest high of the window, its lowest low, and the middle of the two; exact, the middle rounded once.

    donchian:20 has the present bar in it, as TradingView's, so that no close ever leaves it. donchian:20,1 is the
    channel of the 20 bars up to the bar before the present one, which a close leaves at a breakout: the rule of the
    Turtles (Faith, "Way of the Turtle", 2007). An offset goes with a window of bars only, full ones.

    >>> kernel, high = Donchian(CountWindow(2), Options()), np.array([2.0, 5.0, 3.0, 4.0])
    >>> kernel.push(np.arange(4), high, high - 0.5, np.array([0])).tolist()
    [[nan, 5.0, 5.0, 4.0], [nan, 3.25, 3.75, 3.25], [nan, 1.5, 2.5, 2.5]]
    """

    kind = "donchian"
    inputs = ("high", "low")
    outputs = ("upper", "middle", "lower")
    arguments: ClassVar[tuple[Argument, ...]] = (Argument("OFFSET", "0", low=0, high=MOST_BARS),)

    def __init__(self, window: Window, options: Options, offset: Decimal | int = 0) -> None:
        self._offset = int(offset)
        if self._offset and (not isinstance(window, CountWindow) or options.min_periods is not None):
            raise UsageError(
                f"{self.kind}:{window},{offset}: an offset goes with a window of bars, once it is full; use e.g."
                f" {self.kind}:20,{offset} without --min-periods"
            )
        super().__init__(
            CountWindow(window.bars + self._offset) if isinstance(window, CountWindow) else window, options
        )

    def made_of(self) -> MadeOf:
        """Its kind, window with the offset, offset and options."""
        return {**super().made_of(), "offset": self._offset}

    def push(self, times: Ints, high: Floats, low: Floats, starts: Ints) -> Floats:
        """Three rows, NaN where there is no value yet: see `Kernel.push`."""
        return self.rolled(times, [high, low], starts)

    def reduce(self, values: Floats, lo: Ints, hi: Ints) -> Floats:
        """Channels of each window values[:, lo:hi]."""
        upper = exact.maxima(values[0], lo, hi - self._offset)
        lower = exact.minima(values[1], lo, hi - self._offset)
        return np.array([upper, exact.between(lower, upper, np.ones(1, np.int64), 2), lower])
