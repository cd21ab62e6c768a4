"""What a user chooses of a backtest: money, costs, when orders fill, and when they are placed."""

from dataclasses import dataclass
from typing import Literal, get_args

from windrow.errors import UsageError

Fill = Literal["next-open", "close"]
Side = Literal["both", "long"]
Entry = Literal["state", "cross"]
Sizing = Literal["fixed", "all-in"]

#: Share of money by which sums of it may miss what they are in school arithmetic: floats are rounded. Less is nothing.
DUST = 2.0**-40

#: Shares and money above which products with prices would not be floats.
MOST = 1e15

CHOICES = {"fill": Fill, "side": Side, "entry": Entry, "sizing": Sizing}


@dataclass(frozen=True)
class Rules:
    """How a run trades. Raises UsageError for a value out of range.

    size: shares of a position (sizing `fixed`). cash: money at the start. commission: fraction of the traded money of
    each order, and commission_per_order: money for each order, once, also where it closes one position and opens
    another. slippage: fraction of the price by which a buyer pays more and a seller gets less; like backtrader's
    slip_perc with slip_open and slip_out, it is not bounded by the bar's high and low.

    fill: at the next bar's open, or at the close at which the order is placed. side: long and short, or long alone.
    entry: `state` opens a position whenever there is none and the averages say so; `cross` only where they cross.
    sizing: `fixed`, or `all-in`: all cash, costs included, into fractions of a share, and all of them sold.

    >>> Rules(size=-1)
    Traceback (most recent call last):
    ...
    windrow.errors.UsageError: --size -1: a position has a size, above 0 and up to 1e15; give one
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

    @property
    def dust(self) -> float:
        """Money that counts as none: what rounding may leave of 0."""
        return DUST * self.cash

    def __post_init__(self) -> None:
        if not 0 < self.size <= MOST:
            raise UsageError(f"--size {self.size}: a position has a size, above 0 and up to 1e15; give one")
        if not 0 < self.cash <= MOST:
            raise UsageError(f"--cash {self.cash}: a run starts with cash, above 0 and up to 1e15; give some")
        for name in ("commission", "slippage"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise UsageError(f"--{name} {value}: it is a fraction, from 0 to less than 1; 0.1 % is given as 0.001")
        if not 0 <= self.commission_per_order <= MOST:
            raise UsageError(
                f"--commission-per-order {self.commission_per_order}: it is money, from 0 to 1e15; give such an amount"
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                raise UsageError(
                    f"--{name} {getattr(self, name)}: is none of {', '.join(get_args(choices))}; give one of them"
                )
