"""Exact sums: what fractions give, in any order and from any parts."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from windrow.sweeps.tally import Tally

NUMBERS = st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)))


@given(NUMBERS, NUMBERS)
def test_sum_and_mean_are_those_of_fractions(one, other):
    tallies = [Tally(), Tally()]
    for tally, numbers in zip(tallies, (one, other), strict=True):
        for number in numbers:
            tally.add(number)
    both, more = (Tally.of(tally.to_json()) for tally in tallies)
    both.take(more)
    exact = [Fraction(number) for number in [*one, *other] if number is not None]
    assert (both.count, both.sum) == (len(exact), sum(exact))
    assert both.mean == (float(sum(exact) / len(exact)) if exact else None)


def test_the_least_float_is_not_lost():
    tally = Tally()
    for number in (5e-324, 1.7e308, -1.7e308):
        tally.add(number)
    assert tally.sum == Fraction(1, 2**1074) and tally.mean == 0.0 and Tally.of(tally.to_json()).sum == tally.sum
