"""-r hadoop over S3, read and written by Hadoop's own S3A in one process: the bytes of -r local."""

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
pytestmark = pytest.mark.cluster


@pytest.fixture
def on_hadoop(bucket, run_module, tmp_path):
    """Runs a job under Streaming, in one process that has S3A."""
    subprocess.run([ROOT / "tests/cluster/cluster", "jars", sys.executable], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([ROOT / "tests/runners/emr/jars"], check=True, stdout=subprocess.DEVNULL)
    (streaming,) = (ROOT / ".cluster/jars").glob("hadoop-streaming-*.jar")
    conf = tmp_path / "mrjob.conf"
    conf.write_text(
        "runners:\n  hadoop:\n"
        f"    hadoop_bin: {ROOT}/.cluster/hadoop --config {HERE}/conf-hadoop\n"
        f"    hadoop_streaming_jar: {streaming}\n"
        f"    hadoop_tmp_dir: file://{tmp_path}/hadoop\n"
        f"    python_bin: {sys.executable}\n"
    )
    return lambda *args, job="jobs.moving_average": run_module(job, "-r", "hadoop", "-c", conf, *args)


def put_bars(bucket, *keys):
    header, *rows = (ROOT / "data/bars.csv").read_text().splitlines()
    for number, key in enumerate(keys):
        mine = rows[number :: len(keys)]
        text = "\n".join([header, *mine]).encode()
        if key.endswith(".parquet"):
            frame = pd.DataFrame([row.split(",") for row in mine], columns=header.split(","))
            text = frame.astype({"close": float}).to_parquet()
        bucket.put(key, gzip.compress(text) if key.endswith(".gz") else text)


def written(bucket, prefix):
    return {key.removeprefix(prefix): bucket.get(key) for key in bucket.shown() if key.startswith(prefix)}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("bars/a b.csv", "bars/c+%20.csv.gz"), id="split by Hadoop"),
        pytest.param(("bars/a[1],b.csv", "bars/{c}*.csv.gz"), id="names with a meaning", marks=pytest.mark.full),
        pytest.param(("bars/a.parquet", "bars/b.csv"), id="whole", marks=pytest.mark.full),
    ],
)
def test_hadoop_reads_objects_and_publishes_on_s3(bucket, on_hadoop, run_module, keys):
    put_bars(bucket, *keys)
    options = ["-D", "mapreduce.job.reduces=1", f"{bucket.uri}/bars/"]
    far = on_hadoop("-o", f"{bucket.uri}/far", *options)
    near = run_module("jobs.moving_average", "-r", "local", "-o", f"{bucket.uri}/near", *options)
    assert far.status == near.status == 0, far.err
    assert far.err.splitlines()[0] == near.err.splitlines()[0]
    assert written(bucket, "far/") == written(bucket, "near/") and len(written(bucket, "far/")) == 3
    assert not written(bucket, ".")


def test_hadoop_writes_parquet_to_s3_and_leaves_nothing_of_a_refused_job(bucket, on_hadoop, run_module):
    put_bars(bucket, "bars/a.csv")
    options = ["-D", "mapreduce.job.reduces=1", "--output-format", "parquet", f"{bucket.uri}/bars/"]
    far = on_hadoop("-o", f"{bucket.uri}/far/", *options)
    near = run_module("jobs.moving_average", "-r", "local", "-o", f"{bucket.uri}/near/", *options)
    assert far.status == near.status == 0, far.err
    assert written(bucket, "far/") == written(bucket, "near/") and len(written(bucket, "far/")) == 3
    assert f"\nerror: {bucket.uri}/far: exists and is not" in on_hadoop("-o", f"{bucket.uri}/far", *options).err
    bucket.put("bars/b.csv", b"symbol,timestamp,close\nAAA,2023-01-03,1\n")
    refused = on_hadoop("-o", f"{bucket.uri}/no", *options)
    assert refused.status == 1 and "conflict" in refused.err
    assert not written(bucket, "no/") and not written(bucket, ".")
