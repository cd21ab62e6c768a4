"""Whatever breaks while a job runs on the cluster, it ends with the same bytes and the same counters.

Each test asks Hadoop, too, whether it noticed: a fault that hit nothing would prove nothing.
"""

import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.cluster.conftest import INDICATORS, ROOT, SPECULATE_AT_ONCE, split_by

pytestmark = pytest.mark.cluster
#: As Hadoop's counters call them, and how many of them a run has in which nothing breaks.
TASKS = {"mapper": "map", "reducer": "reduce"}
UNDISTURBED = {"mapper": 4, "reducer": 2}


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    """20,000 bars in no order: a task's share is more than the pipe to its Python holds, so a fault hits it halfway."""
    place = tmp_path_factory.mktemp("bars") / "bars.csv"
    run(f"windrow.cli sample {place} --symbols 5 --bars 4000 --order shuffled")
    return place


@pytest.fixture(scope="module")
def undisturbed(bars):
    """The lines of a run in which nothing breaks."""
    return sorted(run(f"jobs.moving_average {' '.join(INDICATORS)} {bars}").splitlines())


def run(command):
    return subprocess.run([sys.executable, "-m", *command.split()], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture
def on_going(cluster, hdfs, on_cluster, bars, undisturbed):
    """Runs the job over four splits in a thread while the block goes on; then what it wrote is checked.

    Its tasks of a kind wait halfway until one of them is broken.
    """
    hdfs.put("bars.csv", bars, blocksize=256 << 10)
    options = [
        *INDICATORS,
        *split_by(bars.stat().st_size // 4),
        "-v",
        "--block-bars",
        1,
        "-D",
        "mapreduce.job.reduces=2",
    ]

    @contextmanager
    def run(kind, *more):
        waiting = cluster.waiting(kind)
        with ThreadPoolExecutor() as threads:
            job = threads.submit(on_cluster, *options, *waiting, *more, hdfs.uri(), job="tests.cluster.faulty")
            cluster.breaks(job)
            try:
                yield job
            except BaseException:
                cluster.awake()  # or the job would hang on
                raise
        assert job.result().status == 0, job.result().err
        assert job.result().lines == undisturbed
        assert "number of splits:4\n" in job.result().err
        assert "20,000 bars of 5 symbols -> 19,945 lines\n" in job.result().err
        assert re.search(r"\n  blocks +20,000\n", job.result().err)

    yield run
    cluster.mend()


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("kill_python", "mapper"),
        ("kill_jvm", "reducer"),
        pytest.param("kill_python", "reducer", marks=pytest.mark.full),
        pytest.param("kill_jvm", "mapper", marks=pytest.mark.full),
    ],
)
def test_a_killed_task(cluster, on_going, what, kind):
    with on_going(kind) as job:
        killed = getattr(cluster, what)(kind)
        assert killed.command[0].endswith("java") == (what == "kill_jvm")
    assert re.search(f"Failed {TASKS[kind]} tasks=[1-9]", job.result().err)


def test_a_lost_node(cluster, on_going):
    one_a_node = ["-D", "mapreduce.map.memory.mb=2048"]  # so that both nodes get some
    with on_going("mapper", *one_a_node, "-D", "mapreduce.map.speculative=false") as job:
        other = 3 - cluster.am_node()
        held = cluster.hang_python("mapper", other)  # so that it cannot end before its node does
        assert held.pid in [victim.pid for victim in cluster.kill_nodemanager(other)]
    assert int(re.search(r"Launched map tasks=(\d+)", job.result().err)[1]) > UNDISTURBED["mapper"]


@pytest.mark.full
def test_the_lost_node_of_the_application_master(cluster, on_going):
    with on_going("mapper") as job:
        node = cluster.am_node()
        cluster.hang_python("mapper")  # so that the job cannot end before
        lost = cluster.kill_nodemanager(node)
        assert any("MRAppMaster" in word for victim in lost for word in victim.command)
    assert cluster.masters(re.search(r"application_\d+_\d+", job.result().err)[0]) == 2


@pytest.mark.full
def test_a_reducer_that_hangs(cluster, on_going):
    # Soon, but no sooner than a task needs on a busy machine until its first sign of life.
    soon = ["-D", "mapreduce.task.timeout=20000", "-D", "mapreduce.task.timeout.check-interval-ms=1000"]
    with on_going("reducer", *soon, "-D", "mapreduce.reduce.speculative=false") as job:
        cluster.hang_python("reducer")
    assert re.search("Failed reduce tasks=[1-9]", job.result().err)


@pytest.mark.full
@pytest.mark.parametrize("kind", ["mapper", "reducer"])
def test_speculative_duplicates(cluster, on_going, kind):
    other = "map" if kind == "reducer" else "reduce"  # else the next look is after 15 s, and the reducer may be done
    with on_going(kind, *SPECULATE_AT_ONCE, "-D", f"mapreduce.{other}.speculative=false") as job:
        held = cluster.hang_python(kind)
        cluster.await_another_attempt(kind, held)
        cluster.awake()  # now both write; a job whose last task ends may end before it counts who was killed
    assert int(re.search(rf"Launched {TASKS[kind]} tasks=(\d+)", job.result().err)[1]) > UNDISTURBED[kind]


@pytest.mark.full
def test_a_job_that_is_ended_here_ends_there(cluster, hdfs):
    hdfs.put("bars.csv", (ROOT / "data/bars.csv").read_bytes())
    command = [sys.executable, "-m", "tests.cluster.faulty", "-r", "hadoop", "-c", cluster.conf]
    command += cluster.waiting("mapper")
    with subprocess.Popen(
        [*command, "-o", hdfs.uri("out"), hdfs.uri("bars.csv")], cwd=ROOT, stderr=subprocess.PIPE
    ) as job:
        cluster.hang_python("mapper")
        job.send_signal(signal.SIGTERM)
        said = job.stderr.read().decode()
    assert (job.returncode, said) == (130, "stopped; nothing was written\n")
    assert hdfs.list() == ["bars.csv"]
    assert b"Total number of applications" in (running := cluster.hadoop("application", "-list"))
    assert b"faulty" not in running
