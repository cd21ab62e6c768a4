"""Jobs killed at random moments, and two jobs with one output: an output is whole and of one job, or absent."""

import os
import random
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.attack.bars import FORMATS, Job, averages, make_rows, read_parts, said_badly, to_bytes
from tests.attack.tries import repeat

#: Seconds that a job takes at most.
SPAN = 2.0
RUNNERS = ("inline", "local")
WINDOWS = (20, 7)
#: A process in a namespace of its own has the same id as any other such one: two containers with one volume.
CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Kills jobs, and starts two at once, in turn; how many were tried, and how many were wrong."""

    def one(chance: random.Random, number: int) -> str:
        with TemporaryDirectory() as folder:
            return (killed, rivals)[number % 2](chance, Path(folder))

    return repeat("runs", seed, seconds, one)


def killed(chance: random.Random, folder: Path) -> str:
    """A job that is killed, and is then run again; what was wrong, or nothing."""
    rows, paths = written(chance, folder)
    options = ["-r", chance.choice(RUNNERS), "-D", "mapreduce.job.reduces=2", "--window", WINDOWS[0]]
    right = averages(rows, WINDOWS[0])
    job = Job(*options, "-o", output := folder / "out", *paths)
    time.sleep(chance.uniform(0, SPAN))
    job.kill(everybody := chance.random() < 0.5)
    job.wait()
    case = f"kill of {'all' if everybody else 'the first'} under {options[1]}"
    if output.exists() and read_parts(output) != right:
        return f"{case}: left an output that is not whole"
    was_there = output.exists()
    again = Job(*options, "-o", output, *paths).wait()
    if again.status != was_there:
        return f"{case}: the next job, with an output {'there' * was_there or 'absent'}, ended with {again}"
    return "" if read_parts(output) == right else f"{case}: the next job's output is wrong"


def rivals(chance: random.Random, folder: Path) -> str:
    """Two jobs with one output; what was wrong, or nothing."""
    rows, paths = written(chance, folder)
    contained = CONTAINER if can_contain() and chance.random() < 0.7 else ()
    jobs = []
    for window in WINDOWS:
        options = ["-r", chance.choice(RUNNERS), "-D", "mapreduce.job.reduces=2", "--window", window]
        jobs.append(Job(*options, "-o", output := folder / "out", *paths, before=contained))
        time.sleep(chance.uniform(0, 0.2))
    ends = [job.wait() for job in jobs]
    case = f"two jobs, {'each in a container' if contained else 'side by side'}: exits {[end.status for end in ends]}"
    winners = [window for window, end in zip(WINDOWS, ends, strict=True) if not end.status]
    if len(winners) != 1 or any(said_badly(end) for end in ends if end.status):
        return f"{case}: {[end.err for end in ends]}"
    left = set(os.listdir(folder)) - {"out", *(path.name for path in paths)}
    whole = read_parts(output) == averages(rows, winners[0])
    return f"{case}: left {left}" if left else "" if whole else f"{case}: the output is not that of the winner"


def written(chance: random.Random, folder: Path) -> tuple[list[tuple[str, int, int]], list[Path]]:
    """Bars, in two files."""
    rows, kind = make_rows(chance, 6, 8_000), chance.choice(FORMATS)
    paths = [folder / f"{number}.{kind}" for number in range(2)]
    for number, path in enumerate(paths):
        path.write_bytes(to_bytes(rows[number::2], kind))
    return rows, paths


def can_contain() -> bool:
    """Whether this machine lets us make namespaces of processes."""
    return shutil.which("unshare") is not None and os.geteuid() == 0
