"""Theil-Sen beside scipy's, to the bit, and on lines that are known."""

import numpy as np
import pytest
from scipy.stats import theilslopes

from windrow.errors import WindowSizeError
from windrow.windows.trend import MOST_POINTS, theil_sen


def history(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Days, some of which are missing, and sizes: with noise, ties, rests, steps and values that are far away."""
    random = np.random.default_rng(seed)
    bars = int(random.integers(2, 181))
    days = np.sort(random.choice(365, bars, replace=False)).astype(float) - 364
    sizes = random.lognormal(22, 3) + random.lognormal(17, 2) * days * random.choice([-1, 0, 1, 1, 1])
    sizes = sizes + random.normal(0, 10.0 ** random.integers(0, 11), bars) * (random.random(bars) < random.random())
    sizes = np.where(random.random(bars) < 0.1, sizes * random.choice([0, 3, 1e3]), sizes)
    if seed % 3 == 0:
        sizes = np.round(sizes, -int(random.integers(3, 10)))  # many ties
    if seed % 7 == 0:
        days = np.sort(random.choice(days, bars))  # points of one day
    return days, np.round(sizes) + 0.0  # as bars are: without -0.0, which equals 0.0 and has no place beside it


@pytest.mark.parametrize("seed", range(300))
def test_slope_intercept_and_interval_are_scipys_to_the_bit(seed: int) -> None:
    days, sizes = history(seed)
    if days[0] == days[-1]:
        assert theil_sen(days, sizes) is None
        return
    level = (0.95, 0.9, 0.5)[seed % 3]
    theirs = theilslopes(sizes, days, level)
    ours = theil_sen(days, sizes, level)
    assert ours is not None
    bits = np.array([ours.slope, ours.intercept, ours.low, ours.high]).tobytes()
    assert bits == np.array([theirs.slope, theirs.intercept, theirs.low_slope, theirs.high_slope]).tobytes()


def test_the_histories_have_gaps_ties_outliers_and_the_largest_tables() -> None:
    histories = [history(seed) for seed in range(300)]
    assert sum(np.diff(days).max() > 5 for days, _ in histories if len(days) > 90) > 20
    assert sum(len(np.unique(sizes)) < len(sizes) / 2 for _, sizes in histories) > 40
    assert sum(abs(sizes).max() > 100 * abs(np.median(sizes)) > 0 for _, sizes in histories) > 50
    assert sum(abs(sizes).max() > 1e12 for _, sizes in histories) > 50


@pytest.mark.parametrize("points", [2, 3, 7, 90, 180])
def test_a_slope_is_found_though_a_quarter_of_the_points_is_anywhere(points: int) -> None:
    x = np.arange(points, dtype=float)
    y = 3 * x + 7
    y[: points // 4] = 1e15
    line = theil_sen(x, y)
    assert line is not None and line.slope == 3


def test_a_line_without_noise_goes_on() -> None:
    line = theil_sen(np.arange(-89.0, 1), 3 * np.arange(90.0) + 7)
    assert line is not None and line.at(365) == 3 * (89 + 365) + 7 and line.intercept == 3 * 89 + 7


def test_the_line_goes_through_the_middle_of_the_points_whatever_its_slope() -> None:
    line = theil_sen(np.arange(-4.0, 1), np.array([1.0, 2, 4, 3, 9]))
    assert line is not None and line.middle == (-2, 3) and line.low <= line.slope <= line.high
    assert line.at(-2, line.low) == line.at(-2, line.high) == line.at(-2) == 3
    assert line.at(10, line.low) == 3 + 12 * line.low and line.intercept == line.at(0)


def test_one_point_is_no_line_and_constant_sizes_do_not_grow() -> None:
    assert theil_sen(np.zeros(1), np.ones(1)) is None and theil_sen(np.empty(0), np.empty(0)) is None
    line = theil_sen(np.arange(30.0), np.full(30, 5e12))
    assert line is not None and (line.slope, line.low, line.high, line.at(365)) == (0, 0, 0, 5e12)


def test_too_many_points_are_refused_with_what_to_do() -> None:
    many = np.arange(MOST_POINTS + 1.0)
    assert theil_sen(many[:-1], many[:-1]) is not None
    with pytest.raises(WindowSizeError, match=r"of 1,001 points: .* at most 1,000, .*; use a shorter window, or"):
        theil_sen(many, many)
