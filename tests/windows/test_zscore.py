"""Z-score: that of exact arithmetic, pandas', and flat windows."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), ddof=st.sampled_from([0, 1]))
def test_it_is_that_of_exact_arithmetic(values, n, ddof):
    for end, ours in enumerate(run(f"zscore:{n}", values, ddof=ddof), 1):
        window = [printed(value) for value in values[max(end - n, 0) : end]]
        if len(window) < n or n <= ddof:
            assert np.isnan(ours)
            continue
        mean = sum(window) / n
        variance = sum((number - mean) ** 2 for number in window) / (n - ddof)
        deviation = Fraction(isqrt(int(variance * 10**140)), 10**70)
        wanted = float((window[-1] - mean) / deviation) if variance else 0.0
        assert abs(ours - wanted) <= 1e-15 * abs(wanted)


@pytest.mark.parametrize("ddof", [0, 1])
def test_as_pandas(ddof):
    x = walk(12)
    rolling = pd.Series(x).rolling(20)
    wanted = (x - rolling.mean()) / rolling.std(ddof=ddof)
    np.testing.assert_allclose(run("zscore:20", x, ddof=ddof), wanted, rtol=0, atol=1e-9)


def test_a_flat_window_is_at_its_mean():
    assert run("zscore:3", [0.1] * 5).tolist()[2:] == [0.0] * 3
