"""One row for each reason why rows are no bars: what it has, where, and what was expected instead."""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from windrow.bars.checks import LARGEST, MISSING, MISSING_TEXT, SMALLEST, outside_range
from windrow.bars.columns import Example, Layout
from windrow.bars.epochs import NAMES, hint
from windrow.bars.form import readable
from windrow.bars.numbers import parse_numbers

#: Characters of a row, or of one of its fields, that are shown.
_SHOWN = 200
_INFINITE = re.compile("[+-]?(inf|infinity)", re.IGNORECASE)


def firsts(rows: Sequence[int], reasons: Sequence[str]) -> dict[str, int]:
    """Of each reason the first of these rows."""
    return dict(zip(reversed(reasons), reversed(rows), strict=True))


def example_of_line(line: bytes, more: str = "") -> Example:
    """A row whose fields cannot be told.

    >>> example_of_line(b'AA,"2008-03-05', "an even number of quotes")
    Example(shown='\\'AA,"2008-03-05\\', expected an even number of quotes', cure='')
    """
    return Example(f"{_quoted(line)}{f', expected {more}' if more else ''}")


def example_of(reason: str, fields: Mapping[str, bytes], layout: Layout) -> Example:
    """A row that is no bar for this reason, by its needed fields.

    >>> layout = Layout(("date", "close"), None, "date", ("close",))
    >>> example_of("number", {"date": b"2008-03-05", "close": b"n/a"}, layout).shown
    "'n/a' in column 'close', expected a number as 1234.5"
    """
    if reason == "time":
        time = b" ".join(fields[name] for name in (layout.time, layout.time_of_day) if name is not None)
        shown = f"{_quoted(time)} in column {layout.time!r}, expected {expected_time(layout)}"
        counted = layout.time_unit is not None or layout.form.counts  # else a number is odd among times, not in a unit
        return Example(shown, (hint(time.decode(errors="replace"), layout.time_unit) or "") if counted else "")
    name = next((name for name in fields if _is_so(reason, name, fields[name], layout)), None)
    if name is None:
        return example_of_line(b", ".join(fields.values()))
    return Example(f"{_quoted(fields[name])} in column {name!r}, expected {_expected(reason, layout)}")


def expected_time(layout: Layout) -> str:
    """What times of an input are."""
    zone = f" that clocks of {layout.timezone} show once" if layout.timezone != "UTC" else ""
    if layout.time_unit is not None:
        return f"a number of {NAMES[layout.time_unit]} since 1970"
    if layout.form.counts:
        return "a number of seconds, milliseconds, microseconds or nanoseconds since 1970, of 1990 to 2100"
    if layout.form.clock:
        return f"a time as {readable(layout.form.clock)}{zone}"
    return f"a time as 2023-01-31 or 2023-01-31T09:30{zone}"


def expected_number(layout: Layout) -> str:
    """What values of an input are."""
    return f"a number as {layout.form.numbers.described().removeprefix('numbers as ') or '1234.5'}"


def _expected(reason: str, layout: Layout) -> str:
    if reason == "utf8":
        return "UTF-8"
    if reason == MISSING:
        return "a value"
    if reason == "infinite":
        return "a finite number"
    return f"0, or {SMALLEST:g} to {LARGEST:g} in magnitude" if reason == "range" else expected_number(layout)


def _is_so(reason: str, name: str, field: bytes, layout: Layout) -> bool:
    """Whether it is this field for which the row is no bar."""
    text = field.decode(errors="replace").strip()
    if reason == "utf8":
        return "\ufffd" in text
    if reason == MISSING:
        return re.fullmatch("" if name == layout.symbol else MISSING_TEXT, text) is not None
    powers = dict(layout.scaled)
    if name not in powers or re.fullmatch(MISSING_TEXT, text):
        return False
    if reason == "infinite" or _INFINITE.fullmatch(text):
        return reason == "infinite" and _INFINITE.fullmatch(text) is not None
    values, numbers = parse_numbers(pa.array([text]), layout.form.numbers, powers[name])
    if reason == "number":
        return not numbers[0]
    return bool(numbers[0] and (outside_range(values)[0] or (values[0] == 0 and re.search("[1-9]", text) is not None)))


def _quoted(text: bytes) -> str:
    """A text in quotes, on one line, cut if it is long."""
    shown = repr(text[: 4 * _SHOWN].decode(errors="backslashreplace"))
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 4]}...{shown[-1]}"
