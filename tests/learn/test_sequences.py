"""Sequences against loops over rows, with and without sessions, in pieces; splits that leak nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import InputError
from windrow.learn.sequences import Distances, Neighbours, Sequences, random_split, split, starts
from windrow.sessions import Exchange, Hours
from windrow.times import DAY, SECOND

MINUTE = 60 * SECOND


def days(*texts):
    return np.array(texts, "datetime64[ns]").astype(np.int64)


def usual(times):
    distances = Distances()
    distances.add(times)
    return distances.usual


@given(
    steps=st.lists(st.sampled_from([1, 1, 1, 1, 2, 9]), min_size=1, max_size=60),
    length=st.integers(1, 7),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
@settings(max_examples=120, deadline=None)
def test_sequences_are_those_of_a_loop_whatever_the_pieces(steps, length, cuts):
    times = np.cumsum([0, *steps]) * MINUTE
    values = [np.arange(len(times), dtype=float), -np.arange(len(times), dtype=float)]
    near = np.diff(times) <= MINUTE
    expected = [i for i in range(len(times) - length) if near[i : i + length].all()]
    neighbours = Neighbours(MINUTE)
    assert starts(times, length, neighbours).tolist() == expected
    one, found = Sequences(length, neighbours), []
    cuts = sorted(cut % (len(times) + 1) for cut in cuts)
    for part in zip(np.split(times, cuts), *(np.split(value, cuts) for value in values), strict=True):
        found.append(one.push(part[0], part[1:]))
    begins = np.concatenate([windows.first for windows in found])
    assert begins.tolist() == expected
    inputs, targets = (np.concatenate([getattr(one, name) for one in found]) for name in ("inputs", "targets"))
    rows = begins[:, None] + np.arange(length)
    assert np.array_equal(inputs, np.stack([rows, -rows], axis=2))
    assert np.array_equal(targets, np.stack([begins + length, -begins - length], axis=1))
    assert np.array_equal(np.concatenate([windows.times for windows in found]), times[begins + length])


def test_the_usual_distance_is_the_most_frequent_and_the_least_of_several():
    assert usual(np.array([0])) == 0
    assert usual(np.array([0, 5, 10, 12, 14])) == 2
    assert usual(np.array([0, 5, 10, 12, 17])) == 5


def test_days_over_weekends_and_holidays_are_no_gap_and_a_week_is_one():
    times = days("2024-03-27", "2024-03-28", "2024-04-01", "2024-04-02", "2024-04-09", "2024-04-17")
    assert Neighbours(usual(times)).follows(times).tolist() == [False, True, True, True, True, False]


def test_with_a_calendar_a_session_without_a_bar_is_a_gap():
    times = days("2024-03-28", "2024-04-01", "2024-04-03", "2024-04-04", "2024-04-06", "2024-04-08")
    neighbours = Neighbours(DAY, trading=Exchange("XNYS"))
    assert neighbours.follows(times).tolist() == [False, True, False, True, False, False]
    assert neighbours.follows(times[1:2], int(times[0])).tolist() == [True]
    longer = Neighbours(DAY, gap=4 * DAY, trading=Exchange("XNYS"))
    assert longer.follows(times).tolist() == [False, True, True, True, False, False]


def test_weeks_and_months_have_neighbours():
    for step in ("W", "M"):
        dates = np.arange(np.datetime64("2020-01", "M"), np.datetime64("2022-01", "M"), np.timedelta64(1, step))
        times = dates.astype("datetime64[ns]").astype(np.int64)
        assert Neighbours(usual(times)).follows(times)[1:].all()
        assert Neighbours(usual(times), trading=Exchange("XNYS")).follows(times)[1:].all()
        missing = np.delete(times, 5)
        assert Neighbours(usual(times)).follows(missing).sum() == len(missing) - 2


def test_minutes_end_at_nights_and_with_sessions_at_the_close():
    hours = Hours("09:30-16:00", "America/New_York")
    session = hours.between(*days("2025-03-07", "2025-03-10"))
    opens = session.opens[2:4]  # a change of clocks between them
    before = opens[0] + np.arange(-2, 390) * MINUTE
    after = opens[0] + np.arange(390, 392) * MINUTE
    times = np.concatenate([before, after, opens[1] + np.arange(3) * MINUTE])
    plain = Neighbours(MINUTE).follows(times)
    assert np.flatnonzero(~plain).tolist() == [0, 394]
    within = Neighbours(MINUTE, trading=hours).follows(times)
    assert np.flatnonzero(~within).tolist() == [0, 1, 2, 392, 393, 394]
    assert Neighbours(MINUTE, trading=hours, across=True).follows(times).sum() == len(times) - 1


def test_a_missing_minute_is_a_gap_unless_a_longer_one_is_allowed():
    times = np.array([0, 1, 2, 4, 5]) * MINUTE
    assert starts(times, 2, Neighbours(MINUTE)).tolist() == [0]
    assert starts(times, 2, Neighbours(MINUTE, gap=2 * MINUTE)).tolist() == [0, 1, 2]


def test_bars_centuries_apart_are_no_neighbours():
    times = days("1680-01-01", "2250-01-01")
    assert not Neighbours(DAY).follows(times).any()


def test_times_without_a_usual_distance_are_refused():
    with pytest.raises(InputError, match=r"over 16,384 different distances, .* --gap"):
        Distances().add(np.cumsum(np.arange(1, 20_000)))


@given(bars=st.integers(2, 200), length=st.integers(1, 20), share=st.sampled_from([0.5, 0.8, 0.29]))
def test_no_bar_of_training_is_in_the_test_and_all_of_the_test_is_later(bars, length, share):
    begins = starts(np.arange(bars) * MINUTE, length, Neighbours(MINUTE))
    train, test = split(begins, length, bars, share)
    rows = {row for begin in train.tolist() for row in range(begin, begin + length + 1)}
    assert all(row not in rows for begin in test.tolist() for row in range(begin, begin + length + 1))
    cut = int(round(share * 100) * bars // 100)
    assert len(train) == max(0, cut - length)
    assert len(test) == max(0, bars - cut - length)


def test_a_random_split_leaks_and_does_not_depend_on_what_else_is_split():
    begins = np.arange(5000)
    train, test = random_split(begins, 0.8, seed=3)
    assert np.array_equal(np.sort(np.concatenate([train, test])), begins)
    assert abs(len(train) / 5000 - 0.8) < 0.02
    assert np.isin(test + 1, train).mean() > 0.75
    alone = [len(random_split(begins[i : i + 1], 0.8, seed=3).train) for i in range(100)]
    assert np.flatnonzero(alone).tolist() == train[train < 100].tolist()
    assert not np.array_equal(train[:50], random_split(begins, 0.8, seed=4).train[:50])
