"""RSI: TA-Lib's, that of exact arithmetic, and prices that never move."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk


def exact_rsi(values, n):
    """Wilder's definition, in fractions."""
    numbers = [printed(value) for value in values]
    changes = [later - before for before, later in pairwise(numbers)]
    result = [None] * len(values)
    for at in range(n, len(values)):
        if at == n:
            gain, loss = (sum(max(sign * change, 0) for change in changes[:n]) / Fraction(n) for sign in (1, -1))
        else:
            gain, loss = (
                (average * (n - 1) + max(sign * changes[at - 1], 0)) / Fraction(n)
                for average, sign in ((gain, 1), (loss, -1))
            )
        result[at] = 100 * gain / (gain + loss) if gain + loss else Fraction(50)
    return result


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(2, 9))
def test_it_is_that_of_exact_arithmetic(values, n):
    for ours, wanted in zip(run(f"rsi:{n}", values), exact_rsi(values, n), strict=True):
        assert np.isnan(ours) if wanted is None else abs(ours - float(wanted)) <= 1e-12 * 100


@pytest.mark.parametrize("n", [2, 5, 14, 100])
@pytest.mark.parametrize("seed", range(5))
def test_as_ta_lib(n, seed):
    x = walk(seed)
    ours, theirs = run(f"rsi:{n}", x), talib.RSI(x, n)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    # TA-Lib's changes are float differences, whose error is that of prices.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * 100 * x.max() / 0.1)


def test_a_price_that_never_moves_is_neither_strong_nor_weak():
    assert run("rsi:3", [7.0] * 6).tolist()[3:] == [50.0] * 3
    assert run("rsi:3", [1.0, 2.0, 3.0, 4.0, 4.0]).tolist()[3:] == [100.0, 100.0]
    assert run("rsi:3", [4.0, 3.0, 2.0, 1.0, 1.0]).tolist()[3:] == [0.0, 0.0]
    assert talib.RSI(np.full(6, 7.0), 3)[3:].tolist() == [0.0] * 3  # as the docstring says
