"""Baselines, tests of significance, intervals, features, splits and averages, each beside another way to compute it."""

import math
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learn.series import COLUMNS, made
from windrow.errors import InputError
from windrow.learn import averaging, baselines, evaluation, intervals, significance
from windrow.learn.card import card
from windrow.learn.features import Features
from windrow.learn.forecasting import Plan
from windrow.learn.models import Model, load, save, saved
from windrow.learn.network import Lstm
from windrow.learn.problem import Problem
from windrow.learn.rowfiles import read_records, read_share, read_state, write_record, write_share, write_state
from windrow.learn.training import Adam, Recipe, Series, batches, rates

RANDOM = np.random.default_rng(0)
FLOATS = st.floats(-1e6, 1e6, allow_nan=False)


# Significance.


@pytest.mark.parametrize("count", [2, 5, 30, 1000])
def test_diebold_mariano_is_the_t_of_the_mean_difference(count):
    one, other = RANDOM.normal(0, 1, count), RANDOM.normal(0, 1.2, count)
    difference = one**2 - other**2
    t = difference.mean() / math.sqrt(difference.var(ddof=0) / count) * math.sqrt((count - 1) / count)
    found = significance.diebold_mariano(one, other)
    assert found.t == pytest.approx(t, rel=1e-12)
    assert found.p == pytest.approx(student(t, count - 1), abs=1e-7)
    assert significance.diebold_mariano(other, one).t == pytest.approx(-t, rel=1e-12)


def student(t, freedom):
    """Both tails of Student's distribution, by integrating its density over the angle whose tangent is t / sqrt(n)."""
    edges = np.linspace(math.atan(abs(t) / math.sqrt(freedom)), math.pi / 2, 200_001)
    middle = (edges[1:] + edges[:-1]) / 2
    whole = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return 2 * whole * float(np.sum(np.cos(middle) ** (freedom - 1)) * (edges[1] - edges[0]))


def test_errors_that_never_differ_are_equal():
    assert significance.diebold_mariano(np.array([1.0, -1.0]), np.array([-1.0, 1.0])) == (0, 1)
    assert significance.diebold_mariano(np.array([1.0]), np.array([2.0])) == (0, 1)


def test_a_direction_counts_only_where_there_was_one():
    forecast, truth = np.array([1.0, -2.0, 0.0, 3.0]), np.array([2.0, 1.0, 5.0, 0.0])
    found = significance.direction(forecast, truth)
    assert (found.share, found.cases) == (1 / 3, 3) and 0 < found.low < 1 / 3 < found.high < 1
    assert significance.direction(truth[3:], truth[3:]) == (0, 0, 1, 0)


# Intervals.


@given(st.lists(FLOATS, min_size=1, max_size=200), st.randoms(use_true_random=False))
def test_deviations_are_those_of_pandas(changes, random):
    known = np.array([random.random() < 0.8 for _ in changes])
    found = intervals.deviations(np.array(changes), known)
    assert found == pytest.approx(of_pandas(pd.Series(np.array(changes)[known] ** 2), known), rel=1e-9, abs=1e-12)


def of_pandas(squares, known):
    """Deviations before each change, and the next, from the squares of those that are known."""
    means = squares.expanding().mean()
    variances = pd.concat([means[49:50], squares[50:]]).ewm(alpha=0.06, adjust=False).mean()
    found = np.sqrt(pd.concat([means[:49], variances])).clip(lower=0.01 * np.sqrt(means))
    return np.r_[0, found.to_numpy()][np.r_[0, np.cumsum(known)]]


def test_a_deviation_after_a_standstill_is_a_hundredth_of_that_so_far():
    changes = np.r_[np.ones(60), np.zeros(300), 5.0]
    found = intervals.deviations(changes, np.full(361, True))
    assert found[260:361] == pytest.approx(0.01 * np.sqrt(60 / np.arange(260, 361)), rel=1e-12)
    assert found[361] == pytest.approx(math.sqrt(0.06 * 25), rel=1e-3)


@given(st.lists(FLOATS, min_size=2, max_size=200), st.data())
def test_no_later_change_is_in_a_deviation(changes, data):
    """What it began with, and could not fall below, knew the changes of the test."""
    known, cut = np.full(len(changes), True), data.draw(st.integers(0, len(changes) - 1))
    changed = np.r_[changes[:cut], np.array(changes[cut:]) * 3 + 1]
    one, other = intervals.deviations(np.array(changes), known), intervals.deviations(changed, known)
    assert np.array_equal(one[: cut + 1], other[: cut + 1])


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(400):
        errors = np.random.default_rng(seed).standard_t(3, 120) * np.r_[np.ones(60), np.full(60, 5.0)]
        scales = np.r_[np.ones(60), np.full(60, 5.0)]
        half = intervals.half_width(errors[::2], scales[::2])
        held.append(np.mean(np.abs(errors[1::2]) <= half * scales[1::2]))
    assert 0.9 <= np.mean(held) < 0.925


