"""Runs a command and tells its wall time, its CPU time and the peak memory of all its processes together.

    python benchmarks/measure.py [--memory] COMMAND...

All descendants count, those too that outlive their parents, as the JVM that PySpark starts: they become children of
this process, which waits for them. Watching memory takes time of a core, so what is timed runs without.
"""

import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.02
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Run:
    """Seconds of wall and CPU time, MB of memory at the peak (0 where nobody watched), and what the command said."""

    wall: float
    cpu: float
    memory: float
    said: str


def run(command, stdout=None, memory=True):
    """Runs a command line (a list) with its output to a file or nowhere; ends this program if that fails."""
    command = list(map(str, command))
    with tempfile.TemporaryDirectory() as folder, open(stdout or os.devnull, "wb") as out:
        told, said = Path(folder, "told"), Path(folder, "said")
        watched = [sys.executable, __file__, "--to", told, *(["--memory"] if memory else []), *command]
        with said.open("wb") as errors:
            status = subprocess.call(watched, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        text = said.read_text(errors="replace")
        if status:
            sys.exit(f"{' '.join(command)} failed:\n{text}")
        return Run(**json.loads(told.read_text()), said=text)


def watch(command, memory):
    """Runs a command as a child of this process until it and all its descendants have ended; its status and figures."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    peak = _Peak() if memory else None
    begin = time.perf_counter()
    process = subprocess.Popen(command)
    wall, status = 0.0, 0
    for ended, code in _ends():
        if ended == process.pid:
            wall, status = time.perf_counter() - begin, os.waitstatus_to_exitcode(code)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status, {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": peak.stop() if peak else 0.0}


def _ends():
    """The id and status of each child as it ends, until there is none."""
    while True:
        try:
            yield os.wait()
        except ChildProcessError:
            return


class _Peak:
    """Watches the memory of this process's descendants until stopped."""

    def __init__(self):
        import psutil

        self._process = psutil.Process()
        self._peak, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._done.wait(_EVERY):
            self._peak = max(self._peak, sum(map(_pss, self._process.children(recursive=True))))

    def stop(self):
        self._done.set()
        self._thread.join()
        return self._peak / 1e6


def _pss(process):
    """Bytes of a process's memory; pages that several share are divided among them."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0  # it has just ended


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memory", action="store_true", help="watch memory")
    parser.add_argument("--to", metavar="FILE", help="where the figures are written, as JSON (default: standard error)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    status, figures = watch(options.command, options.memory)
    if options.to:
        Path(options.to).write_text(json.dumps(figures))
    else:
        print(json.dumps(figures), file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
