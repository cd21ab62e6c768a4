"""Which pairs of a sweep have a curve on a page, and how it is computed: by a backtest over all bars, by its rules."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from itertools import chain
from typing import Any

from sort_keys.merge import Piece
from windrow.pages.report.maps import Swept
from windrow.pages.report.strategy_runs import StrategyRun, run_over
from windrow.pages.series import Series
from windrow.trading.backtests import Strategy
from windrow.trading.measures import Measures
from windrow.trading.rules import Rules
from windrow.trading.signals import Pair, parse_line
from windrow.windows import Options

#: Values of curves that a page holds of a symbol: some 40 bytes each. Those of each walk's best pair it always has.
MOST_CURVED = 10_000


def curved_pairs(swept: Swept, objective: str, bars: int) -> list[int]:
    """The numbers of the pairs that have a curve: the best of each walk, by any objective, and others by their rank."""
    walks = [swept.parts[train].orders for train, _ in swept.walks()]
    best = dict.fromkeys(int(orders[objective][0]) for orders in walks if objective in orders)
    others = [[int(order[0]) for order in orders.values()] for orders in walks]
    ranked = [orders[objective].astype(int).tolist() for orders in walks if objective in orders]
    wanted = dict.fromkeys(chain(best, *others, *ranked))
    return list(wanted)[: max(len(best), MOST_CURVED // max(bars, 1))]


def strategy_of_pair(description: Mapping[str, Any], column: str, fast: str, slow: str) -> Strategy | None:
    """What a sweep tried, as a backtest runs it; None where its rules are unknown, as in outputs from before them."""
    if "rules" not in description:
        return None
    return Strategy(
        Pair(parse_line(fast, column), parse_line(slow, column)),
        Rules(**_known(Rules, description["rules"])),
        column,
        Options(ema_seed=description.get("ema_seed", "sma")),
        Measures(**_known(Measures, description.get("measures", {}))),
    )


def run_of(strategy: Strategy, series: Series) -> StrategyRun | None:
    """Its run over a symbol's bars; None where these lack a column that it takes."""
    if not set(strategy.columns) <= set(series.prices):
        return None
    piece = Piece(series.times, [series.prices[name] for name in strategy.columns])
    return run_over(strategy, [piece], series.dated)


def options_of(description: Mapping[str, Any]) -> str:
    """The options by which a backtest trades as a sweep did, where they are not the defaults.

    >>> options_of({"rules": {"commission": 0.001, "whole_shares": True, "side": "both"}, "ema_seed": "first"})
    '--commission 0.001 --whole-shares --ema-seed first'
    """
    given = {**description.get("rules", {}), **description.get("measures", {})}
    defaults = {field.name: field.default for kind in (Rules, Measures) for field in fields(kind)}
    told = {name: value for name, value in given.items() if name in defaults and value != defaults[name]}
    if description.get("ema_seed", "sma") != "sma":
        told["ema_seed"] = description["ema_seed"]
    reading = description.get("reading", {})
    if (averaged := (reading.get("values") or ["close"])[0]) != "close":
        told["column"] = averaged
    if reading.get("adjusted"):
        told["adjusted"] = True
    return " ".join(_option(name, value) for name, value in told.items())


def _option(name: str, value: Any) -> str:
    spelling = f"--{name.replace('_', '-')}"
    return spelling if value is True else f"{spelling} {shlex.quote(str(value))}"


def _known(kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: given[field.name] for field in fields(kind) if field.name in given}
