"""What is settled once, at submission, and passed to every task in one small file.

Only the first range of a file contains its header, and a task sees only its own range. So the layout of every input,
whether the run's times are dates, and the spans of slots are determined here, from the first lines of every input and
samples of some.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from sort_keys.slots import Slots
from windrow.bars import layout as layouts
from windrow.bars.checks import MAX_LINE
from windrow.bars.columns import Bars, Example, Layout
from windrow.bars.form import Form
from windrow.bars.headers import has_numbers, meaning, names_in, refuse_contradiction
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds.density import SAMPLE_BYTES, Density, Head, sampled_densities, slots_for
from windrow.feeds.files import last_byte, read_bars
from windrow.feeds.forms import Table, find_form, find_table, find_times, in_doubt
from windrow.feeds.misread import Barren, are_midnights, barren, column_left_out, refuse_barren, refuse_other_unit
from windrow.storage.open import is_parquet, is_plain, named, open_text
from windrow.storage.source import Version, canonical, each, unchanged


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
        return cls(inputs, fields["dated"], slots, fields["names"], fields["slices"], symbols)


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
    selected = {path: layouts.selected(path, layout, reading, dated) for path, layout in inputs.items()}
    taken = {path: layout for path, layout in selected.items() if layout is not None}
    if not taken:
        raise InputError(f"{_told(paths)}: none has rows that are asked for; check --symbols and --where")
    # Of all rows: a symbol's bars may be too few to be among the samples of those that are taken.
    all_rows = {path: inputs[path] for path in taken}
    densities = {} if slot and slicing is None else sampled_densities(all_rows, heads, here)
    densities = {name: of for name, of in densities.items() if not reading.symbols or name in reading.symbols}
    slots = Slots(slot) if slot else slots_for(densities)
    slices = slicing(densities) if slicing else None
    left_out = {path: one.left_out for path, one in found.items() if one.left_out}
    unselected = len(found) - len(taken)
    return Settled(taken, dated, slots, {}, slices, reading.symbols, unselected, left_out), empty


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

    plain = [path for path in settled.inputs if is_plain(path)]
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
    with named(place, path):
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


def _settle_form(path: str, place: str, layout: Layout, reading: Reading) -> tuple[Layout, Iterator[Bars]]:
    """The layout with the form of the rows, and the bars from the start; a plain input is parsed once."""
    if is_parquet(place):
        layout = find_times(path, place, layout, reading)
        return layout, _from_the_start(place, layout)
    chunks = _from_the_start(place, layout)
    if (first := next(chunks, None)) is None:
        return layout, chunks
    if not in_doubt(first, layout, reading):
        return layout, chain([first], chunks)
    layout = find_form(path, place, layout, reading)
    return layout, _from_the_start(place, layout)


def _read_layout(path: str, place: str, reading: Reading) -> Layout | None:
    if is_parquet(place):
        from windrow.feeds.parquet import column_names

        names = [layouts.normalise(name) for name in column_names(place)]
        if reading.columns:
            refuse_contradiction(path, names, reading.columns)
        return layouts.layout_of(path, names, None, reading)
    lines = _first_lines(place)
    return _text_layout(path, find_table(lines, reading), reading) if lines else None


def _from_the_start(path: str, layout: Layout) -> Iterator[Bars]:
    """The bars of a file, starting with much less than a chunk, which nearly always contains one."""
    if not is_plain(path):
        return read_bars(path, layout)
    return chain(read_bars(path, layout, 0, SAMPLE_BYTES), read_bars(path, layout, SAMPLE_BYTES))


def _first_lines(path: str) -> list[bytes]:
    """The first lines, the blank ones too, without byte order mark and line ends; none if all are blank."""
    with open_text(path) as stream:
        head, block = b"", b""
        while b"\n" not in head.lstrip(b"\r\n") and len(head) <= MAX_LINE and (block := stream.read(1 << 16)):
            head = (head + block).removeprefix(b"\xef\xbb\xbf")
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")]
    if len(next(filter(None, lines), b"")) > MAX_LINE:
        raise InputError(
            f"{path}: its first line is longer than 1 MiB, so it is not a header; the first line names the"
            " columns; check that this is a CSV file with line ends"
        )
    whole = lines[:-1] if block and len(lines) > 1 else lines  # the last one continues in what was not read
    return whole if any(whole) else []


def _text_layout(path: str, table: Table, reading: Reading) -> Layout:
    first, form = table.first, Form(table.delimiter, table.skipped)
    if not reading.columns:
        names = layouts.split_header(first, path, table.delimiter)
        return replace(layouts.layout_of(path, names, first, reading), form=form)
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
