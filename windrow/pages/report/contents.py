"""What a report shows, as JSON: of each symbol its bars, averages, orders, equity, drawdown and figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.frames.description import split_of
from windrow.pages.chart import (
    MOST_CANDLES,
    Candles,
    Json,
    Line,
    Pane,
    charted,
    drawn_lines,
    drawn_pane,
    fitting,
    left_out,
)
from windrow.pages.packed import Packed, packed
from windrow.pages.report.benchmark import bought_figures
from windrow.pages.report.falls import drawdown
from windrow.pages.report.maps import RANKED, Swept
from windrow.pages.report.pair_curves import curved_pairs, options_of, run_of, strategy_of_pair
from windrow.pages.report.pooled import Pooled, pooled_data
from windrow.pages.report.results import BACKTEST, SWEEP, Equity, Figures, Orders, Output, Trades
from windrow.pages.report.rules_in_words import differences, in_words
from windrow.pages.report.sheet import sheet
from windrow.pages.series import Series, is_over_prices
from windrow.sweeps.grid import Cell, around
from windrow.sweeps.ranking import OBJECTIVES
from windrow.sweeps.splits import Split
from windrow.windows import Options

#: Values of averages that a page holds of a symbol, so that other pairs of a sweep than the best can be drawn.
MOST_AVERAGED = 1_000_000

_FORWARD = "forward test"
_SHARE = 6  # decimals of a trade's return


@dataclass(frozen=True)
class SymbolReport:
    """All that is known of one symbol; what was not given is None."""

    series: Series
    figures: Figures | None = None
    orders: Orders | None = None
    equity: Equity | None = None
    swept: Swept | None = None
    compared: Figures | None = None
    trades: Trades | None = None


def is_forward(output: Output) -> bool:
    """Whether an output is that of a forward test."""
    return "forward" in output.description


@dataclass(frozen=True)
class Sources:
    """The outputs that a report is of: a backtest's and a sweep's, of which one may be missing.

    A forward test is shown as a backtest; then `compared` may be a backtest whose figures are beside its own.
    """

    backtest: Output | None
    sweep: Output | None
    compared: Output | None = None

    @classmethod
    def of(cls, outputs: Sequence[Output]) -> "Sources":
        """From outputs in any order. Raises UsageError for two of one job."""
        found: dict[str, Output] = {}
        for output in outputs:
            job = _FORWARD if is_forward(output) else output.job
            if job in found:
                raise UsageError(
                    f"{found[job].place} {output.place}: both are outputs of a {output.job}: a report takes one"
                    f" {BACKTEST}, one {SWEEP}, or one of each; write two reports"
                )
            found[job] = output
        backtest, sweep = found.get(BACKTEST), found.get(SWEEP)
        return cls(found[_FORWARD], sweep, backtest) if _FORWARD in found else cls(backtest, sweep)

    @property
    def outputs(self) -> list[Output]:
        """The one, or both."""
        return [output for output in (self.backtest, self.sweep) if output]

    def beside(self, suffix: str) -> list[Path]:
        """The files of that suffix beside the backtest's lines."""
        return self.backtest.beside(suffix) if self.backtest else []

    @property
    def description(self) -> dict[str, Any]:
        """What the backtest wrote about itself, or the sweep if there is no backtest."""
        return self.outputs[0].description

    @property
    def objective(self) -> str:
        """The figure by which the sweep ranks its pairs."""
        return str(self.sweep.description.get("objective", "pnl")) if self.sweep else "pnl"

    @property
    def averages(self) -> list[tuple[str, str]]:
        """What is before and behind the windows of the sweep's averages, fast and slow."""
        assert self.sweep is not None
        return [around(str(self.sweep.description[side])) for side in ("fast", "slow")]

    @property
    def axes(self) -> list[str]:
        """What maps' axes are of: the fast line, and the slow one."""
        if self.sweep is None:
            return []
        return [
            f"{side} line: {front}N{back}, N in bars" if back else f"{side} line: {front.rstrip(':')}, window in bars"
            for side, (front, back) in zip(("fast", "slow"), self.averages, strict=True)
        ]

    @property
    def split(self) -> Split:
        """How the sweep cut the series."""
        return split_of(self.sweep.description if self.sweep else {})

    @property
    def title(self) -> str:
        """The page's title."""
        what = "Sweep" if self.backtest is None else "Forward test" if is_forward(self.backtest) else "Backtest"
        return f"{what} of {self.description['fast']} over {self.description['slow']}"

    @property
    def rules(self) -> list[str]:
        """How orders were placed and filled, in words."""
        return in_words(self.description)

    @property
    def cash(self) -> float | None:
        """What each run began with, where it is known."""
        cash = self.description.get("rules", {}).get("cash")
        return None if cash is None else float(cash)

    @property
    def warning(self) -> str:
        """That backtest and sweep were run with different rules, if they were: their figures then do not compare."""
        if self.backtest is None or self.sweep is None:
            return ""
        found = differences(self.backtest.description, self.sweep.description)
        return (
            f"Backtest and sweep differ in their rules, so their figures do not compare. {'; '.join(found)}."
            if found
            else ""
        )


