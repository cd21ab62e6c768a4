"""Runs a command and tells its wall time, CPU time and the peak memory of all its processes."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

_EVERY = 0.02


@dataclass(frozen=True)
class Run:
    """Seconds of wall and CPU time, and MB of memory at the peak."""

    wall: float
    cpu: float
    memory: float


def run(command, stdin=None, stdout=None):
    """Runs a command line (a list), its output to a file or nowhere."""
    with open(stdin or os.devnull, "rb") as reads, open(stdout or os.devnull, "wb") as writes:
        begin = time.perf_counter()
        process = psutil.Popen(command, stdin=reads, stdout=writes, stderr=subprocess.PIPE)
        peak = _Peak(process)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{said.decode()}")
    return Run(wall, usage.ru_utime + usage.ru_stime, peak.stop())


def alternate(commands, times):
    """Runs several commands in turn, `times` each; the runs of each by name."""
    runs = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            runs[name].append(run(command))
    return runs


def medians(runs):
    """The medians of several runs of one command."""
    return Run(*(median(getattr(one, part) for one in runs) for part in ("wall", "cpu", "memory")))


class _Peak:
    """Watches the memory of a process and its descendants until stopped."""

    def __init__(self, process):
        self._process, self._peak, self._done = process, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._done.wait(_EVERY):
            self._peak = max(self._peak, _memory(self._process))

    def stop(self):
        self._done.set()
        self._thread.join()
        return self._peak / 1e6


def _memory(process):
    try:
        return sum(map(_pss, [process, *process.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return 0


def _pss(process):
    """Bytes of a process's memory; pages that several share are divided among them."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0  # it has just ended
