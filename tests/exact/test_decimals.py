"""Values as decimals: what `repr` prints, of every kind of float64 that a value may be."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windrow.exact import decimals as module
from windrow.exact.decimals import MOST_PLACES, decimals

SMALLEST, LARGEST = 1e-15, 1e15


def check(x: np.ndarray) -> None:
    x = x[(np.abs(x) >= SMALLEST) & (np.abs(x) <= LARGEST) | (x == 0)]
    assert len(x)
    found = decimals(x)
    places = np.broadcast_to(found.places, x.shape)
    assert found.digits.dtype == places.dtype == np.int64
    assert places.min() >= 0 and places.max() <= MOST_PLACES and np.abs(found.digits).max() < 10**17
    numbers = zip(found.digits.tolist(), places.tolist(), x.tolist(), strict=True)
    wrong = [repr(value) for digits, ten, value in numbers if Fraction(digits, 10**ten) != Fraction(repr(value))]
    assert not wrong


def printed(rng: np.random.Generator, digits: int) -> np.ndarray:
    """Numbers of so many digits, their points anywhere in the range."""
    mantissas = rng.integers(10 ** (digits - 1), 10**digits, 2000).tolist()
    powers = rng.integers(-14 - digits, 16 - digits, 2000).tolist()
    return np.array([float(f"{mantissa}e{power}") for mantissa, power in zip(mantissas, powers, strict=True)])


def both_neighbours(x: np.ndarray, steps: int = 3) -> np.ndarray:
    """Values and the float64s next to them."""
    up, down, all_ = x, x, [x]
    for _ in range(steps):
        up, down = np.nextafter(up, np.inf), np.nextafter(down, -np.inf)
        all_ += [up, down]
    return np.concatenate(all_)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("digits", range(1, 18))
def test_numbers_of_1_to_17_digits(digits: int, sign: int) -> None:
    check(sign * printed(np.random.default_rng(digits), digits))


@pytest.mark.parametrize("digits", [15, 16, 17])
def test_the_floats_beside_numbers_of_15_to_17_digits(digits: int) -> None:
    check(both_neighbours(printed(np.random.default_rng(digits), digits)))


def test_floats_of_any_bits() -> None:
    rng = np.random.default_rng(1)
    least, most = np.array([SMALLEST, LARGEST]).view(np.int64)
    check(rng.integers(least, most, 50_000).view(np.float64))


def test_powers_of_two_and_of_ten_and_the_floats_beside_them() -> None:
    """Below a power of two the gap is half as wide; at a power of ten the number of places changes."""
    check(both_neighbours(2.0 ** np.arange(-49, 50)))
    check(both_neighbours(np.array([float(f"1e{power}") for power in range(-15, 16)])))


def test_numbers_that_are_half_way_between_two_decimals() -> None:
    """Those that end in 5 after 17 or 18 digits, as single floats often do, go to the even digit, as in `repr`."""
    rng = np.random.default_rng(2)
    singles = np.exp(rng.uniform(np.log(1e-7), np.log(1e7), 20_000)).astype(np.float32).astype(np.float64)
    ends = [len(f"{value:.60f}".replace(".", "").strip("0")) for value in singles.tolist()]
    assert {17, 18} <= set(ends)
    check(singles)
    check(rng.uniform(512, 1024, 20_000).astype(np.float32).astype(np.float64))
    check(rng.integers(1, 2 ** rng.integers(2, 52, 20_000)) * 2.0 ** -rng.integers(0, 90, 20_000))


def test_where_several_decimals_of_16_digits_read_back() -> None:
    """From 2**52 on, the digits of a quotient are no longer certain: the nearest decimal must be taken."""
    mantissas = np.random.default_rng(3).integers(2**52, 10**16, 20_000)
    check(np.concatenate([mantissas[k::14] / 10.0**k for k in range(1, 14)]))
    check(np.array([9007199254.740991, 9007199254.740993, 45035996273.70497, 4503599627370.497]))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.floats(SMALLEST, LARGEST) | st.integers(-(10**15), 10**15).map(float), min_size=1))
@example([2.0**-24, 2.0**-44])  # of 17 digits, the last a 5; one goes up and one down
@example([float(np.nextafter(1e-7, 1)), 1.2e-14, 36.6])
def test_any_values_together(values: list[float]) -> None:
    check(np.array(values))


def test_what_is_beside_a_value_does_not_matter() -> None:
    values = [36.6, 0.123456789, 1e15, 0.1 + 0.2, 1.2e-14, 1e-15, 4.6248e-6, 2.0**-44, 0.0, -0.0, -7.0]
    for one, other in product(values, repeat=2):
        check(np.array([one, other]))


def test_repr_is_asked_where_arithmetic_leaves_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """And hardly anywhere else, since it is slow."""
    asked = []

    def printed_(x: float) -> tuple[int, int]:
        asked.append(x)
        return usual(x)

    usual = module._printed
    monkeypatch.setattr(module, "_printed", printed_)
    rng = np.random.default_rng(4)
    check(10 ** rng.uniform(-15, 15, 20_000))
    assert len(asked) < 5
    check(2.0 ** np.arange(-49, 0))
    assert len(asked) > 5


def test_nothing() -> None:
    found = decimals(np.empty(0))
    assert found.digits.shape == (0,) and found.digits.dtype == np.int64
