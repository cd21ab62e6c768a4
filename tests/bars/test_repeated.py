"""Symbols that an earlier chunk had are the same texts, and every row has its own, in whatever order they come."""

from itertools import chain

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windrow.bars import repeated
from windrow.bars.columns import Layout
from windrow.bars.text import parse_lines

LAYOUT = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",))
ROUND = ["A", "BB", "é", "B", "A.B"]
#: Pieces of some length of a round that goes on, and others.
PIECES = st.one_of(
    st.tuples(st.integers(0, 4), st.integers(1, 12)).map(lambda cut: (ROUND * 4)[cut[0] : sum(cut)]),
    st.lists(st.sampled_from([*ROUND, "AB", "BA", "b", "éé", " A", "A "]), min_size=1, max_size=3),
)
CHUNKS = st.lists(st.lists(PIECES, min_size=1, max_size=3).map(lambda pieces: [*chain(*pieces)]), max_size=6)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(repeated._Kept, "chunk", None)
    monkeypatch.setattr(repeated, "_MANY", 2)


def parsed(written):
    return parse_lines(b"".join(b"%b,2008-03-05,1\n" % symbol.encode() for symbol in written), LAYOUT)


@pytest.mark.parametrize("long", [0, 3, 1000])
def test_every_row_has_its_symbol(monkeypatch, long):
    monkeypatch.setattr(repeated, "_LONG", long)

    @settings(max_examples=150, deadline=None)
    @given(CHUNKS)
    @example([["A", "BB", "B"], ["A", "BB", "BB"], ["A", "B", "B", "B"], ["AB", "BB", "B"], ["B", "A", "BB"]])
    @example([["A", "BB", "B"], [""], ["A", ""]])
    def check(chunks):
        repeated._Kept.chunk = None
        for written in chunks:
            bars = parsed(written)
            assert [bars.symbols[code] for code in bars.codes] == [text.strip() for text in written if text]
            assert sorted(bars.symbols) == sorted({text.strip() for text in written if text})

    check()


def test_the_same_symbols_are_the_same_list():
    first, *others = (parsed(written).symbols for written in (ROUND, ROUND[2:] + ROUND * 3, ROUND[::-1]))
    assert all(other is first for other in others)
    fewer, again, more = parsed(ROUND[1:]).symbols, parsed(ROUND[1:] * 2).symbols, parsed([*ROUND, "C"]).symbols
    assert fewer is not first and again is fewer and more is not fewer
    assert parsed(["A", "B"]).symbols is not parsed(["A", "B"]).symbols  # few


def test_rows_that_stand_as_earlier_ones_are_not_looked_up_one_by_one(monkeypatch):
    monkeypatch.setattr(repeated, "_LONG", 20)
    parsed(ROUND * 9)
    found, usual = [], repeated._Chunk.of
    monkeypatch.setattr(repeated._Chunk, "of", lambda *its: found.append(usual(*its)) or found[-1])
    for written in (ROUND * 5, ROUND[3:] + ROUND * 20, ROUND[::-1] * 9):
        parsed(written)
    assert [codes is not None for codes in found] == [True, True, False]


def test_symbols_that_are_no_text_are_found_as_ever():
    parsed(ROUND)
    bars = parse_lines(b"A,2008-03-05,1\n\xff,2008-03-05,1\nBB,2008-03-05,1\n", LAYOUT)
    assert dict(bars.rejected) == {"utf8": 1} and sorted(bars.symbols) == ["A", "BB"]
