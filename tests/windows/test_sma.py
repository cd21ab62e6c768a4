"""Simple moving averages against means of Fractions."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

Run = Callable[..., np.ndarray]


def test_every_window_to_the_bit(run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int) -> None:
    values = [printed(x) for x in series]
    wanted = [float(sum(values[i - bars : i]) / bars) for i in range(bars, len(values) + 1)]
    got = run("sma", str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    assert got[bars - 1 :].tolist() == wanted


def test_a_time_window_with_a_gap(run: Run) -> None:
    #  day    0   1   2   .   .   5   6
    #  price  1   2   4           8   9    window of 3 days
    #             [---]                    at day 2, once full: (-1, 2]
    #                             [---]    at day 6: (3, 6]
    got = run("sma", "3d", [1.0, 2.0, 4.0, 8.0, 9.0], [0, 1, 2, 5, 6], step_ns=86_400_000_000_000)
    assert got.tolist()[2:] == [7 / 3, 8.0, 8.5]


def test_averages_equal_in_school_arithmetic_are_equal(run: Run) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        three = np.round(rng.uniform(1, 99, 3), 2)
        prices = np.concatenate([three, rng.permutation(three), rng.permutation(three)])
        assert run("sma", "3", prices)[-1] == run("sma", "9", prices)[-1]
