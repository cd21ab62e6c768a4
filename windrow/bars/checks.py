"""What the fields of a row must be, in CSV and Parquet alike, and why a row is invalid."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from windrow.arrays import Codes, Floats, Ints, Mask, as_bool, as_float64, as_int64
from windrow.bars.columns import Layout
from windrow.bars.epochs import FRACTION_DIGITS, by_magnitude
from windrow.bars.selection import Selection
from windrow.times import DAY, EARLIEST, LATEST, UNITS, Times, parse_times

#: Why a row is no bar, in the order of the checks; a row counts once, for the first reason that applies. All but the
#: last, MISSING, make it an invalid row.
REASONS = {
    "long": "longer than 1 MiB",
    "quote": "a quote that is not closed on its line, or a stray carriage return",
    "fields": "more or fewer fields than the header",
    "record": "a record of a stream that is no object of JSON",
    "utf8": "a required field is not valid UTF-8",
    "time": "the time does not parse",
    "number": "a value is not a number",
    "infinite": "a value is infinite",
    "range": "a nonzero value is outside 1e-15..1e15 in magnitude",
    "adjusted": "adj_close / close is not above 0, so that --adjusted has no ratio",
    "missing": "a needed field is empty, NaN, null, None, NA, . or -",
}

#: Not an error of the row but a value that its source says it does not have: counted apart from invalid rows.
MISSING = "missing"
#: What says so in a time or a value, in any case; a symbol may be called NA.
MISSING_TEXT = r"^(?i:[+-]?nan|null|none|na|\.|-)?$"
#: And in a column that is scaled: the largest whole number of 64 bits, by which Databento says that there is no price.
_UNDEFINED = str(2**63 - 1)
#: A value that an input does not have, for jobs to which a row without it is a bar too; no value is as large.
UNKNOWN = -(2.0**60)
#: Trimmed around symbols; around times and numbers the first two.
BLANKS = " \t\u00a0"

#: Of values other than 0, in magnitude: from tokens worth next to nothing to a day's volume of them.
SMALLEST, LARGEST = 1e-15, 1e15

_WITHIN_INT64 = 9.223e18
_WHOLE = "^-?[0-9]{1,19}$"
#: Counts with a fraction, or as 1.6735377e9; with no more digits than arrow's decimals have.
_COUNT = r"^(?:-?[0-9]{1,19}|[0-9]{1,19}\.[0-9]{0,18}|[1-9](?:\.[0-9]{0,18})?[eE]\+?(?:0?[0-9]|1[0-8]))$"

MAX_LINE = 1 << 20

#: How much of an invalid row is kept for display.
SHOWN_BYTES = 1024


class Reasons:
    """For each row the first reason, in the order of REASONS, why it is invalid."""

    def __init__(self, rows: int) -> None:
        self._codes = np.full(rows, len(REASONS))
        self.odd = np.empty(0, np.int64)
        """The numbers of the rows that are not selected, and would be invalid."""

    def check_values(self, values: Floats, unknown: bool = False) -> Floats:
        """Marks values that are missing (NaN), infinite or out of range; -0.0 becomes 0.0.

        If they may be `unknown`, missing ones are UNKNOWN, and not marked.
        """
        missing = np.isnan(values)
        self.add("infinite", np.isinf(values))
        self.add("range", outside_range(values))
        if unknown:
            return np.where(missing, UNKNOWN, values + 0.0)
        self.add(MISSING, missing)
        return values + 0.0

    def add(self, reason: str, rows: Mask) -> None:
        """Marks rows as invalid for this reason."""
        code = list(REASONS).index(reason)
        self._codes[rows] = np.minimum(self._codes[rows], code)

    def each(self) -> Iterator[tuple[str, Mask]]:
        """Each reason that applies to any row, and the rows."""
        for code in np.unique(self._codes[~self.good]).tolist():
            yield list(REASONS)[code], self._codes == code

    def leave_out(self, rows: Mask) -> None:
        """Takes rows out that are not selected, valid or not; no reason is added after this."""
        self.odd = np.flatnonzero(rows & (self._codes < len(REASONS)))
        self._codes[rows] = len(REASONS) + 1

    @property
    def good(self) -> Mask:
        """Which rows are valid, and selected."""
        good: Mask = self._codes == len(REASONS)
        return good

    @property
    def bad(self) -> Ints:
        """The numbers of the rows that are invalid, and selected."""
        return np.flatnonzero(self._codes < len(REASONS))

    @property
    def unselected(self) -> int:
        """How many rows are not selected."""
        return int((self._codes > len(REASONS)).sum())

    def of(self, rows: Ints) -> list[str]:
        """The reasons of invalid rows."""
        names = list(REASONS)
        return [names[code] for code in self._codes[rows]]


def selected(
    selection: Selection,
    symbols: Sequence[str],
    codes: Codes,
    times: Ints,
    known: Mask | bool,
    table: Mapping[str, Any],
) -> Mask:
    """Which rows are selected: row i has symbol `symbols[codes[i]]`, and a time where that is `known`.

    `table` has the other columns that tell, as arrays of arrow.
    """
    rows = selection.times(times) | ~np.asarray(known) if selection.bounded else np.ones(len(times), bool)
    if (taken := selection.of_symbols(symbols)) is not None:
        rows &= taken[codes]
    for name, texts in selection.where:
        rows &= holds(table[name], texts)
    return rows


def holds(array: Any, texts: tuple[str, ...]) -> Mask:
    """Which fields of a column are one of these texts, but for blanks around them."""
    import pyarrow.compute as pc

    shown = pc.utf8_trim(array.cast(pa.string()), BLANKS)
    shown = pc.fill_null(shown, "") if shown.null_count else shown  # what an empty field is in text
    return as_bool(pc.is_in(shown, value_set=pa.array(texts, pa.string())))


def undefined(values: Floats, power: int) -> Mask:
    """Which values, scaled by that power of ten, say that there is none; also as a float64, which has fewer digits.

    >>> undefined(np.array([9223372036.854775807, 36.6]), -9).tolist()
    [True, False]
    """
    found: Mask = np.isclose(values, float(f"{_UNDEFINED}e{power}"), rtol=1e-15, atol=0)
    return found


def outside_range(values: Floats) -> Mask:
    """Which values are too large or too small to be summed exactly.

    >>> outside_range(np.array([0.0, 1e-15, -1e15, 1e-16, 2e15])).tolist()
    [False, False, False, True, True]
    """
    magnitude = np.abs(values)
    outside: Mask = (magnitude > LARGEST) | ((magnitude < SMALLEST) & (magnitude != 0))
    return outside


def trim_symbols(symbols: list[str], codes: npt.NDArray[np.int32]) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Symbols without blanks around them; bar i has symbol `symbols[codes[i]]`.

    >>> trim_symbols(["AA", "B", " AA"], np.array([0, 1, 2, 2], np.int32))
    (['AA', 'B'], array([0, 1, 0, 0], dtype=int32))
    """
    written = "".join(symbols)
    if not any(blank in written for blank in BLANKS):
        return symbols, codes
    trimmed = [symbol.strip(BLANKS) for symbol in symbols]
    if trimmed == symbols:
        return symbols, codes
    distinct = list(dict.fromkeys(trimmed))
    number = {symbol: i for i, symbol in enumerate(distinct)}
    return distinct, np.array([number[symbol] for symbol in trimmed], np.int32)[codes]


