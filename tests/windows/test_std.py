"""Deviations against the root of a Fraction, worked out to 60 digits."""

from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest

Run = Callable[..., np.ndarray]
DIGITS = Context(prec=60)


def root(variance: Fraction) -> float:
    return float(DIGITS.sqrt(DIGITS.divide(Decimal(variance.numerator), Decimal(variance.denominator))))


@pytest.mark.parametrize("ddof", [0, 1])
def test_every_window_within_one_unit(
    run: Run, printed: Callable[[float], Fraction], series: np.ndarray, bars: int, ddof: int
) -> None:
    values = [printed(x) for x in series]
    got = run("std", str(bars), series, ddof=ddof)
    assert np.isnan(got[: bars - 1]).all()
    for i in range(max(bars, ddof + 1), len(values) + 1, 1 + bars // 8):
        window = values[i - bars : i]
        if bars <= ddof:
            assert np.isnan(got[i - 1])
            continue
        numerator = bars * sum(value**2 for value in window) - sum(window) ** 2
        wanted = root(numerator / (bars * (bars - ddof)))
        assert abs(got[i - 1] - wanted) <= np.spacing(wanted)


def test_one_bar_deviates_only_at_ddof_0(run: Run) -> None:
    assert np.isnan(run("std", "1", [1.0, 2.0], ddof=1)).all()
    assert run("std", "1", [1.0, 2.0], ddof=0).tolist() == [0.0, 0.0]


def test_a_time_window_of_one_bar_is_empty(run: Run) -> None:
    #  day    0  1  .  .  .  5  6     window of 2 days, ddof 1
    got = run("std", "2d", [1.0, 2.0, 5.0, 7.0], [0, 1, 5, 6])
    np.testing.assert_array_equal(got, [np.nan, np.nan, np.nan, np.sqrt(2.0)])


@pytest.mark.parametrize("price", [37.1, 0.1 + 0.2, 1e15, 12345.678912345678, 1.2e-15])
def test_a_flat_window_has_none(run: Run, price: float) -> None:
    flat = [1e15, 1e-15] + [price] * 30
    assert run("std", "20", flat)[21:].tolist() == [0.0] * 11


def test_small_moves_of_a_large_price(run: Run) -> None:
    # Differences of float sums of squares lose all of this.
    prices = [1e9, 1e9 + 0.01, 1e9 + 0.02]
    assert run("std", "3", prices)[2] == 0.01
