"""A list of companies as users have it: a CSV file whose first line names its columns, one of them that of symbols.

Between fields is a comma, a semicolon or a tab. A column `name` has no symbols here, as it may have in files of bars:
it has what companies are called.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from windrow.bars.layout import SYMBOL_NAMES, normalise
from windrow.errors import InputError

SYMBOL = tuple(name for name in SYMBOL_NAMES if name != "name")
#: Characters of a header that an error repeats.
_LISTED = 400


class Company(NamedTuple):
    """A line of the file: where it is, as errors say it, its symbol, and all of its fields."""

    where: str
    symbol: str
    fields: Sequence[str]


@contextmanager
def companies(option: str, path: str) -> Iterator[tuple[Sequence[str], Iterator[Company]]]:
    """The names of a file's columns in windrow's form, and its lines but blank ones; `option` names it.

    Raises InputError, also where a line is read, for what is no such file.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "sp.csv")
    ...     _ = file.write_text("Security;Symbol\\nBerkshire;BRK.B\\n\\n")
    ...     with companies("--universe", str(file)) as (names, rows):
    ...         names, [row.symbol for row in rows]
    (['security', 'symbol'], ['BRK.B'])
    """
    place = f"{option} {path}"
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()  # no seek afterwards: it may be a pipe
            mark = max(",;\t", key=first.count)
            rows = csv.reader(chain([first], file), delimiter=mark, skipinitialspace=mark != "\t", strict=True)
            names = [normalise(name.replace("-", " ")) for name in next(rows, [])]
            yield names, _lines(place, rows, len(names), _column(place, names))
    except UnicodeDecodeError:
        raise InputError(
            f"{place}: is no text in UTF-8; save it as that, in Excel as `CSV UTF-8 (comma delimited)`"
        ) from None
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"{place}: cannot be read: {why}; give a CSV file whose first line names its columns, one of them symbol"
        ) from error


def refuse_twice(place: str, names: Sequence[str], wanted: Sequence[str]) -> None:
    """Raises InputError where two columns have one of the wanted names: which one counts nobody could tell."""
    if twice := [name for name in names if name in wanted and names.count(name) > 1]:
        raise InputError(f"{place}: has two columns {twice[0]!r}; leave one, or call it otherwise")


def column_of(place: str, names: Sequence[str], wanted: Sequence[str]) -> int:
    """Where the first of the wanted names is. Raises InputError where none is."""
    found = [names.index(name) for name in wanted if name in names]
    if not found:
        listed = ", ".join(names)[:_LISTED]
        raise InputError(
            f"{place}: has no column {wanted[0]!r}; its columns are {listed or 'none'}; name one of them {wanted[0]} in"
            " its first line"
        )
    return found[0]


def _column(place: str, names: Sequence[str]) -> int:
    refuse_twice(place, names, SYMBOL)
    return column_of(place, names, SYMBOL)


def _lines(place: str, rows: Any, width: int, column: int) -> Iterator[Company]:
    for row in rows:
        fields = [field.strip() for field in row]
        if not any(fields):
            continue
        where = f"{place}: line {rows.line_num}"
        if any(fields[width:]):
            raise InputError(
                f"{where}: has {len(fields)} fields, more than the first line's {width}; put quotes around those that"
                ' have a comma, as in "Apple, Inc."'
            )
        if column >= len(fields) or not fields[column]:
            raise InputError(f"{where}: has no symbol; give each company its symbol, or take the line out")
        yield Company(where, fields[column], fields)
