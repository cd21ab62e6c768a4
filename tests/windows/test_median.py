"""Moving median: exact, and pandas'."""

from statistics import median

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk

SECOND = 10**9


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), least=st.sampled_from([None, 1]))
def test_the_middle_value_of_the_window_rounded_once(values, n, least):
    least = min(least or n, n)
    wanted = [
        float(median(map(printed, values[max(end - n, 0) : end]))) if end >= least else None
        for end in range(1, len(values) + 1)
    ]
    ours = run(f"median:{n}", values, min_periods=least)
    assert [None if np.isnan(value) else value for value in ours] == wanted


def test_as_pandas_by_bars_and_by_time():
    x = walk(10)
    times = np.cumsum(np.random.default_rng(1).integers(1, 9, len(x))) * SECOND
    np.testing.assert_allclose(run("median:20", x), pd.Series(x).rolling(20).median(), rtol=1e-15)
    timed = pd.Series(x, pd.to_datetime(times)).rolling("30s", min_periods=1).median()
    np.testing.assert_allclose(run("median:30s", x, times=times, min_periods=1), timed, rtol=1e-15)
