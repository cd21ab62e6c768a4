"""Launch: what windrow's runners take besides mrjob's own arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class RunnableTask(Protocol):
    """A job that is set up to run one of its tasks."""

    def execute(self) -> None:
        """Runs it."""


@dataclass(frozen=True)
class Launch:
    """How a run is started."""

    task: Callable[[list[str]], RunnableTask] | None = None
    """Makes a task of the job from its arguments, in this process or a fork; None: each task is an interpreter."""
    environment: str | None = None
    """A packed environment that tasks on a cluster run in."""
    imports: tuple[str, ...] = ()
    """Modules that reducers import; where they are forks they are imported once, while mappers run."""
    quiet: bool = False
    """Whether to report nothing about the cluster."""
    verbose: bool = False
    """Whether to show Spark's own output."""
    shows_progress: bool = False
    """Whether long work shows a progress bar on the terminal."""
