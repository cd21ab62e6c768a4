"""The same bytes from every job, however the bars come: any order, files, blocks, slots, reducers, runner."""

import itertools
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mrjob.local import LocalMRJobRunner

import sort_keys.merge
from jobs.moving_average import MovingAverage
from sort_keys.merge import Merge
from tests.invariance import DATA, JOBS, pairwise, run_param, write_files, written
from tests.oracle import moving_means, read_lines

ORDERS = ["by time", "by symbol", "newest first", "shuffled"]
FILES = [1, 2, 7]
BLOCKS = ["1", "64", None]
SLOTS = ["3d", "90d", None]
REDUCERS = [1, 3, 8]
RUNNERS = ["inline", "local"]
#: Jobs of each kind: of one step, of several parts, of two steps. The others are tried by `make test-options`.
OFTEN = {"averages", "backtest", "sweep best"}
MATRIX = list(itertools.product(ORDERS, FILES, BLOCKS, SLOTS, REDUCERS, RUNNERS))
PAIRWISE = pairwise(MATRIX)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name,
            marks=[pytest.mark.one_python] * (name != "averages") + [pytest.mark.options] * (name not in OFTEN),
        )
        for name in JOBS
    ],
)
def plain(request, tmp_path_factory):
    """A case, and what its plainest run writes."""
    case = JOBS[request.param]
    lines = written(case, tmp_path_factory.mktemp("plain") / "out", DATA / "bars.csv")
    assert all(lines.values()) and len(lines) == case.always + len(case.beside)
    return case, lines


def check_run(folder, plain, order, files, blocks, slot, reducers, runner, *more):
    case, lines = plain
    options = ["-r", runner, *more, "-D", f"mapreduce.job.reduces={reducers}"]
    options += ["--block-bars", blocks] if blocks else []
    options += ["--slot", slot] if slot else []
    assert written(case, folder / "out", *options, *write_files(folder, order, files)) == lines
    assert len(list((folder / "out").glob("part-*[0-9]"))) == reducers


@pytest.mark.parametrize("run", [run_param(run, full=run not in PAIRWISE) for run in MATRIX])
def test_settings_give_the_same_bytes(tmp_path, plain, run):
    """In every run of the tests, every pair of settings."""
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


def run_counted(*args, job=MovingAverage):
    """Sorted output lines and the counters of a job."""
    with job([str(arg) for arg in args]).make_runner() as runner:
        runner.run()
        return sorted(b"".join(runner.cat_output()).splitlines()), runner.counters()[0]["windrow"]


class UnderMrjobsOwn(MovingAverage):
    """The job under mrjob's local runner as it comes, which feeds mappers lines and knows nothing of windrow."""

    def _runner_class(self):
        return LocalMRJobRunner

    @classmethod
    def mr_job_script(cls):
        return MovingAverage.mr_job_script()


@pytest.mark.parametrize("order", ["by time", "shuffled"])
def test_mrjobs_own_local_runner_gives_the_same_bytes(tmp_path, order):
    indicators = JOBS["averages"].options
    lines, counts = run_counted(*indicators, "-r", "local", *write_files(tmp_path, order, 2), job=UnderMrjobsOwn)
    assert lines == run_counted(*indicators, DATA / "bars.csv")[0] and len(lines) > 1000
    assert counts["map tasks"] > 2  # so that not every split had a header


# Random bars: few symbols and times, so that they repeat, touch and overlap.

symbols = st.sampled_from(["A", "a", "AA", "BRK.B", "^GSPC", "NA", "TRUE", "é", "😀", "A B"])
prices = st.one_of(
    st.integers(-5000, 5000).map(lambda cents: f"{cents / 100:.2f}"),
    st.integers(1, 10**5).map(lambda units: f"{units}e-15"),  # tokens of ten places and more
    st.floats(1e-15, 1e15).map(repr),  # mostly 16 and 17 digits
)
series = st.dictionaries(st.tuples(symbols, st.integers(0, 60)), prices, min_size=1, max_size=120)


