"""`-r inline`: every task in this process, one after another; the way to debug a job."""

from collections.abc import Callable, Iterable

from mrjob.inline import InlineMRJobRunner

from windrow.runners.mrjob_adapter import InlineAdapter
from windrow.runners.simulated import OpensInputs


class InlineRunner(OpensInputs, InlineAdapter, InlineMRJobRunner):
    """mrjob's inline runner over inputs that windrow opens."""

    def run_tasks(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Runs tasks in order."""
        for task in tasks:
            task()

    def cores(self) -> int:
        """One."""
        return 1


RUNNER = InlineRunner
