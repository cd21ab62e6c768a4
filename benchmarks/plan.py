"""Measures what Hadoop adds to a job's own work, on the one-machine cluster, for `windrow emr plan`; and checks a plan.

    make cluster
    python benchmarks/plan.py [--runs 3] [--conf .cluster/mrjob.conf]

Runs of several sizes and splits give, by least squares of their wall times, the seconds before the first task, of a
task's start, and of a million bars' way through Java. (Hadoop's counters of CPU leave out a JVM's start.) They go to
windrow/emr/model.json. The check is a run that was not fitted on, its time beside the plan's for this machine's cores.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from cases import MILLION, Case
from cluster import HERE, REDUCERS, Cluster, parse

from windrow.emr import model
from windrow.emr.model import Hadoop

#: Bars, and MB of a split: few tasks and many, on few bars and many.
FITTED = ((MILLION // 10, 128), (2 * MILLION, 16), (4 * MILLION, 128), (8 * MILLION, 16), (8 * MILLION, 64))
CHECK = (6 * MILLION, 32)
CORES = len(os.sched_getaffinity(0))


class Split(Cluster):
    """The cluster, its splits of a size."""

    megabytes = 16

    def timed(self, bars, megabytes, runs):
        """Maps, and the median of wall seconds, of windrow's job on so many bars in such splits."""
        self.megabytes = megabytes
        self._upload(Case("one", "time", bars).sample)
        found = [self._run("windrow") for _ in range(runs)]
        return max(1, -(-self.size // (megabytes << 20))), median(done.wall for done, _ in found)

    def _upload(self, sample):
        super()._upload(sample)
        self.size = int(self._hadoop("fs", "-stat", "%b", f"{self._place}/bars.csv"))

    def options(self):
        """Splits of that size, smaller or larger than a block of the file system."""
        size = self.megabytes << 20
        name = "mapreduce.input.fileinputformat.split"
        return [f"-Dmapreduce.job.reduces={REDUCERS}", f"-D{name}.minsize={size}", f"-D{name}.maxsize={size}"]


def fit(runs, figures, cores):
    """What Hadoop adds, from runs of (bars, maps, wall): a plan's time is linear in it, and unit figures tell how."""

    def planned(hadoop):
        times = replace(figures, hadoop=Hadoop(*hadoop))
        return np.array([steps_of(times, bars, maps, cores) for bars, maps, _ in runs])

    walls = np.array([wall for *_, wall in runs])
    own = planned((0, 0, 0))
    terms = np.column_stack([planned(unit) - own for unit in np.eye(3)])
    start, task, java = np.linalg.lstsq(terms / walls[:, None], (walls - own) / walls, rcond=None)[0]
    return Hadoop(start=float(start), task=float(task), java=float(max(0.0, java)))


def steps_of(figures, bars, maps, cores):
    """The seconds that a plan gives the benchmark's job on a cluster that is there."""
    return figures.estimate("moving-average", bars, maps, REDUCERS, cores, new_cluster=False).steps


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="windrow-bench-") as folder:
        cluster = Split(options, Path(folder))
        runs = []
        for bars, megabytes in FITTED:
            maps, wall = cluster.timed(bars, megabytes, options.runs)
            print(f"{bars:,} bars, {maps} maps: {wall:.1f} s", flush=True)
            runs.append((bars, maps, wall))
        hadoop = fit(runs, model.load(), CORES)
        print(hadoop)
        model.save(HERE.parent / "windrow/emr/model.json", hadoop=hadoop)
        check(cluster, options.runs)


def check(cluster, runs):
    """Says how a plan's time for this machine's cores agrees with a run that was not fitted on."""
    bars, megabytes = CHECK
    maps, wall = cluster.timed(bars, megabytes, runs)
    planned = steps_of(model.load(), bars, maps, CORES)
    print(f"{bars:,} bars, {maps} maps: planned {planned:.1f} s, took {wall:.1f} s ({planned / wall - 1:+.0%})")


if __name__ == "__main__":
    main()
