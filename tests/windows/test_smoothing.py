"""What recursive kernels are made of: the same bits in long series, which run in pieces, as bar by bar; states."""

import numpy as np
import pytest

from tests.windows.prices import walk
from windrow.errors import StateError
from windrow.windows import Options, parse_indicator
from windrow.windows.smoothing import Smoothed

KINDS = ["rsi:14", "rsi:2", "atr:20", "dema:30", "tema:5", "macd:12,26,9", "kama:10,2,30", "halflife:50"]


@pytest.mark.parametrize("text", KINDS)
def test_long_series_give_the_bits_of_short_pushes(text):
    bars = 60_000
    x = walk(20, bars)
    x[10_000:14_000] = x[10_000]  # stands still: averages end at different floats
    columns = [{"high": x + 0.25, "low": x - 0.25, "close": x}[name] for name in parse_indicator(text).columns("close")]
    times, kernel = np.arange(bars), parse_indicator(text).kernel(Options())
    whole = kernel.push(times, *columns, starts=np.array([0]))
    kernel, pieces = parse_indicator(text).kernel(Options()), []
    for begin in range(0, bars, 700):
        part = slice(begin, begin + 700)
        starts = np.array([0][begin:], np.int64)
        pieces.append(kernel.push(times[part], *(column[part] for column in columns), starts=starts))
    np.testing.assert_array_equal(np.concatenate(pieces, axis=-1), whole)


def test_it_is_the_recursion():
    values = np.concatenate([[np.nan, np.nan], walk(21, 50)])
    ours, average = Smoothed(0.1, 5).push(values, np.array([0])), None
    for at in range(len(values)):
        if at == 6:
            average = sum(values[2:7].tolist()) / 5
        elif at > 6:
            average += 0.1 * (values[at] - average)
        assert np.isnan(ours[at]) if average is None else abs(ours[at] - average) <= 1e-13 * 50


def test_of_one_bar_it_is_the_value_to_the_bit():
    values = np.array([1e15, 1e-15, 0.0, 7.0])
    assert Smoothed(1.0, 1).push(values, np.array([0])).tolist() == values.tolist()


def test_states_that_cannot_be_are_refused():
    one = Smoothed(0.5, 3)
    one.push(np.array([1.0, 2.0]), np.array([0]))
    state = one.state()
    more = Smoothed(0.5, 9)
    more.push(np.arange(5.0), np.array([0]))
    for carried, says in (
        ({**state["carried"], "_average": "0x1p+0"}, "_unseeded has 2 values, with which there is an average"),
        ({**more.state()["carried"]}, "_unseeded has 5 values, with which there is an average"),
    ):
        with pytest.raises(StateError, match=says):
            Smoothed(0.5, 3).restore({**state, "carried": carried})
