"""Ranks and quantiles of pieces against sorted values and numpy, in memory and on disk."""

from fractions import Fraction
from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.exact.order import Order, between

VALUES = st.one_of(st.sampled_from([0.0, -0.0, 1.5, -1.5]), st.floats(allow_nan=False, allow_infinity=False))


def of_pieces(values, held, pieces=3):
    order = Order(TemporaryFile, held)
    for piece in np.array_split(np.array(values, float), pieces):
        order.add(piece)
    return order


@given(st.lists(VALUES, min_size=1, max_size=40), st.sampled_from([1, 4, 100]))
@settings(max_examples=80, deadline=None)
def test_every_rank_is_that_of_the_sorted_values(values, held):
    found = of_pieces(values, held).at(range(len(values)))
    assert found == sorted(values)


@pytest.mark.parametrize("held", [1000, 1 << 20])
def test_quartiles_are_numpys_of_exact_decimals(held):
    values = np.random.default_rng(3).normal(100, 5, 20_001).round(2)
    ordered = np.sort(values).tolist()
    for found, quarter in zip(of_pieces(values, held, 7).quartiles(), (1, 2, 3), strict=True):
        rank, rest = divmod(20_000 * quarter, 4)
        assert found == between(ordered[rank], ordered[min(rank + 1, 20_000)], Fraction(rest, 4))
        assert float(found) == pytest.approx(np.quantile(values, quarter / 4), rel=1e-15)


def test_a_quantile_between_two_values_is_exact():
    assert of_pieces([33.1, 33.2], 10).quantile(1, 2) == Fraction("33.15")


def test_of_values_that_are_all_alike_no_more_is_held_than_of_others():
    order = of_pieces([7.25] * 5000 + [1.0], held=100)
    assert order.quartiles() == (Fraction("7.25"),) * 3
    assert order.at([0]) == [1.0]
