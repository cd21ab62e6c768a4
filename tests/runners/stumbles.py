"""The main job with a second step, which counts lines, and tasks that stumble."""

import os
import signal
import time
from pathlib import Path

from mrjob.protocol import BytesProtocol, BytesValueProtocol
from mrjob.step import MRStep

from jobs.moving_average import MovingAverage


class Stumbles(MovingAverage):
    """SYMBOL <tab> its number of lines."""

    INTERNAL_PROTOCOL = BytesProtocol
    OUTPUT_PROTOCOL = BytesValueProtocol

    def add_options(self):
        super().add_options()
        self.groups[0].add("--marks DIR", "each task's first attempt fails at its very end; noted here")
        self.groups[0].add("--lost FILE", "a reducer ends its executor, which has run mappers; noted here")
        self.groups[0].add("--nap FILE", "a reducer sleeps for a minute; noted here")

    def steps(self):
        return [*super().steps(), MRStep(mapper=self.by_symbol, reducer=self.count_lines)]

    def by_symbol(self, symbol, rest):
        yield symbol, rest

    def count_lines(self, symbol, lines):
        yield None, b"%b\t%d" % (symbol, sum(1 for _ in lines))

    def kernel(self):
        if self.is_task() and self.options.nap:
            Path(self.options.nap).touch()
            time.sleep(60)
        if self.is_task() and self.options.lost and not Path(self.options.lost).exists():
            import psutil

            Path(self.options.lost).touch()
            os.kill(psutil.Process().parent().ppid(), signal.SIGKILL)
        return super().kernel()

    def execute(self):
        super().execute()
        if self.is_task() and self.options.marks:
            from pyspark import TaskContext

            kind = "mapper" if self.options.run_mapper else "reducer"
            mark = Path(self.options.marks, f"{kind}-{self.options.step_num}-{TaskContext.get().partitionId()}")
            if not mark.exists():
                mark.touch()
                raise RuntimeError("stumbled")


if __name__ == "__main__":
    Stumbles.run()
