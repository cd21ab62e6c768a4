"""The form of a text input, from its first rows: what is between fields, where the header is, times and numbers.

What is plain is not looked at twice. Nothing is guessed: where two forms fit all sampled rows and mean different bars,
the input is refused, and the message names the option that decides.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from windrow.bars import numbers
from windrow.bars.checks import MISSING_TEXT, counted_times
from windrow.bars.columns import Bars, Layout
from windrow.bars.epochs import DATE, kind_of
from windrow.bars.form import tightened
from windrow.bars.headers import is_header, names_in
from windrow.bars.layout import Reading, has_needed, normalise, renamed
from windrow.bars.numbers import NumberForm
from windrow.errors import InputError
from windrow.feeds.density import SAMPLE_BYTES
from windrow.feeds.texts import in_utf8, is_split, open_csv
from windrow.storage.open import is_parquet, size_of
from windrow.times import UNITS, parse_times

DELIMITERS = (",", ";", "\t", "|")
#: Lines before a header that are looked through for it.
PREAMBLE = 20
_FEW_ROWS, _ROWS = 300, 2000
_PLACES = 8
_MISSING = re.compile(MISSING_TEXT)
_DAY_HOUR = "(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])"
#: Numbers that are times of a day as they are written, though seconds of 1970 on too.
_WRITTEN = (
    ("yyyymmddhh", "%Y%m%d%H", re.compile(f"20[0-9]{{2}}{_DAY_HOUR}")),
    ("yymmddhhmm", "%y%m%d%H%M", re.compile(f"[0-9]{{2}}{_DAY_HOUR}[0-5][0-9]")),
)
_SEPARATOR = re.compile(rb"sep=(.)")


class Table(NamedTuple):
    """Where an input's rows begin: the delimiter, the lines before the first, and that line, a header or a row.

    `loose`: blanks are around quoted fields of the first lines.
    """

    delimiter: str
    skipped: int
    first: bytes
    loose: bool = False


def find_table(lines: Sequence[bytes], reading: Reading) -> Table:
    """Where the header, or the first row, is among an input's first lines, of which at least one is not blank."""
    table = _beginning(lines, reading)
    return table._replace(loose=are_loose(lines[table.skipped :], table.delimiter))


def are_loose(lines: Sequence[bytes], delimiter: str) -> bool:
    """Whether blanks are around quoted fields.

    >>> are_loose([b'"A", "1,5"'], ","), are_loose([b'"A","1, 5"'], ",")
    (True, False)
    """
    text = b"\n".join(lines)
    if b'"' not in text:
        return False
    between = re.escape(delimiter.encode())
    return re.search(rb'(?m)(?:^|%s) +"|" +(?:%s|$)' % (between, between), text) is not None


def _beginning(lines: Sequence[bytes], reading: Reading) -> Table:
    start, delimiters = where_to_look(lines, reading)
    first = next((at for at in range(start, len(lines)) if lines[at].strip()), start)
    if reading.columns:
        fitting = (one for one in delimiters if len(names_in(lines[first], one) or ()) == len(reading.columns))
        return Table(next(fitting, delimiters[0]), start, lines[first])
    last = first if reading.skip_lines is not None else first + PREAMBLE
    for at in range(first, min(last + 1, len(lines))):
        for delimiter in delimiters:
            names = names_in(lines[at], delimiter)
            if names is not None and has_needed(names, reading):
                return Table(delimiter, start if at == first else at, lines[at])
        if any(is_header(names_in(lines[at], delimiter) or ()) for delimiter in delimiters):
            break  # the header of another table, whose rows are none to skip
    widest = max(delimiters, key=lambda one: len(names_in(lines[first], one) or ()))
    return Table(widest, start, lines[first])


def where_to_look(lines: Sequence[bytes], reading: Reading) -> tuple[int, tuple[str, ...]]:
    """The number of the line from which a header is looked for, and what may be between its fields."""
    start = reading.skip_lines or 0
    said = _SEPARATOR.fullmatch(lines[start]) if start < len(lines) else None
    start += said is not None
    delimiters = DELIMITERS if reading.delimiter is None else (reading.delimiter,)
    return start, (said[1].decode("latin-1"),) if said and reading.delimiter is None else delimiters


