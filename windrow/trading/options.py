"""The options of jobs that trade: the rules, and the averages' column and seed."""

from dataclasses import fields
from typing import Any, get_args

from windrow.bars.layout import normalise
from windrow.trading.rules import CHOICES, Rules
from windrow.windows import Options

_COMMISSION = "commission of an order, as a fraction of the traded money: 0.001 is 0.1 %%"
_SLIPPAGE = "fraction of the price by which a buyer pays more and a seller gets less"
_WORDS = {
    "fill": "fill orders at the next bar's open, or at the close at which they are placed",
    "side": "take long and short positions, or long ones only",
    "entry": "open a position whenever there is none and the averages call for one, or only where they cross",
    "sizing": "put --size shares into a position, or all the cash, costs included, in fractions of a share",
}


def add_rules(job: Any) -> None:
    """Adds the options of the rules to a BarJob, in a group of their own."""
    group = job.add_group("Trading")

    def add(spelling: str, text: str) -> None:
        default = getattr(Rules, spelling.split()[0].strip("-").replace("-", "_"))
        job.option(group, spelling, f"{text} (default {default:g})", type=float, default=default)

    add("--size SHARES", "shares of a position")
    add("--cash MONEY", "initial cash")
    add("--commission SHARE", _COMMISSION)
    add("--commission-per-order MONEY", "commission per order, whatever its size")
    add("--slippage SHARE", _SLIPPAGE)
    for name, text in _WORDS.items():
        default = getattr(Rules, name)
        job.option(group, f"--{name}", f"{text} (default {default})", choices=get_args(CHOICES[name]), default=default)


def rules_of(options: Any) -> Rules:
    """The rules that options ask for. Raises UsageError for values out of range."""
    return Rules(**{field.name: getattr(options, field.name) for field in fields(Rules)})


def add_averages(job: Any, group: Any) -> None:
    """Adds the options of what averages take, and how they start."""
    column = "column to average; orders use open and close (default close)"
    seed = "start an ema from the mean of its first bars, or from the first bar (default sma)"
    job.option(group, "--column NAME", column, default="close")
    job.option(group, "--ema-seed", seed, choices=["sma", "first"], default="sma")


def column_of(options: Any) -> str:
    """The column of the averages, as it is named in bars."""
    return normalise(options.column)


def windows_of(options: Any) -> Options:
    """How the averages are treated."""
    return Options(ema_seed=options.ema_seed)
