"""The options of jobs that trade: what a run buys, what that costs, and when."""

from dataclasses import fields
from typing import Any

from windrow.feeds.layout import normalise
from windrow.trading.rules import Rules

_COMMISSION = "commission of an order as a fraction of the traded money, 0.001 being 0.1 %% (default 0)"
_SLIPPAGE = "fraction of the price by which a buyer pays more and a seller gets less (default 0)"
_FILL = "orders are filled at the next bar's open, or at the close that placed them (default next-open)"
_SIDE = "positions are long or short, or long alone (default both)"
_ENTRY = "a position is opened whenever the averages say so and there is none, or where they cross (default state)"
_SIZING = "--size shares, or all the cash, costs included, in fractions of a share (default fixed)"
_COLUMN = "column of the averages; orders take open and close (default close)"
_SEED = "an ema starts from the mean of its first bars, or from the first bar (default sma)"


def add_to(job: Any, group: Any) -> None:
    """Adds them to a group of a BarJob's options."""
    job.option(group, "--size SHARES", "shares of a position (default 100)", type=float, default=Rules.size)
    job.option(group, "--cash MONEY", "money at the start (default 100000)", type=float, default=Rules.cash)
    job.option(group, "--commission SHARE", _COMMISSION, type=float, default=0.0)
    job.option(group, "--commission-per-order MONEY", "and money an order (default 0)", type=float, default=0.0)
    job.option(group, "--slippage SHARE", _SLIPPAGE, type=float, default=0.0)
    job.option(group, "--fill", _FILL, choices=["next-open", "close"], default="next-open")
    job.option(group, "--side", _SIDE, choices=["both", "long"], default="both")
    job.option(group, "--entry", _ENTRY, choices=["state", "cross"], default="state")
    job.option(group, "--sizing", _SIZING, choices=["fixed", "all-in"], default="fixed")
    job.option(group, "--column NAME", _COLUMN, default="close")
    job.option(group, "--ema-seed", _SEED, choices=["sma", "first"], default="sma")


def rules(options: Any) -> Rules:
    """The rules that options ask for. Raises UsageError for values out of range."""
    return Rules(**{field.name: getattr(options, field.name) for field in fields(Rules)})


def column(options: Any) -> str:
    """The column of the averages, as headers are read."""
    return normalise(options.column)
