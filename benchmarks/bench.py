"""Runs windrow and its peers in turn on the same bars, checks that they find the same numbers, and writes the figures.

    python benchmarks/bench.py [--bars 5e6] [--shapes time,shuffled] [--works one] [--programs chDB,DuckDB] [--runs 5]

A first round of each case is checked and watched for memory; it also brings the bars into the system's cache. The
timed rounds come after it. What was measured goes to results.json, where it replaces what is there of the same cases;
RESULTS.md and results.svg are made from that (report.py). Bars and outputs lie in the system's folder for temporary
files (TMPDIR) and take 3 GB at 25 million bars.
"""

import argparse
import shutil
import sys
import tempfile
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from cases import SHAPES, SIZES, choose
from measure import run
from programs import PROGRAMS, WINDROW, WORKS
from report import record, write_report
from same import DifferentError, check_same

from windrow.sample.bars import write

HERE = Path(__file__).parent


def main():
    options = parse()
    cases = choose(options.bars, options.shapes, options.works)
    for _, same_bars in groupby(cases, key=lambda case: case.sample):
        measure_all(list(same_bars), options.programs, options.runs)
    write_report(HERE)


def measure_all(cases, programs, runs):
    """Measures cases on the same bars."""
    with tempfile.TemporaryDirectory(prefix="windrow-bench-") as folder:
        bars = Path(folder, "bars.csv")
        write(cases[0].sample, bars)
        for case in cases:
            print(case.title, flush=True)
            able = [program for program in programs if program.can(case.work, case.bars)]
            measured = Turns(case, able, bars).measure(runs)
            record(HERE, "cases", {**asdict(case), "symbols": case.sample.symbols, "programs": measured})


class Turns:
    """Programs that do the same work on the same bars in turn."""

    def __init__(self, case, programs, bars):
        self._case, self._programs, self._bars = case, programs, bars
        self._folder = bars.parent

    def measure(self, runs):
        """Seconds of all timed runs, to the end and to the first line, and MB at the peak, of each program."""
        figures = {}
        for program in self._programs:
            memory = round(self._run(program, memory=True).memory, 1)
            self._check(program)
            figures[program.name] = {"wall": [], "cpu": [], "first": [], "memory": memory}
        for _ in range(runs):
            for program in self._programs:
                done = self._run(program)
                figures[program.name]["wall"].append(round(done.wall, 4))
                figures[program.name]["cpu"].append(round(done.cpu, 4))
                figures[program.name]["first"].append(round(done.first, 4))
                remove(self._out(program))  # before it is written to the disk, which would slow the next
        remove(self._out(WINDROW))
        for name, figure in figures.items():
            print(f"  {name:16} {min(figure['wall']):7.2f} s at best, {figure['memory']:5.0f} MB", flush=True)
        return figures

    def _run(self, program, memory=False):
        out = self._out(program)
        remove(out)
        return run(program.command(self._case.work, self._bars, out), memory=memory, out=out)

    def _check(self, program):
        """Ends this program where another's numbers are not windrow's."""
        if program is WINDROW:
            return
        try:
            check_same(self._out(WINDROW), self._out(program), len(WORKS[self._case.work]))
        except DifferentError as error:
            sys.exit(f"{program.name} and windrow disagree on {self._case.title}: {error}")
        remove(self._out(program))

    def _out(self, program):
        return self._folder / program.name.replace(" ", "-")


def remove(out):
    """Removes a file or a folder, if it is there."""
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bars", type=numbers, default=SIZES, help="as 1e6,5e6 (default 1e3,1e6,5e6,25e6)")
    parser.add_argument("--shapes", type=among(SHAPES), default=list(SHAPES), help=f"of {','.join(SHAPES)}")
    parser.add_argument("--works", type=among(WORKS), default=list(WORKS), help=f"of {','.join(WORKS)} indicators")
    names = {program.name: program for program in PROGRAMS}
    parser.add_argument("--programs", type=among(names), default=list(names), help=f"of {','.join(names)}")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each program (default 5)")
    options = parser.parse_args()
    options.programs = [WINDROW, *(names[name] for name in options.programs if name != WINDROW.name)]
    return options


def numbers(text):
    """Whole numbers between commas, as 1e6."""
    return [int(float(word)) for word in text.split(",")]


def among(known):
    """Reads words between commas, of those that are known."""

    def read(text):
        words = text.split(",")
        if unknown := [word for word in words if word not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]}: must be of {', '.join(known)}")
        return words

    return read


if __name__ == "__main__":
    main()
