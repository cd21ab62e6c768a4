"""Runs functions in forked processes, a number of them at a time, and passes their errors back.

A fork of this process, which has imported everything, starts a task in a few milliseconds; a new interpreter would take
a hundred times that.
"""

import json
import signal
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from time import monotonic
from typing import Any

from windrow import errors
from windrow.console import refusal_of
from windrow.console.meter import TICK, Meter
from windrow.errors import WindrowError
from windrow.runners.launch import TaskError

_FORK = get_context("fork")
#: Seconds between two reports of a task.
_SECONDS = 0.2


class Reports:
    """What a task in a fork has done, added up, and passed on to the meter of the process that started it."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send = send
        self._read, self._done, self._sent = 0.0, 0, monotonic()

    def add(self, read: float, done: int = 0, names: Sequence[str] = ()) -> None:
        """Takes what `Meter.add` does."""
        self._read += read
        self._done += done
        if names or monotonic() > self._sent + _SECONDS:
            self.pass_on(names)

    def pass_on(self, names: Sequence[str] = ()) -> None:
        """Passes on what was not yet."""
        if self._read or self._done or names:
            self._send(json.dumps({"read": self._read, "done": self._done, "names": list(names)}).encode())
            self._read, self._done, self._sent = 0.0, 0, monotonic()


def run_forked(
    tasks: Iterable[Callable[[], None]],
    processes: int,
    meanwhile: Callable[[], None] | None = None,
    meter: Meter | None = None,
    begins: Callable[[Reports], None] | None = None,
) -> None:
    """Runs all tasks, at most `processes` at a time; returns when all have ended.

    This process calls `meanwhile` while the first tasks run, and then only waits. Where the `meter` is shown, each task
    begins with `begins`, which gets by what it reports to it. At the first failure the others are ended and the failure
    is raised here: a WindrowError unchanged, any other as TaskError.
    """
    metered = meter if meter is not None and meter.is_shown else None
    begins = begins if metered else None
    running: dict[Connection, ForkProcess] = {}  # by the pipe to which a task writes its error
    waiting = iter(tasks)
    try:
        while True:
            while len(running) < processes and (task := next(waiting, None)):
                reads, process = _start(task, begins)
                running[reads] = process
            if not running:
                return
            if meanwhile:
                meanwhile()
                meanwhile = None
            ready = wait(list(running), TICK if metered else None)
            for reads in [reads for reads in running if reads in ready]:
                sent = _received(reads)
                if metered and isinstance(sent, dict):
                    metered.add(**sent)
                else:
                    _reap(running.pop(reads), reads, sent)
            if metered:
                metered.tick()
    finally:
        for reads, process in running.items():
            process.terminate()
            process.join()
            process.close()
            reads.close()


def _start(task: Callable[[], None], begins: Callable[[Reports], None] | None) -> tuple[Connection, ForkProcess]:
    reads, writes = _FORK.Pipe(duplex=False)
    # Until the child has its own handlers, the parent's would show a traceback there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        process = _FORK.Process(target=_run, args=(task, writes, before, begins))
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    writes.close()
    return reads, process


def _run(
    task: Callable[[], None], writes: Connection, mask: Collection[int], begins: Callable[[Reports], None] | None
) -> None:
    """Runs the task, in its own process, with signals held back as `mask` says."""
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent gets them too, and ends its children
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    reports = Reports(writes.send_bytes)
    try:
        if begins:
            begins(reports)
        task()
        reports.pass_on()
    except BaseException as caught:
        error = (refusal_of(caught) if isinstance(caught, OSError) else None) or caught
        kind = type(error).__name__ if isinstance(error, WindrowError) else ""
        writes.send_bytes(json.dumps([kind, str(error) if kind else traceback.format_exc()]).encode())


def _received(reads: Connection) -> Any:
    """What a task has sent: a report, or its error; None at its end."""
    try:
        return json.loads(reads.recv_bytes())
    except (EOFError, OSError):  # it was killed, perhaps within a word
        return None


def _reap(process: ForkProcess, reads: Connection, sent: list[str] | None) -> None:
    """Waits for a task that has ended. Raises the error that it sent, or how it was ended."""
    reads.close()
    process.join()
    code = process.exitcode or 0
    process.close()
    if code < 0:
        raise TaskError(
            f"a task was killed by signal {-code} ({signal.Signals(-code).name}); if nobody sent it, memory ran out;"
            " run fewer tasks at a time with --num-cores, or make each hold less with --slot"
        )
    if sent:
        kind, text = sent
        raise getattr(errors, kind)(text) if kind else TaskError(text)
    if code:
        raise TaskError(f"a task exited with status {code} and reported nothing")
