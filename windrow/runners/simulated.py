"""What windrow changes in mrjob's simulated Hadoop: tasks open their inputs, sort and merge; no lines are copied."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from windrow.console.meter import BARS, LINES, MODELS
from windrow.feeds.density import Head
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import RunnerAdapter, SimulatedAdapter, Split
from windrow.runners.shuffle import divide, gather
from windrow.storage.open import is_splittable, size_of
from windrow.storage.part import refuse_gone
from windrow.storage.publish import PRINTED
from windrow.storage.source import Range, Version, list_inputs, source_of, versions_of

#: Set in the environment of a mapper that opens its inputs itself: its standard input lists them in JSON.
OPENS_INPUTS = "windrow_opens_inputs"
#: Set for every task of these runners: its errors reach the submitter directly.
OWN_TASK = "windrow_own_task"
#: The most bytes per mapper: enough to make starting it cheap, few enough to keep all cores busy.
SPLIT_BYTES = 256 << 20
_PIECE = 1 << 20


class ReadsHere(RunnerAdapter):
    """Mixin for runners whose tasks open inputs and write parts in folders that this process can access."""

    versions: Mapping[str, Version] = {}
    #: Inputs that go to one mapper each, by their form.
    whole: Collection[str] = ()

    def find_inputs(
        self, arguments: Sequence[str], folder: Path, recursive: bool = False
    ) -> tuple[list[str], dict[str, Head]]:
        """The inputs that the arguments name; all can be read here."""
        found = list_inputs(arguments, recursive)
        self.versions = versions_of(found)
        return found, {}

    def take_inputs(self, paths: Sequence[str], folder: Path, whole: Collection[str] = ()) -> dict[str, str]:
        """Sets the job's inputs; tasks read each in place."""
        self.inputs, self.whole = list(paths), whole
        return {path: path for path in paths}

    def part_names(self) -> list[str]:
        """Names of the files in the output's folder; none if that is gone."""
        folder = Path(self.get_output_dir())
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces; mrjob's own goes line by line."""
        folder = Path(self.get_output_dir())
        for part in sorted(part for pattern in PRINTED for part in folder.glob(pattern)):
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece


class OpensInputs(ReadsHere, SimulatedAdapter):
    """Mixin before one of mrjob's simulations of Hadoop: mappers of the first step get byte ranges to open."""

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """A run that fails leaves nothing behind."""
        return {"cleanup_on_failure": ["ALL"]}

    #: What each mapper reads, in place of inputs.
    lines: Sequence[str] | None = None

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        super().__init__(launch, **kwargs)
        #: What the mappers of each step have told that they passed on.
        self._mapped: dict[int, int] = {}

    def take_tasks(self, lines: Sequence[str], folder: Path) -> None:
        """Sets what each mapper of the first step reads: a line."""
        self.inputs, self.lines = ["tasks"], lines

    def map_tasks(self, paths: Sequence[str]) -> list[tuple[bytes, Split]]:
        """What each mapper opens, in JSON, and its split in mrjob's form."""
        if self.lines is not None:
            return [(f"{line}\n".encode(), {"file": "tasks", "start": 0, "length": 0}) for line in self.lines]
        tasks = list(plan_tasks(paths, self.cores(), self.versions, self.whole))
        return [
            (
                json.dumps(ranges).encode() + b"\n",
                {"file": ranges[0].path, "start": ranges[0].start, "length": sum(piece.length for piece in ranges)},
            )
            for ranges in tasks
        ]

    def before_step(self, number: int) -> None:
        """Makes the folder of the parts, once: tasks of every step may write there."""
        if number == 0:
            Path(self.output).mkdir(parents=True, exist_ok=True)
        else:
            refuse_gone(self.output)

    @contextmanager
    def phase(self, title: str, step: int) -> Iterator[None]:
        """Shows what the tasks tell of how far they are."""
        meter, stage = self.launch.meter, self.stage(title, step)
        if title == "reduce":
            unit = self.units[step]
            totals = {LINES: self._mapped[step], MODELS: len(meter.names)}
            meter.begin(stage, unit, totals.get(unit, self._mapped[0]))
        elif step:
            meter.begin(stage, LINES)
        elif self.lines is not None:
            meter.begin(stage, self.units[0], len(self.lines))
        else:
            meter.begin(stage, BARS, self.expected, about=True)
        yield
        if title == "map":
            self._mapped[step] = meter.done

    def task_settings(self, kind: str, step: int) -> dict[str, Any]:
        """Marks the task as this process's own, and whether it opens inputs."""
        opens = {OPENS_INPUTS: "1"} if kind == "mapper" and step == 0 else {}
        return {**opens, OWN_TASK: "1"}

    def usual_reducers(self) -> int:
        """One per core."""
        return self.cores()

    def after_mapper(self, step: int, output: str) -> Callable[[], None]:
        """Sorts the mapper's lines by reducer."""
        return partial(divide, output, self.reducers(step))

    def before_reducer(self, step: int, number: int, place: str) -> Callable[[], None]:
        """Merges the reducer's lines from all mappers."""
        return partial(gather, self.mapper_outputs(step), number, place)


def plan_tasks(
    paths: Sequence[str],
    cores: int,
    versions: Mapping[str, Version] | None = None,
    whole: Collection[str] = (),
) -> Iterator[list[Range]]:
    """The byte ranges and whole files of each mapper: about the same amount each, at most SPLIT_BYTES if splittable.

    An input in `whole` is in one range, whatever its name.
    If possible, every core gets the same number of mappers, so that none idles at the end. Small files share a mapper:
    thousands of them start a few tasks, not thousands. Raises InputError for an input that is not the version given.
    """
    versions = versions if versions is not None else versions_of(paths)
    for path in paths:
        source_of(path).check(path, versions[path])
    sizes = [size_of(path) for path in paths]
    cores = max(1, cores)
    rounds = -(-sum(sizes) // (SPLIT_BYTES * cores))
    share = max(1, -(-sum(sizes) // (cores * max(1, rounds))))
    pieces = [
        Range(path, start, length, versions[path])
        for path, size in zip(paths, sizes, strict=True)
        for start, length in (iter([(0, size)]) if path in whole else _ranges(path, size, share))
    ]
    return group(pieces, share)


def group(pieces: Iterable[Range], share: int, weight: Callable[[str], int] = lambda path: 1) -> Iterator[list[Range]]:
    """Pieces in groups of about `share` bytes, in order; `weight` is for how many bytes one of a file counts.

    >>> pieces = [Range(name, 0, length, {}) for name, length in (("a", 3), ("b", 2), ("c", 1), ("d", 9))]
    >>> [[piece.path for piece in task] for task in group(pieces, 5)]
    [['a', 'b'], ['c'], ['d']]
    """
    task: list[Range] = []
    room = share
    for piece in pieces:
        size = piece.length * weight(piece.path)
        if task and size > room:
            yield task
            task, room = [], share
        task.append(piece)
        room -= size
    if task:
        yield task


def _ranges(path: str, size: int, share: int) -> Iterator[tuple[int, int]]:
    if not is_splittable(path) or size <= share:
        return iter([(0, size)])
    return source_of(path).split(path, share)
