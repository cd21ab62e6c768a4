"""The merge against a dict of (symbol, time): same bars, same findings, whatever the cut; bounded memory."""

import random
from collections import Counter
from dataclasses import replace
from itertools import permutations
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sort_keys import merge
from sort_keys.keys import decode_symbol
from sort_keys.slots import Slots
from tests.sort_keys.checks import (
    Cut,
    assert_red,
    check_in_memory,
    check_merge,
    columns_of,
    cuts,
    lines_of,
    merged,
    mutant,
    oracle,
)  # fmt: skip
from windrow.errors import InputError

ON_CONFLICT = st.sampled_from(merge.ON_CONFLICT)
#: Three bars of one key, two of them the same: settled two by two, they may count as two conflicts.
TRIPLE = [("A", 5, (1.0,)), ("A", 5, (2.0,)), ("A", 5, (2.0,))]


@settings(max_examples=300, deadline=None)
@given(cuts(), ON_CONFLICT)
@example(Cut([TRIPLE[:1], TRIPLE[1:2], TRIPLE[2:]], 10**18, 1, 1), "smallest")
@example(Cut([[("A", 1, (1.0, 2.0)), ("A", 1, (1.0, 1.0)), ("A", 1, (0.5, 9.0))]], 1, 1, 1), "largest")
def test_any_cut_gives_the_oracles_bars_and_findings(cut, on_conflict):
    check_merge(cut, on_conflict)


@settings(max_examples=80, deadline=None)
@given(cuts(), cuts(), ON_CONFLICT, st.randoms(use_true_random=False))
def test_findings_do_not_depend_on_the_cut(cut, other, on_conflict, rng):
    bars = cut.bars
    rng.shuffle(bars)
    middle = rng.randint(0, len(bars))
    chunks = [chunk for chunk in (bars[:middle], bars[middle:]) if chunk]
    again = replace(other, chunks=chunks)
    check_merge(again, on_conflict)
    check_merge(cut, on_conflict)


STRETCH_BARS = st.sampled_from([1, 2, 7, 1000])


@settings(max_examples=200, deadline=None)
@given(cuts(), ON_CONFLICT, STRETCH_BARS)
@example(Cut([TRIPLE], 10**18, 1, 1), "largest", 1)
def test_bars_in_memory_give_what_their_blocks_give(cut, on_conflict, stretch_bars):
    check_in_memory(cut, on_conflict, stretch_bars)


def test_no_bars_in_memory_give_nothing():
    merging = merge.Merge(1, "fail")
    assert list(merging.in_memory(columns_of([]))) == [] and merging.findings == merge.Findings()


@pytest.mark.parametrize("on_conflict", merge.ON_CONFLICT)
@pytest.mark.parametrize("batch_bytes", [1, 1 << 17])
@pytest.mark.parametrize("order", sorted(set(permutations(TRIPLE))))
def test_a_group_of_three_counts_the_same_in_any_order_and_batch(order, batch_bytes, on_conflict):
    later = [("A", 6, (1.0,))]
    for chunks in (
        [[bar] for bar in order] + [later],
        [list(order), later],
        [list(order[:2]), [order[2], *later]],
    ):
        check_merge(Cut(chunks, 10**18, 1, batch_bytes), on_conflict)


@pytest.mark.parametrize("block_bars", [1, 2, 3, 4096])
@pytest.mark.parametrize("batch_bytes", [1, 100, 1 << 17])
def test_a_group_of_forty_over_many_blocks(block_bars, batch_bytes):
    rng = random.Random(5)
    bars = [("A", t, (float(rng.randrange(6)), float(rng.randrange(3)))) for t in (1, 2, 3) for _ in range(40)]
    rng.shuffle(bars)
    for on_conflict in merge.ON_CONFLICT:
        check_merge(Cut([bars[i::7] for i in range(7)], 10**18, block_bars, batch_bytes), on_conflict)


def test_values_are_compared_left_to_right_as_numbers():
    bars = [("A", 1, (-2.0, 9.0)), ("A", 1, (-10.0, 10.0)), ("A", 1, (-10.0, 9.0))]
    lines = lines_of([bars], Slots(10), 1)
    assert merged(lines, 2, "smallest")[0] == [("A", 1, (-10.0, 9.0))]
    assert merged(lines, 2, "largest")[0] == [("A", 1, (-2.0, 9.0))]


