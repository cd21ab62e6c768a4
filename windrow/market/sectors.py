"""Sectors: indices, moving averages, volatility and breadth of each, from its members' bars; two steps.

    first    SYMBOL's bars    -> blocks of what a member adds to its sector at each time, keyed by (sector, time)
    second   a sector's blocks -> a line for each time, SECTOR <tab> TIME <tab> VALUE...

A member adds, at each of its bars while it is in the sector: its return since its bar before; its weight, what was
traded at that bar before (price times volume), so that no weight knows what comes; and whether its price is above its
averages.

    return     the mean of the returns of members, or weighted: sum(weight * return) / sum(weight)
    index      100 at the sector's first time, then times 1 + return; it stays where there is no return, or no weight
    averages   of the last N values of the index; volatility: the deviation (n - 1) of the last N returns
    above      of the members that have an average, the share whose price is above it

Means and shares are those of exact decimals, rounded once, so they do not depend on the order of members, nor on
blocks. An index is a recursion in order of time: so neither does it.

Memory: in the first step a stretch of bars; in the second, of one sector, the bars of all its members within a slot.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from sort_keys.blocks import Columns, read_blocks, write_blocks
from sort_keys.keys import decode_symbol, encode_slice, encode_symbol, encode_time, split_records
from sort_keys.merge import Stretch
from sort_keys.slots import Slots
from windrow.arrays import Floats, Ints, run_starts
from windrow.errors import InputError, UsageError
from windrow.exact.groups import products, totals
from windrow.market.constituents import NONE, Clock, Constituents
from windrow.sinks import SYMBOLS, told_symbols
from windrow.sinks.fields import MEMBERSHIPS, SYMBOL, TEXT, TIME, Field, Format, written_part
from windrow.sinks.lines import format_lines
from windrow.times import DAY, format_times
from windrow.windows import CountWindow, Options
from windrow.windows.sma import SMA
from windrow.windows.std import Std

#: In place of a sector: the symbols of all. No encoded name begins like this.
_ALL = encode_slice(b"", 0)
_BASE = 100.0
#: Lines of blocks that are decoded together; slots that a block of a member is within are so many times shorter.
_LINES, _SHORTER = 256, 16
_LEAST, _MOST = 1e-15, 1e15


class Windows(NamedTuple):
    """The windows of moving averages, which breadth is told by too, and of volatility, in bars.

    weights: the weights of members' returns, by which there is an index each.
    """

    averages: tuple[int, ...] = (50, 200)
    volatility: int = 20
    weights: tuple[str, ...] = ("equal", "volume")

    @property
    def names(self) -> list[str]:
        """Names of a line's values."""
        found = ["companies", "traded"]
        for index in self.weights:
            found += [f"{index}_index", f"{index}_return", f"{index}_std:{self.volatility}"]
            found += [f"{index}_sma:{window}" for window in self.averages]
        return [*found, *(f"above_sma:{window}" for window in self.averages)]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a line."""
        return SYMBOL, TIME, *map(Field, self.names)


def parse_windows(averages: str, volatility: int, equal: bool = False) -> Windows:
    """The windows of options' texts; equal: without the index by volume. Raises UsageError.

    >>> parse_windows("50,200", 20, equal=True)
    Windows(averages=(50, 200), volatility=20, weights=('equal',))
    """
    texts = averages.split(",")
    if not all(text.isdecimal() and 0 < int(text) <= 10_000 for text in texts) or len(set(texts)) < len(texts):
        raise UsageError(f"--averages {averages}: are no windows of 1 to 10,000 bars, each once; give e.g. 50,200")
    if not 2 <= volatility <= 10_000:
        raise UsageError(f"--volatility {volatility}: is no window of 2 to 10,000 bars; give e.g. 20")
    return Windows(tuple(map(int, texts)), volatility, ("equal",) if equal else ("equal", "volume"))


# The first step.


class Members:
    """What members add to their sectors."""

    def __init__(self, constituents: Constituents, windows: Windows, clock: Clock, slots: Slots) -> None:
        self._constituents, self._clock = constituents, clock
        self._averages = [SMA(CountWindow(bars), Options()) for bars in windows.averages]
        self._slots = Slots(max(slots.span // _SHORTER, 1))
        self._last = np.full(2, np.nan)  # price and volume of the last symbol's last bar
        self.outside = 0
        """Bars of symbols at times at which they were in no sector."""

    def lines(self, stretches: Iterable[Stretch]) -> Iterator[bytes]:
        """Blocks keyed by (sector, time), and a line for each symbol; bars have a price and, perhaps, a volume."""
        for stretch in stretches:
            values = self._values(stretch)
            new = stretch.symbols[1:] if stretch.continued else stretch.symbols
            yield from (b"%b\t%b\t%b\n" % (_ALL, encode_time(0), symbol) for symbol in new)
            yield from write_blocks(self._by_sector(stretch, values), self._slots)

    def _values(self, stretch: Stretch) -> list[Floats]:
        """Each bar's return, weight, and what is known of it as digits: a return (0, 1), each average (0, 1, 2)."""
        prices = stretch.values[0]
        volumes = stretch.values[1] if len(stretch.values) > 1 else np.zeros(len(prices))
        before, traded = (np.append(last, one[:-1]) for last, one in zip(self._last, (prices, volumes), strict=True))
        before[stretch.new_starts] = np.nan
        self._last = np.array([prices[-1], volumes[-1]])
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            returns = (prices - before) / before
            known = (before > 0) & (np.abs(returns) <= _MOST)
            weights = before * traded
        if (weights[known] > _MOST).any():
            raise InputError(
                f"{decode_symbol(stretch.symbols[0])} or a symbol after it: price times volume is above 1e15; scale"
                " volumes, of all inputs alike, e.g. --scale volume=1e-6"
            )
        digits = known.astype(np.float64)
        for place, average in enumerate(self._averages):
            value = average.push(stretch.times, prices, stretch.new_starts)
            digits += np.where(np.isnan(value), 0, np.where(prices > value, 2, 1)) * 2.0 * 3.0**place
        usual = [np.where(known & (np.abs(one) >= _LEAST), one, 0.0) for one in (returns, weights)]
        return [usual[0], np.maximum(usual[1], 0.0), digits]

    def _by_sector(self, stretch: Stretch, values: list[Floats]) -> Columns:
        """The bars of memberships, one after another."""
        sectors, rows = [], []
        for symbol, (begin, end) in zip(
            stretch.symbols, pairwise([*stretch.starts.tolist(), len(stretch.times)]), strict=True
        ):
            taken = 0
            for one in self._constituents.sectors_of(decode_symbol(symbol)):
                first, last = begin + np.searchsorted(stretch.times[begin:end], self._clock.span(one))
                if last > first:
                    sectors.append(one.sector)
                    rows.append(np.arange(first, last))
                    taken += last - first
            self.outside += int(end - begin - taken)
        starts = np.cumsum([0, *map(len, rows)])[:-1] if rows else np.zeros(0, np.int64)
        at = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return Columns(sectors, starts, stretch.times[at], [value[at] for value in values])


