"""The best single pair over all series.

A pair's objective over all series is its mean, or its median, over those where it has one. A pair that has none for
half of the series or more ranks behind the others: a mean over few series depends more on those than on the pair. One
that was ruined on any series ranks behind all that were not. Where the objective is undefined upwards on most series, a
pair ranks first, and where downwards, behind those with a mean; in a median such series are above, or below, all
others. Its returns by day are those of all series, counted as the number that one series has on average: as if all
moved as one, the strictest view.

A reducer adds up all its series, pair by pair and exactly (tally.py); the sums of all reducers add up to what a single
one would have found. So nothing depends on the order of series, or on which reducer saw which. Memory: some numbers per
pair, for medians one per pair and series; where sums are united, one number per pair.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from math import inf, isinf, sqrt

import numpy as np
import orjson

from windrow.errors import InputError
from windrow.sweeps.deflated import NOT_ABOVE_0, Returns, Tries
from windrow.sweeps.grid import Cell
from windrow.sweeps.ranking import (
    ALL_REFUSED,
    DEFINED,
    DOWNWARDS,
    NONE,
    UPWARDS,
    Across,
    Choice,
    Figures,
    Standing,
    no_best,
    objective_of,
    standing,
    undefined,
    walk_field,
    why_none,
)
from windrow.sweeps.runs import Part
from windrow.sweeps.splits import Walk
from windrow.sweeps.tally import Numbers, Tally
from windrow.trading.day_returns import Moments
from windrow.trading.figures import NO_BARS
from windrow.trading.notices import cure_of_refusals
from windrow.trading.rules import DUST, Rules

_NONE = "no symbol has the objective"
_INFINITE = "on half of the symbols or more it has no deviation to divide by"
#: What the objective of a pair is collected in.
MIDDLES: dict[Across, type[Tally] | type[Numbers]] = {"mean": Tally, "median": Numbers}
#: The counts of sums, in the order in which they are sent.
_COUNTS = ("series", "upwards", "downwards", "level", "ruined", "ruined_on_test", "lost")
_NO_RETURNS = "it has returns on no symbol"


@dataclass
class Sums:
    """What is known of one pair on one walk: in how many series it was tried, its objective there, its returns.

    upwards, downwards, level: series where the objective on train is undefined, but above, below or at 0. ruined,
    ruined_on_test: those where its value fell to 0 or below. lost: those where it has no returns therefore. why: a
    reason why it has no objective, the first in order. returns: sums of the powers 0 to 4 of all returns by day on
    train.
    """

    walk: int
    fast: int
    slow: int
    series: int = 0
    upwards: int = 0
    downwards: int = 0
    level: int = 0
    ruined: int = 0
    ruined_on_test: int = 0
    lost: int = 0
    why: str = ""
    train: Tally | Numbers = field(default_factory=Tally)
    test: Tally | Numbers = field(default_factory=Tally)
    returns: list[Tally] = field(default_factory=lambda: [Tally() for _ in range(5)])

    def plus(self, other: "Sums") -> "Sums":
        """These sums, with those of the same pair and walk over other series added."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.why = min(filter(None, (self.why, other.why)), default="")
        for tally, more in zip(self._tallies, other._tallies, strict=True):
            tally.take(more)  # type: ignore[arg-type]  # of one kind, as all sums of a sweep
        return self

    @property
    def _tallies(self) -> list[Tally | Numbers]:
        return [self.train, self.test, *self.returns]

    def to_json(self) -> bytes:
        """As it is sent to the second step."""
        counts = [getattr(self, name) for name in _COUNTS]
        tallies = [tally.to_json() for tally in self._tallies]
        return orjson.dumps([self.walk, self.fast, self.slow, counts, self.why, tallies])

    @classmethod
    def of(cls, text: bytes, across: Across = "mean") -> "Sums":
        """The sums that `to_json` wrote."""
        walk, fast, slow, counts, why, (train, test, *returns) = orjson.loads(text)
        named = dict(zip(_COUNTS, counts, strict=True))
        on_train, on_test = (MIDDLES[across].of(one) for one in (train, test))
        powers = [Tally.of(one) for one in returns]
        return cls(walk, fast, slow, **named, why=why, train=on_train, test=on_test, returns=powers)

    @property
    def value(self) -> float | None:
        """The objective on train: its mean, correctly rounded, or its median, which may be infinite."""
        if isinstance(self.train, Tally):
            return self.train.mean
        return self.train.median(self.downwards, self.level, self.upwards)

    @property
    def on_parts(self) -> list[tuple[int, float | None, int]]:
        """Of train and test: in how many series the objective counts, what it is, and how many were ruined."""
        if isinstance(self.train, Tally) and isinstance(self.test, Tally):
            train, test = (self.train.count, self.train.mean), (self.test.count, self.test.mean)
        else:
            assert isinstance(self.test, Numbers)
            train, test = (self.known, self.value), (self.test.count, self.test.median())
        return [(*train, self.ruined), (*test, self.ruined_on_test)]

    @property
    def known(self) -> int:
        """In how many series it has the objective, if only by its sign."""
        return self.train.count + self.upwards + self.downwards + self.level

    @property
    def order(self) -> tuple[Standing, int, int]:
        """What to sort by: the best first, ties by (fast, slow)."""
        worth = inf if self.value is None else -self.value
        return Standing(self.ruined > 0, self._side, worth), self.fast, self.slow

    @property
    def _side(self) -> int:
        if 2 * self.known <= self.series:
            return NONE
        if isinstance(self.train, Numbers):
            return {inf: UPWARDS, -inf: DOWNWARDS}.get(self.value or 0.0, DEFINED)
        for side, count, other in ((UPWARDS, self.upwards, self.downwards), (DOWNWARDS, self.downwards, self.upwards)):
            if 2 * count > self.series or (not self.train.count and count > other):
                return side
        return DEFINED

    def pooled(self) -> Returns:
        """The returns of all series as those of one, of average length."""
        if self.lost:
            return Returns(0, why=f"{NOT_ABOVE_0} on {self.lost:,} of {self.series:,} symbols")
        days, *sums = (tally.sum for tally in self.returns)
        if not days:
            return Returns(0, why=_NO_RETURNS)
        one, two, three, four = (power / days for power in sums)
        variance = two - one**2
        each = int(days / self.series)
        if variance <= DUST * two:  # the powers were rounded
            return Returns(each)
        third = three - 3 * one * two + 2 * one**3
        fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
        spread = sqrt(variance)
        return Returns(each, float(one) / spread, float(third) / spread**3, float(fourth) / spread**4)


