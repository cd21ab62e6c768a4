"""The search for settings: every combination of a grid is a task, judged on walks through the training part alone.

    training part  |train |valid.|                 walk 1
                   |---- train --|valid.|          walk 2      the test part is not seen by any of them
                   |------- train ------|valid.|   walk 3
                                               |-- test --|    the best one, refitted on the whole training part

A combination's error is the mean, over symbols and walks, of its mean squared error over the last value's: a number
without a unit. With early stopping all are tried with a quarter of the epochs, the better half with half of them, and
the better half of these with all (successive halving, Jamieson and Talwalkar 2016); each begins anew, so that its rate
falls over its own epochs.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import inf
from time import perf_counter
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from windrow.arrays import Ints
from windrow.errors import InputError
from windrow.learn.engine import Spent
from windrow.learn.evaluation import ratio, shortened, tested
from windrow.learn.forecasting import Plan, seed_of
from windrow.learn.rowfiles import read_records
from windrow.learn.sequences import rows_of_training
from windrow.learn.training import Adam, forecasts, train

#: The values that are tried by default.
GRID = {"batch": (16, 32, 64), "hidden": (16, 32, 64), "rate": (0.01, 0.001), "length": (5, 10, 20)}
_ALWAYS_RIGHT = (
    "the last value is always right in the walks, and no error is smaller than none; give bars whose --column changes"
)
#: The parts of the epochs of each round of successive halving.
_PARTS = (4, 2, 1)


class Combination(NamedTuple):
    """Settings that are tried together."""

    batch: int
    hidden: int
    rate: float
    length: int


def combinations(grid: dict[str, Sequence[Any]]) -> list[Combination]:
    """All combinations, in order.

    >>> combinations({"batch": [16], "hidden": [8], "rate": [0.1, 0.01], "length": [5]})
    [Combination(batch=16, hidden=8, rate=0.1, length=5), Combination(batch=16, hidden=8, rate=0.01, length=5)]
    """
    return [Combination(*values) for values in product(*(grid[name] for name in Combination._fields))]


def with_settings(plan: Plan, one: Combination, epochs: int) -> Plan:
    """The plan with a combination's settings."""
    recipe = replace(plan.recipe, batch=one.batch, rate=one.rate, length=one.length, epochs=epochs)
    problem = replace(plan.problem, length=one.length)
    return replace(plan, problem=problem, recipe=recipe, described=(("kind", "lstm"), ("hidden", one.hidden)))


