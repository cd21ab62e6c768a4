"""Rate of change: TA-Lib's, pandas', exact arithmetic, and prices of 0."""

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9))
def test_it_is_that_of_exact_arithmetic(values, n):
    for at, ours in enumerate(run(f"roc:{n}", values)):
        before = printed(values[at - n]) if at >= n else 0
        if not before:
            assert np.isnan(ours)
        else:
            wanted = 100 * (printed(values[at]) - before) / before
            assert abs(ours - float(wanted)) <= 1e-15 * abs(float(wanted))


@pytest.mark.parametrize("n", [1, 10, 100])
def test_as_ta_lib_and_pandas(n):
    x = walk(7)
    for theirs in (talib.ROC(x, n), 100 * pd.Series(x).pct_change(n).to_numpy()):
        np.testing.assert_array_equal(np.isnan(run(f"roc:{n}", x)), np.isnan(theirs))
        np.testing.assert_allclose(run(f"roc:{n}", x), theirs, rtol=0, atol=1e-12 * 100)
