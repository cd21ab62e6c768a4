"""Lines of CSV -> columns of symbol, time and the values that a job uses.

Only those columns are parsed and checked: a blank `open` does not affect an average of `close`. Invalid rows are
counted by reason, never guessed at. A chunk of lines is parsed at most twice: first quickly, which gives up at the
first invalid row; then, only if there is one, carefully, which finds the reason for each. Both parse numbers and times
with the same code, so an invalid row never changes how its neighbours are read.
"""

import re
from array import array as packed
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv  # pyarrow.compute, 30 ms of a task's start, only for invalid rows

from windrow.arrays import Codes, Floats, Ints, Mask, as_bool, as_float64
from windrow.bars.checks import (
    BLANKS,
    LARGEST,
    MAX_LINE,
    MISSING,
    MISSING_TEXT,
    SHOWN_BYTES,
    SMALLEST,
    Reasons,
    decodes,
    only_utf8,
    selected,
    text_times,
    trim_symbols,
    undefined,
)
from windrow.bars.columns import Bars, Example, Layout, Rejected
from windrow.bars.form import tightened
from windrow.bars.headers import may_hold_header, repeats_header
from windrow.bars.numbers import PLAIN, NumberForm, parse_numbers
from windrow.bars.repeated import codes_of, keep, known_symbols, symbol_type
from windrow.bars.selection import Selection

_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
_AS_ASCII = bytes(range(128)) + b"?" * 128
_NOT_ZERO = r"^[ \t]*[+-]?[0.]*[1-9]"
_TINY = re.compile(rb"[eE]-[0-9]{3}")
#: Of rows that are not selected: they may still be headers.
_UNSELECTED = ""
_INFINITE = r"^[ \t]*[+-]?(?i:inf|infinity)[ \t]*$"


def parse_lines(chunk: bytes, layout: Layout, keep_texts: bool = False) -> Bars:
    r"""Parses whole lines of CSV.

    `keep_texts` also keeps the text of invalid rows. Memory: a few times the chunk's. Invalid rows are counted and
    raise nothing.

    >>> layout = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",))
    >>> bars = parse_lines(b"AA,2008-03-05,36.6\nAA,2008-03-04,n/a\n", layout)
    >>> bars.symbols, bars.values, dict(bars.rejected)
    (['AA'], [array([36.6])], {'number': 1})
    """
    sound = sound_lines(chunk, layout, keep_texts)
    bars = no_bars(layout)
    if sound.lines:
        bars = _parse_quickly(sound.lines, layout) or _parse_carefully(sound.lines, layout, keep_texts)
    return sound.add_to(bars)


def no_bars(layout: Layout) -> Bars:
    """Bars of no rows."""
    values = [np.empty(0) for _ in layout.values]
    return Bars([], np.empty(0, np.int32), np.empty(0, np.int64), values, np.empty(0, bool))


@cache
def _well_quoted(delimiter: str) -> re.Pattern[bytes]:
    """Lines whose quotes are closed on them."""
    between = re.escape(delimiter.encode())
    field = rb'(?:[^"%s\r\n][^%s\r\n]*|"[^"\r\n]*+(?:""[^"\r\n]*+)*+")?' % (between, between)
    return re.compile(rb"(?:%s(?:%s%s)*+\r?\n)*+" % (field, between, field))


class Sound(NamedTuple):
    """Lines without those that a CSV parser would merge with the next ones; and what these are."""

    lines: bytes
    broken: Counter[str]
    texts: Sequence[Rejected] = ()
    examples: Mapping[str, Example] = {}
    other_ends: bytes | None = None

    def add_to(self, bars: Bars, rows: int = 1) -> Bars:
        """The bars of the lines, with an account of the broken ones, each of which is so many rows."""
        bars.rejected.update({reason: lines * rows for reason, lines in self.broken.items()})
        bars.texts += self.texts
        bars.examples.update(self.examples)
        bars.other_ends = self.other_ends
        return bars


def sound_lines(chunk: bytes, layout: Layout, keep_texts: bool) -> Sound:
    """The lines of a chunk that are whole, without blanks around quoted fields."""
    delimiter = layout.form.delimiter
    if layout.form.loose and b'"' in chunk:
        chunk = tightened(chunk, delimiter)
    well_quoted = _well_quoted(delimiter)
    if not _may_be_broken(chunk, well_quoted):
        return Sound(chunk, Counter())
    return _without_broken(chunk, well_quoted, layout, keep_texts)


