"""Runs functions in forked processes, a number of them at a time, and passes their errors back.

A fork of this process, which has imported everything, starts a task in a few milliseconds; a new interpreter would take
a hundred times that.
"""

import json
import signal
import traceback
from collections.abc import Callable, Collection, Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from windrow import errors
from windrow.console import refusal_of
from windrow.errors import WindrowError

_FORK = get_context("fork")


class TaskError(Exception):
    """A task failed with an unexpected error; `str()` is its traceback."""


def run_forked(
    tasks: Iterable[Callable[[], None]],
    processes: int,
    done: Callable[[int], object] = int,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    """Runs all tasks, at most `processes` at a time, and calls `done` for each; returns when all have ended.

    This process calls `meanwhile` while the first tasks run, and then only waits. At the first failure the others
    are ended and the failure is raised here: a WindrowError unchanged, any other as TaskError.
    """
    running: dict[Connection, ForkProcess] = {}  # by the pipe to which a task writes its error
    waiting = iter(tasks)
    try:
        while True:
            while len(running) < processes and (task := next(waiting, None)):
                reads, process = _start(task)
                running[reads] = process
            if not running:
                return
            if meanwhile:
                meanwhile()
                meanwhile = None
            ready = wait(list(running))
            for reads in [reads for reads in running if reads in ready]:
                _reap(running.pop(reads), reads)
                done(1)
    finally:
        for reads, process in running.items():
            process.terminate()
            process.join()
            process.close()
            reads.close()


def _start(task: Callable[[], None]) -> tuple[Connection, ForkProcess]:
    reads, writes = _FORK.Pipe(duplex=False)
    # Until the child has its own handlers, the parent's would show a traceback there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        process = _FORK.Process(target=_run, args=(task, writes, before))
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    writes.close()
    return reads, process


def _run(task: Callable[[], None], writes: Connection, mask: Collection[int]) -> None:
    """Runs the task, in its own process, with signals held back as `mask` says."""
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent gets them too, and ends its children
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        task()
    except BaseException as caught:
        error = (refusal_of(caught) if isinstance(caught, OSError) else None) or caught
        kind = type(error).__name__ if isinstance(error, WindrowError) else ""
        writes.send_bytes(json.dumps([kind, str(error) if kind else traceback.format_exc()]).encode())


def _reap(process: ForkProcess, reads: Connection) -> None:
    """Waits for a task that has ended. Raises the error that it sent, or how it was ended."""
    with reads:
        try:
            sent = reads.recv_bytes()
        except EOFError:  # it sent nothing
            sent = b""
    process.join()
    code = process.exitcode or 0
    process.close()
    if code < 0:
        raise TaskError(
            f"a task was killed by signal {-code} ({signal.Signals(-code).name}); if nobody sent it, memory ran out;"
            " run fewer tasks at a time with --num-cores, or make each hold less with --slot"
        )
    if sent:
        kind, text = json.loads(sent)
        raise getattr(errors, kind)(text) if kind else TaskError(text)
    if code:
        raise TaskError(f"a task exited with status {code} and reported nothing")
