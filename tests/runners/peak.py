"""The main job, which says how much memory its reducer took at most, above what it began with, in MB."""

from collections import Counter
from pathlib import Path

import numpy as np

from jobs.moving_average import MovingAverage
from sort_keys.merge import Stretch
from windrow.console import say
from windrow.sinks.lines import format_lines


class Peak(MovingAverage):
    """Its tasks are to have a process each."""

    def run_reducer(self, step_num=0):
        write_a_line()
        begins = memory("VmRSS")
        super().run_reducer(step_num)
        self.running.count(Counter({"taken": memory("VmHWM") - begins, "peak": memory("VmHWM")}))

    def report(self, counts):
        say(f"{counts['taken']} {counts['peak']}")


def write_a_line():
    """Loads what writing any line needs, which does not grow with their number."""
    bar = Stretch([b"A"], np.zeros(1, np.int64), False, np.zeros(1, np.int64), [])
    list(format_lines(bar, np.zeros(1, np.int64), [np.ones(1)], dated=False))


def memory(what):
    """MB of this process: now, or at its peak."""
    return int(Path("/proc/self/status").read_text().partition(what)[2].split()[1]) // 1024


if __name__ == "__main__":
    Peak.run()
