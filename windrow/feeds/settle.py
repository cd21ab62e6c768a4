"""What is settled once, at submission, and passed to every task in one small file.

Only the first range of a file contains its header, and a task sees only its own range. So the layout of every input,
whether the run's times are dates, and the spans of slots are determined here, from the first lines of every input and
samples of some.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sort_keys.slots import Slots
from windrow.bars import layout as layouts
from windrow.bars.checks import MAX_LINE
from windrow.bars.columns import Bars, Example, Layout
from windrow.bars.form import Form
from windrow.bars.headers import has_numbers, meaning, names_in, refuse_contradiction
from windrow.bars.layout import TIME_NAMES, Reading
from windrow.console import say
from windrow.errors import InputError
from windrow.feeds.density import SAMPLE_BYTES, Density, Head, sampled_densities, slots_for
from windrow.feeds.files import last_byte, read_bars, without_marks
from windrow.feeds.forms import find_form, find_table, find_times, is_plain_form, may_be_plain, where_to_look
from windrow.feeds.misread import Barren, are_midnights, barren, column_left_out, refuse_barren, refuse_other_unit
from windrow.feeds.texts import encoding_of, in_utf8, is_bytewise, is_split, line_end_of, open_csv
from windrow.storage.open import (
    is_columnar,
    is_json,
    is_parquet,
    is_plain,
    is_zip,
    named,
    open_text,
    opened,
    split_member,
)
from windrow.storage.source import Version, canonical, each, unchanged

if TYPE_CHECKING:
    from windrow.sessions import Recorded


@dataclass(frozen=True)
class Settled:
    """The inputs' layouts by path, whether the run's times are all dates, the slots, and the span of slices, if any.

    `names` has the user's name for each input whose path is different for the tasks.
    """

    inputs: dict[str, Layout]
    dated: bool
    slots: Slots
    names: dict[str, str] = field(default_factory=dict)
    slices: int | None = None
    symbols: tuple[str, ...] = ()
    """Those asked for; none: all."""
    unselected: int = field(default=0, compare=False)
    """At the submitter: how many inputs are not read, since none of their rows is asked for."""
    left_out: dict[str, str] = field(default_factory=dict, compare=False)
    """At the submitter: the columns by which bars in conflict differ, for inputs where a tenth are in conflict."""
    calendar: "Recorded | None" = None
    """The sessions of the exchange that larger bars are made in."""
    expected: float = field(default=0.0, compare=False)
    """At the submitter: how many rows there are, about, by the samples that spans are estimated from; 0: not known."""

    def at(self, places: Mapping[str, str]) -> "Settled":
        """The same for tasks, for which each input is at another place."""
        inputs = {canonical(places[path]): layout for path, layout in self.inputs.items()}
        names = {canonical(places[path]): path for path in self.inputs if canonical(places[path]) != path}
        return replace(self, inputs=inputs, names=names)

    def name(self, path: str) -> str:
        """The user's name for the input that a task sees at `path`."""
        return self.names.get(canonical(path), path)

    @property
    def units(self) -> dict[str, str]:
        """The units of the inputs whose times are counts, by the user's names."""
        return {self.name(path): one.time_unit for path, one in self.inputs.items() if one.time_unit is not None}

    def layout(self, path: str) -> Layout:
        """The layout of the input that a task sees at `path`."""
        try:
            return self.inputs[canonical(path)]
        except KeyError:
            raise InputError(
                f"{path}: was not among the inputs when the job was submitted, so its columns are unknown;"
                " give every input by its full path, and submit the job again"
            ) from None

    @property
    def whole(self) -> set[str]:
        """The inputs of which no range can be read on its own, by their form."""
        return {path for path, layout in self.inputs.items() if layout.form.whole}

    @property
    def unadjusted(self) -> list[str]:
        """The inputs with adjusted closes that are read without them."""
        return [
            path
            for path, layout in self.inputs.items()
            if layout.adjusted_by is None and "close" in layout.names and layouts.adjusted_close(layout.names)
        ]

    def save(self, path: Path) -> None:
        """Writes the tasks' copy; a layout that many inputs share is written once."""
        distinct = list(dict.fromkeys(self.inputs.values()))
        number = {layout: i for i, layout in enumerate(distinct)}
        path.write_text(
            json.dumps(
                {
                    "layouts": [layouts.to_json(layout) for layout in distinct],
                    "inputs": {path: number[layout] for path, layout in self.inputs.items()},
                    "dated": self.dated,
                    "slots": self.slots.to_json(),
                    "names": self.names,
                    "slices": self.slices,
                    "symbols": self.symbols,
                    "calendar": None if self.calendar is None else self.calendar.to_json(),
                }
            )
        )

    @classmethod
    def load(cls, path: str) -> "Settled":
        """A task's copy."""
        fields = json.loads(Path(path).read_text())
        known = [layouts.from_json(layout) for layout in fields["layouts"]]
        inputs = {path: known[number] for path, number in fields["inputs"].items()}
        slots, symbols = Slots(**fields["slots"]), tuple(fields["symbols"])
        calendar = None
        if fields["calendar"] is not None:
            from windrow.sessions import Recorded  # a task's start is part of its cost

            calendar = Recorded.from_json(fields["calendar"])
        return cls(inputs, fields["dated"], slots, fields["names"], fields["slices"], symbols, calendar=calendar)


