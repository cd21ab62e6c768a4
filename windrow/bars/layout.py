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
from windrow.bars.form import Form, tightened
from windrow.bars.numbers import NumberForm
from windrow.bars.selection import Selection, conditions, span_asked
from windrow.errors import InputError, UsageError

SYMBOL_NAMES = ("symbol", "stock_symbol", "ticker", "sym", "ts_code", "code", "secid", "permno", "isin", "name")
TIME_NAMES = (
    "timestamp", "datetime", "date_time", "date", "dt", "time", "gmt_time", "local_time", "trade_date", "trading_date",
    "ts_event", "window_start", "open_time", "snapped_at", "observation_date", "timestamp_utc", "unix", "ts",
    "snapshot",
)  # fmt: skip
#: Names of folders, as in symbol=AAPL, that say the symbol of the files in them.
FOLDER_NAMES = ("symbol", "stock_symbol", "ticker", "sym")
#: Characters of names that an error lists.
_LISTED = 400
_SUFFIXES = (
    ".csv", ".txt", ".tsv", ".gz", ".bz2", ".zst", ".xz", ".zip", ".parquet", ".pq", ".feather", ".arrow", ".ipc",
    ".json", ".jsonl", ".ndjson",
)  # fmt: skip
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
ADJUSTED_NAMES = ("adj_close", "adjclose", "adjusted_close", "adj._close", "close_adj")
#: Other names of a column that is asked for by its usual one; CRSP's prc is none, whose sign is no price's.
ALIASES = {
    "open": ("open_price",),
    "high": ("high_price",),
    "low": ("low_price",),
    "close": ("price", "last", "close/last", "close_price", "closing_price", "latest"),
    "volume": ("vol", "vol.", "tickvol", "tick_volume", "total_volume"),
    "vol": ("volume",),
    **dict.fromkeys(ADJUSTED_NAMES, ADJUSTED_NAMES),
}

_ARE_PRICES = {
    *ADJUSTED_NAMES, *(name for price in ("open", "high", "low", "close") for name in (price, *ALIASES[price]))
}  # fmt: skip
_CHOOSE = "choose one of them with --column"
#: Units that say nothing of what a column holds; thousands, an adjustment or another clock would.
_UNIT = re.compile(
    r"_?[(\[](?:usd|eur|gbp|jpy|chf|cny|inr|krw|hkd|aud|cad|usdt|usdc|busd|btc|eth|shares|contracts|[$€£¥₹])[)\]]$"
)
_UTC = re.compile(r"_?[(\[](?:utc|gmt)[)\]]$")


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
    encoding: str | None = None
    time_format: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    scale: tuple[str, ...] = ()
    """Columns and the powers of ten that their values are multiplied by, as `close=1e-9`."""
    adjusted: bool = False
    rename: tuple[str, ...] = ()
    """Columns to be called otherwise, each as old=new."""
    time_columns: tuple[str, ...] = ()
    """The column of times, or those of dates and of times of day, where names do not tell."""
    symbol_column: str | None = None
    wide: str | None = None
    """The value in the cells of inputs that have a column for each symbol."""
    cures: tuple[tuple[str, str], ...] = ()
    """What to do about a column that an input lacks, by name; about others: choose another one with --column."""
    symbols: tuple[str, ...] = ()
    """The symbols whose rows are taken; none: all."""
    since: str | None = None
    until: str | None = None
    where: tuple[str, ...] = ()
    """Conditions, COLUMN=VALUE."""
    recursive: bool = False
    """Whether a directory means the files in its subdirectories too."""
    symbol_from_path: str | None = None
    """A regular expression whose group is the symbol of an input, by its path."""
    unknown: bool = False
    """Whether rows that lack values are bars, with UNKNOWN in their place."""
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
                csv.reader(
                    [tightened(line, delimiter).decode()],
                    delimiter=delimiter,
                    skipinitialspace=delimiter != "\t",
                    strict=True,
                ),
                [],
            )
        )
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: its first line, {line[:80]!r}, is not a CSV header in UTF-8 ({error.reason}); name its encoding,"
            " e.g. --encoding cp1252, or check what file this is"
        ) from error
    except csv.Error as error:
        raise InputError(
            f"{path}: its first line, {line[:80]!r}, is not a CSV header ({error}); the first line names the columns;"
            " add one, or name the columns with --columns"
        ) from error


