"""All symbols of a backtest as columns: what a report's table of symbols has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from windrow.pages.packed import packed
from windrow.pages.report.results import Figures

#: The figures that are told of each symbol, in the table's order.
FIELDS = (
    "return", "buy_and_hold", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "trades_closed",
    "win_rate", "profit_factor", "exposure", "costs",
)  # fmt: skip
_DIGITS = 6


def listing(figures: Mapping[str, Sequence[Figures]]) -> dict[str, Any] | None:
    """Names and columns of figures, NaN where one is undefined; None of a single symbol.

    >>> found = listing({"A": [{"return": 0.5}], "B": [{"return": None}]})
    >>> found["names"], list(found["columns"]), listing({"A": [{"return": 0.5}]})
    (['A', 'B'], ['return'], None)
    """
    lines = {name: found[0] for name, found in figures.items() if found}
    if len(lines) < 2:
        return None
    told = [name for name in FIELDS if any(name in line for line in lines.values())]
    columns = {name: np.array([line.get(name) for line in lines.values()], np.float64) for name in told}
    return {
        "names": list(lines),
        "columns": {name: packed(np.round(column, _DIGITS)) for name, column in columns.items()},
    }
