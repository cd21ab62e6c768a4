"""Models in files: numpy's .npz, which holds arrays and JSON, and nothing that is executed when it is read.

A file holds the models of some symbols. `models` is JSON in UTF-8: for each its symbol, network, length, features with
their scales, and the interval's half width; its weights are N/NAME. Models that share their weights, as those of a
global model do, have them once.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO
from zipfile import BadZipFile

import numpy as np

from windrow.errors import InputError
from windrow.learn.features import Features
from windrow.learn.network import Weights, shapes

#: The version of the form of these files.
_FORM = 1


@dataclass(frozen=True)
class Model:
    """A trained network of one symbol."""

    symbol: str
    network: Mapping[str, Any]
    """What kind it is: {"kind": "lstm", "hidden": 32}, or {"kind": "keras", "model": "module:function"}."""
    length: int
    features: Features
    half_width: float | None
    """Of an interval that holds 90 %, in deviations known before each bar; None: too few errors to calibrate it by."""
    weights: Weights
    apart: int | None = None
    """The usual distance of the bars that it was trained on, ns; None: not known."""
    until: int | None = None
    """The time of the last bar that it was fitted or calibrated to, ns; None: not known."""

    def described(self) -> dict[str, Any]:
        """All but the weights."""
        told = {"symbol": self.symbol, "network": dict(self.network), "length": self.length}
        told |= {"apart": self.apart, "until": self.until}
        return {**told, "half_width": self.half_width, "features": self.features.to_json()}


def save(file: BinaryIO, models: Sequence[Model]) -> None:
    """Writes models; the same models make the same bytes."""
    written: dict[int, int] = {}
    arrays: dict[str, Any] = {}
    described = []
    for model in models:
        number = written.setdefault(id(model.weights), len(written))
        arrays |= {f"{number}/{name}": array for name, array in model.weights.items()}
        described.append({**model.described(), "weights": number})
    text = json.dumps({"windrow_models": _FORM, "models": described}).encode()
    np.savez(file, models=np.frombuffer(text, np.uint8), **arrays)


def saved(models: Sequence[Model]) -> bytes:
    """The bytes of a file with these models."""
    file = BytesIO()
    save(file, models)
    return file.getvalue()


def load(file: BinaryIO, name: str) -> list[Model]:
    """The models in a file. Raises InputError, with the name given, for one that holds none."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            told = json.loads(bytes(arrays["models"]))
            if told["windrow_models"] != _FORM:
                raise ValueError("of another version")
            weights = _weights({one["weights"] for one in told["models"]}, arrays)
            return [_model(one, weights) for one in told["models"]]
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(
            f"{name}: holds no models of windrow ({error}); give a part-NNNNN-models.npz, or the directory that windrow"
            " forecast wrote it to"
        ) from None


def _model(told: Mapping[str, Any], weights: Mapping[int, Weights]) -> Model:
    features, half = Features.from_json(told["features"]), told["half_width"]
    half_width = None if half is None else float(half)
    network, mine = told["network"], weights[told["weights"]]
    apart, until = (None if told.get(name) is None else int(told[name]) for name in ("apart", "until"))
    if network["kind"] not in ("lstm", "keras") or int(told["length"]) < 1:
        raise ValueError(f"{network} of {told['length']} bars is no network")
    known = shapes(len(features.columns), int(network["hidden"])) if network["kind"] == "lstm" else {}
    if known and known != {name: array.shape for name, array in mine.items()}:
        raise ValueError(f"the weights are not those of {network}")
    if not all(np.isfinite(array).all() for array in mine.values()):
        raise ValueError("weights are no numbers")
    return Model(
        str(told["symbol"]), network, int(told["length"]), features, half_width, mine, apart, until
    )  # fmt: skip


def _weights(numbers: Iterable[int], arrays: Mapping[str, Any]) -> dict[int, Weights]:
    names = {number: [name for name in arrays if name.startswith(f"{number}/")] for number in numbers}
    return {number: {name.partition("/")[2]: arrays[name] for name in mine} for number, mine in names.items()}
