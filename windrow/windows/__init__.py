"""Moving windows over bars, one kernel per file.

    window.py    windows of bars, time and days   kernel.py      what a kernel is, and its options
    rolling.py   kernels of a window's bars alone: sma, sum, min, max, std, wma
    ema.py       the one recursion                indicator.py   a kind, its numbers and its text
    resample.py  bars of larger spans             indicators.py  several kernels side by side
    values.py    the values of larger bars        periods.py     those spans: 5min, 1d, 1mo
    trend.py     Theil-Sen, a robust line         smoothing.py   what recursive kernels are made of

A new kernel is a new file here with a class that has a `kind`, the file's name, and its test. It takes one column of
bars and gives one, or declares others: see `Declared` in kernel.py. docs/indicators.md has them all.
"""

from windrow.times import parse_duration
from windrow.windows.indicator import Indicator, kernels, parse_indicator
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
