"""Bars that wait in a mapper come out as they went in, to the last bit, however they are packed and cut into pieces."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sort_keys.checks import TIMES, bits
from windrow.bars.columns import Bars, Example
from windrow.mapreduce import held
from windrow.mapreduce.held import Held
from windrow.mapreduce.steps import _in_long_blocks

SECOND = 10**9
VALUES = [
    st.integers(-(10**7), 10**7).map(lambda cents: cents / 100),
    st.integers(-(2**33), 2**33).map(float),
    st.integers(-(10**9), 10**9).map(lambda digits: digits / 10**6),
    st.floats(-1e15, 1e15),
    st.sampled_from([2.0**31, 2.0**31 - 1, -(2.0**31), -0.0]),
    st.sampled_from([0.1 + 0.2, 5e-324, float("inf"), float("nan")]),
]
CLOCKS = [st.integers(0, 2**33).map(lambda second: second * SECOND), st.integers(0, 2**40), TIMES]


@st.composite
def chunk(draw):
    """Most have times and values of one kind, as the chunks of an input do."""
    time, value = (draw(st.sampled_from([*kinds, st.one_of(kinds)])) for kinds in (CLOCKS, VALUES))
    row = st.tuples(st.sampled_from("ABCDEFG"), time, value, st.booleans())
    return draw(st.lists(row, max_size=30))


def bars_of(rows):
    names = list(dict.fromkeys(row[0] for row in rows))
    return Bars(
        names,
        np.array([names.index(row[0]) for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int64),
        [np.array([row[2] for row in rows], np.float64), np.arange(len(rows)) / 4],
        np.array([row[3] for row in rows], bool),
    )


def series_of(chunks):
    """Each symbol's bars, in order."""
    series = defaultdict(list)
    for bars in chunks:
        rows = zip(bars.times.tolist(), map(bits, zip(*bars.values, strict=True)), bars.timed.tolist(), strict=True)
        for code, row in zip(bars.codes.tolist(), rows, strict=True):
            series[bars.symbols[code]].append(row)
    return dict(series)


@pytest.fixture(params=[0, 1 << 18], ids=["packed", "as they are"], autouse=True)
def unpacked(request, monkeypatch):
    monkeypatch.setattr(held, "_UNPACKED", request.param)
    monkeypatch.setattr(held, "_FEW_BARS", 7)
    return request.param


@pytest.mark.parametrize("piece", [1, 5, 1 << 16])
@pytest.mark.parametrize("room", [60, 26 << 20])
def test_bars_come_out_as_they_went_in(monkeypatch, piece, room):
    monkeypatch.setattr(held, "_PIECE_BARS", piece)
    monkeypatch.setattr(held, "_MOST_BYTES", room)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(chunk(), max_size=6))
    @example([[("A", -(2**63), 1.5, True), ("B", 2**63 - 1, 1.5, True)], [("B", 7, 1.5, True)]])
    def check(chunks):
        found = [bars for bars, _ in _in_long_blocks((bars_of(rows), "bars.csv") for rows in chunks)]
        assert series_of(found) == series_of(map(bars_of, chunks))

    check()


def test_chunks_come_out_as_soon_as_blocks_are_long_and_before_there_is_no_room(monkeypatch):
    one = [("A", second * SECOND, 1.25, True) for second in range(6)]
    many = [(symbol, 0, 1.25, True) for symbol in "ABCDEFGHIJ"]

    def flushes(*chunks):
        waiting, found = Held(), []
        for rows in chunks:
            waiting.add(bars_of(rows))
            if waiting.is_enough:
                found.append(sum(map(len, waiting.taken())))
        return [*found, sum(map(len, waiting.taken()))]

    assert flushes(one, one, one, one) == [12, 12, 0]
    assert flushes(many, many, many) == [30]
    monkeypatch.setattr(held, "_MOST_BYTES", 1)
    assert flushes(many, many, many) == ([30] if held._UNPACKED else [10, 10, 10, 0])


def test_pieces_have_all_bars_of_their_symbols(monkeypatch, unpacked):
    monkeypatch.setattr(held, "_PIECE_BARS", 10)
    waiting = Held()
    for minute in range(3):
        waiting.add(bars_of([(symbol, minute * 60 * SECOND, 1.25, True) for symbol in "GFEDCBA"]))
    pieces = [bars for bars in waiting.taken() if len(bars)]
    present = [{bars.symbols[code] for code in bars.codes.tolist()} for bars in pieces]
    assert sum(map(len, present)) == 7 and set().union(*present) == set("ABCDEFG")
    assert [len(bars) for bars in pieces] == ([21] if unpacked else [12, 9])


def test_what_else_is_known_of_chunks_comes_out_once():
    def feed():
        for number in range(3):
            bars = bars_of([("A", number, 1.25, True), ("B", number, 1.25, True)])
            bars.rejected, bars.headers, bars.unselected = Counter({"number": 1}), 1, 2
            bars.examples = {"number": Example("close 'x'")}
            yield bars, "bars.csv"

    found = list(_in_long_blocks(feed()))
    assert sum((bars.rejected for bars, _ in found), Counter()) == {"number": 3}
    assert sum(bars.headers for bars, _ in found) == 3 and sum(bars.unselected for bars, _ in found) == 6
    assert [bars.examples for bars, _ in found if bars.examples] == [{"number": Example("close 'x'")}]
    assert {source for _, source in found} == {"bars.csv"}


def test_bars_in_cents_and_seconds_take_half_the_memory():
    rows = [(symbol, minute * 60 * SECOND, minute / 100, True) for minute in range(500) for symbol in "GFEDCBA"]
    packed = held._packed(bars_of(rows))
    assert packed.nbytes == len(rows) * (2 + 4 + 4 + 4)


def test_more_symbols_than_16_bits_hold(monkeypatch):
    monkeypatch.setattr(held, "_PIECE_BARS", 40_000)
    names = [str(number) for number in range(70_000)]
    chance = np.random.default_rng(1)
    chunks = []
    for _ in range(2):
        codes = chance.permutation(70_000).astype(np.int32)
        chunks.append(Bars(names, codes, np.arange(70_000), [codes / 4.0], np.zeros(70_000, bool)))
    found = [bars for bars, _ in _in_long_blocks((bars, "bars.csv") for bars in chunks)]
    assert series_of(found) == series_of(chunks)


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_bars_keep_their_symbols_however_few_names_a_mapper_holds(monkeypatch, unpacked, most):
    monkeypatch.setattr(held, "_MOST_NAMES", most)
    monkeypatch.setattr(held, "_FEW_BARS", 2)
    chunks = [["B", "A"], ["A", "C", "C"], ["D"], ["A", "B", "E"], ["E"]]  # a name may be twice in a dictionary

    def feed():
        for symbols in chunks:
            many = len(symbols)
            rows = np.arange(many)
            yield Bars(symbols, rows.astype(np.int32), rows, [], np.zeros(many, bool)), "bars.csv"

    found = [[bars.symbols[code] for code in bars.codes] for bars, _ in _in_long_blocks(feed())]
    flat, expected = ([symbol for part in parts for symbol in part] for parts in (found, chunks))
    assert sorted(flat) == sorted(expected)
    if unpacked:
        assert flat == expected and len(found) == {1: 5, 3: 3, 1000: 2}[most]
