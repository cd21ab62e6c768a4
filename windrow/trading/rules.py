"""What a user chooses for a backtest: money, costs, when orders are placed, and when they are filled."""

from dataclasses import dataclass
from typing import Literal, get_args

from windrow.errors import UsageError
from windrow.trading.position_size import ALL_IN, MOST, Size, parse_size

Fill = Literal["next-open", "close"]
Side = Literal["both", "long", "short"]
Entry = Literal["state", "cross"]

#: Share of money by which sums of it may differ from exact decimal arithmetic, as floats are rounded. Less counts as 0.
DUST = 2.0**-40

CHOICES = {"fill": Fill, "side": Side, "entry": Entry}


@dataclass(frozen=True)
class Rules:
    """How a run trades. Raises UsageError for a value out of range.

    size: `all-in`, a number of shares, a share of the equity, `50%`, or shares worth an amount, `money:10000`; it is
    kept as the text that says so. whole_shares: whether fractions of a share are left out. cash: initial cash.
    commission: fraction of the traded money of each order, and commission_per_order: an amount per order, charged once,
    also where the order closes one position and opens another. slippage: fraction of the price by which a buyer pays
    more and a seller gets less; like backtrader's slip_perc with slip_open and slip_out, it is not bounded by the bar's
    high and low.

    fill: at the next bar's open, or at the close at which the order is placed. side: long and short, or one of them.
    entry: `state` opens a position whenever there is none and the averages call for one; `cross` only where they cross.
    stop_at_ruin: whether a run whose value at a close is 0 or below closes its position and trades no more.

    Costs are shares of the absolute price, so they cost at negative prices too. No order is filled at a price of 0.

    >>> Rules(size=-1)
    Traceback (most recent call last):
    ...
    windrow.errors.UsageError: --size -1: a position's size must be above 0 and at most 1e15
    """

    size: str | float = ALL_IN
    whole_shares: bool = False
    cash: float = 100_000.0
    commission: float = 0.0
    commission_per_order: float = 0.0
    slippage: float = 0.0
    fill: Fill = "next-open"
    side: Side = "both"
    entry: Entry = "state"
    stop_at_ruin: bool = False

    @property
    def sized(self) -> Size:
        """The size of a position."""
        return parse_size(self.size)

    @property
    def dust(self) -> float:
        """Money that counts as 0: what rounding may leave of it."""
        return DUST * self.cash

    @property
    def all_or_nothing(self) -> bool:
        """Whether a run holds shares or cash, never both: it buys for all of its cash, and borrows no shares."""
        return self.side == "long" and self.size == ALL_IN and not self.whole_shares

    def columns(self, averaged: str) -> list[str]:
        """The columns of bars that runs need whose lines are over the column `averaged`, in order."""
        opens = ["open"] if self.fill == "next-open" else []
        return list(dict.fromkeys([averaged, "close", *opens]))

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", str(self.sized))
        if self.whole_shares and self.sized.kind == "shares" and self.sized.amount % 1:
            raise UsageError(
                f"--size {self.size} --whole-shares: is no whole number of shares; give one that is, or leave out"
                " --whole-shares"
            )
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