# The second step.


class Added(NamedTuple):
    """What members add at times, which ascend; several at one time."""

    times: Ints
    values: list[Floats]


def sector_lines(
    lines: Iterable[bytes],
    constituents: Constituents,
    windows: Windows,
    clock: Clock,
    symbols: Callable[[set[str]], object],
) -> Iterator[bytes]:
    """The output's lines from those of the first step, sorted; `symbols` gets the names of all that have bars."""
    for field, group in groupby(lines, lambda line: line[: line.index(b"\t")]):
        if field == _ALL:
            symbols({decode_symbol(line.rpartition(b"\t")[2]) for line in group})
            continue
        sector = _Sector(decode_symbol(field), constituents, windows, clock)
        for added in _released(group):
            times, columns = sector.push(added)
            bars = Stretch([field], np.zeros(1, np.int64), False, times, [])
            for text in format_lines(bars, np.arange(len(times)), columns, clock.dated):
                yield from bytes(text).splitlines(keepends=True)


def _released(lines: Iterable[bytes]) -> Iterator[Added]:
    """The bars of a sector's blocks in order of time, as soon as no later block reaches back to them."""
    waiting: list[Added] = []
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) >= _LINES:
            done, waiting = _split(held, waiting)
            held = []
            yield from done
    done, waiting = _split(held, waiting)
    yield from [*done, *waiting]


