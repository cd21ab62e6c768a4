"""The symbols that are collected: a column of a CSV file, of constituents or of nothing else.

A file of constituents (symbol,security,gics_sector,gics_sub_industry,date_added) is one; so is a line `symbol` and one
symbol a line below it.
"""

import csv
from pathlib import Path

from windrow.bars.layout import SYMBOL_NAMES, normalise
from windrow.errors import InputError
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
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read as CSV: {why}; give --universe a file with a column symbol") from None
    header = [normalise(name) for name in rows[0]] if rows else []
    column = next((header.index(name) for name in SYMBOL_NAMES if name in header), None)
    if column is None:
        raise InputError(
            f"{path}: its first line has no column symbol; give --universe a CSV file whose first line names one"
        )
    found = dict.fromkeys(row[column].strip() for row in rows[1:] if len(row) > column and row[column].strip())
    if not found:
        raise InputError(f"{path}: has no symbol below its first line; add one a line")
    if long := [symbol for symbol in found if len(symbol) > LONGEST_SYMBOL]:
        raise InputError(
            f"{path}: {long[0]}: a symbol has at most {LONGEST_SYMBOL} characters, as many as a table keeps; shorten it"
        )
    return list(found)
