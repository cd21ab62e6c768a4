"""Bars: lines of text, or columns of Parquet, -> columns of symbol, time and the values a job uses.

Only those columns are parsed and checked: a blank `open` harms no average of `close`. What cannot be a bar is counted
by reason, never guessed at. A chunk of lines is parsed twice at most: once quickly, which either finds every line a
bar or gives up, and then, only where some line is not, carefully, which says of each line why. Both read numbers and
times with the same code, so a bad line never changes what its neighbours mean.
"""

import re
from array import array as packed
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv  # pyarrow.compute, 30 ms of a task's start, only where a line is no bar

from windrow.errors import InputError
from windrow.times import EARLIEST, LATEST, UNITS, format_times, parse_times

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

#: Why a line is no bar, in the order in which it is asked; a line counts once, for the first reason that holds.
REASONS = {
    "long": "longer than 1 MiB",
    "quote": "a quote that does not close on its line, or a carriage return within it",
    "fields": "more or fewer fields than the header",
    "utf8": "a needed field is not UTF-8",
    "missing": "a needed field is empty",
    "time": "the time does not parse",
    "number": "a value is not a number",
    "nan": "a value is NaN or infinite",
    "range": "a value other than 0 is outside 1e-9..1e12 in magnitude",
}
SMALLEST, LARGEST = 1e-9, 1e12
_WITHIN_INT64 = 9.223e18
MAX_LINE = 1 << 20
#: How much of a rejected line is kept to be shown.
SHOWN_BYTES = 1024

_WELL_QUOTED = re.compile(
    rb'(?:(?:[^",\r\n][^,\r\n]*|"(?:[^"\r\n]|"")*")?(?:,(?:[^",\r\n][^,\r\n]*|"(?:[^"\r\n]|"")*")?)*+\r?\n)*+'
)
_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
_AS_ASCII = bytes(range(128)) + b"?" * 128
_NUMBER = r"^[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*$"
_NOT_ZERO = r"^[ \t]*[+-]?[0.]*[1-9]"
_TINY = re.compile(rb"[eE]-[0-9]{3}")
_NOT_FINITE = r"^[ \t]*[+-]?(?i:nan|inf|infinity)[ \t]*$"


@dataclass(frozen=True)
class Layout:
    """What an input's columns are, settled once, from its header.

    `symbol` is None where the file has no such column and every bar is of `constant_symbol`. `dated` says whether the
    input's times are dates or have a time of day (None: not known).
    """

    names: tuple[str, ...]
    symbol: str | None
    time: str
    values: tuple[str, ...]
    constant_symbol: str | None = None
    header: bytes | None = None
    dated: bool | None = None
    timezone: str = "UTC"
    time_unit: str | None = None

    @property
    def needed(self) -> list[str]:
        """Names of the columns to parse."""
        return [name for name in (self.symbol, self.time, *self.values) if name is not None]


class Rejected(NamedTuple):
    """A line that is no bar: why, and its first 1,024 bytes."""

    reason: str
    text: bytes


