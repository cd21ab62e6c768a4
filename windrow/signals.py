"""Golden and death crosses of two lines: an indicator, or the price itself, over another.

A cross is a change of the sign of fast - slow since it was last not zero: touching is not crossing.

    fast - slow    not full   0  0  +  +  0  +  0  -  0  -  +
                              starting state       |        |
                                                 death    golden

The first cross needs both lines full at the bar before, so the first sign there is, is a state and no cross. Signs are
those of exact comparison: averages that are equal in school arithmetic are equal here (windrow/exact.py).
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.errors import UsageError
from windrow.rounding import Floats, Ints
from windrow.windows import Indicator, Options, kernels, parse_indicator

Signs: TypeAlias = NDArray[np.int8]

#: In place of a sign, where a line has no value yet. No sign times it is -1: a cross is where a sign times the one
#: before is.
NOT_FULL = -2


class LineKernel(Protocol):
    """What computes a line: see `windows.Kernel`."""

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """One value a bar, NaN where there is none yet."""
        ...


class PriceKernel:
    """Hands out the prices that it takes, as a kernel does its values."""

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """The values themselves: see `Kernel.push`."""
        return values


@dataclass(frozen=True)
class Price:
    """The price itself, of the column that the averages take, as one line of two; full from the first bar."""

    column: str = "close"

    def __str__(self) -> str:
        return self.column

    def kernel(self, options: Options) -> LineKernel:
        """A new kernel, as an indicator's; no option changes it."""
        return PriceKernel()


Line: TypeAlias = Price | Indicator


def parse_line(text: str, column: str = "close") -> Line:
    """The line that a text stands for: an indicator as `ema:7`, or the price by the name of its column.

    Raises UsageError if it is neither.

    >>> parse_line("ema:7"), parse_line("close")
    (Indicator(kind='ema', window=CountWindow(bars=7)), Price(column='close'))
    """
    if text == column:
        return Price(column)
    if ":" not in text:
        raise UsageError(
            f"line {text!r}: a line is an indicator, KIND:WINDOW with KIND one of {', '.join(kernels())}, or the price"
            f" itself, {column}; give one as sma:50, or {column}"
        )
    return parse_indicator(text)


def trend(fast: Floats, slow: Floats) -> Signs:
    """The sign of fast - slow: 1, 0 or -1, and NOT_FULL where either is NaN; of any shapes that broadcast.

    >>> trend(np.array([np.nan, 2.0, 2.0, 2.0]), np.array([1.0, 1.0, 2.0, 3.0])).tolist()
    [-2, 1, 0, -1]
    """
    signs: Signs = np.greater(fast, slow).view(np.int8) - np.less(fast, slow).view(np.int8)
    signs[np.isnan(fast) | np.isnan(slow)] = NOT_FULL
    return signs


class Crosses:
    """Finds the crosses of one pair of lines, symbol after symbol. State: the last sign that is not zero.

    Where a line is not full, what was before is forgotten.

    >>> crosses = Crosses()
    >>> crosses.push(np.array([-2, -2, 0, 1, 0, -1, 0], np.int8), starts=np.array([0]))
    (array([5]), array([-1], dtype=int8))
    >>> crosses.push(np.array([-1, 1, -1, 1], np.int8), starts=np.array([2]))  # goes on; the third is a new symbol's
    (array([1, 3]), array([1, 1], dtype=int8))
    """

    def __init__(self) -> None:
        self._last = 0

    def push(self, trend: Signs, starts: Ints) -> tuple[Ints, Signs]:
        """Positions of the crosses among these bars, and what each is: 1 golden, -1 death.

        trend: (bars,), what `trend` returns. starts: positions at which a new symbol's bars begin, ascending; bars
        before the first go on with the symbol of the push before. The crosses do not depend on where pushes end.
        """
        at = np.flatnonzero(trend)
        known = np.concatenate([np.array([self._last], np.int8), trend[at]])
        firsts = np.searchsorted(at, starts)
        before = known[:-1].copy()
        before[firsts[firsts < len(at)]] = 0
        self._last = 0 if len(starts) and firsts[-1] == len(at) else int(known[-1])
        crossed = known[1:] * before == -1
        return at[crossed], known[1:][crossed]
