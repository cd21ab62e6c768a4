"""`-r local`: one task per core, forked from this process, over inputs that windrow opens."""

import os
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from mrjob.local import LocalMRJobRunner

from windrow.runners.mrjob_adapter import Invocation, LocalAdapter
from windrow.runners.simulated import OpensInputs
from windrow.runners.tasks import Reports, run_forked


class LocalRunner(OpensInputs, LocalAdapter, LocalMRJobRunner):
    """mrjob's local runner with forked tasks.

    What a fork cannot do (a `--setup` script, another interpreter, a command as a step) is left to mrjob, which starts
    an interpreter per task.
    """

    def forks(self) -> bool:
        """Whether tasks are forks of this process."""
        return self.launch.task is not None and not any(
            self.settings[name] for name in ("setup", "python_bin", "task_python_bin")
        )

    def invocation(self, step: int, kind: str) -> Invocation:
        """A function that runs a task in a fork."""
        make = self.launch.task
        assert make is not None, "asked for where tasks are forks"

        def invoke(stdin: Any, stdout: Any, stderr: Any, wd: str, env: dict[str, str]) -> None:
            os.environ.clear()
            os.environ.update(env)
            os.chdir(wd)
            sys.path.insert(0, wd)
            sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
            task = make(self.arguments_of(step, kind))
            if self._reports is not None:
                task.told = self._reports.add
            task.execute()

        return invoke

    #: In a fork, where how far it is is shown: by what it tells.
    _reports: Reports | None = None

    def _begins(self, reports: Reports) -> None:
        self._reports = reports

    def run_tasks(self, tasks: Iterable[Callable[[], None]]) -> None:
        """Runs as many tasks at a time as there are cores."""
        if self.forks():
            run_forked(tasks, self.cores(), self._import_for_reducers, self.launch.meter, self._begins)
        else:
            self.run_interpreters(tasks)

    def explain_failure(self, error: Exception) -> None:
        """Logs the standard error of a task that was an interpreter."""
        if not self.forks():
            super().explain_failure(error)

    def _import_for_reducers(self) -> None:
        """Imports what reducers need, once, while mappers run, for all that are forked later."""
        for name in self.launch.imports:
            import_module(name)


RUNNER = LocalRunner