def test_the_first_conflict_is_the_first_in_key_order():
    bars = [
        ("B", 1, (1.0,)),
        ("B", 1, (2.0,)),
        ("A", 9, (5.0,)),
        ("A", 9, (4.0,)),
        ("A", 7, (3.0,)),
        ("A", 9, (4.5,)),
    ]
    _, findings = merged(lines_of([[bar] for bar in bars], Slots(1), 1), 1, "fail")
    assert findings.conflicts == 3
    assert findings.first_conflict == merge.Conflict(b"A", 9, (4.0,), (4.5,))


def test_no_lines_give_nothing():
    assert merged([], 1, "fail") == ([], merge.Findings())


def test_prices_of_many_mappers_come_back_in_order():
    rng = np.random.default_rng(1)
    bars = [(f"S{s:02d}", t, (round(float(v), 2),)) for s in range(20) for t, v in enumerate(rng.normal(50, 5, 1500))]
    random.Random(1).shuffle(bars)
    again = bars[:500]
    lines = lines_of([bars[i::6] for i in range(6)] + [again], Slots(400), 64)
    found, findings = merged(lines, 1, "fail")
    assert found == sorted(bars)
    assert (findings.repeats, findings.conflicts, findings.bars) == (500, 0, len(bars) + 500)


# Memory.


