"""Accounts: added up from any number of mappers' lines, told in few counters, on every runner."""

import random
from collections import Counter

import numpy as np
import pytest

from tests.conftest import ROOT
from windrow.bars.columns import Bars
from windrow.mapreduce import accounts
from windrow.mapreduce.accounts import Accounts, Rules
from windrow.mapreduce.reports import names_of

pytestmark = pytest.mark.one_python

RULES = Rules(max_bad=0.1, max_missing=0.2, units={})
DAY = 86_400 * 10**9


def chunk(bars=0, symbols=("A",), first=0, **rejected):
    times = (20_000 + first + np.arange(bars)) * DAY
    return Bars(list(symbols), np.zeros(bars, np.int32), times, [], np.ones(bars, bool), Counter(rejected))


def added(*tasks):
    """What the reducer makes of the lines of tasks, each a list of (chunk, name), among blocks."""
    lines = [line for task in tasks for line in mapper(task)]
    random.Random(1).shuffle(lines)
    reducer = Accounts()
    blocks = [b"A\t8000000000000000\tx\n", b"%25\t8000000000000000\tx\n", b"%69nputs\t8000000000000000\tx\n"]
    assert list(reducer.without([blocks[0], *lines, *blocks[1:]])) == blocks
    return reducer


def mapper(feed):
    one = Accounts(counted=True)
    assert list(one.take(iter(feed))) == feed
    lines = list(one.lines())
    assert all(line.startswith(accounts.KEY) and line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    return lines


def test_parts_of_an_input_are_judged_together():
    bad, good = (chunk(time=10), "a.csv"), (chunk(95), "a.csv")
    assert str(added([bad]).refusal(RULES)).startswith("a.csv: none of its 10 rows is valid: 10 time")
    assert added([bad], [good]).refusal(RULES) is None
    assert str(added([bad], [good], [(chunk(time=1), "a.csv")]).refusal(RULES)).startswith("a.csv: 11 of 106 rows")
    missing = added([good], [(chunk(missing=24), "a.csv")]).refusal(RULES)
    assert str(missing).startswith("a.csv: 24 of 119 rows have no value") and "allows 23 of an input" in str(missing)
    assert added([good], [(chunk(missing=23), "a.csv")]).refusal(RULES) is None


def test_names_of_any_bytes_and_order_of_refusals():
    odd = b"\xff\n\t.csv".decode(errors="surrogateescape")
    refusal = added([(chunk(time=1), odd), (chunk(time=1), "b"), (chunk(5), "c")]).refusal(RULES)
    assert str(refusal).startswith("b: none of its 1 rows") and "(1 more inputs break a rule too)" in str(refusal)
    assert odd in str(added([(chunk(time=1), odd)]).refusal(RULES))


def test_counted_times_that_no_single_part_shows():
    early, late = chunk(2), chunk(2)
    early.times = np.array([1_672_531_200, 1_672_531_260]) * 10**6  # ns: milliseconds read as nanoseconds' thousands
    parts = [(early, "a")], [(late, "a")]
    assert "its times jump from 1970-01-20T" in str(added(*parts).refusal(Rules(0, 0, {"a": "us"})))
    assert "are all in 1970 or 1971" in str(added(parts[0]).refusal(Rules(0, 0, {"a": "us"})))
    assert added(parts[1]).refusal(Rules(0, 0, {"a": "us"})) is None


def test_thousands_of_inputs_that_break_rules_are_told_in_few_counters():
    feed = [(chunk(time=1, symbols=[f"s{n}", f"S{n}"]), f"/data/{'x' * 100}/{n}.csv") for n in range(5000)]
    reducer = added(feed[:2500], feed[2500:])
    told, warning = str(reducer.refusal(RULES)), reducer.warnings(RULES)[0]
    assert "(4,999 more inputs break a rule too)" in told and "; and 4,997 more; if they" in warning
    assert len(names_of(told)) + len(names_of(warning)) < 20


def test_symbols_beyond_the_bound_are_not_compared(monkeypatch):
    monkeypatch.setattr(accounts, "SYMBOLS_OF_TASK", 2)
    monkeypatch.setattr(accounts, "SYMBOLS", 3)
    assert "'A', 'a'" in added([(chunk(1, symbols=["A", "a", "b", "B"]), "x")]).warnings(RULES)[0]
    many = added(*([(chunk(1, symbols=[f"{n}{letter}" for letter in "pq"]), "x")] for n in range(100)))
    assert many.warnings(RULES) == [] and len(many._symbols) <= 4


GOOD = "symbol,timestamp,close\n" + "".join(f"A,2023-01-{day:02d},{day}\n" for day in range(1, 32))


@pytest.fixture
def folder(tmp_path):
    """29 good inputs, one in which two of 33 rows are invalid, and one row that lacks a value."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(29):
        (folder / f"{number:02d}.csv").write_text(GOOD.replace("\nA,", f"\nS{number},"))
    (folder / "bad.csv").write_text(GOOD + "A,noon,1\na,2023-01-01,-\n" + "A,noon,1\n")
    return folder


def check(run, folder):
    done = run("-D", "mapreduce.job.reduces=3", "--max-bad", "0.05", "--window", "31", folder)
    assert done.status == 1 and done.out == b""
    assert f"error: {folder}/bad.csv: 2 of 34 rows are invalid: 2 time" in done.err
    done = run("-D", "mapreduce.job.reduces=3", "--max-bad", "0.06", "--window", "31", folder)
    assert done.status == 0, done.err
    expected = [f"{name}\t2023-01-31\t16.0".encode() for name in ["A", *(f"S{number}" for number in range(29))]]
    assert done.lines == sorted(expected) and "2 invalid rows; 1 row without a needed value" in done.err


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_each_input_is_judged_here(run_job, folder, runner):
    check(lambda *args: run_job("-r", runner, *args), folder)


@pytest.mark.spark
def test_each_input_is_judged_on_spark(run_module, folder):
    check(lambda *args: run_module("jobs.moving_average", "-r", "spark", "--spark-master", "local[2]", *args), folder)


def test_the_sample_is_what_it_was(run_job):
    done = run_job("--indicator", "sma:20", "--indicator", "ema:12", ROOT / "data/bars.csv")
    assert done.out == (ROOT / "data/averages.tsv").read_bytes() and "missing" not in done.err
