"""--slices under Hadoop: two steps, whose lines are published together."""

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

import windrow
from tests.cluster.conftest import INDICATORS, ROOT, check

BARS = ROOT / "data/bars.csv"
SLICED = [*INDICATORS, "--slices", "90d", "-D", "mapreduce.job.reduces=3"]


def test_lines_that_are_printed(on_hadoop):
    ran = on_hadoop(*SLICED, BARS)
    check(ran)
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err and "\n  slices             20\n" in ran.err


FORMS = {
    "text": (["--output-format", "text"], ""),
    "parquet": (["--output-format", "parquet"], ".parquet"),
    "csv, zstd": (["--output-format", "csv", "--compress", "zstd"], ".csv.zst"),
}


@pytest.mark.parametrize("form", [pytest.param("text", marks=pytest.mark.full), "parquet", "csv, zstd"])
def test_lines_that_are_published(on_hadoop, run_module, tmp_path, form):
    options, suffix = [*FORMS[form][0], BARS], FORMS[form][1]
    ran = on_hadoop(*SLICED, "-o", f"file://{tmp_path}/far", *options)
    assert ran.status == 0, ran.err
    assert run_module("jobs.moving_average", *INDICATORS, "-o", tmp_path / "here", *options).status == 0
    far, here = (windrow.read_output(tmp_path / name) for name in ("far", "here"))
    assert len(far) == 1195 and far.equals(here)
    parts = [f"part-{number:05}{which}{suffix}" for number in range(3) for which in ("", "-inner")]
    assert sorted(name for name in os.listdir(tmp_path / "far") if name[0] not in "._") == sorted(parts)


@pytest.mark.cluster
@pytest.mark.full
def test_a_reducer_of_slices_that_is_killed(cluster, hdfs, on_cluster, run_module, tmp_path):
    """Its part of the output is not what its step prints: that, too, is there once."""
    bars = tmp_path / "bars.csv"
    assert run_module("windrow.cli", "sample", bars, "--symbols", "2", "--bars", "10000", "--spacing", "1h").status == 0
    options = [*INDICATORS, "--slices", "30d", "--block-bars", 1, "-v", "-D", "mapreduce.job.reduces=2"]
    with ThreadPoolExecutor() as threads:
        options += cluster.waiting("reducer")
        job = threads.submit(on_cluster, *options, hdfs.put("bars.csv", bars), job="tests.cluster.faulty")
        cluster.kill_python("reducer")
    here = run_module("jobs.moving_average", *INDICATORS, bars)
    assert job.result().status == 0, job.result().err
    assert job.result().lines == here.lines
    assert "20,000 bars of 2 symbols -> 19,978 lines\n" in job.result().err
    assert re.search("Failed reduce tasks=[1-9]", job.result().err)
