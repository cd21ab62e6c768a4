"""Scales against fractions, scikit-learn's rules, pandas, and the bounds that windrow/learn/scaling.py derives."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import InputError
from windrow.learn.scaling import METHODS, Returns, Scale, fit

U = Fraction(1, 2**53)
MORE = 1 + Fraction(1, 2**48)
#: Prices in cents, and any value that a bar may have.
CENTS = st.integers(1, 10**8).map(lambda cents: cents / 100)
SIZES = st.floats(1e-15, 1e15)
VALUES = st.one_of(CENTS, SIZES, SIZES.map(lambda value: -value), st.just(0.0))
CENTRES = {"minmax": "low", "zscore": "mean", "robust": "median"}


def series(values, most=40):
    return st.lists(values, min_size=1, max_size=most).map(np.array)


@pytest.mark.parametrize("method", CENTRES)
@given(training=series(VALUES), later=series(VALUES))
@settings(max_examples=150, deadline=None)
def test_what_is_taken_back_is_within_the_bound(method, training, later):
    scale = Scale.fit(training, method)
    values = np.concatenate([training, later])
    back = scale.inverse(scale.apply(values))
    centre = Fraction(getattr(scale, CENTRES[method]))
    for x, found in zip(map(Fraction, values.tolist()), map(Fraction, back.tolist()), strict=True):
        assert abs(found - x) <= U * (abs(x) + 6 * abs(x - centre)) * MORE


@given(training=series(VALUES), later=series(VALUES))
@settings(max_examples=100, deadline=None)
def test_minmax_is_exactly_0_and_1_at_the_trainings_ends_and_exactly_these_back(training, later):
    scale = Scale.fit(training)
    ends = np.array([training.min(), training.max()])
    assert scale.apply(ends).tolist() == ([0.0, 0.0] if scale.constant else [0.0, 1.0])
    assert scale.inverse(scale.apply(ends)).tolist() == ends.tolist()
    inside = scale.apply(training)
    assert ((inside >= 0) & (inside <= 1)).all()


@given(values=series(CENTS, 200))
@settings(max_examples=100, deadline=None)
def test_returns_taken_back_are_within_their_bound(values):
    scale = Scale.fit(values, "returns")
    back = scale.inverse(scale.apply(values))
    assert back[0] == values[0]
    largest = Fraction(0)
    for n, (before, x, found) in enumerate(zip(values, values[1:], back[1:], strict=False), 1):
        x, before = Fraction(float(x)), Fraction(float(before))
        largest = max(largest, abs(x - before) / abs(x))
        assert abs(Fraction(float(found)) - x) <= n * U * (2 + 2 * largest) * x * MORE


@pytest.mark.parametrize("method", METHODS)
@given(values=series(CENTS), cuts=st.lists(st.integers(0, 40), max_size=5))
@settings(max_examples=40, deadline=None)
def test_pieces_change_no_bit_of_a_fit_of_what_is_scaled_or_taken_back(method, values, cuts):
    cuts = sorted(cut % (len(values) + 1) for cut in cuts)
    fitted = fit(method)
    for piece in np.split(values, cuts):
        fitted.add(piece)
    scale = fitted.scale()
    assert scale == Scale.fit(values, method)
    before = after = np.nan
    scaled, back = [], []
    for piece in np.split(values, cuts):
        scaled.append(scale.apply(piece, before))
        back.append(scale.inverse(scaled[-1], after))
        before, after = (piece[-1], back[-1][-1]) if len(piece) else (before, after)
    assert np.array_equal(np.concatenate(scaled), scale.apply(values), equal_nan=True)
    assert np.array_equal(np.concatenate(back), scale.inverse(scale.apply(values)))


def test_parameters_are_scikit_learns():
    values = np.random.default_rng(1).normal(50, 7, 999).round(3)
    zscore, robust = Scale.fit(values, "zscore"), Scale.fit(values, "robust")
    assert (zscore.mean, zscore.deviation) == pytest.approx((values.mean(), values.std()), rel=1e-14)
    quartiles = np.percentile(values, [25, 50, 75])
    assert (robust.median, robust.iqr) == pytest.approx((quartiles[1], quartiles[2] - quartiles[0]), rel=1e-14)


def test_returns_are_pandas():
    values = np.random.default_rng(1).uniform(50, 60, 100).round(2)
    np.testing.assert_allclose(Returns(values[0]).apply(values), pd.Series(values).pct_change(), rtol=1e-11)


@pytest.mark.parametrize(("method", "centre"), [("minmax", 5.0), ("zscore", 5.0), ("robust", 5.0)])
def test_of_a_constant_column_scaled_values_are_distances(method, centre):
    scale = Scale.fit(np.full(7, 5.0), method)
    assert scale.constant
    assert scale.apply(np.array([5.0, 7.5])).tolist() == [0.0, 2.5]
    assert scale.inverse(np.array([0.0, 2.5])).tolist() == [centre, 7.5]


def test_a_column_most_of_whose_values_are_alike_is_constant_for_robust_alone():
    values = np.array([5.0] * 9 + [6.0])
    assert [Scale.fit(values, method).constant for method in METHODS] == [False, False, True, False]


@pytest.mark.parametrize("method", METHODS)
def test_json_gives_all_bits_back(method):
    import json

    scale = Scale.fit(np.array([0.1, 0.7, 1 / 3, 1e-15]), method)
    assert Scale.from_json(json.loads(json.dumps(scale.to_json()))) == scale


@pytest.mark.parametrize(
    "told",
    [{}, {"method": "none"}, {"method": "minmax", "low": 1.0}, {"method": "returns", "first": "1"},
     {"method": "returns", "first": float("nan")}, {"method": "returns", "first": 1.0, "more": 2.0}],
)  # fmt: skip
def test_what_is_no_scale_is_refused(told):
    with pytest.raises(ValueError, match=r"no scale|than numbers"):
        Scale.from_json(told)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(method, value):
    with pytest.raises(InputError, match=f"{value} is among them, .*; leave out the rows"):
        Scale.fit(np.array([1.0, value]), method)


def test_a_value_that_is_not_above_0_has_no_return():
    with pytest.raises(InputError, match=r"a value of 0\.0: has no return"):
        Returns(1.0).apply(np.array([1.0, 0.0]))
