"""How far runs that hold shares or cash, never both, are below their peaks at the ends of days, dip by dip.

A dip is of one piece and one peak: from the piece's first day, or the day behind a peak in it, to the day at which the
peak is reached again, or the piece's end. A drawdown is one dip, or several that follow each other:

    peak   - - -                     __
                \\         /\\       /  \\
                 \\_     __/  \\____/
    pieces         | fill
    dips         |-|-----|   |-----|               the first two are one drawdown
"""

from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.exact.rounding import two_product, two_sum
from windrow.states import Array, Carries, Resumable
from windrow.trading.day_spans import DaySpans, once
from windrow.trading.drawdown import Side, peaks_before
from windrow.trading.rules import DUST

#: The first columns of Dips.
_Found: TypeAlias = tuple[Ints, Ints, Ints, Floats, Floats]


class Dips(NamedTuple):
    """Days [begins, ends) on which pieces, at their positions `at`, are below a peak; all (dips,).

    peaks: what the value was there. gaps: how much of that was in shares, or would have to be. runs, held: the pieces'.
    """

    at: Ints
    begins: Ints
    ends: Ints
    peaks: Floats
    gaps: Floats
    runs: Ints
    held: Floats

    def of(self, some: Ints | Mask) -> "Dips":
        """Some of them."""
        return Dips._make(column[some] for column in self)


class Closes(NamedTuple):
    """The prices in dips: of how many days, their mean, the sum of their squared distances from it, and the lowest; the
    latter three are of no use where there are no shares.
    """

    days: Floats
    means: Floats
    apart: Floats
    lowest: Floats


def columns(prices: Floats) -> Floats:
    """What dips need the running sums of: one, the price, its square, and what rounding took of that."""
    return np.stack([np.ones_like(prices), prices, *two_product(prices, prices)], axis=1)


