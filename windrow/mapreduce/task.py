"""A running task: its input and output lines, its counts, and its progress."""

import os
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from windrow.console.meter import BARS, MODELS
from windrow.mapreduce.accounts import stopped_line
from windrow.mapreduce.counters import COUNTS, REFUSED, STOPPED
from windrow.mapreduce.reports import MOST, names_for_task, names_of
from windrow.runners.simulated import OWN_TASK

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: Seconds between two progress reports of a task.
_SECONDS = 3.0


class Task:
    """One mapper, combiner or reducer of a job, in its own process or in the submitter's."""

    def __init__(self, job: "BarJob") -> None:
        self._job = job
        self._reported_at = float("-inf")
        self._is_own = OWN_TASK in os.environ  # asked for often

    @property
    def stdin(self) -> BinaryIO:
        """Its input: lines of the shuffle, or a list of inputs to open."""
        return self._job.stdin  # type: ignore[no-any-return]  # mrjob's

    def write(self, lines: Iterable[bytes]) -> None:
        """Writes lines of output, each ending in LF."""
        self._job.stdout.writelines(lines)

    @property
    def stdout(self) -> BinaryIO:
        """Its output."""
        return self._job.stdout  # type: ignore[no-any-return]  # mrjob's

    def count(self, counts: Counter[str]) -> None:
        """Adds to the counters that the submitter sums over all tasks."""
        for name, amount in counts.items():
            if amount:
                self._job.increment_counter(COUNTS, name, int(amount))

    def report(self, group: str, text: str, most: int = MOST) -> None:
        """Sends a text to the submitter as at most so many names of counters: these reach it from any task."""
        for name in names_of(text, most):
            self._job.increment_counter(group, name)

    def refuse(self, text: str) -> None:
        """Reports what stopped this task of a cluster. A mapper tells a reducer; else each has its share of names."""
        self.count(Counter({STOPPED: 1}))
        if self._job.options.run_mapper and not self._job.map_only:
            self.write([stopped_line(text)])
        elif most := names_for_task():
            self.report(REFUSED, text, most)

    def show(self, status: str) -> None:
        """Reports progress to Hadoop every few seconds: Hadoop shows it, and ends tasks that stay silent."""
        if self._is_own:
            self._job.told(0)  # that it is alive
        elif monotonic() > self._reported_at + _SECONDS:
            self._reported_at = monotonic()
            self._job.set_status(status)

    def has_passed(self, lines: int) -> None:
        """Tells of lines between two steps that were passed on, or used."""
        self._job.told(lines, lines)

    def has_read(self, bars: int) -> None:
        """Tells of bars that a reducer has read and used."""
        if self._job.unit == BARS:
            self._job.told(bars / self._job.shards(), bars)
        elif self._job.unit != MODELS and self._has_larger:
            self._job.told(bars / self._job.shards())

    def has_done(self, bars: float, amount: int) -> None:
        """Tells of bars that a reducer has used, where they are those that it reads, and how much it has done."""
        if self._is_own:
            self._job.told(0 if self._has_larger else bars, amount)
        else:
            self.show(f"{self._job.unit} advance")

    @cached_property
    def _has_larger(self) -> bool:
        return bool(self._job.resamplings())