def only_utf8(array: Any, reasons: Reasons) -> Any:
    """Texts (binary), with invalid UTF-8 marked and made empty: arrow's functions fail at the first one."""
    import pyarrow.compute as pc

    valid = is_utf8(array)
    reasons.add("utf8", ~valid)
    return array if valid.all() else pc.if_else(pa.array(valid), array, pa.scalar(b"", pa.binary()))


def is_utf8(array: Any) -> Mask:
    """Which texts (binary) are UTF-8."""
    try:
        array.cast(pa.string())
    except pa.ArrowInvalid:
        return np.array([decodes(text) for text in array.to_pylist()], bool)
    return np.ones(len(array), bool)


def decodes(text: bytes) -> bool:
    """Whether a text is UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def text_times(array: Any, layout: Layout) -> tuple[Ints, Mask, Mask]:
    """Times (ns UTC), which of them parse, and which have a time of day; `array` is of arrow's type binary."""
    if not len(array):
        return np.empty(0, np.int64), np.empty(0, bool), np.empty(0, bool)
    if layout.time_unit is not None or layout.form.counts:
        return counted_times(array, layout.time_unit, bool(layout.dated))
    _, offsets, data = array.buffers()
    offsets = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    text = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
    if layout.form.clock:
        from windrow.bars.clocks import parse_clocks

        times = parse_clocks(text, offsets, layout.form.clock, layout.timezone, bool(layout.dated))
    else:
        times = parse_times(text, offsets, layout.timezone, bool(layout.dated))
    if times.ok.all():
        return times
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(array.cast(pa.string(), safe=False), " \t").cast(pa.binary())
    if trimmed.equals(array):
        return times
    return text_times(trimmed, layout)


def counted_times(array: Any, unit: str | None, dated: bool) -> Times:
    """Times given as counts of a unit; without one, of that which each one's magnitude tells."""
    counts, fractions, ok = _counts(array)
    if unit is None:
        times = by_magnitude(counts, fractions, dated)
        return Times(np.where(ok, times.ns, 0), ok & times.ok, times.timed)
    ok &= (counts >= EARLIEST // UNITS[unit]) & (counts <= LATEST // UNITS[unit])
    ns = np.where(ok, counts, 0) * UNITS[unit]
    if fractions is not None:
        finer, rest = np.divmod(fractions, 10**FRACTION_DIGITS // UNITS[unit])
        ns, ok = ns + finer, ok & (rest == 0)
    return Times(ns, ok, ns % DAY != 0 if dated else np.ones(len(array), bool))


def _counts(array: Any) -> tuple[Ints, Ints | None, Mask]:
    """Numbers (binary): what is before and behind the decimal point, this in 1e-18, and which of them are numbers.

    No float64 is between the text and the count. Without any fraction there are none.
    """
    import pyarrow.compute as pc

    text = pc.utf8_trim(array.cast(pa.string(), safe=False), " \t")
    ok = as_bool(pc.match_substring_regex(text, _WHOLE))
    whole = bool(ok.all())
    if not whole:
        ok = as_bool(pc.match_substring_regex(text, _COUNT))
    ok[ok] = np.abs(as_float64(text.filter(pa.array(ok)).cast(pa.float64()))) < _WITHIN_INT64
    counts, text = np.zeros(len(array), np.int64), text.filter(pa.array(ok))
    if whole or not as_bool(pc.match_substring_regex(text, "[.eE]")).any():
        counts[ok] = as_int64(text.cast(pa.int64()))
        return counts, None, ok
    short = pc.match_substring_regex(text, "[eE]")
    text = pc.replace_with_mask(text, short, text.filter(short).cast(pa.decimal128(37, 18)).cast(pa.string()))
    fractions = np.zeros(len(array), np.int64)
    counts[ok] = as_int64(pc.replace_substring_regex(text, r"\..*", "").cast(pa.int64()))
    behind = pc.replace_substring_regex(text, r"^[^.]*\.?", "")
    fractions[ok] = as_int64(pc.utf8_rpad(behind, FRACTION_DIGITS, "0").cast(pa.int64()))
    return counts, fractions, ok
