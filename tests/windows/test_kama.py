"""Kaufman's average: TA-Lib's, other numbers by a slow oracle, and what is refused."""

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import close_to, largest_so_far, prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), numbers=st.sampled_from([(2, 30), (1, 5), (3, 3)]))
def test_its_definition(values, n, numbers):
    fast, slow = (2 / (number + 1) for number in numbers)
    exact, average = [printed(value) for value in values], None
    for at, ours in enumerate(run(f"kama:{n},{numbers[0]},{numbers[1]}", values)):
        if at < n:
            assert np.isnan(ours)
            continue
        steps = [abs(exact[i] - exact[i - 1]) for i in range(at - n + 1, at + 1)]
        efficiency = float(abs(exact[at] - exact[at - n]) / sum(steps)) if sum(steps) else 1.0
        average = values[at - 1] if average is None else average
        average += (efficiency * (fast - slow) + slow) ** 2 * (values[at] - average)
        assert abs(ours - average) <= 1e-12 * max(map(abs, values[: at + 1]))


@pytest.mark.parametrize("n", [2, 5, 10, 50])
@pytest.mark.parametrize("seed", range(4))
def test_as_ta_lib(n, seed):
    x = walk(seed)
    x[100:130] = x[100]
    # TA-Lib's way is a running sum of floats, whose error is that of prices, over as few cents as the way may be.
    close_to(run(f"kama:{n}", x), talib.KAMA(x, n), largest_so_far(x), 1e-11)


def test_fast_is_not_longer_than_slow():
    with pytest.raises(
        UsageError, match=r"^kama:10,30,2: fast, 30 bars, is longer than slow, 2; write the shorter one"
    ):
        parse_indicator("kama:10,30,2").kernel(Options())
