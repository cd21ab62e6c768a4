"""Moving maxima against Python's max."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

Run = Callable[..., np.ndarray]


def test_every_window_to_the_bit(run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int) -> None:
    values = [printed(x) for x in series]
    wanted = [float(max(values[i - bars : i])) for i in range(bars, len(values) + 1)]
    got = run("max", str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    assert got[bars - 1 :].tolist() == wanted


def test_a_time_window(run: Run) -> None:
    #  day    0  1  2  5  6
    #  price  3  1  2  5  4     window of 2 days
    #            [--]           at day 2: (0, 2]
    #                  [--]     at day 6: (4, 6]
    got = run("max", "2d", [3.0, 1.0, 2.0, 5.0, 4.0], [0, 1, 2, 5, 6])
    assert got.tolist()[2:] == [2.0, 5.0, 5.0]


def test_zero_has_no_sign(run: Run) -> None:
    assert not np.signbit(run("max", "2", [-0.0, -0.0, 0.0, -0.0])[1:]).any()
