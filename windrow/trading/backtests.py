"""Backtests by the rules of DESIGN section 8.

Strategy      a pair of lines, traded by rules, over the bars of one symbol
Backtests     many runs side by side over one symbol's bars, each with its own trend; its parts are the other modules
              of windrow/trading
"""

from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from sort_keys.merge import Piece
from windrow.arrays import Floats, Ints, Mask, Signs
from windrow.states import Array, Carries, MadeOf, Part, Resumable
from windrow.trading.broker import Broker, Orders
from windrow.trading.buy_and_hold import BuyAndHold
from windrow.trading.day_returns import Moments
from windrow.trading.equity import Equity
from windrow.trading.figure_rows import FigureRows
from windrow.trading.figures import figures
from windrow.trading.ledger import Entries, Ledger, no_entries
from windrow.trading.measures import Measures
from windrow.trading.orders import OrderCounts
from windrow.trading.ruin import Stops
from windrow.trading.rules import Rules
from windrow.trading.signals import NOT_FULL, Pair, trend
from windrow.trading.spans import SpanMaker
from windrow.trading.trade_book import Extremes, TradeBook, TradeRows
from windrow.trading.trades import Trades
from windrow.trading.turns import TurnFinder, Turns
from windrow.trading.value import values
from windrow.windows import Options

__all__ = ["Backtest", "Backtests", "Moments", "Rules", "Strategy", "Trace"]

#: Of which prices the excursions of trades are: of the closes, or of bars' lows and highs.
Excursions: TypeAlias = Literal["close", "range"]

#: Bars x runs that are processed at once; temporaries take at most some 100 bytes of each.
_CELLS = 1 << 20


class Trace(NamedTuple):
    """The orders of runs, and the trades that closed; the value at each close, (bars, runs), and that of buying and
    holding, (bars,).
    """

    orders: Entries
    trades: TradeRows
    values: Floats
    bought: Floats


