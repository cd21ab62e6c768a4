"""Runs windrow and the textbook's job of a record a bar in turn on the one-machine Hadoop, and writes the figures.

    make cluster
    python benchmarks/cluster.py [--bars 5e6,20e6] [--runs 3] [--conf .cluster/mrjob.conf]

SMA(20) over daily bars on HDFS, splits of 128 MB, two reducers. CPU is that of the client's processes and, as Hadoop
counts it, of all tasks, their JVMs included but for their start; the application master's is not in it. The first round
of each size is checked.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import numbers, remove
from cases import MILLION, Case
from measure import run
from programs import WINDROW
from report import record, write_report
from same import DifferentError, check_same

from windrow.sample.bars import write

HERE = Path(__file__).parent
SIZES = (5 * MILLION, 20 * MILLION)
REDUCERS = 2
#: Hadoop's own size of a block. The cluster's are of 16 MB, so that tests' small files have several.
SPLIT = 128 << 20
#: The job of each program, as Python is told of it.
JOBS = {
    WINDROW.name: ["-m", "jobs.moving_average", "-v"],
    "record per bar": [str(HERE / "peers" / "record_per_bar.py")],
}
#: What Hadoop's counters are called, and we call them.
COUNTERS = {"tasks": "CPU time spent (ms)", "shuffled": "Reduce shuffle bytes"}


def main():
    options = parse()
    for bars in options.bars:
        case = Case("one", "daily", bars)
        print(case.title, flush=True)
        with tempfile.TemporaryDirectory(prefix="windrow-bench-") as folder:
            measured = Cluster(options, Path(folder)).measure(case, options.runs)
        record(HERE, "cluster", {"work": case.work, "shape": case.shape, "bars": bars, "programs": measured})
    write_report(HERE)


class Cluster:
    """Bars and outputs in a folder of HDFS, and jobs that run there in turn."""

    def __init__(self, options, folder):
        self._conf, self._hadoop_bin, self._place = options.conf, options.hadoop, options.place
        self._folder = folder

    def measure(self, case, runs):
        """Seconds of all timed runs, and bytes shuffled a bar, of each program."""
        self._upload(case.sample)
        try:
            return self._measure(case, runs)
        finally:
            self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", self._place)

    def _measure(self, case, runs):
        figures = {name: {"wall": [], "cpu": []} for name in JOBS}
        for number in range(runs + 1):
            for name, figure in figures.items():
                done, counters = self._run(name)
                if number == 0:
                    self._check(name, case)
                    continue
                figure["wall"].append(round(done.wall, 2))
                figure["cpu"].append(round(done.cpu + counters["tasks"] / 1000, 2))
                figure["shuffled"] = round(counters["shuffled"] / case.bars, 2)
        for name, figure in figures.items():
            print(f"  {name:16} {min(figure['wall']):7.1f} s at best", flush=True)
        return figures

    def _run(self, name):
        out = f"{self._place}/out"
        self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", out)
        command = [sys.executable, *JOBS[name], "-r", "hadoop", "-c", self._conf, "-o", out]
        command += ["-D", f"mapreduce.job.reduces={REDUCERS}", *self.options()]
        done = run([*command, f"{self._place}/bars.csv"], memory=False)
        return done, read_counters(done.said)

    def options(self):
        """More options of the jobs."""
        return ["-D", f"mapreduce.input.fileinputformat.split.minsize={SPLIT}"]

    def _upload(self, sample):
        bars = self._folder / "bars.csv"
        write(sample, bars)
        self._hadoop("fs", "-rm", "-r", "-f", "-skipTrash", self._place)
        self._hadoop("fs", "-mkdir", "-p", self._place)
        self._hadoop("fs", "-put", str(bars), f"{self._place}/bars.csv")
        remove(bars)

    def _check(self, name, case):
        """Ends this program where another's numbers are not windrow's."""
        mine, here = (self._folder / program.replace(" ", "-") for program in (WINDROW.name, name))
        with here.open("wb") as lines:
            subprocess.run([*self._hadoop_bin, "fs", "-cat", f"{self._place}/out/part-*"], stdout=lines, check=True)
        if here != mine:
            try:
                check_same(mine, here, 1)
            except DifferentError as error:
                sys.exit(f"{name} and windrow disagree on {case.title}: {error}")

    def _hadoop(self, *arguments):
        self._said(*arguments)

    def _said(self, *arguments):
        return subprocess.run([*self._hadoop_bin, *arguments], check=True, capture_output=True).stdout


def read_counters(said):
    """The counters that a job's Hadoop client said last, 0 where it said none."""
    found = {name: re.findall(rf"{re.escape(text)}\s*=\s*(\d+)", said) for name, text in COUNTERS.items()}
    return {name: int(values[-1]) if values else 0 for name, values in found.items()}


def parse():
    home = HERE.parent / ".cluster"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bars", type=numbers, default=SIZES, help="sizes, as 5e6,20e6 (default 5 and 20 million)")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each program (default 3)")
    parser.add_argument("--conf", default=home / "mrjob.conf", help="mrjob's configuration (default make cluster's)")
    parser.add_argument("--hadoop", type=str.split, default=[str(home / "hadoop")], help="the hadoop command")
    parser.add_argument("--place", default="hdfs:///windrow-bench", help="a folder for bars and outputs, emptied")
    return parser.parse_args()


if __name__ == "__main__":
    main()
