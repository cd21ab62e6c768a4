"""Moving average convergence and divergence."""

from decimal import Decimal
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.states import Carries, MadeOf, Part
from windrow.windows.ema import EMA
from windrow.windows.kernel import Argument, Declared, Options
from windrow.windows.smoothing import again, bars_of
from windrow.windows.window import MOST_BARS, CountWindow, Window


class MACD(Declared):
    """A fast ema less a slow one; the ema of that, the signal; and how far it is above the signal, the histogram.

    macd:12,26,9 is ema:12 - ema:26, to the bit, from bar 26 on, and from bar 34 on its ema over 9 (Appel, "The Moving
    Average Convergence-Divergence Trading Method", 1979). Each ema starts from the mean of its own first bars, as
    backtrader's, or with --ema-seed first from its first bar, as pandas' ewm(adjust=False). TA-Lib starts the fast ema
    later, with the mean of the bars before the slow one's first value, so its MACD differs until that is forgotten, and
    it writes nothing before bar 34.

    >>> kernel = MACD(CountWindow(1), Options(), 2, 2)
    >>> kernel.push(np.arange(4), np.array([1.0, 3.0, 4.0, 4.0]), np.array([0])).round(12).tolist()[0]
    [nan, 1.0, 0.666666666667, 0.222222222222]
    """

    kind = "macd"
    over_prices = False
    outputs = ("macd", "signal", "histogram")
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("SLOW", "26", high=MOST_BARS),
        Argument("SIGNAL", "9", high=MOST_BARS),
    )
    carries: ClassVar[Carries] = {"_fast": Part(), "_slow": Part(), "_signal": Part()}

    def __init__(self, window: Window, options: Options, slow: Decimal | int = 26, signal: Decimal | int = 9) -> None:
        fast = bars_of(self.kind, window)
        if fast >= slow:
            raise UsageError(
                f"{self.kind}:{fast},{slow},{signal}: the fast ema, {fast}, is not shorter than the slow one, {slow};"
                f" write the shorter one first, e.g. {self.kind}:12,26,9"
            )
        self._made_of: MadeOf = {"macd": f"{fast},{slow},{signal}", "ema_seed": options.ema_seed}
        self._fast, self._slow = EMA(window, options), EMA(CountWindow(int(slow)), options)
        self._signal = again(int(signal), options)

    def made_of(self) -> MadeOf:
        """Its bars and seed."""
        return self._made_of

    @property
    def state_bars(self) -> int:
        """Bars held for the seeds."""
        return self._fast.state_bars + self._slow.state_bars + self._signal.state_bars

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """Three rows, NaN where there is no value yet: see `Kernel.push`."""
        apart = self._fast.push(times, values, starts) - self._slow.push(times, values, starts)
        signal = self._signal.push(apart, starts)
        return np.array([apart, signal, apart - signal])
