"""Runs functions in forked processes, so many at a time, and brings their errors back.

A fork of this process, which has imported everything, starts a task in 2 ms; an interpreter of its own would need some
hundred times that.
"""

import json
import os
import select
import signal
import traceback
from collections.abc import Callable, Iterable
from typing import NoReturn

from windrow import errors
from windrow.errors import WindrowError


class TaskError(Exception):
    """A task failed by an error that windrow does not foresee; `str()` is its traceback."""


def run_forked(
    tasks: Iterable[Callable[[], None]],
    processes: int,
    done: Callable[[int], object] = int,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Runs all tasks, at most `processes` at a time, telling `done` of each; returns when all are.

    This process does nothing but wait, once it has done `meanwhile` beside the first tasks.
    At the first failure the tasks under way are ended and the failure is raised here: a WindrowError as it was, any
    other as TaskError.
    """
    running: dict[int, int] = {}  # where a task writes its error -> its process id
    waiting = iter(tasks)
    try:
        while True:
            while len(running) < processes and (task := next(waiting, None)):
                process, reads = _fork(task)
                running[reads] = process
            if not running:
                return
            if meanwhile:
                meanwhile()
                meanwhile = None
            for reads in select.select(list(running), [], [])[0]:
                _reap(running.pop(reads), reads)
                done(1)
    finally:
        _end(running)


def _fork(task: Callable[[], None]) -> tuple[int, int]:
    reads, writes = os.pipe()
    process = os.fork()
    if not process:
        os.close(reads)
        _run_in_child(task, writes)
    os.close(writes)
    return process, reads


def _run_in_child(task: Callable[[], None], writes: int) -> NoReturn:
    """Runs the task and leaves at once: what this process inherited (buffers, exit handlers) is its parent's to end."""
    status = 0
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears of it too, and ends its children
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        task()
    except BaseException as error:
        status = 1
        kind = type(error).__name__ if isinstance(error, WindrowError) else ""
        text = str(error) if kind else traceback.format_exc()
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(json.dumps([kind, text]).encode())
    finally:
        os._exit(status)


def _reap(process: int, reads: int) -> None:
    """Takes a task's end: its pipe has said all once its process is gone."""
    with os.fdopen(reads, "rb") as pipe:
        told = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code < 0:
        raise TaskError(
            f"a task was ended by signal {-code} ({signal.Signals(-code).name}); if nobody sent it, memory ran out:"
            " run fewer tasks at a time by --num-cores, or hold less by --slot"
        )
    if told:
        kind, text = json.loads(told)
        raise getattr(errors, kind)(text) if kind else TaskError(text)
    if code:
        raise TaskError(f"a task left with status {code} and said nothing")


def _end(running: dict[int, int]) -> None:
    for reads, process in running.items():
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        os.close(reads)
