"""Bars for attacks, the lines that a job makes of them by integer arithmetic, and the job, in a process of its own."""

import gzip
import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import zstandard

ROOT = Path(__file__).parents[2]
FORMATS = ("csv", "csv.gz", "csv.zst", "parquet")
START = pd.Timestamp("2024-01-01T00:00:00Z")
#: A row: symbol, minute since START, price in cents.
Rows = list[tuple[str, int, int]]


def make_rows(chance: random.Random, symbols: int, bars: int, prefix: str = "S") -> Rows:
    """Bars of symbols, by time."""
    return [
        (f"{prefix}{number}", minute, chance.randint(1, 99_999)) for minute in range(bars) for number in range(symbols)
    ]


def to_bytes(rows: Rows, kind: str) -> bytes:
    """A file of that kind with these bars."""
    if kind == "parquet":
        symbols, minutes, cents = zip(*rows, strict=True)
        times = START + pd.to_timedelta(minutes, unit="min")
        frame = pd.DataFrame({"symbol": symbols, "timestamp": times, "close": [number / 100 for number in cents]})
        file = io.BytesIO()
        frame.to_parquet(file, row_group_size=10_000)
        return file.getvalue()
    lines = (f"{symbol},{time_of(minute)},{cents // 100}.{cents % 100:02}" for symbol, minute, cents in rows)
    text = "\n".join(["symbol,timestamp,close", *lines, ""]).encode()
    if kind == "csv.gz":
        return gzip.compress(text, 1)
    return zstandard.compress(text) if kind == "csv.zst" else text


def time_of(minute: int) -> str:
    """A bar's time, as it is written in files and lines."""
    return (START + pd.Timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def averages(rows: Rows, window: int) -> list[bytes]:
    """The sorted lines of a moving average: sums of whole cents, divided once."""
    series: dict[str, list[tuple[int, int]]] = {}
    for symbol, minute, cents in set(rows):
        series.setdefault(symbol, []).append((minute, cents))
    lines = []
    for symbol, bars in series.items():
        bars.sort()
        total = 0
        for at, (minute, cents) in enumerate(bars):
            total += cents - (bars[at - window][1] if at >= window else 0)
            if at + 1 >= window:
                lines.append(f"{symbol}\t{time_of(minute)}\t{total / (100 * window)!r}".encode())
    return sorted(lines)


class Ended(NamedTuple):
    """How a job ended."""

    status: int
    err: str


class Job:
    """A moving average in a process group of its own, started at once."""

    def __init__(self, *options: object, before: tuple[str, ...] = (), env: dict[str, str] | None = None) -> None:
        command = [*before, sys.executable, "-m", "jobs.moving_average", "-q", *map(str, options)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(env or {})}, start_new_session=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def await_open(self, path: Path) -> None:
        """Waits until a process of the group has that file open, or the first has ended."""
        while self._process.poll() is None and not any(holds(pid, path) for pid in self._group()):
            time.sleep(0.001)

    def _group(self) -> list[int]:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [pid for pid in pids if session_of(pid) == self._process.pid]

    def kill(self, everybody: bool) -> None:
        """Ends it, or everybody of its group, without warning."""
        (os.killpg if everybody else os.kill)(self._process.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Waits until nobody holds its standard error any more, workers included."""
        err = self._process.communicate()[1].decode(errors="replace")
        return Ended(self._process.returncode, err)


def session_of(pid: int) -> int | None:
    """The session of a process; None once it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def holds(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    try:
        return any(file.resolve() == path for file in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def read_parts(output: Path) -> list[bytes]:
    """The sorted lines of an output."""
    return sorted(line for part in output.glob("part-*") for line in part.read_bytes().splitlines())


def said_badly(ended: Ended) -> bool:
    """Whether a job that failed did so in other words than a sentence."""
    said = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    return "Traceback" in ended.err or len(said) != 1
