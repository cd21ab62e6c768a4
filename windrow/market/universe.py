"""The symbols that are collected: a column of a CSV file, of constituents, of bars, or of nothing else."""

from pathlib import Path

from windrow.errors import InputError
from windrow.market.companies import companies
from windrow.storage.sql.schema import LONGEST_SYMBOL


def symbols_of(path: Path) -> list[str]:
    """The symbols of a file, each once, in its order. Raises InputError for a file that has none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "sp.csv")
    ...     _ = file.write_text("Symbol,Security\\nBRK.B,Berkshire\\nNA,Nano\\nBRK.B,Berkshire\\n")
    ...     symbols_of(file)
    ['BRK.B', 'NA']
    """
    with companies("--universe", str(path)) as (_, rows):
        found = dict.fromkeys(row.symbol for row in rows)
    if not found:
        raise InputError(f"--universe {path}: has no symbol below its first line; add one a line")
    if long := [symbol for symbol in found if len(symbol) > LONGEST_SYMBOL]:
        raise InputError(
            f"--universe {path}: {long[0]}: a symbol has at most {LONGEST_SYMBOL} characters, as many as a table keeps;"
            " shorten it"
        )
    return list(found)
