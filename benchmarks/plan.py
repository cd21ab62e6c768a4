"""Measures what Hadoop adds to a job's own work, on the one-machine cluster, for `windrow emr plan`; and checks a plan.

    make cluster
    python benchmarks/plan.py [--runs 3] [--conf .cluster/mrjob.conf]

Runs of several sizes and splits give, by least squares, the CPU time of a task's start and of a million bars' way
through Java, then the seconds before the first task and the share of the cores' time that is work. They go to
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
from windrow.emr.model import Hadoop

#: Bars, and MB of a split: few tasks and many, on few bars and many.
FITTED = ((MILLION // 10, 128), (2 * MILLION, 16), (4 * MILLION, 128), (8 * MILLION, 16), (8 * MILLION, 64))
CHECK = (6 * MILLION, 32)
CORES = len(os.sched_getaffinity(0))


class Split(Cluster):
    """The cluster, its splits of a size."""

    megabytes = 16

    def timed(self, bars, megabytes, runs):
        """Maps, and medians of wall and CPU seconds, of windrow's job on so many bars in such splits."""
        self.megabytes = megabytes
        self._upload(Case("one", "time", bars).sample)
        found = [self._run("windrow") for _ in range(runs)]
        walls = [done.wall for done, _ in found]
        cpus = [counters["tasks"] / 1000 for _, counters in found]
        return max(1, -(-self.size // (megabytes << 20))), median(walls), median(cpus)

    def _upload(self, sample):
        super()._upload(sample)
        self.size = int(self._said("fs", "-stat", "%b", f"{self._place}/bars.csv"))

    def options(self):
        """What makes splits of that size, smaller or larger than a block of the file system."""
        size = self.megabytes << 20
        name = "mapreduce.input.fileinputformat.split"
        return ["-D", f"{name}.minsize={size}", "-D", f"{name}.maxsize={size}"]


def fit(runs, figures, cores):
    """What Hadoop adds, from runs of (bars, maps, wall, CPU)."""
    bars, maps, walls, cpus = (np.array(column, float) for column in zip(*runs, strict=True))
    own = (figures.model.map_cpu + figures.model.reduce_cpu) * bars / MILLION
    weights = 1 / cpus
    terms = np.column_stack([maps + REDUCERS, bars / MILLION])
    (task, java), *_ = np.linalg.lstsq(terms * weights[:, None], (cpus - own) * weights, rcond=None)
    busy = cpus / cores
    slope, start = np.polyfit(busy, walls, 1, w=1 / walls)
    return Hadoop(start=float(start), task_cpu=float(task), java_cpu=float(max(0.0, java)), efficiency=float(1 / slope))


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="windrow-bench-") as folder:
        cluster = Split(options, Path(folder))
        runs = []
        for bars, megabytes in FITTED:
            maps, wall, cpu = cluster.timed(bars, megabytes, options.runs)
            print(f"{bars:,} bars, {maps} maps: {wall:.1f} s, {cpu:.1f} s of CPU", flush=True)
            runs.append((bars, maps, wall, cpu))
        hadoop = fit(runs, model.load(), CORES)
        print(hadoop)
        model.save(HERE.parent / "windrow/emr/model.json", hadoop=hadoop)
        check(cluster, options.runs)


def check(cluster, runs):
    """Says how a plan's time for this machine's cores agrees with a run that was not fitted on."""
    bars, megabytes = CHECK
    maps, wall, _ = cluster.timed(bars, megabytes, runs)
    told = model.load().estimate("moving-average", bars, maps, REDUCERS, CORES, new_cluster=False)
    print(f"{bars:,} bars, {maps} maps: planned {told.steps:.1f} s, took {wall:.1f} s ({told.steps / wall - 1:+.0%})")


if __name__ == "__main__":
    main()
