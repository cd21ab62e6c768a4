"""What a page shows, as JSON: of each symbol its bars, averages, orders, values and figures, and its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.errors import UsageError
from windrow.pages.packed import Packed, decimals, packed, packed_times
from windrow.pages.report.maps import Swept
from windrow.pages.report.results import BACKTEST, SWEEP, Equity, Figures, Orders, Output
from windrow.pages.report.series import CANDLES, Series
from windrow.sweeps.grid import Cell
from windrow.sweeps.ranking import OBJECTIVES
from windrow.sweeps.splits import Split, parse_split
from windrow.windows import Options

#: Candles of a symbol; of more bars as many are joined as it takes. They are 25 MB, twice what a page should be.
MOST_CANDLES = 400_000
#: Numbers of averages that a page holds of a symbol, so that other pairs of a sweep than the best can be drawn.
MOST_AVERAGED = 1_000_000

_RULES = {
    "cash": "cash {:,.12g}", "size": "size {:,.12g}", "commission": "commission {:.4g} of the money",
    "commission_per_order": "{:,.12g} an order", "slippage": "slippage {:.4g} of the price", "fill": "filled at the {}",
    "side": "{}", "entry": "entry by {}", "sizing": "{}",
}  # fmt: skip
_WORDS = {"next-open": "next open", "both": "long and short", "long": "long only", "fixed": "", "all-in": "all in"}


@dataclass(frozen=True)
class Story:
    """All that is known of one symbol; what was not given is None."""

    series: Series
    figures: Figures | None = None
    orders: Orders | None = None
    equity: Equity | None = None
    swept: Swept | None = None


@dataclass(frozen=True)
class Sources:
    """The outputs that a report is of: a backtest's and a sweep's, of which one may be missing."""

    backtest: Output | None
    sweep: Output | None

    @classmethod
    def of(cls, outputs: Sequence[Output]) -> "Sources":
        """From outputs in any order. Raises UsageError for two of one job."""
        found: dict[str, Output] = {}
        for output in outputs:
            if output.job in found:
                raise UsageError(
                    f"{found[output.job].place} {output.place}: both are of a {output.job}; a page tells of one"
                    f" {BACKTEST}, one {SWEEP}, or one of each; make two pages"
                )
            found[output.job] = output
        return cls(found.get(BACKTEST), found.get(SWEEP))

    @property
    def outputs(self) -> list[Output]:
        """Those there are."""
        return [output for output in (self.backtest, self.sweep) if output]

    def beside(self, suffix: str) -> list[Path]:
        """The files of that suffix beside the backtest's lines."""
        return self.backtest.beside(suffix) if self.backtest else []

    @property
    def told(self) -> dict[str, Any]:
        """What the job told of itself: the backtest, or the sweep where there is none."""
        return self.outputs[0].told

    @property
    def objective(self) -> str:
        """What the sweep chose by."""
        return str(self.sweep.told.get("objective", "pnl")) if self.sweep else "pnl"

    @property
    def averages(self) -> tuple[str, str]:
        """The kinds of the sweep's averages."""
        assert self.sweep is not None
        fast, slow = (str(self.sweep.told[side]).partition(":")[0] for side in ("fast", "slow"))
        return fast, slow

    @property
    def split(self) -> Split:
        """How the sweep cut the series."""
        told = self.sweep.told if self.sweep else {}
        zone = told.get("reading", {}).get("timezone", "UTC")
        return parse_split(told.get("split"), told.get("split_at"), told.get("walk_forward"), zone)

    @property
    def title(self) -> str:
        """The page's title."""
        what = "Backtest" if self.backtest else "Sweep"
        return f"{what} of {self.told['fast']} over {self.told['slow']}"

    @property
    def rules(self) -> list[str]:
        """How orders were placed and filled, in words; costs that are 0 are left out."""
        rules = self.told.get("rules", {})
        idle = "size" if rules.get("sizing") == "all-in" else ""
        known = [(form, rules[name]) for name, form in _RULES.items() if name != idle and rules.get(name)]
        texts = [form.format(_WORDS.get(value, value)) for form, value in known]
        return [text for text in texts if text]


def contents(sources: Sources, stories: Sequence[Story], known: int, most_bytes: int | None = None) -> dict[str, Any]:
    """The page's data. Symbols are taken while they fit `most_bytes`, at least one; `known` is how many there are."""
    symbols: list[dict[str, Any]] = []
    size = 0
    for story in stories:
        symbol = _symbol(sources, story)
        size += _size(symbol)
        if symbols and most_bytes is not None and size > most_bytes:
            break
        symbols.append(symbol)
    first = stories[0]
    walks = first.swept.walks() if first.swept else []
    return {
        "title": sources.title,
        "rules": sources.rules,
        "notes": _notes(len(symbols), known),
        "dated": first.series.dated,
        "column": first.series.price,
        "objective": sources.objective,
        "objectives": list(OBJECTIVES),
        "walks": [{"train": train, "test": test} for train, test in walks],
        "symbols": symbols,
    }


def _notes(shown: int, known: int) -> list[str]:
    if shown == known:
        return []
    return [f"{shown:,} of {known:,} symbols are on this page; windrow report --symbol chooses others."]


def _size(value: Any) -> int:
    """About how many bytes a value takes as JSON."""
    if isinstance(value, dict):
        return sum(len(name) + 4 + _size(part) for name, part in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str) else 8


