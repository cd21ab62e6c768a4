"""Training by Adam on the mean squared error, in compiled programs, with the same bits wherever it is run.

Initial values and shuffles are numpy's, from the seed; rows are padded to one of few numbers and steps to chunks of a
fixed one, so that one program serves all series of about one length; a step of padding changes nothing. A program is
one lax.scan over the steps of a chunk.

Memory: the rows (n, features) and targets (n) of a series as float32, at most doubled by padding; a batch at a time is
gathered from them, so that sequences, which overlap, are never written out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from time import perf_counter, process_time
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.learn.engine import Spent, started
from windrow.learn.network import Network, Weights

Rows: TypeAlias = NDArray[np.float32]

#: Steps of a program.
CHUNK = 64
#: The fewest rows, and sequences, that a program is made for: it serves all shorter series too.
_FEWEST = 256
#: The most sequences of one call of a program that forecasts.
_MOST = 1 << 13
#: Adam's constants in Keras.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-7


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    batch: int = 32
    epochs: int = 10
    rate: float = 1e-3
    length: int = 10
    """Rows of a sequence."""
    seed: int = 0
    shares: int = 1
    """Of the sequences, each trained on by itself: the rate is multiplied by their number."""

    def steps(self, sequences: int) -> int:
        """Steps of all epochs over so many sequences."""
        return -(-sequences // self.batch) * self.epochs


class Adam(NamedTuple):
    """Weights and what Adam carries from step to step: its moments, and the number of steps."""

    weights: Weights
    first: Weights
    second: Weights
    steps: np.float32

    @classmethod
    def of(cls, network: Network, weights: Weights) -> "Adam":
        """Before the first step."""
        zeros = {name: np.zeros_like(weights[name]) for name in sorted(network.trained)}
        return cls(weights, zeros, dict(zeros), np.float32(0))


class Series(NamedTuple):
    """Rows of features, the target of each row, and where sequences begin: one of rows s .. s+length-1 forecasts the
    target of row s+length.
    """

    rows: Rows
    targets: Rows
    starts: Ints


def batches(starts: Ints, batch: int, seed: tuple[int, ...], epoch: int) -> tuple[NDArray[np.int32], Rows]:
    """The starts of an epoch's batches (steps, batch), shuffled, and 1 for each, 0 where the last one is padded.

    It is padded with the epoch's first ones again, for layers such as BatchNormalization see all of a batch.

    >>> chosen, counted = batches(np.arange(5), batch=2, seed=(0, 0), epoch=0)
    >>> chosen.tolist(), counted.tolist()
    ([[2, 4], [3, 0], [1, 2]], [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    """
    random = np.random.Generator(np.random.PCG64([*seed, epoch]))
    steps = -(-len(starts) // batch)
    chosen = np.resize(random.permutation(starts).astype(np.int32), steps * batch)
    counted = (np.arange(steps * batch) < len(starts)).astype(np.float32)
    return chosen.reshape(steps, batch), counted.reshape(steps, batch)


def rates(rate: float, steps: int) -> Rows:
    """The learning rate of each step: half a cosine from `rate` down to nearly 0.

    >>> rates(1.0, 4).round(2).tolist()
    [1.0, 0.8500000238418579, 0.5, 0.15000000596046448]
    """
    return (rate * 0.5 * (1 + np.cos(np.pi * np.arange(steps) / max(1, steps)))).astype(np.float32)


class Trained(NamedTuple):
    """The state after some epochs, and the mean loss of each of them, on the training part and on a validation part."""

    state: Adam
    losses: list[float]
    validation: list[float]


def train(
    network: Network,
    recipe: Recipe,
    state: Adam,
    series: Series,
    epochs: range,
    seed: tuple[int, ...],
    spent: Spent | None = None,
    watched: Ints | None = None,
) -> Trained:
    """Trains for some of the recipe's epochs, whose cosine is over all of them; `watched` are starts to validate on.

    An epoch's loss is the mean over its batches, each before its step, as Keras reports it. Raises InputError if the
    loss is no number: the rate is too high, or the rows are none.
    """
    spent = Spent() if spent is None else spent
    rows, targets = _padded(series.rows), _padded(series.targets)
    run = _trainer(network, recipe.length, recipe.batch, rows.shape, spent)
    steps = recipe.steps(len(series.starts)) // recipe.epochs
    rate_of = rates(recipe.rate * recipe.shares, steps * recipe.epochs)
    losses, validation = [], []
    jax = started()
    placed, placed_targets = jax.device_put(rows), jax.device_put(targets)
    carried: Any = tuple(state)
    for epoch in epochs:
        since, cpu = perf_counter(), process_time()
        total = 0.0
        chosen, counted = batches(series.starts, recipe.batch, seed, epoch)
        for part in _chunks(chosen, counted, rate_of[epoch * steps : (epoch + 1) * steps]):
            carried, squares = run(carried, placed, placed_targets, *part)
            total += float(np.asarray(squares, np.float64).sum())
            spent.show(f"training: epoch {epoch + 1} of {recipe.epochs}")
        losses.append(total / len(series.starts))
        spent.lap(since, "fitting")
        spent.fitting_cpu += process_time() - cpu
        if not np.isfinite(losses[-1]):
            raise InputError(
                f"training: the loss of epoch {epoch + 1} is {losses[-1]}, not a number: the network has diverged;"
                f" lower the learning rate, --rate {recipe.rate:g}"
            )
        if watched is not None and len(watched):
            made = _made_by(network, recipe.length, _weights(carried), placed, watched, spent)
            validation.append(float(np.mean((made - series.targets[watched + recipe.length]) ** 2)))
    return Trained(_fetched(carried), losses, validation)


def forecasts(
    network: Network, length: int, weights: Mapping[str, Any], rows: Rows, starts: Ints, spent: Spent | None = None
) -> Floats:
    """The network's forecasts for the sequences that begin at `starts`; as float64."""
    spent = Spent() if spent is None else spent
    return _made_by(network, length, dict(weights), started().device_put(_padded(rows)), starts, spent)


def _made_by(network: Network, length: int, weights: dict[str, Any], placed: Any, starts: Ints, spent: Spent) -> Floats:
    """The same, of rows that jax has."""
    size = min(_MOST, _padded_number(len(starts)))
    run = _forecaster(network, length, size, placed.shape, spent)
    since, made = perf_counter(), [np.empty(0)]
    for begin in range(0, len(starts), size):
        some = starts[begin : begin + size]
        given = np.zeros(size, np.int32)
        given[: len(some)] = some
        made.append(np.asarray(run(weights, placed, given), np.float64)[: len(some)])
    spent.lap(since, "forecasting")
    return np.concatenate(made)


def _chunks(chosen: NDArray[np.int32], counted: Rows, rate_of: Rows) -> Iterator[tuple[Any, Any, Any]]:
    for begin in range(0, len(chosen), CHUNK):
        rows = slice(begin, begin + CHUNK)
        more = max(0, begin + CHUNK - len(chosen))
        around = ((0, more), (0, 0))
        yield np.pad(chosen[rows], around), np.pad(counted[rows], around), np.pad(rate_of[rows], (0, more))


def _padded_number(count: int) -> int:
    """A power of two, or one and a half times one, so that few programs serve all numbers.

    >>> [_padded_number(count) for count in (1, 256, 257, 385, 800)]
    [256, 256, 384, 512, 1024]
    """
    power = max(_FEWEST, 1 << (count - 1).bit_length())
    return power * 3 // 4 if power > _FEWEST and count <= power * 3 // 4 else power


def _padded(rows: Rows) -> Rows:
    return np.concatenate([rows, np.zeros((_padded_number(len(rows)) - len(rows), *rows.shape[1:]), rows.dtype)])


def _weights(carried: Any) -> dict[str, Any]:
    weights: dict[str, Any] = carried[0]
    return weights


def _fetched(carried: Any) -> Adam:
    weights, first, second = ({name: np.asarray(one) for name, one in part.items()} for part in carried[:3])
    return Adam(weights, first, second, np.float32(carried[3]))


@cache
def _made(network: Network, length: int) -> tuple[Any, Any]:
    """The programs of a network, not yet compiled: (steps of training, forecasts)."""
    jax = started()
    lax, numpy = jax.lax, jax.numpy

    def sequences(rows: Any, starts: Any) -> Any:
        return rows[starts[:, None] + numpy.arange(length)]

    def loss(trained: Any, fixed: Any, rows: Any, targets: Any, starts: Any, counted: Any) -> Any:
        made, moved = network.apply({**trained, **fixed}, sequences(rows, starts), training=True)
        errors = made - targets[starts + length]
        return numpy.sum(errors * errors * counted) / numpy.maximum(numpy.sum(counted), 1), moved

    def adam(state: Any, gradients: Any, rate: Any) -> Any:
        weights, first, second, steps = state
        steps = steps + 1
        first = jax.tree.map(lambda moment, by: _BETA1 * moment + (1 - _BETA1) * by, first, gradients)
        second = jax.tree.map(lambda moment, by: _BETA2 * moment + (1 - _BETA2) * by * by, second, gradients)
        rate = rate * numpy.sqrt(1 - _BETA2**steps) / (1 - _BETA1**steps)

        def moved(weight: Any, one: Any, two: Any) -> Any:
            return weight - rate * one / (numpy.sqrt(two) + _EPSILON)

        return jax.tree.map(moved, weights, first, second), first, second, steps

    def many(state: Any, rows: Any, targets: Any, chosen: Any, counted: Any, rate_of: Any) -> Any:
        def step(carried: Any, at: Any) -> Any:
            starts, weight, rate = at
            fixed = {name: one for name, one in carried[0].items() if name not in network.trained}
            trained = {name: one for name, one in carried[0].items() if name in network.trained}
            (error, moved), gradients = jax.value_and_grad(loss, has_aux=True)(
                trained, fixed, rows, targets, starts, weight
            )
            trained, first, second, steps = adam((trained, *carried[1:]), gradients, rate)
            return ({**fixed, **trained, **moved}, first, second, steps), error * numpy.sum(weight)

        def maybe(carried: Any, at: Any) -> Any:
            return lax.cond(numpy.sum(at[1]) > 0, step, lambda same, _: (same, numpy.float32(0)), carried, at)

        return lax.scan(maybe, state, (chosen, counted, rate_of))

    def forecast(weights: Any, rows: Any, starts: Any) -> Any:
        return network.apply(weights, sequences(rows, starts), training=False)[0]

    return jax.jit(many), jax.jit(forecast)


#: Programs that this process has compiled.
_COMPILED: dict[tuple[Any, ...], Callable[..., Any]] = {}


def _trainer(network: Network, length: int, batch: int, shape: tuple[int, ...], spent: Spent) -> Callable[..., Any]:
    def lowered(jax: Any) -> Any:
        state = tuple(Adam.of(network, network.initial(0, zero_head=True)))
        steps = (
            _like(jax, np.int32, CHUNK, batch),
            _like(jax, np.float32, CHUNK, batch),
            _like(jax, np.float32, CHUNK),
        )
        rows = _like(jax, np.float32, *shape), _like(jax, np.float32, shape[0])
        return _made(network, length)[0].lower(state, *rows, *steps)

    def first(program: Callable[..., Any]) -> None:
        """Runs one step, whose result is dropped: a program's first run takes a tenth of a second more than others."""
        state = tuple(Adam.of(network, network.initial(0, zero_head=True)))
        chosen, counted = np.zeros((CHUNK, batch), np.int32), np.zeros((CHUNK, batch), np.float32)
        counted[0, 0] = 1
        rows = np.zeros(shape, np.float32), np.zeros(shape[0], np.float32)
        started().block_until_ready(program(state, *rows, chosen, counted, np.zeros(CHUNK, np.float32)))

    return _compiled((network, "train", length, batch, shape), lowered, spent, first)


def _forecaster(network: Network, length: int, size: int, shape: tuple[int, ...], spent: Spent) -> Callable[..., Any]:
    def lowered(jax: Any) -> Any:
        weights = network.initial(0, zero_head=True)
        return _made(network, length)[1].lower(weights, _like(jax, np.float32, *shape), _like(jax, np.int32, size))

    return _compiled((network, "forecast", length, size, shape), lowered, spent)


def _like(jax: Any, kind: Any, *shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, kind)


def _compiled(
    key: tuple[Any, ...],
    lowered: Callable[[Any], Any],
    spent: Spent,
    first: Callable[[Callable[..., Any]], None] | None = None,
) -> Callable[..., Any]:
    if key not in _COMPILED:
        since = perf_counter()
        jax = started()
        since = spent.lap(since, "starting")
        _COMPILED[key] = lowered(jax).compile()
        if first is not None:
            first(_COMPILED[key])
        spent.lap(since, "compiling")
    return _COMPILED[key]
