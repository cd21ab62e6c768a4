"""Sequences of neighbouring bars, each with the bar that follows it, whose value is to be forecast.

Where two bars are neighbours is decided by their times alone, for a symbol's bars are in order:

    bars of a day or more    the usual distance, the most frequent one of a symbol's bars (`Distances`), is 20 hours or
                             more: neighbours are at most that and 6 days apart, so weekends and holidays are no gap,
                             and a week without a bar is one. With an exchange's calendar, neighbours of days are bars
                             of one session and of the next, by their dates in UTC; a bar of no session has none. Of
                             weeks and months it says nothing.
    bars within days         neighbours are at most the usual distance apart: a bar that is missing, a night, or a break
                             for lunch is a gap. With sessions, both must be in the same one as well; a bar in none has
                             no neighbours.

Another distance may be given for either; and all bars may be neighbours (`across`).

    rows        0  1  2  3     4  5  6  7  8        a gap between 3 and 4
    length 2    [0  1] 2       [4  5] 6             starts 0, 1, 4, 5, 6
                   [1  2] 3       [5  6] 7
                                     [6  7] 8

Splits are by time: a symbol's first share of bars is for training, and no bar of it is in any sequence of the test
(an embargo of one sequence: those that would begin in the last bars of training are dropped). A random split has nearly
all test bars among the bars of training, as published forecasts that shuffle sequences before they split do: it is
there to show what that leak is worth.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import InputError
from windrow.sessions import Trading
from windrow.times import DAY, DURATIONS
from windrow.windows.window import elapsed

#: Distances from which on bars are those of days, and of more days than one; and how much farther apart they may be.
_OF_DAYS, _OF_MORE, _HOLIDAYS = 20 * DURATIONS["h"], 36 * DURATIONS["h"], 6 * DAY
#: Most different distances that are counted; bars at regular times have a few hundred: nights, weekends, holidays.
_MOST_DISTANCES = 1 << 14


class Distances:
    """How far a symbol's bars are apart, from bar to bar: the distance that is most frequent, the least of several.

    must: whether there must be a usual one; else of times with too many distances it is 0. Memory: 16,384 distances.

    >>> one = Distances()
    >>> one.add(np.array([0, 60, 120]))
    >>> one.add(np.array([180, 900, 960]))
    >>> one.usual
    60
    """

    def __init__(self, must: bool = True) -> None:
        self._must, self._too_many = must, False
        self._last: int | None = None
        self._counts: Counter[int] = Counter()

    def add(self, times: Ints) -> None:
        """Adds times (ns), strictly ascending, after those before. Raises InputError for too many distances."""
        if self._too_many or not len(times):
            return
        first = times[:0] if self._last is None else np.array([self._last])
        self._last = int(times[-1])
        found, counts = np.unique(_distances(np.concatenate([first, times])), return_counts=True)
        self._counts.update(dict(zip(found.tolist(), counts.tolist(), strict=True)))
        if len(self._counts) <= _MOST_DISTANCES:
            return
        self._too_many = True
        self._counts.clear()
        if self._must:
            raise InputError(
                f"times of bars: have over {_MOST_DISTANCES:,} different distances, so that none is the usual one; say"
                " from what distance on there is a gap with --gap, e.g. --gap 1min"
            )

    @property
    def usual(self) -> int:
        """The most frequent one, ns; 0 of fewer than two bars."""
        return min(self._counts, key=lambda distance: (-self._counts[distance], distance), default=0)


def usual_distance(times: Ints) -> int:
    """The same of these times; 0 where there is none.

    >>> usual_distance(np.array([0, 60, 120, 900]))
    60
    """
    distances = Distances(must=False)
    distances.add(times)
    return distances.usual


@dataclass(frozen=True)
class Neighbours:
    """Which bars of a symbol are neighbours: see this module.

    usual: the distance that is most frequent, ns. gap: the largest distance of neighbours, in place of what follows
    from that. trading: the sessions to keep within. across: whether every bar follows the one before.
    """

    usual: int
    gap: int | None = None
    trading: Trading | None = None
    across: bool = False

    def follows(self, times: Ints, before: int | None = None) -> Mask:
        """Whether each bar is the neighbour of the one before; `before` is the time of that of the first, if any.

        >>> Neighbours(60).follows(np.array([0, 60, 180, 240])).tolist()
        [False, True, False, True]
        """
        first = [] if before is None else [before]
        all_times = np.concatenate([np.array(first, np.int64), times])
        found = np.zeros(len(all_times), bool)
        if len(all_times) > 1:
            found[1:] = self._are_neighbours(all_times)
        return found[len(first) :]

    def _are_neighbours(self, times: Ints) -> Mask:
        """Of each two bars in a row."""
        if self.across:
            return np.ones(len(times) - 1, bool)
        of_days = are_of_days(self.usual)
        largest = self.gap if self.gap is not None else self.usual + _HOLIDAYS * of_days
        near = _distances(times) <= np.uint64(largest)
        if self.trading is None or self.usual >= _OF_MORE:
            return np.asarray(near)
        sessions = self.trading.between(int(times[0]), int(times[-1]))
        if of_days:
            at = _position(sessions.days, times // DAY * DAY)
            near = near if self.gap is not None else at[1:] == at[:-1] + 1
            return np.asarray(near & (at[1:] >= 0) & (at[:-1] >= 0))
        at = sessions.at(times)
        return np.asarray(near & (at[1:] == at[:-1]) & (at[1:] >= 0))


def are_of_days(usual: int) -> bool:
    """Whether bars so far apart (ns) are those of days, or of more."""
    return usual >= _OF_DAYS


def _distances(times: Ints) -> NDArray[np.uint64]:
    return elapsed(times[1:], times[:-1])


def _position(days: Ints, wanted: Ints) -> Ints:
    """Where each day is among those in order, -1 if it is not."""
    at = np.searchsorted(days, wanted)
    found = (at < len(days)) & (days.take(at, mode="clip") == wanted) if len(days) else np.zeros(len(wanted), bool)
    return np.where(found, at, -1)


def starts(times: Ints, length: int, neighbours: Neighbours) -> Ints:
    """Positions i where rows i..i+length are neighbours: `length` of a sequence, and the one after it.

    >>> starts(np.array([0, 60, 120, 180, 300, 360, 420]), 2, Neighbours(60)).tolist()
    [0, 1, 4]
    """
    return sequences_in(neighbours.follows(times), length)


def sequences_in(follows: Mask, length: int) -> Ints:
    """The same, of bars of which each follows the one before or does not."""
    breaks = np.cumsum(~follows)
    return np.flatnonzero(breaks[length:] == breaks[: max(0, len(breaks) - length)])


class Windows(NamedTuple):
    """Sequences: where each begins, counted from a symbol's first bar; their values; what follows them.

    first: (n,). times: of what follows, (n,), ns. inputs: (n, length, columns). targets: the columns of what follows,
    (n, columns). begins: the times of their first bars, (n,), ns.
    """

    first: Ints
    times: Ints
    inputs: Floats
    targets: Floats
    begins: Ints

    def where(self, chosen: Mask) -> "Windows":
        """Some of them."""
        first, times, inputs, targets, begins = self
        return Windows(first[chosen], times[chosen], inputs[chosen], targets[chosen], begins[chosen])


class Sequences:
    """The sequences of a symbol whose bars arrive in pieces. Memory: the last `length` bars, and what is returned.

    >>> one = Sequences(2, Neighbours(60))
    >>> one.push(np.array([0, 60]), [np.array([1.0, 2.0])]).first.tolist()
    []
    >>> found = one.push(np.array([120, 180]), [np.array([3.0, 5.0])])
    >>> found.first.tolist(), found.inputs[:, :, 0].tolist(), found.targets[:, 0].tolist()
    ([0, 1], [[1.0, 2.0], [2.0, 3.0]], [3.0, 5.0])
    """

    def __init__(self, length: int, neighbours: Neighbours) -> None:
        self._length, self._neighbours = length, neighbours
        self._rows = 0
        """How many bars there were before those held."""
        self._times = np.empty(0, np.int64)
        self._follows = np.empty(0, bool)
        self._values: Floats | None = None

    def push(self, times: Ints, values: Sequence[Floats]) -> Windows:
        """The sequences that the next bars complete, in order of time."""
        follows = self._neighbours.follows(times, int(self._times[-1]) if len(self._times) else None)
        rows = np.stack(values, axis=1)
        if self._values is not None:
            rows, times = np.concatenate([self._values, rows]), np.concatenate([self._times, times])
            follows = np.concatenate([self._follows, follows])
        first = sequences_in(follows, self._length)
        ends = first + self._length
        inputs = rows[first[:, None] + np.arange(self._length)]
        found = Windows(self._rows + first, times[ends], inputs, rows[ends], times[first])
        self._rows += max(0, len(times) - self._length)
        self._times, self._follows = times[-self._length :].copy(), follows[-self._length :].copy()
        self._values = rows[-self._length :].copy()
        return found


def rows_of_training(bars: int, share: float | Fraction) -> int:
    """How many of a symbol's bars are for training: the share of them, rounded down, of what the share prints as.

    >>> rows_of_training(100, 0.29)
    29
    """
    return int(Fraction(repr(share) if isinstance(share, float) else share) * bars)


class Parts(NamedTuple):
    """Starts of sequences to train on, and to test."""

    train: Ints
    test: Ints


def split(begins: Ints, length: int, bars: int, share: float | Fraction = 0.8) -> Parts:
    """Starts by time: of a symbol's first share of bars, and of the others.

    A sequence is for training if all its bars, and the one after it, are in that share; it is for the test if none is.
    The rest, at most `length`, are dropped.

    >>> split(np.arange(7), length=3, bars=10, share=0.6)
    Parts(train=array([0, 1, 2]), test=array([6]))
    """
    cut = rows_of_training(bars, share)
    return Parts(begins[begins + length < cut], begins[begins >= cut])


def random_split(begins: Ints, share: float | Fraction = 0.8, seed: int = 0) -> Parts:
    """Starts by chance, each by itself, the same whatever others there are: the published leak.

    Sequences that overlap are on both sides, so that nearly all that is tested was trained on.

    >>> train, test = random_split(np.arange(1000))
    >>> len(train), len(test)
    (792, 208)
    """
    train = _chances(begins, seed) < float(share)
    return Parts(begins[train], begins[~train])


def _chances(numbers: Ints, seed: int) -> Floats:
    """A number in [0, 1) for each of some numbers, by the mixing of splitmix64 (Steele, Lea and Flood 2014)."""
    start = _mixed(np.array([seed % (1 << 64)], np.uint64))
    return np.asarray((_mixed(numbers.astype(np.uint64) ^ start) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        numbers = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
