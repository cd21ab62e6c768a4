"""backtrader's ratios of calendar years' returns: they say little of few years, and nothing of one."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from windrow.arrays import Floats, Mask
from windrow.trading.day_returns import added
from windrow.trading.rules import DUST

#: The yearly return by which others are measured: backtrader's riskfreerate.
TARGET = 0.01

EQUAL_YEARS = "all calendar years returned the same"
NO_YEAR_BELOW = f"no calendar year returned less than {TARGET}"


def years_columns(years: Floats) -> dict[str, Floats]:
    """The ratios of returns (years, runs), by name."""
    return {"bt_sharpe_annual": _sharpe(years), "bt_sortino_annual": _sortino(years)}


def years_undefined(years: Floats, gone: Mask, why: str) -> Iterator[tuple[str, Any, str]]:
    """Names of ratios, the runs where they are undefined, and why; `gone`: runs that have none for another reason."""
    for name in ("bt_sharpe_annual", "bt_sortino_annual"):
        yield name, np.isnan(years).any(axis=0), "a calendar year began with a value of 0 or below"
        yield name, gone, why
        if len(years) == 1:
            yield name, np.ones(years.shape[1], bool), "a single calendar year"
    yield "bt_sharpe_annual", np.ptp(years, axis=0) <= DUST, EQUAL_YEARS
    yield "bt_sortino_annual", (years >= TARGET).all(axis=0), NO_YEAR_BELOW


def _sharpe(years: Floats) -> Floats:
    """(mean - 0.01) / population deviation of calendar years' returns: backtrader's analyzers/sharpe.py."""
    excess = years - TARGET
    mean = _mean(excess)
    return mean / np.sqrt(_mean(np.square(excess - mean)))


def _sortino(years: Floats) -> Floats:
    """The same mean over the population's downside deviation: the root of the mean of min(return - 0.01, 0)**2."""
    excess = years - TARGET
    return _mean(excess) / np.sqrt(_mean(np.square(np.minimum(excess, 0.0))))


def _mean(years: Floats) -> Floats:
    return added(years) / len(years)
