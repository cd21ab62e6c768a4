"""What backtests and sweeps wrote: lines of JSON, and files of orders and equity curves beside them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from sort_keys.keys import decode_symbol, encode_symbol
from windrow.arrays import Floats, Ints
from windrow.errors import InputError
from windrow.frames.description import description_of
from windrow.sinks.portfolios import PORTFOLIO
from windrow.storage.compressed import for_arrow, is_empty, open_part
from windrow.storage.publish import DESCRIPTION, TEXT_PARTS, parts_in
from windrow.times import parse_times
from windrow.trading.ledger import STATUS
from windrow.trading.trade_book import CLOSED_BY, TRADE_COLUMNS

BACKTEST, SWEEP = "backtest", "sweep"
_FIXES = {"moving_average": "draw it with windrow plot", "crossover": "run windrow backtest with its --fast and --slow"}

SIDES = ("buy", "sell")
POSITIONS = ("long", "short")
_ORDERS = "SYMBOL, TIME, side, size, price and status, as written by backtest --orders"
_TRADES = f"SYMBOL, {', '.join(TRADE_COLUMNS)}, as written by backtest --trades"
_EQUITY = "SYMBOL, TIME, value and that of buying and holding, as written by backtest --equity"

Figures = dict[str, Any]

#: How the line of a symbol begins on which no pair has the objective.
_NO_PAIR = b'\t{"fast":null,'


class Output(NamedTuple):
    """A directory that a job wrote: which job, and its _windrow.json."""

    place: Path
    job: str
    description: dict[str, Any]
    label: str = ""
    """What a page of several outputs calls it."""

    @property
    def parts(self) -> list[Path]:
        """The files of its lines. Raises InputError where it wrote tables of figures instead."""
        form = self.description.get("format", "text")
        if form != "text" and not self.description.get("columns"):
            raise InputError(
                f"{self.place}: was written as {form}, and pages are made of text; run the job again without"
                " --output-format"
            )
        return parts_in(self.place, TEXT_PARTS)

    def beside(self, suffix: str) -> list[Path]:
        """The files that its tasks wrote beside their lines, e.g. part-00000-orders."""
        return parts_in(self.place, TEXT_PARTS + suffix)


class Orders(NamedTuple):
    """One symbol's orders, in order of their times (ns): numbers in SIDES and STATUS, sizes, and prices (or NaN)."""

    times: Ints
    side: Ints
    status: Ints
    size: Floats
    price: Floats


class Trades(NamedTuple):
    """One symbol's trades, in order: times of entry and exit (ns), numbers in POSITIONS and CLOSED_BY, and the columns
    of docs/signals.md.
    """

    entered: Ints
    exited: Ints
    side: Ints
    size: Floats
    entry_price: Floats
    exit_price: Floats
    pnl: Floats
    returns: Floats
    bars: Floats
    mae: Floats
    mfe: Floats
    closed_by: Ints

    @classmethod
    def none(cls) -> "Trades":
        """Those of a run that never traded."""
        whole = {"entered", "exited", "side", "closed_by"}
        return cls._make(np.empty(0, np.int64 if name in whole else np.float64) for name in cls._fields)


class Equity(NamedTuple):
    """One symbol's value at each bar's close, and that of buying and holding; times in ns."""

    times: Ints
    values: Floats
    bought: Floats | None = None


def open_output(place: Path) -> Output:
    """The output in a directory. Raises InputError if it is no directory, or not of a backtest or a sweep."""
    if not place.is_dir():
        what = "is a file" if place.exists() else "does not exist"
        raise InputError(f"{place}: {what}: a report reads a directory; use the one given to backtest -o or sweep -o")
    described = description_of(place)
    if described is None:
        raise InputError(
            f"{place}: has no {DESCRIPTION}: a report reads how the bars were read from it; use the directory given to"
            " backtest -o or sweep -o"
        )
    job = str(described.get("job", "")).rpartition(".")[2]
    if job not in (BACKTEST, SWEEP):
        fix = _FIXES.get(job, f"use the directory given to {BACKTEST} -o or {SWEEP} -o")
        raise InputError(f"{place}: is the output of {job}: a report is made of a {BACKTEST} or a {SWEEP}; {fix}")
    if missing := [name for name in ("fast", "slow", "reading") if not described.get(name)]:
        raise InputError(
            f"{place / DESCRIPTION}: has no {missing[0]}: it is what the job wrote about its output; copy the whole"
            " output again"
        )
    return Output(place, job, described)


