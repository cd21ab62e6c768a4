"""What is settled once, at submission, and handed to every task in one small file.

Only the first range of a file holds its header, and a task sees only its own range: so the layout of every input,
whether the run's times are dates, and the spans of slots are found here, by reading the first lines of every input and
samples of some.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sort_keys.slots import BARS_PER_SLOT, Slots
from windrow.bars import MAX_LINE, Bars, Layout, join_bars
from windrow.errors import InputError
from windrow.feeds import layout as layouts
from windrow.feeds.files import is_parquet, is_plain, named, open_text, read_bars, read_start
from windrow.feeds.layout import Reading

_SAMPLED_INPUTS = 32
_SAMPLE_BYTES = 1 << 16
_PLACES = 16
_DENSE_SYMBOLS = 256
_LONGEST = 1 << 62  # half of all times; 8,192 monthly bars would be longer


class Head(NamedTuple):
    """A local copy of the first part of an input that lies elsewhere, and what share of the input it is."""

    place: str
    share: float


@dataclass(frozen=True)
class Settled:
    """The inputs' layouts by path, whether the run's times are all dates, and the slots.

    `names` holds what the user calls an input whose path is another for the tasks.
    """

    inputs: dict[str, Layout]
    dated: bool
    slots: Slots
    names: dict[str, str] = field(default_factory=dict)

    def at(self, places: Mapping[str, str]) -> "Settled":
        """The same for tasks that see each input at another place."""
        inputs = {bare(places[path]): layout for path, layout in self.inputs.items()}
        names = {bare(places[path]): path for path in self.inputs if bare(places[path]) != path}
        return replace(self, inputs=inputs, names=names)

    def name(self, path: str) -> str:
        """What the user calls the input that a task sees at `path`."""
        return self.names.get(bare(path), path)

    def layout(self, path: str) -> Layout:
        """The layout of an input by the path that a task sees."""
        try:
            return self.inputs[bare(path)]
        except KeyError:
            raise InputError(
                f"{path}: was not among the inputs when the job was submitted, so its columns are not known;"
                " give every input by its full path, and submit the job again"
            ) from None

    def save(self, path: Path) -> None:
        """Writes the tasks' copy; layouts that many inputs share stand in it once."""
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
                }
            )
        )

    @classmethod
    def load(cls, path: str) -> "Settled":
        """A task's copy."""
        fields = json.loads(Path(path).read_text())
        known = [layouts.from_json(layout) for layout in fields["layouts"]]
        inputs = {path: known[number] for path, number in fields["inputs"].items()}
        return cls(inputs, fields["dated"], Slots(**fields["slots"]), fields["names"])


def bare(path: str) -> str:
    """A path without scheme and host, which tasks and submitter may spell differently.

    >>> bare("hdfs://namenode:8020/bars/a.csv"), bare("file:/bars/a.csv"), bare("/bars/a:/b.csv")
    ('/bars/a.csv', '/bars/a.csv', '/bars/a:/b.csv')
    """
    return re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?(?=/)", "", path)


def list_files(arguments: Sequence[str]) -> list[str]:
    """Absolute paths of the files that arguments mean; a directory means its files, without hidden ones."""
    files: list[str] = []
    for argument in arguments:
        try:
            files += _files_of(argument)
        except OSError as error:
            raise InputError(f"{argument}: cannot be read: {error.strerror}; check the path and its rights") from error
    return files


def _files_of(argument: str) -> list[str]:
    path = Path(argument).absolute()
    if not argument:
        raise InputError("'': an input's name is empty; give files of bars, or directories that hold them")
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.name[0] not in "._" and p.is_file())
        if not inside:
            raise InputError(
                f"{argument}: is a directory without files; a directory means the files in it, not"
                " those of its subdirectories nor names that begin with _ or .; name the files"
            )
        return list(map(str, inside))
    if path.is_file():
        return [str(path)]
    if path.exists():
        raise InputError(
            f"{argument}: is no regular file, and inputs are read more than once; give its bytes on"
            " standard input, as -"
        )
    raise InputError(f"{argument}: does not exist; give files of bars, or directories that hold them")


