"""What the fault tests stand on: the cluster runs jobs, its parts can be killed, and it is mended."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.conftest import ROOT

WAITS = """
import sys, time
for line in sys.stdin:
    time.sleep(0.1)
    print(line, end="")
"""


@pytest.fixture
def slow_job(cluster, hdfs, tmp_path):
    """Starts a job of one mapper and one reducer that both take 5 s; returns how to wait for its end."""
    script = tmp_path / "slow.py"
    script.write_text(WAITS)
    hdfs.put("in", b"".join(b"%03d\n" % number for number in range(50)))
    (jar,) = (ROOT / ".cluster/jars").glob("hadoop-streaming-*.jar")
    options = ["-D", "mapreduce.job.maps=1", "-D", "mapreduce.job.reduces=1", "-files", script]
    task = f"{sys.executable} slow.py"
    command = [ROOT / ".cluster/hadoop", "jar", jar, *options, "-input", hdfs.uri("in"), "-output", hdfs.uri("out")]
    with ThreadPoolExecutor() as threads:
        job = threads.submit(subprocess.run, [*command, "-mapper", task, "-reducer", task], capture_output=True)
        yield job.result


def check(hdfs, done):
    assert done.returncode == 0, done.stderr.decode()
    assert hdfs.read("out/part-00000").split() == [b"%03d" % number for number in range(50)]


@pytest.mark.cluster
@pytest.mark.parametrize("kind", ["mapper", "reducer"])
@pytest.mark.parametrize("what", ["kill_python", "kill_jvm"])
def test_a_killed_task_is_run_again(cluster, hdfs, slow_job, what, kind):
    killed = getattr(cluster, what)(kind)
    assert ("python" in killed.command[0]) == (what == "kill_python")
    check(hdfs, slow_job())


@pytest.mark.cluster
def test_a_lost_node_with_the_application_master_is_survived_and_mended(cluster, hdfs, slow_job):
    node = cluster.am_node()
    assert len(cluster.kill_nodemanager(node)) >= 2
    status = subprocess.run([ROOT / "tests/cluster/cluster", "status"], capture_output=True, text=True)
    assert status.returncode == 1 and f"nodemanager-{node}    not running" in status.stdout
    cluster.mend()
    check(hdfs, slow_job())
