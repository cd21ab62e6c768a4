"""Sequences of many symbols, in parts to train on and to test: windrow/learn/sequences.py.

Which bars are neighbours depends on the distance that is usual among all bars of a symbol, and how many of them are for
training on how many there are. So a survey (windrow/mapreduce/survey.py) tells both before the bars come again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from sort_keys.merge import Piece, Stretch, by_symbol
from windrow.arrays import Mask
from windrow.learn.sequences import (
    Distances,
    Neighbours,
    Sequences,
    Windows,
    are_of_days,
    random_split,
    split,
)
from windrow.sessions import Trading
from windrow.times import format_duration

#: Values of sequences that are made at a time.
_AT_ONCE = 1 << 18
TRAIN, TEST = PARTS = ("train", "test")
#: What is counted of symbols: those with bars of days, and those that are left out, having too few bars.
OF_DAYS, LEFT_OUT = "of days", "left out"
LEAK = "sequences of train and test overlap, so the test was seen in training, and its error is too small"


class Apart:
    """Tells how many bars a symbol has, and what distance is usual among them; `must`: whether one must be.

    >>> one = Apart()
    >>> one.push(Piece(np.array([0, 60, 120]), []))
    >>> one.summary()
    {'bars': 3, 'usual': 60}
    """

    def __init__(self, must: bool = True) -> None:
        self._distances, self._bars = Distances(must), 0

    def push(self, piece: Piece) -> None:
        """Takes the next bars, in order of time."""
        self._bars += len(piece.times)
        self._distances.add(piece.times)

    def summary(self) -> dict[str, int]:
        """The number of bars, and the usual distance, ns."""
        return {"bars": self._bars, "usual": self._distances.usual}


@dataclass(frozen=True)
class Splitting:
    """How sequences are parted: by the first share of a symbol's bars, at a time (ns), or at random."""

    share: Fraction = Fraction(4, 5)
    at: int | None = None
    random: bool = False
    seed: int = 0

    def parts(self, windows: Windows, length: int, bars: int, symbol: bytes) -> tuple[Mask, Mask]:
        """Which sequences are for training, and which for the test, of a symbol with a number of bars."""
        if self.at is not None:
            return windows.times < self.at, windows.begins >= self.at
        if self.random:
            found = random_split(windows.first, self.share, self.seed ^ crc32(symbol))
        else:
            found = split(windows.first, length, bars, self.share)
        return np.isin(windows.first, found.train), np.isin(windows.first, found.test)


class Plan(NamedTuple):
    """What sequences are made: `length` bars of the first `inputs` columns, and what follows in column `target`."""

    length: int
    inputs: int
    target: int
    splitting: Splitting
    gap: int | None = None
    trading: Trading | None = None
    across: bool = False

    def neighbours(self, usual: int) -> Neighbours:
        """Which bars of a symbol are neighbours."""
        return Neighbours(usual, self.gap, self.trading, self.across)


class Told(NamedTuple):
    """A symbol, figures of its sequences, and whether its bars are those of days."""

    symbol: bytes
    figures: dict[str, Any]
    of_days: bool


#: Takes a symbol's next sequences of a part.
Take = Callable[[bytes, str, Windows], object]


def sequenced(bars: Iterable[tuple[Stretch, list[Any]]], plan: Plan, take: Take) -> Iterator[Told]:
    """What is told of each symbol, once `take` has got all its sequences, from bars and what `Apart` told of them.

    Memory: `length` bars, and a quarter of a million values of sequences, in copies.
    """
    summaries: list[Any] = []

    def stretches() -> Iterator[Stretch]:
        for stretch, its in bars:
            summaries.extend(its)
            yield stretch

    for symbol, pieces in by_symbol(stretches()):
        summary = summaries.pop(0)
        yield Told(symbol, _sequences_of(symbol, pieces, summary, plan, take), are_of_days(summary["usual"]))


def _sequences_of(
    symbol: bytes, pieces: Iterable[Piece], summary: dict[str, int], plan: Plan, take: Take
) -> dict[str, Any]:
    made, counts = Sequences(plan.length, plan.neighbours(summary["usual"])), Counter[str]()
    for piece in pieces:
        for few in _cut(piece, max(1, _AT_ONCE // (plan.length * plan.inputs))):
            windows = made.push(few.times, few.values)
            counts["sequences"] += len(windows.first)
            masks = plan.splitting.parts(windows, plan.length, summary["bars"], symbol)
            for part, mask in zip(PARTS, masks, strict=True):
                counts[part] += int(mask.sum())
                take(symbol, part, windows.where(mask))
    return _figures(summary, counts, plan.splitting)


def _cut(piece: Piece, bars: int) -> Iterator[Piece]:
    for at in range(0, len(piece.times), bars):
        yield Piece(piece.times[at : at + bars], [value[at : at + bars] for value in piece.values])


def _figures(summary: dict[str, int], counts: Counter[str], splitting: Splitting) -> dict[str, Any]:
    """What is told of a symbol."""
    total, train, test = counts["sequences"], counts[TRAIN], counts[TEST]
    told: dict[str, Any] = {
        "bars": summary["bars"],
        "apart": format_duration(summary["usual"]) if summary["usual"] else None,
        "sequences": total,
        TRAIN: train,
        TEST: test,
        "dropped": total - train - test,
    }
    return told | ({"leak": LEAK} if splitting.random else {})
