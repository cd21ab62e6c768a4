"""Lines of crosses: whose they are, and that times and values are written as all others."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys.merge import Stretch
from windrow.sinks.crosses import format_signals, is_cross, names_of, signal_lines
from windrow.sinks.lines import format_lines
from windrow.trading.signals import Found, Signals, parse_pairs

DAY = 86_400 * 10**9
PAIR = parse_pairs(["close"], ["sma:2"])


def stretch(symbols, starts, continued, first_day, prices):
    times = (first_day + np.arange(len(prices))) * DAY
    return Stretch(symbols, np.array(starts), continued, times, [np.array(prices, np.float64)])


def test_a_cross_at_the_first_bar_of_a_stretch_is_of_the_symbol_that_goes_on():
    #         A: up, up  |  down           B: up, down
    stretches = [
        stretch([b"A"], [0], False, 0, [1, 2, 3]),
        stretch([b"A", b"B"], [0, 1], True, 3, [1, 4, 5, 2]),
    ]
    assert list(signal_lines(Signals(PAIR), stretches, dated=True)) == [
        b"A\t1970-01-04\tdeath\t1.0\t1.0\t2.0\n",
        b"B\t1970-01-07\tdeath\t2.0\t2.0\t3.5\n",
    ]


def test_no_bars_and_no_crosses_give_no_lines():
    stretches = [stretch([b"A"], [0], False, 0, [1, 1]), stretch([b"A"], [0], True, 2, [1, 1])]
    assert list(signal_lines(Signals(PAIR), [], dated=True)) == []
    assert list(signal_lines(Signals(PAIR), stretches, dated=True)) == []


values = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(st.tuples(values, values, values, st.integers(0, 10**18)), min_size=1, max_size=5), st.booleans())
def test_times_and_values_are_written_as_those_of_any_line(rows, dated):
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    times, at = np.sort(columns.pop()), np.arange(len(rows))
    bars = Stretch([b"A%25"], np.zeros(1, np.int64), False, times // DAY * DAY if dated else times, [])
    plain = b"".join(format_lines(bars, at, columns, dated)).splitlines(keepends=True)
    found = Found(at, np.zeros_like(at), np.where(at % 2, 1, -1).astype(np.int8), *columns)
    for number, (line, usual) in enumerate(zip(format_signals(bars, found, PAIR, dated), plain, strict=True)):
        symbol, time, word, *numbers = line.split(b"\t")
        assert b"\t".join([symbol, time, *numbers]) == usual
        assert word == (b"golden" if number % 2 else b"death")


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        (b"A\t1970-01-01\tgolden\t1\t2\t3\n", True),
        (b"A\t1970-01-01\tdeath\t1\t2\t3\tclose/sma:2\n", True),
        (b"A\t1970-01-01\t1.5\t1\t2\t3\n", False),
        (b"golden\t1970-01-01\t\t1\t2\t3\n", False),
        (b"A\t1970-01-01\tgolden\n", False),
        (b"A\t1970-01-01\t\xff\t1\t2\t3\n", False),
        (b"", False),
    ],
)
def test_a_line_that_tells_of_a_cross(line, is_one):
    assert is_cross(line) is is_one


def test_names_of_fields():
    assert names_of(1) == ["signal", "price", "fast", "slow"]
    assert names_of(2) == names_of(20) == ["signal", "price", "fast", "slow", "pair"]