#: First bytes that say what kind of file it is.
_HEAD = 512
_JSON = re.compile(rb'\s*(?:\[\s*)?\{\s*"')
#: Lines that a header may have.
_HEADER = 3
#: Chooses the span of slices, or None.
Slicing = Callable[[Mapping[str, Density]], int | None]


def settle(
    paths: Sequence[str],
    reading: Reading,
    slot: int | None = None,
    heads: Mapping[str, Head] | None = None,
    slicing: Slicing | None = None,
    judged: bool = False,
    versions: Mapping[str, Version] | None = None,
) -> tuple[Settled, list[str]]:
    """Settles a run over these inputs; also returns the paths without rows, which are left out.

    Inputs must be readable here, or have a local copy of their first part in `heads`. Raises InputError if the columns
    of an input are unclear, if no input has rows, or if one is not the version that it is said to be; if the run is
    `judged`, BadBarsError if one has no valid row.
    """
    heads = heads or {}
    here = {path: version for path, version in (versions or {}).items() if path not in heads}
    distinct = list(dict.fromkeys(paths))

    def settle_one(path: str) -> _Found | None:
        with unchanged(path, here.get(path, {})):
            return _settle_layout(path, heads.get(path, Head(path, 1.0)), reading)

    starts = zip(distinct, each(settle_one, distinct), strict=True)
    found = {path: one for path, one in starts if one is not None}
    empty = [path for path in distinct if path not in found]
    if judged:
        refuse_barren({path: one.barren for path, one in found.items() if one.barren}, len(found))
    if not found:
        raise InputError(
            f"no valid row in any input: {_told(paths)}: no rows read;"
            " an input needs a header and rows below it; check that these are the right files"
        )
    dated = all(one.midnights or one.layout.dated is not False for one in found.values())
    inputs = {
        path: replace(one.layout, dated=True) if dated and one.midnights else one.layout for path, one in found.items()
    }
    if reading.symbol_from_filename and reading.symbol is None and reading.symbol_from_path is None:
        layouts.refuse_one_name_in_many_folders(inputs)
    selected = {path: layouts.selected(path, layout, reading, bool(layout.dated)) for path, layout in inputs.items()}
    taken = {path: layout for path, layout in selected.items() if layout is not None}
    if not taken:
        raise InputError(f"{_told(paths)}: none has rows that are asked for; check --symbols and --where")
    # Of all rows: a symbol's bars may be too few to be among the samples of those that are taken.
    all_rows = {path: inputs[path] for path in taken}
    densities = {} if slot and slicing is None else sampled_densities(all_rows, heads, here)
    expected = sum(of.bars for of in densities.values())
    densities = {name: of for name, of in densities.items() if not reading.symbols or name in reading.symbols}
    slots = Slots(slot) if slot else slots_for(densities)
    slices = slicing(densities) if slicing else None
    left_out = {path: one.left_out for path, one in found.items() if one.left_out}
    unselected = len(found) - len(taken)
    settled = Settled(taken, dated, slots, {}, slices, reading.symbols, unselected, left_out, expected=expected)
    return settled, empty


