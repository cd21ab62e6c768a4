"""The best pairs of one series, by an objective on train, with their figures on test.

A reducer's result for a series, or for one shard of its pairs, is a *record* for each walk from train to test: the best
pairs with their figures on both parts, and what the deflated Sharpe ratio needs of the other pairs. The records of a
series' shards unite into the record of the whole. Memory: the figures of all pairs over one part.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import orjson

from windrow.errors import UsageError
from windrow.sweeps.deflated import Returns, Shapes, Tries
from windrow.sweeps.grid import Cell
from windrow.sweeps.runs import Part
from windrow.sweeps.splits import Walk
from windrow.trading.day_returns import Moments
from windrow.trading.figure_rows import Columns, FigureRows
from windrow.trading.figures import EQUAL_DAYS, EQUAL_TRADES, NO_BARS, NO_DAY_BELOW
from windrow.trading.rules import DUST

OBJECTIVES = ("pnl", "sharpe", "sqn", "return")
#: What the objective is, over all symbols, of their objectives.
Across = Literal["mean", "median"]
ALL_REFUSED = "all its orders were refused"

Figures = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """Which pairs are kept: the `top` ones by an objective, one line per part; or the `best` one, as a single line.

    across: what the objective of the best pair over all symbols is. equity: whether the best pairs' equity on tests is
    written too. Raises UsageError for an unknown objective, or what it is across symbols, a number below 1, or both at
    once.
    """

    objective: str = "pnl"
    top: int | None = None
    best: bool = False
    across: Across = "mean"
    equity: bool = False

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise UsageError(f"--objective {self.objective}: not one of {', '.join(OBJECTIVES)}; use one of them")
        if self.across not in get_args(Across):
            raise UsageError(f"--across {self.across}: not one of {', '.join(get_args(Across))}; use one of them")
        if self.across != "mean" and not self.best:
            raise UsageError(
                f"--across {self.across}: is of the best pair over all symbols; add --best, or leave it out"
            )
        if self.equity and not self.best:
            raise UsageError("--equity: is of the best pairs on their tests; add --best, or leave it out")
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


class Standing(NamedTuple):
    """What pairs are sorted by, the best first: those that were not ruined, those that have the objective, the largest.

    side: -1 where the objective is undefined upwards, as a mean above 0 over no deviation; 1 where downwards; 2: none.
    """

    ruined: bool
    side: int
    worth: float

    @property
    def known(self) -> bool:
        """Whether there is an objective, if only by its sign."""
        return self.side < NONE


UPWARDS, DEFINED, DOWNWARDS, NONE = -1, 0, 1, 2


def objective_of(figures: Figures, objective: str) -> float | None:
    """A pair's objective; None also where all its orders were refused, or a part has no bars: it has figures, of never
    having traded.
    """
    return None if _all_refused(figures) or _is_empty(figures) else figures[objective]


def standing(figures: Figures, objective: str) -> Standing:
    """Where a pair stands by an objective."""
    value, ruined = objective_of(figures, objective), bool(figures["ruined"])
    if value is not None:
        return Standing(ruined, DEFINED, -value)
    return Standing(ruined, _side(figures, objective), 0.0)


def _side(figures: Figures, objective: str) -> int:
    why = figures.get("undefined", {})
    if objective == "sharpe" and why.get("sharpe") == EQUAL_DAYS:
        return UPWARDS if why.get("sortino") == NO_DAY_BELOW and figures["return"] > DUST else NONE
    if objective == "sqn" and why.get("sqn") == EQUAL_TRADES:
        cash = figures["final_value"] - figures["pnl"]
        if abs(figures["closed_pnl"]) <= DUST * cash:
            return DEFINED
        return UPWARDS if figures["closed_pnl"] > 0 else DOWNWARDS
    return NONE


def why_none(figures: Figures, objective: str) -> str:
    """Why a pair has no objective."""
    if _all_refused(figures):
        return ALL_REFUSED
    if _is_empty(figures):
        return NO_BARS
    return str(figures.get("undefined", {}).get(objective, ""))


def _all_refused(figures: Figures) -> bool:
    return bool(figures["orders_refused"]) and not figures["trades_total"]


def _is_empty(figures: Figures) -> bool:
    return bool(figures.get("undefined", {}).get("exposure") == NO_BARS)


class Candidate(NamedTuple):
    """A pair, where it stands on train, its figures there and on test, and its returns on train."""

    fast: int
    slow: int
    standing: Standing
    train: Figures
    test: Figures | None
    returns: Returns

    @property
    def order(self) -> tuple[Standing, int, int]:
        """What to sort by: the best first, ties by (fast, slow)."""
        return self.standing, self.fast, self.slow


class Record(NamedTuple):
    """The results of one series' pairs, or some of them, on one walk, and the Sharpe ratios of all of them."""

    walk: int
    pairs: int
    candidates: list[Candidate]
    sharpes: list[float | None]

    def to_json(self) -> bytes:
        """As it is sent to the second step."""
        candidates = [
            (one.fast, one.slow, tuple(one.standing), one.train, one.test, tuple(one.returns))
            for one in self.candidates
        ]
        return orjson.dumps((self.walk, self.pairs, candidates, self.sharpes))

    @classmethod
    def of(cls, text: bytes) -> "Record":
        """The record that `to_json` wrote."""
        walk, pairs, candidates, sharpes = orjson.loads(text)
        return cls(walk, pairs, [_candidate(*fields) for fields in candidates], sharpes)


