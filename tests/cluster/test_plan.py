"""A plan's time, scaled to this machine's cores, is that of a run on the one-machine Hadoop."""

import json
import os
import time

import pytest

from windrow.emr import model
from windrow.sample.bars import Sample, write


@pytest.mark.cluster
@pytest.mark.full
def test_a_plan_agrees_with_a_run(cluster, hdfs, on_cluster, tmp_path, run_module):
    """Within 30 %, on a machine that has nothing else to do."""
    bars = tmp_path / "bars.csv"
    write(Sample(symbols=500, bars=10_000, spacing="1min"), bars)
    size, split, reduces = bars.stat().st_size, 64 << 20, 2
    uri = hdfs.put("bars.csv", bars)
    name = "mapreduce.input.fileinputformat.split"
    splits = [
        "-D",
        f"{name}.minsize={split}",
        "-D",
        f"{name}.maxsize={split}",
        "-D",
        f"mapreduce.job.reduces={reduces}",
    ]
    begin = time.monotonic()
    ran = on_cluster("--window", "20", "-o", hdfs.uri("out"), *splits, uri)
    took = time.monotonic() - begin
    assert ran.status == 0, ran.err
    planned = run_module("windrow.cli", "emr", "plan", "--json", "moving-average", "--window", "20", bars)
    told = json.loads(planned.out)["inputs"]
    assert told["bars"] == pytest.approx(5_000_000, rel=0.03)
    cores = len(os.sched_getaffinity(0))
    maps = -(-size // split)
    estimate = model.load().estimate("moving-average", told["bars"], maps, reduces, cores, new_cluster=False)
    assert took == pytest.approx(estimate.steps, rel=0.3), (took, estimate)
