"""Drawdown: how far, and for how many bars, the value at the closes is below its peak so far.

As backtrader's analyzers/drawdown.py: the peak is the highest value at a close so far, the drawdown the distance to it,
in money and in % of the peak, and its length the number of bars in a row that are below. The first peak is the initial
cash, so that what the first fill costs is a drawdown, also where the first bar has that fill; as cash is above 0, every
peak is, and a drawdown of more than 100 % is a value below 0.

Within a span the value is cash + shares x close, so it is at a new peak where the close is (for a short position: where
the close is at a new low). Queries on ranges of closes find these places and the depth of the dips between them; no bar
is visited:

    peak before                          __
    - - - - - - - - - - - - - - - -     /  \\          __
                \\            first -> _/    \\        /  <- last of this span's bars at the peak
                 \\    below         /       \\_dip__/
                  \\________________/
                |<------------------- span ------------>|
"""

from collections.abc import Callable, Sequence
from copy import copy
from itertools import pairwise
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask, run_starts, taken_at
from windrow.states import Array, Carries, Count, Resumable
from windrow.trading.ranges import Ranges
from windrow.trading.ruin import NEVER
from windrow.trading.rules import DUST
from windrow.trading.spans import Spans


class Drawdown(Resumable):
    """The deepest and the longest drawdown of each run so far, (runs,) arrays each.

    money, percent, bars: the largest of any; the deepest in money, and the longest, may be others than that of percent.
    begun, lowest, recovered: of the deepest in percent, the time of the last bar at the peak before it (that of the
    first bar, where the peak is the cash), of its first lowest bar, and of the first bar that is at that peak again;
    NEVER where there is none. below: how many bars in a row it is or was below that peak.

    State: the peak, the bars since, and these.
    """

    carries: ClassVar[Carries] = {
        **dict.fromkeys(("money", "percent", "bars", "begun", "lowest", "recovered", "below"), Array()),
        **dict.fromkeys(("_peak", "_since", "_peaked", "_best", "_from"), Array()),
        "_bars": Count(),
    }

    def __init__(self, cash: float, runs: int) -> None:
        self.money, self.percent, self.bars = np.zeros(runs), np.zeros(runs), np.zeros(runs, np.int64)
        self.begun, self.lowest, self.recovered = (np.full(runs, NEVER) for _ in range(3))
        self.below = np.zeros(runs, np.int64)
        self._peak, self._since = np.full(runs, cash, np.float64), np.zeros(runs, np.int64)
        self._best = np.full(runs, np.nan)  # where the peak is in a run's last span: its close, as the position sees it
        self._peaked = np.full(runs, NEVER)  # the time of the last bar at the peak
        self._bars, self._from = 0, np.zeros(runs, np.int64)  # the number of the bar before the deepest

    def push(self, times: Ints, spans: Spans, closes: Floats, rises: "Side") -> None:
        """Takes what runs held at these closes, at least one; `rises`: the closes as long positions see them."""
        if not self._bars:
            self._peaked[:] = times[0]
        self._push(times, spans, closes, rises)
        self._bars += len(closes)
        self.below = np.where(self._goes_on, self._bars - 1 - self._from, self.below)

    @property
    def _goes_on(self) -> Mask:
        """Where the deepest drawdown has not recovered yet."""
        goes_on: Mask = (self.lowest != NEVER) & (self.recovered == NEVER)
        return goes_on

    def _push(self, times: Ints, spans: Spans, closes: Floats, rises: "Side") -> None:
        if len(closes) == 1 and len(spans.runs) == len(spans.firsts):
            self._push_bar(times, spans, closes)
            return
        kept = np.flatnonzero(spans.begins < spans.ends)  # mostly all
        run, begins, ends, cash, held = (taken_at(column, kept) for column in spans[:5])
        firsts = run_starts(run)
        continued = firsts[kept[firsts] == spans.firsts]
        best = np.full(len(kept), np.nan)
        best[continued] = self._best[run[continued]]
        dips = Dips(begins, ends, cash, np.abs(held))
        sides = [rises.of(np.flatnonzero(held > 0)), Side(-closes).of(np.flatnonzero(held < 0))]
        dips.take_tops(sides)
        peaks, self._peak = peaks_before(self._peak, dips.tops, run, firsts)
        dips.aim(peaks, best, sides)
        for side in sides:
            dips.take_dips(side)
        self._take_deepest(dips, times, run, firsts, sides)
        self._take_depths(dips, firsts)
        self._take_lengths(dips, times, run, firsts)
        lasts = np.append(firsts[1:], len(run)) - 1
        self._keep_best(dips, best, lasts, np.sign(held[lasts]) * closes[dips.lasts[lasts]])

    def _push_bar(self, times: Ints, spans: Spans, close: Floats) -> None:
        """The same for a single bar without a fill: what bars that come one by one mostly are."""
        held, closes = np.abs(spans.held), np.sign(spans.held) * close
        value, inside = spans.cash + held * closes, ~np.isnan(self._best)
        peak = np.where(inside, spans.cash + held * self._best, self._peak)
        reached = np.where(inside, closes >= self._best, value >= self._peak - DUST * np.abs(self._peak))
        fall = np.where(reached, 0.0, peak - value)
        self.money = np.maximum(self.money, fall)
        percent = 100.0 * fall / peak
        self.recovered = np.where(self._goes_on & reached, times, self.recovered)
        deeper = np.flatnonzero(percent > self.percent)
        self.percent[deeper], self.lowest[deeper], self.recovered[deeper] = percent[deeper], times[0], NEVER
        self.begun[deeper], self._from[deeper] = self._peaked[deeper], self._bars - 1 - self._since[deeper]
        self._since = np.where(reached, 0, self._since + 1)
        self.bars = np.maximum(self.bars, self._since)
        self._peaked = np.where(reached, times, self._peaked)
        self._peak = np.maximum(self._peak, value)
        self._best = np.where(held > 0, np.where(reached, closes, self._best), np.nan)

    def _take_deepest(self, dips: "Dips", times: Ints, run: Ints, firsts: Ints, sides: list["Side"]) -> None:
        """Finds the bars of drawdowns that are deeper than those before, and where the deepest recover."""
        reached = np.flatnonzero(dips.firsts < dips.ends)
        later = firsts.copy()  # the span from which on a run's deepest drawdown may recover
        largest = np.maximum.reduceat(dips.percent, firsts)
        hits = np.flatnonzero(dips.percent == largest[run])
        hits = hits[(largest > self.percent)[run[hits]]]
        if len(hits):
            span = hits[run_starts(run[hits])]
            self._begin(dips, times, run, span, reached)
            lowest = dips.lowest_bars(span, sides)
            self.lowest[run[span]], self.recovered[run[span]] = times[lowest], NEVER
            over = np.flatnonzero(dips.overs[span] < dips.ends[span])
            self._recover(run[span[over]], dips.overs[span[over]], times)
            later[run[span]] = span + 1
        waits = np.flatnonzero(self._goes_on)
        if len(waits) and len(reached):
            at = reached[np.minimum(np.searchsorted(reached, later[waits]), len(reached) - 1)]
            again = (at >= later[waits]) & (run[at] == waits)
            self._recover(waits[again], dips.firsts[at[again]], times)

    def _begin(self, dips: "Dips", times: Ints, run: Ints, span: Ints, reached: Ints) -> None:
        """Sets the last bars at the peak before the deepest drawdowns, which are in these spans."""
        runs, bar = run[span], dips.tips[span]
        self.begun[runs], self._from[runs] = times[bar], self._bars + bar
        before = np.searchsorted(reached, span) - 1
        at = reached[np.maximum(before, 0)] if len(reached) else np.zeros_like(span)
        here = (bar < 0) & (before >= 0) & (run[at] == runs)
        self.begun[runs[here]], self._from[runs[here]] = times[dips.lasts[at[here]]], self._bars + dips.lasts[at[here]]
        there = runs[(bar < 0) & ~here]
        self.begun[there], self._from[there] = self._peaked[there], self._bars - 1 - self._since[there]

    def _recover(self, runs: Ints, bars: Ints, times: Ints) -> None:
        """Ends the deepest drawdowns of runs at these bars."""
        self.recovered[runs], self.below[runs] = times[bars], self._bars + bars - self._from[runs] - 1

    def _take_depths(self, dips: "Dips", firsts: Ints) -> None:
        self.money = np.maximum(self.money, np.maximum.reduceat(dips.money, firsts))
        self.percent = np.maximum(self.percent, np.maximum.reduceat(dips.percent, firsts))

    def _take_lengths(self, dips: "Dips", times: Ints, run: Ints, firsts: Ints) -> None:
        """Bars below the peak: the longest dips, and from the last bar at the peak to the next span's first."""
        bars = len(times)
        self.bars = np.maximum(self.bars, np.maximum.reduceat(dips.longest, firsts))
        at = np.flatnonzero(dips.firsts < dips.ends)
        run = run[at]
        before = np.append(-1, dips.lasts[at][:-1])
        first = run_starts(run)
        before[first] = -1 - self._since[run[first]]
        np.maximum.at(self.bars, run, dips.firsts[at] - before - 1)
        self._since += bars
        self._since[run] = bars - 1 - dips.lasts[at]  # the last of a run's spans is assigned last
        self._peaked[run] = times[dips.lasts[at]]
        self.bars = np.maximum(self.bars, self._since)

    def _keep_best(self, dips: "Dips", best: Floats, lasts: Ints, closes: Floats) -> None:
        """`lasts`: each run's last span; `closes`: those at their peaks, as their positions see them."""
        last = np.where(dips.firsts[lasts] < dips.ends[lasts], closes, best[lasts])
        self._best = np.where(dips.held[lasts] > 0, last, np.nan)


