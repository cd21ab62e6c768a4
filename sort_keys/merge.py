"""The merge: sorted, overlapping blocks -> one stream of bars, in time order within each symbol, no repeats.

Blocks arrive sorted by symbol and first bar. Every bar earlier than the newest block's first bar can be
released: no later block reaches back to it. A bar *at* that time must wait, because the newest block holds a
bar of the same time, which may repeat it or be in conflict with it.

Repeats are dropped as they arrive, so that a bar sent many times waits once. Bars in conflict wait side by side
and are settled when they are released: only then have all of them arrived, and the counts do not depend on the
order in which they did.

Memory: one batch of blocks, and the bars of one symbol that wait, at most one slot (sort_keys/slots.py).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress, groupby, pairwise
from operator import itemgetter, le, ne
from typing import NamedTuple

import numpy as np

from sort_keys.blocks import Columns, read_blocks
from sort_keys.keys import decode_symbol, encode_symbols, key_order, split_records, split_slice
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints, Mask
from windrow.errors import InputError

#: Blocks are decoded together once they hold this much payload: enough that numpy's fixed costs vanish.
_BATCH_BYTES = 1 << 17
#: Bars in memory are released this many at a time: enough that numpy's fixed costs vanish, and they stay in the cache.
_STRETCH_BARS = 1 << 14
#: How two different bars at one (symbol, timestamp) are treated.
ON_CONFLICT = ("fail", "smallest", "largest")


class Stretch(NamedTuple):
    """Bars of one or many symbols, in order: `symbols[i]`, encoded as in keys, begins at `starts[i]`.

    Where `continued`, the first symbol's bars follow those of the previous stretch.
    """

    symbols: list[bytes]
    starts: Ints
    continued: bool
    times: Ints
    values: list[Floats]

    @property
    def new_starts(self) -> Ints:
        """Where a new symbol's series begins."""
        return self.starts[1:] if self.continued else self.starts


class Piece(NamedTuple):
    """Bars of one symbol, in order; `values[i]` is column i."""

    times: Ints
    values: list[Floats]


def by_symbol(stretches: Iterable[Stretch]) -> Iterator[tuple[bytes, Iterator[Piece]]]:
    """Each symbol, encoded as in keys, and its bars in pieces; read the pieces before asking for the next symbol.

    >>> one = Stretch([b"A", b"B"], np.array([0, 1]), False, np.array([5, 3]), [np.array([1.0, 2.0])])
    >>> two = Stretch([b"B"], np.array([0]), True, np.array([4]), [np.array([7.0])])
    >>> for symbol, pieces in by_symbol([one, two]):
    ...     print(symbol, [piece.times.tolist() for piece in pieces])
    b'A' [[5]]
    b'B' [[3], [4]]
    """
    for symbol, pieces in groupby(_pieces(stretches), itemgetter(0)):
        yield symbol, (piece for _, piece in pieces)


def _pieces(stretches: Iterable[Stretch]) -> Iterator[tuple[bytes, Piece]]:
    for stretch in stretches:
        bounds = pairwise([*stretch.starts.tolist(), len(stretch.times)])
        for symbol, (begin, end) in zip(stretch.symbols, bounds, strict=True):
            yield symbol, Piece(stretch.times[begin:end], [value[begin:end] for value in stretch.values])


class Conflict(NamedTuple):
    """Two different bars at one (symbol, timestamp)."""

    symbol: bytes
    time: int
    one: tuple[float, ...]
    other: tuple[float, ...]


@dataclass
class Findings:
    """What a merge read, and what it dropped."""

    bars: int = 0
    blocks: int = 0
    slots: int = 0
    repeats: int = 0
    conflicts: int = 0
    first_conflict: Conflict | None = None


