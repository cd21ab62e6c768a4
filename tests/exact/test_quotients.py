"""x * numerator / denominator against fractions of the decimals that floats print as."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from windrow.exact.quotients import scaled

#: Decimals of at most 15 digits, of which few are so small that they have more than 22 places.
decimals = st.builds(
    lambda digits, exponent: float(f"{digits}e{exponent}"),
    st.integers(-(10**15) + 1, 10**15 - 1).filter(bool) | st.integers(1, 99_999),
    st.integers(-20, 0),
)
prices = st.integers(1, 10**7).map(lambda cents: cents / 100)


def on_paper(x, numerator, denominator):
    one, top, bottom = (Fraction(repr(value)) for value in (x, numerator, denominator))
    return float(one * top / bottom)


def check(rows):
    found = scaled(*map(np.array, zip(*rows, strict=True)))
    assert found.tolist() == [on_paper(*row) for row in rows]


@given(st.lists(st.tuples(decimals, decimals, decimals), min_size=1))
def test_quotients_are_the_nearest_floats_of_printed_decimals(rows):
    check(rows)


@given(st.lists(st.tuples(prices, prices.map(lambda price: price / 4), prices), min_size=1))
def test_quotients_of_prices_are_those_on_paper(rows):
    check(rows)


@given(st.lists(st.tuples(*[st.floats(1e-9, 1e12)] * 3), min_size=1))
def test_quotients_of_other_floats_are_within_2_units(rows):
    found = scaled(*map(np.array, zip(*rows, strict=True)))
    for value, row in zip(found.tolist(), rows, strict=True):
        assert abs(value - on_paper(*row)) <= 2 * np.spacing(value) or row[1] == row[2]


def test_what_is_not_adjusted_keeps_its_bits():
    x = np.array([10.3, 1 / 3, 0.0, -7.0])
    assert scaled(x, np.array([5.0, 7.0, 0.0, 1.1]), np.array([5.0, 7.0, 0.0, 1.1])).tolist() == x.tolist()