def peaks_before(peak: Floats, tops: Floats, run: Ints, firsts: Ints) -> tuple[Floats, Floats]:
    """The peak before each span, and that of each run after its last one; from runs' peaks, and spans' highest values.

    >>> before, after = peaks_before(np.array([5.0]), np.array([4.0, 7.0, 6.0]), np.zeros(3, int), np.zeros(1, int))
    >>> before.tolist(), after.tolist()
    ([5.0, 5.0, 7.0], [7.0])
    """
    runs, most = len(peak), int(np.diff(firsts, append=len(run)).max())
    peaks = np.full((most + 1, runs), -np.inf)  # the k-th spans of all runs side by side
    at = np.arange(0, len(run) * runs, runs) - (firsts * runs - np.arange(runs))[run]
    peaks[0], peaks[1:].ravel()[at] = peak, tops
    for so_far, row in pairwise(peaks):  # faster than accumulate
        np.maximum(so_far, row, out=row)
    before: Floats = peaks.ravel()[at]
    return before, peaks[-1].copy()


class Side:
    """Closes as long, or as short, positions see them: higher is better; and the positions of the spans on that side.

    `last`: from each bar on, the last bar before closes fall. `next`, `low`: for those bars, where the close is
    reached again, or the end, and the lowest between. What is asked of a range holds whatever follows it.
    """

    spans: Ints
    highs: Ranges

    def __init__(self, closes: Floats) -> None:
        self.closes = closes

    def of(self, spans: Ints) -> "Side":
        """The same of these spans; tables are made once, for the first that there are."""
        if len(spans) and "highs" not in vars(self):
            self._prepare()
        side = copy(self)
        side.spans = spans
        return side

    def _prepare(self) -> None:
        closes, bars = self.closes, np.arange(len(self.closes))
        self.highs, self._lows = Ranges(closes), Ranges(-closes)
        falls = np.flatnonzero(closes[1:] < closes[:-1])
        self.last = np.append(falls, bars[-1:])[np.searchsorted(falls, bars)]
        self.next, self.low = np.full(len(bars), len(bars)), np.full(len(bars), np.nan)
        unit = np.ones(len(falls))
        self.next[falls] = self.highs.first(falls + 1, unit.astype(int) * len(bars), 0 * unit, unit, closes[falls])
        self.low[falls] = self.lowest(falls + 1, self.next[falls])

    def dips(self, firsts: Ints, ends: Ints) -> tuple[Ints, Ints]:
        """The dips of ranges that begin at their peak: whose they are, and the last bars before them, in order of both.

        From peak to peak in strides of 1, 2, 4, ...: of all ranges at once, as long as a range has more.
        """
        jump = np.append(np.append(self.last, len(self.last))[self.next], len(self.last))
        rows, bars, found = np.arange(len(firsts)), self.last[firsts][:, None], []
        fresh = bars
        while len(rows):
            inside = fresh < ends[rows, None] - 1
            at = np.flatnonzero(inside)
            found.append((rows[at >> (fresh.shape[1].bit_length() - 1)], fresh.ravel()[at]))
            more = np.flatnonzero(inside[:, -1])
            rows, bars = rows[more], bars[more]
            fresh = jump[bars]
            bars, jump = np.concatenate([bars, fresh], axis=1), jump[jump]
        which, peaks = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.argsort(which, kind="stable")
        return which[order], peaks[order]

    def lowest(self, begins: Ints, ends: Ints) -> Floats:
        """The lowest close of each range, none of which is empty."""
        return -self._lows.largest(begins, ends)

    def first_low(self, begins: Ints, ends: Ints, is_low: Callable[[Floats], Mask]) -> Ints:
        """The first bar of each range whose close, negated, is low: so is then any that is lower."""
        return self._lows.first_that(begins, ends, is_low)


