"""A sweep over the bars of a DataFrame: `windrow.sweep(...)`."""

from typing import Any, Literal, NamedTuple
from warnings import warn

import numpy as np
import orjson
import pandas as pd

from sort_keys.keys import decode_symbol
from windrow.arrays import Floats, Ints
from windrow.frames.backtest import equity_rows
from windrow.frames.bars import adjusted_column, check_needs, check_opens, in_zone, stretches
from windrow.frames.naming import named
from windrow.frames.tables import figures_table
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.ranking import Across, Choice
from windrow.sweeps.reduce import check, needs_uniting, swept, unite
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import parse_split
from windrow.trading.backtests import Rules
from windrow.trading.figures import TIMES
from windrow.trading.measures import Measures
from windrow.trading.notices import Notices, unadjusted, warnings_of
from windrow.trading.rules import Entry, Fill, Side
from windrow.windows import Options


class Swept(NamedTuple):
    """The lines of a sweep, and the equity of each symbol's best pairs on their tests."""

    figures: pd.DataFrame
    equity: pd.DataFrame


def sweep(
    bars: pd.DataFrame,
    fast: str,
    slow: str,
    *,
    any_order: bool = False,
    split: float | str | None = None,
    split_at: str | pd.Timestamp | None = None,
    walk_forward: int | None = None,
    rolling: bool = False,
    embargo: int = 0,
    cold: bool = False,
    objective: Literal["pnl", "sharpe", "sqn", "return"] = "pnl",
    top: int | None = None,
    best: bool = False,
    across: Across = Choice.across,
    equity: bool = False,
    size: float | str = Rules.size,
    whole_shares: bool = Rules.whole_shares,
    cash: float = Rules.cash,
    commission: float = Rules.commission,
    commission_per_order: float = Rules.commission_per_order,
    slippage: float = Rules.slippage,
    fill: Fill = Rules.fill,
    side: Side = Rules.side,
    entry: Entry = Rules.entry,
    stop_at_ruin: bool = Rules.stop_at_ruin,
    days_per_year: float | None = Measures.days_per_year,
    risk_free: float = Measures.risk_free,
    backtrader: bool = Measures.backtrader,
    column: str = "close",
    ema_seed: Literal["sma", "first"] = "sma",
    adjusted: bool = False,
    on_conflict: Literal["fail", "smallest", "largest"] = "fail",
) -> pd.DataFrame | Swept:
    """Backtests every pair of a grid over every symbol's bars, to the bit what `jobs.sweep` writes for them.

    bars: as for `windrow.backtest`. fast, slow: axes of the grid, e.g. `ema:5..10`. The others are the job's options of
    the same names; `split` is taken as the decimal that it prints as.

    Returns a row for each of the job's lines, in their order, sorted by symbol: symbol, fast, slow, part, and the
    figures of docs/figures.md; an undefined figure is NaN, and a last column, `undefined`, gives the reasons
    where there are any. With `best=True` the name of a part precedes its figures, e.g. train_pnl, and the row of all
    symbols has an empty symbol. With `equity=True` as well a `Swept`: these rows, of which that of a symbol's last walk
    has the figures of its curve as stitched_pnl and so on, and the curves (symbol, timestamp, value, buy_and_hold).

    Memory: some copies of the columns used, and the figures of all pairs. Raises what `windrow.backtest` raises.

    >>> close = [10.0, 11.0, 12.0, 11.0, 9.0, 8.0, 8.0, 9.0, 11.0, 12.0]
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=10), "open": close, "close": close})
    >>> swept = sweep(bars, fast="sma:1,2", slow="sma:2,3", split=0.5, size=10, cash=1000, top=1)
    >>> swept[["symbol", "fast", "slow", "part", "pnl", "trades_total"]]
      symbol  fast  slow   part   pnl  trades_total
    0     AA     1     3  train -20.0             2
    1     AA     1     3   test -20.0             2
    """
    rules = Rules(
        size=size, cash=cash, commission=commission, commission_per_order=commission_per_order, slippage=slippage,
        fill=fill, side=side, entry=entry, whole_shares=whole_shares, stop_at_ruin=stop_at_ruin,
    )  # fmt: skip
    share, at = (None if given is None else str(given) for given in (split, split_at))
    parts = parse_split(share, at, walk_forward, rolling=rolling, embargo=embargo)
    sweep = Sweep(
        parse_grid(fast, slow, any_order),
        rules,
        column,
        parts,
        cold,
        Options(ema_seed=ema_seed),
        measures=Measures(days_per_year, risk_free, backtrader),
    )
    choice = Choice(objective, top, best, across, equity)
    check(sweep, choice)
    bars = named(bars, sweep.columns, adjusted)
    check_opens(bars, sweep.columns, column)
    check_needs(bars, [*sweep.grid.fast.indicators(), *sweep.grid.slow.indicators()])
    notices, curves = Notices(), _Curves()
    lines = list(swept(sweep, choice, stretches(bars, sweep.columns, on_conflict, adjusted), notices=notices))
    unread = ["the frame"] if not adjusted and adjusted_column(bars) else []
    for text in [*warnings_of(notices.counts, rules, sweep.longer), *unadjusted(unread)]:
        warn(text, stacklevel=2)
    if needs_uniting(sweep, choice):
        lines = list(unite(sweep, choice, (line[:-1] for line in sorted(lines)), curves.add))
    fields = (line.split(b"\t") for line in lines)
    rows = [{"symbol": decode_symbol(symbol), **orjson.loads(figures)} for symbol, figures in fields]
    frame = figures_table(rows or [_none(sweep)]).iloc[: len(rows)]
    frame = in_zone(frame, bars, *frame.columns[frame.columns.str.endswith(TIMES)])
    return Swept(frame, in_zone(curves.frame(), bars)) if equity else frame


class _Curves:
    """Collects the values of curves."""

    def __init__(self) -> None:
        self._parts = [equity_rows("", np.empty(0, np.int64), np.empty(0), np.empty(0))]

    def add(self, symbol: bytes, times: Ints, values: Floats, bought: Floats) -> None:
        """Takes the next values of a symbol's."""
        self._parts.append(equity_rows(decode_symbol(symbol), times, values, bought))

    def frame(self) -> pd.DataFrame:
        """All of them."""
        return pd.concat(self._parts, ignore_index=True).astype({"symbol": str})


def _none(sweep: Sweep) -> dict[str, Any]:
    """A row without bars, for its columns."""
    part, *_ = sweep.parts([])
    return {"symbol": "", "fast": 0, "slow": 0, "part": part.name, **part.figures[0]}