class Backtests(Resumable):
    """Runs over one symbol's bars, push by push, each with its own trend of two averages.

    Memory: some hundred bytes per run, and by --backtrader a return per run and calendar year; temporaries of a push,
    whatever its length, stay below 200 MB for up to 10,000 runs. Time grows with fills, and with days, not with bars.
    Results depend, to the bit, neither on where a push ends nor on the other runs.

    traced: whether pushes return orders, trades and values, whose time grows with bars. signs: (runs,), the signs of
    the averages before the first bar, 1, 0 or -1, where the first bar may be a cross.

    >>> tests = Backtests(Rules(size=10, cash=1000), runs=1, traced=True)
    >>> prices = np.array([10.0, 11.0, 12.0, 13.0])
    >>> trace = tests.push(np.arange(4), prices, prices + 0.5, np.array([[-2], [1], [1], [-1]], np.int8))
    >>> trace.orders.times.tolist(), trace.orders.prices.tolist(), trace.values[:, 0].tolist()
    ([2], [12.0], [1000.0, 1000.0, 1005.0, 1015.0])
    >>> tests.figures()[0]["pnl"], tests.open_orders().sizes.tolist()  # to sell what it holds, and as much again
    (15.0, [20.0])
    """

    carries: ClassVar[Carries] = {"_close": Array()} | dict.fromkeys(
        ("_turns", "_broker", "_spans", "_trades", "_equity", "_stops", "orders", "_ledger", "_book",
         "_bought"),
        Part(),
    )  # fmt: skip

    def __init__(
        self,
        rules: Rules,
        runs: int,
        signs: Signs | None = None,
        traced: bool = False,
        measures: Measures | None = None,
    ) -> None:
        self.rules, self.runs = rules, runs
        self._turns, self._broker = TurnFinder(rules, runs, signs), Broker(rules, runs)
        self._spans, self._trades = SpanMaker(rules, runs), Trades(rules, runs)
        self._measures = measures or Measures()
        self._equity = Equity(rules.cash, runs, self._measures, rules.all_or_nothing)
        self._stops, self.orders = Stops(rules, runs), OrderCounts(runs)
        self._ledger = Ledger(rules, runs) if traced else None
        self._book = TradeBook(rules, runs) if traced else None
        self._bought = BuyAndHold(rules)
        self._close = np.zeros(1)

    def made_of(self) -> MadeOf:
        """Its rules, how many runs, and whether they are traced."""
        told = {"traced": self._ledger is not None}
        return {**asdict(self.rules), **asdict(self._measures), "runs": self.runs, **told}

    def push(
        self, times: Ints, opens: Floats | None, closes: Floats, trend: Signs, ranges: Extremes | None = None
    ) -> Trace | None:
        """Takes the next bars: times (ns), prices (bars,), and trends as `signals.trend` returns them, (bars, runs).

        Returns orders, trades and values, where traced and there are bars. `opens` may be None where orders are filled
        at the close; `ranges` are the bars' lows and highs, where trades' excursions are of these. Fastest where a
        run's trends are contiguous in memory, as in the transpose of a (runs, bars) array, and in pushes of a thousand
        bars or more.
        """
        bars = max(_CELLS // max(self.runs, 1), 1)
        cuts = [slice(at, at + bars) for at in range(0, len(times), bars)]
        prices = closes if opens is None else opens
        traces = [
            self._push(times[cut], prices[cut], closes[cut], trend[cut], ranges and ranges.at(cut)) for cut in cuts
        ]
        parts = [trace for trace in traces if trace is not None]
        if len(parts) < 2:
            return parts[0] if parts else None
        orders = Entries._make(np.concatenate(column) for column in zip(*(part.orders for part in parts), strict=True))
        trades = TradeRows._make(
            np.concatenate(column) for column in zip(*(part.trades for part in parts), strict=True)
        )
        values, bought = (np.concatenate([part[column] for part in parts]) for column in (2, 3))
        return Trace(orders, trades, values, bought)

    def _push(self, times: Ints, opens: Floats, closes: Floats, trend: Signs, ranges: Extremes | None) -> Trace | None:
        rows, turns = self._turns.push(trend)
        if self.rules.fill == "close":
            placed, prices = closes, closes
        else:
            placed, prices = np.append(self._close, closes)[:-1], opens
        self._close = closes[-1:].copy()
        traded, ruined = self._trade(turns, rows, placed, closes, prices)
        orders = self.orders.push(traded, placed)
        spans = self._spans.push(orders, len(times))
        self._trades.push(spans, len(times))
        bought = self._bought.push(opens, closes)
        self._equity.push(times, spans, closes, bought / self.rules.cash)
        if not (self._ledger and self._book):
            return None
        trades = self._book.push(spans, times, closes, ruined, ranges)
        return Trace(self._ledger.push(orders, times, placed), trades, values(spans, closes).T, bought)

    def _trade(self, turns: Turns, rows: Signs, placed: Floats, closes: Floats, prices: Floats) -> tuple[Orders, Mask]:
        """The orders at these bars, and which runs' last one closes a position because the run is ruined."""
        orders = self._broker.trade(turns, rows, placed, prices)
        if not self.rules.stop_at_ruin:
            return orders, np.zeros(self.runs, bool)
        self._stops.find(self._spans.made(orders, len(closes)), closes)
        holding = self._stops.held != 0
        orders = self._stops.cut(orders, prices, self._broker)
        return orders, holding & (self._stops.held == 0)

    def open_orders(self) -> Entries:
        """The orders, of traced runs, that were placed at the last close, for the bar after the last one."""
        assert self._ledger, "takes traced=True"
        if not (self._turns.pending or self._broker.retries or self._stops.ended.any()):
            return no_entries()  # as at most closes
        # Of copies of the three that decide: the next bar has yet to come.
        finder, broker, stops = deepcopy((self._turns, self._broker, self._stops))
        rows, turns = finder.push(np.full((1, self.runs), NOT_FULL, np.int8))
        price = np.where(self._close == 0, 1.0, self._close)  # the next bar's may be any but 0
        orders = broker.trade(turns, rows, self._close, price)
        entries = self._ledger.open_orders(stops.cut(orders, price, broker), self._close)
        closing, held = self._stops.ended[entries.runs], np.abs(self._stops.held[entries.runs])
        return entries._replace(sizes=np.where(closing, held, entries.sizes))

    def open_trades(self) -> TradeRows:
        """The trades, of traced runs, that are open at the last bar."""
        assert self._book, "takes traced=True"
        return self._book.open_trades(self._close)

    @property
    def bars(self) -> int:
        """How many bars the runs have taken."""
        return self._equity.value.bars

    @property
    def full(self) -> Mask:
        """Which runs had both averages at the last bar."""
        return self._turns.full

    def position(self, run: int) -> tuple[float, float]:
        """Shares that a run holds, and its value at the last close."""
        return float(self._equity.value.held[run]), float(self._equity.value.now[run])

    def figures(self, dated: bool = False) -> FigureRows:
        """Each run's figures so far: see windrow/trading/figures.py. `dated`: times are written as dates."""
        return self.results(dated)[0]

    def daily(self) -> Moments:
        """Moments of each run's returns from day to day so far, of which the first is from the cash."""
        return self.results()[1]

    def results(self, dated: bool = False) -> tuple[FigureRows, Moments]:
        """Both at once."""
        returns = self._equity.daily.so_far()
        told = figures(self._equity, returns, self._trades, self.orders, self._measures, dated)
        return told, returns.moments()


@dataclass(frozen=True)
class Strategy:
    """A pair of lines over a column of prices, traded by rules at opens and closes."""

    pair: Pair
    rules: Rules = field(default_factory=Rules)
    column: str = "close"
    options: Options = field(default_factory=Options)
    measures: Measures = field(default_factory=Measures)
    excursions: Excursions = "close"
    """Of which prices trades' excursions are."""

    @property
    def columns(self) -> list[str]:
        """The columns of bars that it needs, in order."""
        lines = (name for line in (self.pair.fast, self.pair.slow) for name in line.columns(self.column))
        ranges = ["low", "high"] if self.excursions == "range" else []
        return list(dict.fromkeys([*self.rules.columns(self.column), *lines, *ranges]))

    def made_of(self) -> MadeOf:
        """Its lines, how they are computed, and its rules, by name."""
        lines = {"fast": str(self.pair.fast), "slow": str(self.pair.slow), "column": self.column}
        told = {**asdict(self.options), **asdict(self.rules), **asdict(self.measures)}
        return {**lines, **told, "excursions": self.excursions}

    def backtest(self, traced: bool = False) -> "Backtest":
        """A new backtest, for one symbol."""
        return Backtest(self, traced)


class Backtest(Resumable):
    """A strategy's run over the bars of one symbol. `traced`: whether pushes return its orders, trades and values."""

    carries: ClassVar[Carries] = {"_fast": Part(), "_slow": Part(), "_tests": Part(), "_starts": Array(grows=True)}

    def __init__(self, strategy: Strategy, traced: bool) -> None:
        self._strategy = strategy
        self._made_of: MadeOf = {**strategy.made_of(), "traced": traced}
        lines = strategy.pair.fast, strategy.pair.slow
        self._fast, self._slow = (line.kernel(strategy.options) for line in lines)
        self._taken = [line.columns(strategy.column) for line in lines]
        self._tests = Backtests(strategy.rules, 1, traced=traced, measures=strategy.measures)
        self._starts = np.zeros(1, np.int64)  # of the first push: a kernel's symbol begins there

    def made_of(self) -> MadeOf:
        """The strategy, and whether it is traced."""
        return self._made_of

    def push(self, piece: Piece) -> Trace | None:
        """Takes the next bars, with the strategy's columns."""
        prices = dict(zip(self._strategy.columns, piece.values, strict=True))
        fast, slow = (
            line.push(piece.times, *(prices[name] for name in names), starts=self._starts)
            for line, names in zip((self._fast, self._slow), self._taken, strict=True)
        )
        self._starts = self._starts[:0]
        ranges = Extremes(prices["low"], prices["high"]) if self._strategy.excursions == "range" else None
        signs = trend(fast, slow)[:, None]
        return self._tests.push(piece.times, prices.get("open"), prices["close"], signs, ranges)

    def open_orders(self) -> Entries:
        """See `Backtests.open_orders`."""
        return self._tests.open_orders()

    def open_trades(self) -> TradeRows:
        """See `Backtests.open_trades`."""
        return self._tests.open_trades()

    @property
    def orders(self) -> OrderCounts:
        """What became of its orders so far."""
        return self._tests.orders

    @property
    def position(self) -> tuple[float, float]:
        """Shares that it holds, and its value at the last close."""
        return self._tests.position(0)

    @property
    def bars(self) -> int:
        """How many bars it has taken."""
        return self._tests.bars

    @property
    def full(self) -> Mask:
        """Whether both lines had a value at the last bar, (1,)."""
        return self._tests.full

    def figures(self, dated: bool = False) -> dict[str, Any]:
        """Its lines, and its figures so far; `dated`: times are written as dates."""
        pair = self._strategy.pair
        return {"fast": str(pair.fast), "slow": str(pair.slow), **self._tests.figures(dated)[0]}