def may_be_plain(layout: Layout, reading: Reading) -> bool:
    """Whether nothing so far says that times and numbers are in other forms than the plain ones."""
    return layout.form.delimiter == "," and not (reading.time_format or reading.decimal or reading.thousands)


def is_plain_form(first: Bars) -> bool:
    """Whether the first bars, parsed as plain, show that the input is."""
    return len(first) >= numbers.MOST * first.lines


def find_form(path: str, place: str, layout: Layout, reading: Reading) -> Layout:
    """The layout with the forms of times and numbers that the rows sampled show. Raises InputError if two fit."""
    for rows in _samples(place, layout):
        forms, times = _number_forms(layout, rows, reading), _time_texts(layout, rows)
        if len(forms) < 2 and not _are_open(layout, times, reading):
            break
    if not rows and reading.time_format is None:
        return layout
    layout = _with_times(path, layout, times, len(rows), reading)
    form = replace(layout.form, numbers=_numbers(path, layout, rows, forms))
    return replace(layout, form=form)


def _samples(place: str, layout: Layout) -> Iterator[list[list[str]]]:
    """More and more rows of a text input, from its start, and from several places of it where it can be split."""
    yield list(islice(sampled_rows(place, layout), _FEW_ROWS))
    yield list(sampled_rows(place, layout))
    if is_split(place, layout) and size_of(place) > SAMPLE_BYTES:
        yield list(sampled_rows(place, layout, _PLACES))


def sampled_rows(place: str, layout: Layout, places: int = 1) -> Iterator[list[str]]:
    """Fields of rows from the start of a text input, or from some places of it; headers are left out."""
    with open_csv(place, layout.form) as (_, stream):
        for number in range(places):
            start = size_of(place) * number // places if places > 1 else 0
            if start:
                stream.seek(start)
            text = stream.read(SAMPLE_BYTES) or b""
            whole = len(text) < SAMPLE_BYTES
            text = in_utf8(text, layout.form)
            text = tightened(text, layout.form.delimiter) if layout.form.loose else text
            lines = text.decode(errors="replace").lstrip("\ufeff").splitlines()
            header = (layout.header or b"").count(b"\n") + 1 if layout.wide else 0  # which is told by its place alone
            begins = 1 if start else layout.form.skipped + header
            ends = -1 if not whole and len(lines) > 2 else None  # the last one may be cut
            headers = {row.decode(errors="replace") for row in _rows_of_header(layout)}
            lines = [line for line in lines[begins:ends] if line not in headers]
            for fields in islice(_split(lines, layout.form.delimiter), _ROWS):
                if len(fields) == len(layout.names) and (
                    fields[-1][-1:].isdigit() or not is_header([*map(normalise, fields)])
                ):
                    yield fields


def _rows_of_header(layout: Layout) -> Iterator[bytes]:
    """The lines of the header, as sampled lines have them; its names may be any."""
    for row in () if layout.header is None else layout.header.split(b"\n"):
        yield row.rstrip(b"\r")
        yield tightened(row + b"\n", layout.form.delimiter).rstrip(b"\r\n")


