"""The best single pair over all series.

A pair's objective over all series is its mean over those where it has one. A pair that has none for half of the series
or more ranks behind the others: a mean over few series depends more on those than on the pair. Its returns per bar are
those of all series, counted as the number that one series has on average: as if all moved as one, the strictest view.

A reducer adds up all its series, pair by pair and exactly (tally.py); the sums of all reducers add up to what a single
one would have found. So nothing depends on the order of series, or on which reducer saw which. Memory: some numbers per
pair; where sums are united, one number per pair.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from math import sqrt

import numpy as np
import orjson

from windrow.sweeps.deflated import Returns, deflated_sharpe
from windrow.sweeps.grid import Cell
from windrow.sweeps.ranking import Figures, rank, undefined, walk_field
from windrow.sweeps.runs import Part
from windrow.sweeps.splits import Walk
from windrow.sweeps.tally import Tally
from windrow.trading.backtests import Moments

_NONE = "no symbol has the objective"
_NO_RETURNS = "it has returns on no symbol"


@dataclass
class Sums:
    """What is known of one pair on one walk: in how many series it was tried, its objective there, its returns.

    returns: sums of the powers 0 to 4 of all returns per bar on train.
    """

    walk: int
    fast: int
    slow: int
    series: int = 0
    train: Tally = field(default_factory=Tally)
    test: Tally = field(default_factory=Tally)
    returns: list[Tally] = field(default_factory=lambda: [Tally() for _ in range(5)])

    def plus(self, other: "Sums") -> "Sums":
        """These sums, with those of the same pair and walk over other series added."""
        self.series += other.series
        for tally, more in zip(self._tallies, other._tallies, strict=True):
            tally.take(more)
        return self

    @property
    def _tallies(self) -> list[Tally]:
        return [self.train, self.test, *self.returns]

    def to_json(self) -> bytes:
        """As it is sent to the second step."""
        return orjson.dumps([self.walk, self.fast, self.slow, self.series, *(one.to_json() for one in self._tallies)])

    @classmethod
    def of(cls, text: bytes) -> "Sums":
        """The sums that `to_json` wrote."""
        walk, fast, slow, series, *tallies = orjson.loads(text)
        train, test, *returns = map(Tally.of, tallies)
        return cls(walk, fast, slow, series, train, test, returns)

    @property
    def value(self) -> float | None:
        """The objective on train: its mean, correctly rounded."""
        return self.train.mean

    @property
    def order(self) -> tuple[bool, tuple[bool, float], int, int]:
        """What to sort by: the best first, ties by (fast, slow)."""
        return 2 * self.train.count <= self.series, rank(self.value), self.fast, self.slow

    def pooled(self) -> Returns:
        """The returns of all series as those of one, of average length."""
        bars, *sums = (tally.sum for tally in self.returns)
        if not bars:
            return Returns(0, why=_NO_RETURNS)
        one, two, three, four = (power / bars for power in sums)
        variance = two - one**2
        each = int(bars / self.series)
        if not variance:
            return Returns(each)
        third = three - 3 * one * two + 2 * one**3
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        spread = sqrt(variance)
        return Returns(each, float(one) / spread, float(third) / spread**3, float(fourth) / spread**4)


class Overall:
    """Adds up the results of every pair over the parts of all series."""

    def __init__(self, objective: str, walks: Sequence[Walk], pairs: Sequence[Cell]) -> None:
        self._objective = objective
        self._sums = [[Sums(number, *pair) for pair in pairs] for number in range(len(walks))]
        self._trains = {walk.train: number for number, walk in enumerate(walks)}
        self._tests = {walk.test: number for number, walk in enumerate(walks)}

    def seen(self, parts: Iterable[Part], pairs: slice) -> Iterator[Part]:
        """The parts of one series, added up as they pass; `pairs`: which pairs they are of."""
        for part in parts:
            values = [figures[self._objective] for figures in part.figures]
            if part.name in self._trains:
                assert part.returns is not None
                of_walk = self._sums[self._trains[part.name]][pairs]
                for sums, value, powers in zip(of_walk, values, powers_of(part.returns), strict=True):
                    sums.series += 1
                    sums.train.add(value)
                    for tally, power in zip(sums.returns, powers, strict=True):
                        tally.add(power)
            else:
                for sums, value in zip(self._sums[self._tests[part.name]][pairs], values, strict=True):
                    sums.test.add(value)
            yield part

    def sums(self) -> Iterator[tuple[int, int, Sums]]:
        """The sums of pairs that were seen, with the numbers of the walk and of the pair."""
        for walk, pairs in enumerate(self._sums):
            for number, sums in enumerate(pairs):
                if sums.series:
                    yield walk, number, sums


def powers_of(moments: Moments) -> list[tuple[float | None, ...]]:
    """Sums of the powers 0 to 4 of each run's returns; None for a run where some return is undefined."""
    count, mean, std = moments.count, moments.mean, moments.std
    skewness, kurtosis = (np.where(std > 0, shape, 0.0) for shape in moments[3:])
    third, fourth = skewness * std**3, kurtosis * std**4
    sums = [
        np.full(len(mean), float(max(count, 0))),
        count * mean,
        count * (std**2 + mean**2),
        count * (third + 3 * mean * std**2 + mean**3),
        count * (fourth + 4 * mean * third + 6 * mean**2 * std**2 + mean**4),
    ]
    known = np.logical_and.reduce(np.isfinite(sums)).tolist()
    return [tuple(row) if known[run] else (None,) * 5 for run, row in enumerate(np.transpose(sums).tolist())]


def united(found: Iterable[Sums]) -> Iterator[Sums]:
    """One for each walk and pair, from sums sorted by these."""
    for _, group in groupby(found, lambda sums: (sums.walk, sums.fast, sums.slow)):
        yield reduce(Sums.plus, group)


def overall_lines(objective: str, walks: Sequence[Walk], found: Iterable[Sums]) -> Iterator[Figures]:
    """A line for each walk, from the sums of all reducers in order of walk and pair."""
    for walk, group in groupby(united(found), lambda sums: sums.walk):
        best, sharpes = None, []
        for sums in group:
            sharpes.append(sums.pooled().sharpe)
            best = sums if best is None else min(best, sums, key=lambda one: one.order)
        assert best is not None
        yield _line(objective, walks, walk, best, sharpes)


def _line(objective: str, walks: Sequence[Walk], walk: int, best: Sums, sharpes: Sequence[float | None]) -> Figures:
    deflated, why = deflated_sharpe(best.pooled(), sharpes)
    parts = {"train": best.train, "test": best.test} if walks[walk].test is not None else {"all": best.train}
    return {
        "fast": best.fast,
        "slow": best.slow,
        **walk_field(walks, walk),
        "objective": objective,
        "symbols": best.series,
        "pairs": len(sharpes),
        "deflated_sharpe": deflated,
        **{part: {"symbols": tally.count, objective: tally.mean} for part, tally in parts.items()},
        **undefined({"deflated_sharpe": why, **{part: _NONE for part, tally in parts.items() if tally.mean is None}}),
    }
