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

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, run_starts
from windrow.states import Array, Carries, Resumable
from windrow.trading.ranges import Ranges
from windrow.trading.rules import DUST, Rules
from windrow.trading.spans import Spans


class Drawdown(Resumable):
    """The deepest and the longest drawdown of each run so far: `money`, `percent`, `bars`, all of shape (runs,).

    State: the peak, and the bars since.
    """

    carries: ClassVar[Carries] = dict.fromkeys(("money", "percent", "bars", "_peak", "_since", "_best"), Array())

    def __init__(self, rules: Rules, runs: int) -> None:
        self.money, self.percent, self.bars = np.zeros(runs), np.zeros(runs), np.zeros(runs, np.int64)
        self._peak, self._since = np.full(runs, rules.cash, np.float64), np.zeros(runs, np.int64)
        self._best = np.full(runs, np.nan)  # where the peak is in a run's last span: its close, as the position sees it

    def push(self, spans: Spans, closes: Floats) -> None:
        """Takes what runs held at these closes, at least one."""
        if len(closes) == 1 and len(spans.runs) == len(spans.firsts):
            self._push_bar(spans, closes)
            return
        kept = np.flatnonzero(spans.begins < spans.ends)
        run, held = spans.runs[kept], spans.held[kept]
        firsts = run_starts(run)
        continued = firsts[kept[firsts] == spans.firsts]
        best = np.full(len(kept), np.nan)
        best[continued] = self._best[run[continued]]
        dips = Dips(spans.begins[kept], spans.ends[kept], spans.cash[kept], np.abs(held))
        sides = [Side(side * closes, -side * closes, np.flatnonzero(held * side > 0)) for side in (1, -1)]
        for side in sides:
            dips.take_tops(side)
        dips.aim(self._peaks_before(run, firsts, dips.tops), best)
        for side in sides:
            dips.take_dips(side)
        self._take_depths(dips, firsts)
        self._take_lengths(dips, run, len(closes))
        self._keep_best(dips, best, np.append(firsts[1:], len(run)) - 1, np.sign(held) * closes[dips.lasts])

    def _push_bar(self, spans: Spans, close: Floats) -> None:
        """The same for a single bar without a fill: what bars that come one by one mostly are."""
        held, closes = np.abs(spans.held), np.sign(spans.held) * close
        value, inside = spans.cash + held * closes, ~np.isnan(self._best)
        peak = np.where(inside, spans.cash + held * self._best, self._peak)
        reached = np.where(inside, closes >= self._best, value >= self._peak - DUST * np.abs(self._peak))
        fall = np.where(reached, 0.0, peak - value)
        self.money = np.maximum(self.money, fall)
        self.percent = np.maximum(self.percent, 100.0 * fall / peak)
        self._since = np.where(reached, 0, self._since + 1)
        self.bars = np.maximum(self.bars, self._since)
        self._peak = np.maximum(self._peak, value)
        self._best = np.where(held > 0, np.where(reached, closes, self._best), np.nan)

    def _peaks_before(self, run: Ints, firsts: Ints, tops: Floats) -> Floats:
        """The peak before each span; the peak after the last becomes that of the run."""
        place = np.arange(len(run)) - firsts[run]
        peaks = np.full((int(place.max()) + 2, len(firsts)), -np.inf)
        peaks[0] = self._peak
        peaks[place + 1, run] = tops
        np.maximum.accumulate(peaks, axis=0, out=peaks)
        self._peak = peaks[-1].copy()
        before: Floats = peaks[place, run]
        return before

    def _take_depths(self, dips: "Dips", firsts: Ints) -> None:
        self.money = np.maximum(self.money, np.maximum.reduceat(dips.money, firsts))
        self.percent = np.maximum(self.percent, np.maximum.reduceat(dips.percent, firsts))

    def _take_lengths(self, dips: "Dips", run: Ints, bars: int) -> None:
        """Bars below the peak: the longest dips, and from the last bar at the peak to the next span's first."""
        np.maximum.at(self.bars, run, dips.longest)
        at = np.flatnonzero(dips.firsts < dips.ends)
        run = run[at]
        before = np.append(-1, dips.lasts[at][:-1])
        first = run_starts(run)
        before[first] = -1 - self._since[run[first]]
        np.maximum.at(self.bars, run, dips.firsts[at] - before - 1)
        self._since += bars
        self._since[run] = bars - 1 - dips.lasts[at]
        self.bars = np.maximum(self.bars, self._since)

    def _keep_best(self, dips: "Dips", best: Floats, ends: Ints, closes: Floats) -> None:
        """`ends`: each run's last span; `closes`: spans' closes at their peaks, as their positions see them."""
        last = np.where(dips.firsts < dips.ends, closes, best)[ends]
        self._best = np.where(dips.held[ends] > 0, last, np.nan)


