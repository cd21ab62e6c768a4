"""`-r local`: a task a core, forked from this process, over inputs that windrow opens."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from mrjob.job import MRJob
from mrjob.local import LocalMRJobRunner

from windrow.runners.splits import OpensInputs
from windrow.runners.tasks import run_forked


class LocalRunner(OpensInputs, LocalMRJobRunner):
    """mrjob's local runner with forked tasks.

    What a fork cannot give (a `--setup` script, another interpreter, a command as a step) is left to mrjob's own way,
    an interpreter a task.
    """

    def __init__(self, task: Callable[[list[str]], MRJob] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._task = task

    def _forks(self) -> bool:
        return self._task is not None and not any(
            self._opts[name] for name in ("setup", "python_bin", "task_python_bin")
        )

    def _bootstrap_mrjob(self) -> bool:
        # A fork has mrjob; to put it into an archive for other interpreters takes 40 ms.
        return not self._forks() and bool(super()._bootstrap_mrjob())

    def _invoke_task_func(self, task_type: str, step_num: int, task_num: int) -> Callable[..., None]:
        task = self._task
        if task is None or not self._forks() or self._get_step(step_num)[task_type]["type"] != "script":
            return super()._invoke_task_func(task_type, step_num, task_num)  # type: ignore[no-any-return]

        def invoke(stdin: Any, stdout: Any, stderr: Any, wd: str, env: dict[str, str]) -> None:
            os.environ.clear()
            os.environ.update(env)
            os.chdir(wd)
            sys.path.insert(0, wd)
            sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
            task(self._args_for_task(step_num, task_type)).execute()

        return invoke

    def _run_multiple(self, funcs: Iterable[Callable[[], None]], num_processes: int | None = None) -> None:
        if self._forks():
            run_forked(funcs, num_processes or self._num_cores(), self._tell, _import_for_reducers)
        else:
            super()._run_multiple(list(funcs), num_processes)

    def _log_cause_of_error(self, ex: Exception) -> None:
        if not self._forks():
            super()._log_cause_of_error(ex)


def _import_for_reducers() -> None:
    """What reducers write lines by: once, while mappers run, for all that are forked later."""
    import pyarrow.compute  # noqa: F401
