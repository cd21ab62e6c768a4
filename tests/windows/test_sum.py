"""Moving sums against sums of Fractions."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

Run = Callable[..., np.ndarray]


def test_every_window_to_the_bit(run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int) -> None:
    values = [printed(x) for x in series]
    wanted = [float(sum(values[i - bars : i])) for i in range(bars, len(values) + 1)]
    got = run("sum", str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    assert got[bars - 1 :].tolist() == wanted


def test_a_time_window(run: Run) -> None:
    #  day     0    1    2    5    6
    #  value  .1   .2   .3   .4   .5     window of 2 days
    #               [----]               at day 2: (0, 2]
    #                         [----]     at day 6: (4, 6]
    got = run("sum", "2d", [0.1, 0.2, 0.3, 0.4, 0.5], [0, 1, 2, 5, 6])
    assert got.tolist()[2:] == [0.5, 0.4, 0.9]


def test_sums_of_volumes_past_two_to_the_53(run: Run) -> None:
    volumes = [9007199254.0, 900719925474.0, 1.0, 999999999999.0] * 5
    assert run("sum", "20", volumes)[-1] == 5 * sum(map(int, volumes[:4]))
