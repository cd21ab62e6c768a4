"""The shuffle on one machine: each mapper's lines become sorted runs, and each reducer merges its parts of them.

A run is a few megabytes of lines, sorted and divided by reducer. Both halves run in their tasks, so that every core
sorts and merges, and the process that starts the tasks moves no data. Memory: one run, or a piece of each run, for any
number of lines.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sort_keys.shuffle import partitions

#: Bytes of a run's lines, including Python's overhead per line.
_RUN_BYTES = 16 << 20
_LINE_OVERHEAD = 64
#: Bytes read at once from all runs together, and at least from each.
_READ_BYTES = 16 << 20
_LEAST_READ = 1 << 14


class Part(NamedTuple):
    """A reducer's sorted lines in one run: bytes [start, end) of a file."""

    path: str
    start: int
    end: int


def divide(output: str, reducers: int) -> None:
    """Replaces a mapper's output with its sorted runs and an index of each reducer's parts."""
    parts: list[list[Part]] = [[] for _ in range(reducers)]
    divided = f"{output}.runs"
    with open(output, "rb") as lines, open(divided, "wb") as file:
        for run in _runs(lines):
            for reducer, mine in enumerate(_divided(run, reducers)):
                if mine:
                    start = file.tell()
                    mine.sort()
                    file.write(b"".join(mine))
                    parts[reducer].append(Part(divided, start, file.tell()))
    Path(output).write_text(json.dumps(parts))


def _divided(run: Sequence[bytes], reducers: int) -> list[list[bytes]]:
    """Lines by the reducer that gets them."""
    lines: list[list[bytes]] = [[] for _ in range(reducers)]
    for line, reducer in zip(run, partitions(run, reducers), strict=True):
        lines[reducer].append(line)
    return lines


def _runs(file: BinaryIO) -> Iterator[list[bytes]]:
    run: list[bytes] = []
    begin = 0
    while lines := file.readlines(max(1, _RUN_BYTES >> 6)):
        run += lines
        if file.tell() - begin + len(run) * _LINE_OVERHEAD > _RUN_BYTES:
            yield run
            run, begin = [], file.tell()
    if run:
        yield run


def gather(outputs: Sequence[str], reducer: int, place: str) -> None:
    """Writes a reducer's input: its lines from all mappers' divided outputs, in order."""
    parts = [Part(*part) for output in outputs for part in json.loads(Path(output).read_text())[reducer]]
    piece = max(_LEAST_READ, _READ_BYTES // max(1, len(parts)))
    with open(place, "wb") as file:
        for lines in _merged([_Lines(part, piece) for part in parts]):
            file.write(b"".join(lines))


def _merged(parts: Sequence["_Lines"]) -> Iterator[list[bytes]]:
    """The lines of all parts in order, many at a time: those that sort before every unread line.

    Sorting merges them: Python's sort detects the runs that they consist of.
    """
    while parts := [part for part in parts if part.fill()]:
        bound = min(part.last for part in parts)
        lines: list[bytes] = []
        for part in parts:
            lines += part.up_to(bound)
        lines.sort()
        yield lines


class _Lines:
    """The sorted lines of a part, a piece of which is in memory."""

    def __init__(self, part: Part, piece: int) -> None:
        self._pieces = _pieces(part, piece)
        self._held: list[bytes] = []
        self._at = 0

    def fill(self) -> bool:
        """Reads the next lines if none is left; returns whether there are any."""
        if self._at == len(self._held):
            self._held, self._at = next(self._pieces, []), 0
        return bool(self._held)

    @property
    def last(self) -> bytes:
        """The last line in memory."""
        return self._held[-1]

    def up_to(self, bound: bytes) -> list[bytes]:
        """The next lines that do not sort after `bound`."""
        begin, self._at = self._at, bisect_right(self._held, bound, self._at)
        return self._held[begin : self._at]


def _pieces(part: Part, piece: int) -> Iterator[list[bytes]]:
    """The lines of a part. The file is opened for each piece: there may be more runs than files allowed."""
    at, rest = part.start, b""
    while at < part.end:
        with open(part.path, "rb", buffering=0) as file:
            file.seek(at)
            read = file.read(min(piece, part.end - at))
        at += len(read)
        lines = BytesIO(rest + read).readlines()
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        if lines:
            yield lines
