"""What Spark's Python workers run: a mapper or a reducer of a job, over the lines that Spark passes it.

No task's lines are held in memory. A reducer reads Spark's sorted lines one by one and writes a file. A mapper also
writes a file, of blocks, a few bytes per bar, and passes its lines on once it has ended: what a failed attempt wrote is
never read.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from pyspark import Accumulator, TaskContext
from pyspark.accumulators import AccumulatorParam

from windrow.runners.mrjob_adapter import Counters
from windrow.runners.simulated import OPENS_INPUTS
from windrow.storage.part import of_this_task

#: The number of a step, `mapper` or `reducer`, and the number of the task.
Name = tuple[int, str, int]
#: Prefix of files that attempts write; the underscore hides them from readers of an output.
ATTEMPT = "_attempt-"


class LatestCounters(AccumulatorParam[dict[Name, Counters]]):
    """Keeps the latest counters of each task.

    Spark adds a mapper's update each time that it ends: twice if two attempts race, or if a lost node's mappers run
    again. A sum would count it twice. A task's counters depend only on its input, so keeping the latest is exact.
    """

    def zero(self, value: dict[Name, Counters]) -> dict[Name, Counters]:
        """Nothing counted."""
        return {}

    def addInPlace(  # noqa: N802  Spark's name
        self, value1: dict[Name, Counters], value2: dict[Name, Counters]
    ) -> dict[Name, Counters]:
        """The first counters, updated with the second.

        >>> once = {(0, "mapper", 0): {"windrow": {"bars": 5}}}
        >>> LatestCounters().addInPlace(dict(once), once) == once
        True
        """
        value1.update(value2)
        return value1


@dataclass(frozen=True)
class Task:
    """The mappers, or the reducers, of one step of a job."""

    module: str
    name: str
    """The job's class, and a name for its module."""
    script: str | None
    """Its file, where tasks see that; else the module is among what Spark brings them."""
    arguments: list[str]
    step: int
    kind: str
    counted: Accumulator[dict[Name, Counters]]
    folder: str
    """Of the output."""

    def lines(self, number: int, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The lines that task `number` makes of these."""
        with TemporaryFile() as file:
            self._run(number, lines, file)
            file.seek(0)
            yield from file

    def write_part(self, number: int, lines: Iterable[bytes]) -> Iterator[str]:
        """Writes what task `number` makes of these lines as a part of the output, whole or not at all; its name.

        Each attempt writes a file of its own and gives it the part's name by one rename. If two attempts do, they wrote
        the same. Where the folder is not seen, or gone, nothing is written, and the driver misses the part.
        """
        context = TaskContext.get()
        assert context is not None
        folder, name = Path(self.folder), f"part-{number:05d}"
        if folder.is_dir():
            attempt = folder / f"{ATTEMPT}{context.taskAttemptId()}"
            with attempt.open("wb") as file:
                self._run(number, lines, file)
            attempt.replace(folder / name)
        yield name

    def _run(self, number: int, lines: Iterable[bytes], stdout: Any) -> None:
        counters: Counters = {}

        def increment_counter(group: str, counter: str, amount: int = 1) -> None:
            counted = counters.setdefault(group, {})
            counted[counter] = counted.get(counter, 0) + amount

        os.environ[OPENS_INPUTS] = "1"
        os.environ |= of_this_task(number, self.folder)
        job = self._job_class()([f"--{self.kind}", f"--step-num={self.step}", *self.arguments])
        job.increment_counter = increment_counter
        with open(os.devnull, "wb") as stderr:  # Spark does not ask tasks for progress
            job.sandbox(_Lines(lines), stdout, stderr)
            job.execute()
        self.counted.add({(self.step, self.kind, number): counters})

    def _job_class(self) -> Any:
        if self.script is not None and self.module not in sys.modules:
            spec = spec_from_file_location(self.module, self.script)
            assert spec is not None and spec.loader is not None
            sys.modules[self.module] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[self.module])
        return getattr(import_module(self.module), self.name)


class _Lines:
    """Standard input of a task."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._lines)

    def read(self, size: int = -1) -> bytes:
        """Nothing: a task with an error reads on, for Hadoop's sake; Spark does not need that."""
        return b""
