"""Golden and death crosses of two lines: an indicator, or the price itself, over another.

A cross is a change of the sign of fast - slow since it was last not zero: touching is not crossing.

    fast - slow    not full   0  0  +  +  0  +  0  -  0  -  +
                              starting state       |        |
                                                 death    golden

The first cross needs both lines full at the bar before, so the first sign is a state and not a cross. Comparisons are
exact: averages that are equal in exact decimal arithmetic are equal here (windrow/exact/sums.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints, Signs
from windrow.errors import UsageError
from windrow.states import Carries, Count, Json, MadeOf, Parts, Resumable
from windrow.windows import Indicator, Options, kernels, parse_indicator
from windrow.windows.indicator import meant

#: In place of a sign, where a line has no value yet. A cross is where a sign times the one before is -1, which no sign
#: times this is.
NOT_FULL = -2


class LineKernel(Protocol):
    """What computes a line: see `windows.Kernel`."""

    def carried(self) -> Json:
        """What it carries, as a part of something's state."""
        ...

    def carry(self, told: Json) -> None:
        """Takes that."""
        ...

    @property
    def push(self) -> Callable[..., Floats]:
        """push(times, *values, starts): one value per bar, NaN where there is none yet."""
        ...


class PriceKernel(Resumable):
    """Returns the prices that it is given."""

    def push(self, times: Ints, values: Floats, starts: Ints) -> Floats:
        """The values themselves: see `Kernel.push`."""
        return values


@dataclass(frozen=True)
class Price:
    """The price itself, of the same column as the averages, as one of two lines; full from the first bar."""

    column: str = "close"

    def __str__(self) -> str:
        return self.column

    def columns(self, column: str) -> tuple[str, ...]:
        """The columns of bars that its kernel takes."""
        return (self.column,)

    def kernel(self, options: Options) -> LineKernel:
        """A new kernel; no option changes it."""
        return PriceKernel()


Line: TypeAlias = Price | Indicator


def parse_line(text: str, column: str = "close") -> Line:
    """The line that a text means: an indicator, e.g. `ema:7`, or the price, by the name of its column.

    Of an indicator of several columns it is one, by its name, e.g. `bollinger:20.upper`. Raises UsageError for any
    other text.

    >>> print(parse_line("ema:7"), parse_line("bollinger:20.upper"), parse_line("close"))
    ema:7 bollinger:20.upper close
    """
    if text == column:
        return Price(column)
    if ":" not in text:
        raise UsageError(
            f"line {text!r}: a line is an indicator, KIND:WINDOW with KIND one of {', '.join(kernels())}, or the price"
            f" itself, {column}; use e.g. {meant(text) or 'sma:50'}, or {column}"
        )
    indicator = parse_indicator(text)
    indicator.check_line()
    return indicator


@dataclass(frozen=True)
class Pair:
    """A fast line, and the slow line that it crosses; which of the two has the longer window does not matter.

    Raises UsageError where they are the same line.
    """

    fast: Line
    slow: Line

    def __post_init__(self) -> None:
        if self.fast == self.slow:
            raise UsageError(
                f"--fast {self.fast} --slow {self.slow}: a line never crosses itself; use two different lines"
            )

    def __str__(self) -> str:
        return f"{self.fast}/{self.slow}"


def parse_pairs(fasts: Sequence[str], slows: Sequence[str], column: str = "close") -> list[Pair]:
    """The pairs of lines given as texts, the first fast line with the first slow line, and so on.

    Raises UsageError for texts that are not lines, more fast than slow lines or the reverse, and a repeated pair.

    >>> [str(pair) for pair in parse_pairs(["close", "ema:7"], ["sma:200", "ema:21"])]
    ['close/sma:200', 'ema:7/ema:21']
    """
    if len(fasts) != len(slows):
        raise UsageError(
            f"--fast {' '.join(fasts) or '(none)'} --slow {' '.join(slows) or '(none)'}: {len(fasts)} fast and"
            f" {len(slows)} slow lines do not pair up: the first fast line crosses the first slow line, the second the"
            " second, and so on; use one of each per pair"
        )
    texts = zip(fasts, slows, strict=True)
    pairs = [Pair(parse_line(fast, column), parse_line(slow, column)) for fast, slow in texts]
    for pair in pairs:
        if pairs.count(pair) > 1:
            raise UsageError(
                f"--fast {pair.fast} --slow {pair.slow}: the pair is given {pairs.count(pair)} times: its crosses are"
                " written once; use it once"
            )
    return pairs


def trend(fast: Floats, slow: Floats) -> Signs:
    """The sign of fast - slow: 1, 0 or -1, and NOT_FULL where either is NaN; of any shapes that broadcast.

    >>> trend(np.array([np.nan, 2.0, 2.0, 2.0]), np.array([1.0, 1.0, 2.0, 3.0])).tolist()
    [-2, 1, 0, -1]
    """
    signs: Signs = np.greater(fast, slow).view(np.int8) - np.less(fast, slow).view(np.int8)
    signs[np.isnan(fast) | np.isnan(slow)] = NOT_FULL
    return signs


