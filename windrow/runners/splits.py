"""What windrow changes in mrjob's simulated Hadoop: tasks open their inputs, sort and merge; nobody copies lines."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from windrow.console import progress
from windrow.runners.shuffle import divide, gather
from windrow.storage import s3
from windrow.storage.open import is_splittable, size_of
from windrow.storage.publish import PRINTED

#: Set in the environment of a mapper that opens its inputs itself: its standard input lists them in JSON.
OPENS_INPUTS = "windrow_opens_inputs"
#: Set for every task of these runners: what it raises reaches the submitter as it is.
OWN_TASK = "windrow_own_task"
#: A mapper gets at most so many bytes: enough to make starting it cheap, little enough to keep all cores busy.
SPLIT_BYTES = 256 << 20
_PIECE = 1 << 20
#: Bytes of input above which a run lasts long enough to show how far it is.
_LONG_WORK = 100 << 20


class OpensInputs:
    """Mixin before an mrjob SimMRJobRunner: mappers of the first step get byte ranges and whole files to open."""

    #: Whether a bar tells on the terminal how far long work is.
    shows_progress = False

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return {**super()._default_opts(), "cleanup_on_failure": ["ALL"]}  # type: ignore

    def _input_paths_for_step(self, step_num: int) -> list[str]:
        # mrjob's own would expand glob characters, which names of files may hold.
        return self._get_input_paths() if step_num == 0 else super()._input_paths_for_step(step_num)  # type: ignore

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces; mrjob's own goes line by line."""
        folder = Path(self.get_output_dir())  # type: ignore
        for part in sorted(part for pattern in PRINTED for part in folder.glob(pattern)):
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece

    def _check_input_paths(self) -> None:
        """Nothing: BarJob has read their headers already."""

    def _split_mapper_input(self, input_paths: Sequence[str], step_num: int) -> list[dict[str, Any]]:
        if step_num:
            return super()._split_mapper_input(input_paths, step_num)  # type: ignore
        tasks = list(plan_tasks(input_paths, self._num_cores()))  # type: ignore
        for number, ranges in enumerate(tasks):
            path = Path(self._task_input_path("mapper", step_num, number))  # type: ignore
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(ranges) + "\n")
        return [
            {"file": ranges[0]["path"], "start": ranges[0]["start"], "length": sum(r["length"] for r in ranges)}
            for ranges in tasks
        ]

    def _run_mappers_and_combiners(self, step_num: int, map_splits: Sequence[Any]) -> None:
        self._divided: list[str] = []
        with self._progress("map", len(map_splits)) as self._tell:
            super()._run_mappers_and_combiners(step_num, map_splits)  # type: ignore

    def _run_reducers(self, step_num: int, num_reducer_tasks: int) -> None:
        with self._progress("reduce", num_reducer_tasks) as self._tell:
            super()._run_reducers(step_num, num_reducer_tasks)  # type: ignore

    def _progress(self, title: str, tasks: int) -> AbstractContextManager[Callable[[int], object]]:
        long = sum(map(size_of, self._get_input_paths())) > _LONG_WORK  # type: ignore
        return progress(title, tasks, self.shows_progress and long)

    def _simulate_jobconf_for_step(
        self, task_type: str, step_num: int, task_num: int, map_split: Any = None
    ) -> dict[str, Any]:
        conf = super()._simulate_jobconf_for_step(task_type, step_num, task_num, map_split)  # type: ignore
        # What a task writes itself is output, whatever the step.
        conf = {**conf, "mapreduce.task.output.dir": self._output_dir}  # type: ignore
        opens = {OPENS_INPUTS: "1"} if task_type == "mapper" and step_num == 0 else {}
        return {**conf, **opens, OWN_TASK: "1"}

    def _num_reducers(self, step_num: int) -> int:
        conf = self._jobconf_for_step(step_num)  # type: ignore
        asked = conf.get("mapreduce.job.reduces") or conf.get("mapred.reduce.tasks")
        return int(asked) if asked else self.usual_reducers()

    def usual_reducers(self) -> int:
        """How many reducers there are where the user does not say."""
        return self._num_cores()  # type: ignore

    def _run_mapper_and_combiner_func(self, step_num: int, task_num: int, map_split: Any) -> Callable[[], None]:
        run = super()._run_mapper_and_combiner_func(step_num, task_num, map_split)  # type: ignore
        step = self._get_step(step_num)  # type: ignore
        if "reducer" not in step:
            return run  # type: ignore
        output = self._task_output_path("combiner" if "combiner" in step else "mapper", step_num, task_num)  # type: ignore
        self._divided.append(output)
        return partial(_one_then_other, run, partial(divide, output, self._num_reducers(step_num)))

    def _sort_reducer_input(self, step_num: int, num_map_tasks: int) -> None:
        """Nothing: mappers sort their own output, and reducers merge (windrow/runners/shuffle.py)."""

    def _split_reducer_input(self, step_num: int) -> int:
        return self._num_reducers(step_num)

    def _run_task_func(self, task_type: str, step_num: int, task_num: int, map_split: Any = None) -> Callable[[], None]:
        run = super()._run_task_func(task_type, step_num, task_num, map_split)  # type: ignore
        if task_type != "reducer":
            return run  # type: ignore
        place = self._task_input_path(task_type, step_num, task_num)  # type: ignore
        return partial(_one_then_other, partial(gather, self._divided, task_num, place), run)


def _one_then_other(one: Callable[[], None], other: Callable[[], None]) -> None:
    one()
    other()


def plan_tasks(paths: Sequence[str], cores: int) -> Iterator[list[dict[str, Any]]]:
    """The byte ranges and whole files of each mapper: about as much for each, at most SPLIT_BYTES where splittable.

    There are as many for one core as for another, where that is possible, so that none waits for the others at the end.
    Small files share a mapper: thousands of them start a few tasks, not thousands.
    """
    sizes = [size_of(path) for path in paths]
    cores = max(1, cores)
    rounds = -(-sum(sizes) // (SPLIT_BYTES * cores))
    share = max(1, -(-sum(sizes) // (cores * max(1, rounds))))
    pieces = [
        {"path": path, "start": start, "length": length, **s3.version(path)}
        for path, size in zip(paths, sizes, strict=True)
        for start, length in _ranges(path, size, share)
    ]
    return group(pieces, share)


def group(pieces: Sequence[dict[str, Any]], share: int) -> Iterator[list[dict[str, Any]]]:
    """Pieces in groups of about `share` bytes, in order."""
    task: list[dict[str, Any]] = []
    room = share
    for piece in pieces:
        if task and piece["length"] > room:
            yield task
            task, room = [], share
        task.append(piece)
        room -= piece["length"]
    yield task


def _ranges(path: str, size: int, share: int) -> Iterator[tuple[int, int]]:
    if not is_splittable(path) or size <= share:
        yield 0, size
        return
    pieces = -(-size // share)
    for piece in range(pieces):
        start, end = size * piece // pieces, size * (piece + 1) // pieces
        yield start, end - start