def check_memory(bars, span, batch_bytes, monkeypatch, module=merge):
    """What waits is one slot of one symbol; what is decoded at once is a batch, and that much again."""
    monkeypatch.setattr(module, "_BATCH_BYTES", batch_bytes)
    whole = Counter((symbol, time // span) for symbol, time, _ in set(bars))
    waits, batches = [0], []
    split, read = module._split, module.read_blocks

    def watched_split(joined, symbol, newest):
        released, waiting = split(joined, symbol, newest)
        if waiting is not None:
            slots = {(waiting.symbols[0].decode(), int(time) // span) for time in waiting.times}
            assert len(waiting.symbols) == len(slots) == 1, f"{slots} wait together"
            assert len(waiting.times) <= whole[slots.pop()]
            waits.append(len(waiting.times))
        return released, waiting

    def watched_read(first_times, payloads, columns):
        size = sum(map(len, payloads))
        assert size - len(payloads[-1]) < max(batch_bytes, 8 * waits[-1])
        decoded = read(first_times, payloads, columns)
        assert len(decoded[1]) <= size
        batches.append(len(decoded[1]))
        return decoded

    monkeypatch.setattr(module, "_split", watched_split)
    monkeypatch.setattr(module, "read_blocks", watched_read)
    lines = lines_of([bars[i::10] for i in range(10)], Slots(span), 64)
    assert merged(lines, 1, "smallest", module)[0] == oracle(bars, "smallest")[0]
    assert len(batches) > 3
    assert max(waits) > 10, "the test must make bars wait"


MANY = [(symbol, t, (float(t % 7),)) for symbol in ("A", "B") for t in range(-2000, 6000)]


@pytest.mark.parametrize("span", [100, 1000, 3000])
@pytest.mark.parametrize("batch_bytes", [1, 2000])
def test_waiting_bars_are_within_one_slot_of_one_symbol(span, batch_bytes, monkeypatch):
    bars = [*MANY, *MANY[::3]]
    random.Random(2).shuffle(bars)
    check_memory(bars, span, batch_bytes, monkeypatch)


def test_a_bar_sent_over_and_over_waits_once(monkeypatch):
    bars = [*MANY[:500], *MANY[100:101] * 20_000]
    random.Random(3).shuffle(bars)
    check_memory(bars, 1000, 2000, monkeypatch)


def test_control_repeats_that_wait_fill_the_memory(monkeypatch):
    hoarding = mutant(merge, ("keep = np.concatenate([[True], ~same])\n", "keep = np.ones(len(times), bool)\n"))
    bars = [*MANY, *MANY]
    random.Random(2).shuffle(bars)
    with pytest.raises(AssertionError, match=r"assert .* <= 100"):
        check_memory(bars, 100, 1, monkeypatch, hoarding)


# Negative controls: each breaks the merge once; the check of the first test must go red.


def red(*changes, examples=500):
    module = mutant(merge, *changes)
    assert_red(lambda cut, on_conflict: check_merge(cut, on_conflict, module), cuts(), ON_CONFLICT, examples=examples)


def test_the_check_is_green_on_an_unchanged_copy():
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        red(examples=50)


def test_control_releasing_bars_at_the_newest_blocks_time():
    red(('side="left"', 'side="right"'))


def test_control_releasing_all_at_once():
    red(('newest, side="left"', '2**63 - 1, side="right"'))


def test_control_a_repeat_kept():
    red(
        ("keep = np.concatenate([[True], ~same])\n", "keep = np.ones(len(times), bool)\n"),
        ("if same.any():\n   ", "if False:\n   "),
    )


def test_control_the_first_to_arrive_wins():
    red(("_sort_shared(same, owner, times, values)\n        for", "for"))


def test_control_conflicts_settled_before_all_bars_are_there():
    red((
        "released, self._waiting = _split(merged",
        "same = (np.diff(merged.times) == 0) & ~np.isin(np.arange(1, len(merged.times)), merged.starts)\n"
        "            merged = self._settle(merged, same) if same.any() else merged\n"
        "            released, self._waiting = _split(merged",
    ))  # fmt: skip


def test_control_only_the_first_column_decides():
    red(("for value in reversed(values)] + [times", "for value in values[:1]] + [times"))


def test_control_smallest_is_always_kept():
    red(('self.on_conflict == "largest"', "False"))


def test_control_every_stretch_looks_new():
    red(("continued = stretch.symbols[0] == self._last_symbol", "continued = False"))


def test_control_waiting_bars_forgotten():
    red(("waited, self._waiting = self._waiting, None\n            yield from self._release(waited)", "pass"))


def red_in_memory(*changes):
    module = mutant(merge, *changes)

    def check(cut, on_conflict, stretch_bars):
        check_in_memory(cut, on_conflict, stretch_bars, module)

    assert_red(check, cuts(), ON_CONFLICT, STRETCH_BARS)


def test_control_bars_in_memory_whose_every_stretch_looks_new():
    red_in_memory(("stretch.continued if not begin else bool(stretch.starts[first] < begin)", "False"))


def test_control_a_stretch_that_takes_the_next_symbol():
    red_in_memory(
        ("np.searchsorted(stretch.starts, begin + bars)", "np.searchsorted(stretch.starts, begin + bars + 1)")
    )


def test_control_repeats_in_memory_kept():
    red_in_memory(("if _strictly_ascending_within(bars.starts, bars.times)", "if True"))


def test_control_times_in_memory_that_go_back_are_not_seen():
    red_in_memory(("later[starts[1:] - 1] = True", "later[:] = True"))


# What a merge refuses.


@pytest.mark.parametrize("line", [b"", b"no tabs", b"AA\t5", b"AA\t2008-03-03\t33.5"])
def test_a_line_that_is_not_a_block_is_refused(line):
    good = lines_of([MANY[:10]], Slots(10**9), 64)
    with pytest.raises(InputError, match=r"a reducer read .* it takes the lines that windrow's mappers write"):
        merged([*good, line], 1, "fail")


def test_a_damaged_block_is_refused():
    (line,) = lines_of([MANY[:10]], Slots(10**9), 64)
    with pytest.raises(InputError, match=r"block 1 of 1 .* is damaged"):
        merged([line[:-3]], 1, "fail")


@pytest.mark.parametrize("batch_bytes", [1, 1 << 17])
def test_lines_out_of_order_are_refused(batch_bytes, monkeypatch):
    monkeypatch.setattr(merge, "_BATCH_BYTES", batch_bytes)
    bars = [(symbol, t, (1.0,)) for symbol in ("A", "B") for t in (1, 2, 3)]
    lines = lines_of([bars], Slots(1), 64)
    assert len(merged(lines, 1, "fail")[0]) == 6
    wrongs = lines[::-1], [lines[1], lines[0], *lines[2:]], [*lines[3:], *lines[:3]], [*lines, lines[0]]
    for wrong in wrongs:
        with pytest.raises(InputError, match="whose key sorts after it: the shuffle sorts"):
            merged(wrong, 1, "fail")


@settings(max_examples=60, deadline=None)
@given(cuts())
def test_by_symbol_gives_each_symbol_once_and_all_its_bars_whatever_the_stretches(cut):
    lines, columns = lines_of(cut.chunks, Slots(cut.span), cut.block_bars), len(cut.bars[0][2])
    with mock.patch.object(merge, "_BATCH_BYTES", cut.batch_bytes):
        series = merge.by_symbol(merge.Merge(columns, "smallest").stretches(lines))
        split = [(decode_symbol(symbol), [_rows(piece) for piece in pieces]) for symbol, pieces in series]
    kept, *_ = oracle(cut.bars, "smallest")
    assert len({symbol for symbol, _ in split}) == len(split)
    assert [(symbol, *row) for symbol, pieces in split for rows in pieces for row in rows] == kept


def _rows(piece):
    return list(zip(piece.times.tolist(), zip(*map(np.ndarray.tolist, piece.values), strict=True), strict=True))