class SpanFalls(Resumable):
    """What drawdowns by days add up to, (runs,) arrays: `squares` of days' distances from the peak, as shares of it;
    of drawdowns that are over, the sum of their `depths`, and how many; `deepest`, of one that is not, else 0.

    State: these; each run's peak, and its price where it is in the piece that goes on; of a dip that goes on, the sums
    before it, and its lowest price. A dip is added when it ends, so bits do not depend on where pushes end.
    """

    carries: ClassVar[Carries] = dict.fromkeys(
        ("squares", "depths", "falls", "deepest", "_peak", "_best", "_dips", "_since", "_low"), Array()
    )

    def __init__(self, cash: float, runs: int) -> None:
        self.squares, self.depths, self.falls = np.zeros(runs), np.zeros(runs), np.zeros(runs, np.int64)
        self.deepest, self._peak = np.zeros(runs), np.full(runs, cash, np.float64)
        self._best, self._low = np.full(runs, np.nan), np.full(runs, np.inf)
        self._dips, self._since = np.zeros(runs, bool), np.zeros((runs, 8))

    def push(self, pieces: DaySpans, rises: Side, sums: Floats) -> None:
        """Takes days: their prices, and the running sums of `columns`; behind these `rises` may have more prices."""
        side, days = rises.of(np.flatnonzero((pieces.held > 0) & (pieces.begins < pieces.ends))), len(sums) - 1
        dips = self._found(pieces, side)
        went_on, goes_on = self._at_edges(pieces, dips, days)
        closes = self._closes(dips, side, sums, went_on)
        squares = _squares(dips, closes)
        squares[goes_on] = 0.0
        np.add.at(self.squares, dips.runs, squares)
        if days:
            self._count(dips, closes.lowest, days)
        began = np.ones(len(dips.at), bool)
        began[went_on] = False
        run, new = dips.runs[goes_on], goes_on[began[goes_on]]
        self._dips = np.zeros_like(self._dips)
        self._dips[run], self._low[run] = True, closes.lowest[goes_on]
        self._since[dips.runs[new]] = sums[dips.begins[new]]

    def _at_edges(self, pieces: DaySpans, dips: Dips, days: int) -> tuple[Ints, Ints]:
        """Positions of the dips that began in an earlier push, and of those that may go on in the next one."""
        runs = np.flatnonzero(self._dips)
        went_on = dips.at.searchsorted(pieces.firsts[runs])  # they are there, if only without days
        last = dips.at.searchsorted(pieces.lasts, "right") - 1
        last = last[dips.at[last] == pieces.lasts] if len(dips.at) else last[:0]
        return went_on, last[dips.ends[last] == days]

    def _found(self, pieces: DaySpans, side: Side) -> Dips:
        """All dips, sorted by piece, then day; of one that went on and is over before the first day no days."""
        some, firsts, lasts = side.spans, pieces.firsts, pieces.lasts
        highs = np.zeros(len(pieces.runs))
        if len(some):
            highs[some] = side.highs.largest(pieces.begins[some], pieces.ends[some])
        peaks, reached = self._peaks_before(pieces, highs)
        gaps = peaks - pieces.cash
        inside = firsts[~np.isnan(self._best)]  # pieces with the peak: there prices are compared, so nothing is rounded
        best = self._best[pieces.runs[inside]]
        peaks[inside], gaps[inside] = pieces.values(inside, best), pieces.held[inside] * best
        reached[inside] = highs[inside] >= best
        days, at_peak = pieces.ends.copy(), np.flatnonzero(reached)
        days[at_peak] = pieces.begins[at_peak]
        its = some[np.flatnonzero(reached[some])]
        if len(its):
            level = pieces.cash[its], pieces.held[its], peaks[its] - DUST * peaks[its]
            days[its] = side.highs.first(pieces.begins[its], pieces.ends[its], *level)
        again = inside[reached[inside]]
        if len(again):
            ones = np.ones(len(again))
            level = 0 * ones, ones, best[reached[inside]]
            days[again] = side.highs.first(pieces.begins[again], pieces.ends[again], *level)
        kept = np.full(len(firsts), np.nan)
        kept[pieces.runs[inside]] = best
        self._best = np.where(lasts == firsts, kept, np.nan)
        new = reached[lasts] & (pieces.held[lasts] > 0)
        self._best[new] = highs[lasts[new]]
        below = days > pieces.begins
        below[firsts[self._dips]] = True
        at = np.flatnonzero(below)
        dips = at, pieces.begins[at], days[at], peaks[at], gaps[at]
        if len(its):
            dips = _merged(dips, _dips_behind(pieces, side, its, days[its]))
        return Dips(*dips, pieces.runs[dips[0]], pieces.held[dips[0]])

    def _peaks_before(self, pieces: DaySpans, highs: Floats) -> tuple[Floats, Mask]:
        """The peak before each piece, and which pieces reach it; that after the last piece becomes the run's.

        `highs`: the highest prices of pieces with shares; set to less than any in those without days.
        """
        tops = pieces.cash + pieces.held * highs
        none = np.flatnonzero(pieces.begins == pieces.ends)
        tops[none] = highs[none] = -np.inf
        before, self._peak = peaks_before(self._peak, tops, pieces.runs, pieces.firsts)
        return before, tops >= before - DUST * before

    def _closes(self, dips: Dips, side: Side, sums: Floats, old: Ints) -> Closes:
        """The prices in dips; `old`: those that began in an earlier push."""
        count = len(dips.at)
        found = Closes((dips.ends - dips.begins).astype(np.float64), np.zeros(count), np.zeros(count), np.zeros(count))
        invested = dips.held > 0
        invested[old] = False
        new = np.flatnonzero(invested)
        if len(new):
            some, which = once(dips.begins[new], dips.ends[new], len(sums))
            begins, ends = dips.begins[new[some]], dips.ends[new[some]]
            _, *measured = _about_mean(sums.take(begins, axis=0), sums.take(ends, axis=0))
            for column, each in zip(found[1:], [*measured, side.lowest(begins, ends)], strict=True):
                column[new] = each[which]
        if len(old):
            run, ends = dips.runs[old], dips.ends[old]
            for column, each in zip(found, _about_mean(self._since[run], sums[ends]), strict=False):
                column[old] = each
            found.lowest[old] = self._low[run]
        longer = old[(dips.ends[old] > 0) & (dips.held[old] > 0)]
        if len(longer):
            lows = side.lowest(dips.begins[longer], dips.ends[longer])
            found.lowest[longer] = np.minimum(found.lowest[longer], lows)
        return found

    def _count(self, dips: Dips, lows: Floats, days: int) -> None:
        """Adds up the depths of drawdowns that are over."""
        there = dips.begins < dips.ends
        if not there.all():
            dips, lows = dips.of(there), lows[there]
        run = dips.runs
        new = np.ones(len(run), bool)
        new[1:] = (run[1:] != run[:-1]) | (dips.begins[1:] != dips.ends[:-1])
        starts = np.flatnonzero(new)
        owner, at_once = run[starts], np.flatnonzero(dips.begins[starts] == 0)
        ended = self.deepest > 0
        ended[owner[at_once]] = False
        over = np.flatnonzero(ended)
        self._end(over, self.deepest[over])
        before, self.deepest = self.deepest, np.zeros_like(self.deepest)
        if len(starts):
            depths = np.maximum.reduceat((dips.gaps - dips.held * lows) / dips.peaks, starts)
            depths[at_once] = np.maximum(depths[at_once], before[owner[at_once]])
            stays = dips.ends[np.append(starts[1:], len(run)) - 1] == days
            self._end(owner[~stays], depths[~stays])
            self.deepest[owner[stays]] = depths[stays]

    def _end(self, runs: Ints, depths: Floats) -> None:
        np.add.at(self.depths, runs, depths)
        self.falls += np.bincount(runs, minlength=len(self.falls))


