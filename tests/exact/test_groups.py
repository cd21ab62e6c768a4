"""Sums of runs, beside school arithmetic on the decimals that floats print as."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from windrow.exact.groups import products, totals

magnitudes = st.one_of(
    st.decimals(-10_000, 10_000, places=2).map(float),
    st.floats(1e-15, 1e15),
    st.floats(-1e15, -1e-15),
    st.sampled_from([0.0, -0.0, 1e15, 1e-15, -1e15, 0.1, 1 / 3, 45_000_000.0]),
)
volumes = st.one_of(st.integers(0, 10**9).map(float), st.sampled_from([0.0, 1e15, 0.00012345, 1e-15, 1 / 3]))


def exact(value):
    return Fraction(repr(value))


def runs(length, cuts):
    starts = np.array(sorted({0, *(cut for cut in cuts if cut < length)}))
    return starts, np.append(starts[1:], length)


@given(st.lists(magnitudes, min_size=1, max_size=40), st.lists(st.integers(1, 40), max_size=5))
@example([1e15, 1e-15, -1e15], [])
def test_totals_are_exact_and_rounded_once(values, cuts):
    x = np.array(values)
    starts, ends = runs(len(x), cuts)
    found = totals(x, starts)
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        expected = sum(map(exact, values[start:end]))
        assert found.fraction(at) == expected
        assert found.over(ends - starts)[at] == float(expected / int(end - start))


@given(st.lists(st.tuples(*[magnitudes] * 3, volumes), min_size=1, max_size=40), st.lists(st.integers(1, 40)))
@example([(1e15, 1e-15, -1e15, 1e15), (0.1, 1 / 3, 1e15, 1e-15)] * 20, [])
@example([(36.6, 36.5, 36.55, 45_000_000.0)] * 40, [7])
@example([(1.0, 1.0, 1.0, 0.0)], [])
def test_sums_of_products_and_means_weighted_by_volume_are_exact(rows, cuts):
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    starts, ends = runs(len(rows), cuts)
    found, volume = products(columns[:3], columns[3], starts), totals(columns[3], starts)
    means = found.by(volume, 3)
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        run = [tuple(map(exact, row)) for row in rows[start:end]]
        expected, weight = sum(sum(row[:3]) * row[3] for row in run), sum(row[3] for row in run)
        assert found.fraction(at) == expected
        if weight:
            assert means[at] == float(expected / (3 * weight))
        else:
            assert np.isnan(means[at])


@pytest.mark.parametrize("volume", [1.0, 45_000_000.0, 1e15])
def test_long_runs_do_not_overflow(volume):
    bars = 1 << 17
    x, weights = np.full(bars, 999_999.99), np.full(bars, volume)
    found = products([x] * 8, weights, np.array([0]))
    assert found.fraction(0) == 8 * Fraction("999999.99") * int(volume) * bars
    assert found.by(totals(weights, np.array([0])), 8).tolist() == [999_999.99]


def test_weights_below_zero_and_beyond_2_to_the_53_are_divided_by_too():
    x, weights = np.array([1.5, 2.5, 1.0, 3.0]), np.array([-1.0, -1.0, 1e15, 1e15 / 3])
    starts = np.array([0, 2])
    means = products([x], weights, starts).by(totals(weights, starts))
    third = exact(1e15 / 3)
    assert means.tolist() == [2.0, float((10**15 + 3 * third) / (10**15 + third))]