@dataclass
class Bars:
    """Parsed bars in input order: bar i is of symbol `symbols[codes[i]]` at `times[i]` (ns UTC)."""

    symbols: list[str]
    codes: npt.NDArray[np.int32]
    times: Int64
    values: list[Float64]
    timed: Bool
    rejected: Counter[str] = field(default_factory=Counter)
    headers: int = 0
    texts: list[Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def lines(self) -> int:
        """Lines read, headers apart."""
        return len(self) + self.rejected.total()


def join_bars(parts: Sequence[Bars]) -> Bars:
    """Bars of several chunks as of one, in order.

    >>> one, two = (Bars([s], np.zeros(1, np.int32), np.zeros(1, np.int64), [], np.zeros(1, bool)) for s in "AB")
    >>> join_bars([one, two, one]).codes.tolist()
    [0, 1, 0]
    """
    if len(parts) == 1:
        return parts[0]
    symbols = list(dict.fromkeys(chain.from_iterable(part.symbols for part in parts)))
    number = dict(zip(symbols, range(len(symbols)), strict=True))
    numbers = [np.array([*map(number.__getitem__, part.symbols)], np.int32) for part in parts]
    return Bars(
        symbols,
        np.concatenate([own[part.codes] for own, part in zip(numbers, parts, strict=True)]),
        np.concatenate([part.times for part in parts]),
        [np.concatenate(column) for column in zip(*(part.values for part in parts), strict=True)],
        np.concatenate([part.timed for part in parts]),
        sum((part.rejected for part in parts), Counter()),
        sum(part.headers for part in parts),
        [text for part in parts for text in part.texts],
    )


def parse_lines(chunk: bytes, layout: Layout, keep_texts: bool = False) -> Bars:
    r"""Parses whole lines of CSV.

    `keep_texts` keeps the rejected lines' texts too. Memory is a few times the chunk's. Raises nothing for bad lines:
    they are counted.

    >>> layout = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",))
    >>> bars = parse_lines(b"AA,2008-03-05,36.6\nAA,2008-03-04,n/a\n", layout)
    >>> bars.symbols, bars.values, dict(bars.rejected)
    (['AA'], [array([36.6])], {'number': 1})
    """
    chunk, broken, texts = _drop_broken_lines(chunk, keep_texts)
    bars = _no_bars(layout)
    if chunk:
        bars = _parse_quickly(chunk, layout) or _parse_carefully(chunk, layout, keep_texts)
    bars.rejected.update(broken)
    bars.texts += texts
    return bars


def _no_bars(layout: Layout) -> Bars:
    values = [np.empty(0) for _ in layout.values]
    return Bars([], np.empty(0, np.int32), np.empty(0, np.int64), values, np.empty(0, bool))


def _drop_broken_lines(chunk: bytes, keep_texts: bool) -> tuple[bytes, Counter[str], list[Rejected]]:
    """Cuts out the lines that a CSV parser would run into the next ones; counts them by reason."""
    broken: Counter[str] = Counter()
    texts: list[Rejected] = []
    if not _may_be_broken(chunk):
        return chunk, broken, texts
    whole = []
    for line in _split_lines(chunk):
        reason = "long" if len(line) - 1 > MAX_LINE else "" if _WELL_QUOTED.fullmatch(line) else "quote"
        if not reason:
            whole.append(line)
            continue
        broken[reason] += 1
        if keep_texts:
            texts.append(Rejected(reason, line.rstrip(b"\r\n")[:SHOWN_BYTES]))
    return b"".join(whole), broken, texts


def _split_lines(chunk: bytes) -> Iterator[bytes]:
    begin = 0
    while begin < len(chunk):
        end = chunk.index(b"\n", begin) + 1
        yield chunk[begin:end]
        begin = end


def _may_be_broken(chunk: bytes) -> bool:
    lone = b"\r" in chunk and chunk.count(b"\r") != chunk.count(b"\r\n")
    if lone or (b'"' in chunk and not _WELL_QUOTED.fullmatch(chunk)):
        return True
    half = MAX_LINE // 2  # a line over MAX_LINE covers at least one such stretch whole
    return any(chunk.find(b"\n", at, at + half) < 0 for at in range(0, len(chunk) - half, half))


class _Unclean(Exception):  # noqa: N818 - not an error: the signal to look at each line
    """Some line of the chunk is no bar."""


def _parse_quickly(chunk: bytes, layout: Layout) -> Bars | None:
    """All lines as bars, or None if any is not."""
    types = dict.fromkeys(layout.values, pa.float64())
    if layout.symbol is not None:
        types[layout.symbol] = pa.dictionary(pa.int32(), pa.string())
    types[layout.time] = pa.binary()
    try:
        table = _read_csv(chunk, layout, types)
        values = [_clean_values(table[name]) for name in layout.values]
        symbols, codes = _symbols(table, layout)
        times, timed = _clean_times(table[layout.time], layout)
    except (pa.ArrowInvalid, _Unclean):
        return None
    if _may_underflow(values, chunk):
        return None
    return Bars(symbols, codes, times, values, timed)


def _may_underflow(values: list[Float64], chunk: bytes) -> bool:
    """Whether some 0 may be a number too small for a float64, as 1e-400: none is below 200 places without saying so."""
    if not any((value == 0).any() for value in values):
        return False
    if b"0" * 200 in chunk:
        return True
    return (b"e-" in chunk or b"E-" in chunk) and _TINY.search(chunk) is not None


def _read_csv(chunk: bytes, layout: Layout, types: dict[str, Any], skipped: Any = None) -> dict[str, Any]:
    """The needed columns, each as one arrow array."""
    positions = [str(i) for i in range(len(layout.names))]  # names may repeat where nobody needs them
    position = {name: positions[layout.names.index(name)] for name in layout.needed}
    if chunk.startswith(_MARK):
        chunk = _MARK + chunk  # arrow drops one; a file's own is gone by now, and elsewhere it is a symbol's
    table = pa_csv.read_csv(
        pa.BufferReader(chunk),
        pa_csv.ReadOptions(column_names=positions, use_threads=False, block_size=max(len(chunk) + 1, 1 << 16)),
        pa_csv.ParseOptions(quote_char='"' if b'"' in chunk else False, invalid_row_handler=skipped),
        pa_csv.ConvertOptions(
            include_columns=list(position.values()),
            column_types={position[name]: type_ for name, type_ in types.items()},
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    return {name: _one_array(table.column(position[name])) for name in layout.needed}


def _one_array(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if not column.num_chunks else column.unify_dictionaries().combine_chunks()


def _clean_values(array: Any) -> Float64:
    if array.null_count:
        raise _Unclean
    values = as_float64(array)
    magnitude = np.abs(values)
    if not ((magnitude <= LARGEST) & ((magnitude >= SMALLEST) | (magnitude == 0))).all():
        raise _Unclean
    return values + 0.0  # -0.0 is 0.0


def _clean_times(array: Any, layout: Layout) -> tuple[Int64, Bool]:
    times, ok, timed = text_times(array, layout)
    if not ok.all():
        raise _Unclean
    return times, timed


def _symbols(table: dict[str, Any], layout: Layout) -> tuple[list[str], npt.NDArray[np.int32]]:
    if layout.symbol is None:
        return [layout.constant_symbol or ""], np.zeros(len(table[layout.time]), np.int32)
    array = table[layout.symbol]
    symbols = array.dictionary.to_pylist()
    if "" in symbols:
        raise _Unclean
    return symbols, np.frombuffer(array.indices.buffers()[1], np.int32, len(array), array.indices.offset * 4)


def as_float64(array: Any) -> Float64:
    """An arrow float64 array without nulls as numpy's, without a copy."""
    # Not array.to_numpy(): its first call imports pandas, a quarter of a second in every task.
    return np.frombuffer(array.buffers()[1], np.float64, len(array), array.offset * 8) if len(array) else np.empty(0)


def as_int64(array: Any) -> Int64:
    """An arrow int64 array without nulls as numpy's, without a copy."""
    if not len(array):
        return np.empty(0, np.int64)
    return np.frombuffer(array.buffers()[1], np.int64, len(array), array.offset * 8)


def as_bool(array: Any) -> Bool:
    """An arrow boolean array without nulls as numpy's."""
    bits = np.frombuffer(array.buffers()[1], np.uint8) if len(array) else np.empty(0, np.uint8)
    return np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)].astype(bool)


def text_times(array: Any, layout: Layout) -> tuple[Int64, Bool, Bool]:
    """Times (ns UTC), which of them parse, which have a time of day; `array` is of arrow type binary."""
    if not len(array):
        return np.empty(0, np.int64), np.empty(0, bool), np.empty(0, bool)
    if layout.time_unit is not None:
        return _counted_times(array, layout.time_unit)
    _, offsets, data = array.buffers()
    offsets = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    times = parse_times(np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8), offsets, layout.timezone)
    if times.ok.all():
        return times
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(array.cast(pa.string(), safe=False), " \t").cast(pa.binary())
    if trimmed.equals(array):
        return times
    return text_times(trimmed, layout)


def _counted_times(array: Any, unit: str) -> tuple[Int64, Bool, Bool]:
    """Times given as integers of `--time-unit`."""
    import pyarrow.compute as pc

    text = pc.utf8_trim(array.cast(pa.string(), safe=False), " \t")
    ok = as_bool(pc.match_substring_regex(text, "^-?[0-9]{1,19}$"))
    ok[ok] = np.abs(as_float64(text.filter(pa.array(ok)).cast(pa.float64()))) < _WITHIN_INT64
    counted = np.zeros(len(array), np.int64)
    counted[ok] = as_int64(text.filter(pa.array(ok)).cast(pa.int64()))
    ok &= (counted >= EARLIEST // UNITS[unit]) & (counted <= LATEST // UNITS[unit])
    return np.where(ok, counted, 0) * UNITS[unit], ok, np.ones(len(array), bool)


def _parse_carefully(chunk: bytes, layout: Layout, keep_texts: bool) -> Bars:
    """Bars, and for every other line the reason why it is none."""
    import pyarrow.compute as pc

    wrong_fields = packed("q")

    def skip(row: Any) -> str:
        wrong_fields.append(row.number - 1)
        return "skip"

    text, types = chunk, dict.fromkeys(layout.needed, pa.binary())
    if not _decodes(chunk):  # arrow hands lines to `skip` as str, and fails where it cannot
        _read_csv(chunk.translate(_AS_ASCII), layout, types, skip)
        text = _without(chunk, set(wrong_fields))
    table = _read_csv(text, layout, types, skip)
    reasons = Reasons(len(table[layout.time]))
    for name in layout.needed:
        table[name] = only_utf8(table[name], reasons)
        reasons.add("missing", as_bool(pc.equal(pc.binary_length(_trim(table[name], name, layout)), 0)))
    times, ok, timed = text_times(table[layout.time], layout)
    reasons.add("time", ~ok)
    values = [_checked_values(table[name], reasons) for name in layout.values]
    return _select(chunk, layout, table, (times, timed, values), reasons, wrong_fields, keep_texts)


def _without(chunk: bytes, numbers: set[int]) -> bytes:
    """The lines but those of these numbers; never nothing at all, which arrow refuses."""
    return b"".join(line + b"\n" for number, line in enumerate(_lines(chunk)) if number not in numbers) or b"\n"


def _lines(chunk: bytes) -> list[bytes]:
    """Lines as arrow counts them, without the blank ones."""
    return [line for line in chunk.split(b"\n") if line not in (b"", b"\r")]


class Reasons:
    """For each row the first reason, in the order of REASONS, why it is no bar."""

    def __init__(self, rows: int) -> None:
        self._codes = np.full(rows, len(REASONS))

    def check_values(self, values: Float64) -> Float64:
        """Notes values that are not finite or out of range; -0.0 becomes 0.0."""
        self.add("nan", ~np.isfinite(values))
        self.add("range", outside_range(values))
        return values + 0.0

    def add(self, reason: str, rows: Bool) -> None:
        """Notes rows that are no bars for this reason."""
        code = list(REASONS).index(reason)
        self._codes[rows] = np.minimum(self._codes[rows], code)

    @property
    def good(self) -> Bool:
        """Which rows are bars."""
        good: Bool = self._codes == len(REASONS)
        return good

    def of(self, rows: Int64) -> list[str]:
        """The reasons of rows that are no bars."""
        names = list(REASONS)
        return [names[code] for code in self._codes[rows]]


def only_utf8(array: Any, reasons: Reasons) -> Any:
    """Texts (binary), those that are not UTF-8 noted and made empty: arrow's functions stop at the first such."""
    import pyarrow.compute as pc

    valid = is_utf8(array)
    reasons.add("utf8", ~valid)
    return array if valid.all() else pc.if_else(pa.array(valid), array, pa.scalar(b"", pa.binary()))


def is_utf8(array: Any) -> Bool:
    """Which texts (binary) are UTF-8."""
    try:
        array.cast(pa.string())
    except pa.ArrowInvalid:
        return np.array([_decodes(text) for text in array.to_pylist()], bool)
    return np.ones(len(array), bool)


def _decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _trim(array: Any, name: str, layout: Layout) -> Any:
    """Blanks around numbers and times mean nothing; in a symbol every byte counts."""
    import pyarrow.compute as pc

    return array if name == layout.symbol else pc.utf8_trim(array.cast(pa.string(), safe=False), " \t")


def _checked_values(array: Any, reasons: Reasons) -> Float64:
    import pyarrow.compute as pc

    text = array.cast(pa.string(), safe=False)
    number = as_bool(pc.match_substring_regex(text, _NUMBER))
    not_finite = as_bool(pc.match_substring_regex(text, _NOT_FINITE))
    values = np.zeros(len(array))
    values[number] = as_float64(pc.utf8_trim(text.filter(pa.array(number)), " \t").cast(pa.float64()))
    reasons.add("number", ~number & ~not_finite)
    reasons.add("nan", not_finite)
    reasons.add("range", (values == 0) & as_bool(pc.match_substring_regex(text, _NOT_ZERO)) & number)
    return reasons.check_values(values)


def outside_range(values: Float64) -> Bool:
    """Which values are too large or too small to be summed exactly.

    >>> outside_range(np.array([0.0, 1e-9, -1e12, 1e-10, 2e12])).tolist()
    [False, False, False, True, True]
    """
    magnitude = np.abs(values)
    outside: Bool = (magnitude > LARGEST) | ((magnitude < SMALLEST) & (magnitude != 0))
    return outside


def _select(
    chunk: bytes, layout: Layout, table: dict[str, Any], parsed: tuple[Int64, Bool, list[Float64]],
    reasons: Reasons, wrong_fields: "packed[int]", keep_texts: bool,
) -> Bars:  # fmt: skip
    times, timed, values = parsed
    good = reasons.good
    rows = pa.array(good)
    if layout.symbol is None:
        symbols, codes = [layout.constant_symbol or ""], np.zeros(int(good.sum()), np.int32)
    else:
        kept = table[layout.symbol].filter(rows).cast(pa.string()).dictionary_encode()
        symbols, codes = kept.dictionary.to_pylist(), np.frombuffer(kept.indices.buffers()[1], np.int32, len(kept))
    bars = Bars(symbols, codes, times[good], [value[good] for value in values], timed[good])
    _account(bars, chunk, layout, np.flatnonzero(~good), reasons, wrong_fields, keep_texts)
    return bars


def _account(
    bars: Bars,
    chunk: bytes,
    layout: Layout,
    bad: Int64,
    reasons: Reasons,
    wrong_fields: "packed[int]",
    keep_texts: bool,
) -> None:
    """Counts what is no bar by reason; lines equal to the header apart."""
    if not keep_texts and (layout.header is None or layout.header not in chunk):
        bars.rejected.update(reasons.of(bad))
        bars.rejected.update({"fields": len(wrong_fields)} if wrong_fields else {})
        return
    lines = _lines(chunk)
    taken = np.ones(len(lines), bool)
    taken[wrong_fields] = False
    line_of_row = np.flatnonzero(taken)
    why = {int(line_of_row[row]): reason for row, reason in zip(bad, reasons.of(bad), strict=True)}
    why.update(dict.fromkeys(wrong_fields, "fields"))
    for number in sorted(why):
        text = lines[number].rstrip(b"\r")
        if layout.header is not None and text.removeprefix(b"\xef\xbb\xbf") == layout.header:
            bars.headers += 1
            continue
        bars.rejected[why[number]] += 1
        if keep_texts:
            bars.texts.append(Rejected(why[number], text[:SHOWN_BYTES]))


def check_one_kind_of_time(bars: Bars, layout: Layout, source: str) -> None:
    """Refuses an input that mixes dates and times of day: which of the two its dates mean cannot be known."""
    if layout.dated is None or not len(bars):
        return
    odd = bars.timed if layout.dated else ~bars.timed
    if odd.any():
        at = bars.times[np.argmax(odd)][None]
        first, other = ("dates", "a time of day") if layout.dated else ("times of day", "a date alone")
        raise InputError(
            f"{source}: holds {first}, but also {other}: {format_times(at, not layout.dated)[0].decode()};"
            " one input's times must be all dates or all times of day, or it is unclear when a date's bar is;"
            " write them alike, or give them as two files"
        )
