"""A sweep over the bars of a DataFrame: `windrow.sweep(...)`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from warnings import warn

import numpy as np
import orjson
import pandas as pd

from sort_keys.keys import decode_symbol
from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.frames.arguments import with_known_arguments
from windrow.frames.bars import adjusted_column, check_needs, check_opens, in_zone
from windrow.frames.naming import named
from windrow.frames.tables import equity_rows, figures_table
from windrow.frames.wording import in_words_of, python_words
from windrow.outcomes.grids import Windows, axis_text
from windrow.outcomes.kept_bars import Kept
from windrow.outcomes.readable import Shown, drawing, shortened, worded
from windrow.pages.chart import MOST_BYTES
from windrow.pages.report import MOST_SYMBOLS, write_report
from windrow.pages.report.all_symbols import chosen_listing
from windrow.pages.report.contents import Sources, SymbolReport
from windrow.pages.report.maps import Swept
from windrow.pages.report.maps import swept as columns_of_lines
from windrow.pages.report.results import SWEEP, Output
from windrow.pages.series import choose
from windrow.pages.shell import Places, listed
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

#: Lines of a sweep: their symbols, and what they say of them.
Lines = list[tuple[str, dict[str, Any]]]
_MOST_SHOWN = 6


class SweepResult(Shown):
    """What became of every pair of a grid over the bars of a frame.

    Attributes
    ----------
    figures : DataFrame
        A row for each of the job's lines, in their order, sorted by symbol: symbol, fast, slow, part, and the figures
        of docs/figures.md. An undefined figure is NaN; a last column, `undefined`, gives the reasons where there are
        any.
    best : DataFrame
        The pair that is best on train, by the objective, of each symbol and, with an empty symbol, over all of them.
        The name of a part precedes its figures, e.g. train_pnl; `deflated_sharpe` tells luck from worth.
    equity : DataFrame
        The value of the best pairs on their tests, each test's after that of the one before, beside that of buying and
        holding: symbol, timestamp, value, buy_and_hold.
    symbols : list of str
        The symbols, by name.

    Notes
    -----
    The best pairs and their equity are found by one more pass over the bars each, when they are first asked for, and
    kept. Whatever the figures have, the result has too, but for these names and `plot`: `result["pnl"]`,
    `result.pivot_table(...)`.
    """

    def __init__(self, pairs: Sweep, choice: Choice, of_best: Choice, kept: Kept, asked: dict[str, Any]) -> None:
        self._sweep, self._choice, self._of_best, self._kept, self._asked = pairs, choice, of_best, kept, asked
        notices = Notices()
        self._found = _lines(pairs, choice, kept, notices)
        self.figures = _frame(pairs, self._found, kept.frame)
        self.symbols = sorted({symbol for symbol, _ in self._found} - {""})
        self._best = self.figures if choice.best else None
        self._curves: pd.DataFrame | None = None
        unread = ["the frame"] if not kept.adjusted and adjusted_column(kept.frame) else []
        told = [*warnings_of(notices.counts, pairs.rules, pairs.longer), *unadjusted(unread)]
        self.warnings = [python_words(text, sweep) for text in told]

    @property
    def best(self) -> pd.DataFrame:
        """The best pairs, with their figures on train and test and their deflated Sharpe ratio."""
        if self._best is None:
            with in_words_of(sweep):
                lines = _lines(self._sweep, self._of_best, self._kept, Notices())
            self._best = _frame(self._sweep, lines, self._kept.frame)
        return self._best

    @property
    def equity(self) -> pd.DataFrame:
        """Of each symbol the pairs that walks chose, on their tests, as one curve, and that of buying and holding.

        Raises
        ------
        UsageError
            The sweep has no tests.
        """
        if self._sweep.split.sections == 1:
            raise UsageError(
                "equity: is of tests, and the sweep has none; give it split, split_at or walk_forward, e.g. split=0.7"
            )
        if self._curves is None:
            curves = _Curves()
            with in_words_of(sweep):
                _lines(self._sweep, replace(self._of_best, equity=True), self._kept, Notices(), curves)
            self._curves = in_zone(curves.frame(), self._kept.frame)
        return self._curves

    def plot(self, symbol: str | None = None) -> Any:
        """Draw the maps of `heatmap`: what a sweep has to look at."""
        return self.heatmap(symbol)

    def heatmap(self, symbol: str | None = None, objective: str | None = None) -> Any:
        """Draw maps of all pairs of one symbol, on train and on test.

        Parameters
        ----------
        symbol
            The one to draw; by default the first by name.
        objective
            The figure that colours tell, any of `figures`; by default that by which the sweep ranks pairs.

        Returns
        -------
        altair.HConcatChart
            Which a notebook shows.

        Raises
        ------
        UsageError
            The packages of the extra `plot` are not installed, the sweep has kept its best pairs alone, or there is no
            such figure.
        """
        picture = drawing("heatmap()")
        if self._choice.keeps is not None:
            raise UsageError(
                "heatmap(): the sweep kept its best pairs alone: a map is of all; leave out best= and top="
            )
        [chosen] = choose(self.symbols, [] if symbol is None else [symbol], 1, "the result")
        found, shown = self.swept([chosen])[chosen], objective or self._choice.objective
        fields = [name for name, values in found.parts[found.walks()[0][0]].fields.items() if values.dtype.kind == "f"]
        if shown not in fields:
            raise UsageError(f"objective={shown!r}: is no figure of this sweep; use one of {', '.join(fields)}")
        return picture.themed(picture.maps(found, shown, Sources(None, self.output).axes))

    def report(
        self, out: str | Path = "report.html", *, symbols: str | Sequence[str] = (), force: bool = False
    ) -> Path:
        """Write a page of the sweep, as `windrow report` does, and a picture of the first symbol beside it.

        Parameters, what it returns and raises are those of `BacktestResult.report`, which shows a sweep beside a
        backtest.
        """
        with in_words_of(self.report):
            places, wanted = Places.of(out, force), listed(symbols)
        chosen = choose(self.symbols, wanted, MOST_SYMBOLS, "the result")
        series = self._kept.series(chosen)
        found = self.swept(chosen, [symbol for symbol in chosen if series[symbol].dated])
        reports = [SymbolReport(series[symbol], swept=found[symbol]) for symbol in chosen]
        most = None if wanted else MOST_BYTES
        groups = groupby(self._found, key=lambda line: line[0])
        lines = ((symbol, [figures for _, figures in its]) for symbol, its in groups)
        everyone = chosen_listing(lines, self._choice.objective)
        return write_report(places, Sources(None, self.output), reports, len(self.symbols), most, everyone)[0]

    @property
    def output(self) -> Output:
        """What the job would have written of itself."""
        described = {
            **self._asked,
            "cold": self._sweep.cold,
            "objective": self._choice.objective,
            "ema_seed": self._sweep.options.ema_seed,
            "rules": asdict(self._sweep.rules),
            "measures": asdict(self._sweep.measures),
            "reading": {"adjusted": self._kept.adjusted},
        }
        return Output(Path(), SWEEP, described)

    def swept(self, symbols: Sequence[str], dated: Collection[str] = ()) -> dict[str, Swept]:
        """The sweeps of these symbols, as maps and pages take them; `dated`: those whose times are dates."""
        lines: dict[str, list[dict[str, Any]]] = {symbol: [] for symbol in symbols}
        for symbol, figures in self._found:
            if symbol in lines:
                lines[symbol].append(_with_dates(figures) if symbol in dated else figures)
        return {symbol: columns_of_lines(its) for symbol, its in lines.items()}

    def _heading(self) -> list[str]:
        sources = Sources(None, self.output)
        of = shortened(self.symbols[0]) if len(self.symbols) == 1 else f"{len(self.symbols):,} symbols"
        return [f"{sources.title}: {len(self._sweep.grid.pairs()):,} pairs, {of}", ", ".join(sources.rules)]

    def _table(self) -> list[list[str]]:
        objective, rows = self._choice.objective, []
        parts: list[str] = []
        for symbol, found in self.swept(self.symbols[:_MOST_SHOWN]).items():
            if not found.pairs:
                continue
            train, test = found.walks()[0]
            parts = [train] if test is None else [train, test]
            pair = found.best_pair(train, objective)
            values = [found.parts[part].fields[objective][found.pairs.index(pair)] for part in parts]
            rows.append([shortened(symbol), *map(str, pair), *(worded(value, "{:,.2f}") for value in values)])
        more = len(self.symbols) - _MOST_SHOWN
        last = [[f"{more:,} more", "", "", *[""] * len(parts)]] if more > 0 else []
        return [["", "fast", "slow", *(f"{part} {objective}" for part in parts)], *rows, *last]


@with_known_arguments("bars, fast='sma:5..20/5', slow='sma:30..60/10', split=0.7")
def sweep(
    bars: pd.DataFrame,
    fast: Windows,
    slow: Windows,
    *,
    kind: str | None = None,
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
) -> SweepResult:
    """Backtests every pair of a grid over every symbol's bars, to the bit what `jobs.sweep` writes for them.

    Parameters
    ----------
    bars
        As for `windrow.backtest`.
    fast, slow
        The axes of the grid: a text, e.g. "ema:5..10" or "sma:5,10..100/5"; a kind and its windows in bars, e.g.
        `("ema", range(5, 11))`; or windows alone, `range(5, 11)` or `[21, 31]`, of the average `kind`. A `range` leaves
        its end out, as everywhere in Python, and a text does not.
    kind
        The average of axes that are windows alone, e.g. "ema".
    any_order, split_at, walk_forward, rolling, embargo, cold, objective, top, across
        The job's options of these names: docs/sweeps.md.
    split
        The share of the bars that pairs are chosen on; it is taken as the decimal that it prints as.
    best
        Whether `figures` are to be the best pairs alone, with a deflated Sharpe ratio: what `.best` gives of any sweep.
    equity
        Whether the best pairs' rows have the figures of the curve of their tests, stitched_pnl and so on; `.equity`
        gives the curve of any sweep that has tests.
    size, cash and the others
        As for `windrow.backtest`.

    Returns
    -------
    SweepResult
        With `figures`, `best` and `equity`, which are frames, `heatmap()` and `report()`.

    Raises
    ------
    WindrowError
        What `windrow.backtest` raises.

    Notes
    -----
    Memory: some copies of the columns used, and the figures of all pairs; the result keeps the bars as that of a
    backtest does.

    Examples
    --------
    >>> close = [10.0, 11.0, 12.0, 11.0, 9.0, 8.0, 8.0, 9.0, 11.0, 12.0]
    >>> bars = pd.DataFrame({
    ...     "symbol": "AA", "timestamp": pd.date_range("2008-03-03", periods=10), "open": close, "close": close})
    >>> result = sweep(bars, fast=range(1, 3), slow=[2, 3], kind="sma", split=0.5, size=10, cash=1000)
    >>> result
    Sweep of sma:1..2 over sma:2,3: 3 pairs, AA
    initial cash 1,000, positions of 10 shares, filled at the next open, long and short, entry by state, no costs
        fast  slow  train pnl  test pnl
    AA     1     3     -20.00    -20.00
    >>> result.figures[["symbol", "fast", "slow", "part", "pnl", "trades_total"]].head(2)
      symbol  fast  slow   part   pnl  trades_total
    0     AA     1     2  train -30.0             2
    1     AA     1     3  train -20.0             2
    >>> result.best[["symbol", "fast", "slow", "train_pnl", "test_pnl"]]
      symbol  fast  slow  train_pnl  test_pnl
    0            1     3      -20.0     -20.0
    1     AA     1     3      -20.0     -20.0
    """
    rules = Rules(
        size=size, cash=cash, commission=commission, commission_per_order=commission_per_order, slippage=slippage,
        fill=fill, side=side, entry=entry, whole_shares=whole_shares, stop_at_ruin=stop_at_ruin,
    )  # fmt: skip
    share, at = (None if given is None else str(given) for given in (split, split_at))
    parts = parse_split(share, at, walk_forward, rolling=rolling, embargo=embargo)
    axes = axis_text("fast", fast, kind), axis_text("slow", slow, kind)
    sweep = Sweep(
        parse_grid(*axes, any_order),
        rules,
        column,
        parts,
        cold,
        Options(ema_seed=ema_seed),
        measures=Measures(days_per_year, risk_free, backtrader),
    )
    of_best = Choice(objective, None, True, across)
    choice = Choice(objective, top, best, across if best else Choice.across, equity)
    check(sweep, choice)
    bars = named(bars, sweep.columns, adjusted)
    check_opens(bars, sweep.columns, column)
    check_needs(bars, sweep.grid.indicators())
    asked: dict[str, Any] = {
        "fast": axes[0],
        "slow": axes[1],
        "split": share,
        "split_at": at,
        "walk_forward": walk_forward,
    }
    asked |= {"rolling": rolling, "embargo": embargo}
    result = SweepResult(sweep, choice, of_best, Kept.of(bars, sweep.columns, column, adjusted, on_conflict), asked)
    for text in result.warnings:
        warn(text, stacklevel=3)
    return result


def _lines(sweep: Sweep, choice: Choice, kept: Kept, notices: Notices, curves: "_Curves | None" = None) -> Lines:
    """Each line's symbol and figures, in order."""
    curves = curves or _Curves()
    lines = list(swept(sweep, choice, kept.stretches(), notices=notices))
    if needs_uniting(sweep, choice):
        lines = list(unite(sweep, choice, (line[:-1] for line in sorted(lines)), curves.add))
    fields = (line.split(b"\t") for line in lines)
    return [(decode_symbol(symbol), orjson.loads(figures)) for symbol, figures in fields]


def _with_dates(figures: dict[str, Any]) -> dict[str, Any]:
    """The same with times of midnight as dates, as a job writes those of bars that are days."""

    def dated(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return _with_dates(value)
        return value[: len("2024-01-01")] if name in TIMES and value else value

    return {name: dated(name, value) for name, value in figures.items()}


def _frame(sweep: Sweep, lines: Lines, bars: pd.DataFrame) -> pd.DataFrame:
    rows = [{"symbol": symbol, **figures} for symbol, figures in lines]
    frame = figures_table(rows or [_none(sweep)]).iloc[: len(rows)]
    return in_zone(frame, bars, *frame.columns[frame.columns.str.endswith(TIMES)])


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
