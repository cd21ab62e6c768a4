"""An average that decays by time: pandas', exact weights, and when its first value is."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import close_to, largest_so_far, prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator
from windrow.windows.halflife import halved

SECOND = 10**9


@settings(max_examples=60, deadline=None)
@given(values=prices, data=st.data())
def test_the_mean_by_weights_of_ages(values, data):
    gaps = data.draw(st.lists(st.integers(1, 40), min_size=len(values), max_size=len(values)))
    seconds = np.cumsum(gaps)
    ours = run("halflife:5s", values, times=seconds * SECOND, min_periods=1)
    for at in range(len(values)):
        weights = [Fraction(0.5 ** ((seconds[at] - seconds[i]) / 5)) for i in range(at + 1)]
        weighted = sum(weight * printed(value) for weight, value in zip(weights, values, strict=False))
        assert abs(ours[at] - float(weighted / sum(weights))) <= 1e-12 * max(map(abs, values[: at + 1]))


@pytest.mark.parametrize("halflife", [1, 30, 500])
def test_as_pandas_by_time_and_by_bars(halflife):
    x = walk(13)
    times = np.cumsum(np.random.default_rng(2).integers(1, 300, len(x))) * SECOND
    moments = pd.to_datetime(times)
    wanted = pd.Series(x).ewm(halflife=f"{halflife}s", times=moments).mean().to_numpy()
    close_to(run(f"halflife:{halflife}s", x, times=times, min_periods=1), wanted, largest_so_far(x))
    wanted = pd.Series(x).ewm(halflife=halflife).mean().to_numpy()
    close_to(run(f"halflife:{halflife}", x, min_periods=1), wanted, largest_so_far(x))


def test_its_first_value_is_after_a_half_life():
    seconds = np.array([0, 3, 7, 8, 30]) * SECOND
    assert np.isnan(run("halflife:8s", [1.0] * 5, times=seconds)).tolist() == [True, True, True, False, False]
    assert np.isnan(run("halflife:3", [1.0] * 5)).tolist() == [True, True, False, False, False]
    assert np.isnan(run("halflife:8s", [1.0] * 5, times=seconds, min_periods=2)).tolist() == [True] + 4 * [False]


def test_a_flat_price_stays_flat():
    assert set(run("halflife:9", np.full(90, 0.1), min_periods=1).tolist()) == {0.1}


def test_halves_are_right_within_2_ulp():
    times = np.concatenate([np.random.default_rng(3).uniform(0, 60, 2000), np.arange(50.0)])
    exact = np.array([float(2 ** (-pd.to_numeric(str(time)))) for time in times])
    np.testing.assert_allclose(halved(times), exact, rtol=5e-16)
    assert halved(np.arange(50.0)).tolist() == [0.5**n for n in range(50)]


def test_sessions_are_no_half_life():
    with pytest.raises(UsageError, match=r"^halflife:session: a half-life is a time or a number of bars; use e\.g\."):
        parse_indicator("halflife:session").kernel(Options())