class Crosses(Resumable):
    """Finds the crosses of one pair of lines, symbol after symbol. State: the last sign that is not zero.

    A bar where a line is not full clears it.

    >>> crosses = Crosses()
    >>> crosses.push(np.array([-2, -2, 0, 1, 0, -1, 0], np.int8), starts=np.array([0]))
    (array([5]), array([-1], dtype=int8))
    >>> crosses.push(np.array([-1, 1, -1, 1], np.int8), starts=np.array([2]))  # the third bar is a new symbol's
    (array([1, 3]), array([1, 1], dtype=int8))
    """

    carries: ClassVar[Carries] = {"_last": Count()}

    def __init__(self) -> None:
        self._last = 0

    def odd(self) -> str | None:
        """A sign that is none."""
        return None if self._last in (NOT_FULL, -1, 0, 1) else f"_last is {self._last}, which is no sign"

    def push(self, trend: Signs, starts: Ints) -> tuple[Ints, Signs]:
        """Positions of the crosses among these bars, and what each is: 1 golden, -1 death.

        trend: (bars,), what `trend` returns. starts: positions at which a new symbol's bars begin, ascending; bars
        before the first continue the symbol of the previous push. The crosses do not depend on where pushes end.
        """
        at = np.flatnonzero(trend)
        known = np.concatenate([np.array([self._last], np.int8), trend[at]])
        firsts = np.searchsorted(at, starts)
        before = known[:-1].copy()
        before[firsts[firsts < len(at)]] = 0
        self._last = 0 if len(starts) and firsts[-1] == len(at) else int(known[-1])
        crossed = known[1:] * before == -1
        return at[crossed], known[1:][crossed]


class Found(NamedTuple):
    """Crosses among some bars, in order of bars, then pairs; all of shape (crosses,).

    positions: of the bars. pairs: numbers of the pairs. signs: 1 golden, -1 death. The others are values at those bars.
    """

    positions: Ints
    pairs: Ints
    signs: Signs
    prices: Floats
    fast: Floats
    slow: Floats


class Signals(Resumable):
    """Runs bars through the lines of all pairs, each line once, and finds the pairs' crosses, all symbols at once.

    State: the lines' states and a sign per pair; temporaries: a column of the push's bars per line. `columns`: the
    columns of bars that it takes, that of the price, `column`, first. Raises UsageError where a line and the options do
    not go together.

    >>> signals = Signals(parse_pairs(["close", "close"], ["sma:2", "sma:3"]))
    >>> found = signals.push(np.arange(6), np.array([4.0, 3.0, 2.0, 3.0, 3.0, 1.0]), starts=np.array([0]))
    >>> for cross in zip(*(column.tolist() for column in found)):
    ...     print(cross)
    (3, 0, 1, 3.0, 3.0, 2.5)
    (3, 1, 1, 3.0, 3.0, 2.6666666666666665)
    (5, 0, -1, 1.0, 1.0, 2.0)
    (5, 1, -1, 1.0, 1.0, 2.3333333333333335)
    """

    carries: ClassVar[Carries] = {"_crosses": Parts(), "_lines": Parts()}

    def __init__(self, pairs: Sequence[Pair], options: Options | None = None, column: str = "close") -> None:
        self.pairs = list(pairs)
        self._made_of: MadeOf = {"pairs": " ".join(map(str, pairs)), **asdict(options or Options())}
        self._crosses = [Crosses() for _ in pairs]
        lines = dict.fromkeys(line for pair in pairs for line in (pair.fast, pair.slow))
        self.columns = list(dict.fromkeys([column, *(name for line in lines for name in line.columns(column))]))
        self._taken = {line: [self.columns.index(name) for name in line.columns(column)] for line in lines}
        self._kernels = {line: line.kernel(options or Options()) for line in lines}
        self._lines = list(self._kernels.values())

    def made_of(self) -> MadeOf:
        """Its pairs and options."""
        return self._made_of

    def push(self, times: Ints, *values: Floats, starts: Ints) -> Found:
        """The crosses among these bars, of which `values` are the `columns`.

        Takes what `Kernel.push` takes, and raises what it raises.
        """
        lines = {
            line: kernel.push(times, *(values[at] for at in self._taken[line]), starts=starts)
            for line, kernel in self._kernels.items()
        }
        found = []
        for number, (pair, crosses) in enumerate(zip(self.pairs, self._crosses, strict=True)):
            fast, slow = lines[pair.fast], lines[pair.slow]
            at, signs = crosses.push(trend(fast, slow), starts)
            found.append(Found(at, np.full(len(at), number), signs, values[0][at], fast[at], slow[at]))
        together = [np.concatenate(column) for column in zip(*found, strict=True)]
        order = np.argsort(together[0], kind="stable")
        return Found._make(column[order] for column in together)
