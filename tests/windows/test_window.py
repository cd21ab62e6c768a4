"""Windows and durations from text, and which bars they hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from windrow.errors import UsageError, WindowSizeError
from windrow.times import format_duration, parse_duration
from windrow.windows import CountWindow, TimeWindow, parse_window

HOUR = 3600 * 10**9


def test_units() -> None:
    assert parse_window("20") == CountWindow(20)
    assert parse_window("1000000") == CountWindow(1_000_000)
    spans = {"90s": HOUR // 40, "2min": HOUR // 30, "1h": HOUR, "30d": 720 * HOUR, "2w": 336 * HOUR}
    assert {text: parse_window(text) for text in spans} == {text: TimeWindow(span) for text, span in spans.items()}
    assert {text: parse_duration(text) for text in spans} == spans


@pytest.mark.parametrize("text", ["1s", "90s", "2min", "25h", "30d", "2w"])
def test_text_of_a_window_reads_back(text: str) -> None:
    assert parse_window(str(parse_window(text))) == parse_window(text)
    assert parse_duration(format_duration(parse_duration(text))) == parse_duration(text)
    assert (str(CountWindow(5)), str(TimeWindow(5)), format_duration(7 * 24 * HOUR)) == ("5", "5ns", "1w")


UNITS = "s, min, h, d, w"
RANGE = "above 0 and below 2^63 ns (292 years); use a span in that range"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"window '': a window is a number of bars, or of {UNITS}; use e.g. 20 or 30d"),
        ("-5", f"window '-5': a window is a number of bars, or of {UNITS}; use e.g. 20 or 30d"),
        ("1.5d", f"window '1.5d': a window is a number of bars, or of {UNITS}; use e.g. 20 or 30d"),
        ("٣", f"window '٣': a window is a number of bars, or of {UNITS}; use e.g. 20 or 30d"),
        ("0", "window 0: a window holds 1 to 1,000,000 bars; use a number in that range"),
        ("1000001", "window 1000001: a window holds 1 to 1,000,000 bars; use a number in that range"),
        ("5m", f"duration '5m': a duration is a whole number and a unit ({UNITS}); give one, e.g. 30d"),
        (
            "0d",
            "duration '0d': a duration is longer than 0 and shorter than 2^63 ns (292 years); give one in that range",
        ),
        (
            "293000d",
            "duration '293000d': a duration is longer than 0 and shorter than 2^63 ns (292 years);"
            " give one in that range",
        ),
    ],
)
def test_a_text_that_is_not_a_window(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_window(text)
    assert str(raised.value) == message


def test_a_number_of_bars_is_not_a_duration() -> None:
    with pytest.raises(UsageError, match=r"^duration '20': a duration is a whole number and a unit"):
        parse_duration("20")


@pytest.mark.parametrize("span", [0, -1, 2**63])
def test_a_span_out_of_range(span: int) -> None:
    with pytest.raises(UsageError) as raised:
        TimeWindow(span)
    assert str(raised.value) == f"window of {span} ns: a time window is {RANGE}"


def test_the_far_end_of_a_time_window_is_open() -> None:
    #  t   10 11 12 .. 14 .. .. 17    window of 3
    #       [-----]                   at 12: (9, 12]
    #             [---]               at 14: (11, 14], 11 is out
    #                        [-]      at 17: (14, 17], 14 is out
    times = np.array([10, 11, 12, 14, 17])
    assert TimeWindow(3).first_bars(times, np.zeros(5, np.int64)).tolist() == [0, 0, 0, 2, 4]


@given(
    st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=12, unique=True), max_size=6), st.data()
)
def test_first_bars_of_any_times(symbols: list[list[int]], data: st.DataObject) -> None:
    near = st.sampled_from([1, 2**20, 2**62, 2**63 - 1])
    span = data.draw(near | st.integers(1, 2**63 - 1))
    times = [time for symbol in symbols for time in sorted(symbol)]
    origin = [sum(map(len, symbols[:k])) for k, symbol in enumerate(symbols) for _ in symbol]
    wanted = [next(j for j in range(first, i + 1) if times[i] - times[j] < span) for i, first in enumerate(origin)]
    got = TimeWindow(span).first_bars(np.array(times, np.int64), np.array(origin, np.int64))
    assert got.tolist() == wanted


def test_a_time_window_of_too_many_bars() -> None:
    times, origin = np.arange(1_000_002), np.zeros(1_000_002, np.int64)
    assert TimeWindow(1_000_000).first_bars(times, origin)[-1] == 2
    with pytest.raises(WindowSizeError) as raised:
        TimeWindow(10 * 10**9).first_bars(times, origin)
    assert str(raised.value) == (
        "window 10s: it holds 1,000,002 bars at 1970-01-01T00:00:00.001000001Z: a window holds at most 1,000,000;"
        " use a shorter window, or sparser bars"
    )
