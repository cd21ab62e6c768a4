"""A curve of values, whatever they are the values of, and its figures."""

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.states import Carries, MadeOf, Part, Resumable
from windrow.trading.equity import Equity
from windrow.trading.figures import equity_figures
from windrow.trading.measures import Measures
from windrow.trading.spans import Spans


class Curve(Resumable):
    """The figures of a curve of values, push by push, whatever they are the values of.

    cash: what it began with. `benchmark`: the values of what it is compared with, which began with as much.

    >>> curve = Curve(100.0)
    >>> days = np.array([0, 1, 2]) * 86_400 * 10**9
    >>> curve.push(days, np.array([100.0, 110.0, 99.0]), np.array([100.0, 102.0, 101.0]))
    >>> found = curve.figures(dated=True)
    >>> round(found["return"], 9), round(found["max_drawdown"], 9), found["max_drawdown_from"]
    (-0.01, 0.1, '1970-01-02')
    """

    carries: ClassVar[Carries] = {"_equity": Part()}

    def __init__(self, cash: float, measures: Measures | None = None) -> None:
        self._cash, self._measures = cash, measures or Measures()
        self._equity = Equity(cash, 1, self._measures)

    def made_of(self) -> MadeOf:
        """Its cash, and what its figures are measured by."""
        return {"cash": self._cash, **asdict(self._measures)}

    def push(self, times: Ints, values: Floats, benchmark: Floats) -> None:
        """Takes the next values, and the benchmark's."""
        if len(times):
            none, whole = np.zeros(1), np.zeros(1, np.int64)
            spans = Spans(whole, whole, np.array([len(times)]), none, np.ones(1), none, none, whole)
            self._equity.push(times, spans, values, benchmark / self._cash)

    def figures(self, dated: bool = False) -> dict[str, Any]:
        """Its figures so far; `dated`: times are written as dates."""
        return equity_figures(self._equity, dated)[0]
