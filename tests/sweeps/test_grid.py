"""Grids: the meaning of texts, the pairs, and the errors."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import UsageError
from windrow.sweeps.grid import Axis, parse_axis, parse_grid
from windrow.windows import kernels

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


FORM = "KIND:WINDOWS, WINDOWS in bars, e.g. 7, 5..10, 10..100/5 (every fifth), or a list such as 5,8,10..20"
KINDS = ", ".join(kernels())
WRONG = {
    "foo:3": f"'foo:3': KIND is one of {KINDS}; use {FORM}",
    "20": f"'20': KIND is one of {KINDS}; use sma:20, of the form {FORM}",
    "ema5..20/5": f"'ema5..20/5': KIND is one of {KINDS}; use ema:5..20/5, of the form {FORM}",
    "sma:": f"'sma:': '' is not a number of bars or a range of numbers; use {FORM}",
    "sma:5,,6": f"'sma:5,,6': '' is not a number of bars or a range of numbers; use {FORM}",
    "sma:5..": f"'sma:5..': '5..' is not a number of bars or a range of numbers; use {FORM}",
    "sma:30d": f"'sma:30d': '30d' is not a number of bars or a range of numbers; use {FORM}",
    "sma:5/2": f"'sma:5/2': '5/2' is not a number of bars or a range of numbers; use {FORM}",
    "sma:²": f"'sma:²': '²' is not a number of bars or a range of numbers; use {FORM}",
    "sma:10..5": "'sma:10..5': the range 10..5 goes down; write its smaller end first, 5..10",
    "sma:5..10/0": "'sma:5..10/0': the range 5..10/0 has a step of 0; use a step of 1 bar or more",
    "sma:0..10": "'sma:0..10': 0..10 is not within 1 to 1,000,000 bars; use windows in that range",
    "sma:1000001": "'sma:1000001': 1000001 is not within 1 to 1,000,000 bars; use windows in that range",
    "wma:5..20000": "wma:20000",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_text_that_is_not_an_axis_is_refused(text):
    with pytest.raises(UsageError, match=f"^--slow {re.escape(WRONG[text])}"):
        parse_grid("sma:5", text)
    with pytest.raises(UsageError, match=f"^--fast {re.escape(WRONG[text])}"):
        parse_grid(text, "sma:5")


def test_pairs_without_a_shorter_fast_window_are_left_out():
    assert parse_grid("ema:5..7", "sma:6,7").pairs() == [(5, 6), (5, 7), (6, 7)]
    everything = parse_grid("ema:5..7", "sma:6,7", any_order=True).pairs()
    assert everything == [(fast, slow) for fast in (5, 6, 7) for slow in (6, 7)]


@pytest.mark.parametrize(("fast", "slow", "options"), [
    ("sma:20..30", "ema:5..20", "--fast sma:20..30 --slow ema:5..20"),
    ("sma:20", "sma:20", "--fast sma:20 --slow sma:20"),
    ("sma:20,30", "sma:5,10,20", "--fast sma:20,30 --slow sma:5..20"),
])  # fmt: skip
def test_a_grid_without_a_pair_is_refused(fast, slow, options):
    with pytest.raises(UsageError) as refused:
        parse_grid(fast, slow)
    assert str(refused.value) == (
        f"{options}: no pair is left: the fast window is shorter than the slow one; exchange the two, or keep such"
        " pairs with --any-order"
    )


@settings(max_examples=50, deadline=None)
@given(fast=st.lists(st.integers(1, 60), min_size=1), slow=st.lists(st.integers(1, 60), min_size=1))
def test_pairs_are_ascending_and_each_once(fast, slow):
    texts = [f"sma:{','.join(map(str, windows))}" for windows in (fast, slow)]
    pairs = parse_grid(*texts, any_order=True).pairs()
    assert pairs == sorted({(one, other) for one in fast for other in slow})
