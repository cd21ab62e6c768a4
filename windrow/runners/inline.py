"""`-r inline`: every task in this process, one after another; the way to debug a job, and exact like the others."""

from collections.abc import Callable, Iterable
from typing import Any

from mrjob.inline import InlineMRJobRunner
from mrjob.job import MRJob

from windrow.runners.splits import OpensInputs


class InlineRunner(OpensInputs, InlineMRJobRunner):
    """mrjob's inline runner over inputs that windrow opens."""

    def __init__(self, task: Callable[[list[str]], MRJob], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._mrjob_cls = task  # what mrjob makes tasks by

    def _run_multiple(self, funcs: Iterable[Callable[[], None]], num_processes: int | None = None) -> None:
        for task in funcs:
            task()
            self._tell(1)

    def _num_cores(self) -> int:
        return 1

    def _log_cause_of_error(self, ex: Exception) -> None:
        """Nothing: the error itself names its input."""
