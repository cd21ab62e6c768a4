"""Moving averages, sums, minima and maxima against Python's own, of Fractions."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import pytest

Run = Callable[..., np.ndarray]

EXACT: dict[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "sma": lambda window: sum(window, Fraction(0)) / len(window),
    "sum": lambda window: sum(window, Fraction(0)),
    "min": min,
    "max": max,
}


@pytest.mark.parametrize("kind", EXACT)
def test_every_window_to_the_bit(
    run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int, kind: str
) -> None:
    values = [printed(x) for x in series]
    wanted = [float(EXACT[kind](values[i - bars : i])) for i in range(bars, len(values) + 1)]
    got = run(kind, str(bars), series)
    assert np.isnan(got[: bars - 1]).all()
    assert got[bars - 1 :].tolist() == wanted


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        #  day    0  1  2  5  6
        #  value  3  1  2  5  4     window of 2 days
        #            [--]           at day 2: (0, 2]
        #                  [--]     at day 6: (4, 6]
        ("max", [3.0, 1.0, 2.0, 5.0, 4.0], [2.0, 5.0, 5.0]),
        ("min", [3.0, 1.0, 2.0, 5.0, 4.0], [1.0, 5.0, 4.0]),
        ("sum", [0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.4, 0.9]),
    ],
)
def test_a_time_window(run: Run, kind: str, values: list[float], wanted: list[float]) -> None:
    assert run(kind, "2d", values, [0, 1, 2, 5, 6]).tolist()[2:] == wanted


def test_a_time_window_with_a_gap_and_a_step(run: Run) -> None:
    #  day    0   1   2   .   .   5   6
    #  price  1   2   4           8   9    window of 3 days
    #             [---]                    at day 2, once full: (-1, 2]
    #                             [---]    at day 6: (3, 6]
    got = run("sma", "3d", [1.0, 2.0, 4.0, 8.0, 9.0], [0, 1, 2, 5, 6], step_ns=86_400_000_000_000)
    assert got.tolist()[2:] == [7 / 3, 8.0, 8.5]


@pytest.mark.parametrize("kind", ["min", "max"])
def test_zero_has_no_sign(run: Run, kind: str) -> None:
    assert not np.signbit(run(kind, "2", [-0.0, -0.0, 0.0, -0.0])[1:]).any()


def test_sums_of_volumes_past_two_to_the_53(run: Run) -> None:
    volumes = [9007199254.0, 900719925474.0, 1.0, 999999999999.0] * 5
    assert run("sum", "20", volumes)[-1] == 5 * sum(map(int, volumes[:4]))


def test_averages_that_are_equal_in_exact_decimal_arithmetic_are_equal(run: Run) -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        three = np.round(rng.uniform(1, 99, 3), 2)
        prices = np.concatenate([three, rng.permutation(three), rng.permutation(three)])
        assert run("sma", "3", prices)[-1] == run("sma", "9", prices)[-1]