def layout_of(path: str, names: Sequence[str], header: bytes | None, reading: Reading) -> Layout:
    """The layout of an input with these (normalised) column names; InputError if a required column is missing."""
    symbol, (time, time_of_day) = _symbol_column(path, names, reading), time_columns(path, names, reading)
    values, asked, adjusting = value_columns(path, names, reading)
    for value in values:
        if value in (symbol, time, time_of_day):
            what = "symbol" if value == symbol else "time"
            raise InputError(
                f"{path}: column {value!r} holds the {what}, not a value;"
                f" its columns are {listed(names)}; choose another with --column"
            )
    if symbol is not None and symbol in (time, time_of_day):
        raise InputError(
            f"{path}: column {symbol!r} cannot hold both symbols and times; its columns are {listed(names)}; give"
            " another --symbol-column or --time-column"
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
        time_of_day=time_of_day,
        adjusted_by=adjusting,
        asked=asked,
        powers=powers_of(path, names, values, (symbol, time), reading) if reading.scale else (),
        unknown=reading.unknown,
    )


def value_columns(path: str, names: Sequence[str], reading: Reading) -> tuple[tuple[str, ...], int, str | None]:
    """The columns of values: those asked for and, behind them, those that --adjusted needs; how many of the first.

    The last is the column of adjusted closes by which prices are scaled, if they are.
    """
    cures = dict(reading.cures)
    values = tuple(_value_column(path, names, value, cures.get(value, _CHOOSE)) for value in reading.values)
    asked, adjusting = len(values), adjusted_close(names) if reading.adjusted else None
    if reading.adjusted and (adjusting is None or "close" not in names):
        raise InputError(
            f"{path}: has no column {'close' if adjusting else 'adj_close'!r}; its columns are {listed(names)};"
            " --adjusted scales prices by adj_close / close; leave it out"
        )
    if adjusting is None:
        return values, 0, None
    return tuple(dict.fromkeys([*values, "close", adjusting])), asked, adjusting


def has_needed(names: Sequence[str], reading: Reading) -> bool:
    """Whether these columns have times and the values asked for."""
    new = new_names(reading)
    names = [new.get(name, name) for name in names]
    if reading.time_columns:
        timed = all(name in names for name in reading.time_columns)
    else:
        timed = bool(_found(names, TIME_NAMES, _UTC))
    return timed and all(_found(names, (value, *ALIASES.get(value, ()))) for value in reading.values)


def new_names(reading: Reading) -> dict[str, str]:
    """What --rename calls columns, by their old names."""
    return dict(one.split("=") for one in reading.rename)


