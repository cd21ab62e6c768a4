"""What windrow changes in mrjob's simulated Hadoop: tasks open their inputs, sort and merge; nobody copies lines."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from windrow.console import progress
from windrow.feeds.density import Head
from windrow.runners.mrjob_adapter import RunnerAdapter, SimulatedAdapter, Split
from windrow.runners.shuffle import divide, gather
from windrow.storage.open import is_splittable, size_of
from windrow.storage.publish import PRINTED
from windrow.storage.source import Range, list_inputs, source_of

#: Set in the environment of a mapper that opens its inputs itself: its standard input lists them in JSON.
OPENS_INPUTS = "windrow_opens_inputs"
#: Set for every task of these runners: what it raises reaches the submitter as it is.
OWN_TASK = "windrow_own_task"
#: A mapper gets at most so many bytes: enough to make starting it cheap, little enough to keep all cores busy.
SPLIT_BYTES = 256 << 20
_PIECE = 1 << 20
#: Bytes of input above which a run takes long enough to show how far it is.
_LONG_WORK = 100 << 20


class ReadsHere(RunnerAdapter):
    """Mixin of runners whose tasks open inputs, and write parts, in folders that this process sees."""

    def find_inputs(self, arguments: Sequence[str], folder: Path) -> tuple[list[str], dict[str, Head]]:
        """The inputs that arguments mean; all of them can be read here."""
        return list_inputs(arguments), {}

    def take_inputs(self, paths: Sequence[str], folder: Path) -> dict[str, str]:
        """Makes these the job's inputs; tasks read each where it is."""
        self.inputs = list(paths)
        return {path: path for path in paths}

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces; mrjob's own goes line by line."""
        folder = Path(self.get_output_dir())
        for part in sorted(part for pattern in PRINTED for part in folder.glob(pattern)):
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece


class OpensInputs(ReadsHere, SimulatedAdapter):
    """Mixin before one of mrjob's simulations of Hadoop: mappers of the first step get byte ranges to open."""

    #: Called with how many tasks have ended.
    advance: Callable[[int], object] = int

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """A run that fails leaves nothing behind."""
        return {"cleanup_on_failure": ["ALL"]}

    def map_tasks(self, paths: Sequence[str]) -> list[tuple[bytes, Split]]:
        """What each mapper is to open, in JSON, and its split as mrjob knows it."""
        return [
            (
                json.dumps(ranges).encode() + b"\n",
                {"file": ranges[0].path, "start": ranges[0].start, "length": sum(one.length for one in ranges)},
            )
            for ranges in plan_tasks(paths, self.cores())
        ]

    @contextmanager
    def phase(self, title: str, tasks: int) -> Iterator[None]:
        """Shows how many tasks have ended, where the inputs are large."""
        shown = self.launch.shows_progress and sum(map(size_of, self.inputs)) > _LONG_WORK
        with progress(title, tasks, shown) as advance:
            self.advance = advance
            yield

    def task_settings(self, kind: str, step: int) -> dict[str, Any]:
        """That the task is this process's own, and whether it opens inputs."""
        opens = {OPENS_INPUTS: "1"} if kind == "mapper" and step == 0 else {}
        return {**opens, OWN_TASK: "1"}

    def usual_reducers(self) -> int:
        """One a core."""
        return self.cores()

    def after_mapper(self, step: int, output: str) -> Callable[[], None]:
        """Sorts the mapper's lines, by reducer."""
        return partial(divide, output, self.reducers(step))

    def before_reducer(self, step: int, number: int, place: str) -> Callable[[], None]:
        """Merges the reducer's lines of all mappers."""
        return partial(gather, self.mapper_outputs(step), number, place)


def plan_tasks(paths: Sequence[str], cores: int) -> Iterator[list[Range]]:
    """The byte ranges and whole files of each mapper: about as much for each, at most SPLIT_BYTES where splittable.

    There are as many for one core as for another, where that is possible, so that none waits for the others at the end.
    Small files share a mapper: thousands of them start a few tasks, not thousands.
    """
    sizes = [size_of(path) for path in paths]
    cores = max(1, cores)
    rounds = -(-sum(sizes) // (SPLIT_BYTES * cores))
    share = max(1, -(-sum(sizes) // (cores * max(1, rounds))))
    pieces = [
        Range(path, start, length, source_of(path).version(path))
        for path, size in zip(paths, sizes, strict=True)
        for start, length in _ranges(path, size, share)
    ]
    return group(pieces, share)


def group(pieces: Sequence[Range], share: int) -> Iterator[list[Range]]:
    """Pieces in groups of about `share` bytes, in order."""
    task: list[Range] = []
    room = share
    for piece in pieces:
        if task and piece.length > room:
            yield task
            task, room = [], share
        task.append(piece)
        room -= piece.length
    yield task


def _ranges(path: str, size: int, share: int) -> Iterator[tuple[int, int]]:
    if not is_splittable(path) or size <= share:
        return iter([(0, size)])
    return source_of(path).split(path, share)
