"""Headers of tables with a column for each symbol -> their layouts.

A wide table (`--wide close`) has symbols above its columns, and cells of one value. yfinance writes two rows above the
columns, one of symbols and one of values, and mostly a third with the name of the times; these are known without an
option.
"""

import csv
from ast import literal_eval
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from windrow.bars.checks import BLANKS
from windrow.bars.columns import Layout
from windrow.bars.form import tightened
from windrow.bars.headers import has_numbers, meaning
from windrow.bars.layout import (
    TIME_NAMES,
    Reading,
    normalise,
    old_names,
    powers_of,
    refuse_other_symbols,
    renamed,
    time_columns,
    value_columns,
)
from windrow.errors import InputError

#: What begins the rows of values and of symbols.
VALUE_CORNERS, SYMBOL_CORNERS = ("price", "attributes"), ("ticker", "symbols")
CORNERS = (*VALUE_CORNERS, *SYMBOL_CORNERS)
#: Characters of names that an error lists.
_LISTED = 200
#: Beside prices and volume, what yfinance writes.
_MORE = ("dividends", "stock_splits", "capital_gains")


class Stack(NamedTuple):
    """Two rows above the columns: the symbol and the value of each but that of the times, which is number `at`."""

    time: str
    symbols: tuple[str, ...]
    values: tuple[str, ...]
    rows: int
    delimiter: str = ","
    at: int = 0


def fields_of(line: bytes, delimiter: str) -> list[str]:
    """The fields of a line, not normalised; none if it is not a line of CSV text."""
    try:
        blanks = delimiter != "\t"
        return next(
            csv.reader(
                [tightened(line, delimiter).decode()], delimiter=delimiter, skipinitialspace=blanks, strict=True
            ),
            [],
        )
    except (UnicodeDecodeError, csv.Error):
        return []


def find_stack(path: str, lines: Sequence[bytes], delimiters: Sequence[str]) -> Stack | None:
    """The header of symbols and values with which these lines begin, if they do.

    >>> find_stack("", [b"Price,Close,Open", b"Ticker,AA,AA", b"Date,,", b"2023-01-12,1,2"], [","])
    Stack(time='date', symbols=('AA', 'AA'), values=('close', 'open'), rows=3, delimiter=',', at=0)
    >>> find_stack("", [b",open,close", b"2023-01-12,1,2"], [","])
    """
    for delimiter in delimiters:
        if normalise(lines[0].decode("latin-1").partition(delimiter)[0].strip('"')) not in ("", *CORNERS):
            continue
        rows = [fields_of(line, delimiter) for line in lines[:3]]
        one, other, third = rows + [[]] * (3 - len(rows))
        if (stack := _stacked(path, one, other, third)) is not None:
            return stack._replace(delimiter=delimiter)
    return None


def stack_of(path: str, names: Sequence[str], index: str | None) -> Stack | None:
    """The symbols and values in the names that pandas gives to columns of two levels in Parquet, if these are such.

    >>> stack_of("", ["('Close', 'AA')", "('Open', 'AA')", "Date"], "Date")
    Stack(time='date', symbols=('AA', 'AA'), values=('close', 'open'), rows=0, delimiter=',', at=2)
    """
    if index is None or any(name != index and name[:1] != "(" for name in names):
        return None
    try:
        levels = [literal_eval(name) for name in names if name != index]
    except (ValueError, SyntaxError):
        return None
    if not levels or any(not isinstance(pair, tuple) or [*map(type, pair)] != [str, str] for pair in levels):
        return None
    rows = [["", *(pair[level] for pair in levels)] for level in (0, 1)]
    found = _stacked(path, rows[0], rows[1], [])
    return found and found._replace(time=normalise(index), rows=0, at=list(names).index(index))


def _stacked(path: str, one: list[str], other: list[str], third: list[str]) -> Stack | None:
    if len(one) != len(other) or len(one) < 2:
        return None
    corners = normalise(one[0]), normalise(other[0])
    named = corners[1] in TIME_NAMES
    if corners[0] not in ("", *CORNERS) or not (named or corners[1] in ("", *CORNERS)):
        return None
    above = are_values(one[1:]) and corners[0] not in SYMBOL_CORNERS and corners[1] not in VALUE_CORNERS
    below = are_values(other[1:]) and corners[0] not in VALUE_CORNERS and corners[1] not in SYMBOL_CORNERS
    if above and below:
        raise InputError(
            f"{path}: either of its first two rows, {','.join(one)[:80]!r} and {','.join(other)[:80]!r}, may be that of"
            " the symbols; which it is must be clear; write Price before the names of values, and Ticker before symbols"
        )
    if not (above or below):
        return None
    values, symbols = (one, other) if above else (other, one)
    if has_numbers(symbols[1:]) and not set(corners) & {*CORNERS}:
        return None
    time, rows = (corners[1], 2) if named else ("", 2)
    if not named and third and third[0].strip() and not any(map(str.strip, third[1:])) and not third[0][:1].isdigit():
        time, rows = normalise(third[0]), 3
    symbols = [symbol.strip(BLANKS) for symbol in symbols[1:]]
    return Stack(time, tuple(symbols), tuple(map(normalise, values[1:])), rows)


def are_values(names: Sequence[str]) -> bool:
    """Whether these are names of values, as a table of bars has them; dividends and splits may be among them."""
    meant = [meaning(name) for name in map(normalise, names)]
    extra = [normalise(name) in _MORE for name in names]
    known = all(one not in (None, "symbol", "time") or more for one, more in zip(meant, extra, strict=True))
    return known and not all(extra)