def settle(
    paths: Sequence[str], reading: Reading, slot: int | None = None, heads: Mapping[str, Head] | None = None
) -> tuple[Settled, list[str]]:
    """Settles a run over these inputs; also the paths that hold no bar, which are left out.

    Inputs are local files, or have a local copy of their first part in `heads`. Raises InputError where an input does
    not say what its columns are, or where no input has a bar.
    """
    inputs: dict[str, Layout] = {}
    barren: list[str] = []
    heads = heads or {}
    for path in dict.fromkeys(paths):
        layout = _settle_layout(path, heads.get(path, Head(path, 1.0)).place, reading)
        if layout is None:
            barren.append(path)
        else:
            inputs[path] = layout
    if not inputs:
        raise InputError(
            f"no input has a bar: {', '.join(paths[:5])}{' ...' if len(paths) > 5 else ''}; an input needs"
            " a header and lines below it; check that these are the files you mean"
        )
    spans = Slots(slot) if slot else estimate_slots(inputs, heads)
    return Settled(inputs, all(layout.dated is not False for layout in inputs.values()), spans), barren


def _settle_layout(path: str, place: str, reading: Reading) -> Layout | None:
    """The layout of an input read at `place`, with the kind of its times; None without a line below a header."""
    with named(place, path):
        layout = _read_layout(path, place, reading)
        lines = 0
        for bars in _from_the_start(place, layout) if layout else ():
            lines += bars.lines
            if layout and len(bars):
                return replace(layout, dated=not bars.timed[0])
    return layout if lines else None


def _read_layout(path: str, place: str, reading: Reading) -> Layout | None:
    if is_parquet(place):
        from windrow.feeds.parquet import column_names

        names = [layouts.normalise(name) for name in column_names(place)]
        return layouts.layout_of(path, names, None, reading)
    first = _first_line(place)
    return _text_layout(path, first, reading) if first else None


def _from_the_start(path: str, layout: Layout) -> Iterator[Bars]:
    """A file's bars, beginning with a piece much smaller than a chunk: it nearly always holds one."""
    if not is_plain(path):
        return read_bars(path, layout)
    return chain(read_bars(path, layout, 0, _SAMPLE_BYTES), read_bars(path, layout, _SAMPLE_BYTES))


def _first_line(path: str) -> bytes:
    """The first line that is not blank, without byte order mark and line end."""
    with open_text(path) as stream:
        head = b""
        while b"\n" not in head and len(head) <= MAX_LINE and (block := stream.read(1 << 16)):
            head = (head + block).removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    line = head.partition(b"\n")[0].rstrip(b"\r")
    if len(line) > MAX_LINE:
        raise InputError(
            f"{path}: its first line is longer than 1 MiB and so no header; the first line names the"
            " columns; check that this is a CSV file with line ends"
        )
    return line


def _text_layout(path: str, first: bytes, reading: Reading) -> Layout:
    if not reading.columns:
        return layouts.layout_of(path, layouts.split_header(first, path), first, reading)
    layout = layouts.layout_of(path, reading.columns, None, reading)
    return replace(layout, header=first) if _is_header(first, layout) else layout


def _is_header(first: bytes, layout: Layout) -> bool:
    """With --columns given, whether the first line still is a header: it names the columns where a bar has figures."""
    from windrow.bars import parse_lines

    rejected = parse_lines(first + b"\n", layout).rejected
    return rejected["time"] == 1 and not any(character.isdigit() for character in first.decode("latin-1"))


