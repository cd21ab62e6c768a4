"""A guard against becoming slower: this commit beside an earlier one, in turn, on the same bars.

    python benchmarks/guard.py [--against v1.0] [--runs 7] [--bars 2e6] [--works time,sweep] [--limit 1.05]

The earlier commit, by default that of the last release's tag, is checked out into a folder of its own and runs with the
packages of this environment. What both write must be the same bytes, unless --may-differ. Red, and exit status 1, is
what takes more than `limit` times the CPU of before: the median of the ratios of neighbouring runs, since both of
a pair meet the same machine. The wall clock is told, too, but depends on what else runs.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench import among, numbers, remove
from cases import MILLION, Case
from measure import run

from windrow.sample.bars import Sample, write

ROOT = Path(__file__).parents[1]
MEAN = ["-m", "jobs.moving_average", "-q", "-r", "local", "--window", "20"]
#: What is compared, by name: the bars, and the job.
WORKS = {
    "time": ("minutes by time", lambda bars: Case("one", "time", bars).sample, MEAN),
    "symbol": ("minutes by symbol", lambda bars: Case("one", "symbol", bars).sample, MEAN),
    "shuffled": ("minutes shuffled", lambda bars: Case("one", "shuffled", bars).sample, MEAN),
    "short": ("100 bars a symbol", lambda bars: Case("one", "short", bars).sample, MEAN),
    "indicators": ("three indicators on days", lambda bars: Case("one", "daily", bars).sample,
                   [*MEAN[:-2], "--indicator", "sma:20", "--indicator", "ema:12", "--indicator", "sma:30d"]),
    "sweep": ("a sweep of 456 pairs", lambda bars: Sample(symbols=max(1, bars // 100_000), bars=1259, spacing="bd"),
              ["-m", "jobs.sweep", "-q", "-r", "local", "--fast", "sma:5..23", "--slow", "sma:24..47"]),
    "start": ("1,000 bars, from the shell", lambda _: Sample(symbols=5, bars=200), ["-m", "jobs.moving_average", "-q"]),
}  # fmt: skip


def main():
    options = parse()
    red = []
    with tempfile.TemporaryDirectory(prefix="windrow-guard-") as folder, checked_out(options.against, folder) as before:
        print(f"{'':28} {'CPU':>22} {'wall clock':>22}   this commit / {options.against}, median (lowest to highest)")
        for name in options.works:
            title, sample, command = WORKS[name]
            bars = Path(folder, f"{name}.csv")
            write(sample(options.bars[0]), bars)
            pairs = in_turn([*command, bars], (before, ROOT), Path(folder), options.runs, options.may_differ)
            cpu, wall = ([getattr(new, what) / getattr(old, what) for old, new in pairs] for what in ("cpu", "wall"))
            over = median(cpu) > options.limit
            red += [title] if over else []
            print(f"{title:28} {spread(cpu):>22} {spread(wall):>22}{'   RED' if over else ''}", flush=True)
            remove(bars)
    if red:
        sys.exit(f"slower than {options.against} by more than {options.limit - 1:.0%}: {', '.join(red)}")


@contextmanager
def checked_out(commit, folder):
    """The folder of a commit's files."""
    place = Path(folder, "before")
    subprocess.run(["git", "-C", ROOT, "worktree", "add", "-q", "--detach", place, commit], check=True)
    try:
        yield place
    finally:
        subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", place], check=True)


def in_turn(command, checkouts, folder, runs, may_differ):
    """What each pair of runs took, the earlier commit's first, after a pair that fills caches and is compared."""
    pairs = []
    for number in range(runs + 1):
        pair = [spent(command, checkout, folder / f"out-{side}") for side, checkout in enumerate(checkouts)]
        if number:
            pairs.append(pair)
        elif not may_differ and not filecmp.cmp(*(folder / f"out-{side}" for side in range(2)), shallow=False):
            sys.exit(f"both write other lines: python {' '.join(map(str, command))}")
    return pairs


def spent(command, checkout, out):
    """Runs a job of a checkout, which comes before what is installed; its lines go to a file."""
    os.environ["PYTHONPATH"] = str(checkout)
    try:
        return run([sys.executable, *command], stdout=out, memory=False)
    finally:
        del os.environ["PYTHONPATH"]


def spread(ratios):
    """A median, and between what it is."""
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def last_release():
    """The tag of the last release, if there is one."""
    asked = ["git", "-C", str(ROOT), "describe", "--tags", "--abbrev=0"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", default=last_release(), help="a commit (default: the last release's tag)")
    parser.add_argument("--works", type=among(WORKS), default=list(WORKS), help=f"of {','.join(WORKS)}")
    parser.add_argument("--runs", type=int, default=7, help="pairs of runs (default 7)")
    parser.add_argument("--bars", type=numbers, default=(2 * MILLION,), help="how many, as 2e6 (default 2 million)")
    parser.add_argument("--limit", type=float, default=1.05, help="the ratio above which it is red (default 1.05)")
    parser.add_argument("--may-differ", action="store_true", help="do not compare what both write")
    options = parser.parse_args()
    if not options.against:
        parser.error("no release has a tag here; name the commit to compare with: --against COMMIT")
    return options


if __name__ == "__main__":
    main()