def _told(paths: Sequence[str]) -> str:
    return f"{', '.join(paths[:5])}{' ...' if len(paths) > 5 else ''}"


def without_line_end(settled: Settled, heads: Mapping[str, Head]) -> list[str]:
    """The plain inputs whose last line has no line end, as if they had been cut short there.

    A part of a file on HDFS says nothing of its end unless `heads` knows that.
    """

    def last_of(path: str) -> bytes | None:
        head = heads.get(path)
        if head is None or head.share == 1.0:
            with named(head.place if head else path, path):
                return last_byte(head.place if head else path)
        return head.last_byte

    plain = [
        path
        for path, layout in settled.inputs.items()
        if is_plain(heads[path].place if path in heads else path) and not layout.form.whole
    ]
    return [path for path, last in zip(plain, each(last_of, plain), strict=True) if last not in (None, b"\n")]


class _Found(NamedTuple):
    """What the start of an input shows: its layout; whether times of day are all midnights; what seems misread."""

    layout: Layout
    midnights: bool = False
    left_out: str | None = None
    barren: Barren | None = None


def _settle_layout(path: str, head: Head, reading: Reading) -> _Found | None:
    """The layout of an input, or of its first part, with the kind of its times; None if it has no rows."""
    place = head.place
    if is_zip(place):
        return _settle_members(path, place, reading)
    with named(place, path), _called_by_name(place):
        layout = _read_layout(path, place, reading)
        if layout is None:
            return None
        layout, chunks = _settle_form(path, place, layout, reading)
        rejected: Counter[str] = Counter()
        examples: dict[str, Example] = {}
        for bars in chunks:
            rejected.update(bars.rejected)
            examples = {**bars.examples, **examples}
            if len(bars):
                refuse_other_unit(path, bars, layout)
                layout = replace(layout, dated=not bars.timed[0])
                midnights = not layout.dated and are_midnights(place, layout, bars)
                return _Found(layout, midnights, column_left_out(place, bars, layout))
        # What follows the head of a remote input may be valid; its mappers will tell.
        return (
            _Found(layout, barren=barren(place, layout, rejected, examples) if head.share == 1 else None)
            if rejected
            else None
        )


def _settle_members(path: str, place: str, reading: Reading) -> _Found | None:
    """The layout of a zip, which all its members share. Raises InputError if they differ."""
    from windrow.storage.zips import members

    found: dict[str, _Found] = {}
    with named(place, path), _called_by_name(place):
        names = members(place, warned=True)
    for name in names:
        if (one := _settle_layout(f"{path}/{name}", Head(f"{place}/{name}", 1.0), reading)) is not None:
            found[name] = one
        else:
            say(f"warning: {path}/{name}: has no rows; skipped")
    if not found:
        return None
    (first, its), *others = found.items()
    symbol = its.layout.constant_symbol
    by_name = reading.symbol_from_filename and layouts.symbol_of_folder(f"{path}/{first}") is None
    if not others and by_name and symbol not in (None, layouts.symbol_of_filename(path)):
        raise InputError(
            f"{path}: is {layouts.symbol_of_filename(path)!r} by its own name and {symbol!r} by that of its member;"
            " a bar has one symbol; use --symbol NAME"
        )
    for name, other in others:
        alike = replace(other.layout, header=its.layout.header, constant_symbol=symbol) == its.layout
        alike = alike and its.midnights == other.midnights
        if not alike or other.layout.constant_symbol != symbol:
            how = "are of different symbols" if alike else "differ in form or columns"
            raise InputError(
                f"{path}: its members {first} and {name} {how}; a zip is one input, read in one way; unzip it, and give"
                " the folder"
            )
    odd = (one for one in found.values() if one.barren is not None or one.left_out is not None)
    return next(odd, its)


