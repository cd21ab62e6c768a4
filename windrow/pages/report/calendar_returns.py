"""Returns of months and years, from values at bars."""

from typing import Any, NamedTuple

import numpy as np

from windrow.arrays import Floats, Ints
from windrow.pages.packed import packed

_DIGITS = 5  # of which a page shows three


class Periods(NamedTuple):
    """Returns of periods in a row: the number of the first one since 1970, and NaN where there is none."""

    first: int
    returns: Floats

    def packed(self) -> dict[str, Any]:
        """For the page."""
        return {"first": self.first, "returns": packed(np.round(self.returns, _DIGITS))}


def months(times: Ints, values: Floats, cash: float) -> Periods:
    """The return of each month, UTC: from the value at the last bar before it, of the first one from the cash.

    >>> days = np.array(["2024-01-31", "2024-02-29", "2024-04-30"], "datetime64[ns]").astype(np.int64)
    >>> months(days, np.array([110.0, 99.0, 198.0]), 100.0).returns.round(9)
    array([ 0.1, -0.1,  nan,  1. ])
    """
    return _periods(times, values, cash, "M")


def years(times: Ints, values: Floats, cash: float) -> Periods:
    """The return of each year in the same way."""
    return _periods(times, values, cash, "Y")


def _periods(times: Ints, values: Floats, cash: float, unit: str) -> Periods:
    known = ~np.isnan(values)
    if not known.any():
        return Periods(0, np.empty(0))
    values = values[known]
    numbers = times[known].astype("datetime64[ns]").astype(f"datetime64[{unit}]").astype(np.int64)
    ends = np.flatnonzero(np.append(numbers[1:] != numbers[:-1], True))
    bases = np.append(cash, values[ends[:-1]])
    returns = np.full(numbers[-1] - numbers[0] + 1, np.nan)
    with np.errstate(all="ignore"):  # from a value of 0 or below there is no return
        returns[numbers[ends] - numbers[0]] = np.where(bases > 0, values[ends] / bases - 1, np.nan)
    return Periods(int(numbers[0]), returns)
