"""Runs a command and tells its wall time, its CPU time and the peak memory of all its processes together.

    python benchmarks/measure.py [--memory] [--out OUTPUT] COMMAND...

All descendants count, those too that outlive their parents, as the JVM that PySpark starts: they become children of
this process, which waits for them. Watching memory takes time of a core, so what is timed runs without. Watching an
output, a file or a folder, takes none to speak of; it tells when the first line could be read there.
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
#: Seconds between two looks at an output.
_LOOK_EVERY = 0.005
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Run:
    """What a command took, and what it said.

    Seconds of wall and CPU time, MB of memory at the peak (0 where nobody watched), and seconds to the first line of
    the output (None where nobody watched, or there is no line).
    """

    wall: float
    cpu: float
    memory: float
    first: float | None
    said: str


def run(command, stdout=None, memory=True, out=None):
    """Runs a command line (a list), its standard output to a file or nowhere; ends this program if that fails.

    `out` is where the command itself writes, to be watched for its first line.
    """
    command = list(map(str, command))
    with tempfile.TemporaryDirectory() as folder, open(stdout or os.devnull, "wb") as printed:
        told, said = Path(folder, "told"), Path(folder, "said")
        options = [*(["--memory"] if memory else []), *(["--out", out] if out else [])]
        watched = [sys.executable, __file__, "--to", told, *options, *command]
        with said.open("wb") as errors:
            status = subprocess.call(watched, stdin=subprocess.DEVNULL, stdout=printed, stderr=errors)
        text = said.read_text(errors="replace")
        if status:
            sys.exit(f"{' '.join(command)} failed:\n{text}")
        return Run(**json.loads(told.read_text()), said=text)


def watch(command, memory, out=None):
    """Runs a command as a child of this process until it and all its descendants have ended; its status and figures."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    peak = _Peak() if memory else None
    begin = time.perf_counter()
    first = _First(out, begin) if out else None
    process = subprocess.Popen(command)
    wall, status = 0.0, 0
    for ended, code in _ends():
        if ended == process.pid:
            wall, status = time.perf_counter() - begin, os.waitstatus_to_exitcode(code)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return status, {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": peak.stop() if peak else 0.0,
        "first": first.stop(wall) if first else None,
    }


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


class _First:
    """Looks at an output until there is a byte to be read, or until stopped."""

    def __init__(self, out, begin):
        self._out, self._begin, self._seconds = Path(out), begin, None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        while not self._done.wait(_LOOK_EVERY):
            if has_text(self._out):
                self._seconds = time.perf_counter() - self._begin
                return

    def stop(self, wall):
        """Seconds to the first byte; `wall` if it came after the last look."""
        self._done.set()
        self._thread.join()
        if self._seconds is None:
            return wall if has_text(self._out) else None
        return min(self._seconds, wall)


def has_text(out):
    """Whether a file, or a part in a folder, holds anything; what begins with _ or . is not yet, or never, output."""
    try:
        if not out.is_dir():
            return out.stat().st_size > 0
        with os.scandir(out) as parts:
            return any(part.name[0] not in "_." and has_text(Path(part)) for part in parts)
    except OSError:
        return False  # it is not there yet, or has just been renamed


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
    parser.add_argument("--out", metavar="OUTPUT", help="where the command writes: watch it for the first line")
    parser.add_argument("--to", metavar="FILE", help="where the figures are written, as JSON (default: standard error)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    status, figures = watch(options.command, options.memory, options.out)
    if options.to:
        Path(options.to).write_text(json.dumps(figures))
    else:
        print(json.dumps(figures), file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