class Dips:
    """Where spans are below the peak, and how deep: arrays of shape (spans,).

    tops: the highest value in a span. firsts, lasts: a span's first and last bar at the peak; `firsts` is its end where
    it is never at the peak. money, percent: its deepest drawdown. tips, overs: of that in percent, the last bar at the
    peak, -1 where that is before the span, and the first bar at it again, or the span's end. longest: bars of its
    longest dip that is over.
    """

    def __init__(self, begins: Ints, ends: Ints, cash: Floats, held: Floats) -> None:
        self.begins, self.ends, self.cash, self.held = begins, ends, cash, held
        self.tips, self.overs = np.full(len(cash), -1), ends.copy()
        self.longest = np.zeros(len(cash), np.int64)

    def take_tops(self, sides: Sequence[Side]) -> None:
        """Takes the highest values of spans."""
        self._highs = np.zeros(len(self.cash))
        for side in sides:
            at = side.spans
            if len(at):
                self._highs[at] = side.highs.largest(self.begins[at], self.ends[at])
        self.tops = self.cash + self.held * self._highs

    def aim(self, peaks: Floats, best: Floats, sides: Sequence[Side]) -> None:
        """Sets what spans' values are measured by: the peak before a span, or in it, where that was at a close `best`.

        That completes the spans that are never at the peak, and those without shares.
        """
        inside = np.flatnonzero(~np.isnan(best))
        self._peaks, self._best, self._goal = peaks, best, peaks - DUST * peaks
        self._reached = self.tops >= self._goal
        self._peaks[inside] = self._value(inside, best[inside])
        self._reached[inside] = self._highs[inside] >= best[inside]  # nothing is rounded
        self.firsts, self.lasts = self.ends.copy(), self.ends - 1
        reached = np.flatnonzero(self._reached)
        self.firsts[reached] = self.begins[reached]
        lows = np.zeros(len(self.cash))
        for side in sides:
            below = side.spans[np.flatnonzero(~self._reached[side.spans])]
            if len(below):
                lows[below] = side.lowest(self.begins[below], self.ends[below])
        self.money = self._peaks - (self.cash + self.held * lows)
        self.money[reached] = 0.0
        self.percent = 100.0 * self.money / self._peaks

    def take_dips(self, side: Side) -> None:
        """Takes the dips of those of a side's spans that are at the peak."""
        at = side.spans[np.flatnonzero(self._reached[side.spans])]
        if len(at):
            inside = ~np.isnan(self._best[at])
            base, factor = np.where(inside, 0.0, self.cash[at]), np.where(inside, 1.0, self.held[at])
            goal = np.where(inside, self._best[at], self._goal[at])
            self.firsts[at] = side.highs.first(self.begins[at], self.ends[at], base, factor, goal)
            self._take_inner(side, at, self.firsts[at])
            self._take_before(side, at[self.firsts[at] > self.begins[at]])

    def _take_inner(self, side: Side, span: Ints, first: Ints) -> None:
        """Takes the dips behind spans' first bars at the peak."""
        self.lasts[span] = self.ends[span] - 1
        which, bar = side.dips(first, self.ends[span])
        if not len(which):
            return
        at, after = span[which], side.next[bar]
        end = self.ends[at]
        over = after < end
        last, low = np.flatnonzero(~over), side.low[bar]
        self.lasts[at[last]] = bar[last]
        low[last] = side.lowest(bar[last] + 1, end[last])
        peak = self._value(at, side.closes[bar])
        money = peak - self._value(at, low)
        percent, starts = 100.0 * money / peak, run_starts(which)
        owner = at[starts]
        self.money[owner] = np.maximum.reduceat(money, starts)
        self.percent[owner] = np.maximum.reduceat(percent, starts)
        self.longest[owner] = np.maximum.reduceat(np.where(over, after - bar - 1, 0), starts)
        deepest = np.flatnonzero(percent == self.percent[at])[::-1]  # the first one of a span is assigned last
        self.tips[at[deepest]], self.overs[at[deepest]] = bar[deepest], np.minimum(after, end)[deepest]

    def _value(self, at: Ints, close: Floats) -> Floats:
        return self.cash[at] + self.held[at] * close

    def _take_before(self, side: Side, at: Ints) -> None:
        """Takes the dips before these spans' first bars at the peak: of equal dips they are the first."""
        if not len(at):
            return
        money = self._peaks[at] - self._value(at, side.lowest(self.begins[at], self.firsts[at]))
        self.money[at] = np.maximum(self.money[at], money)
        percent = 100.0 * money / self._peaks[at]
        deeper = percent >= self.percent[at]
        self.percent[at] = np.maximum(self.percent[at], percent)
        self.tips[at[deeper]], self.overs[at[deeper]] = -1, self.firsts[at[deeper]]

    def lowest_bars(self, at: Ints, sides: Sequence[Side]) -> Ints:
        """The first bar of the deepest dip of each of these spans at which it is that deep."""
        lowest = np.where(self.tips[at] < 0, self.begins[at], self.tips[at] + 1)
        for side in sides:
            of_side = np.zeros(len(self.held), bool)
            of_side[side.spans] = True
            its = np.flatnonzero(of_side[at])
            if len(its):
                span = at[its]
                peak = np.where(self.tips[span] < 0, self._peaks[span], self._value(span, side.closes[self.tips[span]]))
                lowest[its] = side.first_low(
                    lowest[its], self.overs[span], self._falls_to(span, peak, self.percent[span])
                )
        return lowest

    def _falls_to(self, at: Ints, peak: Floats, percent: Floats) -> Callable[[Floats], Mask]:
        return lambda lows: 100.0 * (peak - (self.cash[at] + self.held[at] * -lows)) / peak >= percent
