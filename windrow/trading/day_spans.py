"""Spans by days, and what is added up over them without a visit to each day.

A piece is a span, or a part of it: at a jump of the price the next one begins.

    days            | 0   1   2   3   4   5   6   7        the price jumps on day 5
    spans           | --cash---   ------shares-----
    pieces          | --cash---   shares  --shares-
    returns onto    | 0           3       5                each taken by itself: it depends on the fill, or is the jump
    returns inside  |     1   2       4       6   7        of cash 0, of shares the price's: together they are a
                                                           difference of two running sums
"""

from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.exact.rounding import two_sum
from windrow.states import Array, Carries, Resumable
from windrow.trading.spans import Spans

#: A day's move of the price from which on pieces end: then no sum over a piece is small beside those before it.
_JUMP = 0.25
#: Slots of a table in which equal ranges meet, and an odd number that spreads them (Knuth's, of the golden section).
_SLOTS, _SPREADS, _DROPPED = 1 << 15, 2654435769, 20


class DaySpans(NamedTuple):
    """What runs hold at the ends of days [begins, ends), which may be empty; sorted by run, then day.

    firsts, lasts: (runs,), each run's first one, which continues the last one of the push before, and its last one.
    """

    runs: Ints
    begins: Ints
    ends: Ints
    cash: Floats
    held: Floats
    firsts: Ints
    lasts: Ints

    def values(self, at: Ints, prices: Floats) -> Floats:
        """The values of some of these, at a price for each."""
        return self.cash[at] + self.held[at] * prices

    def cut(self, days: Ints) -> "DaySpans":
        """The same, cut at some days, ascending.

        >>> zero, whole = np.zeros(1), np.zeros(1, np.int64)
        >>> cut = DaySpans(whole, whole, np.array([5]), zero, zero, whole, whole).cut(np.array([2, 4]))
        >>> cut.begins.tolist(), cut.ends.tolist()
        ([0, 2, 4], [2, 4, 5])
        """
        if not len(days):
            return self
        first = np.searchsorted(days, self.begins)
        counts = np.searchsorted(days, self.ends) - first + 1
        before = np.cumsum(counts) - counts
        at = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(len(at)) - before[at]
        begins, ends, later = self.begins[at], self.ends[at], np.flatnonzero(number)
        begins[later] = days[first[at[later]] + number[later] - 1]
        ends[later - 1] = begins[later]
        firsts, lasts = before[self.firsts], (before + counts - 1)[self.lasts]
        return DaySpans(self.runs[at], begins, ends, self.cash[at], self.held[at], firsts, lasts)


def by_days(spans: Spans, before: Ints) -> DaySpans:
    """Spans by days; before: how many days end before each bar, and before the end. The first of these days may have
    ended with the push before: it is of each run's first span.
    """
    begins, ends = before[spans.begins], before[spans.ends]
    begins[spans.firsts] = 0
    return DaySpans(spans.runs, begins, ends, spans.cash, spans.held, spans.firsts, spans.lasts)


def moves_of(prices: Floats, before: float) -> tuple[Floats, Ints]:
    """The price's returns from day to day, 0 in place of jumps, and the days that are jumps."""
    bases = np.append(before, prices)[:-1]  # at first there is none: NaN, and no piece has begun either
    with np.errstate(all="ignore"):
        moves: Floats = prices / bases - 1.0
        jumps = (np.abs(moves) > _JUMP) | (bases <= 0)
    moves[jumps | np.isnan(moves)] = 0.0
    return moves, np.flatnonzero(jumps)


class RunningSums(Resumable):
    """Sums of columns from the first row on, each as two floats, the sum and what rounding took of it.

    So a difference of two sums is as good as a sum of the rows between, though those before be much larger; and it is
    the same wherever pushes end.

    >>> sums = RunningSums(1).push(np.array([[1e12], [1e-6], [1e-6]]))
    >>> between(sums[1:2], sums[3:4]).tolist()
    [[2e-06]]
    """

    carries: ClassVar[Carries] = {"_sums": Array(), "_rests": Array()}

    def __init__(self, columns: int) -> None:
        self._sums, self._rests = np.zeros((1, columns)), np.zeros((1, columns))

    def push(self, rows: Floats) -> Floats:
        """The sums before each of these rows, and after the last, (rows + 1, 2 x columns): rests behind the sums."""
        found = np.empty((len(rows) + 1, 2 * rows.shape[1]))
        sums, rests = np.split(found, 2, axis=1)
        np.add.accumulate(np.concatenate([self._sums, rows]), out=sums)
        _, lost = two_sum(sums[:-1], rows)
        np.add.accumulate(np.concatenate([self._rests, lost]), out=rests)
        self._sums, self._rests = sums[-1:].copy(), rests[-1:].copy()
        return found


def between(since: Floats, until: Floats) -> Floats:
    """Sums of the rows between, from the sums before them and after them."""
    apart = until - since
    columns = apart.shape[1] // 2
    total: Floats = apart[:, :columns] + apart[:, columns:]
    return total


def once(begins: Ints, ends: Ints, among: int) -> tuple[Ints, Ints]:
    """Positions of ranges that have all there are among these, each hardly more than once, and for each range which of
    these it equals: of the thousands of a sweep's spans most are those of other runs too. Ends are below `among`.

    >>> some, which = once(np.array([3, 0, 3]), np.array([5, 5, 5]), 6)
    >>> len(some), some[which].tolist()
    (2, [2, 1, 2])
    """
    keys, own = begins * among + ends, np.arange(len(begins))
    slots = np.empty(_SLOTS, np.int64)
    slot = (keys * _SPREADS) >> _DROPPED & (_SLOTS - 1)
    slots[slot] = own  # the last one of a slot is assigned last
    found = slots[slot]
    others = np.flatnonzero(keys[found] != keys)  # others have the slot: ranges of their own
    found[others] = others
    some = np.flatnonzero(found == own)
    slots = np.empty(len(keys), np.int64)
    slots[some] = np.arange(len(some))
    return some, slots[found]
