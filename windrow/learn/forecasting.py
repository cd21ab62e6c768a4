"""A model trained on one symbol, and what it is worth; the same steps, apart, for a model of many symbols."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.learn import evaluation
from windrow.learn.engine import Spent
from windrow.learn.evaluation import Tested
from windrow.learn.keras_models import network_of
from windrow.learn.models import Model
from windrow.learn.network import Network, Weights
from windrow.learn.problem import Dataset, Problem
from windrow.learn.sequences import usual_distance
from windrow.learn.sequencing import LEAK
from windrow.learn.training import Adam, Recipe, forecasts, train
from windrow.sessions import Trading
from windrow.times import format_duration


@dataclass(frozen=True)
class Plan:
    """What is forecast, and how it is learnt."""

    problem: Problem
    recipe: Recipe
    described: tuple[tuple[str, Any], ...]
    """The network, as a model's description names it."""
    walks: int | None = None
    points: int = 250
    """How many of the last points of a test are told."""
    shares: int = 1
    """Of the training rows of a global model."""
    rounds: int = 1
    """How often the shares' models are averaged."""

    @property
    def network(self) -> Network:
        """The network."""
        return network_of(dict(self.described), self.recipe.length, len(self.problem.columns))

    def within(self, trading: Trading | None) -> "Plan":
        """The same of sequences that leave no session."""
        return replace(self, problem=replace(self.problem, trading=trading))

    @property
    def zero_head(self) -> bool:
        """Whether the first forecasts are 0: of changes that is the last value."""
        return self.problem.target == "change"

    @property
    def notes(self) -> list[str]:
        """What makes these results worse, or better, than they seem."""
        notes = []
        if self.problem.shuffled:
            notes.append(_LEAK)
        if self.problem.target == "level" and self.shares > 1:
            notes.append(_LEVELS)
        return notes


_LEAK = f"the test part was chosen by chance, as published: {LEAK}; split by time for errors of forecasts"
_LEVELS = (
    "the level is forecast, as published, and models of several shares are averaged: measured errors are 1.04 to 1.95 x"
    " those of a single model; of changes, 1.000 to 1.006 x"
)


class Result(NamedTuple):
    """A symbol's model, how its losses went, and what it is worth."""

    model: Model
    told: dict[str, Any]


def seed_of(seed: int, symbol: str) -> int:
    """A seed for one symbol, which no other symbol's data can change.

    >>> seed_of(0, "AA") != seed_of(0, "AB") != seed_of(1, "AB")
    True
    """
    return (seed << 32) + crc32(symbol.encode())


def forecast_symbol(plan: Plan, symbol: str, times: Ints, values: list[Floats], spent: Spent) -> Result:
    """Trains a model on a symbol's bars and tests it; with walks, a model for each, of which the last is returned.

    Raises TooFewError for bars that cannot be divided so.
    """
    if plan.walks is None:
        datasets = [plan.problem.dataset(symbol, times, values)]
    else:
        datasets = plan.problem.walks(symbol, times, values, plan.walks)
    datasets = [dataset.with_baselines(plan.recipe.length) for dataset in datasets]
    walks = [_one(plan, symbol, dataset, spent) for dataset in datasets]
    model, dataset, losses = walks[-1].model, datasets[-1], walks[-1].losses
    told = {"bars": len(times), **parts_told(dataset, plan.recipe.length), **losses}
    together = evaluation.joined([walk.tested for walk in walks])
    told |= tested_told(plan, dataset, together, None if plan.walks else dataset.width)
    told["next"] = next_told(plan, dataset, model, spent)
    if plan.walks is not None:
        told["walks"] = [_walk_told(walk.tested) for walk in walks]
    return Result(model, told)


class _Walk(NamedTuple):
    model: Model
    losses: dict[str, list[float | None]]
    tested: Tested


def _one(plan: Plan, symbol: str, dataset: Dataset, spent: Spent) -> _Walk:
    network, recipe, seed = plan.network, plan.recipe, seed_of(plan.recipe.seed, symbol)
    state = Adam.of(network, network.initial(seed, plan.zero_head))
    epochs = range(recipe.epochs)
    done = train(network, recipe, state, dataset.series, epochs, (seed, 0), spent, dataset.calibrate)
    model, tests = tested_model(plan, symbol, dataset, done.state.weights, spent)
    losses = {"loss": list(map(evaluation.shortened, done.losses))}
    return _Walk(model, losses | {"validation": list(map(evaluation.shortened, done.validation))}, tests)


