"""Splits: where parts begin and end, on any pieces, in memory and on disk."""

import re
from fractions import Fraction
from itertools import pairwise
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sort_keys.merge import Piece
from windrow.errors import UsageError
from windrow.sweeps import splits
from windrow.sweeps.splits import Split, held_back, parse_split, split_at, split_by_share, walk_forward

DAY = 86_400 * 10**9


def pieces_of(times, cuts):
    """The bars at these times in pieces; a bar's values are its place."""
    places = np.split(np.arange(len(times)), sorted(cuts))
    return [Piece(times[at], [at / 4, -1.0 / (at + 1)]) for at in places]


def sections_of(split, pieces):
    """Places of the bars of each section."""
    return [[int(4 * value) for piece in section for value in piece.values[0]] for section in split.cut(pieces)]


@settings(max_examples=60, deadline=None)
@given(bars=st.integers(0, 90), sections=st.integers(1, 9), data=st.data())
def test_sections_are_the_bars_in_order_cut_at_floors(bars, sections, data):
    times, cuts = np.arange(bars) * DAY, data.draw(st.lists(st.integers(0, bars), max_size=4))
    ends = [floor(Fraction(number * bars, sections)) for number in range(sections + 1)]
    expected = [list(range(begin, end)) for begin, end in pairwise(ends)]
    assert sections_of(Split(sections), pieces_of(times, cuts)) == expected
    lengths = [len(section) for section in expected]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("share", "bars", "train"), [
    ("0.29", 100, 29),  # 0.29 * 100 is 28.999999999999996
    ("0.7", 10, 7), ("0.7", 364, 254), (".5", 3, 1), ("0.57", 100, 57), ("0.1", 9, 0), ("0.9", 1, 0), ("0.5", 0, 0),
    ("0.999999999999999999999999999999", 10**6, 10**6 - 1),
])  # fmt: skip
def test_a_share_is_the_decimal_that_is_written(share, bars, train):
    split = split_by_share(share)
    assert split.ends(bars) == [train, bars]
    if bars < 1000:
        expected = [list(range(train)), list(range(train, bars))]
        assert sections_of(split, pieces_of(np.arange(bars) * DAY, [2])) == expected


@pytest.mark.parametrize("share", ["0", "1", "0.0", "0.000", "1.0", "-0.5", "1.5", "7/10", "7e-1", "nan", "", "half"])
def test_a_text_that_is_not_a_share_is_refused(share):
    with pytest.raises(UsageError) as refused:
        parse_split(share=share)
    assert str(refused.value) == (
        f"--split {share}: the share of a series' bars to train on is a decimal above 0 and below 1; use e.g. 0.7"
    )


@settings(max_examples=60, deadline=None)
@given(days=st.lists(st.integers(0, 50), unique=True).map(sorted), at=st.integers(-1, 51), data=st.data())
def test_train_is_before_the_time_and_test_from_it_on(days, at, data):
    times, cuts = np.array(days, np.int64) * DAY, data.draw(st.lists(st.integers(0, len(days)), max_size=4))
    before = sum(day < at for day in days)
    expected = [list(range(before)), list(range(before, len(days)))]
    assert sections_of(Split(2, time=at * DAY), pieces_of(times, cuts)) == expected


def test_times_are_read_as_those_of_bars():
    assert split_at("1970-01-02").time == DAY
    assert split_at("1970-01-02T01:30").time == split_at("1970-01-02 00:30-01:00").time == DAY + 90 * 60 * 10**9
    assert split_at("1970-01-02T01:30", "America/New_York").time == DAY + (90 + 300) * 60 * 10**9
    with pytest.raises(UsageError) as refused:
        split_at("2020-13-01")
    assert str(refused.value) == (
        "--split-at 2020-13-01: does not parse as a time: the test begins at a date, or a date with a time of day; use"
        " e.g. 2024-01-31 or 2024-01-31T09:30"
    )


def test_one_way_to_split():
    with pytest.raises(
        UsageError, match=re.escape("--split 0.7 --walk-forward 3: a series is split one way; use one of them")
    ):
        parse_split(share="0.7", walks=3)
    assert parse_split() == Split() and parse_split(walks=2) == walk_forward(2)
    for walks in (0, -1):
        message = f"--walk-forward {walks}: it is the number of walks from train to test; use 1 or more"
        with pytest.raises(UsageError, match=message):
            parse_split(walks=walks)