def _symbol(sources: Sources, story: Story) -> dict[str, Any]:
    series = story.series
    group = -(-len(series.times) // MOST_CANDLES)
    digits = max((decimals(series.prices[name]) or 0 for name in _names(series)), default=2)
    digits = min(max(digits, 2), 6)
    return {
        "name": series.symbol,
        "bars": len(series.times),
        "group": group,
        "digits": digits,
        "times": packed_times(series.times[::group]),
        **_prices(series, group),
        "lines": {
            name: packed(_lasts(np.round(line, digits + 2), group)) for name, line in _averages(sources, story).items()
        },
        "pair": list(_pair(sources, story)),
        "cuts": _cuts(sources, story, group),
        "orders": story.orders and _orders(series, story.orders, group),
        **_equity(series, story.equity, group),
        "figures": story.figures,
        "sweep": story.swept and story.swept.packed(sources.averages),
    }


def _names(series: Series) -> Sequence[str]:
    return CANDLES if series.has_candles else [series.price]


def _prices(series: Series, group: int) -> dict[str, Packed]:
    if not series.has_candles:
        return {"close": packed(_lasts(series.close, group))}
    starts = np.arange(0, len(series.times), group)
    first, high, low, _ = (series.prices[name] for name in CANDLES)
    highs, lows = np.fmax.reduceat(high, starts), np.fmin.reduceat(low, starts)
    columns = dict(zip(CANDLES, (first[::group], highs, lows, _lasts(series.close, group)), strict=True))
    return {name: packed(column) for name, column in columns.items()}


def _lasts(values: Floats, group: int) -> Floats:
    """The last value of each group of bars."""
    ends = np.minimum(np.arange(group, len(values) + group, group), len(values)) - 1
    last: Floats = values[ends]
    return last


def drawn_averages(sources: Sources, story: Story) -> dict[str, Floats]:
    """The backtest's pair of averages, or the pair that is best on the sweep's first walk, by name."""
    options = Options(ema_seed=sources.told.get("ema_seed", "sma"))
    restarts = [] if story.figures else _restarts(sources, story.series)
    return {name: story.series.average(name, options, restarts) for name in _pair(sources, story)}


def _pair(sources: Sources, story: Story) -> tuple[str, str]:
    if story.figures is not None:
        return str(story.figures["fast"]), str(story.figures["slow"])
    assert story.swept is not None
    return _named(sources, story.swept.best_pair(story.swept.walks()[0][0], sources.objective))


def _averages(sources: Sources, story: Story) -> dict[str, Floats]:
    """The averages that a page holds: those that it draws first, and, of a sweep alone, those of other pairs."""
    lines = drawn_averages(sources, story)
    if story.swept is None or story.figures is not None:
        return lines
    options = Options(ema_seed=sources.told.get("ema_seed", "sma"))
    restarts = _restarts(sources, story.series)
    others = [name for name in _windows(sources, story.swept, len(story.series.times)) if name not in lines]
    return lines | {name: story.series.average(name, options, restarts) for name in others}


def _windows(sources: Sources, swept: Swept, bars: int) -> list[str]:
    """All averages of a sweep, if they are few enough; otherwise those of each walk's best pairs by each objective."""
    pairs = swept.pairs
    windows = len({fast for fast, _ in pairs}) + len({slow for _, slow in pairs})
    if windows * bars > MOST_AVERAGED:
        known = [(walk, name) for walk, _ in swept.walks() for name in OBJECTIVES if name in swept.parts[walk].fields]
        pairs = [swept.best_pair(walk, name) for walk, name in known]
    return list(dict.fromkeys(name for pair in pairs for name in _named(sources, pair)))


def _named(sources: Sources, pair: Cell) -> tuple[str, str]:
    fast, slow = (f"{average}:{window}" for average, window in zip(sources.averages, pair, strict=True))
    return fast, slow


def _restarts(sources: Sources, series: Series) -> list[int]:
    """Bars at which the sweep's averages began anew; those of walk-forward do so too often to be drawn."""
    assert sources.sweep is not None
    split = sources.split
    return [] if sources.sweep.told.get("warm") or split.sections != 2 else _ends(split, series)[:1]


def _ends(split: Split, series: Series) -> list[int]:
    if split.time is not None:
        return [int(np.searchsorted(series.times, split.time)), len(series.times)]
    return split.ends(len(series.times))


def _cuts(sources: Sources, story: Story, group: int) -> list[list[int]]:
    """Of each walk the bars at which its test begins and ends."""
    split = sources.split
    if story.swept is None or split.sections == 1:
        return []
    ends = [end // group for end in _ends(split, story.series)]
    return [list(pair) for pair in pairwise(ends)]


def _orders(series: Series, orders: Orders, group: int) -> dict[str, Packed]:
    at = series.at(orders.times, "an order") // group
    columns: dict[str, Floats | Ints] = {
        "at": at, "side": orders.side, "status": orders.status, "size": orders.size, "price": orders.price
    }  # fmt: skip
    return {name: packed(column) for name, column in columns.items()}


def _equity(series: Series, equity: Equity | None, group: int) -> dict[str, Packed | None]:
    if equity is None:
        return {"equity": None, "drawdown": None}
    values = series.values(equity)
    starts = np.arange(0, len(values), group)
    fall: Floats = np.fmax.reduceat(drawdown(values), starts)
    return {"equity": packed(_lasts(values, group)), "drawdown": packed(-np.round(fall, 4))}


def drawdown(values: Floats) -> Floats:
    """How far values are below their highest so far, in % of it; NaN where there is no value.

    NaN throughout where the first value is 0 or below, as the figure `max_drawdown_pct` is then undefined.

    >>> drawdown(np.array([100.0, 125.0, 100.0]))
    array([ 0.,  0., 20.])
    """
    peaks = np.fmax.accumulate(values)
    if np.nanmin(peaks, initial=np.inf) <= 0:
        return np.full_like(values, np.nan)
    return 100 * (peaks - values) / peaks
