"""Jobs in rounds: one step writes rows once, map-only runs over them follow, and the submitter works in between.

    rows      map_bars -> write_rows      the inputs are read once; reducers write rows as parts of their own
    a round   work                        a mapper for each task; all get the same state, an uploaded file
              take                        the submitter takes what they returned, and makes the next round's tasks
    last      finish                      a mapper for each task; their lines are the job's output

Each is a run of its own, by the same runner; the rows are kept until the last one has ended. On Hadoop a run costs some
14 seconds beside its work.
"""

import dataclasses
import json
from argparse import SUPPRESS
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Protocol

from sort_keys.merge import Stretch
from sort_keys.shuffle import MAP_ONLY_OPTIONS
from windrow.console import say
from windrow.console.meter import BARS, MODELS
from windrow.errors import OutputError, UsageError
from windrow.feeds.fetch import fetched
from windrow.mapreduce import submit
from windrow.mapreduce.barjob import BarJob
from windrow.mapreduce.counters import STOPPED, refusal, summed
from windrow.mapreduce.steps import Step, map_bars, reduce_bars, task_lines
from windrow.mapreduce.task import Task
from windrow.runners import Runner

#: The phases of such a job; none: an ordinary job.
ROWS, ROUND, LAST = "rows", "round", "last"
#: Runners that can hand out tasks.
_HANDING = ("inline", "local", "hadoop")


class Rounds(Protocol):
    """What the submitter does between runs."""

    def tasks(self) -> Sequence[Any]:
        """What each task of the next round gets, as JSON: `files` to read, and more; none: the last run follows."""

    def state(self) -> bytes:
        """What all tasks of the next run get."""

    def take(self, lines: Sequence[bytes]) -> None:
        """Takes the lines that the tasks of a round returned, in any order."""

    def last(self) -> Sequence[Any]:
        """What each task of the last run gets, as JSON."""

    def told(self) -> str:
        """How the last round went."""


