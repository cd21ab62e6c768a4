"""Moving quantile: exact, numpy's and pandas', and what is refused."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk
from windrow.errors import UsageError
from windrow.windows import Options, parse_indicator


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), share=st.sampled_from(["0", "0.1", "0.25", "0.333333", "0.9", "1"]))
def test_it_is_on_the_line_between_two_values_rounded_once(values, n, share):
    for end, ours in enumerate(run(f"quantile:{n},{share}", values), 1):
        if end < n:
            assert np.isnan(ours)
            continue
        window = sorted(map(printed, values[end - n : end]))
        rank, rest = divmod((n - 1) * Fraction(share), 1)
        above = window[min(int(rank) + 1, n - 1)]
        assert ours == float(window[int(rank)] + rest * (above - window[int(rank)]))


@pytest.mark.parametrize("share", ["0.05", "0.5", "0.9"])
def test_as_numpy_and_pandas(share):
    x = walk(11)
    ours = run(f"quantile:30,{share}", x)
    np.testing.assert_allclose(ours, pd.Series(x).rolling(30).quantile(float(share)), rtol=1e-14)
    np.testing.assert_allclose(ours[-1], np.quantile(x[-30:], float(share)), rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "quantile:20,1.5",
            "indicator 'quantile:20,1.5': '1.5' is no SHARE, a number from 0 to 1; quantile is"
            " quantile:WINDOW,SHARE=0.5: use e.g. quantile:20,0.5",
        ),
        ("quantile:20,0.1234567", "quantile:20,0.1234567: a share has at most 6 decimals; round it"),
    ],
)
def test_shares_that_are_refused(text, message):
    with pytest.raises(UsageError) as refused:
        parse_indicator(text).kernel(Options())
    assert str(refused.value) == message