def _settle_form(path: str, place: str, layout: Layout, reading: Reading) -> tuple[Layout, Iterator[Bars]]:
    """The layout with the form of the rows, and the bars from the start; a plain input is parsed once."""
    if is_columnar(place):
        layout = find_times(path, place, layout, reading)
        return layout, _from_the_start(place, layout)
    if may_be_plain(layout, reading):
        chunks = _from_the_start(place, layout)
        if (first := next(chunks, None)) is None:
            return layout, chunks
        if is_plain_form(first):
            return layout, chain([first], chunks)
    layout = find_form(path, place, layout, reading)
    return layout, _from_the_start(place, layout)


def _read_layout(path: str, place: str, reading: Reading) -> Layout | None:
    from windrow.storage.foreign import refuse_foreign  # a task needs none of it

    if is_columnar(place):
        return _typed_layout(path, place, reading)
    refuse_foreign(path, b"")
    lines, form = _first_lines(place, reading)
    if lines and is_json(place):
        _refuse_columns(path, layouts.split_header(lines[0], path), reading)
    return _text_layout(path, lines, form, reading) if lines else None


def _typed_layout(path: str, place: str, reading: Reading) -> Layout:
    """The layout of a file whose columns have names and types."""
    return layout_of_names(path, *_stored_names(place), reading)


def layout_of_names(path: str, stored: Sequence[str], index: str | None, reading: Reading) -> Layout:
    """The layout of columns with these names, of which pandas may keep one as an `index` of times."""
    names = [layouts.normalise(name) for name in stored]
    _refuse_columns(path, names, reading)
    if reading.wide is not None or any(name.startswith("(") for name in stored[:2]):
        from windrow.bars.shapes import stack_of, stacked_layout, wide_layout

        if (stack := stack_of(path, stored, index)) is not None:
            return stacked_layout(path, stack, None, reading)
        if reading.wide is not None:
            return wide_layout(path, stored, None, reading, index)
    called = layouts.renamed(path, names, reading)
    if index is not None and not reading.time_columns and not any(map(TIME_NAMES.__contains__, called)):
        reading = replace(reading, time_columns=(called[stored.index(index)],))
    return replace(layouts.layout_of(path, called, None, reading), renamed=layouts.old_names(names, reading))


def _refuse_columns(path: str, names: Sequence[str], reading: Reading) -> None:
    """Raises InputError where --columns would name columns that have names, in another order than theirs perhaps."""
    if reading.columns:
        raise InputError(
            f"{path}: has names for its columns, {layouts.listed(names)}, but --columns is given; it is for text"
            " without a header; leave it out, and choose with --column, or --rename"
        )


def _stored_names(place: str) -> tuple[list[str], str | None]:
    """The names of typed columns, and the one that pandas keeps as an index of times, if any."""
    if is_parquet(place):
        from windrow.feeds.parquet import column_names, time_index
    else:
        from windrow.feeds.feather import column_names, time_index
    return column_names(place), time_index(place)


@contextmanager
def _called_by_name(place: str) -> Iterator[None]:
    """In place of what else is wrong with an input, an error says what kind of file it is, if that is none to read."""
    try:
        yield
    except InputError:
        from windrow.storage.foreign import refuse_foreign

        outer, _ = split_member(place)
        head = b""
        with suppress(OSError), opened(outer) as file:
            head = file.read(_HEAD)
        refuse_foreign(outer, head)
        raise


def _from_the_start(path: str, layout: Layout) -> Iterator[Bars]:
    """The bars of a file, starting with much less than a chunk, which nearly always contains one."""
    if not is_plain(path) or not is_split(path, layout):
        return read_bars(path, layout)
    return chain(read_bars(path, layout, 0, SAMPLE_BYTES), read_bars(path, layout, SAMPLE_BYTES))


