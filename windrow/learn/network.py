"""The network: LSTM(hidden, relu) -> Dense(1), in jax, with Keras' initial values and its layout of weights.

It computes what Keras' layers of these names compute: tests/learn compares them. Weights are a dict of float32 arrays,
of F features and H hidden units:

    kernel (F, 4H), recurrent_kernel (H, 4H), bias (4H), with the gates in the order i, f, c, o
    dense_kernel (H, 1), dense_bias (1)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.learn.engine import started

Weights: TypeAlias = dict[str, NDArray[Any]]

#: The names of an LSTM's weights, in the order of Keras' `get_weights`.
LSTM = ("kernel", "recurrent_kernel", "bias")
DENSE = ("dense_kernel", "dense_bias")


def shapes(features: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Of the weights of an LSTM.

    >>> shapes(6, 2)["kernel"]
    (6, 8)
    """
    sizes = (features, 4 * hidden), (hidden, 4 * hidden), (4 * hidden,), (hidden, 1), (1,)
    return dict(zip(LSTM + DENSE, sizes, strict=True))


class Network(Protocol):
    """What can be trained: equal ones, as by ==, are computed by the same program."""

    def __hash__(self) -> int: ...

    @property
    def trained(self) -> frozenset[str]:
        """Names of the weights that are trained by their gradients."""

    def initial(self, seed: int, zero_head: bool) -> Weights:
        """Its weights before training."""

    def apply(self, weights: Mapping[str, Any], sequences: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """The forecasts (n) for sequences (n, length, features), and new values of weights that are not trained."""


@dataclass(frozen=True)
class Lstm:
    """LSTM(hidden, relu) -> Dense(1)."""

    features: int
    hidden: int = 32

    @property
    def trained(self) -> frozenset[str]:
        """All of them."""
        return frozenset(LSTM + DENSE)

    def initial(self, seed: int, zero_head: bool = False) -> Weights:
        """Keras' initial values, by numpy: glorot uniform kernels, an orthogonal recurrence, forget gates' biases of 1.

        With `zero_head` the dense kernel is 0: before training every forecast is 0.

        >>> weights = Lstm(features=6, hidden=2).initial(seed=0, zero_head=True)
        >>> {name: array.shape for name, array in weights.items()}
        {'kernel': (6, 8), 'recurrent_kernel': (2, 8), 'bias': (8,), 'dense_kernel': (2, 1), 'dense_bias': (1,)}
        >>> weights["bias"].tolist()
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
        """
        random, hidden = np.random.Generator(np.random.PCG64(seed)), self.hidden
        kernel = _glorot(random, self.features, 4 * hidden)
        orthogonal, upper = np.linalg.qr(random.standard_normal((4 * hidden, hidden)))
        bias = np.zeros(4 * hidden)
        bias[hidden : 2 * hidden] = 1
        head = _glorot(random, hidden, 1) * (not zero_head)
        values = kernel, (orthogonal * np.sign(np.diag(upper))).T, bias, head, np.zeros(1)
        return {name: np.asarray(value, np.float32) for name, value in zip(LSTM + DENSE, values, strict=True)}

    def apply(self, weights: Mapping[str, Any], sequences: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """The forecasts for sequences; see `Network`."""
        jax = started()
        numpy, nn = jax.numpy, jax.nn
        count, length, features = sequences.shape
        # All steps' inputs at once: of the recurrence only h @ recurrent_kernel depends on the step before.
        inputs = sequences.reshape(count * length, features) @ weights["kernel"] + weights["bias"]

        def step(carried: tuple[Any, Any], at: Any) -> tuple[tuple[Any, Any], None]:
            output, cell = carried
            i, f, c, o = numpy.split(at + output @ weights["recurrent_kernel"], 4, -1)
            cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * nn.relu(c)
            return (nn.sigmoid(o) * nn.relu(cell), cell), None

        zeros = numpy.zeros((count, self.hidden))
        by_step = inputs.reshape(count, length, 4 * self.hidden).transpose(1, 0, 2)
        (output, _), _ = jax.lax.scan(step, (zeros, zeros), by_step)
        return (output @ weights["dense_kernel"] + weights["dense_bias"])[:, 0], {}


def _glorot(random: np.random.Generator, inputs: int, outputs: int) -> NDArray[np.float64]:
    return np.asarray(random.uniform(-1, 1, (inputs, outputs)) * np.sqrt(6 / (inputs + outputs)))
