"""The value at the closes: cash + shares x close, its mean, what it was at the ends of years, and returns."""

from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.states import Array, Carries, Count, Number, Resumable, Rows
from windrow.trading.day_returns import Moments, added
from windrow.trading.rules import DUST, Rules
from windrow.trading.spans import Spans

#: Bars x runs whose values are processed together.
_TILE = 1 << 16


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
        ends = spans.fills
        over = ends - 1
        bars, total = since[ends] - since[over], closes_since[ends] - closes_since[over]
        np.add.at(self._sum, spans.runs[ends], bars * spans.cash[over] + spans.held[over] * total)
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


class ReturnSums(Resumable):
    """Sums of the powers 1..4 of returns from bar to bar, added in order of bars. State: those sums, and the value."""

    carries: ClassVar[Carries] = {"_value": Array(), "_sums": Array(), "_bars": Count()}

    def __init__(self, rules: Rules, runs: int) -> None:
        self._dust = rules.dust
        self._value, self._sums = np.full(runs, rules.cash, np.float64), np.zeros((4, runs))
        self._bars, self._first = 0, 0 if rules.fill == "close" else 1  # the first bar with a return

    def push(self, spans: Spans, closes: Floats) -> None:
        """Takes what runs held at these closes; some runs at a time, so that their values stay in the cache."""
        width = max(_TILE // len(closes), 1)
        for at in range(0, len(self._value), width):
            runs = slice(at, at + width)
            self._add(runs, values(spans.of(runs), closes).T.copy())
        self._bars += len(closes)

    def _add(self, runs: slice, values: Floats) -> None:
        """Takes (bars, runs) values of some runs."""
        rows = np.ones((len(values) + 1, values.shape[1]))
        bases = values[:-1]
        if bases.min(initial=np.inf) <= self._dust:
            bases = self._above_0(bases)
        with np.errstate(all="ignore"):
            first = values[0] / self._value[runs] if self._bars >= self._first else np.ones(values.shape[1])
            returns = np.concatenate([first[None], values[1:] / bases])
            returns -= 1.0
            for power in range(4):
                rows[0] = self._sums[power, runs]
                rows[1:] *= returns
                self._sums[power, runs] = added(rows)
        self._value[runs] = self._above_0(values[-1])

    def _above_0(self, values: Floats) -> Floats:
        """Values from which there is a return, NaN in place of the others."""
        return np.where(values > self._dust, values, np.nan)

    def moments(self) -> Moments:
        """The moments of the returns so far."""
        count = max(self._bars - self._first, 0)
        with np.errstate(all="ignore"):
            one, two, three, four = self._sums / count
            variance = np.maximum(two - one * one, 0.0)
            deviation, square = np.sqrt(variance), one * one
            third = three - 3 * one * two + 2 * square * one
            fourth = four - 4 * one * three + 6 * square * two - 3 * square * square
            return Moments(count, one, deviation, third / (variance * deviation), fourth / (variance * variance))