def tested_model(plan: Plan, symbol: str, dataset: Dataset, weights: Weights, spent: Spent) -> tuple[Model, Tested]:
    """A symbol's model with these weights, its intervals calibrated, and its forecasts of the test part."""
    both = np.concatenate([dataset.calibrate, dataset.test])
    made = forecasts(plan.network, plan.recipe.length, weights, dataset.rows, both, spent)
    cut, length = len(dataset.calibrate), plan.recipe.length
    half = evaluation.calibrated(dataset, length, made[:cut])
    apart, until = usual_distance(dataset.times), dataset.known_until(length)
    model = Model(symbol, dict(plan.described), length, dataset.features, half, weights, apart, until)
    return model, evaluation.tested(dataset, length, made[cut:], half)


def apply(plan: Plan, model: Model, times: Ints, values: list[Floats], spent: Spent) -> dict[str, Any]:
    """What a model says of new bars: how it did on those that are there, and the next one.

    Raises InputError for bars at another distance than those that it was trained on, TooFewError for too few.
    """
    apart = usual_distance(times)
    if model.apart and apart and apart != model.apart:
        raise InputError(
            f"{model.symbol}: bars are mostly {format_duration(apart)} apart, and its model was trained on bars"
            f" {format_duration(model.apart)} apart; apply it to such, e.g. made by windrow resample, or train another"
        )
    dataset = plan.problem.all_tested(model.symbol, times, values, model.features)
    told: dict[str, Any] = {"notes": _seen(model, dataset), "bars": len(times), **parts_told(dataset, model.length)}
    if len(dataset.test):
        made = forecasts(plan.network, model.length, model.weights, dataset.rows, dataset.test, spent)
        told |= tested_told(plan, dataset, evaluation.tested(dataset, model.length, made, model.half_width), None)
    return told | {"next": next_told(plan, dataset, model, spent)}


def _seen(model: Model, dataset: Dataset) -> list[str]:
    """What a reader of a model's errors should know: whether it was trained on these bars."""
    tested = dataset.times[dataset.test + model.length]
    seen = 0 if model.until is None else int(np.count_nonzero(tested <= model.until))
    told = f"{seen:,} of the {len(tested):,} forecasts are of times up to which the model was trained"
    return [f"{told}: errors are too small"] if seen else []


def parts_told(dataset: Dataset, length: int) -> dict[str, Any]:
    """How many sequences are in each part, and from when to when are the bars that they forecast (ns)."""
    parts: Mapping[str, Ints] = {"train": dataset.train, "calibrate": dataset.calibrate, "test": dataset.test}
    spans = {name: dataset.times[[part[0] + length, part[-1] + length]] for name, part in parts.items() if len(part)}
    return {"sequences": {name: len(part) for name, part in parts.items()}, "spans": spans}


def tested_told(plan: Plan, dataset: Dataset, tests: Tested, width: float | None) -> dict[str, Any]:
    """The figures of a test, and its last points."""
    return evaluation.figures(tests, width) | {"points": evaluation.points(tests, plan.points)}


def next_told(plan: Plan, dataset: Dataset, model: Model, spent: Spent) -> dict[str, Any] | None:
    """The forecast of the bar after the last one; None where the last bars are no sequence."""
    if not dataset.complete:
        return None
    begin = np.array([len(dataset.rows) - model.length])
    made = forecasts(plan.network, model.length, model.weights, dataset.rows, begin, spent)
    forecast = float(dataset.features.prices(made, dataset.levels[-1:])[0])
    half = model.half_width and model.half_width * dataset.next_deviation
    ends = (None, None) if half is None else (forecast - half, forecast + half)
    low, high = (None if end is None else evaluation.shortened(end) for end in ends)
    return {"after": dataset.times[-1:], "forecast": evaluation.shortened(forecast), "low": low, "high": high}


def _walk_told(tests: Tested) -> dict[str, Any]:
    errors = tests.truth - tests.forecast
    ratios = {name: evaluation.ratio(errors, tests.truth - other) for name, other in tests.others.items()}
    mse = evaluation.shortened(float(np.mean(errors * errors)))
    return {"span": tests.times[[0, -1]], "sequences": len(errors), "mse": mse, "ratios": ratios}