#     |  0  |  1  |  2  |  3  |
#     |train 1|
#     |  train 2  |             one run, read three times
#     |     train 3     |
#           |test1|
#                 |test2|
#                       |test3|
def test_walk_forward_is_a_run_of_trains_and_a_run_each_test():
    runs = walk_forward(3).runs
    assert [(run.begins, run.reads) for run in runs] == [
        (0, {0: "train 1", 1: "train 2", 2: "train 3"}), (1, {1: "test 1"}), (2, {2: "test 2"}), (3, {3: "test 3"}),
    ]  # fmt: skip
    assert walk_forward(3).walks == [(f"train {number}", f"test {number}") for number in (1, 2, 3)]
    assert split_at("2020-01-01").walks == [("train", "test")] and Split().walks == [("all", None)]


@pytest.mark.parametrize("in_memory", [1, 7, 40, 1000])
def test_bars_that_are_held_back_on_disk_come_back_as_they_were(monkeypatch, in_memory):
    monkeypatch.setattr(splits, "_IN_MEMORY", in_memory)
    times = np.cumsum(np.arange(40) % 7 + 1) * DAY
    pieces = pieces_of(times, [3, 3, 20, 38])
    with held_back(iter(pieces)) as (bars, again):
        held = list(again)
    assert bars == 40
    assert np.concatenate([piece.times for piece in held]).tolist() == times.tolist()
    for column in (0, 1):
        back, values = (np.concatenate([piece.values[column] for piece in some]) for some in (held, pieces))
        assert back.view(np.int64).tolist() == values.view(np.int64).tolist()
    assert sections_of(split_by_share("0.7"), pieces) == [list(range(28)), list(range(28, 40))]


def test_only_splits_that_must_count_hold_bars_back(monkeypatch):
    """The others take a piece, and hand it on before they take the next."""
    taken = []

    def watched():
        for piece in pieces_of(np.arange(9) * DAY, [3, 6]):
            taken.append(int(piece.times[0] // DAY))
            yield piece

    for split in (Split(), Split(2, time=4 * DAY)):
        taken.clear()
        for section in split.cut(watched()):
            for piece in section:
                assert len(taken) <= int(piece.times[-1] // DAY) // 3 + 1
    taken.clear()
    next(next(split_by_share("0.5").cut(watched())))
    assert taken == [0, 3, 6]


#     |   0   |gap|   1   |gap|   2   |       embargo of 2
#     |train 1|   |test 1 ... |
#     |  train 2          |   |test 2 |
@pytest.mark.parametrize(("split", "bars", "trains", "tests"), [
    (parse_split(walks=2, embargo=2), 15, [range(3), range(8)], [range(5, 10), range(10, 15)]),
    (parse_split(walks=2, embargo=2, rolling=True), 15, [range(3), range(5, 8)], [range(5, 10), range(10, 15)]),
    (parse_split(walks=2, rolling=True), 15, [range(5), range(5, 10)], [range(5, 10), range(10, 15)]),
    (parse_split(walks=2, embargo=7), 15, [range(0), range(3)], [range(5, 10), range(10, 15)]),  # before test 1 begins
    (parse_split(walks=2, embargo=7, rolling=True), 15, [range(0), range(0)], [range(5, 10), range(10, 15)]),
    (parse_split(walks=2, embargo=99), 15, [range(0), range(0)], [range(5, 10), range(10, 15)]),
    (parse_split(walks=3, embargo=1), 2, [range(0), range(0), range(0)], [range(1), range(0), range(1, 2)]),
    (parse_split(share="0.7", embargo=3), 10, [range(4)], [range(7, 10)]),
    (Split(2, time=7 * DAY, embargo=3), 10, [range(4)], [range(7, 10)]),
])  # fmt: skip
def test_an_embargo_ends_trains_before_their_tests(split, bars, trains, tests):
    found, running = {}, {}
    pieces = pieces_of(np.arange(bars) * DAY, [2, 9][: bars // 9 * 2])
    for number, (runs, section) in enumerate(split.planned(pieces)):
        running |= {run.begins: (run, []) for run in runs if run.begins == number}
        here = [int(4 * value) for piece in section for value in piece.values[0]]
        for run, taken in running.values():
            taken += here
            found |= {name: list(taken) for name in run.names(number)}
        running = {begins: one for begins, one in running.items() if one[0].ends > number}
    assert not running
    for walk, train, test in zip(split.walks, trains, tests, strict=True):
        assert (found[walk.train], found[walk.test]) == (list(train), list(test)), walk


def test_what_has_no_train_and_test_has_no_embargo():
    message = "--embargo 5: is between train and test, but all bars are one part; add --split, --split-at or"
    with pytest.raises(UsageError, match=message):
        parse_split(embargo=5)
    with pytest.raises(UsageError, match="--embargo -1: it is a number of bars between train and test; use 0 or more"):
        parse_split(walks=2, embargo=-1)
    message = "--rolling: is of walks from train to test; add --walk-forward N, or leave it out"
    with pytest.raises(UsageError, match=message):
        parse_split(share="0.7", rolling=True)
    assert parse_split(walks=2, embargo=0) == walk_forward(2)
