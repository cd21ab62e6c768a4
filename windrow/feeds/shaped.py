"""The layout of a text input that has a column for each symbol, from its first lines."""

from collections.abc import Sequence
from dataclasses import replace

from windrow.bars.columns import Layout
from windrow.bars.form import Form
from windrow.bars.layout import TIME_NAMES, Reading, normalise
from windrow.bars.shapes import fields_of, find_stack, stacked_layout, wide_layout
from windrow.feeds.forms import PREAMBLE, are_loose, where_to_look


def shaped_layout(path: str, lines: Sequence[bytes], form: Form, reading: Reading) -> Layout | None:
    """The layout of a table with symbols above its columns, known by two rows of header or by --wide; else None.

    `form` is that of the text so far.
    """
    if reading.columns:
        return None
    start, delimiters = where_to_look(lines, reading)
    begin = next((at for at in range(start, len(lines)) if lines[at].strip()), start)
    if (stack := find_stack(path, lines[begin:], delimiters)) is not None:
        layout = stacked_layout(path, stack, b"\n".join(lines[begin : begin + stack.rows]), reading)
        return replace(layout, form=_form(form, stack.delimiter, begin, lines))
    if reading.wide is None:
        return None
    last = begin if reading.skip_lines is not None else min(begin + PREAMBLE, len(lines) - 1)
    number, delimiter = next(
        (
            (at, delimiter)
            for at in range(begin, last + 1)
            for delimiter in delimiters
            if _is_header(fields_of(lines[at], delimiter), reading, at == begin)
        ),
        (begin, max(delimiters, key=lambda one: len(fields_of(lines[begin], one)))),
    )
    layout = wide_layout(path, fields_of(lines[number], delimiter), lines[number], reading)
    return replace(layout, form=_form(form, delimiter, number, lines))


def _form(form: Form, delimiter: str, skipped: int, lines: Sequence[bytes]) -> Form:
    loose = are_loose(lines[skipped:], delimiter)
    return replace(form, delimiter=delimiter, skipped=skipped, loose=loose)


def _is_header(fields: Sequence[str], reading: Reading, is_first: bool) -> bool:
    """Whether these may be the names of times and symbols."""
    names = [normalise(field) for field in fields]
    if len(names) < 2:
        return False
    if reading.time_columns:
        return all(name in names for name in reading.time_columns)
    return names[0] in TIME_NAMES or (is_first and not names[0])
