"""windrow beside itself: what a change of the work, of the bars or of a format costs.

    python benchmarks/pairs.py [--pairs window,places] [--runs 5] [--bars 5e6]

Both commands of a pair run in turn, five times. Figures go to results.json and RESULTS.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import among, numbers, remove
from cases import MILLION
from measure import run
from report import load, machine, save, write_report

from windrow.sample.bars import Sample, write

HERE = Path(__file__).parent
USUAL = ("--window", "20")
PARQUET = ("--output-format", "parquet")


@dataclass(frozen=True)
class Side:
    """A job on some bars: how they are made, and its options."""

    bars: str = "cents"
    options: tuple[str, ...] = USUAL
    suffix: str = ".csv"


@dataclass(frozen=True)
class Pair:
    """Two sides, and how many times the second's time the first may take, or, of the reduce phase, how much less."""

    title: str
    goal: str
    one: Side
    other: Side = field(default_factory=Side)
    phase: bool = False


INDICATORS = ("--indicator", "sma:20", "--indicator", "ema:12", "--indicator", "sma:30d")
PAIRS = {
    "three": Pair("three indicators / one", "at most 1.5", Side("daily", INDICATORS), Side("daily")),
    "window": Pair("window 100,000 / window 20", "at most 1.3", Side("few", ("--window", "100000")), Side("few")),
    "places": Pair("prices of 8 places / cents", "at most 2", Side("places")),
    "digits": Pair("prices of 17 digits / cents", "at most 2", Side("digits")),
    "mix": Pair("cents and 17 digits, mixed / cents", "at most 2", Side("mix")),
    "token": Pair("prices of 12 places below 0.0001 / cents", "at most 2", Side("token")),
    "spikes": Pair("prices of 17 digits, some of 1e15 / cents", "at most 2", Side("spikes")),
    "parquet": Pair("Parquet in and out / CSV in, text out", "at most 0.6",
                    Side("cents", (*USUAL, *PARQUET), ".parquet")),
    "slices": Pair("reduce phase of one symbol: whole / in slices", "at least 1.6", Side("single"),
                   Side("single", (*USUAL, "--slices", "auto")), phase=True),
}  # fmt: skip
#: A pair of another kind: 1,000 bars, from the shell to the last line, beside starting Python with what it needs.
START = "start"
IMPORTS = [sys.executable, "-c", "import numpy, pyarrow.csv"]


def main():
    options = parse()
    results = load(HERE)
    results = results if results.get("machine") == machine() else {"machine": machine()}
    with tempfile.TemporaryDirectory(prefix="windrow-pairs-") as folder:
        bars = Bars(Path(folder), options.bars[0])
        for name in options.pairs:
            measured = start(bars, options.runs) if name == START else turns(PAIRS[name], bars, options.runs)
            print(measured["title"], f"{ratio(measured):.2f}", measured["goal"], flush=True)
            results.setdefault("pairs", {})[name] = measured
            save(HERE, results)
    write_report(HERE)


def ratio(measured):
    """The first side's median time over the second's."""
    return median(measured["one"]) / median(measured["other"])


def turns(pair, bars, runs):
    """Seconds of both sides, in turn."""
    seconds = {"one": [], "other": []}
    for number in range(runs + 1):
        for name, side in (("one", pair.one), ("other", pair.other)):
            spent = job(side, bars, pair.phase)
            if number:  # the first brings the bars into the system's cache
                seconds[name].append(round(spent, 4))
    return {"title": pair.title, "goal": pair.goal, **seconds}


def job(side, bars, phase):
    """Seconds of a job, or of all that follows its mappers."""
    place, out = bars.of(side.bars, side.suffix), bars.folder / "out"
    if phase:
        command = [sys.executable, HERE / "phases.py", *side.options, "-o", out, place]
        spent = json.loads(subprocess.check_output(list(map(str, command))))["reduce"]["wall"]
    else:
        command = [sys.executable, "-m", "jobs.moving_average", "-q", "-r", "local", *side.options, "-o", out, place]
        spent = run(command, memory=False).wall
    remove(out)
    return spent


def start(bars, runs):
    """Seconds of a job on 1,000 bars, in one process, and of Python's start with what it needs most, in turn."""
    place = bars.folder / "thousand.csv"
    write(Sample(symbols=5, bars=200), place)
    command = [sys.executable, "-m", "jobs.moving_average", "-q", place]
    seconds = {"one": [], "other": []}
    for _ in range(4 * runs):
        for name, words in (("one", command), ("other", IMPORTS)):
            seconds[name].append(round(run(words, memory=False).wall, 4))
    return {"title": "1,000 bars, from the shell / starting Python with numpy and pyarrow.csv", "goal": "at most 2.0",
            **seconds}  # fmt: skip


class Bars:
    """Files of bars of several kinds, made when first asked for."""

    def __init__(self, folder, number):
        self.folder, self._number = folder, number

    def of(self, kind, suffix):
        """A file of bars of that kind."""
        place = self.folder / f"{kind}{suffix}"
        if not place.exists():
            getattr(self, f"_{kind}")(place)
        return place

    def _cents(self, place):
        write(Sample(symbols=500, bars=self._number // 500, spacing="1min"), place)

    def _daily(self, place):
        symbols = max(1, self._number // 10_000)
        write(Sample(symbols=symbols, bars=self._number // symbols, spacing="bd"), place)

    def _few(self, place):
        write(Sample(symbols=5, bars=self._number // 5, spacing="1min"), place)

    def _single(self, place):
        write(Sample(symbols=1, bars=2 * self._number, spacing="1min"), place)

    def _places(self, place):
        write(Sample(symbols=500, bars=self._number // 500, spacing="1min", places=8), place)

    def _digits(self, place):
        self._rewritten("close * 1.0123456789", place)

    def _mix(self, place):
        self._rewritten("CASE WHEN hash(timestamp) % 2 = 0 THEN close ELSE close * 1.0123456789 END", place)

    def _token(self, place):
        self._rewritten("round(close / 1e7, 12)", place)

    def _spikes(self, place):
        self._rewritten("CASE WHEN hash(timestamp) % 5000 = 0 THEN 1e15 ELSE close * 1.0123456789 END", place)

    def _rewritten(self, close, place):
        import duckdb

        bars = f"SELECT * REPLACE ({close} AS close) FROM read_csv('{self.of('cents', '.csv')}', all_varchar=false)"
        duckdb.sql(f"COPY ({bars}) TO '{place}' (TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ')")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = [*PAIRS, START]
    parser.add_argument("--pairs", type=among(names), default=names, help=f"of {','.join(names)}")
    parser.add_argument("--runs", type=int, default=5, help="of each side (default 5)")
    parser.add_argument("--bars", type=numbers, default=[5 * MILLION], help="in each file (default 5 million)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
