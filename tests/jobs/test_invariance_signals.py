"""Jobs whose lines are no table of averages: the same bytes for any order, files, blocks, slots, reducers, runner.

A job is one entry of JOBS; what it writes beside its lines is compared too.
"""

import itertools
from collections import defaultdict
from typing import NamedTuple

import pytest

import sort_keys.merge
from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.sweep import Sweep
from sort_keys.merge import Merge
from tests.jobs.test_invariance import DATA, pairwise, write_files


class Case(NamedTuple):
    """A job, its options, and those of what it writes beside its lines, which are for a directory only."""

    job: type
    options: list[str]
    beside: list[str]


#: Several pairs; the price often touches min:2, and never crosses it.
pytestmark = pytest.mark.one_python
PAIRS = "--fast close --slow min:2 --fast sma:3 --slow sma:8 --fast ema:5 --slow wma:12 --fast sma:7d --slow ema:20"
COSTS = ["--commission", "0.001", "--slippage", "0.0005", "--cash", "20000"]  # which is too little for some orders
GRID = ["--fast", "ema:3..5", "--slow", "sma:4..12/4", "--split", "0.7"]
JOBS = {
    "crossover": Case(Crossover, PAIRS.split(), []),
    "backtest": Case(Backtest, ["--fast", "ema:3", "--slow", "sma:8", *COSTS], ["--orders", "--equity"]),
    "sweep": Case(Sweep, [*GRID, *COSTS], []),
    "sweep best": Case(Sweep, [*GRID, "--best", "--shards", "2"], []),
}

ORDERS = ["by time", "newest first", "shuffled"]
FILES = [1, 7]
BLOCKS = ["1", "64", None]
SLOTS = ["3d", "90d", None]
REDUCERS = [1, 3, 8]
RUNNERS = ["inline", "local"]
MATRIX = list(itertools.product(ORDERS, FILES, BLOCKS, SLOTS, REDUCERS, RUNNERS))


def written(case, folder, *args):
    """The sorted lines that a job writes, and those of each kind of part beside them, by how the parts' names end."""
    assert case.job.main(["-q", *case.options, *case.beside, "-o", str(folder), *map(str, args)]) == 0
    lines = defaultdict(list)
    for part in folder.glob("part-*"):
        lines[part.name[len("part-00000") :]] += part.read_bytes().splitlines()
    return {kind: sorted(its) for kind, its in lines.items()}


@pytest.fixture(scope="module", params=JOBS)
def plain(request, tmp_path_factory):
    """A case, and what its plainest run writes."""
    case = JOBS[request.param]
    lines = written(case, tmp_path_factory.mktemp("plain") / "out", DATA / "bars.csv")
    assert all(lines.values()) and len(lines) == 1 + len(case.beside)
    return case, lines


def check_run(folder, plain, order, files, blocks, slot, reducers, runner, *more):
    case, lines = plain
    options = ["-r", runner, *more, "-D", f"mapreduce.job.reduces={reducers}"]
    options += ["--block-bars", blocks] if blocks else []
    options += ["--slot", slot] if slot else []
    assert written(case, folder / "out", *options, *write_files(folder, order, files)) == lines


@pytest.mark.parametrize("run", pairwise(MATRIX), ids=str)
def test_every_pair_of_settings_gives_the_same_bytes(tmp_path, plain, run):
    check_run(tmp_path, plain, *run)


@pytest.mark.full
@pytest.mark.parametrize("run", MATRIX, ids=str)
def test_every_combination_gives_the_same_bytes(tmp_path, plain, run):
    check_run(tmp_path, plain, *run)


@pytest.mark.spark
def test_spark_gives_the_same_bytes(tmp_path, plain):
    check_run(tmp_path, plain, "shuffled", 3, "64", "90d", 3, "spark", "--spark-master", "local[2]")


def test_what_is_printed_is_the_same_on_any_runner(run_job, tmp_path, plain):
    case, lines = plain
    options = [*case.options, "-D", "mapreduce.job.reduces=1", *write_files(tmp_path, "shuffled", 3)]
    printed = [run_job("-q", "-r", runner, *options, job=case.job) for runner in RUNNERS]
    assert printed[0].lines == lines[""]
    assert printed[1].out == printed[0].out


def in_many_stretches(case, folder):
    """What a job writes where a reducer gets a symbol's bars in stretches of some few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sort_keys.merge, "_BATCH_BYTES", 1)
        return written(case, folder / "out", "--block-bars", "3", DATA / "bars.csv")


def test_what_a_job_holds_between_stretches_is_all_it_needs(tmp_path, plain):
    case, lines = plain
    assert in_many_stretches(case, tmp_path) == lines


def test_a_bar_that_the_merge_loses_is_seen(tmp_path, plain, monkeypatch):
    """A negative control of the checks above."""
    case, lines = plain
    release, number = Merge._release, itertools.count()
    monkeypatch.setattr(
        Merge, "_release", lambda self, stretch: (part for part in release(self, stretch) if next(number) != 60)
    )
    assert in_many_stretches(case, tmp_path) != lines