def _split(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """The fields of lines, up to the first that is not CSV: the lines before it will do for a sample."""
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error:
        return


def _are_open(layout: Layout, texts: list[str], reading: Reading) -> bool:
    """Whether more than one form fits these times."""
    times = [text.encode() for text in texts]
    if layout.time_unit or reading.time_format or _are_plain(times):
        return False
    return len(_time_forms(layout, times)) > 1


def find_times(path: str, place: str, layout: Layout, reading: Reading) -> Layout:
    """The layout of a typed input with the form of times, where their type leaves it open."""
    if is_parquet(place):
        from windrow.feeds.parquet import sampled_times
    else:
        from windrow.feeds.feather import sampled_times

    sampled = sampled_times(place, layout)
    if sampled is None:
        return layout
    texts, are_numbers = sampled
    distinct = list(dict.fromkeys(text.strip() for text in texts))
    if are_numbers and reading.time_format is None:
        return layout if layout.time_unit else replace(layout, form=replace(layout.form, counts=_kinds(path, distinct)))
    return _with_times(path, layout, distinct, len(texts), reading)


def _with_times(path: str, layout: Layout, texts: list[str], rows: int, reading: Reading) -> Layout:
    """The layout with the form that the distinct times of so many rows have."""
    from windrow.bars import clocks  # only for inputs that are not plain

    if reading.time_format is not None:
        return replace(layout, form=replace(layout.form, clock=reading.time_format))
    times = [text.encode() for text in texts]
    if layout.time_unit is not None or _are_plain(times):
        return layout
    forms = _time_forms(layout, times)
    if not forms:
        return replace(layout, form=replace(layout.form, counts=_kinds(path, texts)))
    if len(forms) == 1:
        return replace(layout, form=replace(layout.form, clock=forms[0]))
    text = next(iter(texts), "")
    cures = " or ".join(f"--time-format '{clocks.exact_form(form, text.encode())}'" for form in forms)
    if not any(form.endswith(clocks.NUMBERS) for form in forms):
        raise InputError(
            f"{path}: {text!r} in column {layout.time!r}: day and month cannot be told apart in the {rows:,} rows"
            f" sampled; give {cures}"
        )
    raise InputError(
        f"{path}: {text.rpartition(' ')[2]!r} in column {layout.time_of_day!r}: may be a time of day (%h, %t, %q), or"
        f" seconds (%O) or milliseconds (%o) since midnight, and none of the {rows:,} rows sampled decides; give"
        f" {cures}"
    )


def _time_forms(layout: Layout, times: Sequence[bytes]) -> list[str]:
    """The forms that fit most of these times."""
    from windrow.bars import clocks  # only for inputs that are not plain

    forms = clocks.forms_of(times)
    return forms or (clocks.forms_with_numbers(times) if layout.time_of_day else [])


def _kinds(path: str, texts: Sequence[str]) -> tuple[str, ...]:
    """What times are that are numbers, by their magnitude; nothing if less than half are."""
    import pyarrow as pa

    column = pa.array([text.encode() for text in texts], pa.binary())
    ok = counted_times(column, None, dated=False).ok
    if 2 * ok.sum() <= len(texts):
        return ()
    found = {kind_of(int(Decimal(text))) for text, known in zip(texts, ok.tolist(), strict=True) if known}
    written = [one for one in _WRITTEN if found == {"s"} and all(map(one[2].fullmatch, texts))]
    if written:
        name, form, _ = written[0]
        raise InputError(
            f"{path}: its times, like {texts[0]}, may be written {name}, or be seconds since 1970; give --time-format"
            f" '{form}' or --time-unit s"
        )
    return tuple(kind for kind in (DATE, *UNITS) if kind in found)


def _time_texts(layout: Layout, rows: list[list[str]]) -> list[str]:
    """The distinct times, date and time of day joined."""
    at = [layout.names.index(name) for name in (layout.time, layout.time_of_day) if name is not None]
    if len(at) == 1:
        return [text for text in dict.fromkeys(row[at[0]].strip() for row in rows) if text]
    return list(dict.fromkeys(text for row in rows if (text := " ".join(row[number] for number in at).strip())))


def _are_plain(texts: Sequence[bytes]) -> bool:
    from windrow.bars import clocks  # only for inputs that are not plain

    times = parse_times(*clocks.joined([text.strip(b" \t") for text in texts]))
    return bool(times.ok.sum() >= clocks.MOST * len(texts))


def _numbers(path: str, layout: Layout, rows: list[list[str]], forms: list[NumberForm]) -> NumberForm:
    """The one of these forms. Raises InputError if there are several, for they mean different numbers."""
    if len(forms) < 2:
        return forms[0] if forms else numbers.PLAIN
    name, text = next(
        (name, text)
        for name in layout.values
        for text in _texts(layout, rows, name)
        if len(numbers.readings(text, forms)) > 1
    )
    first, second = numbers.readings(text, forms)[:2]  # not more than one mark is a decimal mark
    cures = " or ".join(f"--decimal '{mark}'" for mark in dict.fromkeys(form.decimal for form in forms))
    raise InputError(
        f"{path}: {text!r} in column {name!r}: may be {first} or {second}, and none of the {len(rows):,} rows sampled"
        f" decides; give {cures}"
    )


def _number_forms(layout: Layout, rows: list[list[str]], reading: Reading) -> list[NumberForm]:
    texts = [text for name in layout.values for text in _texts(layout, rows, name)]
    asked = reading.decimal is not None or reading.thousands is not None
    between = layout.form.delimiter == "," and not asked and not any("," in text for text in texts)
    forms = numbers.forms_of(texts, between, reading.decimal, reading.thousands)
    if asked and not forms:  # then no row is valid, rather than the options unheard
        decimal = reading.decimal or ("," if reading.thousands == "." else ".")
        return [NumberForm(decimal, reading.thousands or "")]
    for name in dict.fromkeys(layout.names) if len(forms) > 1 else ():
        if name not in layout.needed:  # volumes of 1,200,000 decide what prices of 37,250 are
            column = _texts(layout, rows, name)
            forms = [form for form in forms if numbers.fits(form, column)] or forms
    return forms


def _texts(layout: Layout, rows: list[list[str]], name: str) -> list[str]:
    """The distinct texts of a column that are not missing values; of a wide table, of the columns with that value."""
    places = [at for at, its in enumerate(layout.names) if its == name]
    texts = dict.fromkeys(row[at].strip() for row in rows for at in places)
    return [text for text in texts if not _MISSING.fullmatch(text)]


def told_forms(inputs: Mapping[str, Layout], reading: Reading) -> list[str]:
    """For people: how inputs are read that are no plain CSV files, a line for each form.

    >>> from windrow.bars.form import Form
    >>> layout = Layout(("date", "close"), None, "date", ("close",), form=Form(";", clock="%d/%m/%y"))
    >>> told_forms({"GAZP.csv": layout, "SBER.csv": layout}, Reading(("close",)))
    ["GAZP.csv and 1 more: ';' between fields, times as dd/mm/yy"]
    """
    from windrow.feeds.klines import KLINES

    klines = renamed("", KLINES, reading)
    told: dict[str, str] = {}
    for path, layout in inputs.items():
        parts = [
            "no header: the columns are those of Binance's klines" if layout.names == klines != reading.columns else "",
            layout.form.described(),
            _scales(layout),
            f"times joined from {layout.time} and {layout.time_of_day}" if layout.time_of_day else "",
            _wide(layout),
        ]
        if text := ", ".join(filter(None, parts)):
            told[path] = text
    return told_once(told)


def told_once(told: Mapping[str, str]) -> list[str]:
    """A line for each distinct text about inputs, which names the first and counts the others.

    >>> told_once({"a.csv": "tabs", "b.csv": "tabs", "c.csv": "pipes"})
    ['a.csv and 1 more: tabs', 'c.csv: pipes']
    """
    paths: dict[str, list[str]] = {}
    for path, text in told.items():
        paths.setdefault(text, []).append(path)
    return [f"{its[0]}{f' and {len(its) - 1:,} more' * (len(its) > 1)}: {text}" for text, its in paths.items()]


def _wide(layout: Layout) -> str:
    """For people: the shape of a table with a column for each symbol."""
    if not layout.wide:
        return ""
    symbols = f"{len(layout.wide):,} symbol{'s' * (len(layout.wide) > 1)}"
    return f"wide table: {symbols} in columns, {', '.join(layout.values)} in the cells"


def _scales(layout: Layout) -> str:
    return ", ".join(f"{name} times 1e{power}" for name, power in layout.scaled if power)
