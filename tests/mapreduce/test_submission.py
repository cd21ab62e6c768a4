"""What is checked of a run before any work: where it writes, and which arguments are names of files."""

import os

import pytest

from jobs.moving_average import MovingAverage
from tests.conftest import ROOT
from windrow.errors import OutputError, UsageError
from windrow.mapreduce.registry import find_jobs, job_class

pytestmark = pytest.mark.one_python

BARS = ROOT / "data/bars.csv"
#: Jobs that need jax, and other bars; a file of sectors; columns that the sample has not.
LEARNING = {"catalog-growth", "forecast", "grid-search", "sectors", "sequences"}
HERE = ["inline", "local", "spark"]


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """A folder that must stay empty."""
    monkeypatch.chdir(tmp_path)
    yield
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("runner", HERE)
@pytest.mark.parametrize("output", ["hdfs:///out", "HDFS://namenode:8020/out", "hdfs:/out", "viewfs://cluster/out"])
def test_an_output_on_hdfs_is_hadoops(run_job, runner, output):
    """Made by `make_runner`, without `run`, the job wrote into a folder named `hdfs:`."""
    says = f"{output}: can only be written by Hadoop; run the job with -r hadoop, or choose a directory on this machine"
    ran = run_job("-r", runner, "--window", "1", "-o", output, BARS)
    assert (ran.status, ran.out, ran.err) == (1, b"", f"error: {says} with --output-dir\n")
    with pytest.raises(OutputError, match=f"^{says}"):
        MovingAverage(["-r", runner, "--window", "1", "-o", output, str(BARS)])


@pytest.mark.parametrize("runner", HERE)
@pytest.mark.parametrize("output", ["hdfs:out", "s3:bucket/out", "S3A:out"])
def test_a_uri_without_its_slash_is_no_directory(run_job, runner, output):
    ran = run_job("-r", runner, "--window", "1", "-o", output, BARS)
    scheme = output.partition(":")[0]
    assert (ran.status, ran.out) == (1, b"") and ran.err == (
        f"error: {output}: is not a URI, which begins with {scheme}:/; add the slash, or write ./{output} for a"
        " directory here\n"
    )


def test_such_a_directory_can_still_be_written(run_job, tmp_path):
    assert run_job("--window", "1", "-q", "-o", "./hdfs:out", BARS).status == 0
    assert "part-00000" in os.listdir("hdfs:out")
    for name in os.listdir("hdfs:out"):
        os.unlink(f"hdfs:out/{name}")
    os.rmdir("hdfs:out")


@pytest.mark.parametrize("runner", [*HERE, "hadoop", "emr"])
def test_an_output_without_a_name_says_so(run_job, runner):
    """The current directory, it was, or `: exists and is not empty`."""
    ran = run_job("-r", runner, "--window", "1", "-o", "", BARS)
    assert (ran.status, ran.out) == (2, b"") and ran.err.startswith("error: -o '': the name of the output is empty; ")


@pytest.mark.parametrize("option", ["--spark-tmp-dir", "--step-output-dir"])
def test_other_folders_are_paths_too(option):
    runner = "spark" if "spark" in option else "local"
    with pytest.raises(UsageError, match=rf"^{option} hdfs:///tmp: is a URI, but with -r {runner} tasks write there"):
        MovingAverage(["-r", runner, "--window", "1", option, "hdfs:///tmp", str(BARS)])


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("name", sorted(set(find_jobs()) - LEARNING))
def test_all_after_two_dashes_are_files(run_job, name, runner, tmp_path):
    """A traceback, TypeError, from every job."""
    dashed, job = tmp_path / "--window", job_class(find_jobs()[name])
    dashed.write_bytes(BARS.read_bytes())
    plain = run_job("-r", runner, "-q", dashed, job=job)
    try:
        for given in (["--", "--window"], ["--", dashed], [dashed, "--"]):
            ran = run_job("-r", runner, "-q", *given, job=job)
            assert (ran.status, ran.err, ran.lines) == (0, plain.err, plain.lines)
        assert run_job("-r", runner, "-q", "--", "-", job=job, stdin=BARS.read_bytes()).lines == plain.lines
        twice = run_job("-r", runner, dashed, "--", "--window", job=job)
        assert twice.status == 0 and (name == "rejects" or "repeats dropped" in twice.err)
    finally:
        dashed.unlink()


def test_after_two_dashes_there_is_no_option(run_job):
    ran = run_job("--", "--window", "3")
    assert (ran.status, ran.out) == (1, b"") and ran.err.startswith("error: --window: does not exist; ")
