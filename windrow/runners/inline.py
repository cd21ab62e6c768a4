"""`-r inline`: every task in this process, one after another; the way to debug a job, and exact like the others."""

from collections.abc import Callable, Iterable

from mrjob.inline import InlineMRJobRunner

from windrow.runners.splits import OpensInputs


class InlineRunner(OpensInputs, InlineMRJobRunner):
    """mrjob's inline runner over inputs that windrow opens."""

    def _run_multiple(self, funcs: Iterable[Callable[[], None]], num_processes: int | None = None) -> None:
        for task in funcs:
            task()
            self._tell(1)

    def _num_cores(self) -> int:
        return 1

    def _log_cause_of_error(self, ex: Exception) -> None:
        """Nothing: the error itself names its input."""
