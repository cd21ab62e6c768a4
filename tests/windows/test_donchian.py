"""Donchian channel: the windows' own extremes, TA-Lib's, an offset, and what is refused."""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


@settings(max_examples=60, deadline=None)
@given(values=prices, n=st.integers(1, 9), offset=st.integers(0, 3))
def test_the_extremes_of_the_window(values, n, offset):
    highs = np.array(values)
    lows = highs[::-1]
    upper, middle, lower = run(f"donchian:{n},{offset}", highs, lows)
    for at in range(len(values)):
        end = at + 1 - offset
        if end < n:
            assert np.isnan([upper[at], middle[at], lower[at]]).all()
            continue
        assert (upper[at], lower[at]) == (max(highs[end - n : end]), min(lows[end - n : end]))
        assert middle[at] == float((printed(upper[at]) + printed(lower[at])) / 2)


@pytest.mark.parametrize("n", [2, 20])
def test_as_ta_lib(n):
    close = walk(6)
    upper, _, lower = run(f"donchian:{n}", close + 0.25, close - 0.25)
    np.testing.assert_array_equal(upper, talib.MAX(close + 0.25, n))
    np.testing.assert_array_equal(lower, talib.MIN(close - 0.25, n))


def test_by_time():
    upper, _, lower = run("donchian:3s", [5.0, 1.0, 2.0, 3.0], [5.0, 1.0, 2.0, 3.0], times=np.arange(4) * 10**9)
    assert (upper.tolist()[3], lower.tolist()[3]) == (3.0, 1.0)


@pytest.mark.parametrize(("text", "options"), [("donchian:3d,1", {}), ("donchian:3,1", {"min_periods": 1})])
def test_an_offset_goes_with_full_windows_of_bars(text, options):
    with pytest.raises(
        UsageError, match=r"an offset goes with a window of bars, once it is full; use e\.g\. donchian:20,1"
    ):
        parse_indicator(text).kernel(Options(**options))
