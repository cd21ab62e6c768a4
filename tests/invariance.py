"""What the tests of invariance share: the jobs, what each of them writes, and bars in any order and number of files."""

import io
import itertools
import random
from collections import defaultdict
from contextlib import redirect_stderr
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from jobs.backtest import Backtest
from jobs.catalog_growth import CatalogGrowth
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.normalize import Normalize
from jobs.resample import Resample
from jobs.sectors import Sectors
from jobs.sequences import Sequences
from jobs.sweep import Sweep

DATA = Path(__file__).parents[1] / "data"


class Case(NamedTuple):
    """A job, its options, and those of what it writes beside its lines, which are for a directory only."""

    job: type
    options: list[str]
    beside: list[str]
    always: int = 1
    """How many kinds of parts it writes without those."""


INDICATORS = [f"--indicator={text}" for text in ("sma:20", "ema:12", "wma:5", "sum:7d", "min:3", "max:30d", "std:20")]
#: Several pairs; the price often touches min:2, and never crosses it.
PAIRS = "--fast close --slow min:2 --fast sma:3 --slow sma:8 --fast ema:5 --slow wma:12 --fast sma:7d --slow ema:20"
COSTS = ["--commission", "0.001", "--slippage", "0.0005", "--cash", "20000"]  # which is too little for some orders
GRID = ["--fast", "ema:3..5", "--slow", "sma:4..12/4", "--split", "0.7"]
JOBS = {
    "averages": Case(MovingAverage, INDICATORS, []),
    "larger bars": Case(
        Resample, ["--resample", "1w", "--calendar", "XNYS", "--values", "open,high,low,close,volume,vwap,bars"], []
    ),
    "averages of months": Case(MovingAverage, ["--resample", "1mo", "--column", "vwap", "--window", "3"], []),
    "sectors": Case(Sectors, ["--constituents", str(DATA / "constituents.csv"), "--averages", "5,20"], [], 2),
    "crossover": Case(Crossover, PAIRS.split(), []),
    "backtest": Case(Backtest, ["--fast", "ema:3", "--slow", "sma:8", *COSTS], ["--orders", "--equity", "--trades"]),
    "portfolio": Case(
        Backtest,
        ["--fast=ema:3", "--slow=sma:8", "--portfolio=equal", "--rebalance=month"],
        ["--orders", "--equity", "--trades"],
        2,
    ),
    "weights": Case(
        Backtest,
        ["--fast=ema:3", "--slow=sma:8", *COSTS, f"--portfolio={DATA / 'weights.csv'}", "--size=money:2000"],
        ["--equity"],
        2,
    ),
    "sweep": Case(Sweep, [*GRID, *COSTS], []),
    "sweep best": Case(Sweep, [*GRID, "--best", "--shards", "2"], []),
    "normalize": Case(Normalize, ["--method", "robust", "--fit-until", "2023-06-30"], [], always=2),
    "growth": Case(
        CatalogGrowth, ["--column", "close", "--files-column", "volume", "--limit", "1kB"], ["--alert=size>1B"]
    ),
    "sequences": Case(Sequences, ["--column", "close,volume", "--length", "5"], [], always=3),
}


def run_param(run, full=False):
    """A run as a parameter of a test, with its settings as its name; a `full` one is for `make test-full`."""
    return pytest.param(run, id=str(run), marks=[pytest.mark.full] if full else [])


def pairwise(choices):
    """A small choice of runs in which every pair of settings occurs."""
    wanted = {pair for run in choices for pair in itertools.combinations(enumerate(run), 2)}
    chosen = []
    while wanted:
        best = max(choices, key=lambda run: len(wanted.intersection(itertools.combinations(enumerate(run), 2))))
        wanted.difference_update(itertools.combinations(enumerate(best), 2))
        chosen.append(best)
    return chosen


def ordered_rows(order):
    """The header and the rows of the sample bars, in an order."""
    header, *rows = (DATA / "bars.csv").read_text().splitlines()
    if order == "by symbol":
        rows.sort()
    elif order == "newest first":
        rows.reverse()
    elif order == "shuffled":
        random.Random(5).shuffle(rows)
    else:
        assert order == "by time"
    return header, rows


def write_files(folder, order, files):
    """Deals the sample bars, in an order, to some files."""
    header, rows = ordered_rows(order)
    paths = [folder / f"bars{number}.csv" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_text("\n".join([header, *rows[number::files]]) + "\n")
    return paths


def written(case, folder, *args):
    """What a job writes: the sorted lines of each kind of part, by how the parts' names end.

    All bars of the sample must have been read, and the parts be as many as the reducers.
    """
    said = io.StringIO()
    with redirect_stderr(said):
        status = case.job.main([*case.options, *case.beside, "-o", str(folder), *map(str, args)])
    assert status == 0, said.getvalue()
    assert "1,250 bars of 5 symbols -> " in said.getvalue()
    return by_ending((part.name, part.read_bytes()) for part in folder.glob("part-*"))


def rows_of(content):
    """The rows of a Parquet file as texts."""
    return [repr(row).encode() for row in pq.read_table(io.BytesIO(content)).to_pylist()]


def by_ending(parts):
    """The sorted lines, or rows, of parts, given as names and contents, by how the names end after the number."""
    lines = defaultdict(list)
    for name, content in parts:
        is_text = not name.endswith(".parquet")
        lines[name[len("part-00000") :]] += content.splitlines() if is_text else rows_of(content)
    return {ending: sorted(its) for ending, its in lines.items()}
