"""Runs a job by `-r local`, by default the main one, and prints what its phases took, as JSON.

    python benchmarks/phases.py [--job sweep] -o DIR [options of the job] BARS...

Seconds of wall and CPU time, all processes together, of the mappers and of all that follows them; bytes that were
shuffled; MB of memory of the largest task, pages that it shares with others included.
"""

import json
import resource
import sys
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from windrow import cli, runners
from windrow.runners.local import LocalRunner

marks = []
figures = {}


class TimedRunner(LocalRunner):
    """Notes when the first step's mappers begin and end, and when all has ended."""

    @contextmanager
    def phase(self, title, tasks):
        """Notes the first step's mappers."""
        first = not marks
        if first:
            mark()
        with super().phase(title, tasks):
            yield
        if first:
            mark()
            figures["shuffled"] = sum(Path(f"{output}.runs").stat().st_size for output in self.mapper_outputs(0))

    def run(self):
        """Runs the job."""
        super().run()
        mark()


def mark():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    marks.append((perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in spent)))


def main(arguments):
    name = "moving-average"
    if arguments[:1] == ["--job"]:
        _, name, *arguments = arguments
    runners.find = lambda alias: TimedRunner
    status = cli.job_class(cli.find_jobs()[name]).main(["-r", "local", "-q", *arguments])
    if status == 0:
        for phase, begin, end in zip(("map", "reduce"), marks, marks[1:], strict=False):
            figures[phase] = {"wall": end[0] - begin[0], "cpu": end[1] - begin[1]}
        figures["task_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(json.dumps(figures))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