def symbols_in(output: Output) -> list[str]:
    """The symbols that an output has lines of, by name; that over all symbols is left out, and lines without a pair."""
    fields = {line.partition(b"\t")[0] for part in output.parts for line in _lines(part) if _NO_PAIR not in line}
    return sorted(decode_symbol(field) for field in fields - {b""})


def read_figures(output: Output, symbols: Iterable[str]) -> dict[str, list[Figures]]:
    """The lines of these symbols, in order; the line over all symbols is that of "". InputError for other lines."""
    encoded = {encode_symbol(symbol): symbol for symbol in symbols}
    found: dict[str, list[Figures]] = {symbol: [] for symbol in encoded.values()}
    for part in output.parts:
        for number, line in enumerate(_lines(part), 1):
            field, _, text = line.partition(b"\t")
            if field in encoded:
                found[encoded[field]].append(_figures(part, number, text))
    return found


def lines_by_symbol(output: Output) -> Iterator[tuple[str, Iterator[Figures]]]:
    """All lines, symbol by symbol, as jobs write them: those of a symbol follow one another. InputError for others."""
    for part in output.parts:
        numbered = enumerate(_lines(part), 1)
        for symbol, its in groupby(numbered, key=lambda line: line[1].partition(b"\t")[0]):
            yield decode_symbol(symbol), (_figures(part, number, text.partition(b"\t")[2]) for number, text in its)


def _lines(part: Path) -> Iterator[bytes]:
    with open_part(part) as file:
        yield from file


def _figures(part: Path, number: int, text: bytes) -> Figures:
    try:
        figures = orjson.loads(text)
        if isinstance(figures, dict) and "fast" in figures and "slow" in figures:
            return figures
    except orjson.JSONDecodeError:
        pass
    raise InputError(
        f"{part}: line {number} is {text[:60].decode(errors='replace').strip()!r}: a line is SYMBOL, a tab and figures"
        f" as JSON, with fast and slow; use the directory given to {BACKTEST} -o or {SWEEP} -o"
    )


def parts_of(place: Path, suffix: str) -> list[Path]:
    """The file itself, or a directory's files of that suffix. Raises InputError if there is no such file."""
    parts = [place] if place.is_file() else parts_in(place, f"part-*{suffix}")
    if not parts:
        what = f"has no file part-*{suffix}" if place.is_dir() else "does not exist"
        raise InputError(f"{place}: {what}: backtest -{suffix} writes them; use that file or its directory")
    return parts


def read_orders(parts: Sequence[Path], symbols: Sequence[str]) -> dict[str, Orders]:
    """The orders of each symbol that has any. Raises InputError where a file has something else."""
    names = ["symbol", "time", "side", "size", "price", "status"]
    numbers = {"size", "price"}
    return {
        symbol: _in_order(
            Orders(
                times,
                _numbered(part, rows["side"], SIDES, _ORDERS),
                _numbered(part, rows["status"], STATUS, _ORDERS),
                rows["size"].to_numpy(),
                rows["price"].to_numpy(),
            )
        )
        for symbol, part, times, rows in _tables(parts, names, numbers, symbols, _ORDERS)
    }