class Overall:
    """Adds up the results of every pair over the parts of all series."""

    def __init__(self, objective: str, walks: Sequence[Walk], pairs: Sequence[Cell], across: Across = "mean") -> None:
        self._objective, middle = objective, MIDDLES[across]
        self._sums = [
            [Sums(number, *pair, train=middle(), test=middle()) for pair in pairs] for number in range(len(walks))
        ]
        self._trains = {walk.train: number for number, walk in enumerate(walks)}
        self._tests = {walk.test: number for number, walk in enumerate(walks)}

    def seen(self, parts: Iterable[Part], pairs: slice) -> Iterator[Part]:
        """The parts of one series, added up as they pass; `pairs`: which pairs they are of."""
        for part in parts:
            if part.name in self._trains:
                of_walk = self._sums[self._trains[part.name]][pairs]
                for sums, figures, powers in zip(of_walk, part.figures, powers_of(part.returns), strict=True):
                    self._add(sums, figures, powers, part.returns.count)
            else:
                for sums, figures in zip(self._sums[self._tests[part.name]][pairs], part.figures, strict=True):
                    sums.test.add(objective_of(figures, self._objective))
                    sums.ruined_on_test += figures["ruined"]
            yield part

    def _add(self, sums: Sums, figures: Figures, powers: tuple[float | None, ...], returns: int) -> None:
        """Adds what a pair did on train in one series, with that number of returns."""
        value, stands = objective_of(figures, self._objective), standing(figures, self._objective)
        sums.series += 1
        sums.train.add(value)
        sums.ruined += figures["ruined"]
        sums.lost += returns > 0 and powers[0] is None
        if value is None:
            sums.upwards += stands.side == UPWARDS
            sums.downwards += stands.side == DOWNWARDS
            sums.level += stands.side == DEFINED
            sums.why = min(filter(None, (sums.why, why_none(figures, self._objective))), default="")
        for tally, power in zip(sums.returns, powers, strict=True):
            tally.add(power)

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


def overall_lines(choice: Choice, rules: Rules, walks: Sequence[Walk], found: Iterable[Sums]) -> Iterator[Figures]:
    """A line for each walk, from the sums of all reducers in order of walk and pair.

    Raises InputError where no pair has the objective on any series, on any walk: then there is no best pair.
    """
    bests = []
    for _, group in groupby(united(found), lambda sums: sums.walk):
        best, sharpes = None, []
        for sums in group:
            sharpes.append(sums.pooled().sharpe)
            best = sums if best is None else min(best, sums, key=lambda one: one.order)
        assert best is not None
        bests.append((best, sharpes))
    if bests and not any(best.known for best, _ in bests):
        raise InputError(_none_at_all(choice.objective, rules, bests[0][0].why))
    for best, sharpes in bests:
        yield _line(choice, walks, best, sharpes)


def _none_at_all(objective: str, rules: Rules, why: str) -> str:
    cure = "rank by another --objective, e.g. pnl, or use more bars"
    if why == ALL_REFUSED:
        cure = cure_of_refusals(rules)
    if why == NO_BARS:
        cure = "leave bars to train on: a smaller --embargo, or fewer parts"
    return f"--best --objective {objective}: no pair has it on any symbol: {why}; {cure}"


def _line(choice: Choice, walks: Sequence[Walk], best: Sums, sharpes: Sequence[float | None]) -> Figures:
    objective = choice.objective
    if not best.known:
        return no_best(objective, walk_field(walks, best.walk), len(sharpes), f"{best.why} on every symbol")
    tries = Tries(sharpes)
    deflated, why = tries.deflated_sharpe(best.pooled())
    names = ("all",) if walks[best.walk].test is None else ("train", "test")
    parts = dict(zip(names, best.on_parts, strict=False))
    whys = {part: _why_none(count, value) for part, (count, value, _) in parts.items()}
    return {
        "fast": best.fast,
        "slow": best.slow,
        **walk_field(walks, best.walk),
        "objective": objective,
        **({} if choice.across == "mean" else {"across": choice.across}),
        "symbols": best.series,
        "trials": tries.count,
        "deflated_sharpe": deflated,
        **{
            part: {"symbols": count, objective: None if whys[part] else value, "ruined": ruined}
            for part, (count, value, ruined) in parts.items()
        },
        **undefined({"deflated_sharpe": why} | whys),
    }


def _why_none(count: int, value: float | None) -> str:
    if not count:
        return _NONE
    return _INFINITE if value is not None and isinf(value) else ""
