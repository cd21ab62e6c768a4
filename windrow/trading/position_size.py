"""The size of a position: all cash, a share of the equity, an amount of money, or a number of shares."""

from dataclasses import dataclass
from typing import Literal

from windrow.errors import UsageError

#: The size by default: the whole equity.
ALL_IN = "all-in"
#: Most shares of a position, and most money: whole numbers up to here are exact in float64.
MOST = 1e15

_MONEY = "money:"
_FORMS = "all-in, shares such as 100, a share of the equity such as 50%, or an amount such as money:10000"


@dataclass(frozen=True)
class Size:
    """What an order opens: `amount` shares, a fraction `amount` of the equity, or shares worth `amount` in money."""

    kind: Literal["shares", "equity", "money"]
    amount: float

    def __str__(self) -> str:
        """As `--size` takes it; equal sizes are written alike."""
        if self.kind == "money":
            return f"{_MONEY}{_plain(self.amount)}"
        if self.kind == "shares":
            return _plain(self.amount)
        return ALL_IN if self.amount == 1 else f"{_plain(float(f'{100 * self.amount:.15g}'))}%"

    @property
    def words(self) -> str:
        """What a user reads of it.

        >>> [parse_size(text).words for text in ("all-in", "12.5%", "money:1e4", "100")]
        ['all cash', '12.5 % of the equity', '10,000 in money', '100 shares']
        """
        if self.kind == "money":
            return f"{self.amount:,.12g} in money"
        if self.kind == "shares":
            return f"{self.amount:,.12g} share{'s' * (self.amount != 1)}"
        return "all cash" if self.amount == 1 else f"{100 * self.amount:.12g} % of the equity"


def parse_size(size: str | float) -> Size:
    """The size that a text or a number of shares asks for. Raises UsageError.

    >>> [str(parse_size(size)) for size in ("all-in", "100%", "50 %", "money:1e4", 100, "2.50")]
    ['all-in', 'all-in', '50%', 'money:10000', '100', '2.5']
    >>> parse_size("150%")
    Traceback (most recent call last):
    windrow.errors.UsageError: --size 150%: a share of the equity is above 0 % and at most 100 %, for nothing is ...
    """
    text = str(size).strip().lower()
    if text == ALL_IN:
        return Size("equity", 1.0)
    amount = _number(text.removeprefix(_MONEY).removesuffix("%"))
    if amount is None or isinstance(size, bool) or (text.startswith(_MONEY) and text.endswith("%")):
        raise UsageError(f"--size {size}: is no size; give {_FORMS}")
    if text.endswith("%"):
        if not 0 < amount <= 100:
            raise UsageError(
                f"--size {size}: a share of the equity is above 0 % and at most 100 %, for nothing is lent; use"
                " e.g. 50%"
            )
        return Size("equity", amount / 100)
    if not 0 < amount <= MOST:
        raise UsageError(f"--size {size}: a position's size must be above 0 and at most 1e15")
    return Size("money" if text.startswith(_MONEY) else "shares", amount)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plain(amount: float) -> str:
    return repr(amount).removesuffix(".0")
