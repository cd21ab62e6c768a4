"""Measures what Hadoop adds to a job's own work, on the one-machine cluster, for `windrow emr plan`; and checks a plan.

    make cluster
    python benchmarks/plan.py [--runs 3] [--conf .cluster/mrjob.conf]

Runs of several sizes and splits give, by least squares of their wall times, the seconds before the first task, of a
task's start, and of a million bars' way through Java. (Hadoop's counters of CPU leave out a JVM's start.) They go to
windrow/emr/model.json. The check is a run that was not fitted on, its time beside the plan's for this machine's cores.
"""

import os
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from cases import MILLION, Case
from cluster import HERE, REDUCERS, Cluster, parse

from windrow.emr import model
from windrow.emr.model import Hadoop, at_once

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
        self.size = int(self._said("fs", "-stat", "%b", f"{self._place}/bars.csv"))

    def options(self):
        """What makes splits of that size, smaller or larger than a block of the file system."""
        size = self.megabytes << 20
        name = "mapreduce.input.fileinputformat.split"
        return ["-D", f"{name}.minsize={size}", "-D", f"{name}.maxsize={size}"]


def fit(runs, figures, cores):
    """What Hadoop adds, from runs of (bars, maps, wall)."""
    reducers = at_once(REDUCERS, cores)
    terms, rest = [], []
    for bars, maps, wall in runs:
        millions, mappers = bars / MILLION, at_once(maps, cores)
        own = figures.model.map_cpu * millions / mappers + figures.model.reduce_cpu * millions / reducers
        terms.append(np.array([1, maps / mappers + REDUCERS / reducers, millions / mappers]) / wall)
        rest.append((wall - own) / wall)
    start, task, java = np.linalg.lstsq(np.array(terms), np.array(rest), rcond=None)[0]
    return Hadoop(start=float(start), task=float(task), java=float(max(0.0, java)))


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
    told = model.load().estimate("moving-average", bars, maps, REDUCERS, CORES, new_cluster=False)
    print(f"{bars:,} bars, {maps} maps: planned {told.steps:.1f} s, took {wall:.1f} s ({told.steps / wall - 1:+.0%})")


if __name__ == "__main__":
    main()
