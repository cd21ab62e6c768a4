"""Lines of a table with a column for each symbol -> the bars that the same rows, one for each symbol, would be.

A symbol whose cells are all empty, NaN, null, None, NA, . or - at a time has no bar there: symbols begin and end at
different times. Where only some of its cells are, the row lacks a value. Rows are counted by symbols, and so a line
that does not parse is as many invalid rows as there are symbols.
"""

import re
from array import array as packed
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from windrow.arrays import Floats, Ints, Mask, as_bool, as_float64
from windrow.bars.checks import (
    MISSING,
    MISSING_TEXT,
    SHOWN_BYTES,
    Reasons,
    only_utf8,
    outside_range,
    text_times,
    undefined,
)
from windrow.bars.columns import Bars, Example, Layout, Rejected
from windrow.bars.examples import example_of, firsts
from windrow.bars.headers import has_numbers
from windrow.bars.layout import normalise
from windrow.bars.numbers import PLAIN, parse_numbers
from windrow.bars.shapes import CORNERS, fields_of
from windrow.bars.text import (
    checked_values,
    joined_times,
    lines_of,
    may_underflow,
    no_bars,
    read_carefully,
    read_columns,
    sound_lines,
)


def parse_wide(chunk: bytes, layout: Layout, keep_texts: bool = False) -> Bars:
    r"""Parses whole lines, as `parse_lines` does those of other tables.

    >>> layout = Layout(("date", "close", "close"), None, "date", ("close",), wide=(("AA", (1,)), ("B", (2,))))
    >>> bars = parse_wide(b"2008-03-05,36.6,\n2008-03-06,n/a,7\n", layout)
    >>> bars.codes.tolist(), bars.values, dict(bars.rejected)
    ([0, 1], [array([36.6,  7. ])], {'number': 1})
    """
    sound = sound_lines(chunk, layout, keep_texts)
    bars = no_bars(layout)
    if sound.lines:
        bars = _parse_quickly(sound.lines, layout) or _parse_carefully(sound.lines, layout, keep_texts)
    return sound.add_to(bars, len(layout.wide))


def select(
    layout: Layout,
    times: Ints,
    timed: Mask,
    values: list[Floats],
    absent: Mask,
    known: Mask,
    reasons: Reasons | None = None,
) -> tuple[Bars, Ints]:
    """The bars of cells, symbol by symbol, and the places of those that are invalid rows.

    There is a time for each line, where it is `known`; the others have a cell for each line of the first symbol, then
    of the next.
    """
    unselected = 0
    if layout.selection is not None:
        without = np.tile(known & ~layout.selection.times(times), len(layout.wide))
        unselected = int((without & ~absent).sum())
        absent = absent | without
    good = ~absent if reasons is None else reasons.good & ~absent
    at = np.flatnonzero(good)
    codes, lines = np.divmod(at, max(1, len(times)))
    symbols = [symbol for symbol, _ in layout.wide]
    bars = Bars(symbols, codes.astype(np.int32), times[lines], [value[good] for value in values], timed[lines])
    bars.unselected = unselected
    return bars, np.flatnonzero(~good & ~absent)


def places_of_times(layout: Layout) -> list[int]:
    """The columns of times."""
    return [layout.names.index(name) for name in (layout.time, layout.time_of_day) if name is not None]


def _time_texts(columns: dict[int, Any], layout: Layout) -> Any:
    return joined_times([columns[place] for place in places_of_times(layout)])


def _cells(columns: dict[int, Any], layout: Layout, number: int) -> Any:
    """The cells of one value, those of the first symbol first."""
    return pa.concat_arrays([columns[places[number]] for _, places in layout.wide])


def _parse_quickly(chunk: bytes, layout: Layout) -> Bars | None:
    """The bars, or None if any row is invalid, or a cell has another text than a number or none."""
    if layout.powers:
        return None
    plain = layout.form.numbers == PLAIN
    types = {place: pa.float64() if plain else pa.string() for _, places in layout.wide for place in places}
    try:
        columns = read_columns(chunk, layout, types | dict.fromkeys(places_of_times(layout), pa.binary()))
    except pa.ArrowInvalid:
        return None
    times, ok, timed = text_times(_time_texts(columns, layout), layout)
    values = [_quick_values(_cells(columns, layout, number), layout) for number in range(len(layout.values))]
    if not ok.all() or any(value is None for value in values):
        return None
    numbers = [value for value in values if value is not None]
    empty = [np.isnan(value) for value in numbers]
    absent = np.logical_and.reduce(empty)
    if any((one & ~absent).any() for one in empty) or any(outside_range(value).any() for value in numbers):
        return None
    bars, _ = select(layout, times, timed, [value + 0.0 for value in numbers], absent, ok)
    return None if may_underflow(bars.values, chunk) else bars


def _quick_values(cells: Any, layout: Layout) -> Floats | None:
    """Values, NaN where a cell is empty; None where one is no number."""
    if layout.form.numbers == PLAIN:
        return as_float64(pc.fill_null(cells, np.nan))
    empty = as_bool(pc.equal(cells, ""))
    values, ok = parse_numbers(cells, layout.form.numbers)
    values[empty] = np.nan
    return values if (ok | empty).all() else None


