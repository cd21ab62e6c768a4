"""What a user chooses for a backtest: money, costs, when orders are placed, and when they are filled."""

from dataclasses import dataclass
from typing import Literal, get_args

from windrow.errors import UsageError

Fill = Literal["next-open", "close"]
Side = Literal["both", "long"]
Entry = Literal["state", "cross"]
Sizing = Literal["fixed", "all-in"]

#: Share of money by which sums of it may differ from exact decimal arithmetic, as floats are rounded. Less counts as 0.
DUST = 2.0**-40

#: Most shares of a position, and most cash: whole numbers up to here are exact in float64.
MOST = 1e15

CHOICES = {"fill": Fill, "side": Side, "entry": Entry, "sizing": Sizing}


@dataclass(frozen=True)
class Rules:
    """How a run trades. Raises UsageError for a value out of range.

    size: shares of a position (sizing `fixed`). cash: initial cash. commission: fraction of the traded money of each
    order, and commission_per_order: an amount per order, charged once, also where the order closes one position and
    opens another. slippage: fraction of the price by which a buyer pays more and a seller gets less; like backtrader's
    slip_perc with slip_open and slip_out, it is not bounded by the bar's high and low.

    fill: at the next bar's open, or at the close at which the order is placed. side: long and short, or long only.
    entry: `state` opens a position whenever there is none and the averages call for one; `cross` only where they cross.
    sizing: `fixed`, or `all-in`: all cash, costs included, goes into fractions of a share, and all of them are sold.
    stop_at_ruin: whether a run whose value at a close is 0 or below closes its position and trades no more.

    Costs are shares of the absolute price, so they cost at negative prices too. No order is filled at a price of 0.

    >>> Rules(size=-1)
    Traceback (most recent call last):
    ...
    windrow.errors.UsageError: --size -1: a position's size must be above 0 and at most 1e15
    """

    size: float = 100.0
    cash: float = 100_000.0
    commission: float = 0.0
    commission_per_order: float = 0.0
    slippage: float = 0.0
    fill: Fill = "next-open"
    side: Side = "both"
    entry: Entry = "state"
    sizing: Sizing = "fixed"
    stop_at_ruin: bool = False

    @property
    def dust(self) -> float:
        """Money that counts as 0: what rounding may leave of it."""
        return DUST * self.cash

    def columns(self, averaged: str) -> list[str]:
        """The columns of bars that runs need whose lines are over the column `averaged`, in order."""
        opens = ["open"] if self.fill == "next-open" else []
        return list(dict.fromkeys([averaged, "close", *opens]))

    def __post_init__(self) -> None:
        if not 0 < self.size <= MOST:
            raise UsageError(f"--size {self.size}: a position's size must be above 0 and at most 1e15")
        if not 0 < self.cash <= MOST:
            raise UsageError(f"--cash {self.cash}: the initial cash must be above 0 and at most 1e15")
        for name in ("commission", "slippage"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"--{name} {value}: it is a fraction, from 0 to less than 1; write 0.1 % as 0.001")
        if not 0 <= self.commission_per_order <= MOST:
            raise UsageError(
                f"--commission-per-order {self.commission_per_order}: it is an amount of money, not a fraction;"
                " give 0 to 1e15"
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                raise UsageError(
                    f"--{name} {getattr(self, name)}: not one of {', '.join(get_args(choices))}; use one of them"
                )
