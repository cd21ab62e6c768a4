"""The main job, which says how much memory its reducer took at most, above what it began with, in MB."""

from pathlib import Path

from jobs.moving_average import MovingAverage
from windrow.submit import say


class Peak(MovingAverage):
    """Its tasks are to have a process each."""

    def run_reducer(self, step_num=0):
        import pyarrow.compute  # noqa: F401  what writing lines needs, however many

        begins = memory("VmRSS")
        super().run_reducer(step_num)
        self._count({"taken": memory("VmHWM") - begins, "peak": memory("VmHWM")})

    def tell(self, counts):
        say(f"{counts['taken']} {counts['peak']}")


def memory(what):
    """MB of this process: now, or at its peak."""
    return int(Path("/proc/self/status").read_text().partition(what)[2].split()[1]) // 1024


if __name__ == "__main__":
    Peak.run()
