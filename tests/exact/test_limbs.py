"""Limbs put together again are the decimals that they were cut from, and none is too long to be summed."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.exact import limbs as module
from windrow.exact.limbs import limbs_of

#: Windows: a bar, 20 and a million bars; the weights of a wma over 20 and 10,000 bars.
WEIGHTS = [1, 2, 20, 210, 10**6, 10**4 * (10**4 + 1) // 2]


def check(x: np.ndarray, weight: int, squared: bool) -> None:
    found = limbs_of(x, weight, squared)
    last = len(found.parts) - 1
    parts = [part.tolist() for part in found.parts]
    for row, value in zip(zip(*parts, strict=True), x.tolist(), strict=True):
        total = sum(limb * 2 ** (found.width * (last - at)) for at, limb in enumerate(row))
        assert Fraction(total, 10**found.places) == Fraction(repr(value))
    largest = max(int(np.abs(part).max(initial=0)) for part in found.parts)
    if squared:
        # n * sum(x**2) - sum(x)**2 of one pair of limbs, times the pairs that meet, and what is carried to it
        assert 2 * weight**2 * largest**2 * len(parts) < 2**62
    else:
        assert weight * largest <= 2**53


SERIES = {
    "cents": lambda rng: np.round(rng.uniform(1, 999, 200), 2),
    "8 places": lambda rng: np.round(rng.uniform(1, 70_000, 200), 8),
    "17 digits": lambda rng: 10 ** rng.uniform(-2, 4, 200),
    "17 digits of a token": lambda rng: rng.uniform(1, 9, 200) * 1e-15,
    "volumes": lambda rng: np.rint(rng.uniform(1e8, 1e15, 200)),
    "a spike among 17 digits": lambda rng: np.append(rng.uniform(1, 999, 200), [1e15, -1e15]),
    "30 decades": lambda rng: 10 ** rng.uniform(-15, 15, 200) * rng.choice([1, -1], 200),
    "both ends": lambda rng: rng.choice([1e15, -1e15, 999999999999999.9, 1.2345678901234567e-15, -1e-15, 0.0], 200),
    "zeros": lambda rng: np.zeros(3),
    "none": lambda rng: np.empty(0),
}


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", SERIES)
def test_every_kind_of_series(name: str, weight: int, squared: bool) -> None:
    if not squared or weight <= 10**6:
        check(SERIES[name](np.random.default_rng(1)), weight, squared)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.floats(1e-15, 1e15) | st.floats(-1e15, -1e-15) | st.just(0.0), max_size=6),
    st.sampled_from(WEIGHTS[:-1]),
    st.booleans(),
)
def test_any_values_together(values: list[float], weight: int, squared: bool) -> None:
    check(np.array(values, np.float64), weight, squared)


def test_all_three_ways_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where int64 holds the integers, where twice as many bits do, and where it takes long multiplication."""
    used = []
    for name in ("_cut_in_two", "_multiplied"):
        usual = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, name=name, usual=usual: used.append(name) or usual(*args))
    for name in ("cents", "17 digits of a token", "17 digits", "a spike among 17 digits", "30 decades"):
        check(SERIES[name](np.random.default_rng(2)), 20, False)
        used.append(name)
    assert used == [
        "cents", "17 digits of a token", "_cut_in_two", "17 digits", "_multiplied", "a spike among 17 digits",
        "_multiplied", "30 decades",
    ]  # fmt: skip
