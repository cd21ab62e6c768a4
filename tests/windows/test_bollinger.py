"""Bollinger bands: exact means and deviations, TA-Lib's lines, and options."""

from fractions import Fraction
from math import isqrt

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


def bands(text, values, **options):
    kernel = parse_indicator(text).kernel(Options(**options))
    return kernel.push(np.arange(len(values)), np.array(values, np.float64), np.array([0]))


def exact_deviation(numbers):
    """The root of the variance over n, to 60 digits."""
    mean = sum(numbers) / len(numbers)
    variance = sum((number - mean) ** 2 for number in numbers) / len(numbers)
    return Fraction(isqrt(int(variance * 10**120)), 10**60)


prices = st.integers(0, 10**9).map(lambda cents: cents / 100) | st.floats(1e-15, 1e15) | st.just(0.0)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(prices, min_size=1, max_size=30), n=st.integers(1, 8), k=st.sampled_from(["0", "2", "2.5"]))
def test_the_bands_are_those_of_exact_arithmetic(values, n, k):
    upper, middle, lower = bands(f"bollinger:{n},{k}", values)
    for at in range(n - 1, len(values)):
        numbers = [printed(value) for value in values[at - n + 1 : at + 1]]
        mean, away = sum(numbers) / n, Fraction(k) * exact_deviation(numbers)
        assert middle[at] == float(mean)
        scale = float(max(map(abs, numbers)) + away)
        assert abs(upper[at] - float(mean + away)) <= 1e-15 * scale
        assert abs(lower[at] - float(mean - away)) <= 1e-15 * scale
    assert np.isnan(upper[: n - 1]).all()


@pytest.mark.parametrize("n", [2, 7, 20])
@pytest.mark.parametrize("k", [1.0, 2.0, 2.5])
def test_as_ta_lib(n, k):
    x = np.round(50 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.02, 400))), 2)
    ours, theirs = bands(f"bollinger:{n},{k}", x), talib.BBANDS(x, n, k, k)
    # TA-Lib's deviation is of differences of float sums: its error is that of x**2, below a root.
    np.testing.assert_allclose(ours, theirs, rtol=1e-7)


def test_ddof_is_not_its_own():
    x = [1.0, 2.0, 4.0, 8.0]
    np.testing.assert_array_equal(bands("bollinger:3", x, ddof=0), bands("bollinger:3", x, ddof=1))


def test_a_flat_window_has_one_price():
    assert {tuple(row) for row in bands("bollinger:3", [0.1] * 9)[:, 2:].T} == {(0.1, 0.1, 0.1)}


def test_its_texts():
    asked = parse_indicator("bollinger:20,2.50.upper")
    assert (str(asked), asked.names) == ("bollinger:20,2.5.upper", ["bollinger:20,2.5.upper"])
    assert parse_indicator("bollinger:20") == parse_indicator("bollinger:20,2.0")
    assert parse_indicator("bollinger:30d").names == [f"bollinger:30d.{name}" for name in ("upper", "middle", "lower")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "bollinger:20.top",
            "indicator 'bollinger:20.top': bollinger has no column 'top': its columns are upper, middle, lower; use one"
            " of them",
        ),
        ("sma:20.upper", "indicator 'sma:20.upper': sma has no column 'upper': it is one column; leave that out"),
        ("sma:20,2", "indicator 'sma:20,2': sma takes 1 number; use e.g. sma:20"),
        (
            "bollinger:20,2,3",
            "indicator 'bollinger:20,2,3': bollinger takes 2 numbers; it takes bollinger:WINDOW,DEVIATIONS=2; use e.g."
            " bollinger:20,2",
        ),
        (
            "bollinger:20,-2",
            "indicator 'bollinger:20,-2': '-2' is no DEVIATIONS, a number from 0 to 1,000; bollinger is"
            " bollinger:WINDOW,DEVIATIONS=2: use e.g. bollinger:20,2",
        ),
        (
            "bollinger:20,",
            "indicator 'bollinger:20,': '' is no DEVIATIONS, a number from 0 to 1,000; bollinger is"
            " bollinger:WINDOW,DEVIATIONS=2: use e.g. bollinger:20,2",
        ),
    ],
)
def test_texts_that_are_refused(text, message):
    with pytest.raises(UsageError) as refused:
        parse_indicator(text)
    assert str(refused.value) == message
