"""What backtests and sweeps wrote: their lines of JSON, and the orders and equity curves beside them."""

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
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
from windrow.storage.publish import DESCRIPTION, TEXT_PARTS
from windrow.times import parse_times
from windrow.trading.ledger import STATUS

BACKTEST, SWEEP = "backtest", "sweep"
_CURES = {"moving_average": "draw it by windrow plot", "crossover": "run windrow backtest with its --fast and --slow"}

SIDES = ("buy", "sell")
_ORDERS = "SYMBOL, TIME, side, size, price and status, as backtest's --orders writes them"
_EQUITY = "SYMBOL, TIME and value, as backtest's --equity writes them"

Figures = dict[str, Any]


class Output(NamedTuple):
    """A directory that a job wrote: which job, and what its _windrow.json tells of it."""

    place: Path
    job: str
    told: dict[str, Any]

    @property
    def parts(self) -> list[Path]:
        """The files of its lines."""
        return sorted(self.place.glob(TEXT_PARTS))

    def beside(self, suffix: str) -> list[Path]:
        """The files that its tasks wrote beside their lines, as part-00000-orders."""
        return sorted(self.place.glob(f"part-*[0-9]{suffix}"))


class Orders(NamedTuple):
    """One symbol's orders, in order of their times (ns): numbers in SIDES and STATUS, sizes, and prices (or NaN)."""

    times: Ints
    side: Ints
    status: Ints
    size: Floats
    price: Floats


class Equity(NamedTuple):
    """One symbol's value at each bar's close; times in ns."""

    times: Ints
    values: Floats


def open_output(place: Path) -> Output:
    """The output in a directory. Raises InputError where there is none, or where it is of another job."""
    if not place.is_dir():
        what = "is a file" if place.exists() else "does not exist"
        raise InputError(f"{place}: {what}; a report is of a directory; give what -o of a backtest or a sweep named")
    description = place / DESCRIPTION
    if not description.is_file():
        raise InputError(
            f"{place}: has no {DESCRIPTION}, which says how its bars are to be read; give the directory that -o of a"
            " backtest or a sweep named"
        )
    told = json.loads(description.read_text())
    job = str(told.get("job", "")).rpartition(".")[2]
    if job not in (BACKTEST, SWEEP):
        cure = _CURES.get(job, f"give the directory that -o of {BACKTEST} or {SWEEP} named")
        raise InputError(f"{place}: holds the output of {job}, and a report is of a {BACKTEST} or a {SWEEP}; {cure}")
    return Output(place, job, told)


def symbols_in(output: Output) -> list[str]:
    """The symbols that an output has lines of, by name; the line over all symbols is no symbol's."""
    fields = {line.partition(b"\t")[0] for part in output.parts for line in _lines(part)}
    return sorted(decode_symbol(field) for field in fields - {b""})


def choose(known: Sequence[str], wanted: Sequence[str], most: int, source: str) -> list[str]:
    """The symbols wanted, each once; of `known` the first ones by name where none is.

    Raises InputError, with the nearest names, where one is not known, or none is.
    """
    if not known:
        raise InputError(f"{source}: holds no line of a symbol, and there is nothing to report; give what a job wrote")
    for symbol in wanted:
        if symbol not in known:
            near = ", ".join(difflib.get_close_matches(symbol, known, n=3, cutoff=0))
            raise InputError(
                f"{source}: holds no line of symbol {symbol}; nearest of its {len(known):,} symbols: {near}"
            )
    return list(dict.fromkeys(wanted)) or list(known[:most])


def read_figures(output: Output, symbols: Iterable[str]) -> dict[str, list[Figures]]:
    """The lines of these symbols, "" being all together, in order. Raises InputError where a line is none."""
    encoded = {encode_symbol(symbol): symbol for symbol in symbols}
    found: dict[str, list[Figures]] = {symbol: [] for symbol in encoded.values()}
    for part in output.parts:
        for number, line in enumerate(_lines(part), 1):
            field, _, text = line.partition(b"\t")
            if field in encoded:
                found[encoded[field]].append(_figures(part, number, text))
    return found


def _lines(part: Path) -> Iterator[bytes]:
    with part.open("rb") as file:
        yield from file


def _figures(part: Path, number: int, text: bytes) -> Figures:
    try:
        told = orjson.loads(text)
        if isinstance(told, dict) and "fast" in told and "slow" in told:
            return told
    except orjson.JSONDecodeError:
        pass
    raise InputError(
        f"{part}: line {number} is {text[:60].decode(errors='replace').strip()!r}; a line is SYMBOL, a tab and figures"
        f" as JSON, with fast and slow; give the directory that -o of a {BACKTEST} or a {SWEEP} named"
    )


def parts_of(place: Path, suffix: str) -> list[Path]:
    """The files that a path means: itself, or a directory's files of that suffix. Raises InputError for none."""
    parts = [place] if place.is_file() else sorted(place.glob(f"part-*{suffix}"))
    if not parts:
        what = f"holds no part-*{suffix}" if place.is_dir() else "does not exist"
        raise InputError(f"{place}: {what}; give the file, or the directory, that backtest wrote with -{suffix}")
    return parts


def read_orders(parts: Sequence[Path], symbols: Sequence[str]) -> dict[str, Orders]:
    """The symbols' orders, of those that have any. Raises InputError where a file holds something else."""
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


def read_equity(parts: Sequence[Path], symbols: Sequence[str]) -> dict[str, Equity]:
    """The symbols' equity curves, of those that have one. Raises InputError where a file holds something else."""
    return {
        symbol: Equity(times, rows["value"].to_numpy())
        for symbol, _, times, rows in _tables(parts, ["symbol", "time", "value"], {"value"}, symbols, _EQUITY)
    }


def _in_order(orders: Orders) -> Orders:
    """Refused orders bear the time at which they were placed, so they need not lie in order."""
    order = np.argsort(orders.times, kind="stable")
    return Orders._make(column[order] for column in orders)


def _tables(
    parts: Sequence[Path], names: Sequence[str], numbers: set[str], symbols: Sequence[str], form: str
) -> Iterator[tuple[str, Path, Ints, Any]]:
    """Of each symbol: its part, its times (ns), and its rows. A symbol's lines stand in one part."""
    encoded = {encode_symbol(symbol).decode(): symbol for symbol in symbols}
    for part in parts:
        rows = _rows(part, names, numbers, list(encoded), form)
        for field in rows["symbol"].unique().to_pylist():
            its = rows.filter(pc.equal(rows["symbol"], field)).combine_chunks()
            yield encoded[field], part, _times(part, its["time"], form), its


def _rows(part: Path, names: Sequence[str], numbers: set[str], wanted: Sequence[str], form: str) -> Any:
    """The rows of some symbols, of a file that need not fit into memory."""
    types = {name: pa.float64() if name in numbers else pa.string() for name in names}
    empty = pa.table({name: pa.array([], kind) for name, kind in types.items()})
    if not part.stat().st_size:
        return empty
    try:
        reader = pa_csv.open_csv(
            part,
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
        raise _other_form(part, f"{raw[int(np.argmin(times.ok))].decode()!r} is no time", form)
    return times.ns


def _numbered(part: Path, texts: Any, known: Sequence[str], form: str) -> Ints:
    for text in texts.unique().to_pylist():
        if text not in known:
            raise _other_form(part, f"{text!r} is none of {', '.join(known)}", form)
    return np.array([known.index(text) for text in texts.to_pylist()], np.int64)


def _other_form(part: Path, why: str, form: str) -> InputError:
    return InputError(f"{part}: {why}; its lines hold {form}, separated by tabs; give such a file, or leave it out")
