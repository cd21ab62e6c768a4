"""Values of larger bars: how each is computed of the bars in it, exactly, in arrays, and of parts that are joined.

    open, close         of the first bar, of the last        mean_NAME, sum_NAME      of all bars
    high, low           the largest high, the smallest low   first_, last_, min_, max_NAME
    adj_close           of the last bar                      bars    how many there are
    volume              the sum                              vwap    see below

vwap is sum((high + low + close) / 3 * volume) / sum(volume): the typical price, weighted by volume. Without any volume
there is none.
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.exact.groups import Sums, products, totals


class Runs:
    """Bars in runs, those of one larger bar each: columns by name, and where each run begins; totals are made once."""

    def __init__(self, columns: Mapping[str, Floats], starts: Ints, bars: int) -> None:
        self.columns, self.starts = columns, starts
        self.ends = np.append(starts[1:], bars)
        self._totals: dict[str, Sums] = {}

    @cached_property
    def bars(self) -> Ints:
        """How many bars each run has."""
        return self.ends - self.starts

    def totals(self, name: str) -> Sums:
        """The sums of a column."""
        if name not in self._totals:
            self._totals[name] = totals(self.columns[name], self.starts)
        return self._totals[name]


class Rule(Protocol):
    """How one value of larger bars is computed: in arrays for runs of bars, and added up over the parts of a run."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of bars that it needs."""
        ...

    def of(self, runs: Runs) -> Any:
        """What is known of each run: an array, or totals."""
        ...

    def part(self, known: Any, runs: Runs, at: int) -> Any:
        """What is known of one run, to be joined."""
        ...

    def joined(self, one: Any, later: Any) -> Any:
        """What is known of two parts of one run."""
        ...

    def values(self, known: Any, runs: Runs) -> Floats:
        """The values of all runs."""
        ...

    def value(self, part: Any) -> float:
        """The value of one run."""
        ...


class _Picked:
    """A value of one bar: the first, the last, the smallest or the largest."""

    def __init__(self, kind: str, column: str) -> None:
        self._kind, self.columns = kind, (column,)

    def of(self, runs: Runs) -> Floats:
        x = runs.columns[self.columns[0]]
        if self._kind in ("first", "last"):
            return x[runs.starts if self._kind == "first" else runs.ends - 1]
        return np.asarray((np.maximum if self._kind == "max" else np.minimum).reduceat(x, runs.starts), np.float64)

    def part(self, known: Floats, runs: Runs, at: int) -> float:
        return float(known[at])

    def joined(self, one: float, later: float) -> float:
        return {"first": one, "last": later, "min": min(one, later), "max": max(one, later)}[self._kind]

    def values(self, known: Floats, runs: Runs) -> Floats:
        return known + 0.0  # turns -0.0 into 0.0

    def value(self, part: float) -> float:
        return part + 0.0


#: Two exact sums over the bars of a part of a run.
_Two: TypeAlias = tuple[Fraction, Fraction]


def _both(one: _Two, later: _Two) -> _Two:
    return one[0] + later[0], one[1] + later[1]


class _Summed:
    """The sum of all bars, or their mean."""

    def __init__(self, kind: str, column: str) -> None:
        self._mean, self.columns = kind == "mean", (column,)

    def of(self, runs: Runs) -> Sums:
        return runs.totals(self.columns[0])

    def part(self, known: Sums, runs: Runs, at: int) -> _Two:
        return known.fraction(at), Fraction(int(runs.bars[at]))

    joined = staticmethod(_both)

    def values(self, known: Sums, runs: Runs) -> Floats:
        return known.over(runs.bars if self._mean else np.ones(1, np.int64))

    def value(self, part: _Two) -> float:
        total, bars = part
        return float(total / bars if self._mean else total)


class _Weighted:
    """The mean of (high + low + close) / 3, weighted by volume; NaN without any."""

    columns = ("high", "low", "close", "volume")

    def of(self, runs: Runs) -> tuple[Sums, Sums]:
        *prices, volume = (runs.columns[name] for name in self.columns)
        return products(prices, volume, runs.starts), runs.totals("volume")

    def part(self, known: tuple[Sums, Sums], runs: Runs, at: int) -> _Two:
        return known[0].fraction(at), known[1].fraction(at)

    joined = staticmethod(_both)

    def values(self, known: tuple[Sums, Sums], runs: Runs) -> Floats:
        return known[0].by(known[1], 3)

    def value(self, part: _Two) -> float:
        traded, volume = part
        return float(traded / (3 * volume)) if volume else np.nan


class _Counted:
    """How many bars there are."""

    columns = ()

    def of(self, runs: Runs) -> None:
        return None

    def part(self, known: None, runs: Runs, at: int) -> int:
        return int(runs.bars[at])

    def joined(self, one: int, later: int) -> int:
        return one + later

    def values(self, known: None, runs: Runs) -> Floats:
        return runs.bars.astype(np.float64)

    def value(self, part: int) -> float:
        return float(part)


_KINDS: dict[str, type[_Picked] | type[_Summed]] = {
    **dict.fromkeys(["first", "last", "min", "max"], _Picked),
    **dict.fromkeys(["sum", "mean"], _Summed),
}
#: Values by the names of bars' columns; others are KIND_COLUMN.
_CALLED = {
    "open": "first_open",
    "high": "max_high",
    "low": "min_low",
    "close": "last_close",
    "adj_close": "last_adj_close",
    "adjusted_close": "last_adjusted_close",
    "volume": "sum_volume",
}


def rule_of(name: str) -> Rule:
    """How the value is computed that a name of a column means. Raises UsageError for any other name.

    >>> rule_of("volume").columns, rule_of("mean_adj_close").columns, rule_of("vwap").columns
    (('volume',), ('adj_close',), ('high', 'low', 'close', 'volume'))
    """
    if name in ("vwap", "bars"):
        return _Weighted() if name == "vwap" else _Counted()
    kind, _, column = _CALLED.get(name, name).partition("_")
    if kind not in _KINDS or not column:
        raise UsageError(
            f"--resample: what the {name} of a larger bar is, is not known; choose {', '.join(_CALLED)}, vwap, bars, or"
            f" one of {', '.join(_KINDS)}, then _ and a column, e.g. last_{name}"
        )
    return _KINDS[kind](kind, column)
