"""Results to lines of text, Parquet files or orders.

lines.py       values -> lines of text, SYMBOL <tab> TIMESTAMP <tab> value...
parquet.py     values -> a Parquet file with the same columns
crosses.py     crosses -> lines of text
backtests.py   figures, orders and equity -> lines of text
portfolios.py  accounts of many symbols -> one equity
alerted.py     alerts -> lines of text
rejected.py    invalid rows -> lines of JSON
normalized.py  scaled values, and their scales -> lines of text, and back
sequenced.py   sequences of bars -> Parquet files, or numpy's
"""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import numpy.typing as npt

from sort_keys.merge import Stretch

#: The end of the name of a part that lists symbols.
SYMBOLS = "-symbols"
#: Writes lines for the bars at an index of a stretch, given the columns of their values (NaN: no value).
Write = Callable[[Stretch, npt.NDArray[np.int64], Sequence[npt.NDArray[np.float64]]], None]

#: How many symbols a warning names.
_SHOWN = 20


def told_symbols(names: Collection[str]) -> str:
    """Some symbols, as a warning names them.

    >>> told_symbols({"BB", "AA"})
    '2 symbols, AA, BB'
    """
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{len(names):,} symbol{'s' * (len(names) > 1)}, {', '.join(sorted(names)[:_SHOWN])}{more}"
