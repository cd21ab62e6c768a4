"""TEMA: TA-Lib's, pandas', its emas', and a flat price."""

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.windows.prices import close_to, largest_so_far, prices, run, walk


@pytest.mark.parametrize("n", [2, 7, 20, 100])
@pytest.mark.parametrize("seed", range(4))
def test_as_ta_lib(n, seed):
    x = walk(seed)
    close_to(run(f"tema:{n}", x), talib.TEMA(x, n), largest_so_far(x))


@settings(max_examples=60, deadline=None)
@given(values=prices, n=st.integers(1, 9))
def test_from_the_first_bar_as_pandas(values, n):
    once = pd.Series(values).ewm(span=n, adjust=False).mean()
    twice = once.ewm(span=n, adjust=False).mean()
    thrice = twice.ewm(span=n, adjust=False).mean()
    wanted = (3 * once - 3 * twice + thrice).to_numpy()
    close_to(run(f"tema:{n}", values, ema_seed="first"), wanted, largest_so_far(values))


def test_a_flat_price_stays_flat():
    for price in (0.1, 36.6, 1 / 3):
        values = run("tema:5", np.full(40, price))
        assert set(values[~np.isnan(values)].tolist()) == {price}