@st.composite
def feeds(draw):
    """Bars, some of them twice, dealt to files in any order, and settings for a run."""
    bars = [(symbol, minute, price) for (symbol, minute), price in draw(series).items()]
    repeats = draw(st.lists(st.sampled_from(bars), max_size=10))
    dealt = draw(st.permutations(bars + repeats))
    files = draw(st.integers(1, 4))
    settings = ["--block-bars", str(draw(st.sampled_from([1, 2, 5, 4096])))]
    settings += draw(st.sampled_from([[], ["--slot", "1min"], ["--slot", "7min"], ["--slot", "1d"]]))
    settings += ["-D", f"mapreduce.job.reduces={draw(st.integers(1, 4))}"]
    batch = draw(st.sampled_from([1, 60, 1 << 17]))  # bytes of blocks that the merge decodes together
    return bars, len(repeats), [dealt[number::files] for number in range(files)], settings, batch


def check_feed(folder, feed):
    bars, repeats, dealt, settings_, batch = feed
    paths = []
    for number, part in enumerate(dealt):
        paths.append(folder / f"{number}.csv")
        rows = [f"{symbol},2020-01-01T00:{minute:02d}:00Z,{price}" for symbol, minute, price in part if minute < 60]
        rows += [f"{symbol},2020-01-01 01:00,{price}" for symbol, minute, price in part if minute == 60]
        paths[-1].write_text("\n".join(["symbol,timestamp,close", *rows]) + "\n")
    with patch.object(sort_keys.merge, "_BATCH_BYTES", batch):
        lines, counts = run_counted("--window", "3", *settings_, *paths)
    oracle = [(symbol, at(minute), price) for symbol, minute, price in bars]
    assert read_lines(lines) == moving_means(oracle, 3)
    assert counts.get("repeats", 0) == repeats


def at(minute):
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(feeds())
@slow
def test_any_feed_gives_the_exact_means(tmp_path_factory, feed):
    check_feed(tmp_path_factory.mktemp("feed"), feed)


def releases_too_early(merged, symbol, newest):
    return split(merged, symbol, newest + 1)  # <= instead of <


def keeps_repeats(owner, times):
    return bool(np.all((times[1:] >= times[:-1]) | (owner[1:] != owner[:-1])))


split = sort_keys.merge._split


@pytest.mark.parametrize(
    ("name", "bug"), [("_split", releases_too_early), ("_strictly_ascending", keeps_repeats)], ids=["early", "repeats"]
)
def test_a_planted_bug_in_the_merge_is_seen(tmp_path_factory, monkeypatch, name, bug):
    """A negative control: the check above turns red where the merge is wrong."""
    monkeypatch.setattr(sort_keys.merge, name, bug)
    twice = [("A", 1, "1.00"), ("A", 2, "2.00"), ("A", 3, "4.00")]
    feed = (twice, 3, [twice, twice], ["--block-bars", "1"], 1)
    with pytest.raises(AssertionError):
        check_feed(tmp_path_factory.mktemp("feed"), feed)


def conflicting(folder, swap):
    pair = ["AA,2020-01-02,2.00", "AA,2020-01-02,3.00"]
    rows = ["AA,2020-01-01,1.00", *(reversed(pair) if swap else pair)]
    paths = [folder / f"{number}{swap}.csv" for number in range(3)]
    for path, row in zip(paths, rows, strict=True):
        path.write_text(f"symbol,timestamp,close\n{row}\n")
    return paths


@pytest.mark.parametrize(("choice", "value"), [("smallest", b"1.5"), ("largest", b"2.0")])
def test_a_conflict_is_settled_by_value_whatever_came_first(tmp_path, choice, value):
    for swap in (False, True):
        lines, counts = run_counted("--window", "2", "--on-conflict", choice, *conflicting(tmp_path, swap))
        assert lines == [b"AA\t2020-01-02\t" + value]
        assert counts["conflicts"] == 1


def test_a_conflict_settled_by_arrival_is_seen(tmp_path, monkeypatch):
    """A negative control: the choice asked for is not heard, the first of the sorted lines wins."""
    settle = sort_keys.merge.Merge._settle

    def first_wins(self, stretch, same):
        self.on_conflict = "smallest"
        return settle(self, stretch, same)

    monkeypatch.setattr(sort_keys.merge.Merge, "_settle", first_wins)
    with pytest.raises(AssertionError):
        test_a_conflict_is_settled_by_value_whatever_came_first(tmp_path, "smallest", b"1.5")
        test_a_conflict_is_settled_by_value_whatever_came_first(tmp_path, "largest", b"2.0")
