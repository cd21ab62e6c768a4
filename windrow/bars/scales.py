"""`--scale close=1e-9`: columns that count a part of the unit, as Databento's and Lean's prices in whole numbers."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from windrow.bars.layout import normalise
from windrow.errors import UsageError

#: Of powers of ten, either way: there are tokens with 18 places.
_MOST = 30


def parse_scales(texts: Sequence[str]) -> tuple[str, ...]:
    """Columns and their powers of ten, each as `close=1e-9`. Raises UsageError.

    >>> parse_scales(["Close=0.0001,open=1e-4", "volume=100"])
    ('close=1e-4', 'open=1e-4', 'volume=1e2')
    """
    powers: dict[str, int] = {}
    for text in ",".join(texts).split(",") if texts else ():
        name, _, factor = text.rpartition("=")
        power = _power(factor)
        if not name or power is None:
            raise UsageError(
                f"--scale {text}: is a column and a power of ten, by which no digit changes; give both, e.g. close=1e-9"
            )
        if powers.setdefault(normalise(name), power) != power:
            raise UsageError(f"--scale {text}: {normalise(name)} has another factor too; give one of the two")
    return tuple(f"{name}=1e{power}" for name, power in powers.items())


def _power(factor: str) -> int | None:
    """The power of ten that a text is.

    >>> _power("1e-9"), _power("0.001"), _power("100"), _power("0.25"), _power("-1")
    (-9, -3, 2, None, None)
    """
    try:
        sign, digits, exponent = Decimal(factor.strip()).normalize().as_tuple()
    except InvalidOperation:
        return None
    return exponent if (sign, digits) == (0, (1,)) and isinstance(exponent, int) and abs(exponent) <= _MOST else None
