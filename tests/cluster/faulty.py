"""The main job with a fault that its option --fault names, or that waits for one: what tests of faults run."""

import time
from pathlib import Path

from jobs.moving_average import MovingAverage

#: Hadoop's own partitioner, by a hash of the whole key: a symbol's bars go to several reducers.
WHOLE_KEY = "org.apache.hadoop.mapred.lib.HashPartitioner"
#: Orders by the symbol alone, or times backwards.
COMPARATOR = {
    "mapreduce.job.output.key.comparator.class": "org.apache.hadoop.mapred.lib.KeyFieldBasedComparator",
    "mapreduce.partition.keycomparator.options": "-k1,1 -k2,2r",
}


class _Late:
    """A kernel that fails once the reducer's output is open."""

    def __init__(self, columns):
        self.columns = columns

    def push(self, times, *values, starts):
        raise ZeroDivisionError(f"a reducer that nobody foresaw, at {len(times)} bars")


class Faulty(MovingAverage):
    """Moving averages, but for a fault."""

    def add_options(self):
        super().add_options()
        faults = ["none", "mapper", "reducer", "late reducer", "partitioner", "comparator"]
        self.groups[0].add("--fault", "what is wrong", choices=faults, default="none")
        self.groups[0].add("--appends-to FILE", "a mapper appends a row to this file, which is its input")
        self.groups[0].add("--makes DIR", "a reducer makes the output's directory, as another job would")
        self.groups[0].add("--wait-for FILE", "tasks wait halfway while this file is there")
        self.groups[0].add("--waits", "which tasks wait", choices=["mapper", "reducer"])

    def map_bars(self, bars, source):
        if self.options.fault == "mapper":
            raise ZeroDivisionError(f"a mapper that nobody foresaw, at {len(bars)} bars")
        if self.options.appends_to:
            with open(self.options.appends_to, "ab") as file:
                file.write(b"A,2020-02-01,1\n")
        return super().map_bars(bars, source)

    def kernel(self):
        if self.options.fault == "reducer" and self.is_task():
            raise ZeroDivisionError("a reducer that nobody foresaw")
        if self.options.makes and self.is_task():
            Path(self.options.makes).mkdir(exist_ok=True)
            Path(self.options.makes, "theirs").touch()
        kernel = super().kernel()
        return _Late(kernel.columns) if self.options.fault == "late reducer" and self.is_task() else kernel

    def show(self, status):
        waits = self.options.wait_for and getattr(self.options, f"run_{self.options.waits}")
        while waits and Path(self.options.wait_for).exists():
            time.sleep(0.02)
        super().show(status)

    def partitioner(self):
        return WHOLE_KEY if self.options.fault == "partitioner" else super().partitioner()

    def jobconf(self):
        return {**super().jobconf(), **(COMPARATOR if self.options.fault == "comparator" else {})}


if __name__ == "__main__":
    Faulty.run()