def stacked_layout(path: str, stack: Stack, header: bytes | None, reading: Reading) -> Layout:
    """The layout of a table with symbols and values above its columns. Raises InputError if a symbol lacks a value."""
    refuse_other_symbols(path, "symbols above its columns", reading)
    if reading.wide is not None:
        raise InputError(
            f"{path}: has symbols and values above its columns, so --wide {reading.wide} says what is known, or"
            " contradicts it; leave it out"
        )
    distinct = (stack.time, *dict.fromkeys(stack.values))
    names = renamed(path, distinct, reading)
    called = dict(zip(distinct[1:], names[1:], strict=True))
    if reading.time_columns not in ((), names[:1]):
        raise InputError(
            f"{path}: has its times in its first column, {names[0]!r}, below two rows of symbols and values;"
            f" --time-column {','.join(reading.time_columns)} names another; leave it out"
        )
    values, asked, adjusting = value_columns(path, names[1:], reading)
    columns = [called[value] for value in stack.values]
    places: dict[tuple[str, str], int] = {}
    for number, (symbol, value) in enumerate(zip(stack.symbols, columns, strict=True)):
        place = number + (number >= stack.at)
        _check_symbol(path, place, symbol)
        if value in values and places.setdefault((symbol, value), place) != place:
            raise _twice(path, f"{value} of {symbol}")
    symbols = list(dict.fromkeys(stack.symbols))
    for symbol in symbols:
        for value in values:
            if (symbol, value) not in places:
                raise InputError(
                    f"{path}: has no column {value!r} of {symbol}, but of other symbols; each symbol has the same"
                    " columns; add it, or drop those of this symbol"
                )
    wide = tuple((symbol, tuple(places[symbol, value] for value in values)) for symbol in symbols)
    columns.insert(stack.at, names[0])
    layout = _layout(path, tuple(columns), names[0], values, wide, header, reading)
    return replace(layout, adjusted_by=adjusting, asked=asked, renamed=old_names(distinct, reading))


def wide_layout(
    path: str, fields: Sequence[str], header: bytes | None, reading: Reading, index: str | None = None
) -> Layout:
    """The layout of a table with a column for each symbol, whose header this is, as --wide says.

    `index` is the column that pandas keeps as the index, which Parquet has behind the others.
    """
    refuse_other_symbols(path, f"a column for each symbol by --wide {reading.wide}", reading)
    value = str(reading.wide)
    called = {normalise(field) for field in fields}
    if value in called or {"open", "close"} <= called:
        raise InputError(
            f"{path}: has the columns {', '.join(fields)[:_LISTED]}, so values are above them, not symbols;"
            f" --wide {value} is for tables with a column for each symbol; leave it out"
        )
    times = _times_of(path, fields, reading, index)
    values, asked, adjusting = value_columns(path, (value,), reading)
    wide, seen = [], set[str]()
    for place, field in enumerate(fields):
        symbol = field.strip(BLANKS)
        if place in times or (place == 0 and not symbol):  # pandas' index where that holds no times
            continue
        _check_symbol(path, place, symbol)
        if symbol in seen:
            raise _twice(path, symbol)
        seen.add(symbol)
        wide.append((symbol, (place,) * len(values)))
    if not wide:
        raise InputError(
            f"{path}: has no column but those of times, so no symbols; a wide table has one for each symbol; leave out"
            f" --wide {value}"
        )
    names = [normalise(field) if place in times else value for place, field in enumerate(fields)]
    if not fields[0].strip(BLANKS) and 0 not in times:
        names[0] = ""
    layout = _layout(path, tuple(names), names[times[0]], values, tuple(wide), header, reading)
    return replace(layout, time_of_day=names[times[1]] if len(times) > 1 else None, adjusted_by=adjusting, asked=asked)


def _times_of(path: str, fields: Sequence[str], reading: Reading, index: str | None) -> list[int]:
    """The places of the columns of times: those asked for, pandas' index, or the first."""
    names = [normalise(field) for field in fields]
    if reading.time_columns:
        time_columns(path, names, reading)
        return [names.index(name) for name in reading.time_columns]
    if index is not None:
        return [list(fields).index(index)]
    first, second = names[0], names[1] if len(names) > 1 else ""
    if first not in ("", *TIME_NAMES):
        raise InputError(
            f"{path}: its first column, {fields[0]!r}, has no name of times, and every other column of a wide table is"
            " a symbol; name the column of times with --time-column"
        )
    if (first == "" and second in TIME_NAMES) or (first in ("date", "dt") and second == "time"):
        cures = f"--time-column {first},{second} or --time-column {first}"
        raise InputError(
            f"{path}: its first columns are {fields[0]!r} and {fields[1]!r}, and the second may be of times or of a"
            f" symbol {fields[1]}; say it with "
            + (cures if first else f"--time-column {second} or, if it is a symbol, name the first column Date")
        )
    return [0]


def _layout(
    path: str,
    names: tuple[str, ...],
    time: str,
    values: tuple[str, ...],
    wide: tuple[tuple[str, tuple[int, ...]], ...],
    header: bytes | None,
    reading: Reading,
) -> Layout:
    zone, unit = reading.timezone, reading.time_unit
    powers = powers_of(path, names, values, (time,), reading) if reading.scale else ()
    return Layout(names, None, time, values, None, header, timezone=zone, time_unit=unit, wide=wide, powers=powers)


def _check_symbol(path: str, place: int, symbol: str) -> None:
    if not symbol:
        raise InputError(
            f"{path}: column {place + 1} has no symbol above it; every column of a wide table but that of times is one;"
            " name it, or drop it"
        )


def _twice(path: str, what: str) -> InputError:
    return InputError(
        f"{path}: has two columns of {what}; a symbol has one bar at a time; drop one of them, or rename it"
    )
