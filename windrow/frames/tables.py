"""Figures as a DataFrame."""

from typing import Any

import numpy as np
import pandas as pd

from windrow.arrays import Floats, Ints
from windrow.sinks.fields import UNDEFINED, flat
from windrow.trading.figures import TIMES


def figures_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Figures, one dict per row, as a frame sorted by symbol; undefined ones are NaN, and times are datetimes in UTC.

    Figures of a part, a dict in that dict, become columns whose names begin with that of the part.

    >>> figures_table([{"symbol": "AA", "fast": 7, "train": {"pnl": 83.0, "sqn": None}}])
      symbol  fast  train_pnl  train_sqn
    0     AA     7       83.0        NaN
    """
    table = pd.DataFrame(list(map(flat, rows))).sort_values("symbol", kind="stable", ignore_index=True)
    for name in table.columns[table.columns.str.endswith(TIMES)]:
        table[name] = (
            pd.to_datetime(table[name], utc=True, format="ISO8601").dt.tz_localize(None).astype("datetime64[ns]")
        )
    table = table[sorted(table, key=lambda name: name == UNDEFINED)]
    empty = [name for name in table if table[name].isna().all() and table[name].dtype.kind != "M"]
    return table.astype(dict.fromkeys(empty, np.float64) | {"symbol": str})


def equity_rows(symbol: str, times: Ints, values: Floats, bought: Floats) -> pd.DataFrame:
    """A symbol's values at its closes beside those of buying and holding, a row each."""
    columns = {"value": values, "buy_and_hold": bought}
    return pd.DataFrame({"symbol": symbol, "timestamp": times.view("datetime64[ns]"), **columns})
