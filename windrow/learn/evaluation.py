"""What forecasts are worth: errors on the held-out test, beside those of simple forecasts, on one scale."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.learn.baselines import ridge_forecasts
from windrow.learn.intervals import half_width
from windrow.learn.problem import Dataset
from windrow.learn.significance import diebold_mariano, direction

#: The share of cases that intervals are to hold.
LEVEL = 0.9
#: Below this probability a difference is told as one.
_DOUBT = 0.05
#: Significant digits of the figures: sums of floats differ in the last ones from machine to machine.
_DIGITS = 10


class Tested(NamedTuple):
    """Forecasts of a test part, all as values of the column; arrays of shape (sequences,)."""

    times: Ints
    truth: Floats
    last: Floats
    """The value before each."""
    forecast: Floats
    others: dict[str, Floats]
    """Simple forecasts: `last`, `drift`, `ridge`."""
    half: Floats
    """Half widths of the intervals; NaN where there was too little to calibrate with."""


def calibrated(dataset: Dataset, length: int, made: Floats) -> float | None:
    """Half the width of intervals in deviations, from forecasts (as targets) of the calibration part."""
    at = dataset.calibrate + length
    errors = dataset.levels[at] - dataset.features.prices(made, dataset.levels[at - 1])
    return half_width(errors, dataset.deviations[at], LEVEL)


def tested(dataset: Dataset, length: int, made: Floats, half: float | None) -> Tested:
    """Forecasts (as targets) of the test part, beside simple ones."""
    at, features = dataset.test + length, dataset.features
    last = dataset.levels[at - 1]
    others = {"last": last}
    if len(dataset.ridge):
        by_ridge = ridge_forecasts(dataset.ridge, dataset.rows, dataset.test, length)
        others |= {"drift": last + dataset.drift, "ridge": features.prices(by_ridge, last)}
    widths = (np.nan if half is None else half) * dataset.deviations[at]
    return Tested(dataset.times[at], dataset.levels[at], last, features.prices(made, last), others, widths)


def joined(parts: Sequence[Tested]) -> Tested:
    """Several parts in a row, as of walk-forward tests."""
    others = {name: np.concatenate([part.others[name] for part in parts]) for name in parts[0].others}
    times, truth, last, forecast, half = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("times", "truth", "last", "forecast", "half")
    )
    return Tested(times, truth, last, forecast, others, half)


def figures(one: Tested, width: float | None) -> dict[str, Any]:
    """Errors of all forecasts, their ratios to the network's with Diebold-Mariano's t, direction and intervals.

    `ratio` is the network's mean squared error over the simple forecast's: below 1 the network is better. With `width`,
    the range of the training part, `scaled_mse` is its error where that range is from 0 to 1, as published ones are.
    """
    errors = one.truth - one.forecast
    told: dict[str, Any] = {"errors": {"network": _errors(errors)}, "against": {}}
    told["scaled_mse"] = shortened(float(np.mean(errors * errors)) / width**2) if width else None
    for name, other in one.others.items():
        theirs = one.truth - other
        told["errors"][name] = _errors(theirs)
        test = diebold_mariano(errors, theirs)
        told["against"][name] = {"ratio": ratio(errors, theirs), "t": shortened(test.t), "p": shortened(test.p)}
    right = direction(one.forecast - one.last, one.truth - one.last)
    told["direction"] = {name: shortened(getattr(right, name)) for name in ("share", "low", "high")}
    told["direction"]["cases"] = right.cases
    told["interval"] = _interval(one, errors)
    told["outcome"] = outcome(told["against"]["last"])
    told["verdict"] = verdict(told["against"]["last"])
    return told


def ratio(errors: Floats, others: Floats) -> float | None:
    """The mean squared error over another; None over 0."""
    below = float(np.mean(others * others))
    return shortened(float(np.mean(errors * errors)) / below) if below else None


#: What may come of the comparison with the last value; `same`: within chance.
OUTCOMES = ("better", "same", "worse")


def outcome(against: dict[str, Any]) -> str:
    """Which of OUTCOMES the ratio to the last value's error is, by the test's probability."""
    if against["p"] >= _DOUBT:
        return "same"
    return "better" if against["ratio"] is not None and against["ratio"] < 1 else "worse"


def told_outcomes(counts: Mapping[str, int]) -> list[str]:
    """A line for a person about the outcomes of all models; none of none.

    >>> told_outcomes({"better": 2, "same": 1, "worse": 0})
    ['models that beat the last value: 2 of 3; within chance of it: 1; worse: 0']
    """
    better, same, worse = (counts.get(name, 0) for name in OUTCOMES)
    if not (total := better + same + worse):
        return []
    return [
        f"models that beat the last value: {better:,} of {total:,}; within chance of it: {same:,}; worse: {worse:,}"
    ]


def verdict(against: dict[str, Any]) -> str:
    """In words, whether the network beats the last value.

    >>> verdict({"ratio": 0.5512, "t": -9.81, "p": 1e-9})
    'beats the last value: 0.551 x its squared error (t = -9.8)'
    >>> verdict({"ratio": 1.0012, "t": 0.4, "p": 0.69})
    'does not beat the last value: 1.001 x its squared error, a difference within chance (t = 0.4)'
    """
    if against["ratio"] is None:
        return "does not beat the last value, which is always right here"
    told = f"the last value: {against['ratio']:.3f} x its squared error"
    if outcome(against) == "same":
        return f"does not beat {told}, a difference within chance (t = {against['t']:.1f})"
    return f"{'beats' if outcome(against) == 'better' else 'is worse than'} {told} (t = {against['t']:.1f})"


def points(one: Tested, most: int) -> dict[str, Any]:
    """The last `most` points of the test: times (ns), truth, forecast, and the interval's ends, None without one."""
    rows = slice(max(0, len(one.times) - most), None)
    forecast, half = one.forecast[rows], one.half[rows]
    columns = {"truth": one.truth[rows], "forecast": forecast, "low": forecast - half, "high": forecast + half}
    told: dict[str, Any] = {"times": one.times[rows]}
    return told | {name: [shortened(value) for value in values.tolist()] for name, values in columns.items()}


def shortened(value: float) -> float | None:
    """A figure with ten significant digits; None for one that is no number.

    >>> shortened(1 / 3), shortened(float("nan"))
    (0.3333333333, None)
    """
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None


def _errors(errors: Floats) -> dict[str, Any]:
    return {"mse": shortened(float(np.mean(errors * errors))), "mae": shortened(float(np.mean(np.abs(errors))))}


def _interval(one: Tested, errors: Floats) -> dict[str, Any]:
    if np.isnan(one.half).any():
        return {"level": LEVEL, "coverage": None, "width": None}
    inside = float(np.mean(np.abs(errors) <= one.half))
    return {"level": LEVEL, "coverage": shortened(inside), "width": shortened(float(np.mean(2 * one.half)))}
