"""Running sums are those of Python's fractions, rounded once, whatever the order and the parts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from windrow.exact.running import RunningSum

ANY = st.floats(-1e250, 1e250, allow_nan=False)
MONEY = st.decimals(-(10**9), 10**9, places=6).map(float)
NUMBERS = st.one_of(st.lists(ANY, min_size=1, max_size=30), st.lists(MONEY, min_size=1, max_size=30))


def expected(begin, changes, count):
    total, found = Fraction(begin), []
    for run in changes:
        total += sum(Fraction(new) - Fraction(old) for new, old in run)
        found.append(float(total / count))
    return found


@given(st.data(), NUMBERS, st.integers(1, 1000))
def test_totals_after_each_run_are_the_fractions_nearest_floats(data, numbers, count):
    olds = data.draw(st.lists(st.sampled_from([0.0, *numbers]), min_size=len(numbers), max_size=len(numbers)))
    starts = [0, *sorted(data.draw(st.sets(st.integers(1, len(numbers)))) - {len(numbers)})]
    bounds = zip(starts, [*starts[1:], len(numbers)], strict=True)
    pairs = list(zip(numbers, olds, strict=True))
    runs = [pairs[begin:end] for begin, end in bounds]
    total = RunningSum(numbers[0])
    found = total.after(np.array(numbers), np.array(olds), np.array(starts), count)
    assert found.tolist() == expected(numbers[0], runs, count)
    assert total.exact == Fraction(numbers[0]) + sum(Fraction(new) - Fraction(old) for new, old in pairs)
    parts = RunningSum(numbers[0])
    singly = [parts.after(*map(np.array, zip(*run[::-1], strict=True)), np.array([0]), count)[0] for run in runs]
    assert singly == found.tolist() and parts.exact == total.exact


@example(5e-324, 3)
@example(1e15, 7)
@given(ANY, st.integers(1, 10**6))
def test_a_sum_begins_with_any_number_so_many_times(number, times):
    total = RunningSum(number, times)
    assert total.exact == Fraction(number) * times
    assert total.after(np.zeros(1), np.zeros(1), np.array([0]), times).tolist() == [number]


def test_what_was_added_is_gone_once_it_is_taken_away():
    total = RunningSum()
    for new, old in ((1e200, 0.0), (0.1, 1e200), (0.0, 0.1)):
        after = total.after(np.array([new]), np.array([old]), np.array([0]))
    assert after.tolist() == [0.0] and total.exact == 0


@pytest.mark.parametrize("count", [1, 3, 500])
def test_a_thousand_accounts_at_a_hundred_times(count):
    rng = np.random.default_rng(5)
    values = np.exp(rng.normal(11, 3, (100, 1000)))
    before = np.vstack([np.full(1000, 1e5), values[:-1]])
    total = RunningSum(1e5, 1000)
    found = total.after(values.ravel(), before.ravel(), np.arange(100) * 1000, count)
    assert found.tolist() == [float(sum(map(Fraction, row.tolist())) / count) for row in values]
