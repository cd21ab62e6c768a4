"""Sums over the returns from day to day of runs that hold shares or cash, never both, span by span."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from windrow.arrays import Floats, Ints, Mask, run_starts, taken_at
from windrow.states import Array, Carries, Resumable
from windrow.trading.day_spans import DaySpans, between, once
from windrow.trading.ranges import Ranges


def products(returns: Floats, moves: Floats, rates: Sequence[float]) -> list[Floats]:
    """What is added up of each return: its first four powers, its product with the benchmark's, and for each rate the
    square of what it is below that.
    """
    squares = returns * returns
    cubes = squares * returns
    below = (np.minimum(returns - rate, 0.0) for rate in rates)
    return [returns, squares, cubes, cubes * returns, returns * moves, *(fall * fall for fall in below)]


class SpanReturns(Resumable):
    """These sums of each run. State: the sums of the returns onto pieces' first days, and of those inside pieces; where
    the piece of a run has a day, the running sums behind its first; and the value at the last day.

    A piece's sum is taken when it ends, so bits do not depend on where pushes end.
    """

    carries: ClassVar[Carries] = dict.fromkeys(("_onto", "_inside", "_since", "_begun", "_value"), Array())

    def __init__(self, cash: float, dust: float, runs: int, rates: Sequence[float]) -> None:
        self._dust, self._rates = dust, rates
        self._flat = np.array([0.0] * 5 + [min(-rate, 0.0) ** 2 for rate in rates])
        columns = len(self._flat)
        self._onto, self._inside = np.zeros((columns, runs)), np.zeros((columns, runs))
        self._since, self._begun = np.zeros((runs, 2 * columns + 2)), np.zeros(runs, bool)
        self._value = np.full(runs, cash, np.float64)

    @property
    def sums(self) -> Floats:
        """The sums, (sums, runs), of all pieces that are over."""
        return self._onto + self._inside

    def push(self, pieces: DaySpans, prices: Floats, moves: Floats, sums: Floats) -> None:
        """Takes days: their prices, the benchmark's returns, and running sums of one and of the price's products."""
        continued = np.zeros(len(pieces.runs), bool)
        continued[pieces.firsts] = self._begun
        begun = (pieces.begins < pieces.ends) | continued
        with np.errstate(all="ignore"):
            self._refuse_bases(pieces, prices, continued)
            self._step_onto(pieces, prices, moves, continued)
        self._go_through(pieces, sums, begun, continued)

    def _refuse_bases(self, pieces: DaySpans, prices: Floats, continued: Mask) -> None:
        """Sets the sums of runs to NaN where inside a piece a return is from a value of 0 or below."""
        first = np.flatnonzero(continued & (pieces.begins < pieces.ends))
        runs = pieces.runs[first]
        self._onto[:, runs[self._value[runs] <= self._dust]] = np.nan
        lowest = prices.min() if len(prices) else 0.0
        at = np.flatnonzero((pieces.begins + 1 < pieces.ends) & (pieces.cash + pieces.held * lowest <= self._dust))
        if len(at):
            lows = -Ranges(-prices).largest(pieces.begins[at], pieces.ends[at] - 1)
            self._onto[:, pieces.runs[at[pieces.values(at, lows) <= self._dust]]] = np.nan

    def _step_onto(self, pieces: DaySpans, prices: Floats, moves: Floats, continued: Mask) -> None:
        """Adds the returns onto the first days of pieces, from the last days of those before."""
        some = np.flatnonzero(pieces.begins < pieces.ends)
        runs, days, ends = (column[some] for column in pieces[:3])
        cash, held = pieces.cash[some], pieces.held[some]
        values = cash + held * prices[ends - 1]
        bases, first = np.append(0.0, values)[:-1], run_starts(runs)
        bases[first] = self._value[runs[first]]
        self._value[runs[first]] = values[np.append(first[1:], len(runs))[: len(first)] - 1]
        bases[bases <= self._dust] = np.nan
        new = np.flatnonzero(~continued[some])  # at first all
        runs, days = taken_at(runs, new), taken_at(days, new)
        cash, held, bases = (taken_at(column, new) for column in (cash, held, bases))
        returns = (cash + held * prices[days]) / bases - 1.0
        for total, each in zip(self._onto, products(returns, moves[days], self._rates), strict=True):
            np.add.at(total, runs, each)

    def _go_through(self, pieces: DaySpans, sums: Floats, begun: Mask, continued: Mask) -> None:
        """Adds the returns inside pieces that are over."""
        over = begun & ((pieces.held > 0) | bool(self._flat.any()))
        over[pieces.lasts] = False
        at, went_on = np.flatnonzero(over & ~continued), np.flatnonzero(over & continued)
        some, which = once(pieces.begins[at], pieces.ends[at], len(sums))
        rows = sums.take  # of rows, four times as fast as an index
        its = between(rows(pieces.begins[at[some]] + 1, axis=0), rows(pieces.ends[at[some]], axis=0))
        self._add(pieces, went_on, between(self._since[pieces.runs[went_on]], sums[pieces.ends[went_on]]))
        self._add(pieces, at, its.take(which, axis=0))
        last = pieces.lasts
        behind = np.minimum(pieces.begins[last] + 1, len(sums) - 1)
        self._since = np.where(continued[last, None], self._since, sums[behind])
        self._begun = begun[last]

    def _add(self, pieces: DaySpans, at: Ints, inside: Floats) -> None:
        """Adds what is inside some pieces: how many returns, and the sums of the price's."""
        runs, flat = pieces.runs[at], np.flatnonzero(pieces.held[at] == 0)
        inside[flat, 1:] = inside[flat, :1] * self._flat
        for total, column in zip(self._inside, inside.T[1:], strict=True):
            np.add.at(total, runs, column)