@dataclass
class Search:
    """The rounds of a search: see `windrow.mapreduce.rounds.Rounds`."""

    plan: Plan
    grid: Sequence[Combination]
    files: Sequence[str]
    halving: bool
    table: list[dict[str, Any]] = field(default_factory=list)
    _round: int = 0
    _since: float = 0.0
    _times: list[dict[str, Any]] = field(default_factory=list)

    def tasks(self) -> list[Any]:
        """A task for each combination that is still in the race; none if the last round is done."""
        self._since = perf_counter()
        if self._round == len(self._parts):
            return []
        left = list(range(len(self.grid)))
        if self._round:
            ranked = self._ranked()
            better = ranked[: -(-len(ranked) // 2)]
            left = sorted(one["combination"] for one in better if one["error"] is not None)
        epochs = max(1, self.plan.recipe.epochs // self._parts[self._round])
        return [{"files": list(self.files), "combination": number, "epochs": epochs} for number in left]

    def state(self) -> bytes:
        """What the last tasks get: the table, best first, and the times."""
        return json.dumps({"table": self.ranked(), "times": self._times}).encode() if self._round else b""

    def take(self, lines: Iterable[bytes]) -> None:
        """Takes what tasks found. Raises InputError where no combination has an error, so that none is the best."""
        wall = round(perf_counter() - self._since, 3)
        self._round += 1
        for told in sorted(map(json.loads, lines), key=lambda one: int(one["combination"])):
            seconds = told.pop("seconds")
            self.table.append({"round": self._round, **told})
            self._times.append(
                {"round": self._round, "combination": told["combination"], "seconds": seconds, "wall": wall}
            )
        if all(one["error"] is None for one in self.table):
            first = min(self.table, key=lambda one: int(one["combination"]))
            raise InputError(
                f"none of {len(self.grid):,} combinations has an error to choose by; of the first,"
                f" {self._settings(first)}: {first['why']}"
            )

    def last(self) -> list[Any]:
        """A task for each file of rows, which refits the best one."""
        return [{"files": [file], "first": not number} for number, file in enumerate(self.files)]

    def told(self) -> str:
        """How the last round went."""
        best = self.ranked()[0]
        return (
            f"round {self._round} of {len(self._parts)}: best {self._settings(best)}: {best['error']:.4f} x the last"
            " value's error"
        )

    def ranked(self) -> list[dict[str, Any]]:
        """All that was tried, best first: those of later rounds before those that were left behind, and last of all
        those whose last trial has no error.
        """
        rounds = range(self._round, 0, -1)
        rows = [one for number in rounds for one in self._ranked(number)]
        found: dict[int, dict[str, Any]] = {}
        for one in rows:
            found.setdefault(one["combination"], one)
        best_first = sorted(found.values(), key=lambda one: one["error"] is None)
        return [{**self.grid[one["combination"]]._asdict(), **one} for one in best_first]

    def _settings(self, row: dict[str, Any]) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self.grid[row["combination"]]._asdict().items())

    @property
    def _parts(self) -> tuple[int, ...]:
        return _PARTS if self.halving else _PARTS[-1:]

    def _ranked(self, number: int | None = None) -> list[dict[str, Any]]:
        """What was tried in a round, by default the last one, best first; of equals the first combination."""
        tried = [one for one in self.table if one["round"] == (number or self._round)]
        return sorted(tried, key=lambda one: (inf if one["error"] is None else one["error"], one["combination"]))


def check_bars(plan: Plan, grid: Sequence[Combination], symbol: str, times: Ints) -> None:
    """Raises TooFewError for a symbol's bars that are too few for any combination: of all of them it is left out.

    What is enough for the longest sequences is enough for all.
    """
    problem = replace(plan.problem, length=max(one.length for one in grid))
    problem.check(symbol, times)
    problem.check(symbol, times[: rows_of_training(len(times), problem.share)], plan.walks or 1)


def try_combination(
    plan: Plan, grid: Sequence[Combination], asked: Any, files: Iterable[BinaryIO], spent: Spent
) -> bytes:
    """What a combination is worth on all symbols of the files; a line of JSON.

    One with which a loss or a forecast is no number has no error, and ranks last: an error over the other symbols would
    be no fair comparison; symbols with too few bars for some combination were left out of all. A walk in which the last
    value is always right does not count, with any combination. Memory: one symbol.
    """
    one = grid[asked["combination"]]
    trial = with_settings(plan, one, asked["epochs"])
    known: list[float] = []
    try:
        records = (record for file in files for record in read_records(file))
        for told, arrays in records:
            if "left_out" in told:
                continue
            known += [found for found in _walks(trial, told, arrays, spent) if found is not None]
        why = "" if known else _ALWAYS_RIGHT
    except InputError as error:
        known, why = [], str(error)
    mean = shortened(float(np.mean(known))) if known else None
    said = {"combination": asked["combination"], "epochs": asked["epochs"], "error": mean, "tests": len(known)}
    return json.dumps({**said, "why": why, "seconds": spent.told()}).encode()


def _walks(plan: Plan, told: dict[str, Any], arrays: dict[str, Any], spent: Spent) -> Iterable[float | None]:
    """The ratio to the last value's error of each walk through the training part of a symbol."""
    times, values = arrays["times"], [arrays[name] for name in plan.problem.columns]
    end, network, recipe = rows_of_training(len(times), plan.problem.share), plan.network, plan.recipe
    for dataset in plan.problem.walks(told["symbol"], times[:end], [value[:end] for value in values], plan.walks or 1):
        seed = seed_of(recipe.seed, told["symbol"])
        state = Adam.of(network, network.initial(seed, plan.zero_head))
        done = train(network, recipe, state, dataset.series, range(recipe.epochs), (seed, 0), spent)
        made = forecasts(network, recipe.length, done.state.weights, dataset.rows, dataset.test, spent)
        if not np.isfinite(made).all():
            raise InputError(
                f"{told['symbol']}: forecasts that are no numbers: the network has diverged; lower the learning rates,"
                " --rate"
            )
        one = tested(dataset, recipe.length, made, None)
        yield ratio(one.truth - one.forecast, one.truth - one.last)
