"""Slots: edges against Python's //, also before 1970."""

import json

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sort_keys.slots import Slots
from tests.sort_keys.checks import INT64

SERIES = st.dictionaries(
    st.sampled_from("ABCDE"),
    st.lists(st.integers(-40, 40) | INT64, min_size=1, max_size=20).map(sorted),
    max_size=5,
)
SPANS = st.sampled_from([1, 2, 7, 10**9, 86_400 * 10**9, 2**62, 2**63 - 1])


def edges(slots, series):
    times = [(symbol, time) for symbol, own in series.items() for time in own]
    slot = [(symbol, time // slots.dense.get(symbol, slots.span)) for symbol, time in times]
    return [i for i in range(1, len(times)) if slot[i] != slot[i - 1] and times[i][0] == times[i - 1][0]]


@settings(max_examples=300, deadline=None)
@given(SERIES, SPANS, st.dictionaries(st.sampled_from("ABX"), SPANS))
@example({"A": [-7, -6, -1, 0, 6, 7]}, 7, {})
@example({"A": [-2, -1], "B": [-3, -2, -1, 0]}, 7, {"B": 2})
def test_edges_are_where_floor_division_changes(series, span, dense):
    slots = Slots(span, dense)
    starts = np.cumsum([0, *map(len, series.values())])[:-1].astype(np.int64)
    times = np.array([time for own in series.values() for time in own], np.int64)
    assert slots.edges(list(series), starts, times).tolist() == edges(slots, series)


def test_json_gives_the_same_slots_back():
    slots = Slots(10**15, {"ES": 10**12, "a\t": 5})
    assert Slots(**json.loads(json.dumps(slots.to_json()))) == slots
