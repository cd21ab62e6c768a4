"""The value at the closes: cash + shares x close, its mean, and what it was at the ends of years."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.states import Array, Carries, Count, Number, Resumable, Rows
from windrow.trading.rules import DUST
from windrow.trading.spans import Spans


def values(spans: Spans, closes: Floats) -> Floats:
    """The value at each close, (runs, bars)."""
    lengths = spans.ends - spans.begins
    shape = len(spans.firsts), len(closes)
    held = np.repeat(spans.held, lengths).reshape(shape)
    held *= closes
    held += np.repeat(spans.cash, lengths).reshape(shape)
    return held


class Value(Resumable):
    """What figures need of the value of each run. State: a few numbers per run; if `yearly`, one per calendar year too.

    Sums over a span are taken when it ends, so their bits do not depend on where pushes end.
    """

    carries: ClassVar[Carries] = {
        **dict.fromkeys(("now", "held", "bars_held", "_cash", "_sum", "_since", "_closes_since", "_start"), Array()),
        **dict.fromkeys(("bars", "time", "_year"), Count()),
        **dict.fromkeys(("_closes",), Number()),
        "_years": Rows(like="now"),
    }

    def __init__(self, cash: float, runs: int, yearly: bool = False) -> None:
        self.cash, self._yearly = cash, yearly
        self.bars, self.time = 0, 0
        self.now, self.held = np.full(runs, cash, np.float64), np.zeros(runs)
        self.bars_held = np.zeros(runs, np.int64)
        self._cash, self._dust = self.now, DUST * cash
        self._sum, self._closes = np.zeros(runs), 0.0
        self._since, self._closes_since = np.zeros(runs, np.int64), np.zeros(runs)
        self._year, self._years, self._start = 0, list[Floats](), self.now

    def push(self, times: Ints, spans: Spans, closes: Floats) -> None:
        """Takes what runs held at these closes, at least one."""
        self._add_spans(spans, closes)
        if self._yearly:
            self._end_years(times, spans, closes)
        held = (spans.ends - spans.begins) * (spans.held != 0)
        self.bars_held += np.add.reduceat(held, spans.firsts)
        self._cash, self.held = spans.cash[spans.lasts], spans.held[spans.lasts]
        self.now = self._cash + self.held * closes[-1]
        self.bars += len(closes)
        self.time = int(times[-1])

    def _add_spans(self, spans: Spans, closes: Floats) -> None:
        """Adds up the values of spans that a fill has ended: bars x cash + shares x the sum of the closes."""
        sums = np.add.accumulate(np.append(self._closes, closes))
        since, closes_since = self.bars + spans.begins, sums[spans.begins]
        since[spans.firsts], closes_since[spans.firsts] = self._since, self._closes_since
        worth = np.diff(since) * spans.cash[:-1] + spans.held[:-1] * np.diff(closes_since)
        worth[spans.firsts[1:] - 1] = 0.0  # spans that go on
        np.add.at(self._sum, spans.runs[:-1], worth)
        self._since, self._closes_since, self._closes = since[spans.lasts], closes_since[spans.lasts], float(sums[-1])

    def mean(self) -> Floats:
        """The mean value at the closes so far."""
        bars, closes = self.bars - self._since, self._closes - self._closes_since
        with np.errstate(all="ignore"):
            mean: Floats = (self._sum + (bars * self._cash + self.held * closes)) / np.float64(self.bars)
        return mean

    def _end_years(self, times: Ints, spans: Spans, closes: Floats) -> None:
        years = times.view("datetime64[ns]").astype("datetime64[Y]").astype(np.int64)
        if self.bars and years[0] != self._year:
            self._end_year(self.now)
        for bar in np.flatnonzero(np.diff(years)).tolist():
            at = spans.at(bar)
            self._end_year(spans.cash[at] + spans.held[at] * closes[bar])
        self._year = int(years[-1])

    def _end_year(self, value: Floats) -> None:
        with np.errstate(all="ignore"):
            self._years.append(value / self._start - 1.0)
        self._start = np.where(value > self._dust, value, np.nan)

    def years(self) -> Floats:
        """The returns of calendar years (UTC), (years, runs), as backtrader's analyzers/timereturn.py: from the value
        at a year's last bar, at first from the cash, to the value at the next year's last bar so far. NaN without bars,
        and of a year that began with a value of 0 or below.
        """
        with np.errstate(all="ignore"):
            return np.array([*self._years, self.now / self._start - 1.0 if self.bars else self.now * np.nan])