def page_data(
    sources: Sources,
    reports: Sequence[SymbolReport],
    known: int,
    most_bytes: int | None = None,
    symbols: Json | None = None,
    pooled: Pooled | None = None,
) -> Json:
    """The page's data, of as many of the symbols as `most_bytes` have room for; `known` is how many there are.

    `symbols`: the figures of all of them: all_symbols.py. `pooled`: their portfolio, which is first.
    """
    drawn = fitting((_symbol(sources, report) for report in reports), most_bytes)
    portfolio = [] if pooled is None else [pooled_data(pooled, sources.description)]
    first = reports[0]
    walks = first.swept.walks() if first.swept else []
    return {
        "title": sources.title,
        "tested": "Backtest" if sources.backtest is None or not is_forward(sources.backtest) else "Forward test",
        "rules": sources.rules,
        "warning": sources.warning,
        "listing": symbols,
        "notes": left_out(len(drawn), known, "report"),
        "dated": first.series.dated,
        "column": first.series.price,
        "objective": sources.objective,
        "objectives": _objectives(first.swept),
        "axes": sources.axes,
        "asked": options_of(sources.sweep.description) if sources.sweep else "",
        "walks": [{"train": train, "test": test} for train, test in walks],
        "symbols": [*portfolio, *drawn],
    }


def _objectives(swept: Swept | None) -> list[str]:
    """What pairs can be ranked by; by the deflated Sharpe ratio, where the sweep's lines have it."""
    trains = [swept.parts[train] for train, _ in swept.walks()] if swept else []
    return [name for name in RANKED if name in OBJECTIVES or all(name in part.orders for part in trains)]


def _symbol(sources: Sources, symbol: SymbolReport) -> Json:
    candles = Candles.of(symbol.series, MOST_CANDLES)
    orders = symbol.orders and _orders(candles, symbol.orders)
    lines = [Line(name, values, "soft") for name, values in _averages(sources, symbol).items()]
    return {
        **charted(candles, below(sources, symbol)),
        "lines": {line["name"]: line["values"] for line in drawn_lines(candles, Pane(lines, candles.digits))},
        "pair": list(_pair(sources, symbol)),
        "over": list(map(is_over_prices, _pair(sources, symbol))),
        "cuts": _cuts(sources, symbol, candles.size),
        "orders": orders,
        "trades": symbol.trades and _trades(symbol.trades),
        "figures": symbol.figures,
        "compared": symbol.compared,
        **_of_equity(sources, symbol, candles),
        **_of_sweep(sources, symbol, candles),
    }


def _of_sweep(sources: Sources, symbol: SymbolReport, candles: Candles) -> Json:
    """A symbol's pairs, and the curves of some of them."""
    if symbol.swept is None:
        return {"sweep": None, "curves": []}
    over = [is_over_prices(front) for front, _ in sources.averages]
    return {
        "sweep": symbol.swept.packed(sources.averages) | {"over": over},
        "curves": _curves(Sources(None, sources.sweep), symbol.swept, candles),
    }


def _curves(sources: Sources, swept: Swept, candles: Candles) -> list[Json]:
    """What is told of the equity of pairs over all bars; that of buying and holding, which is one, with the first."""
    series = candles.series
    found: list[Json] = []
    for at in curved_pairs(swept, sources.objective, len(series.times)):
        strategy = strategy_of_pair(sources.description, series.price, *_named(sources, swept.pairs[at]))
        run = None if strategy is None else run_of(strategy, series)
        if run is None:
            return []
        _, orders, equity, trades = run
        report = SymbolReport(series, None, orders, equity, trades=trades)
        told = {"orders": _orders(candles, orders), "trades": _trades(trades), **_of_equity(sources, report, candles)}
        del told["bought"]
        panes = below(sources, report)
        if found:
            panes[0] = replace(panes[0], lines=panes[0].lines[:1])
        found.append({"pair": at, **told, "panes": [drawn_pane(candles, pane) for pane in panes]})
    return found


def _of_equity(sources: Sources, symbol: SymbolReport, candles: Candles) -> Json:
    """What is told of the equity curve, and of buying and holding."""
    equity = symbol.equity
    if equity is None or not len(equity.times):
        return {"sheet": None, "bought": None}
    cash, described = _cash(sources, symbol), sources.description
    return {
        "sheet": sheet(candles, equity, cash or float(equity.values[0]), described.get("measures", {})),
        "bought": bought_figures(equity, cash, described, symbol.series.dated),
    }