def old_names(names: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """Which of the old names of --rename are among these."""
    return tuple(old for old in new_names(reading) if old in names)


def renamed(path: str, names: Sequence[str], reading: Reading) -> tuple[str, ...]:
    """The names that --rename gives to an input's columns. Raises InputError where two would have one name."""
    new = new_names(reading)
    called = tuple(new.get(name, name) for name in names)
    for old, name in new.items():
        if old in names and _only_one(path, names, old) and called.count(name) > 1:
            raise InputError(
                f"{path}: would have {called.count(name)} columns named {name!r} by --rename {old}={name}; its columns"
                f" are {listed(names)}; rename that one too, e.g. --rename {old}={name},{name}=other_{name}"
            )
    return called


def refuse_unknown_names(inputs: Mapping[str, Layout], reading: Reading) -> None:
    """Raises InputError for an old name of --rename that no input has: it would be ignored without a word."""
    known = {old for layout in inputs.values() for old in layout.renamed}
    for old in new_names(reading):
        if old not in known:
            path, layout = next(iter(inputs.items()))
            raise InputError(
                f"--rename {old}={new_names(reading)[old]}: no input has a column {old!r}; those of {path} are"
                f" {listed(list(dict.fromkeys(layout.names)))}; name one of them, or leave it out"
            )


def without_unit(name: str) -> str:
    """A column's name without the unit of its values.

    >>> [without_unit(name) for name in ("close_(usd)", "volume[btc]", "volume_(000)", "close_(adj)")]
    ['close', 'volume', 'volume_(000)', 'close_(adj)']
    """
    return (_UNIT.sub("", name) or name) if name[-1:] in (")", "]") else name


def _found(names: Sequence[str], known: Sequence[str], unit: re.Pattern[str] = _UNIT) -> list[str]:
    """The names that are the first of `known` that is there, itself or with a unit behind it."""
    for name in known:
        if name in names:
            return [name]
        if same := [one for one in names if one[-1:] in (")", "]") and unit.sub("", one) == name]:
            return list(dict.fromkeys(same))
    return []


def would_matter(layout: Layout, name: str) -> bool:
    """Whether one more column of this (normalised) name could change which columns a job reads.

    >>> layout = Layout(("symbol", "date", "price"), "symbol", "date", ("price",))
    >>> would_matter(layout, "close"), would_matter(layout, "code"), would_matter(layout, "open")
    (True, True, False)
    """
    if layout.wide or name in (*SYMBOL_NAMES, *layout.read):
        return True
    if _UTC.sub("", name) in TIME_NAMES:
        return True
    plain, needed = _UNIT.sub("", name), {_UNIT.sub("", value) for value in layout.values}
    return any(plain in group and needed.intersection(group) for group in ((key, *ALIASES[key]) for key in ALIASES))


def adjusted_close(names: Sequence[str]) -> str | None:
    """The column of adjusted closes among normalised names, if there is one.

    >>> adjusted_close(["date", "close", "adjusted_close"])
    'adjusted_close'
    """
    return next((name for name in ADJUSTED_NAMES if name in names), None)


def _symbol_column(path: str, names: Sequence[str], reading: Reading) -> str | None:
    if reading.symbol_column is not None:
        return _asked_for(path, names, reading.symbol_column, "--symbol-column")
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
            f"{path}: has no symbol column among {listed(names)}; a bar needs a symbol, from a column named"
            f" {listed(SYMBOL_NAMES)}; name it with --symbol-column, or use --symbol NAME for all its bars,"
            " --symbol-from-filename, --symbol-from-path, or --columns"
        )
    return None


def refuse_other_symbols(path: str, why: str, reading: Reading) -> None:
    """Raises InputError where an option names the symbols of an input that has them in its header."""
    asked = (
        ("--symbol", reading.symbol),
        ("--symbol-column", reading.symbol_column),
        ("--symbol-from-path", reading.symbol_from_path),
    )
    for option, given in asked:
        if given is not None:
            raise InputError(
                f"{path}: has {why}, so {option} {given} would rename its bars, or be ignored; leave it out, or take"
                " some symbols with --symbols"
            )


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


def time_columns(path: str, names: Sequence[str], reading: Reading) -> tuple[str, str | None]:
    """The column of times, and that of the times of day where these are apart from dates."""
    if reading.time_columns:
        asked = [_asked_for(path, names, name, "--time-column") for name in reading.time_columns]
        return asked[0], asked[1] if len(asked) > 1 else None
    found = _found(names, TIME_NAMES, _UTC if reading.timezone == "UTC" else _UNIT)
    if not found and list(names[:1]) == [""]:  # pandas' index; whether it holds times is seen at its first row
        return "", None
    if not found:
        raise InputError(
            f"{path}: has no time column among {listed(names)}; a bar needs a time, from a column named"
            f" {listed(TIME_NAMES)}; name it with --time-column or, if the file has no header, with --columns"
        )
    time = _only_one(path, names, _one_of(path, names, found, TIME_NAMES[0]))
    return time, "time" if time in ("date", "dt") and "time" in names else None