def _dips_behind(pieces: DaySpans, side: Side, at: Ints, days: Ints) -> _Found:
    """The dips behind peaks in pieces, of all of these at once, each from its first day at the peak."""
    which, peaks = side.dips(days, pieces.ends[at])
    at = at[which]
    shares = pieces.held[at] * side.closes[peaks]
    return at, peaks + 1, np.minimum(side.next[peaks], pieces.ends[at]), pieces.cash[at] + shares, shares


def _merged(before: _Found, behind: _Found) -> _Found:
    """Dips sorted by piece: each one's of `before`, at most one, then those of `behind`."""
    order = np.argsort(np.concatenate([before[0], behind[0]]), kind="stable")
    at, begins, ends, peaks, gaps = (np.concatenate(column)[order] for column in zip(before, behind, strict=True))
    return at, begins, ends, peaks, gaps


def _squares(dips: Dips, closes: Closes) -> Floats:
    """The sum, over the days of each dip, of squared distances from the peak, as shares of it."""
    fall = dips.gaps - dips.held * closes.means
    squares: Floats = (closes.days * fall * fall + dips.held * dips.held * closes.apart) / (dips.peaks * dips.peaks)
    return squares


def _about_mean(since: Floats, until: Floats) -> tuple[Floats, Floats, Floats]:
    """From running sums of `columns`: how many days there are between, and their prices' mean, and squares about it.

    In twice the places of a float: of squares of prices that hardly differ, little is left.
    """
    days = until[:, 0] - since[:, 0]
    total, rest = two_sum(until[:, 1], -since[:, 1])
    rest += until[:, 5] - since[:, 5]
    squares, left = two_sum(until[:, 2], -since[:, 2])
    left += (until[:, 6] - since[:, 6]) + (until[:, 3] - since[:, 3])  # the square's own rounding
    product, error = two_product(total, total)
    quotient = product / days
    back, more = two_product(quotient, days)
    quotient_rest = ((product - back) - more + (error + 2 * total * rest)) / days
    apart = (squares - quotient) + (left - quotient_rest)
    return days, total / days, np.maximum(apart, 0.0)