def _parse_carefully(chunk: bytes, layout: Layout, keep_texts: bool) -> Bars:
    """The valid rows as bars, and the reason for each invalid one."""
    symbols = len(layout.wide)
    places = {*places_of_times(layout), *(place for _, its in layout.wide for place in its)}
    columns, wrong_fields, wrong = read_carefully(chunk, layout, sorted(places))
    of_times = Reasons(len(columns[places_of_times(layout)[0]]))
    missing_times = np.zeros(len(of_times.good), bool)
    for place in places_of_times(layout):
        columns[place] = only_utf8(columns[place], of_times)
        missing_times |= _missing(columns[place])
    times, ok, timed = text_times(_time_texts(columns, layout), layout)
    of_times.add(MISSING, missing_times)
    of_times.add("time", ~ok & ~missing_times)
    reasons = Reasons(symbols * len(times))
    for reason, lines in of_times.each():
        reasons.add(reason, np.tile(lines, symbols))
    cells, empty = [], []
    for number in range(len(layout.values)):
        cells.append(only_utf8(_cells(columns, layout, number), reasons))
        empty.append(_missing(cells[-1]))
        if layout.powers and layout.powers[number]:
            texts, power = cells[-1].cast(pa.string(), safe=False), layout.powers[number]
            empty[-1] |= undefined(parse_numbers(texts, layout.form.numbers, power)[0], power)
    absent = np.logical_and.reduce(empty)
    reasons.add(MISSING, np.logical_or.reduce(empty) & ~absent)
    values = [
        checked_values(one, its, reasons, layout.form.numbers, power)
        for one, its, (_, power) in zip(cells, empty, layout.scaled, strict=True)
    ]
    bars, bad = select(layout, times, timed, values, absent, ok, reasons)
    unread = ~of_times.good
    headers = _Headers(chunk, layout, unread, wrong_fields) if unread.any() or wrong_fields else None
    if headers is not None:
        bad = bad[~headers.among_rows[bad % max(1, len(times))]]
        bars.headers, bars.other_header = headers.count, headers.other
        bars.rejected.update({"fields": symbols * len(headers.wrong)} if headers.wrong else {})
        bars.texts += [Rejected("fields", text[:SHOWN_BYTES]) for text in headers.wrong] if keep_texts else []
    why = reasons.of(bad)
    bars.rejected.update(why)
    for reason, place in firsts(bad.tolist(), why).items():
        bars.examples[reason] = _example(reason, columns, cells, place, layout)
    bars.examples |= wrong if bars.rejected["fields"] else {}
    if keep_texts:
        texts = _time_texts(columns, layout)
        bars.texts += [
            Rejected(reason, _row(layout, texts, cells, int(place))[:SHOWN_BYTES])
            for reason, place in zip(why, bad, strict=True)
        ]
    return bars


def _example(reason: str, columns: dict[int, Any], cells: list[Any], place: int, layout: Layout) -> Example:
    line = place % len(columns[places_of_times(layout)[0]])
    fields = {layout.names[at]: columns[at][line].as_py() for at in places_of_times(layout)}
    fields |= {name: its[place].as_py() for name, its in zip(layout.values, cells, strict=True)}
    return example_of(reason, {name: field or b"" for name, field in fields.items()}, layout)


def _missing(texts: Any) -> Mask:
    trimmed = pc.utf8_trim(texts.cast(pa.string(), safe=False), " \t")
    return as_bool(pc.match_substring_regex(trimmed, MISSING_TEXT))


def _row(layout: Layout, times: Any, cells: list[Any], place: int) -> bytes:
    """An invalid row as the line that it would be in a table with a row for each symbol and time."""
    symbol, line = divmod(place, len(times))
    fields = [times[line].as_py(), *(its[place].as_py() for its in cells)]
    return layout.form.delimiter.encode().join([layout.wide[symbol][0].encode(), *fields])


class _Headers:
    """The headers among a chunk's lines that are no bars, counted, and the lines of a wrong number of fields."""

    def __init__(self, chunk: bytes, layout: Layout, unread: Mask, wrong_fields: "packed[int]") -> None:
        self.count = 0
        self.other: bytes | None = None
        self.wrong: list[bytes] = []
        self.among_rows = np.zeros(len(unread), bool)
        lines = lines_of(chunk)
        taken = np.ones(len(lines), bool)
        taken[wrong_fields] = False
        of_row = np.flatnonzero(taken)
        for row in np.flatnonzero(unread).tolist():
            self.among_rows[row] = self._take(lines[of_row[row]].rstrip(b"\r"), layout)
        for number in wrong_fields:
            text = lines[number].rstrip(b"\r")
            if not self._take(text, layout):
                self.wrong.append(text)

    def _take(self, text: bytes, layout: Layout) -> bool:
        """Counts a line that is a header."""
        same = repeats_rows(text, layout)
        self.count += same is not None
        self.other = text if same is False else self.other
        return same is not None


def repeats_rows(line: bytes, layout: Layout) -> bool | None:
    r"""Whether a line that is no bar is one of the header's (True), one of another header (False), or none (None).

    >>> layout = Layout(("date", "close"), None, "date", ("close",), header=b"Ticker,AA\nDate,", wide=(("AA", (1,)),))
    >>> [repeats_rows(line, layout) for line in (b"Ticker,AA", b"Ticker,B", b"Date,", b"noon,5")]
    [True, False, True, None]
    """
    line = line.removeprefix(b"\xef\xbb\xbf")
    if line in (layout.header or b"").split(b"\n"):
        return True
    names = [normalise(field) for field in fields_of(line, layout.form.delimiter)] or [""]
    first, others = names[0], [name for name in names[1:] if not re.fullmatch(MISSING_TEXT, name)]
    if first in {layout.time, *CORNERS} - {""}:
        return not others
    nameless = not first and (layout.header or b"").startswith(layout.form.delimiter.encode())
    return False if nameless and others and not has_numbers(others) else None