@dataclass
class Merge:
    """Merges the sorted lines of a shuffle; counts what it drops in `findings`.

    `columns` is how many values a bar has. Of bars in conflict, columns compared left to right as numbers,
    the smallest is kept, or the largest; the choice never depends on which arrived first. With "fail" they are
    counted, and the job fails on them. Given the `slots` that cut the blocks, it counts those that hold bars.
    """

    columns: int
    on_conflict: str = "fail"
    slots: Slots | None = None
    findings: Findings = field(default_factory=Findings)
    _waiting: Stretch | None = None
    _last_symbol: bytes | None = None
    _newest: tuple[bytes, int] = (b"", -(1 << 63))
    _last_slot: tuple[bytes, int] | None = None

    def stretches(self, lines: Iterable[bytes]) -> Iterator[Stretch]:
        """Bars in order, in stretches of some ten thousand. Raises InputError for unsorted or damaged lines."""
        for symbols, times, payloads in _batches(lines, self._batch_bytes):
            self._check_sorted(symbols, times)
            names, owners = _number(symbols)
            self._count_slots(names, owners, np.array(times, np.int64))
            merged = self._merge(names, owners, times, payloads)
            released, self._waiting = _split(merged, symbols[-1], times[-1])
            yield from self._release(released)
        if self._waiting is not None:
            waited, self._waiting = self._waiting, None
            yield from self._release(waited)

    def in_memory(self, bars: Columns) -> Iterator[Stretch]:
        """The same for bars that are in memory already, sorted by `sort_bars`: no block is written or read.

        Memory: a copy of the columns where bars are repeated or in conflict.
        """
        self.findings.bars += len(bars.times)
        stretch = Stretch(encode_symbols(bars.symbols), bars.starts, False, bars.times, bars.values)
        if _strictly_ascending_within(bars.starts, bars.times):
            yield from _cut(stretch, _STRETCH_BARS)
            return
        owner = np.repeat(np.arange(len(bars.starts)), np.diff(bars.starts, append=len(bars.times)))
        owner, times, values = self._in_order(owner, bars.times, bars.values)
        starts = np.searchsorted(owner, np.arange(len(bars.starts)))
        for settled in self._release(stretch._replace(starts=starts, times=times, values=values)):
            yield from _cut(settled, _STRETCH_BARS)

    def _batch_bytes(self) -> int:
        """As much as is waiting already, so that waiting bars are not merged over and over."""
        return max(_BATCH_BYTES, 8 * len(self._waiting.times) if self._waiting else 0)

    def _check_sorted(self, symbols: list[bytes], times: list[int]) -> None:
        keys = [self._newest, *zip(symbols, times, strict=True)]
        self._newest = keys[-1]
        if not all(map(le, keys, keys[1:])):
            at = next(i for i, (one, other) in enumerate(pairwise(keys)) if other < one)
            raise InputError(
                f"a reducer read a block of {keys[at + 1][0]!r} after one of {keys[at][0]!r}, whose key sorts"
                " after it: the shuffle sorts lines by their bytes; remove any other comparator from the configuration"
            )

    def _count_slots(self, names: list[bytes], owners: Ints, times: Ints) -> None:
        if self.slots is not None:
            slots = times // self._spans(self.slots, names, owners)
            changes = int(np.count_nonzero((slots[1:] != slots[:-1]) | (owners[1:] != owners[:-1])))
            self.findings.slots += changes + ((names[0], int(slots[0])) != self._last_slot)
            self._last_slot = names[-1], int(slots[-1])

    @staticmethod
    def _spans(slots: Slots, names: list[bytes], owners: Ints) -> Ints | int:
        """The spans of blocks' slots; one for all where no symbol is dense."""
        if not slots.dense:
            return slots.span
        return np.array([slots.span_of(decode_symbol(split_slice(name)[0])) for name in names])[owners]

    def _merge(self, names: list[bytes], owners: Ints, first_times: list[int], payloads: list[bytes]) -> Stretch:
        """A batch and the waiting bars, in order and without repeats; bars in conflict side by side."""
        counts, times, values = read_blocks(first_times, payloads, self.columns)
        self.findings.blocks += len(counts)
        self.findings.bars += len(times)
        owner = np.repeat(owners, counts)
        if self._waiting is not None:
            names, owner, times, values = _prepend(self._waiting, names, owner, times, values)
        if not _strictly_ascending(owner, times):
            owner, times, values = self._in_order(owner, times, values)
        starts = np.searchsorted(owner, np.arange(len(names)))
        return Stretch(names, starts, False, times, values)

    def _in_order(self, owner: Ints, times: Ints, values: list[Floats]) -> tuple[Ints, Ints, list[Floats]]:
        order = key_order(owner, times)
        owner, times, values = owner[order], times[order], [value[order] for value in values]
        same = (times[1:] == times[:-1]) & (owner[1:] == owner[:-1])
        if not same.any():
            return owner, times, values
        _sort_shared(same, owner, times, values)
        for value in values:
            same &= value[1:] == value[:-1]
        self.findings.repeats += int(np.count_nonzero(same))
        keep = np.concatenate([[True], ~same])
        return owner[keep], times[keep], [value[keep] for value in values]

    def _release(self, stretch: Stretch) -> Iterator[Stretch]:
        """Releases a stretch that no later block reaches back to; only now are its conflicts complete."""
        if len(stretch.times):
            same = stretch.times[1:] == stretch.times[:-1]
            same[stretch.starts[1:] - 1] = False
            if same.any():
                stretch = self._settle(stretch, same)
            continued = stretch.symbols[0] == self._last_symbol
            self._last_symbol = stretch.symbols[-1]
            yield stretch._replace(continued=continued)

    def _settle(self, stretch: Stretch, same: Mask) -> Stretch:
        """One bar per time where some are in conflict (`same` as the bar before), smallest first."""
        self.findings.conflicts += int(np.count_nonzero(same))
        if self.findings.first_conflict is None:
            self.findings.first_conflict = _conflict(stretch, int(np.argmax(same)))
        keep = np.concatenate([~same, [True]] if self.on_conflict == "largest" else [[True], ~same])
        starts = (np.cumsum(keep) - keep)[stretch.starts]
        values = [value[keep] for value in stretch.values]
        return stretch._replace(starts=starts, times=stretch.times[keep], values=values)