def _split(held: Sequence[bytes], waiting: list[Added]) -> tuple[list[Added], list[Added]]:
    """What is before the newest block, and what is not."""
    if not held:
        return [], waiting
    _, firsts, payloads = split_records(held)
    _, times, values = read_blocks(firsts, payloads, 3)
    parts = [*waiting, Added(times, values)]
    times = np.concatenate([part.times for part in parts])
    order = np.argsort(times, kind="stable")
    times = times[order]
    columns = [np.concatenate(column)[order] for column in zip(*(part.values for part in parts), strict=True)]
    at = int(np.searchsorted(times, firsts[-1]))
    early, late = (Added(times[part], [column[part] for column in columns]) for part in (slice(at), slice(at, None)))
    return [early] * (at > 0), [late]


class _Sector:
    """One sector's series: a line for each time, in order."""

    def __init__(self, name: str, constituents: Constituents, windows: Windows, clock: Clock) -> None:
        self._windows = windows
        self._companies = None if name == NONE else constituents.companies(name, clock)
        self._indices = [_Index(windows) for _ in windows.weights]

    def push(self, added: Added) -> tuple[Ints, list[Floats]]:
        """The next times, and the columns of their lines (NaN: no value)."""
        begins = run_starts(added.times)
        times, traded = added.times[begins], np.diff(begins, append=len(added.times))
        returns, weights, digits = added.values
        known = np.add.reduceat(digits % 2, begins).astype(np.int64)
        equal = totals(returns, begins).over(np.maximum(known, 1))
        weighted = products([returns], weights, begins).by(totals(weights, begins))
        companies = np.full(len(times), np.nan) if self._companies is None else self._companies.at(times)
        columns = [companies.astype(np.float64), traded.astype(np.float64)]
        for index, values in zip(self._indices, (np.where(known > 0, equal, np.nan), weighted), strict=False):
            columns += index.push(times, values)
        for place in range(len(self._windows.averages)):
            state = digits // (2.0 * 3.0**place) % 3
            having, above = (np.add.reduceat((state >= least).astype(np.int64), begins) for least in (1, 2))
            columns.append(np.where(having > 0, above / np.maximum(having, 1), np.nan))
        return times, columns


class _Index:
    """An index of returns, its averages and volatility."""

    def __init__(self, windows: Windows) -> None:
        self._level: float | None = None
        self._averages = [SMA(CountWindow(bars), Options()) for bars in windows.averages]
        self._deviation = Std(CountWindow(windows.volatility), Options())

    def push(self, times: Ints, returns: Floats) -> list[Floats]:
        """Levels, returns, volatility and averages at the next times; NaN where there is none."""
        known = ~np.isnan(returns)
        returns = np.where(known & (np.abs(returns) < _LEAST), 0.0, returns)
        factors = np.where(known, 1.0 + returns, 1.0)
        if self._level is None:
            self._level, factors[0] = _BASE, 1.0
        levels = np.cumprod(np.append(self._level, factors))[1:]
        self._level = float(levels[-1])
        none = np.zeros(0, np.int64)
        deviations = np.full(len(times), np.nan)
        deviations[known] = self._deviation.push(times[known], returns[known], none)
        return [levels, returns, deviations, *(one.push(times, levels, none) for one in self._averages)]


# All symbols.


def told(names: set[str], constituents: Constituents) -> Iterator[str]:
    """What to say of symbols that are among the bars, or in the file, alone."""
    without = [name for name in names if {one.sector for one in constituents.sectors_of(name)} == {NONE}]
    absent, path = set(constituents.members) - names, constituents.path
    if without:
        yield (
            f"--constituents {path}: has no sector of {told_symbols(without)}, which are under {NONE!r} now; add their"
            " lines"
        )
    if absent:
        yield f"--constituents {path}: no bar is of {told_symbols(absent)}; check how the inputs write symbols"


def write_symbols(names: Iterable[str], constituents: Constituents, form: Format = TEXT) -> None:
    """Writes a part with all symbols that have bars, SYMBOL <tab> SECTOR <tab> date added <tab> date removed."""
    with written_part(SYMBOLS, MEMBERSHIPS, form, dated=True) as write:
        for name in sorted(names):
            for one in constituents.sectors_of(name):
                days = (b"" if day is None else format_times(np.array([day * DAY]), True)[0] for day in one[1:])
                write(b"\t".join([encode_symbol(name), encode_symbol(one.sector), *days]) + b"\n")
