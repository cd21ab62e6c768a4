"""The options of jobs that trade: the rules, and the averages' column and seed."""

from argparse import Namespace
from dataclasses import fields
from typing import Any, Protocol, get_args

from windrow.bars.layout import normalise
from windrow.trading.backtests import Excursions, Strategy
from windrow.trading.measures import Measures
from windrow.trading.position_size import parse_size
from windrow.trading.rules import CHOICES, Rules
from windrow.trading.signals import Pair, parse_line
from windrow.windows import Options, kernels

#: What a user can do where an input lacks a column that orders need.
CURES = {
    "open": "orders are filled at the next open; fill them at the close with --fill close",
    **dict.fromkeys(
        ("low", "high"), "excursions of trades are of it; leave out --excursions range for those of closes"
    ),
}

_SIZE = (
    "size of a position: all-in, a number of shares, e.g. 100, a share of the equity, e.g. 50%%, or shares worth an"
    " amount, e.g. money:10000 (default all-in)"
)
_WHOLE = "round positions down to whole shares (default: fractions of a share)"
_COMMISSION = "commission as a fraction of the traded value: 0.001 is 0.1 %%"
_SLIPPAGE = "slippage as a fraction of the price, against you at each fill"
_STOP = "close the position and stop trading where the value at a close is 0 or below (default: trade on)"
_DAYS = (
    "how many days with a return a year has, for figures of a year (default: 252, or 365 where bars of weekends are as"
    " frequent as others, or as many as there are in a year of bars longer than a day)"
)
_RISK_FREE = "yearly rate that costs no risk, as a fraction: 0.02 is 2 %% (default 0)"
_BACKTRADER = "also write backtrader's own figures, under names that begin with bt_"
_EXCURSIONS = "find trades' worst and best prices among the closes, or in the range of low and high (default close)"
_WORDS = {
    "fill": "fill orders at the next bar's open, or at the close at which they are placed",
    "side": "take long and short positions, or those of one side only",
    "entry": "state: enter whenever flat and the averages point to a position; cross: enter only on a cross",
}


class Group(Protocol):
    """A group of a job's options, as windrow/mapreduce/options.py makes them."""

    def add(self, spelling: str, text: str, **how: Any) -> None:
        """Adds an option: `--size SHARES` and what it means; `how` are argparse's own arguments."""


def add_rules(group: Group) -> None:
    """Adds the options of the rules."""

    def add(spelling: str, text: str) -> None:
        default = getattr(Rules, spelling.split()[0].strip("-").replace("-", "_"))
        group.add(spelling, f"{text} (default {default:g})", type=float, default=default)

    group.add("--size SIZE", _SIZE, type=lambda text: str(parse_size(text)), default=Rules.size)
    group.add("--whole-shares", _WHOLE, action="store_true")
    add("--cash MONEY", "initial cash")
    add("--commission SHARE", _COMMISSION)
    add("--commission-per-order MONEY", "flat commission per order")
    add("--slippage SHARE", _SLIPPAGE)
    for name, text in _WORDS.items():
        default = getattr(Rules, name)
        group.add(f"--{name}", f"{text} (default {default})", choices=get_args(CHOICES[name]), default=default)
    group.add("--stop-at-ruin", _STOP, action="store_true")


def rules_of(options: Namespace) -> Rules:
    """The rules that options ask for. Raises UsageError for values out of range."""
    return Rules(**{field.name: getattr(options, field.name) for field in fields(Rules)})


def add_measures(group: Group) -> None:
    """Adds the options of figures."""
    group.add("--days-per-year DAYS", _DAYS, type=float)
    group.add("--risk-free RATE", _RISK_FREE, type=float, default=Measures.risk_free)
    group.add("--backtrader", _BACKTRADER, action="store_true")


def add_excursions(group: Group) -> None:
    """Adds the option of what trades' excursions are of."""
    group.add("--excursions PRICES", _EXCURSIONS, choices=get_args(Excursions), default=Strategy.excursions)


def measures_of(options: Namespace) -> Measures:
    """What figures are measured by. Raises UsageError for values out of range."""
    return Measures(options.days_per_year, options.risk_free, options.backtrader)


def add_lines(group: Group) -> None:
    """Adds the options of a pair of lines."""
    kinds = f"KIND:WINDOW, KIND one of {', '.join(kernels())}, or the price itself, close"
    group.add("--fast LINE", f"the fast line: {kinds} (default sma:50)", default="sma:50")
    group.add("--slow LINE", "the slow line (default sma:200)", default="sma:200")


def add_averages(group: Group) -> None:
    """Adds the options of what averages take, and how they start."""
    column = "column to average; orders use open and close (default close)"
    seed = "start an ema from the mean of its first bars, or from the first bar (default sma)"
    group.add("--column NAME", column, default="close")
    group.add("--ema-seed", seed, choices=["sma", "first"], default="sma")


def column_of(options: Namespace) -> str:
    """The column of the averages, as it is named in bars."""
    return normalise(options.column)


def windows_of(options: Namespace) -> Options:
    """How the averages are treated."""
    return Options(ema_seed=options.ema_seed)


def strategy_of(options: Namespace) -> Strategy:
    """The lines, and the rules to trade them by. Raises UsageError."""
    column = column_of(options)
    pair = Pair(parse_line(options.fast, column), parse_line(options.slow, column))
    told = measures_of(options), getattr(options, "excursions", Strategy.excursions)
    return Strategy(pair, rules_of(options), column, windows_of(options), *told)
