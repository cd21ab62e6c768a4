"""`rounded` against Python's int / int, which rounds correctly."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from windrow.exact import rounding
from windrow.exact.rounding import fast_two_sum, rounded, two_product, two_sum

LIMB = st.integers(-(2**53), 2**53)
MAGNITUDE = st.integers(0, 53).flatmap(lambda bits: st.integers(-(2**bits), 2**bits))


def quotient(limbs: list[int], width: int, count: int, scale: int) -> float:
    total = 0
    for limb in limbs:
        total = total * 2**width + limb
    return total / (count * scale)


def check(limbs: list[int], width: int, count: int, scale: int) -> None:
    arrays = [np.array([limb]) for limb in limbs]
    got = rounded(arrays, width, np.array([count]), scale)
    assert got.tolist() == [quotient(limbs, width, count, scale)]
    assert math.copysign(1, got[0]) == 1 or got[0] < 0  # no -0.0


@given(
    st.lists(LIMB | MAGNITUDE, min_size=1, max_size=6),
    st.integers(8, 53),
    st.integers(1, 2**40),
    st.sampled_from([1, 10**2, 10**6, 10**9, 10**12, 10**18, 10**22, 10**31, 10**34, 10**62, 2**82]),
)
@example([1, -(2**40), 0], 40, 3, 1)  # cancels to nothing
@example([1, -(2**40), 0], 40, 3, 10**31)
@example([2**53, 1, 1], 53, 1, 1)
def test_any_limbs(limbs: list[int], width: int, count: int, scale: int) -> None:
    check(limbs, width, count, scale)


def limbs_of(total: int, width: int) -> list[int]:
    """Three limbs, the lower two balanced around 0."""
    half, parts = 2 ** (width - 1), []
    for _ in range(2):
        parts.append((total + half) % 2**width - half)
        total = (total - parts[-1]) >> width
    return [total, *parts[::-1]]


BESIDE = st.sampled_from([-(2**22), -1, 0, 1, 2**22])  # of 2**-52 / count of a gap


@given(st.integers(2**52, 2**53), st.integers(1, 2**20), BESIDE, st.sampled_from([-1, 1]))
@example(2**53, 7, 1, 1)
@example(2**53 - 1, 7, 1, 1)
@example(2**52, 5, -1, 1)
def test_a_tie_goes_to_even_and_next_to_a_tie_to_its_side(m: int, count: int, rest: int, sign: int) -> None:
    #  m . . . . tie . . . . m + 1        the quotient is at the tie, or just next to it
    total = sign * ((2 * m + 1) * count * 2**51 + rest)
    for width in (42, 45):
        check(limbs_of(total, width), width, count, 2**52)


@given(st.integers(2**52, 2**53), st.integers(1, 2**20), st.sampled_from([-1, 0, 1]), st.sampled_from([23, 31, 62]))
def test_ties_of_divisors_that_no_float64_holds(m: int, count: int, rest: int, places: int) -> None:
    total = (2 * m + 1) * count * 10**places + rest
    limbs = [0] * 9 + [total]
    for at in reversed(range(9)):
        limbs[at], limbs[at + 1] = limbs[at + 1] >> 33, limbs[at + 1] & (2**33 - 1)
    check(limbs, 33, count, 2 * 10**places)


@given(st.integers(2**50 + 1, 2**51), st.integers(-5, 5), BESIDE)
@example(2**50 + 1, -1, -1)
def test_below_a_power_of_two_the_gap_is_half_as_wide(count: int, quarter_gaps: int, rest: int) -> None:
    #  1 - 2**-53 . . 1 . . . . 1 + 2**-52        the quotient is 1 + quarter_gaps * 2**-54, or just next to it
    total = (count * 2**54 + quarter_gaps * count) * 2**22 + rest
    check(limbs_of(total, 45), 45, count, 2**76)


def test_many_at_once_settle_each_by_its_own_divisor() -> None:
    rng = np.random.default_rng(1)
    limbs = [rng.integers(-(2**40), 2**40, 5000), rng.integers(-(2**33), 2**33, 5000)]
    counts = rng.integers(1, 2**10, 5000)
    limbs[0][:100] = 0
    limbs[1][:100] = (2 * np.arange(100) + 1) * counts[:100]  # small totals: exact quotients
    for scale in (2, 10**16, 10**25, 10**62):
        got = rounded(limbs, 34, counts, scale)
        rows = zip(*[limb.tolist() for limb in limbs], counts.tolist(), strict=True)
        assert got.tolist() == [quotient([high, low], 34, count, scale) for high, low, count in rows]


def test_only_ties_and_near_ties_are_divided_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros, as of flat prices, and quotients without a remainder are not; each takes a hundred times longer so."""
    slow = []

    def long_division(*args: Any) -> np.ndarray:
        slow.extend(args[-1].tolist())
        return usual(*args)

    usual = rounding._long_division
    monkeypatch.setattr(rounding, "_long_division", long_division)
    rng = np.random.default_rng(2)
    scale = 10**31
    totals = [0, scale, 3 * scale // 2, *(int(n) * 7**20 for n in rng.integers(1, 2**60, 500))]
    limbs = [np.array([total >> 34 * at & (2**34 - 1) for total in totals]) for at in (3, 2, 1, 0)]
    got = rounded(limbs, 34, np.array([1]), scale)
    assert got.tolist() == [total / scale for total in totals] and not slow
    tie = (2 * 2**52 + 1) * scale // 2
    limbs = [np.array([tie >> 34 * at & (2**34 - 1)]) for at in (4, 3, 2, 1, 0)]
    assert rounded(limbs, 34, np.array([1]), scale).tolist() == [2.0**52] and slow == [0]


@pytest.mark.parametrize("empty", [np.array([1]), np.empty(0, np.int64)])
def test_nothing_to_divide(empty: np.ndarray) -> None:
    assert rounded([np.empty(0, np.int64)], 53, empty, 10**6).shape == (0,)
    assert rounded([np.empty(0, np.int64)] * 2, 33, empty, 10**6).shape == (0,)


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
def test_error_free_transformations(a: float, b: float) -> None:
    x, y = np.array([a]), np.array([b])
    total, error = two_sum(x, y)
    assert Fraction(total[0]) + Fraction(error[0]) == Fraction(a) + Fraction(b)
    x, y = (x, y) if abs(a) >= abs(b) else (y, x)
    total, error = fast_two_sum(x, y)
    assert Fraction(total[0]) + Fraction(error[0]) == Fraction(a) + Fraction(b)
    if min(abs(a), abs(b)) > 1e-30:
        product, error = two_product(x, y)
        assert Fraction(product[0]) + Fraction(error[0]) == Fraction(a) * Fraction(b)
