"""Where jobs run: inline, local, hadoop, emr or spark.

Runners are thin subclasses of mrjob's, with the same options, steps and counters.

    inline.py           every task in this process
    local.py            one process per core, forked from this one, so that imports are paid for once
    hadoop.py           inputs on HDFS or here, outputs published there
    emr.py              inputs on S3 or here, a cluster of EMR, outputs published by copies within S3
    spark.py            Spark's secondary sort as the shuffle

    launch.py           what a runner takes besides mrjob's arguments
    simulated.py        what inline, local and spark share: tasks open their inputs; any number of reducers
    shuffle.py          the shuffle on one machine
    tasks.py            functions in forked processes
    streaming.py        what hadoop and emr share: code and inputs on their way to the tasks
    failures.py         why a step failed there
    emr_cluster.py      the cluster that emr starts
    emr_request.py      what is checked of the request for it before anything costs money
    spark_driver.py     Spark's JVM
    spark_tasks.py      what Spark's workers run
    pack.py             the tasks' environment as one file
    unpack.py           what that file runs
    mrjob_adapter.py    mrjob's private parts under public names
    compat.py           what mrjob imports and newer Pythons lack

mrjob's own runners read a truncated gzip as a shorter one and a concatenated one as its first member, both with exit 0.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, Self

import windrow.runners.compat  # noqa: F401  mrjob, which the modules here import, needs it
from windrow.feeds.density import Head
from windrow.storage.source import Version

#: The runners: each is a module here with a `RUNNER`, imported only when it is used.
NAMES = ("inline", "local", "hadoop", "emr", "spark")


class Runner(Protocol):
    """What runs a job: see mrjob's MRJobRunner, of which each is one."""

    #: Paths and URIs of the inputs, as tasks see them.
    inputs: list[str]
    #: The version of each input at submission, which tasks must read.
    versions: Mapping[str, Version]
    #: Numbers of the steps whose tasks write parts of the output themselves.
    steps_with_parts: tuple[int, ...]

    def __init__(self, **kwargs: Any) -> None: ...

    def find_inputs(
        self, arguments: Sequence[str], folder: Path, recursive: bool = False
    ) -> tuple[list[str], dict[str, Head]]:
        """The inputs that the arguments name, and copies in `folder` of the first part of those not readable here.

        Raises InputError.
        """

    def take_inputs(self, paths: Sequence[str], folder: Path, whole: Collection[str] = ()) -> dict[str, str]:
        """Sets the job's inputs; returns where each is for a task. `folder` is for files sent with the job.

        Of those in `whole` no range can be read on its own, by their form.
        """

    def take_tasks(self, lines: Sequence[str], folder: Path) -> None:
        """Sets, in place of inputs, what each mapper of the first step reads: a line. `folder` is for files sent.

        Of the runners inline, local and hadoop.
        """

    def take_steps(
        self, described: list[dict[str, Any]], with_parts: Iterable[int], units: Iterable[str], expected: float
    ) -> None:
        """Sets the job's steps; `with_parts` are the numbers of those whose tasks write parts themselves.

        `units` are what the reducers of each count, `expected` is how many rows there are, about.
        """

    def reducers(self, number: int) -> int:
        """How many reducers a step has."""

    def asked_reducers(self, number: int) -> int | None:
        """How many reducers a step has by its options; None if the cluster decides."""

    def publishing(self, output: str, description: dict[str, Any]) -> AbstractContextManager[object]:
        """Publishes what the job wrote as `output`, with its description; removes it if the block fails."""

    def keep(self, folder: TemporaryDirectory[str]) -> None:
        """Keeps a folder that tasks read from until the runner's cleanup."""

    def run(self) -> None:
        """Runs all steps. Raises what a task raised, or the reason why the cluster failed."""

    def counters(self) -> list[dict[str, dict[str, int]]]:
        """The counters of each step."""

    def get_output_dir(self) -> str:
        """Where the parts are."""

    def part_names(self) -> Sequence[str]:
        """Names of the files of the output, as written so far."""

    def cat_output(self) -> Iterator[bytes]:
        """The output's parts in order, in large pieces."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def on_this_machine(name: str) -> bool:
    """Whether a runner's tasks open inputs and write outputs themselves, in folders on this machine."""
    return name in ("inline", "local", "spark")


def find(name: str) -> type[Runner]:
    """The runner of one of NAMES."""
    runner: type[Runner] = import_module(f"windrow.runners.{name}").RUNNER
    return runner
