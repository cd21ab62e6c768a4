"""Inputs that change at random moments after a job has first looked at them: it sees all of the old file, or fails."""

import os
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.attack.bars import FORMATS, Job, Rows, averages, make_rows, read_parts, said_badly, to_bytes
from tests.attack.tries import repeat

WINDOW = 20
#: Seconds after its first look at an input in which a job reads it.
SPAN = 0.15


def truncate(path: Path, rows: Rows, chance: random.Random) -> None:
    """Cuts the file, at a line's end where it is plain text."""
    content = path.read_bytes()
    cut = chance.randrange(100, len(content))
    os.truncate(path, content.rindex(b"\n", 0, cut) + 1 if path.suffix == ".csv" else cut)


def replace(path: Path, rows: Rows, chance: random.Random) -> None:
    """Renames another file over it."""
    beside = path.with_name("_other")
    beside.write_bytes(to_bytes(others(rows), kind_of(path)))
    beside.replace(path)


def overwrite(path: Path, rows: Rows, chance: random.Random) -> None:
    """Writes other prices into the file, which keeps its size where it is plain text."""
    with path.open("r+b") as file:
        file.write(to_bytes(others(rows), kind_of(path)))
        file.truncate()


def append(path: Path, rows: Rows, chance: random.Random) -> None:
    """Adds bars; to a Parquet file bytes that make it none."""
    more = to_bytes([(symbol, minute + 1_000_000, cents) for symbol, minute, cents in rows[:1000]], kind_of(path))
    with path.open("ab") as file:
        file.write(more.partition(b"\n")[2] if path.suffix == ".csv" else more)


def remove(path: Path, rows: Rows, chance: random.Random) -> None:
    """Removes it."""
    path.unlink()


def others(rows: Rows) -> Rows:
    """The same bars at other prices, of the same number of digits wherever that is possible."""
    return [(symbol, minute, cents ^ 1 or 2) for symbol, minute, cents in rows]


CHANGES = (truncate, replace, overwrite, append, remove)


def kind_of(path: Path) -> str:
    return path.name.partition(".")[2]


def campaign(seed: int, seconds: float) -> tuple[int, int]:
    """Runs jobs over two files, one of which changes meanwhile; how many were tried, and how many were wrong."""
    return repeat("inputs", seed, seconds, lambda chance, number: attempt(chance))


def attempt(chance: random.Random) -> str:
    """One job; what was wrong, or nothing."""
    with TemporaryDirectory() as folder:
        kind, change, runner = chance.choice(FORMATS), chance.choice(CHANGES), chance.choice(["inline", "local"])
        kept, changed = make_rows(chance, 2, 2_000, "K"), make_rows(chance, 6, 20_000)
        (bars := Path(folder, "bars")).mkdir()
        (bars / f"kept.{kind}").write_bytes(to_bytes(kept, kind))
        (path := bars / f"changed.{kind}").write_bytes(to_bytes(changed, kind))
        job = Job("-r", runner, "--window", WINDOW, "-o", output := Path(folder, "out"), *sorted(bars.iterdir()))
        job.await_open(path)
        time.sleep(chance.uniform(0, SPAN))
        change(path, changed, chance)
        ended = job.wait()
        case = f"{change.__name__} of {kind} under {runner}: exit {ended.status}"
        if ended.status:
            left = sorted(set(os.listdir(folder)) - {"bars"})
            return f"{case}, left {left}, said {ended.err!r}" if left or said_badly(ended) else ""
        lines = read_parts(output)
        whole = lines == averages(kept + changed, WINDOW)
        return "" if whole else f"{case}, {len(lines):,} lines, which are not those of the file that it first saw"
