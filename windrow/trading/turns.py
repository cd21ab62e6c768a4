"""The bars at which a run may place an order, found among the trends of all runs."""

from typing import ClassVar, NamedTuple

import numpy as np

from windrow.arrays import Ints, Mask, Signs, run_starts
from windrow.states import Array, Carries, Resumable
from windrow.trading.rules import Rules
from windrow.trading.signals import NOT_FULL


class Turns(NamedTuple):
    """Bars at which the averages change sides, sorted by run, then bar; all but `starts` of shape (turns,).

    A run's turns are turns[starts[run]:starts[run + 1]]; the last of them is a mark after the bars, with sign 0.
    """

    bars: Ints
    signs: Signs
    starts: Ints


class TurnFinder(Resumable):
    """Finds turns, push by push. State: the last rows, and the sign, of each run.

    With entries by `state` a run's first turn is its first bar with both averages full: averages that are equal there
    count as fast below slow, since a run without a position goes short unless fast > slow; of runs that are only ever
    short, it is the first bar at which they are not equal. With entries by `cross` it is the first cross
    (windrow/trading/signals.py). From then on each turn changes the sign; touching is not a turn.

    Orders filled at the next open are decided on the previous row: then rows are returned one bar late, the last one
    with the next push.

    signs: (runs,), of averages that were full before the first bar, so that the first bar may be a cross; not for
    `state`.
    """

    carries: ClassVar[Carries] = {"_signs": Array(least=-1, most=1), "_rows": Array(least=NOT_FULL, most=1)}

    def __init__(self, rules: Rules, runs: int, signs: Signs | None = None) -> None:
        self._by_cross = rules.entry == "cross"
        self._first_tie = 0 if self._by_cross or rules.side == "short" else -1
        late = 1 if rules.fill == "next-open" else 0
        self._signs = np.zeros(runs, np.int8) if signs is None or not self._by_cross else signs.copy()
        rows = np.where(self._signs == 0, NOT_FULL, self._signs)
        self._rows = np.repeat(rows.astype(np.int8)[:, None], 1 + late, axis=1)

    @property
    def full(self) -> Mask:
        """Which runs had both averages at the last bar."""
        full: Mask = self._rows[:, -1] != NOT_FULL
        return full

    @property
    def pending(self) -> bool:
        """Whether a run may have a turn among the rows that the next push returns first."""
        return bool((self._rows[:, 1:] != self._rows[:, :-1]).any())

    def push(self, trend: Signs) -> tuple[Signs, Turns]:
        """The rows (bars, runs) by which orders at these bars are filled, and the turns among them."""
        bars, runs = trend.shape
        kept = self._rows.shape[1]
        # A run's signs side by side: so turns are found in order of runs.
        rows = np.empty((runs, kept + bars), np.int8)
        rows[:, :kept], rows[:, kept:] = self._rows, trend.T
        self._rows = rows[:, bars:].copy()
        at = np.flatnonzero(rows[:, 1 : bars + 1] != rows[:, :bars])
        run = np.repeat(np.arange(runs), np.diff(np.searchsorted(at, np.arange(runs + 1) * bars)))
        bar, at = at - run * bars, at + run * kept
        before, sign = rows.ravel()[at], rows.ravel()[at + 1]
        # Where two rows differ and this one is a tie, the sign of the one before continues if its averages were full.
        tied = sign == 0
        sign[tied] = np.where(before[tied] == NOT_FULL, self._first_tie, before[tied])
        sign[sign == NOT_FULL] = 0
        turned = self._turned(run, sign)
        return rows[:, 1 : bars + 1].T, _with_ends(run[turned], bar[turned], sign[turned], bars, runs)

    def _turned(self, run: Ints, sign: Signs) -> Ints:
        """Which of the bars with a new row are turns."""
        before = np.empty_like(sign)
        before[1:] = sign[:-1]
        first = run_starts(run)
        before[first] = self._signs[run[first]]
        self._signs[run] = sign
        turned = (sign != before) & (sign != 0)
        return np.flatnonzero(turned & (before != 0) if self._by_cross else turned)


def _with_ends(run: Ints, bar: Ints, sign: Signs, bars: int, runs: int) -> Turns:
    """These turns, with a mark after the bars at the end of each run's."""
    ends = np.searchsorted(run, np.arange(1, runs + 1)) + np.arange(runs)
    total = len(run) + runs
    found = Turns(np.full(total, bars), np.zeros(total, np.int8), np.append(0, ends + 1))
    at = np.arange(len(run)) + run
    found.bars[at], found.signs[at] = bar, sign
    return found
