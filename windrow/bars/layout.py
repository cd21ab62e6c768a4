"""A header -> which columns hold the symbol, the time and the values.

Names are lower-cased and their blanks become underscores, so `Adj Close` is adj_close. The layouts in common use are
known: symbol,timestamp,open,...; exchange,stock_symbol,date,...; date,...,Name; dt,sym,...,vol; and one file per
symbol, Date,Open,..., which does not contain the symbol. Of several names for a symbol the first in SYMBOL_NAMES
counts: a code stays when a company is renamed.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from windrow.bars.checks import BLANKS
from windrow.bars.columns import Layout
from windrow.bars.form import Form
from windrow.bars.numbers import NumberForm
from windrow.bars.selection import Selection, conditions, span_asked
from windrow.errors import InputError, UsageError

SYMBOL_NAMES = ("symbol", "stock_symbol", "ticker", "sym", "ts_code", "code", "secid", "permno", "isin", "name")
TIME_NAMES = (
    "timestamp", "datetime", "date_time", "date", "dt", "time", "gmt_time", "local_time", "trade_date", "trading_date",
    "ts_event", "window_start", "open_time", "snapped_at", "observation_date", "timestamp_utc", "unix",
)  # fmt: skip
#: Names of folders, as in symbol=AAPL, that say the symbol of the files in them.
_FOLDER_NAMES = ("symbol", "stock_symbol", "ticker", "sym")
#: Characters of names that an error lists.
_LISTED = 400
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_ADJUSTED_NAMES = ("adj_close", "adjclose", "adjusted_close", "adj._close", "close_adj")
#: Other names of a column that is asked for by its usual one; CRSP's prc is none, whose sign is no price's.
ALIASES = {
    "open": ("open_price",),
    "high": ("high_price",),
    "low": ("low_price",),
    "close": ("price", "last", "close/last", "close_price", "closing_price", "latest"),
    "volume": ("vol", "vol.", "tickvol", "tick_volume", "total_volume"),
    "vol": ("volume",),
    **dict.fromkeys(_ADJUSTED_NAMES, _ADJUSTED_NAMES),
}

_ARE_PRICES = {
    *_ADJUSTED_NAMES, *(name for price in ("open", "high", "low", "close") for name in (price, *ALIASES[price]))
}  # fmt: skip
_CHOOSE = "choose one of them with --column"


@dataclass(frozen=True)
class Reading:
    """How the user wants inputs to be read."""

    values: tuple[str, ...]
    columns: tuple[str, ...] = ()
    symbol: str | None = None
    symbol_from_filename: bool = False
    timezone: str = "UTC"
    time_unit: str | None = None
    delimiter: str | None = None
    skip_lines: int | None = None
    time_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    scale: tuple[str, ...] = ()
    """Columns and the powers of ten that their values are multiplied by, as `close=1e-9`."""
    adjusted: bool = False
    cures: tuple[tuple[str, str], ...] = ()
    """What to do about a column that an input lacks, by name; about others: choose another one with --column."""
    symbols: tuple[str, ...] = ()
    """The symbols whose rows are taken; none: all."""
    since: str | None = None
    until: str | None = None
    where: tuple[str, ...] = ()
    """Conditions, COLUMN=VALUE."""
    symbol_from_path: str | None = None
    """A regular expression whose group is the symbol of an input, by its path."""
    on_conflict: str = "fail"
    """Which of different bars at one symbol and time to keep, columns compared left to right: smallest, largest."""


def normalise(name: str) -> str:
    """A column's name in windrow's form.

    >>> normalise(" Adj Close "), normalise("<DATE>")
    ('adj_close', 'date')
    """
    return "_".join(name.lower().strip(" \t<>").split())


def split_header(line: bytes, path: str, delimiter: str = ",") -> tuple[str, ...]:
    """Normalised names of a header line; InputError if it is not a line of CSV text."""
    try:
        return tuple(
            normalise(name)
            for name in next(
                csv.reader([line.decode()], delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True), []
            )
        )
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: its first line, {line[:80]!r}, is not a CSV header ({error}); the first line names the columns;"
            " add one, or name the columns with --columns"
        ) from error


def layout_of(path: str, names: Sequence[str], header: bytes | None, reading: Reading) -> Layout:
    """The layout of an input with these (normalised) column names; InputError if a required column is missing."""
    symbol, time = _symbol_column(path, names, reading), _time_column(path, names)
    cures = dict(reading.cures)
    values = tuple(_value_column(path, names, value, cures.get(value, _CHOOSE)) for value in reading.values)
    asked, adjusting = len(values), adjusted_close(names) if reading.adjusted else None
    if reading.adjusted and (adjusting is None or "close" not in names):
        raise InputError(
            f"{path}: has no column {'close' if adjusting else 'adj_close'!r}; its columns are {_listed(names)};"
            " --adjusted scales prices by adj_close / close; leave it out"
        )
    values = tuple(dict.fromkeys([*values, "close", adjusting])) if adjusting else values
    for value in values:
        if value in (symbol, time):
            what = "symbol" if value == symbol else "time"
            raise InputError(
                f"{path}: column {value!r} holds the {what}, not a value;"
                f" its columns are {_listed(names)}; choose another with --column"
            )
    return Layout(
        names=tuple(names),
        symbol=symbol,
        time=time,
        values=values,
        constant_symbol=None if symbol else _constant_symbol(path, reading),
        header=header,
        timezone=reading.timezone,
        time_unit=reading.time_unit,
        time_of_day="time" if time in ("date", "dt") and "time" in names else None,
        adjusted_by=adjusting,
        asked=asked if adjusting else 0,
        powers=_powers(path, names, values, (symbol, time), reading) if reading.scale else (),
    )


def has_needed(names: Sequence[str], reading: Reading) -> bool:
    """Whether these columns have times and the values asked for."""
    values = ((value, *ALIASES.get(value, ())) for value in reading.values)
    return any(name in names for name in TIME_NAMES) and all(any(one in names for one in known) for known in values)


def adjusted_close(names: Sequence[str]) -> str | None:
    """The column of adjusted closes among normalised names, if there is one.

    >>> adjusted_close(["date", "close", "adjusted_close"])
    'adjusted_close'
    """
    return next((name for name in _ADJUSTED_NAMES if name in names), None)


def _symbol_column(path: str, names: Sequence[str], reading: Reading) -> str | None:
    found = [name for name in SYMBOL_NAMES if name in names]
    if found:
        if reading.symbol is not None:
            raise InputError(
                f"{path}: has a symbol column, {found[0]!r}, so --symbol {reading.symbol} would rename its bars, or be"
                f" ignored; --symbol is for files without such a column; use --symbols {reading.symbol} to take only"
                " that symbol's rows"
            )
        if reading.symbol_from_path is not None:
            raise InputError(
                f"{path}: has a symbol column, {found[0]!r}, so --symbol-from-path would be ignored; it is for files"
                " without such a column; leave it out"
            )
        return _only_one(path, names, found[0])
    named = reading.symbol is not None or reading.symbol_from_filename or reading.symbol_from_path is not None
    if not named and symbol_of_folder(path) is None:
        raise InputError(
            f"{path}: has no symbol column among {_listed(names)}; a bar needs a symbol, from a column named"
            f" {_listed(SYMBOL_NAMES)}; use --symbol NAME for all its bars, --symbol-from-filename,"
            " --symbol-from-path, or --columns"
        )
    return None


def _constant_symbol(path: str, reading: Reading) -> str:
    folder, option = symbol_of_folder(path), "--symbol"
    symbol = (folder if folder is not None else symbol_of_filename(path)) if reading.symbol is None else reading.symbol
    if reading.symbol_from_path is not None:
        option, symbol = "--symbol-from-path", _symbol_in_path(path, reading.symbol_from_path)
    symbol = symbol.strip(BLANKS)
    if folder is not None and symbol != folder:
        raise InputError(
            f"{path}: is in a folder of symbol {folder!r}, but {option} is {symbol!r}; a bar has one symbol;"
            f" leave out {option}"
        )
    try:
        symbol.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"symbol {symbol!r}: is not valid UTF-8; symbols are UTF-8 text; set another with --symbol"
        ) from None
    if not symbol:
        raise UsageError("--symbol '': is empty; a bar needs a symbol; give a name that is not empty")
    return symbol


def _time_column(path: str, names: Sequence[str]) -> str:
    found = [name for name in TIME_NAMES if name in names]
    if not found and list(names[:1]) == [""]:  # pandas' index; whether it holds times is seen at its first row
        return ""
    if not found:
        raise InputError(
            f"{path}: has no time column among {_listed(names)}; a bar needs a time, from a column named"
            f" {_listed(TIME_NAMES)}; if the file has no header, or uses other names, name its columns with --columns"
        )
    return _only_one(path, names, found[0])


def _value_column(path: str, names: Sequence[str], value: str, cure: str) -> str:
    for name in (value, *ALIASES.get(value, ())):
        if name in names:
            return _only_one(path, names, name)
    raise InputError(f"{path}: has no column {value!r}; its columns are {_listed(names)}; {cure}")


def _powers(
    path: str, names: Sequence[str], values: Sequence[str], others: Sequence[str | None], reading: Reading
) -> tuple[int, ...]:
    """The powers of ten of `--scale` for these columns of values; `others` hold symbols and times."""
    powers: dict[str, int] = {}
    for text in reading.scale:
        asked, _, power = text.rpartition("=1e")
        name = next((name for name in (asked, *ALIASES.get(asked, ())) if name in names and name not in others), None)
        if name is None:
            raise InputError(
                f"{path}: has no column {asked!r} of values, for --scale; its columns are {_listed(names)}; name one of"
                " them"
            )
        powers[name] = int(power)
    plain = [name for name in values if name in _ARE_PRICES and name not in powers]
    if plain and (scaled := next((name for name in powers if name in _ARE_PRICES), None)):
        raise InputError(
            f"{path}: --scale has a factor for {scaled!r} and none for {plain[0]!r}, which is used too; prices in two"
            f" scales make no sense together; add {plain[0]}=1e{powers[scaled]} to --scale, or {plain[0]}=1 if it"
            " is written plainly"
        )
    return tuple(powers.get(name, 0) for name in values)


def _only_one(path: str, names: Sequence[str], name: str) -> str:
    if list(names).count(name) > 1:
        raise InputError(
            f"{path}: has {list(names).count(name)} columns named {name!r}; the one to use must be unambiguous;"
            " rename one, or name the columns with --columns"
        )
    return name


def _listed(names: Sequence[str]) -> str:
    """Names for people; of many, or long ones, the first: a file that is no table may have a header of a megabyte."""
    text = ", ".join(names) or "none"
    return text if len(text) <= _LISTED else f"{text[:_LISTED]} ... ({len(names):,} in all)"


def symbol_of_folder(path: str) -> str | None:
    """The symbol that the nearest folder `symbol=...` names, as Hive and Spark write partitions.

    >>> symbol_of_folder("bars/symbol=BRK%2FB/part-0.parquet"), symbol_of_folder("bars/part-0.parquet")
    ('BRK/B', None)
    """
    for folder in reversed(PurePosixPath(path).parts[:-1]):
        name, equals, value = folder.partition("=")
        if equals and normalise(name) in _FOLDER_NAMES:
            if value in ("", _HIVE_NULL):
                raise InputError(
                    f"{path}: is in the folder {folder!r}, which stands for bars without a symbol; a bar needs one;"
                    " leave that folder out, or rename it to symbol=NAME"
                )
            return unquote(value).strip(BLANKS)
    return None


def _symbol_in_path(path: str, pattern: str) -> str:
    found = re.search(pattern, path)
    if found is None or not found[1]:
        raise InputError(
            f"{path}: --symbol-from-path {pattern} {'finds nothing' if found is None else 'finds an empty symbol'} in"
            " it; the group in parentheses is the symbol of each input; give a pattern that fits all of them"
        )
    return str(found[1])


def folders_of(path: str) -> dict[str, str]:
    """What the folders NAME=VALUE of a path say, as Hive and Spark write partitions; the nearest counts.

    >>> folders_of("bars/exchange=NSE/Series=E%20Q/part-0.parquet")
    {'exchange': 'NSE', 'series': 'E Q'}
    """
    parts = (folder.partition("=") for folder in PurePosixPath(path).parts[:-1])
    return {normalise(name): unquote(value) for name, equals, value in parts if equals and name}


def selected(path: str, layout: Layout, reading: Reading, dated: bool) -> Layout | None:
    """The layout with the rows that are asked for; None if the path says that an input has none of them.

    Raises InputError for a condition on a column that the input lacks, or that is no text to compare.
    """
    where, folders = [], folders_of(path)
    for name, texts in conditions(reading.where):
        if name in layout.names:
            where.append((_compared(path, layout, name), texts))
        elif name not in folders:
            raise InputError(
                f"{path}: has no column {name!r} for --where; its columns are {_listed(layout.names)}; name one of them"
            )
        elif folders[name].strip(BLANKS) not in texts:
            return None
    if reading.symbols and layout.symbol is None and layout.constant_symbol not in reading.symbols:
        return None
    start, end = span_asked(reading.since, reading.until, reading.timezone, dated)
    symbols = frozenset(reading.symbols) if reading.symbols and layout.symbol is not None else None
    selection = Selection(symbols, start, end, tuple(where))
    return layout if selection == Selection() else replace(layout, selection=selection)


def _compared(path: str, layout: Layout, name: str) -> str:
    """A column that tells by its text which rows are taken."""
    if name in (layout.time, layout.time_of_day):
        raise InputError(
            f"{path}: --where {name}=...: column {name!r} holds the time, which is written in many ways; choose times"
            " with --from and --to"
        )
    if name in layout.values:
        raise InputError(
            f"{path}: --where {name}=...: column {name!r} holds a value, which is written in many ways; --where"
            " compares texts; choose another column"
        )
    return _only_one(path, layout.names, name)


def refuse_one_name_in_many_folders(inputs: Mapping[str, Layout]) -> None:
    """Refuses inputs whose symbol is their file name if files in different folders would be one series by it."""
    folders: dict[str, str] = {}
    for path, layout in inputs.items():
        if layout.constant_symbol is None or symbol_of_folder(path) is not None:
            continue
        folder = path.rpartition("/")[0]
        if folders.setdefault(layout.constant_symbol, folder) != folder:
            raise InputError(
                f"{path}: would have the same symbol, {layout.constant_symbol!r}, as a file of that name in the folder"
                f" {folders[layout.constant_symbol]}; by --symbol-from-filename both would be one series; rename the"
                " files, or their folders to symbol=NAME, or, if they are one symbol, use --symbol NAME"
            )


def symbol_of_filename(path: str) -> str:
    """A file's name without the suffixes of formats and compressions.

    >>> symbol_of_filename("bars/BRK.B.csv.gz")
    'BRK.B'
    """
    name = Path(path).name
    while (suffix := Path(name).suffix).lower() in (".csv", ".txt", ".gz", ".bz2", ".zst", ".parquet", ".pq"):
        name = name[: -len(suffix)]
    if not name:
        raise UsageError(
            f"{path}: has no name before its suffix for --symbol-from-filename; rename the file, or use --symbol NAME"
        )
    return name


def to_json(layout: Layout) -> dict[str, Any]:
    """The layout as tasks receive it."""
    fields = asdict(replace(layout, selection=None))
    fields["selection"] = None if layout.selection is None else layout.selection.to_json()
    fields["header"] = None if layout.header is None else layout.header.decode("latin-1")
    return fields


def from_json(fields: dict[str, Any]) -> Layout:
    """The layout that `to_json` wrote."""
    header = fields["header"]
    return Layout(
        **{
            **fields,
            "names": tuple(fields["names"]),
            "values": tuple(fields["values"]),
            "powers": tuple(fields["powers"]),
            "form": _form(fields["form"]),
            "header": None if header is None else header.encode("latin-1"),
            "selection": None if fields["selection"] is None else Selection.from_json(fields["selection"]),
        }
    )


def _form(fields: dict[str, Any]) -> Form:
    return Form(**{**fields, "numbers": NumberForm(*fields["numbers"]), "counts": tuple(fields["counts"])})
