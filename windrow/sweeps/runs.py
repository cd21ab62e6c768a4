"""Backtests of all pairs of a grid over one series, in one pass over its bars.

    bars ->          |---- block ----|---- block ----|
    averages         one row per window, both axes of the grid
    trends           one row per pair: a fast row against the slow rows of its pairs, at once
    backtests        some hundred pairs side by side, block by block

Averages and positions of all pairs advance block by block, as arrays. A block's bars and pairs stay in the cache.
Memory: some numbers per pair and per window, a block, and the bars of the longest window.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from sort_keys.merge import Piece
from windrow.arrays import Floats, Ints, Mask, Signs
from windrow.errors import UsageError
from windrow.sweeps.averages import averages
from windrow.sweeps.grid import Axis, Cell, Grid
from windrow.sweeps.splits import Run, Split
from windrow.sweeps.stitched import Follower
from windrow.trading.backtests import Backtests, Rules
from windrow.trading.day_returns import Moments
from windrow.trading.figure_rows import FigureRows
from windrow.trading.measures import Measures
from windrow.trading.notices import Notices
from windrow.trading.signals import NOT_FULL
from windrow.windows import Options

#: Takes of how many bars, times the share of all pairs that was tried on them, and pairs x bars.
Progress = Callable[[float, int], object]
#: Pairs whose backtests are run side by side.
_PAIRS = 512
#: Bars of a block: its trends then take a MB, and averages of some hundred windows some MB.
_BARS = 2048


class Part(NamedTuple):
    """The results of every pair, in order, over one part of a series."""

    name: str
    figures: FigureRows
    returns: Moments


@dataclass(frozen=True)
class Sweep:
    """What is tried on each series, and how.

    column: of the prices that are averaged. cold: averages, and the sign against which a cross is judged, restart at a
    test part; otherwise they continue from the bars before it. shards: number of sweeps that share a series' pairs,
    dealt out like cards. dated: whether figures have dates in place of
    times. measures: what figures are measured by. Raises UsageError for shards below 1.
    """

    grid: Grid
    rules: Rules = field(default_factory=Rules)
    column: str = "close"
    split: Split = field(default_factory=Split)
    cold: bool = False
    options: Options = field(default_factory=Options)
    shards: int = 1
    dated: bool = False
    measures: Measures = field(default_factory=Measures)

    def __post_init__(self) -> None:
        if self.shards < 1:
            raise UsageError(f"--shards {self.shards}: a symbol's pairs go to 1 reducer or more; use 1 or more")

    @property
    def columns(self) -> list[str]:
        """The columns of bars that it needs, in order."""
        lines = (name for axis in (self.grid.fast, self.grid.slow) for name in axis.columns(self.column))
        return list(dict.fromkeys([*self.rules.columns(self.column), *lines]))

    @property
    def longer(self) -> str:
        """How lines get more bars before the end of a part."""
        if self.split.sections == 1:
            return "more bars"
        if self.split.embargo:
            return "longer parts, or a smaller --embargo"
        return "leave out --cold" if self.cold else "longer parts"

    def pairs(self, shard: int = 0) -> list[Cell]:
        """The pairs of a shard, in ascending order."""
        return [pair for chunk in _chunks(self.grid, self.shards, shard) for pair in chunk.pairs]

    def parts(
        self,
        pieces: Iterable[Piece],
        shard: int = 0,
        progress: Progress | None = None,
        notices: Notices | None = None,
        follow: "Follow | None" = None,
    ) -> Iterator[Part]:
        """Each part of a series, in order of `walks`, as soon as its last bar has been read.

        No part where there are fewer pairs than shards, and this one has none. `progress` is called often.
        `notices` gets what a user must be told of the runs; `follow` follows pairs through their tests.
        """
        if not self.pairs(shard):
            return
        names = [name for walk in self.split.walks for name in walk if name is not None]
        yield from in_order(self._read(pieces, _Tests(self, shard, notices or Notices(), follow), progress), names)

    def _read(self, pieces: Iterable[Piece], tests: "_Tests", progress: Progress | None) -> Iterator[Part]:
        for number, (runs, section) in enumerate(self.split.planned(pieces)):
            tests.begin(number, runs)
            for piece in section:
                tests.push(piece, progress)
            yield from tests.read(number)


def in_order(parts: Iterable[Part], names: Sequence[str]) -> Iterator[Part]:
    """Parts in the order of their names; one that is early waits.

    >>> parts = [Part(name, [], None) for name in ("train 1", "train 2", "test 1")]
    >>> [part.name for part in in_order(parts, ["train 1", "test 1", "train 2"])]
    ['train 1', 'test 1', 'train 2']
    """
    waiting: dict[str, Part] = {}
    left = list(reversed(names))
    for part in parts:
        waiting[part.name] = part
        while left and left[-1] in waiting:
            yield waiting.pop(left.pop())


class Follow(NamedTuple):
    """Who follows pairs through tests, and which one, by the results on train; None: none is to be followed."""

    follower: Follower
    choose: Callable[[Part], int | None]


class _Tests:
    """The runs of a split over one series, while its bars are read."""

    def __init__(self, sweep: Sweep, shard: int, notices: Notices, follow: Follow | None) -> None:
        self._notices, self._follow = notices, follow
        self._chosen: dict[str, int | None] = {}  # by the test on which the pair is followed
        self._followed: tuple[Run, int | None] | None = None
        self._tests = {walk.train: walk.test for walk in sweep.split.walks if walk.test is not None}
        self._sweep, self._columns, self._chunks = sweep, sweep.columns, _chunks(sweep.grid, sweep.shards, shard)
        self._lines: dict[int, _Lines] = {}  # by the section in which they begin
        self._running: dict[int, tuple[Run, list[Backtests]]] = {}  # likewise
        self._warms = not sweep.cold and sweep.split.sections > 1
        self._room = np.empty((2, max(len(chunk.pairs) for chunk in self._chunks) * _BARS), bool)
        self._pairs = sum(len(chunk.pairs) for chunk in self._chunks)
        self._share = self._pairs / len(_pairs(sweep.grid))
        self._signs = [np.zeros(len(chunk.pairs), np.int8) for chunk in self._chunks]  # at the last bar, unless cold

    def begin(self, number: int, runs: Sequence[Run]) -> None:
        """Begins those of a series' runs that begin with a section."""
        for run in runs:
            if run.begins == number:
                self._lines.setdefault(self._origin(run), _Lines(self._sweep))
                self._running[number] = run, [self._backtests(*chunk) for chunk in enumerate(self._chunks)]
                if self._follow:
                    self._begin_following(run, self._follow.follower)

    def _begin_following(self, run: Run, follower: Follower) -> None:
        """Follows the pair that was chosen for a test that begins."""
        for walk, test in enumerate(self._tests.values()):
            if test in run.reads.values():
                pair = self._chosen.get(test)
                self._followed = run, pair
                sign = None if pair is None else self._signs[pair // _PAIRS][[pair % _PAIRS]]
                follower.begin(walk, sign)

    def _origin(self, run: Run) -> int:
        return run.begins if self._sweep.cold else 0

    def _backtests(self, number: int, chunk: "_Chunk") -> Backtests:
        sweep = self._sweep
        return Backtests(sweep.rules, len(chunk.pairs), signs=self._signs[number], measures=sweep.measures)

    def push(self, piece: Piece, progress: Progress | None) -> None:
        """Takes the section's next bars, with the sweep's columns."""
        for at in range(0, len(piece.times), _BARS):
            block = slice(at, at + _BARS)
            prices = zip(self._columns, piece.values, strict=True)
            self._push(piece.times[block], {name: values[block] for name, values in prices})
            if progress:
                progress(self._share * len(piece.times[block]), self._pairs * len(piece.times[block]))

    def _push(self, times: Ints, prices: dict[str, Floats]) -> None:
        followed: Signs | None = None
        for origin, lines in self._lines.items():
            averaged = lines.push(times, prices)
            running = [tests for run, tests in self._running.values() if self._origin(run) == origin]
            for number, chunk in enumerate(self._chunks):
                trend = chunk.trend(averaged, self._room)
                if self._is_followed(number, origin):
                    followed = trend[:, [self._column]]
                for tests in running:
                    tests[number].push(times, prices.get("open"), prices["close"], trend)
                if self._warms:
                    self._signs[number] = last_signs(trend, self._signs[number])

        if self._follow and self._followed:
            self._follow.follower.push(times, prices.get("open"), prices["close"], followed)

    def _is_followed(self, chunk: int, origin: int) -> bool:
        """Whether the pair that is followed is in a chunk, with the averages that begin there."""
        if self._followed is None or self._followed[1] is None:
            return False
        run, pair = self._followed
        return pair is not None and pair // _PAIRS == chunk and self._origin(run) == origin

    @property
    def _column(self) -> int:
        """Where in its chunk the pair is that is followed."""
        assert self._followed is not None and self._followed[1] is not None
        return self._followed[1] % _PAIRS

    def read(self, number: int) -> Iterator[Part]:
        """The parts that end with a section, those that began last first; ends the runs that are complete."""
        for begins, (run, tests) in reversed(list(self._running.items())):
            if names := run.names(number):
                figures, moments = zip(*(test.results(self._sweep.dated) for test in tests), strict=True)
                self._notices.add(*((test.orders, test.full) for test in tests))
                results = FigureRows.joined(figures), _joined(moments)
                for part in (Part(name, *results) for name in names):
                    if self._follow and part.name in self._tests:
                        self._chosen[self._tests[part.name]] = self._follow.choose(part)
                    yield part
            if number == run.ends:
                del self._running[begins]
                if self._sweep.cold:
                    del self._lines[begins]


def _joined(parts: Sequence[Moments]) -> Moments:
    """The moments of all runs' returns."""
    count, *moments = zip(*parts, strict=True)
    return Moments(count[0], *map(np.concatenate, moments))


def last_signs(trend: Signs, before: Signs) -> Signs:
    """The last sign of each column of (bars, pairs) that is 1 or -1; where there is none, that of `before`.

    >>> trend = np.array([[-2, 1, -1, 0], [-2, 0, 0, 0], [0, 0, 1, 0]], np.int8)
    >>> last_signs(trend, before=np.array([0, -1, 1, -1], np.int8)).tolist()
    [0, 1, 1, -1]
    """
    signs: Signs = trend[-1].copy()
    tied = np.flatnonzero(signs == 0)
    back = trend[::-1, tied] != 0
    signs[tied] = np.where(back.any(axis=0), trend[::-1, tied][back.argmax(axis=0), np.arange(len(tied))], before[tied])
    signs[signs == NOT_FULL] = 0
    return signs


class _Averaged(NamedTuple):
    """Averages of the fast axis and of the slow one, (windows, bars) each; and where they are NaN, up to the last bar
    at which any is.
    """

    fast: Floats
    slow: Floats
    missing: tuple[Mask, Mask]


class _Lines:
    """The averages of both axes from some bar on; where both axes are alike but for windows, each window once."""

    def __init__(self, sweep: Sweep) -> None:
        axes = (sweep.grid.fast, sweep.grid.slow)
        windows: dict[Axis, set[int]] = {}
        for axis in axes:
            windows.setdefault(replace(axis, windows=()), set()).update(axis.windows)
        wide = {like: replace(like, windows=tuple(sorted(each))) for like, each in windows.items()}
        self._averages = {
            like: (averages(axis, sweep.options), axis.columns(sweep.column)) for like, axis in wide.items()
        }
        self._rows = [
            (like, np.searchsorted(wide[like].windows, axis.windows))
            for axis in axes
            for like in [replace(axis, windows=())]
        ]

    def push(self, times: Ints, prices: dict[str, Floats]) -> _Averaged:
        """The next bars' averages."""
        lines = {
            like: lines.push(times, *(prices[name] for name in names))
            for like, (lines, names) in self._averages.items()
        }
        fast, slow = (lines[like][rows] for like, rows in self._rows)
        missing = np.isnan(fast), np.isnan(slow)
        bars = int(np.flatnonzero(missing[0].any(axis=0) | missing[1].any(axis=0)).max(initial=-1)) + 1
        return _Averaged(fast, slow, (missing[0][:, :bars], missing[1][:, :bars]))


@lru_cache(maxsize=64)
def _pairs(grid: Grid) -> list[Cell]:
    """All pairs of a grid, which are the same for every series."""
    return grid.pairs()


@lru_cache(maxsize=64)
def _chunks(grid: Grid, shards: int, shard: int) -> list["_Chunk"]:
    """A shard's pairs in chunks, which are the same for every series."""
    pairs = _pairs(grid)[shard::shards]
    return [_Chunk(grid, pairs[at : at + _PAIRS]) for at in range(0, len(pairs), _PAIRS)]


class _Chunk:
    """Some pairs, ascending, that are run side by side; those of one fast window are compared at once."""

    def __init__(self, grid: Grid, pairs: Sequence[Cell]) -> None:
        self.pairs = pairs
        self._groups: list[tuple[int, slice, slice]] = []
        at = 0
        for fast, group in groupby(pairs, itemgetter(0)):
            ends = [pair[1] for pair in group]
            first, last = np.searchsorted(grid.slow.windows, [ends[0], ends[-1]]).tolist()
            rows = slice(first, last + 1, max(1, (last - first) // max(1, len(ends) - 1)))
            self._groups.append((grid.fast.windows.index(fast), rows, slice(at, at + len(ends))))
            at += len(ends)

    def trend(self, averaged: _Averaged, room: Mask) -> Signs:
        """Signs of fast - slow, (bars, pairs), as `signals.trend` returns them, in `room`, which the next call reuses.

        A pair's signs are contiguous in memory.
        """
        shape = len(self.pairs), averaged.fast.shape[1]
        above, below = room[:, : shape[0] * shape[1]].reshape(2, *shape)
        for fast, slow, pairs in self._groups:
            np.greater(averaged.fast[fast], averaged.slow[slow], out=above[pairs])
            np.less(averaged.fast[fast], averaged.slow[slow], out=below[pairs])
        signs: Signs = above.view(np.int8)
        signs -= below.view(np.int8)
        if bars := averaged.missing[0].shape[1]:
            for fast, slow, pairs in self._groups:
                signs[pairs, :bars][averaged.missing[0][fast] | averaged.missing[1][slow]] = NOT_FULL
        return signs.T
