"""What is to be forecast of a symbol's bars, and on which of them: to train on, to calibrate with, to test."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints, Mask
from windrow.errors import TooFewError
from windrow.learn.baselines import drift, ridge
from windrow.learn.features import Features
from windrow.learn.intervals import deviations
from windrow.learn.sequences import (
    Distances,
    Neighbours,
    Parts,
    random_split,
    rows_of_training,
    sequences_in,
    split,
)
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
    complete: bool
    """Whether the last bars are a sequence, after which there is a bar to forecast."""
    next_deviation: float
    """Of the change to that bar, known now."""
    width: float
    """The range of the column in the training part."""
    drift: float = 0.0
    """The mean change of the training part."""
    ridge: Floats = np.empty(0)
    """Coefficients of ridge regression on the training part; none: of neither is anything known."""

    def with_baselines(self, length: int) -> "Dataset":
        """The same with what the simple forecasts know of the training part."""
        following = self.train + length
        changes = self.levels[following] - self.levels[following - 1]
        fitted = ridge(self.rows, self.targets.astype(np.float64), self.train, length)
        return self._replace(drift=drift(changes), ridge=fitted)

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
    share: float | Fraction = Fraction(4, 5)
    shuffled: bool = False
    gap: int | None = None
    trading: Trading | None = None
    across: bool = False
    seed: int = 0

    def dataset(self, symbol: str, times: Ints, values: list[Floats]) -> Dataset:
        """A symbol's bars (times in ns, strictly ascending, and the values of each column), divided.

        Memory: the bars' features as float32 and five columns more. Raises TooFewError if there are too few of them, or
        InputError for a value that is no number.
        """
        return self._datasets(symbol, times, values, None)[0]

    def walks(self, symbol: str, times: Ints, values: list[Floats], walks: int) -> list[Dataset]:
        """The same, divided walk by walk: of `walks` + 1 equal parts of the bars, the first k train, the next tests."""
        return self._datasets(symbol, times, values, walks)

    def check(self, symbol: str, times: Ints, walks: int | None = None) -> None:
        """Raises TooFewError if a symbol's bars are too few for `dataset`, or for so many walks."""
        self._divisions(symbol, self._follows(times), walks)

    def all_tested(self, symbol: str, times: Ints, values: list[Floats], features: Features) -> Dataset:
        """New bars, for a model with these features: all of their sequences test it. Raises TooFewError."""
        known = self._follows(times)
        if len(times) < self.length:
            raise TooFewError(
                f"{symbol}: has {len(times):,} bars, and its model forecasts from the last {self.length:,}; give more"
                " bars, or leave it out with --symbols"
            )
        begins = sequences_in(known, self.length)
        levels = values[self.columns.index(self.column)]
        spread, none = self._deviations(levels, known), begins[:0]
        return Dataset(
            features, times, levels, features.rows(values), features.targets(values), spread[:-1], none, none, begins,
            self._is_complete(known), float(spread[-1]), 0.0,
        )  # fmt: skip

    def _datasets(self, symbol: str, times: Ints, values: list[Floats], walks: int | None) -> list[Dataset]:
        known = self._follows(times)
        divisions = self._divisions(symbol, known, walks)
        levels = values[self.columns.index(self.column)]
        spread, complete = self._deviations(levels, known), self._is_complete(known)

        def divided(one: _Division) -> Dataset:
            following = one.train + self.length
            features = Features.fit(self.columns, self.column, self.target, values, following)
            return Dataset(
                features, times, levels, features.rows(values), features.targets(values), spread[:-1], *one, complete,
                float(spread[-1]), float(np.ptp(levels[: following.max() + 1])),
            )  # fmt: skip

        return list(map(divided, divisions))

    def _follows(self, times: Ints) -> Mask:
        # Without a gap that was given, the usual distance decides what one is: there must be one.
        distances = Distances(must=self.gap is None and not self.across)
        distances.add(times)
        return Neighbours(distances.usual, self.gap, self.trading, self.across).follows(times)

    def _divisions(self, symbol: str, known: Mask, walks: int | None) -> list["_Division"]:
        begins, bars = sequences_in(known, self.length), len(known)
        if walks is not None:
            found = [self._walk(begins, bars, walk, walks) for walk in range(1, walks + 1)]
        elif self.shuffled:
            train, test = random_split(begins, self.share, self.seed)
            found = [_Division(*random_split(train, 1 - CALIBRATED, self.seed + 1), test)]
        else:
            parts = split(begins, self.length, bars, self.share)
            found = [self._in_order(parts, rows_of_training(bars, self.share))]
        for one in found:
            if not (len(one.train) and len(one.test)):
                raise TooFewError(_too_few(symbol, bars, self.length, len(one.train), len(one.test)))
        return found

    def _walk(self, begins: Ints, bars: int, walk: int, walks: int) -> "_Division":
        share = Fraction(walk, walks + 1)
        inside = begins[begins + self.length < rows_of_training(bars, Fraction(walk + 1, walks + 1))]
        return self._in_order(split(inside, self.length, bars, share), rows_of_training(bars, share))

    def _in_order(self, parts: Parts, cut: int) -> "_Division":
        """Parts of which the first, of `cut` bars, is divided once more."""
        return _Division(*split(parts.train, self.length, cut, 1 - CALIBRATED), parts.test)

    def _deviations(self, levels: Floats, known: Mask) -> Floats:
        return deviations(np.diff(levels, prepend=levels[:1]), known)

    def _is_complete(self, known: Mask) -> bool:
        return bool(len(known) >= self.length and known[len(known) - self.length + 1 :].all())

    def of(self, features: Features) -> "Problem":
        """The same with the columns and the target that a model was trained with."""
        return replace(self, columns=features.columns, column=features.column, target=features.target)


class _Division(NamedTuple):
    """Starts of the sequences to train on, to calibrate with and to test."""

    train: Ints
    calibrate: Ints
    test: Ints


def _too_few(symbol: str, bars: int, length: int, train: int, test: int) -> str:
    return (
        f"{symbol}: has {bars:,} bars, in which {train:,} sequences of {length} bars and the one after are to train on"
        f" and {test:,} to test, and there must be one of each; give a smaller --length, or more bars; where gaps cut"
        " them, see --gap and --across"
    )
