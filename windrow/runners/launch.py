"""Launch: what windrow's runners take besides mrjob's own arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from windrow.console.meter import Meter


class TaskError(Exception):
    """A task failed with an unexpected error; `str()` is its traceback."""


class RunnableTask(Protocol):
    """A job that is set up to run one of its tasks."""

    told: Callable[..., Any]
    """Takes what the task has read and done since it was called last: `Meter.add`, or what passes that on."""

    def execute(self) -> None:
        """Runs it."""


@dataclass(frozen=True)
class Launch:
    """How a run is started."""

    task: Callable[[list[str]], RunnableTask] | None = None
    """Makes a task of the job from its arguments, in this process or a fork; None: each task is an interpreter."""
    environment: str | None = None
    """A packed environment that tasks on a cluster run in."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment of tasks on a cluster, where the user sets nothing else."""
    imports: tuple[str, ...] = ()
    """Modules that reducers import; where they are forks they are imported once, while mappers run."""
    quiet: bool = False
    """Whether to report nothing about the cluster."""
    verbose: bool = False
    """Whether to show Spark's own output."""
    force: bool = False
    """Whether an output of a job that is there is replaced."""
    meter: Meter = field(default_factory=lambda: Meter(wanted=False))
    """What shows how far the run is."""
