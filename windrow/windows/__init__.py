"""Moving windows over bars, one kernel per file.

    window.py    windows by count and by time     kernel.py    what a kernel is, and its options
    rolling.py   kernels of a window's bars alone: sma, sum, min, max, std, wma
    ema.py       the one recursion                indicators.py  several kernels side by side
    resample.py  bars of larger spans             periods.py     those spans: 5min, 1d, 1mo
    values.py    the values of larger bars   trend.py      Theil-Sen: the robust line of a window

A new kernel is a new file here with a class that has a `kind`, and its test.
"""

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from windrow.errors import UsageError
from windrow.times import parse_duration
from windrow.windows.kernel import Kernel, Options
from windrow.windows.window import CountWindow, TimeWindow, Window, parse_window

__all__ = [
    "CountWindow",
    "Indicator",
    "Kernel",
    "Options",
    "TimeWindow",
    "Window",
    "kernels",
    "parse_duration",
    "parse_indicator",
    "parse_window",
]


@dataclass(frozen=True)
class Indicator:
    """A kind of kernel, and its window."""

    kind: str
    window: Window

    def __str__(self) -> str:
        return f"{self.kind}:{self.window}"

    def kernel(self, options: Options) -> Kernel:
        """A new kernel. Raises UsageError where kind, window and options do not go together."""
        return kernels()[self.kind](self.window, options)


@cache
def kernels() -> dict[str, type[Kernel]]:
    """The kernels by kind, in the order of their files' names: every class in a module of this package with a
    `kind`.

    >>> kernels()["sma"]
    <class 'windrow.windows.sma.SMA'>
    """
    found = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, type) and value.__module__ == module.name and hasattr(value, "kind"):
                found[value.kind] = value
    return found


def parse_indicator(text: str) -> Indicator:
    """The indicator written as `KIND:WINDOW`, e.g. `sma:20` or `max:30d`. Raises UsageError for any other text.

    >>> parse_indicator("max:30d")
    Indicator(kind='max', window=TimeWindow(span_ns=2592000000000000))
    """
    kind, colon, window = text.partition(":")
    if not colon or kind not in kernels():
        raise UsageError(
            f"indicator {text!r}: an indicator is KIND:WINDOW, with KIND one of {', '.join(kernels())};"
            " use e.g. sma:20 or max:30d"
        )
    return Indicator(kind, parse_window(window))
