"""All symbols of a backtest, or of a sweep alone, as columns: what a report's table of symbols has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from windrow.pages.packed import packed
from windrow.pages.report.maps import chosen
from windrow.pages.report.results import Figures

#: The figures that are told of each symbol, in the table's order.
FIELDS = (
    "return", "buy_and_hold", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "trades_closed",
    "win_rate", "profit_factor", "exposure", "costs",
)  # fmt: skip
_DIGITS = 6
_LUCK = "deflated_sharpe"


def listing(figures: Mapping[str, Sequence[Figures]]) -> dict[str, Any] | None:
    """Names and columns of figures, NaN where one is undefined; None of a single symbol.

    >>> found = listing({"A": [{"return": 0.5}], "B": [{"return": None}]})
    >>> found["names"], list(found["columns"]), listing({"A": [{"return": 0.5}]})
    (['A', 'B'], ['return'], None)
    """
    return _listed({name: found[0] for name, found in figures.items() if found}, FIELDS)


def chosen_listing(lines: Iterable[tuple[str, Iterable[Figures]]], objective: str) -> dict[str, Any] | None:
    """The same of a sweep's lines, symbol by symbol: of the pair that each chooses on train, its figures on test.

    fast and slow are its windows, `chosen` is the objective on train. None of a single symbol.
    """
    rows: dict[str, Figures] = {}
    parts: dict[str, str | None] = {}
    for symbol, its in lines:
        found = chosen(its, objective) if symbol else None
        if found is not None:
            fast, slow = found.pair
            told = {"fast": fast, "slow": slow, "chosen": found.on_train.get(objective)}
            luck = {name: value for name, value in found.on_train.items() if name == _LUCK}
            rows[symbol] = {**(found.on_test or found.on_train), **luck, **told}
            parts = {"train": found.train, "test": found.test}
    made = _listed(dict(sorted(rows.items())), ("fast", "slow", "chosen", *FIELDS, _LUCK))
    return made and {**made, **parts}


def _listed(lines: Mapping[str, Figures], fields: Sequence[str]) -> dict[str, Any] | None:
    if len(lines) < 2:
        return None
    told = [name for name in fields if any(name in line for line in lines.values())]
    columns = {name: np.array([line.get(name) for line in lines.values()], np.float64) for name in told}
    return {
        "names": list(lines),
        "columns": {name: packed(np.round(column, _DIGITS)) for name, column in columns.items()},
    }
