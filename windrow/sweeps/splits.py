"""Splits: a series in sections, backtests over runs of them, and the parts that they are read as.

    none                 |--------------- all ---------------|
    --split 0.7          |-------- train --------|-- test ---|
    --split-at TIME      |--- train, before it ---|-- test --|
    --walk-forward 3     |train 1 |test 1  |
                         |---- train 2 ----|test 2  |
                         |--------- train 3 --------|test 3  |
    --rolling            |train 1 |test 1  |
                                  |train 2 |test 2  |
                                           |train 3 |test 3  |

An embargo ends every train so many bars before its test, which keeps all of its bars. It may be longer than a part: the
train of a walk may then end before the test of the walk before begins, or have no bars at all.

A split by share, and walk-forward, must know how many bars a series has before they are processed. A first MapReduce
step could count them, but that reads, parses and merges everything twice. Instead the reducer holds a series' merged
bars back while it counts them: some thousands in memory, the rest in a temporary file on its own disk, as blocks
(sort_keys/blocks.py) of some bytes per bar; then it processes them. Memory stays constant, and one shuffle is enough.
Measured: 75 ns per bar, as much as two pairs cost. A split by time, or none, does not need this.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np

from sort_keys.blocks import Columns, read_blocks, write_blocks
from sort_keys.keys import split_records
from sort_keys.merge import Piece
from sort_keys.slots import Slots
from windrow.errors import UsageError
from windrow.times import parse_times

#: Bars of a series that are held back in memory; further ones go to disk.
_IN_MEMORY = 1 << 16
_ONE_SLOT = Slots(1 << 62)


@dataclass(frozen=True)
class Run:
    """Backtests that begin with a section and are read at the ends of some sections: the part's name by section.

    again: the same under further names, as what is tested on one walk may be what the next one is trained on.
    """

    begins: int
    reads: dict[int, str]
    again: dict[int, str] = field(default_factory=dict)

    @property
    def ends(self) -> int:
        """The section at whose end they are over."""
        return max([*self.reads, *self.again])

    def names(self, section: int) -> list[str]:
        """The parts that are read at the end of a section."""
        return [reads[section] for reads in (self.reads, self.again) if section in reads]


class Walk(NamedTuple):
    """The part on which pairs are chosen, and the one on which they are tested out of sample, if there is one."""

    train: str
    test: str | None


@dataclass(frozen=True)
class Split:
    """How a series is cut into sections: by share, by time (ns), in equal ones, or not at all.

    sections: how many. share: the first of two sections has floor(share x bars) bars. time: the second of two sections
    begins at it. With neither they are equal: section i of n ends before bar floor((i + 1) x bars / n), so that their
    numbers of bars differ by at most one. rolling: whether each walk is trained on one section, in place of all before
    its test. embargo: bars at the end of a train that are left out.
    """

    sections: int = 1
    share: Fraction | None = None
    time: int | None = None
    rolling: bool = False
    embargo: int = 0

    def __post_init__(self) -> None:
        if self.embargo < 0:
            raise UsageError(f"--embargo {self.embargo}: it is a number of bars between train and test; use 0 or more")
        if self.embargo and self.sections == 1:
            raise UsageError(
                f"--embargo {self.embargo}: is between train and test, but all bars are one part; add --split,"
                " --split-at or --walk-forward, or leave it out"
            )

    @property
    def walks(self) -> list[Walk]:
        """From train to test, in order of time."""
        if self.sections == 1:
            return [Walk("all", None)]
        if self.share is not None or self.time is not None:
            return [Walk("train", "test")]
        return [Walk(f"train {number}", f"test {number}") for number in range(1, self.sections)]

    @property
    def runs(self) -> list[Run]:
        """The runs of backtests without an embargo: see `_runs`."""
        return self._runs(range(self.sections), range(self.sections))

    def _runs(self, parts: Sequence[int], trains: Sequence[int]) -> list[Run]:
        """The runs of backtests, in the order in which they begin: all trains are one, read at several ends.

        parts, trains: the section with which each part ends, and the one with which the train of its walk does. Rolling
        trains are the tests of the walks before, and may end before these.
        """
        read = {trains[number]: walk.train for number, walk in enumerate(self.walks)}
        tests = [
            Run(parts[number - 1] + 1, {parts[number]: walk.test})
            for number, walk in enumerate(self.walks, 1)
            if walk.test is not None
        ]
        if not self.rolling:
            return [Run(0, read), *tests]
        first, *others = read.items()
        last = len(tests) - 1
        return [
            Run(0, dict([first])),
            *(replace(test, again=dict([others[at]] if at < last else [])) for at, test in enumerate(tests)),
        ]

    def cut(self, pieces: Iterable[Piece]) -> Iterator[Iterator[Piece]]:
        """The pieces of each section, in order; a section may be empty. Read each to its end before the next one.

        Memory: a piece; where the bars must be counted first, also those held back.

        >>> bars = Piece(np.arange(7), [np.arange(7.0)])
        >>> [[piece.times.tolist() for piece in section] for section in Split(3).cut([bars])]
        [[[0, 1]], [[2, 3]], [[4, 5, 6]]]
        """
        return (section for _, section in self.planned(pieces))

    def planned(self, pieces: Iterable[Piece]) -> Iterator[tuple[list[Run], Iterator[Piece]]]:
        """The same, each with all runs over this series."""
        if self.sections == 1:
            yield self.runs, iter(pieces)
        elif self.time is not None and not self.embargo:
            yield from ((self.runs, section) for section in _cut_at_time(pieces, self.time))
        else:
            before = Before(pieces, self.time)
            with held_back(before) as (bars, again):
                runs, cuts = self._plan([before.bars, bars] if self.time is not None else self.ends(bars))
                yield from ((runs, section) for section in _cut_at_bars(again, cuts))

    def _plan(self, ends: list[int]) -> tuple[list[Run], list[int]]:
        """The runs over parts that end there, and where sections end: with the parts and, before those, with trains."""
        if not self.embargo:
            return self.runs, ends
        begins = [0, *ends] if self.rolling else [0] * len(ends)
        marks = [(end, 0, part) for part, end in enumerate(ends)]
        marks += [(max(end - self.embargo, begins[part]), 1, part) for part, end in enumerate(ends[:-1])]
        marks.sort()
        places = {mark[1:]: section for section, mark in enumerate(marks)}
        parts, trains = ([places[kind, part] for part in range(len(ends) - kind)] for kind in (0, 1))
        return self._runs(parts, trains), [end for end, *_ in marks]

    def ends(self, bars: int) -> list[int]:
        """Where the sections of a series with a number of bars end.

        >>> Split(2, share=Fraction("0.29")).ends(100)
        [29, 100]
        """
        if self.share is not None:
            return [int(self.share * bars), bars]
        return [number * bars // self.sections for number in range(1, self.sections + 1)]


def split_by_share(text: str) -> Split:
    """The split after a share of the bars, read as the decimal that is written. Raises UsageError.

    >>> split_by_share("0.7").share
    Fraction(7, 10)
    """
    if not re.fullmatch(r"0?\.[0-9]{1,30}", text, re.ASCII) or not Fraction(text):
        raise UsageError(
            f"--split {text}: the share of a series' bars to train on is a decimal above 0 and below 1; use e.g. 0.7"
        )
    return Split(2, share=Fraction(text))


def split_at(text: str, timezone: str = "UTC") -> Split:
    """The split at a time; a bar at that time is in the test part. Raises UsageError for a text that is not a time.

    >>> split_at("1970-01-02").time
    86400000000000
    """
    raw = np.frombuffer(text.encode(), np.uint8)
    times = parse_times(raw, np.array([0, len(raw)]), timezone)
    if not times.ok[0]:
        raise UsageError(
            f"--split-at {text}: does not parse as a time: the test begins at a date, or a date with a time of day; use"
            " e.g. 2024-01-31 or 2024-01-31T09:30"
        )
    return Split(2, time=int(times.ns[0]))


class Before:
    """Pieces, of which it counts the bars before a time as they pass; none without one."""

    def __init__(self, pieces: Iterable[Piece], time: int | None) -> None:
        self._pieces, self._time, self.bars = pieces, time, 0

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._pieces:
            if self._time is not None:
                self.bars += int(np.searchsorted(piece.times, self._time))
            yield piece


def walk_forward(walks: int, rolling: bool = False) -> Split:
    """The split into a number of walks. Raises UsageError for a number below 1.

    >>> [run.reads for run in walk_forward(2).runs]
    [{0: 'train 1', 1: 'train 2'}, {1: 'test 1'}, {2: 'test 2'}]
    """
    if walks < 1:
        raise UsageError(f"--walk-forward {walks}: it is the number of walks from train to test; use 1 or more")
    return Split(walks + 1, rolling=rolling)


def parse_split(
    share: str | None = None,
    at: str | None = None,
    walks: int | None = None,
    timezone: str = "UTC",
    rolling: bool = False,
    embargo: int = 0,
) -> Split:
    """The split that one of these options asks for; without any, all bars are one part. Raises UsageError."""
    if rolling and walks is None:
        raise UsageError("--rolling: is of walks from train to test; add --walk-forward N, or leave it out")
    return replace(_parse_split(share, at, walks, timezone, rolling), embargo=embargo)


def _parse_split(share: str | None, at: str | None, walks: int | None, timezone: str, rolling: bool) -> Split:
    options = {"--split": share, "--split-at": at, "--walk-forward": walks}
    given = [f"{name} {value}" for name, value in options.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' '.join(given)}: a series is split one way; use one of them")
    if share is not None:
        return split_by_share(share)
    if at is not None:
        return split_at(at, timezone)
    return Split() if walks is None else walk_forward(walks, rolling)


def _cut_at_time(pieces: Iterable[Piece], time: int) -> Iterator[Iterator[Piece]]:
    source = iter(pieces)
    rest: list[Piece] = []

    def before() -> Iterator[Piece]:
        for piece in source:
            at = int(np.searchsorted(piece.times, time))
            if at < len(piece.times):
                rest.append(piece)
                yield from _rows(piece, 0, at)
                return
            yield piece

    def after() -> Iterator[Piece]:
        for piece in rest:
            yield from _rows(piece, int(np.searchsorted(piece.times, time)), len(piece.times))
        yield from source

    yield before()
    yield after()


def _cut_at_bars(pieces: Iterable[Piece], ends: list[int]) -> Iterator[Iterator[Piece]]:
    source = iter(pieces)
    rest: list[Piece] = []

    def section(bars: int) -> Iterator[Piece]:
        while bars:
            piece = rest.pop() if rest else next(source)
            at = min(bars, len(piece.times))
            rest.extend(_rows(piece, at, len(piece.times)))
            yield from _rows(piece, 0, at)
            bars -= at

    begin = 0
    for end in ends:
        yield section(end - begin)
        begin = end


def _rows(piece: Piece, start: int, end: int) -> list[Piece]:
    """These rows of a piece, where there are any."""
    if start == end:
        return []
    return [Piece(piece.times[start:end], [value[start:end] for value in piece.values])]


@contextmanager
def held_back(pieces: Iterable[Piece]) -> Iterator[tuple[int, Iterator[Piece]]]:
    """How many bars a series' pieces hold, and the pieces again, in order, until the `with` block ends.

    Reads all of them; the first bars wait in memory, the others on disk, in a file without a name.

    >>> with held_back([Piece(np.array([5, 6]), [np.array([1.0, 2.0])])]) as (bars, again):
    ...     bars, list(again)
    (2, [Piece(times=array([5, 6]), values=[array([1., 2.])])])
    """
    first: list[Piece] = []
    bars = columns = 0
    with TemporaryFile(prefix="windrow-") as file:
        for piece in pieces:
            bars, columns = bars + len(piece.times), len(piece.values)
            if bars <= _IN_MEMORY:
                first.append(piece)
            else:
                held = Columns([""], np.zeros(1, np.int64), piece.times, piece.values)
                file.writelines(write_blocks(held, _ONE_SLOT, _IN_MEMORY))
        file.seek(0)
        yield bars, chain(first, (_read(line, columns) for line in file))


def _read(line: bytes, columns: int) -> Piece:
    _, times, payloads = split_records([line])
    return Piece(*read_blocks(times, payloads, columns)[1:])