def test_an_interval_needs_errors_enough():
    assert intervals.half_width(np.ones(8), np.ones(8)) is None and intervals.half_width(np.ones(9), np.ones(9)) == 1


# Baselines.


def test_ridge_is_least_squares_with_the_penalty_as_more_rows():
    rows = RANDOM.normal(size=(9000, 2)).astype(np.float32)
    targets = rows[:, 0].astype(float) * 0.3 + RANDOM.normal(size=9000)
    starts = np.arange(0, 8900)
    found = baselines.ridge(rows, targets, starts, 3)
    written = np.c_[rows[starts[:, None] + np.arange(3)].reshape(len(starts), -1), np.ones(len(starts))].astype(float)
    more = math.sqrt(0.01 * len(starts)) * np.eye(7)
    wanted = np.linalg.lstsq(np.r_[written, more], np.r_[targets[starts + 3], np.zeros(7)], rcond=None)[0]
    assert found == pytest.approx(wanted, rel=1e-8, abs=1e-10)
    assert baselines.ridge_forecasts(found, rows, starts, 3) == pytest.approx(written @ wanted, abs=1e-9)


# Features.


def test_features_of_changes_are_those_of_pandas():
    _, values = made(500, "ar")
    trained = np.arange(20, 300)
    features = Features.fit(COLUMNS, "adj_close", "change", values, trained)
    frame = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))
    raw = pd.DataFrame({
        "adj_close": frame["adj_close"].diff().fillna(0), "close": frame["close"].diff().fillna(0),
        **{name: frame[name] - frame["close"] for name in ("high", "low", "open")},
        "volume": np.log1p(frame["volume"]),
    })  # fmt: skip
    scaled = (raw - raw[:300].mean()) / raw[:300].std(ddof=0)
    assert features.rows(values) == pytest.approx(scaled.clip(-10, 10).to_numpy(), abs=2e-5)
    assert features.unit == pytest.approx(raw["adj_close"][20:300].std(ddof=0), rel=1e-9)
    last = values[0][:-1]
    assert features.prices(features.targets(values)[1:].astype(float), last) == pytest.approx(values[0][1:], abs=1e-6)


def test_levels_are_0_and_1_at_the_ends_of_the_training_part_and_go_beyond_them():
    _, values = made(500, "rw")
    features = Features.fit(COLUMNS, "adj_close", "level", values, np.arange(20, 300))
    rows = features.rows(values)
    assert rows[:300].min(0).tolist() == [0] * 6 and rows[:300].max(0).tolist() == [1] * 6
    assert features.prices(features.targets(values).astype(float), values[0]) == pytest.approx(values[0], abs=1e-5)


@pytest.mark.parametrize("target", ["change", "level"])
def test_no_later_bar_changes_what_training_sees(target):
    times, values = made(400, "rw")
    problem = Problem(COLUMNS, "adj_close", target)
    one = problem.dataset("A", times, values).with_baselines(10)
    changed = [np.r_[value[:320], value[320:] * 3] for value in values]
    other = problem.dataset("A", times, changed).with_baselines(10)
    assert one.features == other.features and np.array_equal(one.rows[:320], other.rows[:320])
    assert np.array_equal(one.ridge, other.ridge) and one.drift == other.drift and one.width == other.width
    assert np.array_equal(one.deviations[:321], other.deviations[:321])
    assert not np.array_equal(one.deviations[321:], other.deviations[321:])


def test_constant_prices_have_features_of_0():
    _, values = made(50, "rw")
    values = [np.full(50, 7.0)] * 5 + [values[5]]
    features = Features.fit(COLUMNS, "adj_close", "change", values, np.arange(20, 40))
    assert not features.rows(values)[:, :5].any() and not features.targets(values).any()
    assert features.prices(np.zeros(2), np.full(2, 7.0)).tolist() == [7, 7]


def test_a_value_that_is_no_number_is_refused_in_training():
    _, values = made(50, "rw")
    values[3][7] = np.nan
    with pytest.raises(InputError, match=r"^training: low has 1 values that are no numbers .* leave these rows out"):
        Features.fit(COLUMNS, "adj_close", "change", values, np.arange(20, 40))


# Parts.


def used(starts, length):
    return set((starts[:, None] + np.arange(length + 1)).ravel().tolist()) if len(starts) else set()


