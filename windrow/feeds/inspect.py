"""What a job would understand of an input: its form, columns, symbols, times, and the rows that are no bars.

The layout is settled by the code that settles a job. A small input is read whole; of a large one samples from several
places are, and what is counted is of these.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from windrow.arrays import Ints
from windrow.bars.checks import MISSING
from windrow.bars.columns import Bars, Layout, join_bars
from windrow.bars.layout import Reading
from windrow.bars.selection import none_selected
from windrow.errors import InputError, WindrowError
from windrow.feeds.density import SAMPLE_BYTES
from windrow.feeds.files import read_bars
from windrow.feeds.forms import told_forms
from windrow.feeds.settle import settle
from windrow.feeds.texts import is_split
from windrow.storage.open import is_columnar, size_of
from windrow.times import format_duration, format_times

#: Bytes of an input that is read whole; and of all inputs together, however many there are.
_SMALL, _ALL = 4 << 20, 32 << 20
_PLACES = 16
#: Spans between neighbours that are longer than this many usual ones are gaps.
_GAP = 3
_EXAMPLE = 200


@dataclass
class Inspected:
    """What an input is understood as; if a job would refuse it, only `refused` says why."""

    path: str
    size: int
    form: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    rows: int = 0
    duplicates: int = 0
    invalid: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    missing: int = 0
    unselected: int = 0
    symbols: list[str] = field(default_factory=list)
    first: str | None = None
    last: str | None = None
    spacing: str | None = None
    gaps: int = 0
    longest_gap: str | None = None
    refused: str | None = None
    renamed: list[str] = field(default_factory=list)
    """Which of the old names of --rename it has."""

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return asdict(self)


def inspect(path: str, reading: Reading, inputs: int = 1, name: str | None = None) -> Inspected:
    """What this input is understood as, one of so many; `name` is the user's where it is another.

    Memory: what is sampled, some megabytes.
    """
    found = Inspected(name or path, 0)
    try:
        found.size = size_of(path)
        settled, _ = settle([path], reading, slot=1, judged=True)
        layout = settled.inputs[path]
        found.form = (told_forms({path: layout}, reading) or [f"{path}: "])[0].removeprefix(f"{path}: ")
        found.columns = _columns(layout)
        found.renamed = list(layout.renamed)
        most = min(_SMALL, _ALL // inputs)
        found.whole = found.size <= most
        places = min(_PLACES, max(2, most // SAMPLE_BYTES))
        parts = list(_sampled(path, layout, found.size, 0 if found.whole else places))
        _count(found, parts)
        if found.whole and found.rows and found.unselected == found.rows:
            raise InputError(none_selected(found.rows))
        _describe(found, join_bars(parts), settled.dated)
    except WindrowError as error:
        found.refused = str(error).replace(path, found.path)
    return found


def _columns(layout: Layout) -> dict[str, str]:
    """What each column is taken for."""
    taken = {layout.symbol: "symbol", layout.time: "time", layout.time_of_day: "time of day"}
    taken.update(dict.fromkeys(layout.values, "value"))
    taken.update({name: "condition" for name in layout.read if name not in taken})
    return {name: taken.get(name, "ignored") for name in layout.names}


def _sampled(path: str, layout: Layout, size: int, places: int) -> Iterator[Bars]:
    """Bars from so many places of an input; from 0: all."""
    if not places:
        yield from read_bars(path, layout, keep_texts=True)
    elif is_columnar(path) or not is_split(path, layout):
        yield from islice(read_bars(path, layout, keep_texts=True), 1)
    else:
        for place in range(places):
            start = max(0, size - SAMPLE_BYTES) * place // (places - 1)  # the first and the last rows are among them
            yield from islice(read_bars(path, layout, start, start + SAMPLE_BYTES, keep_texts=True), 1)


def _count(found: Inspected, parts: Sequence[Bars]) -> None:
    rejected = sum((part.rejected for part in parts), Counter[str]())
    found.rows = sum(part.lines for part in parts)
    found.unselected = sum(part.unselected for part in parts)
    found.missing = rejected.pop(MISSING, 0)
    found.invalid = dict(rejected)
    for part in parts:
        for text in part.texts:
            found.examples.setdefault(text.reason, text.text.decode(errors="backslashreplace")[:_EXAMPLE])


def _describe(found: Inspected, bars: Bars, dated: bool) -> None:
    """Symbols, times and spacing."""
    if not len(bars):
        return
    present = np.unique(bars.codes)
    found.symbols = sorted(bars.symbols[code] for code in present.tolist())
    first, last = format_times(np.array([bars.times.min(), bars.times.max()]), dated)
    found.first, found.last = first.decode(), last.decode()
    order = np.lexsort((bars.times, bars.codes))
    codes, times = bars.codes[order], bars.times[order]
    apart = np.diff(times)[codes[1:] == codes[:-1]]
    found.duplicates = int((apart == 0).sum())
    _space(found, apart[apart > 0])


def _space(found: Inspected, apart: Ints) -> None:
    """The usual span between neighbours, and, of an input that was read whole, the gaps."""
    if not len(apart):
        return
    spans, counts = np.unique(apart, return_counts=True)
    usual = int(spans[np.argmax(counts)])
    found.spacing = format_duration(usual)
    if found.whole:
        found.gaps = int((apart > _GAP * usual).sum())
        found.longest_gap = format_duration(int(apart.max())) if found.gaps else None
