"""Columns of numbers as pages carry them: exact, and as narrow as they can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pages.report.outputs import DAY, unpacked
from windrow.pages.packed import packed, packed_times

numbers = st.one_of(
    st.floats(allow_infinity=False),
    st.just(np.nan),
    st.integers(-(10**12), 10**12).map(float),
    st.decimals(-(10**6), 10**6, places=3).map(float),
)


@given(st.lists(numbers, max_size=20))
def test_packed_columns_are_exact(values):
    assert np.array_equal(unpacked(packed(np.array(values, float))), np.array(values, float) + 0.0, equal_nan=True)


@pytest.mark.parametrize(
    ("values", "kind", "digits"),
    [
        ([], "i1", 0), ([127, -127], "i1", 0), ([128], "i2", 0), ([36.6, 327.67], "i2", 2), ([327.68], "i4", 2),
        ([1 / 3], "f8", 0), ([1.7e308, 0.1], "f8", 0), ([1.7e308], "f8", 0),
        ([21474836.48], "f8", 0), ([np.nan, 0.001], "i1", 3), ([np.nan], "i1", 0),
    ],
)  # fmt: skip
def test_columns_take_the_narrowest_integers(values, kind, digits):
    column = packed(np.array(values, float))
    assert (column["kind"], column["digits"]) == (kind, digits)


@given(st.lists(st.integers(1, 3000), max_size=20), st.integers(-(2**60), 2**60), st.sampled_from([1, 1000, DAY]))
def test_times_are_steps_from_the_first(steps, first, unit):
    times = first + np.cumsum([0, *steps]) * unit
    column = packed_times(times)
    again = column["first"] + column["unit"] * np.cumsum(unpacked(column["steps"]))
    assert np.allclose(again, times / 1e6, rtol=1e-12)
