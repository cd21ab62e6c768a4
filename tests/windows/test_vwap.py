"""VWAP: exact, over bars, time and sessions; pandas'; and bars without volume."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import printed
from tests.windows.prices import prices, run, walk
from windrow.errors import UsageError, WindowSizeError
from windrow.windows import Options, parse_indicator, parse_window, window

HOUR = 3600 * 10**9
volumes = st.one_of(st.integers(0, 3).map(float), st.integers(0, 10**15).map(float), st.floats(1e-8, 1e8), st.just(0.0))


@settings(max_examples=100, deadline=None)
@given(values=prices, n=st.integers(1, 9), data=st.data())
def test_the_exact_mean_rounded_once(values, n, data):
    volume = data.draw(st.lists(volumes, min_size=len(values), max_size=len(values)))
    high, low = np.maximum(values, values[::-1]), np.minimum(values, values[::-1])
    bars = [[printed(value) for value in row] for row in zip(high, low, values, volume, strict=True)]
    for end, ours in enumerate(run(f"vwap:{n}", high, low, values, volume), 1):
        inside = bars[max(end - n, 0) : end]
        total = sum(row[3] for row in inside)
        if end < n or not total:
            assert np.isnan(ours)
        else:
            assert ours == float(sum(sum(row[:3]) * row[3] for row in inside) / (3 * total))


def test_as_pandas_over_bars():
    close = walk(14)
    volume = np.rint(np.random.default_rng(4).uniform(1e3, 1e6, len(close)))
    frame = pd.DataFrame({"money": close * volume, "volume": volume}).rolling(20).sum()
    ours = run("vwap:20", close + 0.5, close - 0.5, close, volume)
    np.testing.assert_allclose(ours, frame["money"] / frame["volume"], rtol=1e-12)


def test_a_session_is_a_day_of_utc_or_of_a_zone():
    #  UTC         22 23 | 0  1  2  3  4 | 5  6         5 o'clock is midnight in New York
    hours = np.arange(22, 31) + 24 * 20
    price, volume = np.arange(1.0, 10.0), np.ones(9)
    ours = run("vwap:session", price, price, price, volume, times=hours * HOUR)
    assert ours.tolist() == [1.0, 1.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]
    ours = run("vwap:session@America/New_York", price, price, price, volume, times=hours * HOUR)
    assert ours.tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 8.0, 8.5]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.sampled_from(["", "@UTC", "@Asia/Kolkata"]), st.data())
def test_sessions_do_not_depend_on_where_pushes_end(gaps, zone, data):
    hours = np.cumsum(gaps) * HOUR
    price, volume = np.round(np.sin(hours / HOUR) + 2, 2), np.arange(1.0, len(hours) + 1)
    kernel = parse_indicator(f"vwap:session{zone}").kernel(Options())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(hours)), max_size=5)))
    pieces = []
    for begin, end in pairwise([0, *cuts, len(hours)]):
        part = slice(begin, end)
        starts = np.zeros(int(begin == 0 < end), np.int64)
        pieces.append(kernel.push(hours[part], price[part], price[part], price[part], volume[part], starts))
        assert kernel.state_bars <= 25
    whole = run(f"vwap:session{zone}", price, price, price, volume, times=hours)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_sessions_are_windows_of_other_kinds_too():
    hours = np.arange(22, 28)
    assert run("max:session", [9.0, 8.0, 1.0, 3.0, 2.0, 2.0], times=hours * HOUR).tolist() == [9, 9, 1, 3, 3, 3]


def test_a_flat_price_stays_flat():
    price = np.full(50, 0.1)
    assert set(run("vwap:7", price, price, price, np.arange(1.0, 51.0)).tolist()[6:]) == {0.1}


def test_a_zone_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"'Mars' is not a time zone of the IANA database; use e\.g\. session@America"):
        parse_window("session@Mars")


def test_a_session_holds_at_most_a_million_bars(monkeypatch):
    monkeypatch.setattr(window, "MOST_BARS", 5)
    with pytest.raises(WindowSizeError, match=r"^window session: it holds 6 bars at 1970-01-01T"):
        run("vwap:session", *[np.ones(6)] * 4)