def read_trades(parts: Sequence[Path], symbols: Sequence[str]) -> dict[str, Trades]:
    """The trades of each of these symbols. Raises InputError where a file has something else."""
    names = ["symbol", "time", *TRADE_COLUMNS[1:]]
    numbers = [name for name in TRADE_COLUMNS if name not in ("entry_time", "exit_time", "side", "closed_by")]
    found = {
        symbol: Trades._make(
            [
                times,
                _times(part, rows["exit_time"], _TRADES),
                _numbered(part, rows["side"], POSITIONS, _TRADES),
                *(rows[name].to_numpy() for name in numbers),
                _numbered(part, rows["closed_by"], CLOSED_BY, _TRADES),
            ]
        )
        for symbol, part, times, rows in _tables(parts, names, set(numbers), symbols, _TRADES)
    }
    return {symbol: found.get(symbol, Trades.none()) for symbol in symbols}


def read_equity(parts: Sequence[Path], symbols: Sequence[str]) -> dict[str, Equity]:
    """The equity curve of each symbol that has one. Raises InputError where a file has something else."""
    values = ["value", "bought"]
    return {
        symbol: Equity(times, rows["value"].to_numpy(), rows["bought"].to_numpy())
        for symbol, _, times, rows in _tables(parts, ["symbol", "time", *values], set(values), symbols, _EQUITY)
    }


def read_portfolio(output: Output) -> Equity | None:
    """The values of the portfolio of a backtest, if it has one. Raises InputError where a file has something else."""
    return read_equity(output.beside(PORTFOLIO), [""]).get("")


def _in_order(orders: Orders) -> Orders:
    """A refused order has the time at which it was placed, so that a file need not be in order of time."""
    order = np.argsort(orders.times, kind="stable")
    return Orders._make(column[order] for column in orders)


def _tables(
    parts: Sequence[Path], names: Sequence[str], numbers: set[str], symbols: Sequence[str], form: str
) -> Iterator[tuple[str, Path, Ints, Any]]:
    """For each symbol: its part, its times (ns), and its rows. All lines of a symbol are in one part."""
    encoded = {encode_symbol(symbol).decode(): symbol for symbol in symbols}
    for part in parts:
        rows = _rows(part, names, numbers, list(encoded), form)
        for field in rows["symbol"].unique().to_pylist():
            its = rows.filter(pc.equal(rows["symbol"], field)).combine_chunks()
            yield encoded[field], part, _times(part, its["time"], form), its


def _rows(part: Path, names: Sequence[str], numbers: set[str], wanted: Sequence[str], form: str) -> Any:
    """The rows of some symbols, from a file that need not fit into memory."""
    types = {name: pa.float64() if name in numbers else pa.string() for name in names}
    empty = pa.table({name: pa.array([], kind) for name, kind in types.items()})
    if is_empty(part):
        return empty
    with for_arrow(part) as lines:
        try:
            reader = pa_csv.open_csv(
                lines,
                pa_csv.ReadOptions(column_names=names),
                pa_csv.ParseOptions(delimiter="\t", quote_char=False),
                pa_csv.ConvertOptions(column_types=types, null_values=["", "nan", "null"], strings_can_be_null=False),
            )
            batches = [batch.filter(pc.is_in(batch.column(0), pa.array(wanted, pa.string()))) for batch in reader]
        except pa.ArrowInvalid as error:
            raise _other_form(part, str(error).strip().splitlines()[0], form) from error
    return pa.Table.from_batches(batches, empty.schema) if batches else empty


def _times(part: Path, texts: Any, form: str) -> Ints:
    raw = [text.encode() for text in texts.to_pylist()]
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    times = parse_times(np.frombuffer(b"".join(raw), np.uint8), offsets)
    if not times.ok.all():
        raise _other_form(part, f"{raw[int(np.argmin(times.ok))].decode()!r} is not a time", form)
    return times.ns


def _numbered(part: Path, texts: Any, known: Sequence[str], form: str) -> Ints:
    for text in texts.unique().to_pylist():
        if text not in known:
            raise _other_form(part, f"{text!r} is not one of {', '.join(known)}", form)
    return np.array([known.index(text) for text in texts.to_pylist()], np.int64)


def _other_form(part: Path, why: str, form: str) -> InputError:
    return InputError(f"{part}: {why}: its lines are {form}, separated by tabs; use such a file, or leave it out")