class RoundsJob(BarJob):
    """A job that may run in rounds."""

    unit = MODELS
    multiplies = True
    #: What else one can do where a runner cannot run them, after `use -r ...`.
    without_rounds = ""

    def in_rounds(self) -> bool:
        """Whether it does."""
        raise NotImplementedError

    def write_rows(self, stretches: Iterator[Stretch], counts: Counter[str]) -> None:
        """Writes what rounds work on, as parts of this reducer's own; what it counts reaches `check_counts`."""
        raise NotImplementedError

    def rounds(self, rows: Sequence[str]) -> Rounds:
        """What the submitter does, given where the parts of `write_rows` are."""
        raise NotImplementedError

    def work(self, asked: Any, rows: Iterator[BinaryIO]) -> bytes:
        """What a task of a round returns: a line without its end. `rows` opens the files that it was asked to read."""
        raise NotImplementedError

    def finish(self, asked: Any, rows: Iterator[BinaryIO], counts: Counter[str]) -> Iterator[bytes]:
        """The lines of the output that a task of the last run writes; what it counts reaches `report`."""
        raise NotImplementedError

    def configure_args(self) -> None:
        """Adds the options that a run gives to its tasks."""
        super().configure_args()
        self.pass_through(self.arg_parser.add_argument("--phase", help=SUPPRESS, default=""))
        self.add_file_arg("--state", help=SUPPRESS)

    def load_args(self, args: list[str]) -> None:
        """Reads the options, and checks the runner if this is the submitter of rounds."""
        super().load_args(args)
        self.map_only = self.options.phase in (ROUND, LAST)
        self.unit = BARS if self.options.phase == ROWS else MODELS
        if not self.is_task() and self.in_rounds() and self.submission.runner not in _HANDING:
            raise UsageError(
                f"-r {self.submission.runner}: cannot run jobs in rounds, as this one is; use -r"
                f" {', '.join(_HANDING)}{self.without_rounds}"
            )

    def pipeline(self) -> list[Step]:
        """The step of this run."""
        if self.options.phase == ROWS:
            return [Step(partial(map_bars, self), partial(reduce_bars, self))]
        if self.map_only:
            return [Step(partial(_map_tasks, self))]
        return super().pipeline()

    def reduce_bars(self, stretches: Iterator[Stretch]) -> Iterator[bytes] | None:
        """Writes rows, in that phase; `reduce_whole` otherwise."""
        if self.options.phase != ROWS:
            return self._counted(stretches)
        counts = Counter[str]()
        self.write_rows(stretches, counts)
        self.running.count(counts)
        return iter(())

    def _counted(self, stretches: Iterator[Stretch]) -> Iterator[bytes]:
        counts = Counter[str]()
        for line in self.reduce_whole(stretches, counts):
            yield line
            self.told(1, 1)
        self.running.count(counts)

    def sent(self) -> bytes | None:
        """What all tasks get where the job does not run in rounds; None: nothing."""
        return None

    @property
    def state(self) -> bytes:
        """What this task was sent; empty if nothing."""
        return Path(self.options.state).read_bytes() if self.options.state else b""

    def reduce_whole(self, stretches: Iterator[Stretch], counts: Counter[str]) -> Iterator[bytes]:
        """A reducer's lines where the job does not run in rounds; what it counts reaches `report`."""
        raise NotImplementedError

    def task_arguments(self, folder: Path) -> list[str]:
        """The file of what all tasks get."""
        sent = None if self.in_rounds() else self.sent()
        return super().task_arguments(folder) + ([] if sent is None else ["--state", _written(sent, folder)])

    def jobconf(self) -> dict[str, str]:
        """Hadoop's options, of a run without a shuffle where there is none."""
        conf = super().jobconf()
        return {**conf, **MAP_ONLY_OPTIONS} if self.map_only and not self.submission.is_here else conf

    @contextmanager
    def prepared(self, output: str | None) -> Iterator[Runner]:
        """The runner of the only run, or of the last one, before which all others are run."""
        if not self.in_rounds():
            with super().prepared(output) as runner:
                yield runner
            return
        first = self.with_more("--phase", ROWS)
        first.submission = dataclasses.replace(first.submission, prints=False)
        with submit.make_runner(first, None) as rows, TemporaryDirectory(prefix="windrow-") as folder:
            self.counted = submit.run_and_judge(first, rows) - Counter({"output lines": 0})
            self.doubts, self.streams, self.tables = first.doubts, first.streams, first.tables
            names = sorted(name for name in rows.part_names() if name.startswith("part-"))
            place = rows.get_output_dir().rstrip("/")
            rounds = self.rounds([f"{place}/{name}" for name in names])
            first._run_rounds(rounds, Path(folder))
            with first._runner(LAST, rounds.last(), rounds.state(), Path(folder), output) as runner:
                yield runner

    def _run_rounds(self, rounds: Rounds, folder: Path) -> None:
        while tasks := rounds.tasks():
            with self._runner(ROUND, tasks, rounds.state(), folder, None) as runner:
                rounds.take(_returned(runner, len(tasks)))
            if not self.submission.quiet:
                say(rounds.told())

    def _runner(self, phase: str, tasks: Sequence[Any], state: bytes, folder: Path, output: str | None) -> Runner:
        """The runner of a run over tasks, which know what was settled for the run that wrote the rows."""
        job = self.with_more("--phase", phase, "--state", _written(state, folder))
        runner = job.runner_of(submit.launch(job), output)
        runner.take_tasks([json.dumps(task) for task in tasks], folder)
        return runner


def _written(state: bytes, folder: str | Path) -> str:
    place = Path(folder, "state.bin")
    place.write_bytes(state)
    return str(place)


def _returned(runner: Runner, tasks: int) -> list[bytes]:
    """What the tasks of a round wrote, a line each. Raises what stopped one of them."""
    runner.run()
    summary = summed(runner.counters())
    if summary.refusals or summary.counts[STOPPED]:
        raise refusal(summary.refusals, summary.counts[STOPPED])
    lines = b"".join(runner.cat_output()).splitlines()
    if len(lines) != tasks:
        raise OutputError(
            f"a round of {tasks} tasks: has {len(lines)} results; something else writes or removes files in its folder;"
            " run the job again"
        )
    return lines


def _map_tasks(job: RoundsJob, task: Task) -> None:
    """Does the tasks that this mapper was handed."""
    counts = Counter({"map tasks": 1})
    with task_lines(job, task, last=job.options.phase == LAST) as write:
        for line in task.stdin:
            asked = json.loads(line[line.index(b"{") :])
            with fetched(asked["files"]) as places:
                rows = _each([places[path] for path in asked["files"]])
                if job.options.phase == ROUND:
                    task.write([job.work(asked, rows) + b"\n"])
                else:
                    for written in job.finish(asked, rows, counts):
                        counts["output lines"] += 1
                        write(written)
                job.told(1, 1)
    task.count(counts)


def _each(places: Sequence[str]) -> Iterator[BinaryIO]:
    """Files, opened one after another."""
    for place in places:
        with open(place, "rb") as file:
            yield file