def _conflict(stretch: Stretch, at: int) -> Conflict:
    symbol = stretch.symbols[int(np.searchsorted(stretch.starts, at, side="right")) - 1]
    one, other = (tuple(float(value[row]) for value in stretch.values) for row in (at, at + 1))
    return Conflict(split_slice(symbol)[0], int(stretch.times[at]), one, other)


def _sort_shared(same: Mask, owner: Ints, times: Ints, values: list[Floats]) -> None:
    """Sorts, in place, the values of bars that share symbol and time (`same` as the bar before)."""
    shared = np.zeros(len(times), bool)
    shared[1:] |= same
    shared[:-1] |= same
    rows = np.flatnonzero(shared)
    ranked = rows[np.lexsort([value[rows] for value in reversed(values)] + [times[rows], owner[rows]])]
    for value in values:
        value[rows] = value[ranked]


def _batches(lines: Iterable[bytes], enough: Callable[[], int]) -> Iterator[tuple[list[bytes], list[int], list[bytes]]]:
    held: list[bytes] = []
    size, full = 0, enough()
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= full:
            yield split_records(held)
            held, size, full = [], 0, enough()
    if held:
        yield split_records(held)


def _number(symbols: list[bytes]) -> tuple[list[bytes], Ints]:
    """The symbols of sorted blocks, and each block's as a number."""
    new = [True, *map(ne, symbols[1:], symbols)]
    return list(compress(symbols, new)), np.cumsum(new) - 1


def _prepend(
    waiting: Stretch, names: list[bytes], owner: Ints, times: Ints, values: list[Floats]
) -> tuple[list[bytes], Ints, Ints, list[Floats]]:
    if waiting.symbols[0] != names[0]:
        names, owner = [waiting.symbols[0], *names], owner + 1
    owner = np.concatenate([np.zeros(len(waiting.times), np.int64), owner])
    times = np.concatenate([waiting.times, times])
    values = [np.concatenate(pair) for pair in zip(waiting.values, values, strict=True)]
    return names, owner, times, values


def _cut(stretch: Stretch, bars: int) -> Iterator[Stretch]:
    """A stretch in pieces of at most `bars` bars."""
    for begin in range(0, len(stretch.times), bars):
        rows = slice(begin, begin + bars)
        first = int(np.searchsorted(stretch.starts, begin, side="right")) - 1
        last = int(np.searchsorted(stretch.starts, begin + bars))
        starts = np.maximum(stretch.starts[first:last] - begin, 0)
        continued = stretch.continued if not begin else bool(stretch.starts[first] < begin)
        values = [value[rows] for value in stretch.values]
        yield Stretch(stretch.symbols[first:last], starts, continued, stretch.times[rows], values)


def _strictly_ascending_within(starts: Ints, times: Ints) -> bool:
    """Whether times ascend strictly from each start to the next."""
    later = times[1:] > times[:-1]
    later[starts[1:] - 1] = True
    return bool(later.all())


def _strictly_ascending(owner: Ints, times: Ints) -> bool:
    return bool(np.all((times[1:] > times[:-1]) | (owner[1:] != owner[:-1])))


def _split(merged: Stretch, symbol: bytes, newest: int) -> tuple[Stretch, Stretch | None]:
    """What can be released, and what waits: the bars of the newest block's symbol from its first bar on."""
    begin = int(merged.starts[-1])
    at = begin + int(np.searchsorted(merged.times[begin:], newest, side="left"))
    released_symbols = len(merged.symbols) if at > begin else len(merged.symbols) - 1
    symbols, starts = merged.symbols[:released_symbols], merged.starts[:released_symbols]
    released = Stretch(symbols, starts, False, merged.times[:at], [value[:at] for value in merged.values])
    late = [value[at:] for value in merged.values]
    waiting = Stretch([symbol], np.zeros(1, np.int64), False, merged.times[at:], late)
    return released, waiting if len(waiting.times) else None
