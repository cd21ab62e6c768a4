"""The best pairs of one series, by an objective on train, with their figures on test.

A reducer's result for a series, or for one shard of its pairs, is a *record* for each walk from train to test: the best
pairs with their figures on both parts, and what the deflated Sharpe ratio needs of the other pairs. The records of a
series' shards unite into the record of the whole. Memory: the figures of all pairs over one part.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import orjson

from windrow.errors import UsageError
from windrow.sweeps.deflated import NO_DEVIATION, NOT_ABOVE_0, Returns, deflated_sharpe
from windrow.sweeps.grid import Cell
from windrow.sweeps.runs import Part
from windrow.sweeps.splits import Walk
from windrow.trading.backtests import Moments

OBJECTIVES = ("pnl", "sharpe", "sqn", "return")

Figures = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """Which pairs are kept: the `top` ones by an objective, one line per part; or the `best` one, as a single line.

    Raises UsageError for an unknown objective, a number below 1, or both at once.
    """

    objective: str = "pnl"
    top: int | None = None
    best: bool = False

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise UsageError(f"--objective {self.objective}: not one of {', '.join(OBJECTIVES)}; use one of them")
        if self.top is not None and self.top < 1:
            raise UsageError(f"--top {self.top}: it is the number of best pairs to keep; use 1 or more")
        if self.top is not None and self.best:
            raise UsageError(
                f"--top {self.top} --best: one writes lines of the best pairs, the other one line of the best; use one"
            )

    @property
    def keeps(self) -> int | None:
        """How many pairs of a walk are kept; None: all."""
        return 1 if self.best else self.top


def rank(value: float | None) -> tuple[bool, float]:
    """What to sort values by, so that the largest comes first and None last.

    >>> sorted([1.0, None, 3.0], key=rank)
    [3.0, 1.0, None]
    """
    return value is None, 0.0 if value is None else -value


class Candidate(NamedTuple):
    """A pair, its objective on train, its figures there and on test, and its returns on train where parts have them."""

    fast: int
    slow: int
    value: float | None
    train: Figures
    test: Figures | None
    returns: Returns | None

    @property
    def order(self) -> tuple[tuple[bool, float], int, int]:
        """What to sort by: the best first, ties by (fast, slow)."""
        return rank(self.value), self.fast, self.slow


class Record(NamedTuple):
    """The results of one series' pairs, or some of them, on one walk; `sharpes` only where parts have returns."""

    walk: int
    pairs: int
    candidates: list[Candidate]
    sharpes: list[float | None]

    def to_json(self) -> bytes:
        """As it is sent to the second step."""
        candidates = [(*one[:-1], one.returns and tuple(one.returns)) for one in self.candidates]
        return orjson.dumps((self.walk, self.pairs, candidates, self.sharpes))

    @classmethod
    def of(cls, text: bytes) -> "Record":
        """The record that `to_json` wrote."""
        walk, pairs, candidates, sharpes = orjson.loads(text)
        read = ((*rest, returns and Returns(*returns)) for *rest, returns in candidates)
        return cls(walk, pairs, [Candidate(*fields) for fields in read], sharpes)


def records(choice: Choice, walks: Sequence[Walk], pairs: Sequence[Cell], parts: Iterable[Part]) -> Iterator[Record]:
    """A record for each walk of one series, from its parts as they are read."""
    chosen: list[int] = []
    for part in parts:
        for number, walk in enumerate(walks):
            if part.name == walk.train:
                train, chosen = part, _chosen(choice, part)
            if part.name == (walk.test or walk.train):
                yield _record(choice, number, pairs, train, None if walk.test is None else part, chosen)


def _chosen(choice: Choice, part: Part) -> list[int]:
    values = [figures[choice.objective] for figures in part.figures]
    return sorted(range(len(values)), key=lambda at: (rank(values[at]), at))[: choice.keeps]


def _record(
    choice: Choice, walk: int, pairs: Sequence[Cell], train: Part, test: Part | None, chosen: Sequence[int]
) -> Record:
    returns = [] if train.returns is None else returns_of(train.returns)
    candidates = []
    for at in chosen:
        (fast, slow), on_train = pairs[at], train.figures[at]
        on_test, shape = test and test.figures[at], returns[at] if returns else None
        candidates.append(Candidate(fast, slow, on_train[choice.objective], on_train, on_test, shape))
    return Record(walk, len(pairs), candidates, [one.sharpe for one in returns])


def returns_of(moments: Moments) -> list[Returns]:
    """Each run's returns, without a Sharpe ratio where they have no deviation or are undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpes = moments.mean / moments.std
    known = np.isfinite([sharpes, moments.skewness, moments.kurtosis]).all(axis=0)
    ruined = np.isnan(moments.mean) & (moments.count > 0)
    columns = (column.tolist() for column in (known, ruined, sharpes, moments.skewness, moments.kurtosis))
    return [
        Returns(moments.count, *shape) if defined else Returns(moments.count, why=NOT_ABOVE_0 if zero else NO_DEVIATION)
        for defined, zero, *shape in zip(*columns, strict=True)
    ]


def united(choice: Choice, found: Iterable[Record]) -> Iterator[Record]:
    """One record per walk from those of a series' shards, in order of walks."""
    for walk, group in groupby(found, itemgetter(0)):
        _, pairs, candidates, sharpes = zip(*group, strict=True)
        best = sorted((one for some in candidates for one in some), key=lambda one: one.order)
        yield Record(walk, sum(pairs), best[: choice.keeps], [one for some in sharpes for one in some])


def top_lines(walks: Sequence[Walk], record: Record) -> Iterator[Figures]:
    """A walk's best pairs as lines: on train, best first, then on test in the same order."""
    walk = walks[record.walk]
    for one in record.candidates:
        yield {"fast": one.fast, "slow": one.slow, "part": walk.train, **one.train}
    for one in record.candidates:
        if one.test is not None:
            yield {"fast": one.fast, "slow": one.slow, "part": walk.test, **one.test}


def best_line(choice: Choice, walks: Sequence[Walk], record: Record) -> Figures:
    """The best pair of a walk as one line, with its figures on both parts, and how likely it is better than luck."""
    [best] = record.candidates
    assert best.returns is not None
    deflated, why = deflated_sharpe(best.returns, record.sharpes)
    test = {} if best.test is None else {"test": best.test}
    return {
        "fast": best.fast,
        "slow": best.slow,
        **walk_field(walks, record.walk),
        "objective": choice.objective,
        "pairs": record.pairs,
        "deflated_sharpe": deflated,
        "all" if best.test is None else "train": best.train,
        **test,
        **undefined({"deflated_sharpe": why}),
    }


def walk_field(walks: Sequence[Walk], number: int) -> Figures:
    """The number of a line's walk, counted from 1, where there are several."""
    return {"walk": number + 1} if len(walks) > 1 else {}


def undefined(reasons: dict[str, str]) -> Figures:
    """Why fields of a line are null, in the form that figures have; nothing where none is."""
    given = {field: why for field, why in reasons.items() if why}
    return {"undefined": given} if given else {}
