"""How figures measure: days of a year, the rate that is free of risk, and whether backtrader's own are told too."""

from dataclasses import dataclass

from windrow.arrays import Ints
from windrow.errors import UsageError
from windrow.times import DAY

#: Days of a year on exchanges, and where bars of weekends are as frequent as others.
TRADING_DAYS, ALL_DAYS = 252, 365
#: Days between neighbouring bars from which on bars are longer than a day: a week with a holiday has five.
_LONG = 5
_YEAR = 365.25
_MOST = 1e6


@dataclass(frozen=True)
class Measures:
    """What figures are measured by. Raises UsageError for a value out of range.

    days_per_year: how many returns a year has, for what is annualised; None: as many as the bars' days say. risk_free:
    the yearly rate that an investment without risk earns, as a fraction. backtrader: whether backtrader's own figures
    are told as well.

    >>> Measures(days_per_year=0)
    Traceback (most recent call last):
    ...
    windrow.errors.UsageError: --days-per-year 0: it is the number of days with a return in a year; use e.g. 252 or 365
    """

    days_per_year: float | None = None
    risk_free: float = 0.0
    backtrader: bool = False

    def __post_init__(self) -> None:
        if self.days_per_year is not None and not 0 < self.days_per_year <= _MOST:
            raise UsageError(
                f"--days-per-year {self.days_per_year}: it is the number of days with a return in a year; use e.g. 252"
                " or 365"
            )
        if not -1 < self.risk_free < 1:
            raise UsageError(
                f"--risk-free {self.risk_free}: it is a yearly rate as a fraction, between -1 and 1; write 2 % as 0.02"
            )

    @property
    def years(self) -> list[float]:
        """The days of a year that may be found, of which each has another rate of a day; one where it is known."""
        if self.days_per_year is not None or not self.risk_free:
            return [self.days_per_year or TRADING_DAYS]
        return [TRADING_DAYS, ALL_DAYS]

    def rate(self, days: float) -> float:
        """The rate of a day, of a year of so many: compounded, it is that of the year."""
        return float((1 + self.risk_free) ** (1 / days) - 1)


def day_of(times: Ints) -> Ints:
    """The number of each time's day, in UTC."""
    return times // DAY


def days_of_year(first: int, last: int, days: int, weekends: int, nearest: int) -> float:
    """How many days with a return a year has, by days with bars: the numbers of the first and the last, how many there
    are and how many of these on weekends, and the least distance of two.

    Where no two are nearer than five days, bars are longer than a day: as many as fit into a year. Otherwise 365 where
    a Saturday or Sunday is at least three quarters as likely to have bars as another day, and else 252.

    >>> days_of_year(0, 27, 20, 0, 1), days_of_year(0, 27, 28, 8, 1), days_of_year(0, 364, 53, 0, 7)
    (252.0, 365.0, 52.0)
    """
    if days > 1 and nearest >= _LONG:
        return float(max(round(_YEAR * (days - 1) / (last - first)), 1))
    possible = weekend_days(first, last)
    others = last - first + 1 - possible
    if weekends and 4 * weekends * others >= 3 * (days - weekends) * possible:
        return float(ALL_DAYS)
    return float(TRADING_DAYS)


def weekend_days(first: int, last: int) -> int:
    """How many Saturdays and Sundays there are from a day to another, both included.

    >>> weekend_days(0, 6), weekend_days(2, 2), weekend_days(3, 8)  # 1970-01-01 was a Thursday
    (2, 1, 1)
    """
    return _weekends_before(last + 1) - _weekends_before(first)


def _weekends_before(day: int) -> int:
    """Saturdays and Sundays since the Monday before 1970-01-01."""
    weeks, rest = divmod(day + 3, 7)
    return 2 * weeks + max(rest - 5, 0)
