"""The network and its training, with Keras as the oracle; the same bits whatever is padded, split or run beside."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from jobs.forecast import Forecast
from tests.conftest import ROOT
from tests.learn.series import COLUMNS, made
from tests.needs import require
from windrow.errors import InputError
from windrow.learn.averaging import averaged, epochs_of
from windrow.learn.engine import Spent
from windrow.learn.forecasting import Plan, forecast_symbol, seed_of
from windrow.learn.network import DENSE, LSTM, Lstm
from windrow.learn.problem import Problem
from windrow.learn.training import Adam, Recipe, batches, forecasts, rates, train

pytestmark = pytest.mark.learn

RANDOM = np.random.default_rng(5)
NETWORK = Lstm(6, 8)
RECIPE = Recipe(batch=16, epochs=3, length=10)


@pytest.fixture(scope="module")
def keras():
    require("keras")
    from windrow.learn.keras_models import keras

    return keras()


@pytest.fixture(scope="module")
def dataset():
    return Problem(COLUMNS, "adj_close").dataset("A", *made(400, "ar"))


def started(network=NETWORK, seed=0):
    return Adam.of(network, network.initial(seed, zero_head=True))


def bits(state):
    return b"".join(one.tobytes() for part in state[:3] for one in part.values())


def in_keras(keras, hidden=8):
    layers = keras.layers
    lstm = layers.LSTM(hidden, activation="relu")
    return keras.Sequential([layers.Input((10, 6)), lstm, layers.Dense(1)])


def test_forecasts_are_those_of_keras(keras):
    weights, rows = NETWORK.initial(3), RANDOM.normal(size=(600, 6)).astype(np.float32)
    model, starts = in_keras(keras), np.arange(0, 590)
    model.set_weights([weights[name] for name in LSTM + DENSE])
    wanted = model.predict(rows[starts[:, None] + np.arange(10)], verbose=0)[:, 0]
    assert forecasts(NETWORK, 10, weights, rows, starts) == pytest.approx(wanted, abs=2e-6)


def test_initial_values_are_of_kerass_kinds(keras):
    ours = NETWORK.initial(0)
    theirs = dict(zip(LSTM + DENSE, in_keras(keras).get_weights(), strict=True))
    assert {name: one.shape for name, one in ours.items()} == {name: one.shape for name, one in theirs.items()}
    assert np.array_equal(ours["bias"], theirs["bias"])
    assert abs(ours["kernel"]).max() <= np.sqrt(6 / (6 + 32)) and ours["kernel"].std() == pytest.approx(
        theirs["kernel"].std(), rel=0.2
    )
    assert ours["recurrent_kernel"] @ ours["recurrent_kernel"].T == pytest.approx(np.eye(8), abs=1e-5)


def test_training_is_kerass_adam_on_the_same_batches(keras, dataset):
    done = train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0))
    model, weights = in_keras(keras), NETWORK.initial(0, zero_head=True)
    model.set_weights([weights[name] for name in LSTM + DENSE])
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    steps, losses = -(-len(dataset.train) // 16), []
    rate_of = rates(1e-3, steps * 3)
    for epoch in range(3):
        squares = 0.0
        for step, (starts, counted) in enumerate(zip(*batches(dataset.train, 16, (0, 0), epoch), strict=True)):
            starts = starts[counted > 0]
            model.optimizer.learning_rate.assign(rate_of[epoch * steps + step])
            sequences = dataset.rows[starts[:, None] + np.arange(10)]
            squares += len(starts) * float(model.train_on_batch(sequences, dataset.targets[starts + 10]))
            model.reset_metrics()
        losses.append(squares / len(dataset.train))
    for name, wanted in zip(LSTM + DENSE, model.get_weights(), strict=True):
        assert done.state.weights[name] == pytest.approx(wanted, abs=2e-4)
    assert done.losses == pytest.approx(losses, rel=2e-4)


def test_rounds_of_one_share_are_the_single_model_bit_for_bit(dataset):
    whole = train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0)).state
    state = started()
    for number in range(2):
        part = train(NETWORK, RECIPE, state, dataset.series, epochs_of(number, 2, 3), (0, 0))
        state = averaged([part.state], [len(dataset.train)])
    assert bits(state) == bits(whole)


def test_more_rows_behind_those_that_are_trained_on_change_no_bit(dataset):
    whole = train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0)).state
    end = int(dataset.train[-1]) + 11
    short = dataset.series._replace(rows=dataset.rows[:end], targets=dataset.targets[:end])
    assert bits(train(NETWORK, RECIPE, started(), short, range(3), (0, 0)).state) == bits(whole)
    more = dataset.series._replace(rows=np.tile(dataset.rows, (3, 1)), targets=np.tile(dataset.targets, 3))
    assert bits(train(NETWORK, RECIPE, started(), more, range(3), (0, 0)).state) == bits(whole)


def test_another_seed_is_another_model(dataset):
    one, other = (train(NETWORK, RECIPE, started(), dataset.series, range(1), (seed, 0)).state for seed in (0, 1))
    assert bits(one) != bits(other)


def test_validation_is_the_loss_of_the_sequences_watched(dataset):
    done = train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0), watched=dataset.calibrate)
    made_now = forecasts(NETWORK, 10, done.state.weights, dataset.rows, dataset.calibrate)
    wanted = np.mean((made_now - dataset.targets[dataset.calibrate + 10]) ** 2)
    assert len(done.validation) == 3 and done.validation[-1] == pytest.approx(wanted, rel=1e-6)


def test_a_cluster_hears_of_each_epoch(dataset, monkeypatch):
    heard = []
    job = Forecast(["--global"])
    monkeypatch.setattr(job, "show", heard.append)
    train(NETWORK, RECIPE, started(), dataset.series, range(1, 3), (0, 0), job.spent())
    assert list(dict.fromkeys(heard)) == ["training: epoch 2 of 3", "training: epoch 3 of 3"]
    assert "show" not in job.spent().told()


def test_a_network_that_diverges_is_told(dataset):
    wild = Recipe(batch=16, epochs=3, length=10, rate=1e30)
    with pytest.raises(
        InputError, match=r"the loss of epoch \d is .*, not a number: .* lower the learning rate, --rate"
    ):
        train(NETWORK, wild, started(), dataset.series, range(3), (0, 0))


def test_a_model_of_keras_begins_by_every_bit_of_the_seed(keras, monkeypatch, tmp_path):
    """A symbol's seed has the user's above its low 32 bits, which were cut off."""
    from windrow.learn.keras_models import KerasNetwork

    (tmp_path / "seeded.py").write_text(
        "import keras\n"
        "def model(length, features):\n"
        "    layers = [keras.layers.Input((length, features)), keras.layers.Flatten(), keras.layers.Dense(1)]\n"
        "    return keras.Sequential(layers)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    network = KerasNetwork("seeded:model", 4, 2)
    kernels = [network.initial(seed_of(seed, symbol))["trained/0"].tobytes() for seed in (0, 1) for symbol in "AB"]
    assert len(set(kernels)) == 4
    assert network.initial(seed_of(1, "B"))["trained/0"].tobytes() == kernels[-1]


def test_a_share_that_diverges_names_the_rate_that_was_given(dataset):
    """The rate is multiplied by the number of shares, and the error named the product."""
    wild = Recipe(batch=16, epochs=3, length=10, rate=1e30, shares=3)
    with pytest.raises(InputError, match=r"lower the learning rate, --rate 1e\+30$"):
        train(NETWORK, wild, started(), dataset.series, range(3), (0, 0))


def test_several_shares_multiply_the_rate(dataset):
    one, other = (
        train(NETWORK, recipe, started(), dataset.series, range(1), (0, 0)).state
        for recipe in (replace(RECIPE, rate=0.002, shares=2), replace(RECIPE, rate=0.004))
    )
    assert bits(one) == bits(other)


def test_a_layer_that_sees_all_of_a_batch_sees_sequences_of_the_epoch_alone(keras, dataset, monkeypatch, tmp_path):
    """Batches were padded with the first rows, which are in no share but the first."""
    from windrow.learn.keras_models import KerasNetwork

    (tmp_path / "normed.py").write_text(
        "import keras\n"
        "def model(length, features):\n"
        "    first = keras.layers.BatchNormalization(momentum=0)\n"
        "    layers = [keras.layers.Input((length, features)), first, keras.layers.Flatten(), keras.layers.Dense(1)]\n"
        "    return keras.Sequential(layers)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    network, starts = KerasNetwork("normed:model", 10, 6), np.arange(100, 120)
    state = Adam.of(network, network.initial(0))
    done = train(network, RECIPE, state, dataset.series._replace(starts=starts), range(1), (0, 0)).state
    last = batches(starts, 16, (0, 0), 0)[0][-1]
    assert last.min() >= 100
    seen = dataset.rows[last[:, None] + np.arange(10)].reshape(-1, 6).mean(0)
    moved = [one for name, one in done.weights.items() if name.startswith("fixed/") and one.shape == (6,)]
    assert min(float(abs(one - seen).max()) for one in moved) < 1e-5


SAME = """
import sys
from tests.learn.test_training import *
dataset = Problem(COLUMNS, "adj_close").dataset("A", *made(400, "ar"))
sys.stdout.write(bits(train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0)).state).hex())
"""


def test_another_process_with_threads_and_no_cache_computes_the_same_bits(dataset, tmp_path):
    threads = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=true", "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SAME], env={**os.environ, **threads}, cwd=ROOT, capture_output=True, check=True
    )
    assert done.stdout.decode() == bits(train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0)).state).hex()


@pytest.mark.parametrize(("kind", "outcome"), [("ar", "better"), ("rw", None)])
def test_structure_is_found_and_a_random_walk_is_said_not_to_have_any(kind, outcome):
    plan = Plan(Problem(COLUMNS, "adj_close"), Recipe(epochs=5), (("kind", "lstm"), ("hidden", 16)))
    told = forecast_symbol(plan, "A", *made(1500, kind, 1), Spent()).told
    if outcome is None:
        assert told["outcome"] in ("same", "worse") and not told["verdict"].startswith("beats")
    else:
        assert told["outcome"] == outcome and told["against"]["last"]["ratio"] < 0.8
    assert 0.8 < told["interval"]["coverage"] <= 1


def test_a_model_of_keras_is_trained_by_the_same_programs(keras, dataset, monkeypatch, tmp_path):
    from windrow.learn.keras_models import KerasNetwork

    (tmp_path / "mine.py").write_text(
        "import keras\n"
        "def model(length, features):\n"
        "    lstm = keras.layers.LSTM(8, activation='relu')\n"
        "    return keras.Sequential([keras.layers.Input((length, features)), lstm, keras.layers.Dense(1)])\n"
        "def noisy(length, features):\n"
        "    first = model(length, features)\n"
        "    return keras.Sequential([keras.layers.Input((length, features)), keras.layers.Dropout(0.1),\n"
        "        keras.layers.BatchNormalization(), *first.layers])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    network = KerasNetwork("mine:model", 10, 6)
    ours = NETWORK.initial(0, zero_head=True)
    same = network.initial(0) | {f"trained/{number}": ours[name] for number, name in enumerate(LSTM + DENSE)}
    theirs = train(network, RECIPE, Adam.of(network, same), dataset.series, range(3), (0, 0))
    wanted = train(NETWORK, RECIPE, started(), dataset.series, range(3), (0, 0))
    assert theirs.losses == pytest.approx(wanted.losses, rel=1e-5)
    noisy = KerasNetwork("mine:noisy", 10, 6)
    begun = Adam.of(noisy, noisy.initial(1))
    done = train(noisy, RECIPE, begun, dataset.series, range(3), (0, 0))
    moved = [name for name in done.state.weights if name.startswith("fixed/")]
    assert any(not np.array_equal(done.state.weights[name], begun.weights[name]) for name in moved)
    assert bits(train(noisy, RECIPE, begun, dataset.series, range(3), (0, 0)).state) == bits(done.state)
