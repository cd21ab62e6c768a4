"""The cluster itself: it says what runs, notices what does not, and is mended."""

import subprocess

import pytest

from tests.cluster.conftest import HOME, ROOT, make
from windrow.runners.nodes import slots_of


@pytest.mark.cluster
def test_how_many_mappers_run_at_once_is_asked_of_the_cluster(cluster):
    cluster.mend()
    assert [slots_of([HOME / "yarn"], memory) for memory in (384, 1024)] == [2 * 8, 2 * 3]


@pytest.mark.cluster
def test_a_lost_node_is_seen_and_mended(cluster):
    cluster.kill_nodemanager(2)
    status = subprocess.run([ROOT / "tests/cluster/cluster", "status"], capture_output=True, text=True)
    assert status.returncode == 1 and "nodemanager-2    not running" in status.stdout
    assert "make cluster starts what is missing" in status.stdout
    cluster.mend()
    assert make("cluster-status") == ""