def _without_broken(chunk: bytes, well_quoted: re.Pattern[bytes], layout: Layout, keep_texts: bool) -> Sound:
    from windrow.bars.examples import example_of_line

    broken: Counter[str] = Counter()
    whole: list[bytes] = []
    texts: list[Rejected] = []
    examples: dict[str, Example] = {}
    other_ends = None
    for line in _split_lines(chunk):
        reason = "long" if len(line) - 1 > MAX_LINE else "" if well_quoted.fullmatch(line) else "quote"
        if not reason:
            whole.append(line)
            continue
        text = line.rstrip(b"\r\n")
        broken[reason] += 1
        examples.setdefault(reason, example_of_line(text))
        if other_ends is None and are_rows(text.split(b"\r"), layout):
            other_ends = text
        if keep_texts:
            texts.append(Rejected(reason, text[:SHOWN_BYTES]))
    return Sound(b"".join(whole), broken, texts, examples, other_ends)


def are_rows(pieces: Sequence[bytes], layout: Layout) -> bool:
    """Whether carriage returns part what are rows; one or two of them may have lost their line feeds by damage."""
    between = len(layout.names) - 1
    return len(pieces) > 3 and all(piece.count(layout.form.delimiter.encode()) == between for piece in pieces)


def _split_lines(chunk: bytes) -> Iterator[bytes]:
    begin = 0
    while begin < len(chunk):
        end = chunk.index(b"\n", begin) + 1
        yield chunk[begin:end]
        begin = end


def _may_be_broken(chunk: bytes, well_quoted: re.Pattern[bytes]) -> bool:
    lone = b"\r" in chunk and chunk.count(b"\r") != chunk.count(b"\r\n")
    if lone or (b'"' in chunk and not well_quoted.fullmatch(chunk)):
        return True
    half = MAX_LINE // 2  # a line longer than MAX_LINE covers at least one such stretch completely
    return any(chunk.find(b"\n", at, at + half) < 0 for at in range(0, len(chunk) - half, half))


class _Unclean(Exception):  # noqa: N818 - not an error: the signal to look at each line
    """The chunk has an invalid row."""


def _parse_quickly(chunk: bytes, layout: Layout) -> Bars | None:
    """All lines as bars, or None if any row is invalid."""
    plain = layout.form.numbers == PLAIN and not layout.powers
    types = dict.fromkeys(layout.values, pa.float64() if plain else pa.string())
    if layout.symbol is not None:
        types[layout.symbol] = symbol_type()
    types |= {name: pa.binary() for name in (layout.time, layout.time_of_day) if name is not None}
    types |= {name: pa.string() for name in layout.read if name not in types}
    try:
        table = _read_csv(chunk, layout, types)
        values = [
            _clean_values(table[name]) if plain else _clean_numbers(table[name], layout, power)
            for name, power in layout.scaled
        ]
        symbols, codes = _symbols(table, layout)
        times, timed = _clean_times(_time_texts(table, layout), layout)
    except (pa.ArrowInvalid, _Unclean):
        return None
    if may_underflow(values, chunk):
        return None
    bars = Bars(symbols, codes, times, values, timed)
    if layout.selection is None:
        return bars
    return bars.only(selected(layout.selection, symbols, codes, times, True, table))


def may_underflow(values: list[Floats], chunk: bytes) -> bool:
    """Whether some 0 may be a number too small for a float64, e.g. 1e-400: it has an exponent or 200 zeros."""
    if not any((value == 0).any() for value in values):
        return False
    if b"0" * 200 in chunk:
        return True
    return (b"e-" in chunk or b"E-" in chunk) and _TINY.search(chunk) is not None


def _read_csv(chunk: bytes, layout: Layout, types: dict[str, Any], skipped: Any = None) -> dict[str, Any]:
    """The needed columns, each as one arrow array."""
    position = {name: layout.names.index(name) for name in layout.read}
    columns = read_columns(chunk, layout, {position[name]: type_ for name, type_ in types.items()}, skipped)
    return {name: columns[position[name]] for name in layout.read}


