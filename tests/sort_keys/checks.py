"""What the tests of sort_keys check, as functions: the tests call them, and so do the negative controls.

A negative control breaks the code on purpose and asserts that the same check goes red (`assert_red`). Oracles
are plain Python: dict, sorted, //.
"""

import struct
import types
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sort_keys import blocks, keys, merge, shuffle
from sort_keys.slots import Slots

Bar = tuple[str, int, tuple[float, ...]]

INT64 = st.integers(-(2**63), 2**63 - 1)
EXTREMES = [
    -(2**63),
    -(2**63) + 1,
    -(2**62),
    -100,
    -10,
    -9,
    -1,
    0,
    1,
    9,
    10,
    99,
    100,
    10**18,
    2**62,
    2**63 - 2,
    2**63 - 1,
]
TIMES = st.sampled_from(EXTREMES) | INT64
HARD_SYMBOLS = [
    "A", "AA", "AAB", "a", "aA", "A ", "A\t", "A\t8", "\tA", "A\n", "\nA", "A\r", "\r", "%", "%09", "A%09",
    "A\x01", "\x01", "\x00", "A\x00", "\x7f", "A\x7f", "\x1b", "A\x1be", "BRK.B", "BRK/B", "^GSPC",
    "NA", "TRUE", "Ångström", "株式", "🚀", "A🚀", "é", "e\u0301", "\uffff", "\U00010000",
]  # fmt: skip
SYMBOLS = st.sampled_from(HARD_SYMBOLS) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


def bits(values: Sequence[float]) -> list[bytes]:
    return [struct.pack(">d", value) for value in values]


# Keys.


def check_key_order(pairs: Sequence[tuple[str, int]]) -> None:
    """Byte order of keys is the order of (encoded symbol, time), and a prefix sorts first."""
    written = {keys.encode_symbol(s) + b"\t" + keys.encode_time(t): (keys.encode_symbol(s), t) for s, t in pairs}
    assert [written[key] for key in sorted(written)] == sorted(set(written.values()))


def check_partition(pairs: Sequence[tuple[str, int]], reducers: int, partition=shuffle.partition) -> None:
    """All lines of a symbol go to one reducer, and that reducer exists."""
    owners = defaultdict(set)
    for symbol, time in pairs:
        line = b"%b\t%b\tpayload\twith\ttabs" % (keys.encode_symbol(symbol), keys.encode_time(time))
        owners[symbol].add(partition(line, reducers))
    assert all(len(owner) == 1 for owner in owners.values())
    assert set().union(*owners.values()) <= set(range(reducers))


# Blocks.


def columns_of(bars: Sequence[Bar], in_key_order: bool = False) -> blocks.Columns:
    names = list(dict.fromkeys(symbol for symbol, _, _ in bars))
    if in_key_order:
        names.sort(key=keys.encode_symbol)
    codes = {name: code for code, name in enumerate(names)}
    width = len(bars[0][2]) if bars else 1
    return blocks.sort_bars(
        np.array([codes[symbol] for symbol, _, _ in bars], np.int32), names,
        np.array([time for _, time, _ in bars], np.int64),
        [np.array([values[i] for _, _, values in bars], np.float64) for i in range(width)],
    )  # fmt: skip


def lines_of(chunks: Sequence[Sequence[Bar]], slots: Slots, block_bars: int) -> list[bytes]:
    """The lines that mappers with these chunks write, sorted as a shuffle sorts them."""
    return sorted(line for bars in chunks for line in blocks.write_blocks(columns_of(bars), slots, block_bars))


def decoded(line: bytes, columns: int) -> list[Bar]:
    symbol, first, payload = keys.split_record(line.rstrip(b"\n"))
    counts, times, values = blocks.read_blocks([first], [payload], columns)
    assert counts.tolist() == [len(times)]
    rows = zip(*(value.tolist() for value in values), strict=True)
    return [(keys.decode_symbol(symbol), time, row) for time, row in zip(times.tolist(), rows, strict=True)]


