"""Views of bars: which larger bars a job of them makes, by their values or by a preset.

day           days of all values
week, month   of each day the mean adjusted close, rounded once, and of those the mean: so each day weighs the same,
              however many bars it has
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.windows.periods import Span, parse_span
from windrow.windows.resample import Resampling

#: The values of larger bars, if no others are asked for.
VALUES = ("open", "high", "low", "close", "volume", "vwap", "bars")
_DAY, _MEAN = Span(1, "d"), "mean_adj_close"


class View(NamedTuple):
    """Larger bars, made one of another, each with its span and values; and what the last one's values are called."""

    chain: tuple[tuple[Span, tuple[str, ...]], ...]
    names: tuple[str, ...]

    @property
    def values(self) -> list[str]:
        """The values of the last larger bars."""
        return list(self.chain[-1][1])

    def labelled(self, how: Resampling) -> list[Resampling]:
        """The larger bars, with the labels of `how`."""
        return [replace(how, span=span, values=values) for span, values in self.chain]


def _averages(span: Span) -> View:
    return View(((_DAY, (_MEAN,)), (span, (f"mean_{_MEAN}", "bars"))), (_MEAN, "days"))


_OF_DAY = (*VALUES[:-1], _MEAN, "bars")
VIEWS = {
    "day": View(((_DAY, _OF_DAY),), _OF_DAY),
    "week": _averages(Span(1, "w")),
    "month": _averages(Span(1, "mo")),
}


def view_of(name: str | None, values: str | None, span: str | None) -> View:
    """The view of a name; without one that of values, A,B,..., in a span, by default 1d; capitals mean nothing.

    Raises UsageError for both, or for a value given twice.

    >>> view_of("week", None, None).names, view_of(None, "Close,bars", "1mo").chain
    (('mean_adj_close', 'days'), ((Span(number=1, unit='mo'), ('close', 'bars')),))
    """
    if name is None:
        asked = tuple("_".join(one.lower().split()) for one in values.split(",")) if values is not None else VALUES
        if twice := [value for value in asked if asked.count(value) > 1]:
            raise UsageError(f"--values {values}: {twice[0]!r} is given twice; give each name once")
        return View(((parse_span(span) if span else _DAY, asked),), asked)
    for option, given in (("--values", values), ("--resample", span)):
        if given is not None:
            raise UsageError(f"--view {name}: given with {option} {given}, which it stands for; give one of the two")
    return VIEWS[name]


class Whole:
    """A kernel that gives every bar a line, with all of its values."""

    def push(self, times: Ints, *values: Floats, starts: Ints) -> tuple[Ints, list[Floats]]:
        """Positions of all bars, and their columns."""
        return np.arange(len(times)), list(values)