def _candidate(fast: int, slow: int, standing: list[Any], train: Figures, test: Figures, returns: Any) -> Candidate:
    return Candidate(fast, slow, Standing(*standing), train, test, Returns(*returns))


def records(choice: Choice, walks: Sequence[Walk], pairs: Sequence[Cell], parts: Iterable[Part]) -> Iterator[Record]:
    """A record for each walk of one series, from its parts as they are read."""
    chosen: list[int] = []
    for part in parts:
        for number, walk in enumerate(walks):
            if part.name == walk.train:
                train, chosen = part, _chosen(choice, part)
            if part.name == (walk.test or walk.train):
                yield _record(choice, number, pairs, train, None if walk.test is None else part, chosen)


def best_of(choice: Choice, part: Part) -> int | None:
    """The best pair of a train; None where no pair has the objective."""
    standings = [standing(figures, choice.objective) for figures in part.figures]
    best = min(range(len(standings)), key=lambda at: (standings[at], at))
    return best if standings[best].known else None


def _chosen(choice: Choice, part: Part) -> list[int]:
    standings = [standing(figures, choice.objective) for figures in part.figures]
    return sorted(range(len(standings)), key=lambda at: (standings[at], at))[: choice.keeps]


def _record(
    choice: Choice, walk: int, pairs: Sequence[Cell], train: Part, test: Part | None, chosen: Sequence[int]
) -> Record:
    shapes = shapes_of(train.returns)
    candidates = []
    for at in chosen:
        (fast, slow), on_train = pairs[at], train.figures[at]
        on_test = test and test.figures[at]
        stands = standing(on_train, choice.objective)
        candidates.append(Candidate(fast, slow, stands, on_train, on_test, shapes.one(at)))
    return Record(walk, len(pairs), candidates, shapes.sharpes.tolist())


def shapes_of(moments: Moments) -> Shapes:
    """The runs' returns, without a Sharpe ratio where they have no deviation or are undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpes = moments.mean / moments.std
    known = np.isfinite([sharpes, moments.skewness, moments.kurtosis]).all(axis=0)
    gone = np.isnan(moments.mean) & (moments.count > 0)
    return Shapes(moments.count, np.where(known, sharpes, np.nan), moments.skewness, moments.kurtosis, gone)


def united(choice: Choice, found: Iterable[Record]) -> Iterator[Record]:
    """One record per walk from those of a series' shards, in order of walks."""
    for walk, group in groupby(found, itemgetter(0)):
        _, pairs, candidates, sharpes = zip(*group, strict=True)
        best = sorted((one for some in candidates for one in some), key=lambda one: one.order)
        yield Record(walk, sum(pairs), best[: choice.keeps], [one for some in sharpes for one in some])


