"""Weighted moving averages against means of Fractions."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

Run = Callable[..., np.ndarray]


def test_every_window_to_the_bit(run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int) -> None:
    values = [printed(x) for x in series]
    weights = bars * (bars + 1) // 2
    got = run("wma", str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    for i in range(bars, len(values) + 1, 1 + bars // 8):
        exact = sum(k * value for k, value in enumerate(values[i - bars : i], 1)) / weights
        assert got[i - 1] == float(exact)


def test_the_newest_bar_weighs_most(run: Run) -> None:
    #  price   1   2   6
    #  weight  1   2   3    / 6
    assert run("wma", "3", [1.0, 2.0, 6.0])[2] == (1 * 1 + 2 * 2 + 3 * 6) / 6


def test_the_longest_window_of_large_values(run: Run) -> None:
    # Past 2**63 if summed in one int64: 1e15 * 10,000 * 10,001 / 2.
    values = [1e15, 999_999_999_999_999.0] * 5_000
    total = sum(k * int(value) for k, value in enumerate(values, 1))
    assert run("wma", "10000", values)[-1] == total / 50_005_000