def _first_lines(path: str, reading: Reading) -> tuple[list[bytes], Form]:
    """The first lines, the blank ones too, without byte order mark and line ends; none if all are blank.

    Also the form of the text so far: its encoding, and what ends its lines.
    """
    from windrow.storage.foreign import refuse_foreign

    with open_text(path) as stream:
        head, more = _head(stream)
    refuse_foreign(path, head[:_HEAD])
    if not is_json(path) and _JSON.match(head):
        raise InputError(
            f"{path}: begins as JSON does; the format is chosen by suffix; rename it to end in .json, or in .jsonl if"
            " each line is an object"
        )
    encoding = encoding_of(path, head, reading.encoding)
    form = Form(encoding=encoding, whole=bool(encoding) and (is_json(path) or not is_bytewise(encoding)))
    if form.encoding or is_json(path):
        with open_csv(path, form) as (_, stream):
            head, more = _head(stream)
    head = without_marks(in_utf8(head, form))
    line_end = line_end_of(head)
    form = replace(form, line_end=line_end, whole=form.whole or line_end == "\r")
    lines = head.split(form.line_end.encode())
    lines = [line.rstrip(b"\r") for line in lines] if b"\r" in head else lines
    if len(next(filter(None, lines), b"")) > MAX_LINE:
        raise InputError(
            f"{path}: its first line is longer than 1 MiB, so it is not a header; the first line names the"
            " columns; check that this is a CSV file with line ends"
        )
    whole = lines[:-1] if more and len(lines) > 1 else lines  # the last one continues in what was not read
    return (whole if any(whole) else []), form


def _head(stream: BinaryIO) -> tuple[bytes, bool]:
    """The first bytes of a text, up to the end of a header at least, and whether there are more."""
    head, block = b"", b""
    while len(head) <= MAX_LINE and without_marks(head).lstrip(b"\r\n").count(b"\n") < _HEADER:
        if not (block := stream.read(1 << 16)):
            break
        head += block
    return head, bool(block)


def _text_layout(path: str, lines: list[bytes], form: Form, reading: Reading) -> Layout:
    from windrow.feeds import klines, shaped  # a task's start is part of its cost

    if where_to_look(lines, reading)[0] >= len(lines):
        raise InputError(
            f"{path}: has {len(lines):,} lines where a header is looked for, and --skip-lines {reading.skip_lines or 0}"
            " leaves none of them; an input has a header and rows; give a smaller number"
        )
    if (layout := shaped.shaped_layout(path, lines, form, reading)) is not None:
        return layout
    table = find_table(lines, reading)
    first = table.first
    form = replace(form, delimiter=table.delimiter, skipped=table.skipped, loose=table.loose)
    if not reading.columns and klines.are_klines(lines[table.skipped :], table.delimiter):
        called = layouts.renamed(path, klines.KLINES, reading)
        layout = layouts.layout_of(path, called, None, reading)
        return replace(layout, form=form, renamed=layouts.old_names(klines.KLINES, reading))
    if not reading.columns:
        names = layouts.split_header(first, path, table.delimiter)
        called = layouts.renamed(path, names, reading)
        layout = layouts.layout_of(path, called, first, reading)
        return replace(layout, form=form, renamed=layouts.old_names(names, reading))
    layout = replace(layouts.layout_of(path, reading.columns, None, reading), form=form)
    said = _names_of_header(first, layout)
    if said is None:
        return layout
    refuse_contradiction(path, said, reading.columns)
    return replace(layout, header=first)


def _names_of_header(first: bytes, layout: Layout) -> tuple[str, ...] | None:
    """The names in the first line if it is a header although --columns is given: no numbers where a bar has them."""
    from windrow.bars.text import parse_lines

    bars, names = parse_lines(first + b"\n", layout), names_in(first, layout.form.delimiter)
    if len(bars) or names is None:
        return None
    plain = bars.rejected["time"] == 1 and not any(character.isdigit() for character in first.decode("latin-1"))
    known = any(map(meaning, names)) and not has_numbers(names)
    return names if bars.headers or plain or known else None
