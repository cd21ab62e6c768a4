"""What a job and its tasks import on a small file of CSV: a start is most of what they cost there."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from windrow.bars.layout import Reading
from windrow.feeds.settle import settle
from windrow.runners.simulated import OPENS_INPUTS

#: Runs what it is given, and tells what was imported besides what Python, numpy and arrow import themselves.
PROGRAM = """
import numpy, pyarrow.csv, sys
before = set(sys.modules)
from {module} import {name}
assert {name}.main(sys.argv[1:]) == 0
print(*set(sys.modules) - before, file=sys.stderr)
"""
JOB = PROGRAM.format(module="jobs.moving_average", name="MovingAverage")
#: Each of them has been imported at every start once, and took a hundredth of it or more.
NEVER = {
    "boto3", "compileall", "difflib", "distutils", "multiprocessing.connection", "numpy.ma", "pandas",
    "pyarrow.compute", "pyarrow.parquet", "setuptools", "statistics", "urllib.request", "windrow.aws", "windrow.pages",
    "windrow.storage.hdfs", "windrow.storage.s3", "yaml.loader", "zoneinfo",
}  # fmt: skip


@pytest.fixture
def bars(tmp_path):
    path = tmp_path / "bars.csv"
    rows = [f"{symbol},2024-03-01T14:{minute:02}:00Z,{minute / 8}\n" for symbol in "AB" for minute in range(50)]
    path.write_text("symbol,timestamp,close\n" + "".join(rows))
    return path


def imported(program, *args, stdin=b"", **variables):
    """What a program imports, and its output."""
    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        cwd=ROOT, env={**os.environ, **variables}, input=stdin, capture_output=True, check=True,
    )  # fmt: skip
    return set(ran.stderr.decode().splitlines()[-1].split()), ran.stdout


@pytest.mark.parametrize(
    ("program", "args"),
    [(JOB, ["-q"]), (PROGRAM.format(module="windrow", name="cli"), ["moving-average", "-q"])],
)
def test_a_job_in_one_process(bars, program, args):
    names, out = imported(program, *args, bars)
    assert len(out.splitlines()) == 2 * 31
    assert not NEVER & names


def test_tasks_of_hadoop_streaming(bars, tmp_path):
    settled = tmp_path / "settled.json"
    settle([str(bars)], Reading(values=("close",)))[0].save(settled)
    task = [JOB, "--step-num=0", "--settled", settled]
    ranges = [[str(bars), 0, bars.stat().st_size, {}]]
    names, blocks = imported(*task, "--mapper", stdin=json.dumps(ranges).encode(), **{OPENS_INPUTS: "1"})
    assert not (NEVER | {"windrow.sinks.joining"}) & names
    shuffled = b"".join(sorted(blocks.splitlines(keepends=True)))
    names, out = imported(*task, "--reducer", stdin=shuffled)
    assert len(out.splitlines()) == 2 * 31
    assert not NEVER & names
