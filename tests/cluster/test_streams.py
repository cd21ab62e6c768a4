"""Jobs over a stream on Hadoop in one process: its tasks read what was spooled at submission."""

import re

import pytest

from tests.streams.test_jobs import JOBS, resharded  # noqa: F401  a fixture


@pytest.mark.parametrize(("job", "options"), JOBS, ids=[job.__name__ for job, _ in JOBS])
def test_a_job_gives_the_bytes_of_the_file_on_hadoop(job, options, resharded, on_hadoop, run_job):  # noqa: F811
    path, stream = resharded
    want = run_job("-q", *options, path, job=job)
    found = on_hadoop("--job", job.__module__, "-q", "--share", "1", *options, stream.uri, job="tests.streams.faulty")
    assert (found.status, found.out) == (0, want.out), found.err
    assert re.search("[1-9][0-9]* of [0-9]+ calls failed, 1 bars came later", found.err)
