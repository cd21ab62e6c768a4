"""The shuffle on one machine: each mapper's lines become sorted runs, and each reducer reads its own, merged.

A run is some megabytes of lines, sorted and divided by reducer. Both halves run where their task runs, so that every
core sorts and merges, and the process that starts the tasks moves nothing. Of any number of lines only a run is held,
or a piece of each run.
"""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sort_keys.shuffle import partition

#: Bytes of a run's lines, Python's own for each line included.
_RUN_BYTES = 16 << 20
_LINE_OVERHEAD = 64
#: Read at once, of all runs together, and of one at least.
_READ_BYTES = 16 << 20
_LEAST_READ = 1 << 14


class Part(NamedTuple):
    """A reducer's sorted lines in one run: bytes [start, end) of a file."""

    path: str
    start: int
    end: int


def divide(output: str, reducers: int) -> None:
    """Replaces a mapper's output by its sorted runs, and writes beside it where the parts of each reducer lie."""
    parts: list[list[Part]] = [[] for _ in range(reducers)]
    divided = f"{output}.runs"
    with open(output, "rb") as lines, open(divided, "wb") as file:
        for run in _runs(lines):
            for reducer, mine in enumerate(_by_reducer(run, reducers)):
                if mine:
                    start = file.tell()
                    file.writelines(sorted(mine))
                    parts[reducer].append(Part(divided, start, file.tell()))
    Path(output).write_text(json.dumps(parts))


def _by_reducer(run: Sequence[bytes], reducers: int) -> list[list[bytes]]:
    """Lines by the reducer that gets them, which is found once for each first field of a key."""
    divided: list[list[bytes]] = [[] for _ in range(reducers)]
    of_field: dict[bytes, list[bytes]] = {}
    for line in run:
        field = line[: line.index(b"\t")]
        mine = of_field.get(field)
        if mine is None:
            mine = of_field[field] = divided[partition(line, reducers)]
        mine.append(line)
    return divided


def _runs(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    run: list[bytes] = []
    room = _RUN_BYTES
    for line in lines:
        run.append(line)
        room -= len(line) + _LINE_OVERHEAD
        if room < 0:
            yield run
            run, room = [], _RUN_BYTES
    if run:
        yield run


def gather(outputs: Sequence[str], reducer: int, place: str) -> None:
    """Writes a reducer's input: its lines of all mappers' divided outputs, in order."""
    parts = [Part(*part) for output in outputs for part in json.loads(Path(output).read_text())[reducer]]
    piece = max(_LEAST_READ, _READ_BYTES // max(1, len(parts)))
    with open(place, "wb") as file:
        file.writelines(heapq.merge(*(_lines(part, piece) for part in parts)))


def _lines(part: Part, piece: int) -> Iterator[bytes]:
    """The lines of a part. The file is open for each piece only: there may be more runs than files allowed."""
    at, rest = part.start, b""
    while at < part.end:
        with open(part.path, "rb", buffering=0) as file:
            file.seek(at)
            read = file.read(min(piece, part.end - at))
        at += len(read)
        *whole, rest = (rest + read).split(b"\n")
        for line in whole:
            yield line + b"\n"
