"""`-r spark`: mrjob's Spark runner over windrow's splits, with Spark's own secondary sort.

mrjob's harness groups a symbol's records with `groupBy`, which holds them all in memory. Here
`repartitionAndSortWithinPartitions` sends each line to the reducer of its symbol and sorts there by symbol and time,
on disk if there are many lines; a reducer reads a stream.

This process is Spark's driver. Errors in the input come back in counters, as from Hadoop: they would recur at every
attempt.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrjob.spark.runner import SparkMRJobRunner

from sort_keys.shuffle import partition
from windrow.console.meter import Meter, ticking
from windrow.errors import OutputError, UsageError
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import Counters, SparkAdapter
from windrow.runners.pack import zip_own_packages
from windrow.runners.simulated import ReadsHere, plan_tasks
from windrow.runners.spark_driver import check_installed, started

if TYPE_CHECKING:
    from pyspark import RDD, Accumulator, SparkContext

    from windrow.runners.spark_tasks import Name, Task

_KINDS = ("mapper", "reducer")
#: Options of Spark's that windrow sets unless the user does.
_OPTIONS = {
    "spark.python.worker.memory": "192m",  # above this, imports included, a reducer's worker sorts on disk
    "spark.ui.showConsoleProgress": "false",
}
#: The same if all of Spark runs on this machine: nothing outside has to reach it.
_LOCAL_OPTIONS = {
    # Blocks pass through the JVM as bytes: a second compiler tier costs more time than it saves.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}


class SparkRunner(ReadsHere, SparkAdapter, SparkMRJobRunner):
    """mrjob's Spark runner; tasks open inputs and write parts themselves, in folders that all of them can access."""

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        check_installed()
        super().__init__(launch, **kwargs)
        self._cores = 1
        if self.deploy_mode != "client":
            raise UsageError(
                f"--spark-deploy-mode {self.deploy_mode}: Spark's driver runs in this process; leave it out"
            )
        if self.most_output_files:
            raise UsageError(
                f"--max-output-files {self.most_output_files}: each reducer writes one file; use"
                f" -D mapreduce.job.reduces={self.most_output_files} instead"
            )

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """A run that fails leaves nothing behind."""
        return {"cleanup_on_failure": ["ALL"]}

    def more_python_files(self) -> list[str]:
        """The packages of windrow."""
        return [str(zip_own_packages(self.scratch / "windrow.zip"))]

    def usual_reducers(self) -> int:
        """One per core."""
        return self._cores

    def run_steps(self) -> list[Counters]:
        """Runs all steps as one Spark job; returns the counters of each."""
        log = None if self.launch.verbose else self.scratch / "spark.log"
        Path(self.output).mkdir(parents=True, exist_ok=True)  # once: what is removed from here on is missed
        with started(self._submit_arguments(), self._environment(), log) as spark:
            parts, counters = self._run_steps(spark)
        self._check_parts(parts)
        return counters

    def _submit_arguments(self) -> list[str]:
        """Options of spark-submit; the last of several with the same name counts."""
        local = {**_LOCAL_OPTIONS, "spark.local.dir": str(self.scratch)} if self.runs_here else {}
        options = [f"--conf={name}={value}" for name, value in {**_OPTIONS, **local}.items()]
        return ["--name", self.job_key, *options, *self.submit_arguments()]

    def _environment(self) -> dict[str, str]:
        """Sets the Python of the tasks and, on this machine, its import path, which is this process's."""
        seen = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if self.runs_here else {}
        return {"PYSPARK_PYTHON": " ".join(self.task_python()), **seen}

    def _run_steps(self, spark: "SparkContext") -> tuple[list[str], list[Counters]]:
        """The names of the output's parts, and the counters of each step."""
        from windrow.runners.spark_tasks import LatestCounters

        counted: Accumulator[dict[Name, Counters]] = spark.accumulator({}, LatestCounters())
        self._cores = spark.defaultParallelism
        tasks = [
            self._task(number, kind, counted)
            for number, kinds in enumerate(self.steps_described)
            for kind in _KINDS
            if kind in kinds
        ]
        lines = self._planned(spark)
        for task in tasks:
            lines = sort_by_key(lines, self.reducers(task.step)) if task.kind == "reducer" else lines
            lines = lines.mapPartitionsWithIndex(task.write_part if task is tasks[-1] else task.lines)
        with _shown(spark, counted, self.launch.meter):
            parts: list[str] = lines.collect()
        return parts, [summed(counted.value, number) for number in range(self.step_count)]

    def _task(self, number: int, kind: str, counted: "Accumulator[dict[Name, Counters]]") -> "Task":
        from windrow.runners.spark_tasks import Task

        script = self.script if self.runs_here else None
        return Task(self.job_module, self.job_name, script, self.job_arguments(), number, kind, counted, self.output)

    def _planned(self, spark: "SparkContext") -> "RDD[Any]":
        """What each mapper of the first step opens, one line per mapper."""
        planned = plan_tasks(self.inputs, self._cores, self.versions, self.whole)
        tasks = [json.dumps(task).encode() + b"\n" for task in planned]
        return spark.parallelize(tasks, len(tasks))

    def _check_parts(self, parts: Sequence[str]) -> None:
        """Removes what failed attempts left; raises OutputError if a part is not visible from here."""
        from windrow.runners.spark_tasks import ATTEMPT

        folder = Path(self.output)
        for leftover in folder.glob(f"{ATTEMPT}*"):
            leftover.unlink()
        missing = [part for part in parts if not (folder / part).exists()]
        if missing:
            raise OutputError(
                f"{folder}: {len(missing)} of {len(parts)} parts are missing: tasks on other machines do not see this"
                " folder, or something removes files there; give --output-dir, or --spark-tmp-dir if output is printed,"
                " in a folder that all machines share"
            )


@contextmanager
def _shown(spark: "SparkContext", counted: "Accumulator[dict[Name, Counters]]", meter: Meter) -> Iterator[None]:
    """Shows how far Spark is, by its tasks: of those that have ended it knows what they counted."""
    stages: list[int] = []

    def look() -> None:
        for number in spark.statusTracker().getActiveStageIds():
            found = spark.statusTracker().getStageInfo(number)
            if found is None:
                continue
            if number not in stages:
                stages.append(number)
                meter.begin(f"Spark, stage {len(stages)}", total=found.numTasks)
            bars = sum(group.get("bars", 0) for of in dict(counted.value).values() for group in of.values())
            text = f"{found.numCompletedTasks:,} of {found.numTasks:,} tasks"
            meter.at(found.numCompletedTasks, f"{text}, {bars:,} bars read" if bars else text)

    with ticking(meter, look):
        yield


def sort_by_key(lines: "RDD[bytes]", reducers: int) -> "RDD[bytes]":
    """Lines, each at the reducer of its symbol, sorted there as whole lines, which begin with symbol and time."""
    pairs = lines.map(lambda line: (line, None))
    return pairs.repartitionAndSortWithinPartitions(reducers, partial(partition, reducers=reducers)).keys()


def summed(counted: "Mapping[Name, Counters]", step: int) -> Counters:
    """The summed counters of a step's tasks.

    >>> summed({(0, "mapper", 0): {"g": {"n": 1}}, (0, "reducer", 0): {"g": {"n": 2}}, (1, "mapper", 0): {}}, 0)
    {'g': {'n': 3}}
    """
    groups: dict[str, Counter[str]] = {}
    for (number, _, _), counters in counted.items():
        for group, amounts in counters.items() if number == step else ():
            groups.setdefault(group, Counter()).update(amounts)
    return {group: dict(amounts) for group, amounts in groups.items()}


RUNNER = SparkRunner