def read_columns(chunk: bytes, layout: Layout, types: dict[int, Any], skipped: Any = None) -> dict[int, Any]:
    """The columns at these positions, each as one arrow array of its type."""
    positions = [str(i) for i in range(len(layout.names))]  # names of columns that are not needed may repeat
    if chunk.startswith(_MARK):
        chunk = _MARK + chunk  # arrow drops one; the file's own is gone by now, and elsewhere it belongs to a symbol
    table = pa_csv.read_csv(
        pa.BufferReader(chunk),
        pa_csv.ReadOptions(column_names=positions, use_threads=False, block_size=max(len(chunk) + 1, 1 << 16)),
        pa_csv.ParseOptions(
            delimiter=layout.form.delimiter, quote_char='"' if b'"' in chunk else False, invalid_row_handler=skipped
        ),
        pa_csv.ConvertOptions(
            include_columns=[positions[place] for place in types],
            column_types={positions[place]: type_ for place, type_ in types.items()},
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    return {place: _one_array(table.column(positions[place])) for place in types}


def _one_array(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.array([], column.type) if not column.num_chunks else column.unify_dictionaries().combine_chunks()


def _clean_values(array: Any) -> Floats:
    if array.null_count:
        raise _Unclean
    return _within_range(as_float64(array))


def _clean_numbers(array: Any, layout: Layout, power: int) -> Floats:
    """The values of texts of the input's form of numbers."""
    values, ok = parse_numbers(array, layout.form.numbers, power)
    if not ok.all() or (power and undefined(values, power).any()):
        raise _Unclean
    return _within_range(values)


def _within_range(values: Floats) -> Floats:
    magnitude = np.abs(values)
    if not ((magnitude <= LARGEST) & ((magnitude >= SMALLEST) | (magnitude == 0))).all():
        raise _Unclean
    return values + 0.0  # -0.0 is 0.0


def _time_texts(table: dict[str, Any], layout: Layout) -> Any:
    """The texts of times; date and time of day are joined where they are two columns."""
    return joined_times([table[name] for name in (layout.time, layout.time_of_day) if name is not None])


def joined_times(columns: Sequence[Any]) -> Any:
    """Texts of times, or of dates and of times of day, as one column."""
    if len(columns) == 1:
        return columns[0]
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*columns, b" ")


def _clean_times(array: Any, layout: Layout) -> tuple[Ints, Mask]:
    times, ok, timed = text_times(array, layout)
    if not ok.all():
        raise _Unclean
    return times, timed


def _symbols(table: dict[str, Any], layout: Layout) -> tuple[list[str], Codes]:
    if layout.symbol is None:
        return [layout.constant_symbol or ""], np.zeros(len(table[layout.time]), np.int32)
    array = table[layout.symbol]
    if (known := known_symbols(array)) is not None:
        return known
    if pa.types.is_string(array.type):
        array = array.dictionary_encode()
        if (known := known_symbols(array)) is not None:
            return known
    written = array.dictionary.to_pylist()
    symbols, codes = trim_symbols(written, codes_of(array))
    if "" in symbols:
        raise _Unclean
    if symbols is written:
        keep(array, symbols)
    return symbols, codes


def _parse_carefully(chunk: bytes, layout: Layout, keep_texts: bool) -> Bars:
    """The valid rows as bars, and the reason for each invalid one."""
    import pyarrow.compute as pc

    from windrow.bars.examples import firsts

    positions = {name: layout.names.index(name) for name in layout.read}
    columns, wrong_fields, wrong = read_carefully(chunk, layout, list(positions.values()))
    table = {name: columns[position] for name, position in positions.items()}
    written = dict(table)
    reasons = Reasons(len(table[layout.time]))
    missing: dict[str, Mask] = {}
    for name in layout.needed:
        table[name] = only_utf8(table[name], reasons)
        text = pc.utf8_trim(table[name].cast(pa.string(), safe=False), BLANKS if name == layout.symbol else " \t")
        missing[name] = as_bool(pc.match_substring_regex(text, "^$" if name == layout.symbol else MISSING_TEXT))
        if power := dict(layout.scaled).get(name):
            missing[name] |= undefined(parse_numbers(text, layout.form.numbers, power)[0], power)
        if name in layout.demanded:
            reasons.add(MISSING, missing[name])
    times, ok, timed = text_times(_time_texts(table, layout), layout)
    reasons.add("time", ~ok & ~missing[layout.time])
    values = [
        checked_values(table[name], missing[name], reasons, layout.form.numbers, power, layout.unknown)
        for name, power in layout.scaled
    ]
    if layout.selection is not None:
        reasons.leave_out(~_selected(table, layout, times, ok))
    bars = _select(layout, table, (times, timed, values), reasons.good)
    bars.unselected = reasons.unselected
    headers = _account(bars, chunk, layout, reasons, wrong_fields, keep_texts)
    bad = [row for row in reasons.bad.tolist() if row not in headers]
    found = firsts(bad, reasons.of(np.array(bad, np.int64)))
    bars.examples = {reason: _example(reason, written, row, layout) for reason, row in found.items()}
    bars.examples |= wrong if bars.rejected["fields"] else {}
    return bars


def _example(reason: str, table: dict[str, Any], row: int, layout: Layout) -> Example:
    from windrow.bars.examples import example_of

    return example_of(reason, {name: table[name][row].as_py() or b"" for name in layout.needed}, layout)


def read_carefully(
    chunk: bytes, layout: Layout, places: Sequence[int]
) -> tuple[dict[int, Any], "packed[int]", dict[str, Example]]:
    """The texts of the columns at these places; the numbers of lines of a wrong number of fields, and an example."""
    from windrow.bars.examples import example_of_line

    wrong_fields = packed("q")
    wrong: dict[str, Example] = {}

    def skip(row: Any) -> str:
        wrong_fields.append(row.number - 1)
        if not wrong:
            count = f"{row.expected_columns} fields, as in the header, not {row.actual_columns}"
            wrong["fields"] = example_of_line(row.text.encode(errors="replace"), count)
        return "skip"

    text, types = chunk, dict.fromkeys(places, pa.binary())
    if not decodes(chunk):  # arrow passes lines to `skip` as str, and fails if it cannot decode them
        read_columns(chunk.translate(_AS_ASCII), layout, types, skip)
        text = _without(chunk, set(wrong_fields))
    return read_columns(text, layout, types, skip), wrong_fields, wrong


def _without(chunk: bytes, numbers: set[int]) -> bytes:
    """All lines except those with these numbers; never empty, which arrow refuses."""
    return b"".join(line + b"\n" for number, line in enumerate(lines_of(chunk)) if number not in numbers) or b"\n"


def lines_of(chunk: bytes) -> list[bytes]:
    """Lines as arrow counts them, without the blank ones."""
    return [line for line in chunk.split(b"\n") if line not in (b"", b"\r")]


def checked_values(
    array: Any, missing: Mask, reasons: Reasons, form: NumberForm, power: int, unknown: bool = False
) -> Floats:
    """Values of texts, and 0 where there is none, or UNKNOWN if they may be `unknown`; `reasons` gets why."""
    import pyarrow.compute as pc

    text = array.cast(pa.string(), safe=False)
    infinite = as_bool(pc.match_substring_regex(text, _INFINITE))
    values, number = parse_numbers(text, form, power)
    reasons.add("number", ~(number | infinite | missing))
    reasons.add("infinite", infinite)
    reasons.add("range", (values == 0) & as_bool(pc.match_substring_regex(text, _NOT_ZERO)) & number)
    if unknown:
        values[missing] = np.nan
    return reasons.check_values(values, unknown)


def _select(layout: Layout, table: dict[str, Any], parsed: tuple[Ints, Mask, list[Floats]], good: Mask) -> Bars:
    times, timed, values = parsed
    rows = pa.array(good)
    if layout.symbol is None:
        symbols, codes = [layout.constant_symbol or ""], np.zeros(int(good.sum()), np.int32)
    else:
        kept = table[layout.symbol].filter(rows).cast(pa.string()).dictionary_encode()
        codes = np.frombuffer(kept.indices.buffers()[1], np.int32, len(kept))
        symbols, codes = trim_symbols(kept.dictionary.to_pylist(), codes)
    return Bars(symbols, codes, times[good], [value[good] for value in values], timed[good])


def _selected(table: dict[str, Any], layout: Layout, times: Ints, known: Mask) -> Mask:
    """Which rows are selected, valid or not."""
    selection, table = layout.selection or Selection(), dict(table)
    for name in (name for name, _ in selection.where if name not in layout.needed):
        table[name] = only_utf8(table[name], Reasons(len(times)))  # such a field is another than any asked for
    if layout.symbol is None:
        symbols, codes = [layout.constant_symbol or ""], np.zeros(len(times), np.int32)
    else:
        encoded = table[layout.symbol].cast(pa.string()).dictionary_encode()
        codes = np.frombuffer(encoded.indices.buffers()[1], np.int32, len(encoded))
        symbols, codes = trim_symbols(encoded.dictionary.to_pylist(), codes)
    return selected(selection, symbols, codes, times, known, table)


def _account(
    bars: Bars,
    chunk: bytes,
    layout: Layout,
    reasons: Reasons,
    wrong_fields: "packed[int]",
    keep_texts: bool,
) -> set[int]:
    """Counts rows that are no bars by reason; headers are counted apart, and returned."""
    bad, odd = reasons.bad, reasons.odd
    if not keep_texts and not may_hold_header(chunk, layout):
        bars.rejected.update(reasons.of(bad))
        bars.rejected.update({"fields": len(wrong_fields)} if wrong_fields else {})
        return set()
    lines = lines_of(chunk)
    taken = np.ones(len(lines), bool)
    taken[wrong_fields] = False
    line_of_row = np.flatnonzero(taken)
    why = {int(line_of_row[row]): reason for row, reason in zip(bad, reasons.of(bad), strict=True)}
    why.update(dict.fromkeys(wrong_fields, "fields"))
    why.update(dict.fromkeys(line_of_row[odd].tolist(), _UNSELECTED))
    headers = set()
    for number in sorted(why):
        text = lines[number].rstrip(b"\r")
        if why[number] != MISSING and (same := repeats_header(text, layout)) is not None:
            bars.headers += 1
            headers.add(number)
            bars.other_header = bars.other_header if same else text
            bars.unselected -= why[number] == _UNSELECTED
            continue
        if why[number] == _UNSELECTED:
            continue
        bars.rejected[why[number]] += 1
        if keep_texts:
            bars.texts.append(Rejected(why[number], text[:SHOWN_BYTES]))
    return {row for row in bad.tolist() if int(line_of_row[row]) in headers}
