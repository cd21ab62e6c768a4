"""Hull's moving average: that of exact arithmetic, TA-Lib's wmas, and what is refused."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import close_to, largest_so_far, prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


def weighted(numbers, n):
    return sum((rank + 1) * number for rank, number in enumerate(numbers[-n:])) / Fraction(n * (n + 1), 2)


@settings(max_examples=60, deadline=None)
@given(values=prices, n=st.integers(2, 20))
def test_it_is_that_of_exact_arithmetic_rounded_once(values, n):
    numbers, root = [printed(value) for value in values], isqrt(n)
    ends = range(n, len(values) + 1)
    inner = [2 * weighted(numbers[:end], n // 2) - weighted(numbers[:end], n) for end in ends]
    wanted = [float(weighted(inner[:end], root)) for end in range(root, len(inner) + 1)]
    ours = run(f"hma:{n}", values).tolist()
    assert ours[n + root - 2 :] == wanted
    assert np.isnan(ours[: n + root - 2]).all()


@pytest.mark.parametrize("n", [4, 16, 55, 200])
def test_as_ta_libs_wmas(n):
    x = walk(8)
    inner = 2 * talib.WMA(x, n // 2) - talib.WMA(x, n)
    wanted = np.concatenate([inner[: n - 1], talib.WMA(inner[n - 1 :], isqrt(n))])
    close_to(run(f"hma:{n}", x), wanted, 3 * largest_so_far(x))


def test_the_longest():
    x = walk(9, 2200)
    x[100] = 1e15
    ours = run("hma:2000", x)
    numbers = [printed(value) for value in x[:2043]]
    inner = [2 * weighted(numbers[:end], 1000) - weighted(numbers[:end], 2000) for end in range(2000, 2044)]
    assert ours[2042] == float(weighted(inner, 44))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hma:1", "hma:1: hma takes 2 to 2,000 bars; use a window in that range"),
        ("hma:2001", "hma:2001: hma takes 2 to 2,000 bars; use a window in that range"),
        ("hma:3d", "hma:3d: hma counts bars; use e.g. hma:20"),
    ],
)
def test_windows_that_are_refused(text, message):
    with pytest.raises(UsageError) as refused:
        parse_indicator(text).kernel(Options())
    assert str(refused.value) == message
