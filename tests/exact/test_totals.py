"""Totals of pieces against fractions: the exact mean, rounded once, and a deviation within a unit of its last place."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.exact.totals import Totals

VALUES = st.one_of(
    st.integers(-(10**7), 10**7).map(lambda cents: cents / 100),
    st.floats(-1e15, 1e15, allow_nan=False, width=64),
    st.sampled_from([0.0, 1e-15, 1e15, 1e-30, -1e30, 123456789.123456789]),
)


def of_pieces(values, cuts):
    totals = Totals()
    for piece in np.split(np.array(values), sorted(cut % (len(values) + 1) for cut in cuts)):
        totals.add(piece)
    return totals


@given(st.lists(VALUES, min_size=1, max_size=30), st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=60, deadline=None)
def test_mean_and_deviation_are_those_of_exact_decimals(values, cuts):
    totals = of_pieces(values, cuts)
    exact = [Fraction(repr(value)) for value in values]
    mean = sum(exact) / len(exact)
    assert totals.count == len(values)
    assert totals.mean == float(mean)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in exact) / len(exact))
    assert totals.deviation() == pytest.approx(deviation, rel=2**-52)
    if len(values) > 1:
        assert totals.deviation(ddof=1) >= totals.deviation()


def test_many_large_values_do_not_overflow():
    values = np.full(1_500_000, 999_999_999_999.999)
    assert of_pieces(values, [17]).mean == 999_999_999_999.999
    assert of_pieces(values, [17]).deviation() == 0
