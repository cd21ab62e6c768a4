"""Every result against slow `fractions` arithmetic, to the last bit."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from windrow.exact import sums as exact

N = 400


def walk(rng: np.random.Generator, places: int, start: float) -> np.ndarray:
    return np.round(start * np.exp(np.cumsum(rng.normal(0, 0.01, N))), places)


def spiked(x: np.ndarray) -> np.ndarray:
    x[[50, 51, 200, 333]] = 1e15, -1e15, 1e-15, 3e-15
    return x


def mix(rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(N) < 0.5, walk(rng, 2, 90.0), rng.uniform(50, 200, N))


SERIES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "cents": lambda rng: walk(rng, 2, 50.0),
    "six places": lambda rng: walk(rng, 6, 1.2),
    "eight places": lambda rng: walk(rng, 8, 0.05),
    "eight places of thousands": lambda rng: walk(rng, 8, 60000.0),
    "ten places of millionths": lambda rng: walk(rng, 10, 4.6248e-6),
    "12 places of hundreds": lambda rng: walk(rng, 12, 300.0),
    "cents above 9e9": lambda rng: walk(rng, 2, 3e10),
    "16 digits": lambda rng: rng.integers(10**15, 10**16, N) / 10.0**13,
    "16 digits of all sizes": lambda rng: rng.integers(10**15, 10**16, N) / 10.0 ** rng.integers(1, 22, N),
    "places of all kinds": lambda rng: np.where(rng.random(N) < 0.5, walk(rng, 2, 9.0), walk(rng, 9, 9.0)),
    "17 digits": lambda rng: rng.uniform(50, 200, N),
    "mix of cents and 17 digits": mix,
    "spikes among cents": lambda rng: spiked(walk(rng, 2, 50.0)),
    "spikes among 17 digits": lambda rng: spiked(rng.uniform(1, 100, N)),
    "1e-9 prices": lambda rng: rng.integers(1, 50, N) * 1e-9,
    "1e-9 prices, 17 digits": lambda rng: rng.uniform(1, 9, N) * 1e-9,
    "1e-15 prices": lambda rng: rng.integers(1, 50, N) / 1e15,
    "1e-15 prices, 17 digits": lambda rng: rng.uniform(1, 9, N) * 1e-15,
    "negative": lambda rng: np.round(rng.normal(-20, 50, N), 2),
    "flat": lambda rng: np.full(N, 37.1),
    "flat, 17 digits": lambda rng: np.full(N, 0.1 + 0.2),
    "zeros": lambda rng: np.where(rng.random(N) < 0.9, 0.0, -0.0),
    "float32": lambda rng: rng.uniform(1, 200, N).astype(np.float32).astype(np.float64),
    "volumes": lambda rng: np.rint(rng.uniform(1e6, 9e7, N)),
    "volumes of 2.9e13": lambda rng: np.rint(rng.uniform(1e8, 2.9e13, N)),
    "sums of volumes past 2**53": lambda rng: np.rint(rng.uniform(1e14, 1e15, N)),
    "volumes with 17 digits": lambda rng: rng.uniform(1e14, 1e15, N),
    "30 decades": lambda rng: 10 ** rng.uniform(-15, 15, N) * rng.choice([1, -1], N),
    "hostile": lambda rng: rng.choice([1e15, -1e15, 1e-15, -1e-15, 0.5, 0.0, 1 + 2**-52, 1.1 * 2**-29], N),
}


class Oracle:
    """The same functions by Fraction, one window at a time; prefix sums of Fractions are exact too."""

    def __init__(self, x: Sequence[float]) -> None:
        self.values = [printed(value) for value in x]
        self.prefix = list(accumulate(self.values, initial=Fraction(0)))
        self.squares = list(accumulate((value**2 for value in self.values), initial=Fraction(0)))

    def sum(self, lo: int, hi: int) -> float:
        return float(self.prefix[hi] - self.prefix[lo])

    def mean(self, lo: int, hi: int) -> float:
        return float((self.prefix[hi] - self.prefix[lo]) / (hi - lo))

    def weighted_mean(self, lo: int, hi: int) -> float:
        n = hi - lo
        return float(sum(k * value for k, value in enumerate(self.values[lo:hi], 1)) / (n * (n + 1) // 2))

    def variance(self, lo: int, hi: int, ddof: int) -> float:
        n = hi - lo
        if n <= ddof:
            return math.nan
        total = self.prefix[hi] - self.prefix[lo]
        return float((n * (self.squares[hi] - self.squares[lo]) - total**2) / (n * (n - ddof)))


def ranges(n: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    hi = np.arange(1, length + 1)
    return np.maximum(hi - n, 0), hi


def assert_bits(got: np.ndarray, wanted: Sequence[float]) -> None:
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, np.array(wanted))
    assert not np.signbit(got[got == 0]).any()


@pytest.mark.parametrize("name", SERIES)
def test_every_window_of_a_series(name: str) -> None:
    x = SERIES[name](np.random.default_rng(20))
    oracle = Oracle(x.tolist())
    for n in (1, 2, 7, 200, 300):
        lo, hi = ranges(n, N)
        windows = list(zip(lo.tolist(), hi.tolist(), strict=True))
        assert_bits(exact.sums(x, lo, hi), [oracle.sum(*window) for window in windows])
        assert_bits(exact.means(x, lo, hi), [oracle.mean(*window) for window in windows])
        for ddof in (0, 1):
            wanted = [oracle.variance(*window, ddof) for window in windows]
            assert_bits(exact.variances(x, lo, hi, ddof), wanted)
        assert_bits(exact.minima(x, lo, hi), [min(x[a:b]) + 0.0 for a, b in windows])
        assert_bits(exact.maxima(x, lo, hi), [max(x[a:b]) + 0.0 for a, b in windows])
        few = windows[::9]
        assert_bits(exact.weighted_means(x, lo[::9], hi[::9]), [oracle.weighted_mean(*window) for window in few])


NUMBERS = st.one_of(
    st.integers(-(10**8), 10**8).map(lambda q: q / 100),
    st.integers(-(10**11), 10**11).map(lambda q: q / 10**8),
    st.floats(1e-15, 1e15),
    st.floats(-1e15, -1e-15),
    st.sampled_from([0.0, -0.0, 1e15, -1e15, 1e-15, 2.0**-29 + 2.0**-81, -(2.0**-29), 9007199254.740991]),
)


@st.composite
def windows_of(draw: st.DrawFn) -> tuple[list[float], list[int], list[int]]:
    x = draw(st.lists(NUMBERS, min_size=1, max_size=40))
    ends = draw(st.lists(st.tuples(st.integers(0, len(x) - 1), st.integers(1, len(x))), max_size=12))
    lo, hi = sorted(low for low, _ in ends), sorted(high for _, high in ends)
    pairs = [(low, max(low + 1, high)) for low, high in zip(lo, hi, strict=True)]
    return x, [low for low, _ in pairs], [high for _, high in pairs]


@given(windows_of(), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_any_numbers_in_any_ranges(case: tuple[list[float], list[int], list[int]], ddof: int) -> None:
    numbers, lows, highs = case
    x, lo, hi = np.array(numbers), np.array(lows, np.int64), np.array(highs, np.int64)
    oracle = Oracle(numbers)
    windows = list(zip(lows, highs, strict=True))
    assert_bits(exact.sums(x, lo, hi), [oracle.sum(*window) for window in windows])
    assert_bits(exact.means(x, lo, hi), [oracle.mean(*window) for window in windows])
    assert_bits(exact.weighted_means(x, lo, hi), [oracle.weighted_mean(*window) for window in windows])
    assert_bits(exact.variances(x, lo, hi, ddof), [oracle.variance(*window, ddof) for window in windows])
    assert_bits(exact.minima(x, lo, hi), [min(numbers[a:b]) + 0.0 for a, b in windows])
    assert_bits(exact.maxima(x, lo, hi), [max(numbers[a:b]) + 0.0 for a, b in windows])


@given(st.lists(st.integers(2**52, 2**53 - 1), min_size=2, max_size=20), st.integers(-52, -40), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_ties_of_full_mantissas(mantissas: list[int], exponent: int, spread: int) -> None:
    # An even number of 53-bit integers: one mean in so many is half way between two floats.
    x = np.array([math.ldexp(m, exponent + k % (spread + 1)) for k, m in enumerate(mantissas)])
    oracle = Oracle(x.tolist())
    for n in (2, 4, 10, 20):
        lo, hi = ranges(n, len(x))
        windows = list(zip(lo.tolist(), hi.tolist(), strict=True))
        assert_bits(exact.means(x, lo, hi), [oracle.mean(*window) for window in windows])
        assert_bits(exact.sums(x, lo, hi), [oracle.sum(*window) for window in windows])


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [(0.0, 9007199254740992.0), (1e-15, 9007199254740994.0), (-1e-15, 9007199254740992.0)],
    ids=["tie", "above", "below"],
)
def test_what_is_far_below_a_tie_decides_it(rest: float, wanted: float) -> None:
    #  9007199254740993 is half way between 2**53 and the float above
    x = np.array([1e15] * 9 + [7199254740993.0, rest])
    assert exact.sums(x, np.array([0]), np.array([11])).tolist() == [wanted]


def test_a_million_bars() -> None:
    rng = np.random.default_rng(3)
    n, length = 1_000_000, 1_000_050
    x = np.where(rng.random(length) < 0.5, rng.uniform(1, 100, length), np.round(rng.uniform(1, 100, length), 2))
    x[500], x[700], x[999_999] = 1e15, 1e-15, -1e15
    scale = 10**31
    units = [int(Decimal(repr(value)).scaleb(31)) for value in x.tolist()]
    prefix, squares = list(accumulate(units, initial=0)), list(accumulate((u * u for u in units), initial=0))
    lo, hi = ranges(n, length)
    spots = np.array([0, 499, 500, 701, 999_998, 999_999, 1_000_020, 1_000_049])
    lo, hi = lo[spots], hi[spots]
    totals = [prefix[b] - prefix[a] for a, b in zip(lo.tolist(), hi.tolist(), strict=True)]
    assert exact.sums(x, lo, hi).tolist() == [total / scale for total in totals]
    counts = (hi - lo).tolist()
    assert exact.means(x, lo, hi).tolist() == [t / (scale * k) for t, k in zip(totals, counts, strict=True)]
    second = [squares[b] - squares[a] for a, b in zip(lo.tolist(), hi.tolist(), strict=True)]
    wanted = [(k * s - t * t) / (scale**2 * k**2) for k, s, t in zip(counts, second, totals, strict=True)]
    assert exact.variances(x, lo, hi, 0).tolist() == wanted
    assert exact.minima(x, lo, hi).tolist() == [x[a:b].min() for a, b in zip(lo, hi, strict=True)]


def test_sums_are_those_of_school() -> None:
    x = np.array([0.1, 0.2, 0.3, 1e12, -1e12, 0.7])
    assert exact.sums(x, np.array([0, 2]), np.array([2, 6])).tolist() == [0.3, 1.0]
    assert exact.means(x[:3], np.array([0]), np.array([3])).tolist() == [0.2]
    tokens = np.array([0.0000046248, 0.0000043500])
    assert exact.sums(tokens, np.array([0]), np.array([2])).tolist() == [0.0000089748]


def test_averages_that_are_equal_on_paper_are_equal_in_ten_places() -> None:
    #  (0.0000082192 + 0.0000040714 + 0.0000061453) / 3 = 0.0000061453
    closes = np.array([1e-8, 1e-8, 1e-8, 2e-8, 0.0000082192, 0.0000040714, 0.0000061453])
    assert exact.means(closes, np.array([4]), np.array([7])).tolist() == [0.0000061453]


def test_a_flat_price_is_its_mean_and_has_no_variance() -> None:
    for price in (37.1, 0.07, 0.1 + 0.2, 12345.678912345678, 1e-9, 123.45678912, 1.2345678901234567e-15, 1e15):
        x = np.full(400, price)
        for n in (7, 20, 21, 200):
            lo, hi = ranges(n, len(x))
            assert set(exact.means(x, lo, hi).tolist()) == {price}
            assert set(exact.weighted_means(x, lo, hi).tolist()) == {price}
            assert set(exact.variances(x, lo, hi, 0).tolist()) == {0.0}


def test_no_windows_and_no_values() -> None:
    none = np.empty(0, np.int64)
    for x in (np.empty(0), np.array([1.5, 0.1 + 0.2])):
        for function in (exact.sums, exact.means, exact.weighted_means, exact.minima, exact.maxima):
            assert function(x, none, none).shape == (0,)
        assert exact.variances(x, none, none, 1).shape == (0,)


def test_neighbours_in_the_call_change_no_bit() -> None:
    # Cents alone take one limb; the same cents with a spike and 17 digits take seven.
    rng = np.random.default_rng(4)
    cents = walk(rng, 2, 50.0)
    crowd = np.concatenate([cents, [1e15, 1e-15, 1 / 3, 1.23456789]])
    lo, hi = ranges(20, N)
    for function in (exact.sums, exact.means, exact.weighted_means):
        assert function(cents, lo, hi).tolist() == function(crowd, lo, hi).tolist()
    alone, crowded = exact.variances(cents, lo, hi, 1), exact.variances(crowd, lo, hi, 1)
    np.testing.assert_array_equal(alone, crowded)
