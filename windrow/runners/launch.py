"""Launch: what windrow's runners take beside mrjob's own arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class RunnableTask(Protocol):
    """A job that is to run one of its tasks."""

    def execute(self) -> None:
        """Runs it."""


@dataclass(frozen=True)
class Launch:
    """How a run is started."""

    task: Callable[[list[str]], RunnableTask] | None = None
    """Makes a task of the job from its arguments, in this process or a fork; None: tasks are interpreters."""
    environment: str | None = None
    """A packed environment that tasks on a cluster run in."""
    quiet: bool = False
    """Whether nothing is said of what a cluster does."""
    verbose: bool = False
    """Whether all is shown that Spark says."""
    shows_progress: bool = False
    """Whether long work shows a bar on the terminal."""