@given(st.integers(30, 300), st.integers(1, 8), st.sampled_from([0.5, 0.8, 0.9]))
def test_no_bar_is_in_two_parts(bars, length, share):
    times, values = made(bars, "rw")
    try:
        one = Problem(COLUMNS, "adj_close", length=length, share=share).dataset("A", times, values)
    except InputError:
        return
    parts = [used(starts, length) for starts in (one.train, one.calibrate, one.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert max(parts[0]) < min(parts[2])
    part = one.untrained()
    assert np.array_equal(part.rows[part.test + length], one.rows[one.test + length])
    assert np.array_equal(part.deviations[part.test + length], one.deviations[one.test + length])


def test_walks_test_every_bar_after_the_first_part_once():
    times, values = made(300, "rw")
    walks = Problem(COLUMNS, "adj_close", length=5).walks("A", times, values, 2)
    for walk, (low, high) in zip(walks, [(100, 200), (200, 300)], strict=True):
        assert max(used(walk.train, 5) | used(walk.calibrate, 5)) < low <= walk.test[0] and walk.test[-1] + 5 < high


def test_a_random_split_is_the_leak():
    times, values = made(300, "rw")
    one = Problem(COLUMNS, "adj_close", shuffled=True).dataset("A", times, values)
    assert len(used(one.test, 10) & used(one.train, 10)) > 0.9 * len(used(one.test, 10))


def test_a_sequence_longer_than_the_data_is_refused():
    times, values = made(12, "rw")
    with pytest.raises(InputError, match=r"^AA: has 12 bars, in which 0 sequences of 40 .* give a smaller --length"):
        Problem(COLUMNS, "adj_close", length=40).dataset("AA", times, values)


# Training, as far as it is numpy's.


@given(st.integers(1, 100), st.integers(1, 40), st.integers(0, 9))
def test_batches_have_each_sequence_once(count, batch, epoch):
    chosen, counted = batches(np.arange(7, 7 + count), batch, (3, 0), epoch)
    assert sorted(chosen[counted > 0].tolist()) == list(range(7, 7 + count)) and counted.sum() == count
    assert set(chosen.ravel().tolist()) == set(range(7, 7 + count))  # it was padded with row 0
    again = batches(np.arange(7, 7 + count), batch, (3, 0), epoch)
    assert np.array_equal(chosen, again[0])
    if count > 8:
        assert not np.array_equal(chosen, batches(np.arange(7, 7 + count), batch, (3, 1), epoch)[0])


def test_rates_fall_by_half_a_cosine():
    found = rates(2.0, 100)
    assert found[0] == 2 and found[50] == pytest.approx(1) and 0 < found[-1] < 0.001 and (np.diff(found) < 0).all()


def state(seed):
    one = Adam.of(Lstm(6, 4), Lstm(6, 4).initial(seed))
    return one._replace(first=one.weights, steps=np.float32(seed))


def test_the_mean_of_states_is_weighted_by_their_sequences():
    mean = averaging.averaged([state(1), state(2)], [1, 3])
    for name, one in state(1).weights.items():
        wanted = 0.25 * one.astype(float) + 0.75 * state(2).weights[name].astype(float)
        assert np.array_equal(mean.weights[name], wanted.astype(np.float32))
    assert mean.steps == np.float32(1.75) and np.array_equal(mean.first["kernel"], mean.weights["kernel"])


def test_the_mean_of_one_state_is_that_state():
    assert averaging.averaged([state(1)], [7]).weights["kernel"].tobytes() == state(1).weights["kernel"].tobytes()


@given(st.integers(1, 40), st.integers(1, 9))
def test_rounds_have_all_epochs_in_order(epochs, rounds):
    parts = [averaging.epochs_of(number, rounds, epochs) for number in range(rounds)]
    assert [epoch for part in parts for epoch in part] == list(range(epochs))


# Files.


def test_shares_come_back_in_the_order_of_symbols_whichever_file_they_were_in():
    rows = RANDOM.normal(size=(30, 2)).astype(np.float32)
    series = Series(rows, rows[:, 0].copy(), np.arange(4, 20))
    one, other = BytesIO(), BytesIO()
    write_share(one, "B", series, 3)
    write_share(other, "A", series._replace(starts=np.arange(2)), 3)
    for order in ((one, other), (other, one)):
        for file in order:
            file.seek(0)
        both = read_share(order)
        assert both.starts.tolist() == [0, 1, *range(5, 21)] and len(both.rows) == 5 + 19
        assert np.array_equal(
            both.rows[both.starts[2:, None] + np.arange(4)], rows[np.arange(4, 20)[:, None] + np.arange(4)]
        )


def test_damaged_rows_are_refused():
    file = BytesIO()
    write_record(file, {}, {"rows": np.ones(9)})
    with pytest.raises(InputError, match="damaged"):
        list(read_records(BytesIO(file.getvalue()[:-8])))
    with pytest.raises(InputError, match=r"object"):
        list(read_records(BytesIO(b'[{}, [["rows", "object", [1]]]]\n12345678')))


def test_a_state_comes_back_bit_for_bit():
    file = BytesIO()
    write_state(file, {"share": 1}, state(3))
    told, found = read_state(BytesIO(file.getvalue()))
    assert told == {"share": 1} and found.steps == 3
    assert all(found.weights[name].tobytes() == one.tobytes() for name, one in state(3).weights.items())


def models(count=2):
    _, values = made(80, "rw")
    features = Features.fit(COLUMNS, "adj_close", "change", values, np.arange(20, 40))
    weights = Lstm(6, 4).initial(0)
    names = ["BRK/B", "Ä%\t<b>"][:count]
    return [Model(name, {"kind": "lstm", "hidden": 4}, 10, features, 1.5, weights) for name in names]


def test_models_come_back_from_a_file_whose_bytes_they_alone_decide():
    assert saved(models()) == saved(models())
    found = load(BytesIO(saved(models())), "x")
    assert [model.symbol for model in found] == ["BRK/B", "Ä%\t<b>"] and found[0].features == models()[0].features
    assert found[0].weights is found[1].weights
    assert all(np.array_equal(found[0].weights[name], one) for name, one in models()[0].weights.items())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a model", "pickled", "another"])
def test_what_is_no_model_is_refused(content):
    if content in ("pickled", "another"):
        file = BytesIO()
        told = {"pickled": np.array([{"a": 1}], object), "another": np.frombuffer(b'{"windrow_models": 99}', np.uint8)}
        np.savez(file, models=told[content])
        content = file.getvalue()
    with pytest.raises(InputError, match=r"^m\.npz: holds no models of windrow .* give a part-NNNNN-models\.npz"):
        load(BytesIO(content), "m.npz")


def test_a_file_of_models_is_numpys():
    file = BytesIO()
    save(file, models(1))
    with np.load(BytesIO(file.getvalue()), allow_pickle=False) as arrays:
        assert arrays["0/recurrent_kernel"].shape == (4, 16)


# Figures.


def test_figures_by_hand():
    truth, last = np.array([2.0, 3.0, 5.0]), np.array([1.0, 2.0, 3.0])
    one = evaluation.Tested(np.arange(3), truth, last, truth - [0.0, 1.0, -1.0], {"last": last}, np.full(3, 0.5))
    found = evaluation.figures(one, width=2.0)
    assert found["errors"] == {
        "network": {"mse": 0.6666666667, "mae": 0.6666666667}, "last": {"mse": 2.0, "mae": 1.333333333}
    }  # fmt: skip
    assert found["against"]["last"]["ratio"] == 0.3333333333 and found["scaled_mse"] == 0.1666666667
    assert found["interval"] == {"level": 0.9, "coverage": 0.3333333333, "width": 1.0}
    assert found["direction"]["share"] == 0.6666666667
    told = evaluation.points(one, 2)
    assert told["truth"] == [3, 5] and told["forecast"] == [2, 6] and told["high"] == [2.5, 6.5]


def test_a_last_value_that_is_always_right_is_not_beaten():
    one = evaluation.Tested(
        np.arange(2), np.ones(2), np.ones(2), np.full(2, 3.0), {"last": np.ones(2)}, np.full(2, np.nan)
    )
    found = evaluation.figures(one, None)
    assert found["verdict"].startswith("does not beat the last value, which is always right")
    assert found["interval"]["coverage"] is None and evaluation.points(one, 0)["low"] == []


@pytest.mark.parametrize(
    ("problem", "walks", "says"),
    [(Problem(COLUMNS, "close", share=0.7), None, "the first 70% of each symbol's bars train, all but the last"),
     (Problem(COLUMNS, "close", shuffled=True), None, "80% of each symbol's sequences, chosen by chance, train, all"),
     (Problem(COLUMNS, "close"), 3, "3 walks: of 4 equal parts of each symbol's bars the first k train and the next")],
)  # fmt: skip
def test_a_card_says_what_was_trained_on(problem, walks, says):
    """It said the first 80 %, however the bars were divided."""
    text = card(Plan(problem, Recipe(), (("kind", "lstm"), ("hidden", 2)), walks), [], [])
    assert f"**Data:** {says}" in text and text.count("the first") == (not problem.shuffled)