def _asked_for(path: str, names: Sequence[str], name: str, option: str) -> str:
    if name not in names:
        raise InputError(
            f"{path}: has no column {name!r}, which {option} names; its columns are {listed(names)}; name one of them,"
            f" or leave {option} out"
        )
    return _only_one(path, names, name)


def _value_column(path: str, names: Sequence[str], value: str, cure: str) -> str:
    if found := _found(names, (value, *ALIASES.get(value, ()))):
        return _only_one(path, names, _one_of(path, names, found, value))
    raise InputError(f"{path}: has no column {value!r}; its columns are {listed(names)}; {cure}")


def _one_of(path: str, names: Sequence[str], found: Sequence[str], meant: str) -> str:
    if len(found) > 1:
        raise InputError(
            f"{path}: has the columns {' and '.join(found)}, each of which may be its {meant}; the one to use must be"
            f" unambiguous; choose it, e.g. with --rename '{found[0]}={meant}'"
        )
    return found[0]


def powers_of(
    path: str, names: Sequence[str], values: Sequence[str], others: Sequence[str | None], reading: Reading
) -> tuple[int, ...]:
    """The powers of ten of `--scale` for these columns of values; `others` hold symbols and times."""
    powers: dict[str, int] = {}
    for text in reading.scale:
        asked, _, power = text.rpartition("=1e")
        found = _found([name for name in names if name not in others], (asked, *ALIASES.get(asked, ())))
        if not found:
            raise InputError(
                f"{path}: has no column {asked!r} of values, for --scale; its columns are {listed(names)}; name one of"
                " them"
            )
        powers[found[0]] = int(power)
    plain = [name for name in values if without_unit(name) in _ARE_PRICES and name not in powers]
    if plain and (scaled := next((name for name in powers if without_unit(name) in _ARE_PRICES), None)):
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


def listed(names: Sequence[str]) -> str:
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
        if equals and normalise(name) in FOLDER_NAMES:
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
    """The layout with the rows that are asked for; None if an input has none of them, by its path or its header.

    Raises InputError for a condition on a column that the input lacks, or that is no text to compare.
    """
    where, folders = [], folders_of(path)
    for name, texts in conditions(reading.where):
        if name in layout.names and layout.wide:
            raise InputError(
                f"{path}: --where {name}=...: a row of it has cells of all symbols, so none of its columns tells rows"
                " apart; choose symbols with --symbols"
            )
        if name in layout.names:
            where.append((_compared(path, layout, name), texts))
        elif name not in folders:
            raise InputError(
                f"{path}: has no column {name!r} for --where; its columns are {listed(layout.names)}; name one of them"
            )
        elif folders[name].strip(BLANKS) not in texts:
            return None
    if reading.symbols and layout.wide:
        layout = replace(layout, wide=tuple(one for one in layout.wide if one[0] in reading.symbols))
        if not layout.wide:
            return None
    elif reading.symbols and layout.symbol is None and layout.constant_symbol not in reading.symbols:
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
    while (suffix := Path(name).suffix).lower() in _SUFFIXES:
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
            "wide": tuple((symbol, tuple(places)) for symbol, places in fields["wide"]),
            "renamed": tuple(fields["renamed"]),
            "powers": tuple(fields["powers"]),
            "form": _form(fields["form"]),
            "header": None if header is None else header.encode("latin-1"),
            "selection": None if fields["selection"] is None else Selection.from_json(fields["selection"]),
        }
    )


def _form(fields: dict[str, Any]) -> Form:
    return Form(**{**fields, "numbers": NumberForm(*fields["numbers"]), "counts": tuple(fields["counts"])})
