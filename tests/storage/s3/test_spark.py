"""Jobs over S3 under Spark, whose tasks are processes of its own: the bytes of -r local."""

import gzip
from pathlib import Path

import pytest

from windrow.storage import s3

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "options",
    [pytest.param((), id="text", marks=pytest.mark.full), pytest.param(("--output-format", "parquet"), id="parquet")],
)
def test_spark_tasks_read_objects_and_the_output_appears_on_s3(bucket, run_module, tmp_path, options):
    header, *rows = (ROOT / "data/bars.csv").read_text().splitlines()
    bucket.put("bars/a b.csv", "\n".join([header, *rows[::2]]))
    bucket.put("bars/c.csv.gz", gzip.compress("\n".join([header, *rows[1::2]]).encode()))
    options = [*options, "-D", "mapreduce.job.reduces=2", f"{bucket.uri}/bars/*.csv*"]
    far = run_module(
        "jobs.moving_average", "-r", "spark", "--spark-master", "local[2]", "-o", f"{bucket.uri}/far", *options
    )
    near = run_module("jobs.moving_average", "-r", "local", "-o", f"{bucket.uri}/near", *options)
    assert (far.status, far.told) == (near.status, near.told) and far.status == 0
    written = {
        name: {key.partition("/")[2]: bucket.get(key) for key in bucket.shown() if key.startswith(name)}
        for name in ("far", "near")
    }
    assert written["far"] == written["near"] and len(written["far"]) == 4


def test_spark_refuses_an_object_that_is_damaged_by_name(bucket, run_module):
    uri = bucket.put("bars.csv.gz", gzip.compress((ROOT / "data/bars.csv").read_bytes())[:-2000])
    ran = run_module("jobs.moving_average", "-r", "spark", "--spark-master", "local[2]", "-o", f"{bucket.uri}/out", uri)
    assert ran.status == 1 and ran.err.startswith(f"error: {uri}: is truncated or damaged")
    assert [found.uri for found in s3.list_objects(bucket.uri)] == [uri]
