"""Grids: what a text stands for, which pairs there are, and what is refused in which words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import UsageError
from windrow.sweeps.grid import Axis, parse_axis, parse_grid

AXES = {
    "ema:5..10": (5, 6, 7, 8, 9, 10),
    "sma:10..100/30": (10, 40, 70, 100),
    "sma:10..99/30": (10, 40, 70),
    "ema:5,8,13": (5, 8, 13),
    "wma:13,5,8,5": (5, 8, 13),
    "max:1..3,2..5/2,9": (1, 2, 3, 4, 9),
    "sma:7..7": (7,),
    "sma:1000000": (1_000_000,),
}


@pytest.mark.parametrize("text", AXES)
def test_windows_are_numbers_ranges_steps_and_lists(text):
    assert parse_axis(text) == Axis(text.partition(":")[0], AXES[text])


HOW = "KIND:WINDOWS, windows being bars as 7, 5..10, 10..100/5 for each fifth, or a list of these as 5,8,10..20"
WRONG = {
    "foo:3": f"'foo:3': KIND is one of ema, max, min, sma, std, sum, wma; give {HOW}",
    "20": f"'20': KIND is one of ema, max, min, sma, std, sum, wma; give {HOW}",
    "sma:": f"'sma:': '' is no number of bars and no range of such; give {HOW}",
    "sma:5,,6": f"'sma:5,,6': '' is no number of bars and no range of such; give {HOW}",
    "sma:5..": f"'sma:5..': '5..' is no number of bars and no range of such; give {HOW}",
    "sma:30d": f"'sma:30d': '30d' is no number of bars and no range of such; give {HOW}",
    "sma:5/2": f"'sma:5/2': '5/2' is no number of bars and no range of such; give {HOW}",
    "sma:²": f"'sma:²': '²' is no number of bars and no range of such; give {HOW}",
    "sma:10..5": "'sma:10..5': the range 10..5 goes down; give its smaller end first, 5..10",
    "sma:5..10/0": "'sma:5..10/0': the range 5..10/0 has a step of 0; give one of 1 bar or more",
    "sma:0..10": "'sma:0..10': 0..10 is outside of 1 to 1,000,000 bars; give windows in that range",
    "sma:1000001": "'sma:1000001': 1000001 is outside of 1 to 1,000,000 bars; give windows in that range",
    "wma:5..20000": "wma:20000",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_axis_is_refused(text):
    with pytest.raises(UsageError, match=f"^--slow {re.escape(WRONG[text])}"):
        parse_grid("sma:5", text)
    with pytest.raises(UsageError, match=f"^--fast {re.escape(WRONG[text])}"):
        parse_grid(text, "sma:5")


def test_pairs_without_a_shorter_fast_window_are_left_out():
    assert parse_grid("ema:5..7", "sma:6,7").pairs() == [(5, 6), (5, 7), (6, 7)]
    everything = parse_grid("ema:5..7", "sma:6,7", any_order=True).pairs()
    assert everything == [(fast, slow) for fast in (5, 6, 7) for slow in (6, 7)]


@pytest.mark.parametrize(("fast", "slow", "told"), [
    ("sma:20..30", "ema:5..20", "--fast sma:20..30 --slow ema:5..20"),
    ("sma:20", "sma:20", "--fast sma:20 --slow sma:20"),
    ("sma:20,30", "sma:5,10,20", "--fast sma:20,30 --slow sma:5..20"),
])  # fmt: skip
def test_a_grid_without_a_pair_is_refused(fast, slow, told):
    with pytest.raises(UsageError) as refused:
        parse_grid(fast, slow)
    assert str(refused.value) == (
        f"{told}: no pair is left, for a fast window is shorter than the slow one; exchange the two, or keep such"
        " pairs by --any-order"
    )


@settings(max_examples=50, deadline=None)
@given(fast=st.lists(st.integers(1, 60), min_size=1), slow=st.lists(st.integers(1, 60), min_size=1))
def test_pairs_are_ascending_and_each_once(fast, slow):
    texts = [f"sma:{','.join(map(str, windows))}" for windows in (fast, slow)]
    pairs = parse_grid(*texts, any_order=True).pairs()
    assert pairs == sorted({(one, other) for one in fast for other in slow})