def check_blocks(bars: Sequence[Bar], slots: Slots, block_bars: int) -> None:
    """Every bar comes back to the last bit from blocks within one symbol and slot, and none is too long."""
    lines = lines_of([bars], slots, block_bars)
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") and b"\r" not in line for line in lines)
    found = [decoded(line, len(bars[0][2])) for line in lines]
    for block in found:
        assert 1 <= len(block) <= block_bars
        assert len({symbol for symbol, _, _ in block}) == 1
        assert len({time // slots.dense.get(symbol, slots.span) for symbol, time, _ in block}) == 1
        assert [time for _, time, _ in block] == sorted(time for _, time, _ in block)
    firsts = [(keys.encode_symbol(block[0][0]), block[0][1]) for block in found]
    assert firsts == sorted(firsts), "whole lines must sort by (symbol, first time)"
    flat = [(symbol, time, bits(row)) for block in found for symbol, time, row in block]
    assert sorted(flat) == sorted((symbol, time, bits(row)) for symbol, time, row in bars)


# The merge.


@dataclass(frozen=True)
class Cut:
    """Bars as some mappers saw them, and how they were cut into blocks and batches."""

    chunks: list[list[Bar]]
    span: int
    block_bars: int
    batch_bytes: int

    @property
    def bars(self) -> list[Bar]:
        return [bar for chunk in self.chunks for bar in chunk]


PRICES = st.sampled_from([1.0, 1.01, 2.0, -3.0, 1 / 3, 1e15])


@st.composite
def cuts(draw: st.DrawFn, columns: int | None = None) -> Cut:
    """Few symbols, times and prices, so that repeats and conflicts of all sizes abound."""
    columns = columns or draw(st.integers(1, 3))
    bar = st.tuples(
        st.sampled_from(["A", "AA", "a\t", "🚀"]),
        st.sampled_from([1, 2, 3, 4, 5, 8, 9, 30]) | st.integers(-20, 20),
        st.tuples(*[PRICES] * columns),
    )
    bars = draw(st.lists(bar, min_size=1, max_size=40))
    bars += draw(st.lists(st.sampled_from(bars), max_size=20))
    mapper = draw(st.lists(st.integers(0, 4), min_size=len(bars), max_size=len(bars)))
    chunks = [[bar for bar, m in zip(bars, mapper, strict=True) if m == n] for n in range(5)]
    return Cut(
        [chunk for chunk in chunks if chunk],
        draw(st.sampled_from([1, 3, 10, 10**18])),
        draw(st.sampled_from([1, 2, 3, 4096])),
        draw(st.sampled_from([1, 80, 200, 1 << 17])),
    )


def merged(
    lines: Sequence[bytes], columns: int, on_conflict: str, module: types.ModuleType = merge
) -> tuple[list[Bar], merge.Findings]:
    """What a merge makes of sorted lines; its stretches are checked on the way."""
    merging = module.Merge(columns, on_conflict)
    return list(rows_of(merging.stretches(line.rstrip(b"\n") for line in lines))), merging.findings


def rows_of(stretches: Iterable[merge.Stretch]) -> Iterator[Bar]:
    """The bars of stretches, which are checked on the way."""
    last = None
    for stretch in stretches:
        starts = stretch.starts.tolist()
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert len(starts) == len(stretch.symbols)
        assert starts[-1] < len(stretch.times)
        assert stretch.continued == (stretch.symbols[0] == last)
        assert stretch.new_starts.tolist() == (starts[1:] if stretch.continued else starts)
        last = stretch.symbols[-1]
        owners = np.searchsorted(stretch.starts, np.arange(len(stretch.times)), side="right") - 1
        rows = zip(*(value.tolist() for value in stretch.values), strict=True)
        for owner, time, row in zip(owners.tolist(), stretch.times.tolist(), rows, strict=True):
            yield keys.decode_symbol(stretch.symbols[owner]), time, row


def oracle(bars: Sequence[Bar], on_conflict: str) -> tuple[list[Bar], int, int, tuple[object, ...] | None]:
    """Bars kept, repeats, conflicts, and the first conflict."""
    groups = defaultdict(list)
    for symbol, time, row in bars:
        groups[keys.encode_symbol(symbol), time].append((symbol, row))
    kept, repeats, conflicts, first = [], 0, 0, None
    for (encoded, time), group in sorted(groups.items()):
        distinct = sorted({row for _, row in group})
        kept.append((group[0][0], time, distinct[-1] if on_conflict == "largest" else distinct[0]))
        repeats += len(group) - len(distinct)
        conflicts += len(distinct) - 1
        if len(distinct) > 1 and first is None:
            first = (encoded, time, distinct[0], distinct[1])
    return kept, repeats, conflicts, first


def check_merge(cut: Cut, on_conflict: str = "smallest", module: types.ModuleType = merge) -> None:
    """The merge gives the oracle's bars and findings, whatever the cut."""
    lines = lines_of(cut.chunks, Slots(cut.span), cut.block_bars)
    with mock.patch.object(module, "_BATCH_BYTES", cut.batch_bytes):
        bars, findings = merged(lines, len(cut.bars[0][2]), on_conflict, module)
    kept, repeats, conflicts, first = oracle(cut.bars, on_conflict)
    assert bars == kept
    assert (findings.bars, findings.blocks) == (len(cut.bars), len(lines))
    assert (findings.repeats, findings.conflicts) == (repeats, conflicts)
    assert findings.first_conflict == first


def check_in_memory(cut: Cut, on_conflict: str, stretch_bars: int, module: types.ModuleType = merge) -> None:
    """Bars in memory give what their blocks give, to the bit, however many are handed out at a time."""
    lines, columns = lines_of(cut.chunks, Slots(cut.span), cut.block_bars), len(cut.bars[0][2])
    bars, findings = merged(lines, columns, on_conflict)
    merging = module.Merge(columns, on_conflict)
    with mock.patch.object(module, "_STRETCH_BARS", stretch_bars):
        found = list(rows_of(merging.in_memory(columns_of(cut.bars, in_key_order=True))))
    assert [(*bar[:2], bits(bar[2])) for bar in found] == [(*bar[:2], bits(bar[2])) for bar in bars]
    assert replace(merging.findings, blocks=findings.blocks) == findings


# Negative controls.


def mutant(module: types.ModuleType, *changes: tuple[str, str]) -> types.ModuleType:
    """The module with some of its source replaced; each text must occur in it exactly once."""
    source = Path(module.__file__).read_text()
    for old, new in changes:
        assert source.count(old) == 1, f"{old!r} is not in {module.__name__} once; change the control with the code"
        source = source.replace(old, new)
    changed = types.ModuleType(module.__name__)
    changed.__file__ = module.__file__
    with mock.patch.dict("sys.modules", {module.__name__: changed}):
        exec(compile(source, module.__file__, "exec"), changed.__dict__)
    return changed


def assert_red(check: Callable[..., None], *strategies: st.SearchStrategy, examples: int = 500) -> None:
    """The check fails on some example, found the same way each time."""

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
    )  # fmt: skip
    @given(st.tuples(*strategies))
    def run(example):
        check(*example)

    with pytest.raises(AssertionError):
        run()
