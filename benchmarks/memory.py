"""Memory at 1 and at 10 million bars of one symbol, time-ordered and shuffled: neither a reducer's nor a run's grows.

The reducer runs by itself, as Hadoop Streaming runs it: sorted lines on its standard input.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import run

from windrow.bars.layout import Reading
from windrow.cli import main as windrow_command
from windrow.feeds.settle import settle

JOB = [sys.executable, "-m", "jobs.moving_average"]
MILLIONS = (1, 10)


def main():
    for order in ("time", "shuffled"):
        reducers, runs = {}, {}
        for millions in MILLIONS:
            with tempfile.TemporaryDirectory() as folder:
                bars = write_bars(Path(folder), order, millions)
                reducers[millions] = reducer_memory(Path(folder), bars)
                runs[millions] = run([*JOB, "-q", "-r", "local", str(bars)], stdout=f"{folder}/lines").memory
        for what, memory in (("reducer", reducers), ("all processes of -r local", runs)):
            one, ten = (memory[millions] for millions in MILLIONS)
            print(
                f"{order:9} {what:26} {one:4.0f} MB at 1 million, {ten:4.0f} MB at 10: {100 * (ten / one - 1):+.0f} %"
            )


def write_bars(folder, order, millions):
    path = folder / "bars.csv"
    options = ["--symbols", "1", "--bars", str(int(millions * 10**6)), "--spacing", "1s", "--order", order, "--quiet"]
    windrow_command(["sample", str(path), *options])
    return path


def reducer_memory(folder, bars):
    """Peak resident MB of a reducer that gets all bars' blocks."""
    settled, _ = settle([str(bars)], Reading(values=("close",)))
    settled.save(folder / "settled.json")
    task = [*JOB, "--step-num=0", "--settled", str(folder / "settled.json")]
    split = json.dumps([[str(bars), 0, bars.stat().st_size, {}]])
    with open(folder / "blocks", "wb") as blocks:
        subprocess.run([*task, "--mapper"], input=split.encode(), stdout=blocks, stderr=subprocess.DEVNULL, check=True,
                       env={"windrow_opens_inputs": "1"})  # fmt: skip
    subprocess.run(["sort", "-o", folder / "sorted", folder / "blocks"], env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    measured = ["/usr/bin/env", sys.executable, "-c", _REDUCER, *task[3:], "--reducer"]
    with open(folder / "sorted", "rb") as lines:
        told = subprocess.run(measured, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return int(told.stderr.split()[-1]) / 1024


_REDUCER = """
import resource, sys
from jobs.moving_average import MovingAverage
MovingAverage.main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


if __name__ == "__main__":
    main()