def _cash(sources: Sources, symbol: SymbolReport) -> float | None:
    """What the symbol's run began with: by weights of a portfolio, its share of the cash."""
    figures = symbol.figures or {}
    if sources.description.get("portfolio") == "weights" and "final_value" in figures:
        return float(figures["final_value"] - figures["pnl"])
    return sources.cash


def below(sources: Sources, symbol: SymbolReport) -> list[Pane]:
    """What is drawn below the prices: equity and drawdown, where a backtest wrote its equity."""
    if symbol.equity is None:
        return []
    values = symbol.series.values(symbol.equity.times, symbol.equity.values, "a value of the equity curve")
    falls = Line("Drawdown", -drawdown(values, _cash(sources, symbol) or np.nan), "fall")
    lines = [Line("Equity", values, "equity")]
    if symbol.equity.bought is not None:
        bought = symbol.series.values(symbol.equity.times, symbol.equity.bought, "a value of buying and holding")
        lines.append(Line("Buy and hold", bought, "benchmark"))
    return [Pane(lines, grows=True), Pane([falls], suffix=" %", fills=True)]


def drawn_averages(sources: Sources, symbol: SymbolReport) -> dict[str, Floats]:
    """The backtest's pair of averages, or the pair that is best on the sweep's first walk, by name."""
    options = Options(ema_seed=sources.description.get("ema_seed", "sma"))
    restarts = [] if symbol.figures else _restarts(sources, symbol.series)
    return {name: symbol.series.average(name, options, restarts) for name in _pair(sources, symbol)}


def _pair(sources: Sources, symbol: SymbolReport) -> tuple[str, str]:
    if symbol.figures is not None:
        return str(symbol.figures["fast"]), str(symbol.figures["slow"])
    assert symbol.swept is not None
    return _named(sources, symbol.swept.best_pair(symbol.swept.walks()[0][0], sources.objective))


def _averages(sources: Sources, symbol: SymbolReport) -> dict[str, Floats]:
    """The averages that a page holds: those that it draws first, and those of a sweep's pairs."""
    lines = drawn_averages(sources, symbol)
    if symbol.swept is None or sources.sweep is None:
        return lines
    options = Options(ema_seed=sources.sweep.description.get("ema_seed", "sma"))
    restarts = _restarts(sources, symbol.series)
    others = [name for name in _windows(sources, symbol.swept, len(symbol.series.times)) if name not in lines]
    return lines | {name: symbol.series.average(name, options, restarts) for name in others}


def _windows(sources: Sources, swept: Swept, bars: int) -> list[str]:
    """All averages of a sweep, if they are few enough; otherwise those of each walk's best pairs by each objective."""
    pairs = swept.pairs
    windows = len({fast for fast, _ in pairs}) + len({slow for _, slow in pairs})
    if windows * bars > MOST_AVERAGED:
        known = [(walk, name) for walk, _ in swept.walks() for name in OBJECTIVES if name in swept.parts[walk].fields]
        pairs = [swept.best_pair(walk, name) for walk, name in known]
    return list(dict.fromkeys(name for pair in pairs for name in _named(sources, pair)))


def _named(sources: Sources, pair: Cell) -> tuple[str, str]:
    fast, slow = (f"{front}{window}{back}" for (front, back), window in zip(sources.averages, pair, strict=True))
    return fast, slow


def _restarts(sources: Sources, series: Series) -> list[int]:
    """Bars at which the sweep's averages started again; those of walk-forward do so too often to be drawn."""
    assert sources.sweep is not None
    split = sources.split
    return _ends(split, series)[:1] if sources.sweep.description.get("cold") and split.sections == 2 else []


def _ends(split: Split, series: Series) -> list[int]:
    if split.time is not None:
        return [int(np.searchsorted(series.times, split.time)), len(series.times)]
    return split.ends(len(series.times))


def _cuts(sources: Sources, symbol: SymbolReport, group: int) -> list[list[int]]:
    """Of each walk the bars at which its test begins and ends."""
    split = sources.split
    if symbol.swept is None or split.sections == 1:
        return []
    ends = [end // group for end in _ends(split, symbol.series)]
    return [list(pair) for pair in pairwise(ends)]


def _orders(candles: Candles, orders: Orders) -> dict[str, Packed]:
    at = candles.series.at(orders.times, "an order") // candles.size
    columns: dict[str, Floats | Ints] = {
        "at": at, "side": orders.side, "status": orders.status, "size": orders.size, "price": orders.price
    }  # fmt: skip
    return {name: packed(column) for name, column in columns.items()}


def _trades(trades: Trades) -> dict[str, Packed]:
    """Times in ms; shares with as many decimals as are read, and money and prices as they are, for they are saved."""
    columns = trades._asdict()
    for name in ("entered", "exited"):
        columns[name] = columns[name] / 1e6
    columns["return"] = columns.pop("returns")
    for name in ("return", "mae", "mfe"):
        columns[name] = np.round(columns[name], _SHARE)
    return {name: packed(column) for name, column in columns.items()}