class Side:
    """Closes as long, or as short, positions see them: higher is better; and the positions of the spans on that side.

    `last`: from each bar on, the last bar before closes fall. `next`, `low`: for those bars, where the close is
    reached again, or the end, and the lowest between.
    """

    def __init__(self, closes: Floats, negated: Floats, spans: Ints) -> None:
        self.spans, self.closes = spans, closes
        if len(spans):
            self.highs, self._lows = Ranges(closes), Ranges(negated)
            bars = np.arange(len(closes))
            falls = np.flatnonzero(closes[1:] < closes[:-1])
            self.last = np.append(falls, bars[-1:])[np.searchsorted(falls, bars)]
            self.next, self.low = np.full(len(bars), len(bars)), np.full(len(bars), np.nan)
            unit = np.ones(len(falls))
            self.next[falls] = self.highs.first(falls + 1, unit.astype(int) * len(bars), 0 * unit, unit, closes[falls])
            self.low[falls] = self.lowest(falls + 1, self.next[falls])

    def lowest(self, begins: Ints, ends: Ints) -> Floats:
        """The lowest close of each range, none of which is empty."""
        return -self._lows.largest(begins, ends)


class Dips:
    """Where spans are below the peak, and how deep: arrays of shape (spans,), filled one side after the other.

    tops: the highest value in a span. firsts, lasts: a span's first and last bar at the peak; `firsts` is its end where
    it is never at the peak. money, percent: its deepest drawdown. longest: bars of its longest dip that is over.
    """

    def __init__(self, begins: Ints, ends: Ints, cash: Floats, held: Floats) -> None:
        self.begins, self.ends, self.cash, self.held = begins, ends, cash, held
        self.tops, self._highs = cash.copy(), np.zeros(len(cash))
        self.money, self.percent = np.zeros(len(cash)), np.zeros(len(cash))
        self.longest = np.zeros(len(cash), np.int64)

    def take_tops(self, side: Side) -> None:
        """Takes the highest values of a side's spans."""
        at = side.spans
        if len(at):
            self._highs[at] = side.highs.largest(self.begins[at], self.ends[at])
            self.tops[at] = self._value(at, self._highs[at])

    def aim(self, peaks: Floats, best: Floats) -> None:
        """Sets what spans' values are measured by: the peak before a span, or in it, where that was at a close `best`.

        That completes the spans without shares.
        """
        inside = np.flatnonzero(~np.isnan(best))
        self._peaks, self._base, self._factor = peaks, self.cash.copy(), self.held.copy()
        self._goal = peaks - DUST * np.abs(peaks)  # within a span closes are compared, not values: nothing is rounded
        self._base[inside], self._factor[inside], self._goal[inside] = 0.0, 1.0, best[inside]
        self._peaks[inside] = self._value(inside, best[inside])
        self._reached = self._base + self._factor * self._highs >= self._goal
        self.firsts, self.lasts = np.where(self._reached, self.begins, self.ends), self.ends - 1
        below = np.flatnonzero((self.held == 0) & ~self._reached)
        self._deepen(below, self._peaks[below], self.cash[below])

    def take_dips(self, side: Side) -> None:
        """Takes the dips of a side's spans."""
        at = side.spans[self._reached[side.spans]]
        if len(at):
            level = self._base[at], self._factor[at], self._goal[at]
            self.firsts[at] = side.highs.first(self.begins[at], self.ends[at], *level)
            self._follow(side, at, self.firsts[at])
        at = side.spans[self.firsts[side.spans] > self.begins[side.spans]]
        if len(at):
            low = side.lowest(self.begins[at], self.firsts[at])
            self._deepen(at, self._peaks[at], self._value(at, low))

    def _follow(self, side: Side, span: Ints, bar: Ints) -> None:
        """Moves from peak to peak in all spans at once, each from its first bar at the peak."""
        while len(span):
            end = self.ends[span]
            bar = np.minimum(side.last[bar], end - 1)
            self.lasts[span] = bar
            falls = bar < end - 1
            span, bar, end = span[falls], bar[falls], end[falls]
            after = side.next[bar]
            over = after < end
            low = side.low[bar]
            low[~over] = side.lowest(bar[~over] + 1, end[~over])
            self._deepen(span, self._value(span, side.closes[bar]), self._value(span, low))
            span, bar, after = span[over], bar[over], after[over]
            self.longest[span] = np.maximum(self.longest[span], after - bar - 1)
            bar = after

    def _value(self, at: Ints, close: Floats) -> Floats:
        return self.cash[at] + self.held[at] * close

    def _deepen(self, at: Ints, peak: Floats, low: Floats) -> None:
        money = peak - low
        self.money[at] = np.maximum(self.money[at], money)
        self.percent[at] = np.maximum(self.percent[at], 100.0 * money / peak)
