"""Jobs over a table on Hadoop in one process: its tasks read what was read at submission, while a writer goes on."""

import pytest

from tests.sql.test_read import JOBS, both  # noqa: F401  a fixture
from tests.sql.test_snapshot import filled, states, writing  # noqa: F401  a fixture
from tests.sql.test_tools import JOBS as OTHERS

SERVERS = [("mariadb", JOBS[0]), ("postgres", JOBS[0]), ("mariadb", JOBS[1]), ("mariadb", OTHERS[0])]
CASES = [("sqlite", *JOBS[0]), *(pytest.param(name, *job, marks=pytest.mark.sql) for name, job in SERVERS)]


@pytest.mark.parametrize(
    ("database", "job", "options"), CASES, ids=lambda one: getattr(one, "__name__", None), indirect=["database"]
)
def test_a_job_gives_the_bytes_of_the_file_on_hadoop(job, options, both, on_hadoop, run_job):  # noqa: F811
    path, table = both
    want = run_job("-q", *options, path, job=job)
    found = on_hadoop("-q", *options, table.uri, job=job.__module__)
    assert (found.status, found.lines) == (0, want.lines), found.err


def test_a_job_on_hadoop_sees_one_state(filled, on_hadoop):  # noqa: F811
    with writing(filled) as commits:
        [seen] = [states(lambda *args: on_hadoop(*args), filled.uri)]
    assert len(seen) == 1 and len(commits) > 2
