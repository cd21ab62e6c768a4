"""Keras beside jax: a user's own model as a network, and trained networks as .keras files.

A user's model is trained by the same programs as our own network: one lax.scan over Keras' stateless calls, Adam and
the mean squared error ours. Layers of dropout and of normalisation work; what is compiled into the model is not used.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np

from windrow.errors import UsageError
from windrow.learn.engine import missing, started
from windrow.learn.models import Model
from windrow.learn.network import DENSE, LSTM, Lstm, Network, Weights


@cache
def keras() -> Any:
    """keras, on jax. Raises UsageError where it is not installed, or was imported with another backend."""
    started()
    os.environ["KERAS_BACKEND"] = "jax"
    try:
        import keras
    except ImportError as error:
        raise missing("keras", "keras", error) from None
    if keras.backend.backend() != "jax":
        raise UsageError(
            f"keras: was imported with the backend {keras.backend.backend()}, and forecasts are computed by jax; set"
            " KERAS_BACKEND=jax before it is imported"
        )
    return keras


@dataclass(frozen=True)
class KerasNetwork:
    """What a user's function makes: `function(length, features)` returns a Keras model of one output a sequence."""

    model: str
    """module:function"""
    length: int
    features: int

    @property
    def trained(self) -> frozenset[str]:
        """The trainable variables."""
        return frozenset(f"trained/{number}" for number in range(len(self._built().trainable_variables)))

    def initial(self, seed: int, zero_head: bool = False) -> Weights:
        """The values that Keras gives them after `keras.utils.set_random_seed`, whatever `zero_head`.

        Keras takes 32 bits, and a symbol's seed has more: all of them are mixed into these.
        """
        keras().utils.set_random_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        return _values(_build(self.model, self.length, self.features))

    def apply(self, weights: Mapping[str, Any], sequences: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """The forecasts for sequences; see `Network`."""
        built = self._built()
        parts = [
            [weights[f"{kind}/{number}"] for number in range(len(variables))]
            for kind, variables in (("trained", built.trainable_variables), ("fixed", built.non_trainable_variables))
        ]
        made, moved = built.stateless_call(*parts, sequences, training=training)
        return made[:, 0], {f"fixed/{number}": value for number, value in enumerate(moved)} if training else {}

    def _built(self) -> Any:
        return _shared(self.model, self.length, self.features)


def network_of(described: Mapping[str, Any], length: int, features: int) -> Network:
    """The network that a model's description names.

    >>> network_of({"kind": "lstm", "hidden": 4}, length=10, features=6)
    Lstm(features=6, hidden=4)
    """
    if described["kind"] == "keras":
        return KerasNetwork(described["model"], length, features)
    return Lstm(features, int(described["hidden"]))


def check_model(spec: str) -> None:
    """Raises UsageError unless the function that `--model` names can be imported, and keras too."""
    keras()
    _function(spec)


def save_as_keras(file: BinaryIO, names: Sequence[str], models: Sequence[Model]) -> None:
    """Writes models as .keras files, by these names, into a zip; `keras.models.load_model` reads each."""
    with TemporaryDirectory(prefix="windrow-") as folder, ZipFile(file, "w", ZIP_STORED) as archive:
        place = Path(folder, "model.keras")
        for name, model in zip(names, models, strict=True):
            _filled(model).save(place)
            archive.writestr(ZipInfo(f"{name}.keras"), place.read_bytes())


def _filled(model: Model) -> Any:
    """A Keras model with a trained model's weights."""
    features = len(model.features.columns)
    if model.network["kind"] == "keras":
        built = _shared(model.network["model"], model.length, features)
        for kind, variables in (("trained", built.trainable_variables), ("fixed", built.non_trainable_variables)):
            for number, variable in enumerate(variables):
                variable.assign(model.weights[f"{kind}/{number}"])
        return built
    built = _lstm(model.length, features, int(model.network["hidden"]))
    built.set_weights([model.weights[name] for name in LSTM + DENSE])
    return built


@cache
def _lstm(length: int, features: int, hidden: int) -> Any:
    layers = keras().layers
    shape = layers.Input((length, features))
    return keras().Sequential([shape, layers.LSTM(hidden, activation="relu"), layers.Dense(1)])


@cache
def _shared(spec: str, length: int, features: int) -> Any:
    """One model of a user's function, whose structure is used; its own weights are not."""
    return _build(spec, length, features)


def _build(spec: str, length: int, features: int) -> Any:
    function = _function(spec)
    try:
        signature(function).bind(length, features)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"--model {spec}: takes no (length, features): {error}; give a function of these two"
        ) from None
    built = function(length, features)
    shapes = [(None, one, other) for one in (None, length) for other in (None, features)]
    if not isinstance(built, keras().Model) or built.output_shape != (None, 1) or built.input_shape not in shapes:
        what = getattr(built, "output_shape", type(built).__name__)
        what = f"of {built.input_shape}" if what == (None, 1) else what
        raise UsageError(
            f"--model {spec}: returns no model for sequences of {length} x {features} with one output each, but {what};"
            " return one, e.g. keras.Sequential([keras.layers.Input((length, features)), ..., keras.layers.Dense(1)])"
        )
    return built


def _values(built: Any) -> Weights:
    kinds = ("trained", built.trainable_variables), ("fixed", built.non_trainable_variables)
    return {f"{kind}/{n}": np.asarray(one.value) for kind, variables in kinds for n, one in enumerate(variables)}


def _function(spec: str) -> Any:
    module, _, name = spec.partition(":")
    try:
        function = getattr(import_module(module), name) if module and name else None
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"--model {spec}: cannot be imported ({error}); give MODULE:FUNCTION of a module on the path of Python"
        ) from None
    if not callable(function):
        raise UsageError(f"--model {spec}: names no function; give MODULE:FUNCTION")
    return function
