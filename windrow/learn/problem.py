"""What is to be forecast of a symbol's bars, and on which of them: to train on, to calibrate with, to test."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import InputError
from windrow.learn.baselines import drift, ridge
from windrow.learn.features import Features
from windrow.learn.intervals import deviations
from windrow.learn.sequences import Distances, Neighbours, Parts, random_split, rows_of_training, split, starts
from windrow.learn.training import Rows, Series
from windrow.sessions import Trading

#: The share of a training part that calibrates intervals, and on which losses are watched, and is not trained on.
CALIBRATED = Fraction(1, 5)


class Dataset(NamedTuple):
    """A symbol's bars, ready for training and testing; arrays of shape (bars,), (bars, features) and (sequences,)."""

    features: Features
    times: Ints
    levels: Floats
    """The column that is forecast."""
    rows: Rows
    targets: Rows
    deviations: Floats
    """Of the column's changes, known before each."""
    train: Ints
    """Starts of the sequences that are trained on; those below are apart from these."""
    calibrate: Ints
    test: Ints
    drift: float
    """The mean change of the training part."""
    ridge: Floats
    """Coefficients of ridge regression on the training part."""
    complete: bool
    """Whether the last bars are a sequence, after which there is a bar to forecast."""
    next_deviation: float
    """Of the change to that bar, known now."""
    width: float
    """The range of the column in the training part."""

    @property
    def series(self) -> Series:
        """What a network is trained on."""
        return Series(self.rows, self.targets, self.train)

    def known_until(self, length: int) -> int:
        """The time (ns) up to which a model may have been fitted or calibrated to these bars."""
        known = [int(part.max()) + length for part in (self.train, self.calibrate) if len(part)]
        return int(self.times[max(known, default=int(self.test[0]) + length - 1)])

    def untrained(self) -> "Dataset":
        """The part that begins with the first sequence that is not trained on."""
        first = int(min(part[0] for part in (self.calibrate, self.test) if len(part)))
        return self._replace(
            times=self.times[first:], levels=self.levels[first:], rows=self.rows[first:], targets=self.targets[first:],
            deviations=self.deviations[first:], train=self.train[:0], calibrate=self.calibrate - first,
            test=self.test - first,
        )  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """Which column is forecast one bar ahead, from sequences of which columns, and how the bars are divided.

    share: of a symbol's bars that are for training, in order of time; with `shuffled` of its sequences, by chance: the
    published leak. gap, trading, across: which bars are neighbours, see windrow/learn/sequences.py.
    """

    columns: tuple[str, ...]
    column: str
    target: str = "change"
    length: int = 10
    share: float = 0.8
    shuffled: bool = False
    gap: int | None = None
    trading: Trading | None = None
    across: bool = False
    seed: int = 0

    def dataset(self, symbol: str, times: Ints, values: list[Floats]) -> Dataset:
        """A symbol's bars (times in ns, strictly ascending, and the values of each column), divided.

        Memory: the bars' features as float32 and five columns more. Raises InputError if the bars are too few, or a
        value is no number.
        """
        begins, neighbours = self._begins(times)
        return self._divided(symbol, times, values, begins, neighbours, *self._parts(begins, len(times)))

    def walks(self, symbol: str, times: Ints, values: list[Floats], walks: int) -> list[Dataset]:
        """The same, divided walk by walk: of `walks` + 1 equal parts of the bars, the first k train, the next tests."""
        begins, neighbours = self._begins(times)
        datasets = []
        for walk in range(1, walks + 1):
            until = rows_of_training(len(times), Fraction(walk + 1, walks + 1))
            inside = begins[begins + self.length < until]
            parts = split(inside, self.length, len(times), Fraction(walk, walks + 1))
            cut = rows_of_training(len(times), Fraction(walk, walks + 1))
            datasets.append(self._divided(symbol, times, values, begins, neighbours, parts, cut))
        return datasets

    def all_tested(self, symbol: str, times: Ints, values: list[Floats], features: Features) -> Dataset:
        """New bars, for a model with these features: all of their sequences test it. Raises InputError for too few."""
        begins, neighbours = self._begins(times)
        if len(times) < self.length:
            raise InputError(
                f"{symbol}: has {len(times):,} bars, and its model forecasts from the last {self.length:,}; give more"
                " bars, or leave it out with --symbols"
            )
        known, none = neighbours.follows(times), begins[:0]
        levels = values[self.columns.index(self.column)]
        spread = deviations(np.diff(levels, prepend=levels[:1]), known)
        return Dataset(
            features, times, levels, features.rows(values), features.targets(values), spread[:-1], none, none, begins,
            0.0, np.empty(0), self._is_complete(known), float(spread[-1]), 0.0,
        )  # fmt: skip

    def _begins(self, times: Ints) -> tuple[Ints, Neighbours]:
        distances = Distances()
        distances.add(times)
        neighbours = Neighbours(distances.usual, self.gap, self.trading, self.across)
        return starts(times, self.length, neighbours), neighbours

    def _parts(self, begins: Ints, bars: int) -> tuple[Parts, int]:
        if self.shuffled:
            return random_split(begins, self.share, self.seed), bars
        return split(begins, self.length, bars, self.share), rows_of_training(bars, self.share)

    def _divided(
        self,
        symbol: str,
        times: Ints,
        values: list[Floats],
        begins: Ints,
        neighbours: Neighbours,
        parts: Parts,
        cut: int,
    ) -> Dataset:
        if self.shuffled:
            train, calibrate = random_split(parts.train, float(1 - CALIBRATED), self.seed + 1)
        else:
            train, calibrate = split(parts.train, self.length, cut, 1 - CALIBRATED)
        if not (len(train) and len(parts.test)):
            raise InputError(_too_few(symbol, len(times), self.length, len(train), len(parts.test)))
        following = train + self.length
        features = Features.fit(self.columns, self.column, self.target, values, following)
        levels = values[self.columns.index(self.column)]
        rows, targets, changes = features.rows(values), features.targets(values), np.diff(levels, prepend=levels[:1])
        known = neighbours.follows(times)
        spread = deviations(changes, known)
        return Dataset(
            features, times, levels, rows, targets, spread[:-1], train, calibrate, parts.test,
            drift(changes[following]), ridge(rows, targets.astype(np.float64), train, self.length),
            self._is_complete(known), float(spread[-1]), float(np.ptp(levels[: following.max() + 1])),
        )  # fmt: skip

    def _is_complete(self, known: Mask) -> bool:
        return bool(len(known) >= self.length and known[len(known) - self.length + 1 :].all())

    def of(self, features: Features) -> "Problem":
        """The same with the columns and the target that a model was trained with."""
        return replace(self, columns=features.columns, column=features.column, target=features.target)


def _too_few(symbol: str, bars: int, length: int, train: int, test: int) -> str:
    return (
        f"{symbol}: has {bars:,} bars, in which {train:,} sequences of {length} bars and the one after are to train on"
        f" and {test:,} to test, and there must be one of each; give a smaller --length, or more bars; where gaps cut"
        " them, see --gap and --across"
    )
