"""`-r spark`: mrjob's Spark runner over windrow's splits, with Spark's own secondary sort.

mrjob's harness brings a symbol's records together by `groupBy`, which holds them all in memory. Here
`repartitionAndSortWithinPartitions` sends each line to the reducer of its symbol and sorts there by symbol and time, on
disk where lines are many; a reducer reads a stream.

This process is Spark's driver. What a task refuses comes back by counters, as from Hadoop: it would be refused again at
every attempt.
"""

import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mrjob.spark.runner import SparkMRJobRunner

from sort_keys.shuffle import partition
from windrow.errors import OutputError, UsageError
from windrow.runners.pack import zip_own_packages
from windrow.runners.spark_driver import check_installed, started
from windrow.runners.splits import OpensInputs, plan_tasks

_KINDS = ("mapper", "reducer")
#: Options of Spark's that are windrow's to choose, where the user does not.
_OPTIONS = {
    "spark.python.worker.memory": "192m",  # above it, its imports included, a reducer's worker sorts on disk
    "spark.ui.showConsoleProgress": "false",
}
#: The same, where all of Spark runs on this machine: nobody outside has to reach it.
_LOCAL_OPTIONS = {
    # Blocks pass through the JVM as bytes: compiling it twice takes more time than it saves.
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
}


class SparkRunner(OpensInputs, SparkMRJobRunner):
    """mrjob's Spark runner; tasks open inputs and write parts themselves, in folders that all of them see."""

    def __init__(self, verbose: bool = False, **kwargs: Any) -> None:
        check_installed()
        super().__init__(**kwargs)
        self._verbose = verbose
        self._cores = 1
        if self._spark_deploy_mode() != "client":
            raise UsageError(
                f"--spark-deploy-mode {self._spark_deploy_mode()}: Spark's driver is this process; leave it out"
            )
        if self._max_output_files:
            raise UsageError(
                f"--max-output-files {self._max_output_files}: a reducer writes one file; give"
                f" -D mapreduce.job.reduces={self._max_output_files} instead"
            )

    def _is_local(self) -> bool:
        """Whether tasks run on this machine, beside this process."""
        return not self._spark_executors_have_own_wd()

    def _default_python_bin(self, local: bool = False) -> list[str]:
        return super()._default_python_bin(local or self._is_local())  # type: ignore[no-any-return]

    def _pick_spark_tmp_dir(self) -> str:
        """Where output lies that is only printed: among the job's other temporary files, with which it goes."""
        return str(Path(self._opts["spark_tmp_dir"] or self._get_local_tmp_dir(), f"{self._job_key}-spark"))

    def _cleanup_local_tmp(self) -> None:
        shutil.rmtree(self._spark_tmp_dir, ignore_errors=True)
        super()._cleanup_local_tmp()

    def _py_files(self) -> list[str]:
        """What tasks import and do not find: where they run on other machines that is the job, its packages, mrjob."""
        if self._is_local():
            return list(self._opts["py_files"])
        return [*super()._py_files(), str(zip_own_packages(Path(self._get_local_tmp_dir()) / "windrow.zip"))]

    def _add_input_files_for_upload(self) -> None:
        """Nothing: tasks open the inputs where they are."""

    def _num_cores(self) -> int:
        return self._cores

    def _run(self) -> None:
        self._create_setup_wrapper_scripts()
        self._upload_local_files()
        folder = Path(self._get_local_tmp_dir())
        log = None if self._verbose else folder / "spark.log"
        with started(self._submit_arguments(folder), self._environment(), log) as spark:
            parts = self._run_steps(spark)
        self._check_parts(parts)

    def _submit_arguments(self, folder: Path) -> list[str]:
        """Options of spark-submit; of two of one name the last one counts."""
        local = {**_LOCAL_OPTIONS, "spark.local.dir": str(folder)} if self._is_local() else {}
        options = [f"--conf={name}={value}" for name, value in {**_OPTIONS, **local}.items()]
        return ["--name", self._job_key, *options, *self._spark_submit_args(0)]

    def _environment(self) -> dict[str, str]:
        """What tells Spark which Python runs the tasks, and, on this machine, what that imports: what this one does."""
        seen = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} if self._is_local() else {}
        return {"PYSPARK_PYTHON": " ".join(self._task_python_bin()), **seen}

    def _run_steps(self, spark: Any) -> list[str]:
        """Runs all steps as one job of Spark's; returns the names of the output's parts."""
        from windrow.runners.spark_tasks import LastTold

        told = spark.accumulator({}, LastTold())
        self._cores = spark.defaultParallelism
        tasks = [
            self._task(step, kind, told)
            for step, kinds in enumerate(self._get_steps())
            for kind in _KINDS
            if kind in kinds
        ]
        lines = self._planned(spark)
        for task in tasks:
            lines = sort_by_key(lines, self._num_reducers(task.step)) if task.kind == "reducer" else lines
            lines = lines.mapPartitionsWithIndex(task.write_part if task is tasks[-1] else task.lines)
        parts: list[str] = lines.collect()
        self._counters = [summed(told.value, step) for step in range(self._num_steps())]
        return parts

    def _task(self, step: int, kind: str, told: Any) -> Any:
        from windrow.runners.spark_tasks import Task

        arguments = self._mr_job_extra_args(local=self._is_local())
        script = self._script_path if self._is_local() else None
        name = self._mrjob_cls.__name__
        return Task(self._job_script_module_name(), name, script, arguments, step, kind, told, self._output_dir)

    def _planned(self, spark: Any) -> Any:
        """What each mapper of the first step is to open, a line a mapper."""
        tasks = [json.dumps(task).encode() + b"\n" for task in plan_tasks(self._get_input_paths(), self._cores)]
        return spark.parallelize(tasks, len(tasks))

    def _check_parts(self, parts: Sequence[str]) -> None:
        """Removes what failed attempts left, and fails where a part is not to be seen from here."""
        from windrow.runners.spark_tasks import ATTEMPT

        folder = Path(self._output_dir)
        for left in folder.glob(f"{ATTEMPT}*"):
            left.unlink()
        missing = [part for part in parts if not (folder / part).exists()]
        if missing:
            raise OutputError(
                f"{folder}: {len(missing)} of {len(parts)} parts are not there: tasks wrote them on other machines;"
                " give --output-dir, or --spark-tmp-dir for output that is printed, in a folder that all machines share"
            )


def sort_by_key(lines: Any, reducers: int) -> Any:
    """Lines, each at the reducer of its symbol, sorted there by all of the line, which begins with symbol and time."""
    pairs = lines.map(lambda line: (line, None))
    return pairs.repartitionAndSortWithinPartitions(reducers, partial(partition, reducers=reducers)).keys()


def summed(
    told: Mapping[tuple[int, str, int], Mapping[str, Mapping[str, int]]], step: int
) -> dict[str, dict[str, int]]:
    """The counters of a step's tasks, added up.

    >>> summed({(0, "mapper", 0): {"g": {"n": 1}}, (0, "reducer", 0): {"g": {"n": 2}}, (1, "mapper", 0): {}}, 0)
    {'g': {'n': 3}}
    """
    groups: dict[str, Counter[str]] = {}
    for (number, _, _), counters in told.items():
        for group, counted in counters.items() if number == step else ():
            groups.setdefault(group, Counter()).update(counted)
    return {group: dict(counted) for group, counted in groups.items()}