def top_lines(walks: Sequence[Walk], record: Record) -> Iterator[Figures]:
    """A walk's best pairs as lines: on train, best first, then on test in the same order."""
    walk, tries = walks[record.walk], Tries(record.sharpes)
    for one in record.candidates:
        yield pair_line((one.fast, one.slow), walk.train, one.train, tries, one.returns)
    for one in record.candidates:
        if one.test is not None:
            yield pair_line((one.fast, one.slow), str(walk.test), one.test)


def pair_line(
    pair: Cell, part: str, figures: Figures, tries: Tries | None = None, returns: Returns | None = None
) -> Figures:
    """A pair's figures on one part as a line; with its returns, among all tries, how likely it is better than luck."""
    if tries is None or returns is None:
        return {"fast": pair[0], "slow": pair[1], "part": part, **figures}
    deflated, why = tries.deflated_sharpe(returns)
    line = {"fast": pair[0], "slow": pair[1], "part": part, "trials": tries.count, "deflated_sharpe": deflated}
    if not why:
        return {**line, **figures}
    reasons = {"deflated_sharpe": why} | figures.get("undefined", {})
    return {**line, **figures, "undefined": reasons}


def pair_lines(pairs: Sequence[Cell], part: Part, shapes: Shapes | None) -> FigureRows:
    """The same lines of all pairs, which are all tries; there are no `shapes` on a test."""
    fast, slow = np.fromiter(chain.from_iterable(pairs), np.int64, 2 * len(pairs)).reshape(-1, 2).T
    head: Columns = {"fast": fast, "slow": slow, "part": np.full(len(pairs), part.name, object)}
    reasons: dict[int, dict[str, str]] = {}
    if shapes is not None:
        tries = Tries(shapes.sharpes)
        deflated, whys = tries.deflated_sharpes(shapes)
        head |= {"trials": np.full(len(pairs), tries.count), "deflated_sharpe": deflated}
        reasons = {run: {"deflated_sharpe": why} for run, why in whys.items()}
    return part.figures.led_by(head, reasons)


def best_line(choice: Choice, walks: Sequence[Walk], record: Record) -> Figures:
    """The best pair of a walk as one line, with its figures on both parts, and how likely it is better than luck.

    Where no pair has the objective there is no best one, and the line says why.
    """
    [best] = record.candidates
    if not best.standing.known:
        return no_best(
            choice.objective, walk_field(walks, record.walk), record.pairs, why_none(best.train, choice.objective)
        )
    tries = Tries(record.sharpes)
    deflated, why = tries.deflated_sharpe(best.returns)
    test = {} if best.test is None else {"test": best.test}
    return {
        "fast": best.fast,
        "slow": best.slow,
        **walk_field(walks, record.walk),
        "objective": choice.objective,
        "trials": tries.count,
        "deflated_sharpe": deflated,
        "all" if best.test is None else "train": best.train,
        **test,
        **undefined({"deflated_sharpe": why}),
    }


def no_best(objective: str, walk: Figures, pairs: int, why: str) -> Figures:
    """The line of a walk on which no pair has the objective, with the reason for the first pair."""
    reason = f"no pair has {objective}: {why}"
    return {
        "fast": None,
        "slow": None,
        **walk,
        "objective": objective,
        "trials": pairs,
        "deflated_sharpe": None,
        **undefined(dict.fromkeys(("fast", "slow", "deflated_sharpe"), reason)),
    }


def walk_field(walks: Sequence[Walk], number: int) -> Figures:
    """The number of a line's walk, counted from 1, where there are several."""
    return {"walk": number + 1} if len(walks) > 1 else {}


def undefined(reasons: dict[str, str]) -> Figures:
    """Why fields of a line are null, in the form that figures have; nothing where none is."""
    given = {field: why for field, why in reasons.items() if why}
    return {"undefined": given} if given else {}
