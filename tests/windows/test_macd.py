"""MACD: its emas' own values, TA-Lib's by its parts, pandas', and what is refused."""

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings

from tests.windows.prices import close_to, largest_so_far, prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


@settings(max_examples=60, deadline=None)
@given(values=prices)
def test_it_is_the_difference_of_its_emas_to_the_bit(values):
    for seed in ("sma", "first"):
        macd, signal, histogram = run("macd:3,7,4", values, ema_seed=seed)
        apart = run("ema:3", values, ema_seed=seed) - run("ema:7", values, ema_seed=seed)
        np.testing.assert_array_equal(macd, apart)
        np.testing.assert_array_equal(histogram, macd - signal)


@pytest.mark.parametrize("seed", range(5))
def test_as_ta_libs_emas(seed):
    x = walk(seed)
    macd, signal, _ = run("macd:12,26,9", x)
    wanted = talib.EMA(x, 12) - talib.EMA(x, 26)
    close_to(macd, wanted, largest_so_far(x))
    close_to(signal[25:], talib.EMA(wanted[25:], 9), x.max())
    assert np.isnan(macd).sum() == 25 and np.isnan(signal).sum() == 33


def test_ta_libs_own_differs_by_its_seed_until_that_is_forgotten():
    x = walk(3, 1000)
    ours, theirs = run("macd:12,26,9", x), np.array(talib.MACD(x, 12, 26, 9))
    assert np.abs(ours - theirs)[:, 33:60].max() > 1e-3
    np.testing.assert_allclose(ours[:, 500:], theirs[:, 500:], rtol=0, atol=1e-12 * x.max())


def test_from_the_first_bar_as_pandas():
    x = walk(4)
    fast, slow = (pd.Series(x).ewm(span=n, adjust=False).mean() for n in (12, 26))
    signal = (fast - slow).ewm(span=9, adjust=False).mean()
    wanted = np.array([fast - slow, signal, fast - slow - signal])
    close_to(run("macd:12,26,9", x, ema_seed="first"), wanted, largest_so_far(x))


def test_its_texts():
    assert parse_indicator("macd:12") == parse_indicator("macd:12,26") == parse_indicator("macd:12,26,9")
    assert str(parse_indicator("macd:12,26,9.signal")) == "macd:12,26,9.signal"


@pytest.mark.parametrize("text", ["macd:26,12,9", "macd:12,12,9"])
def test_a_fast_ema_is_shorter(text):
    with pytest.raises(
        UsageError, match=r"is not shorter than the slow one, 12; write the shorter one first, e\.g\. macd"
    ):
        parse_indicator(text).kernel(Options())
