"""Averages of many windows side by side: the bits of each window's own kernel, whatever the pushes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import UsageError
from windrow.exact import sums as exact
from windrow.sweeps.averages import averages
from windrow.sweeps.grid import Axis, parse_axis
from windrow.windows import Options, kernels, parse_indicator

PRICES = {
    "cents": st.integers(100, 20_000).map(lambda cents: cents / 100),
    "digits": st.floats(1, 1000),
    "mixed": st.one_of(st.integers(-500, 500).map(lambda cents: cents / 100), st.floats(1e-3, 1e6), st.just(1e15)),
    "tokens": st.integers(1, 10**6).map(lambda q: q / 10**12) | st.floats(1e-9, 1e-6),
    "flat": st.just(0.1),
}


@pytest.mark.parametrize("axis", ["sma:{}", "ema:{}", "wma:{}", "max:{}"])
@pytest.mark.parametrize("prices", PRICES)
@pytest.mark.parametrize("seed", ["sma", "first"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_row_is_what_the_windows_own_kernel_gives(axis, prices, seed, data):
    values = np.array(data.draw(st.lists(PRICES[prices], min_size=1, max_size=60)))
    windows = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(sorted))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=4)))
    check(axis, values, windows, cuts, Options(ema_seed=seed))


def check(axis, values, windows, cuts, options):
    listed = ",".join(map(str, windows))
    times, lines = np.arange(len(values)), averages(parse_axis(axis.format(listed)), options)
    pieces = np.split(np.arange(len(values)), cuts)
    rows = np.concatenate([lines.push(times[piece], values[piece]) for piece in pieces], axis=1)
    for row, window in zip(rows, windows, strict=True):
        kernel = parse_indicator(axis.format(window)).kernel(options)
        np.testing.assert_array_equal(row, kernel.push(times, values, starts=np.array([0])))


def test_one_column_of_several_and_more_numbers():
    values = np.round(50 + np.sin(np.arange(90) / 7), 2)
    lines = averages(parse_axis("bollinger:5..9/2,2.5.lower"), Options())
    rows = np.concatenate([lines.push(np.arange(90)[cut], values[cut]) for cut in (slice(40), slice(40, 90))], axis=1)
    for row, window in zip(rows, (5, 7, 9), strict=True):
        kernel = parse_indicator(f"bollinger:{window},2.5").kernel(Options())
        np.testing.assert_array_equal(row, kernel.push(np.arange(90), values, np.array([0]))[2])


@pytest.mark.parametrize("kind", ["sma", "ema"])
def test_long_series_in_long_pushes(kind):
    """Longer than the bars that are taken at once, and a window longer than a push."""
    values = np.round(50 + np.sin(np.arange(5000) / 7), 2)
    check(f"{kind}:{{}}", values, [1, 20, 1024, 1025, 3000, 9000], [1, 1024, 1100, 4000], Options())


def test_values_that_need_several_limbs_are_exact_in_every_row():
    x = np.array([0.1, 1e15, -1e15, 1 / 3, 0.7, 1e-15])
    hi = np.arange(1, len(x) + 1)
    for row, bars in zip(exact.trailing_means(x, [1, 2, 5], begin=2), (1, 2, 5), strict=True):
        lo = hi - bars
        full = hi[(lo >= 0) & (hi > 2)]
        np.testing.assert_array_equal(row[~np.isnan(row)], exact.means(x, full - bars, full))


def test_what_a_kernel_refuses_is_refused():
    with pytest.raises(UsageError, match="wma:20000"):
        averages(Axis("wma", (5, 20_000)), Options())


def test_the_kinds_are_those_of_the_kernels():
    for kind, made in kernels().items():
        axis = parse_axis(".".join([f"{kind}:3", *made.outputs[:1]]))
        values = [np.arange(1.0, 5.0)] * len(axis.columns("close"))
        assert averages(axis, Options()).push(np.arange(4), *values).shape == (1, 4)
