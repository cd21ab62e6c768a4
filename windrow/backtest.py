"""Backtests by the rules of DESIGN section 8: many runs side by side over one symbol's bars.

Called, this module backtests a DataFrame: `windrow.backtest(bars, fast="ema:7", slow="ema:21")`.
"""

from typing import Any, NamedTuple

import numpy as np

from windrow.rounding import Floats, Ints
from windrow.signals import Signs
from windrow.trading.broker import Broker, Orders
from windrow.trading.drawdown import Drawdown
from windrow.trading.figures import figures
from windrow.trading.rules import Rules
from windrow.trading.spans import SpanMaker
from windrow.trading.trades import Trades
from windrow.trading.turns import TurnFinder
from windrow.trading.value import Moments, Returns, Value, values

__all__ = ["Backtests", "Moments", "Rules"]

#: Bars x runs that are worked on at once: temporaries take some 100 bytes of each at most.
_CELLS = 1 << 20


class Backtests:
    """Runs over one symbol's bars, block by block, each by its own trend of two averages.

    Memory: some hundred bytes a run, and a return for each calendar year; temporaries stay below 200 MB for 10,000 runs.
    The time goes by fills, not by bars: see windrow/trading. Results depend, to the bit, neither on where a push
    ends nor on what else runs beside.

    `returns` asks for `returns()`, whose time goes by bars. `signs`, (runs,), are those of the averages before the first
    bar, 1, 0 or -1, where a cross may lie between that and the first bar.

    >>> rules = Rules(size=10, cash=1000)
    >>> tests = Backtests(rules, runs=1)
    >>> opens = np.array([10.0, 11.0, 12.0, 13.0])
    >>> tests.push(np.arange(4), opens, opens + 0.5, np.array([[-2], [1], [1], [-1]], np.int8))
    >>> figures = tests.figures()[0]
    >>> figures["pnl"], figures["trades_open"]  # bought at 12 what is 13.5 now; that the trend has turned, fills nothing
    (15.0, 1)
    """

    def __init__(self, rules: Rules, runs: int, returns: bool = False, signs: Signs | None = None) -> None:
        self.rules, self.runs = rules, runs
        self._turns, self._broker = TurnFinder(rules, runs, signs), Broker(rules, runs)
        self._spans = SpanMaker(rules, runs)
        self._trades, self._drawdown, self._value = Trades(rules, runs), Drawdown(runs), Value(rules, runs)
        self._returns = Returns(runs) if returns else None
        self._close = np.empty(0)

    def push(self, times: Ints, opens: Floats, closes: Floats, trend: Signs) -> None:
        bars = max(_CELLS // max(self.runs, 1), 1)
        for begin in range(0, len(times), bars):
            part = slice(begin, begin + bars)
            self._push(times[part], opens[part], closes[part], trend[part])

    def _push(self, times: Ints, opens: Floats, closes: Floats, trend: Signs) -> None:
        rows, turns = self._turns.push(trend)
        if self.rules.fill == "close":
            orders = self._broker.trade(turns, rows, closes, closes)
        else:
            known = np.concatenate([self._close if self._value.bars else closes[:1], closes[:-1]])
            orders = self._broker.trade(turns, rows, known, opens)
        self._close = closes[-1:].copy()
        spans = self._spans.push(orders, len(times))
        self._trades.push(spans)
        self._drawdown.push(spans, closes)
        self._value.push(times, spans, closes)
        if self._returns:
            self._returns.push(values(spans, closes))

    def figures(self) -> list[dict[str, Any]]:
        """The figures of each run so far: see windrow/trading/figures.py."""
        return figures(self.rules, self._value, self._trades, self._drawdown)

    def returns(self) -> Moments:
        """Moments of each run's returns from bar to bar so far."""
        return self._returns.moments(self.runs)
