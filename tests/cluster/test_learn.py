"""Jobs with a survey under Hadoop Streaming in one process, beyond what every job is tested for: way back, files."""

import numpy as np

from jobs.normalize import Normalize
from jobs.sequences import Sequences
from tests.cluster.conftest import ROOT

BARS = ROOT / "data" / "bars.csv"


def test_what_was_scaled_is_taken_back(on_hadoop, run_job, tmp_path):
    scaled = ["--method", "returns", "--output-format", "parquet", "-o", tmp_path / "scaled"]
    assert run_job(*scaled, BARS, job=Normalize).status == 0
    ran = on_hadoop("--inverse", tmp_path / "scaled", "-D", "mapreduce.job.reduces=2", job="jobs.normalize")
    assert ran.status == 0, ran.err
    assert sorted(ran.lines) == sorted(run_job("--inverse", tmp_path / "scaled", job=Normalize).lines)


def test_files_of_numpy_are_those_of_one_process(on_hadoop, run_job, tmp_path):
    options = ["--column", "close,open", "--as", "npy", "--calendar", "XNYS", "-D", "mapreduce.job.reduces=1"]
    assert on_hadoop(*options, "-o", f"file://{tmp_path}/there", BARS, job="jobs.sequences").status == 0
    assert run_job(*options, "-o", tmp_path / "here", BARS, job=Sequences).status == 0
    for part in sorted((tmp_path / "here").glob("*.npy")):
        assert part.read_bytes() == (tmp_path / "there" / part.name).read_bytes()
    assert len(np.load(tmp_path / "there" / "part-00000-train-times.npy")) > 500
