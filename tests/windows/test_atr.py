"""ATR: TA-Lib's, and that of exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import close_to, largest_so_far, prices, run, walk


def bars(closes, spread):
    closes = np.array(closes, np.float64)
    rng = np.random.default_rng(len(closes))
    return closes + spread * rng.random(len(closes)), closes - spread * rng.random(len(closes)), closes


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), spread=st.sampled_from([0.0, 0.5]))
def test_it_is_that_of_exact_arithmetic(values, n, spread):
    columns = bars(values, spread)
    high, low, close = ([printed(value) for value in column] for column in columns)
    ranges = [
        max(high[at] - low[at], abs(high[at] - close[at - 1]), abs(low[at] - close[at - 1]))
        for at in range(1, len(close))
    ]
    scale, average = max(map(abs, high + low)), Fraction(0)
    for at, ours in enumerate(run(f"atr:{n}", *columns)):
        if at < n:
            assert np.isnan(ours)
            continue
        average = sum(ranges[:n]) / n if at == n else (average * (n - 1) + ranges[at - 1]) / n
        assert abs(ours - float(average)) <= 1e-12 * float(scale)


@pytest.mark.parametrize("n", [2, 5, 14, 100])
def test_as_ta_lib(n):
    columns = bars(walk(5), 0.7)
    close_to(run(f"atr:{n}", *columns), talib.ATR(*columns, n), largest_so_far(columns[2]))


def test_a_flat_price_has_no_range():
    assert run("atr:2", [0.3] * 5, [0.3] * 5, [0.3] * 5).tolist()[2:] == [0.0] * 3
