"""Lines, trends and crosses, against a loop over bars in plain Python."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windrow.errors import UsageError
from windrow.trading.signals import NOT_FULL, Crosses, Price, parse_line, trend
from windrow.windows import Options, kernels, parse_indicator

MARKS = {"+": 1, "0": 0, "-": -1, ".": NOT_FULL}
NO_START = np.empty(0, np.int64)


def crosses_of(marks, starts=(0,), cuts=()):
    """Crosses as (position, sign), bars pushed in pieces that end at the cuts."""
    signs = np.array([MARKS[mark] for mark in marks], np.int8)
    starts, crosses, found = np.array(starts, np.int64), Crosses(), []
    bounds = [0, *sorted(cuts), len(marks)]
    for begin, end in pairwise(bounds):
        here = starts[(starts >= begin) & (starts < end)] - begin
        positions, kinds = crosses.push(signs[begin:end], here)
        found += zip((positions + begin).tolist(), kinds.tolist(), strict=True)
    return found


def plain_crosses(marks, starts):
    """DESIGN's rule, bar by bar: the sign against the last one that was not zero, once both lines are full."""
    found, last = [], None
    for at, mark in enumerate(marks):
        if at in starts or mark == ".":
            last = None
        if mark in "+-":
            if last is not None and mark != last:
                found.append((at, MARKS[mark]))
            last = mark
    return found


@pytest.mark.parametrize(
    ("marks", "crosses"),
    [
        # each mark is the sign of fast - slow at a bar; a dot: not full
        ("", []),
        ("...", []),
        ("..+++", []),  # the first sign is a state
        ("..+-", [(3, -1)]),
        ("..-+", [(3, 1)]),
        (".+0+", []),  # touching is not crossing
        (".-0-", []),
        (".+0-", [(3, -1)]),  # one death, at the first bar below
        (".+000-0-", [(5, -1)]),
        (".00+", []),  # zeros since the beginning have no sign
        (".00+-", [(4, -1)]),
        ("0000", []),
        (".+-+-", [(2, -1), (3, 1), (4, -1)]),
        (".+.-", []),  # not full at the bar before
    ],
)
def test_touching_is_not_crossing(marks, crosses):
    assert crosses_of(marks) == crosses == plain_crosses(marks, {0})


@settings(deadline=None)
@given(st.data())
def test_any_cut_of_pushes_gives_the_crosses_of_a_plain_loop(data):
    marks = data.draw(st.text("++0--.", max_size=60))
    places = st.lists(st.integers(0, max(0, len(marks) - 1)), unique=True).map(sorted)
    starts, cuts = data.draw(places) if marks else [], data.draw(places)
    assert crosses_of(marks, starts, cuts) == plain_crosses(marks, set(starts))


def test_an_empty_push_changes_nothing():
    crosses = Crosses()
    crosses.push(np.array([1], np.int8), np.array([0]))
    assert crosses.push(np.empty(0, np.int8), NO_START)[0].tolist() == []
    assert crosses.push(np.array([-1], np.int8), NO_START)[0].tolist() == [0]


def test_a_symbol_without_a_sign_leaves_none_to_the_bars_that_go_on():
    crosses = Crosses()
    crosses.push(np.array([1, 0], np.int8), np.array([0, 1]))
    assert crosses.push(np.array([-1], np.int8), NO_START)[0].tolist() == []


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([np.nan, -0.0, 0.0, 1.0, 1.0000000000000002, -5.0])] * 2)))
def test_a_trend_is_the_sign_of_the_difference(pairs):
    fast, slow = np.array(pairs, np.float64).reshape(-1, 2).T
    plain = [NOT_FULL if f != f or s != s else (f > s) - (f < s) for f, s in pairs]
    assert trend(fast, slow).tolist() == plain


def test_trends_of_many_pairs_at_once():
    fast, slow = np.array([[1.0], [np.nan]]), np.array([0.0, 1.0, 2.0, np.nan])
    signs = trend(fast, slow)
    assert signs.dtype == np.int8
    assert signs.tolist() == [[1, 0, -1, NOT_FULL], [NOT_FULL] * 4]


def test_a_line_is_an_indicator_or_the_price():
    assert parse_line("ema:7") == parse_indicator("ema:7")
    assert parse_line("close") == Price()
    assert [str(parse_line(text, "adj_close")) for text in ("max:48h", "adj_close")] == ["max:2d", "adj_close"]


def test_the_price_is_full_from_its_first_bar():
    prices = np.array([1.5, -2.0])
    assert Price().kernel(Options()).push(np.arange(2), prices, np.array([0])).tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("text", "meant"),
    [("sma20", "sma:20"), ("7", "sma:7"), ("30d", "sma:30d"), ("ma20", "sma:50"), ("close", "sma:50"), ("", "sma:50")],
)
def test_a_text_that_is_not_a_line_is_refused_with_the_fix(text, meant):
    with pytest.raises(UsageError) as refused:
        parse_line(text, "adj_close")
    assert str(refused.value) == (
        f"line {text!r}: a line is an indicator, KIND:WINDOW with KIND one of {', '.join(kernels())}, or the"
        f" price itself, adj_close; use e.g. {meant}, or adj_close"
    )
    assert str(parse_line(meant, "adj_close")) == meant