def estimate_slots(inputs: Mapping[str, Layout], heads: Mapping[str, Head] | None = None) -> Slots:
    """Spans that hold some thousands of bars of a symbol, from samples of at most 32 inputs.

    Where a sample stands in time order its bars' spacing is seen directly; where it does not, the symbol's share of the
    sample says how many bars lie between its earliest and latest. Inputs that overlap in time add up.
    """
    step = -(-len(inputs) // _SAMPLED_INPUTS)
    sampled = list(inputs.items())[::step]
    places = max(2, _PLACES // len(sampled))
    density: dict[str, list[tuple[int, int, float]]] = {}
    for path, layout in sampled:
        head = (heads or {}).get(path, Head(path, 1.0))
        with named(head.place, path):
            samples, share = _samples(head.place, layout, places)
        for symbol, first, last, bars_a_ns in _densities(samples, share * head.share):
            density.setdefault(symbol, []).append((first, last, bars_a_ns))
    spans = {symbol: _span(ranges, step) for symbol, ranges in density.items()}
    if not spans:
        return Slots(_LONGEST)
    usual = int(np.median(list(spans.values())))
    dense = sorted((span, symbol) for symbol, span in spans.items() if span < usual // 4)[:_DENSE_SYMBOLS]
    return Slots(max(usual, 1), {symbol: span for span, symbol in dense})


def _samples(path: str, layout: Layout, places: int) -> tuple[list[Bars], float]:
    """Bars from several places of a file, or from the start of one that cannot be split; what share of it they are."""
    if not is_plain(path):
        bars, share = read_start(path, layout)
        return [bars], share
    size = Path(path).stat().st_size
    places = min(places, 1 + size // _SAMPLE_BYTES)
    starts = [size * place // places for place in range(places)]
    samples = [bars for start in starts for bars in read_bars(path, layout, start, min(start + _SAMPLE_BYTES, size))]
    return samples, min(1.0, places * _SAMPLE_BYTES / size)


def _densities(samples: list[Bars], share: float) -> Iterator[tuple[str, int, int, float]]:
    """(symbol, first time, last time, bars a ns) of the file sampled, for symbols sampled more than once."""
    bars = join_bars(samples)
    if not len(bars):
        return
    # A piece is what one sample has of one symbol; all pieces at once, since there may be thousands.
    piece = bars.codes * np.int64(len(samples)) + np.repeat(np.arange(len(samples)), [len(part) for part in samples])
    order = np.argsort(piece, kind="stable")
    times = bars.times[order]
    begins = np.flatnonzero(np.diff(piece[order], prepend=-1))
    owners = piece[order][begins] // len(samples)
    symbols = np.flatnonzero(np.diff(owners, prepend=-1))
    ordered = np.logical_and.reduceat(_in_order(times, begins), symbols)
    ends = np.append(begins[1:], len(times)) - 1
    spreads = np.add.reduceat(np.abs(times[ends].astype(float) - times[begins]), symbols)
    counts = np.diff(begins[symbols], append=len(times))
    firsts = np.minimum.reduceat(times, begins[symbols])
    lasts = np.maximum.reduceat(times, begins[symbols])
    steps = np.where(ordered, counts - np.diff(symbols, append=len(owners)), counts / share)
    spreads = np.where(ordered, spreads, lasts.astype(float) - firsts)
    for number in np.flatnonzero((spreads > 0) & (steps > 0)).tolist():
        symbol = bars.symbols[owners[symbols[number]]]
        yield symbol, int(firsts[number]), int(lasts[number]), float(steps[number] / spreads[number])


def _in_order(times: npt.NDArray[np.int64], begins: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each piece's times rise, or fall, all the way."""
    rising, falling = np.ones(len(times), bool), np.ones(len(times), bool)
    rising[1:], falling[1:] = times[1:] >= times[:-1], times[1:] <= times[:-1]
    rising[begins], falling[begins] = True, True
    found: npt.NDArray[np.bool_] = np.logical_and.reduceat(rising, begins) | np.logical_and.reduceat(falling, begins)
    return found


def _span(ranges: list[tuple[int, int, float]], step: int) -> int:
    """The slot span at a symbol's densest: where most of its inputs overlap."""
    densest = max(sum(density for first, last, density in ranges if first <= edge <= last) for edge, _, _ in ranges)
    overlapping = densest > 1.5 * max(density for _, _, density in ranges)
    return max(1, min(_LONGEST, int(BARS_PER_SLOT / (densest * (step if overlapping else 1)))))
