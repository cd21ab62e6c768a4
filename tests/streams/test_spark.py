"""Jobs over a stream on Spark: its tasks read what was spooled at submission."""

import re

import pytest

from tests.streams.test_jobs import JOBS, resharded  # noqa: F401  a fixture

pytestmark = pytest.mark.spark


@pytest.mark.parametrize(("job", "options"), JOBS, ids=[job.__name__ for job, _ in JOBS])
def test_a_job_gives_the_bytes_of_the_file_on_spark(job, options, resharded, run_job, run_module):  # noqa: F811
    path, stream = resharded
    want = run_job("-q", *options, path, job=job)
    on_spark = ["-q", "-r", "spark", "--spark-master", "local[2]", "--share", "1"]
    found = run_module("tests.streams.faulty", "--job", job.__module__, *on_spark, *options, stream.uri)
    assert (found.status, found.out) == (0, want.out), found.err
    assert re.search("[1-9][0-9]* of [0-9]+ calls failed, 1 bars came later", found.err)
