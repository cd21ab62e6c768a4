"""The one-machine Hadoop for tests: what runs on it, and how to break it.

A test that uses `cluster` carries `@pytest.mark.cluster` and is run by `make test-cluster`, in CI too, which starts the
cluster where it does not run: 20 s and 1.3 GB are not to be taken unasked. These tests run one after another: a fault
is for the test that causes it. `hadoop_local` has no daemons and is part of every run where Java and Maven are.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.needs import require

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".cluster"
IN_CI = os.environ.get("CI") == "true"
WEBHDFS = "http://127.0.0.1:19070/webhdfs/v1"
RESOURCE_MANAGER = "http://127.0.0.1:19088/ws/v1/cluster"
NODES = (1, 2)
#: Makes Hadoop split inputs and hand out their lines, and its client copy files.
BY_HADOOP = ["-D", "windrow.webhdfs=off"]
#: The job of most tests: what data/averages.tsv holds.
INDICATORS = ["--indicator", "sma:20", "--indicator", "ema:12"]
#: An estimator that has no estimate yet takes every task for endless: each gets a duplicate when one of its kind ends.
#: Hadoop's usual one waits for twice the time that others took, which on a busy machine are minutes.
ESTIMATOR = "yarn.app.mapreduce.am.job.task.estimator"
SPECULATE_AT_ONCE = [
    *("-D", "mapreduce.job.speculative.retry-after-no-speculate=500"),
    *("-D", f"{ESTIMATOR}.class=org.apache.hadoop.mapreduce.v2.app.speculate.SimpleExponentialTaskRuntimeEstimator"),
    *("-D", f"{ESTIMATOR}.simple.exponential.smooth.skip-initials=1000000"),
]
#: Seconds until what is to be broken has come up; CI runs other tests meanwhile.
WAIT = 300
#: A task's kind, as Hadoop writes it in the name of an attempt.
KINDS = {"mapper": "m", "reducer": "r"}


def split_by(size):
    """Makes each mapper read so many bytes, about."""
    return ["-D", f"mapreduce.input.fileinputformat.split.maxsize={size}"]


def shuffled_rows():
    """The header and the rows of the sample bars, in no order."""
    header, *rows = (ROOT / "data/bars.csv").read_text().splitlines()
    random.Random(3).shuffle(rows)
    return header, rows


def averages():
    """The lines of the job of most tests over the sample bars, in order of bytes."""
    return sorted((ROOT / "data/averages.tsv").read_bytes().splitlines())


def check(ran):
    """A job over the sample bars wrote what it should."""
    assert ran.status == 0, ran.err
    assert ran.lines == averages()


def make(target):
    """Runs a target for the Python that runs the tests; returns why it failed, or nothing."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), target, f"CLUSTER_PYTHON={sys.executable}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip() if done.returncode else ""


def is_running():
    return subprocess.run([ROOT / "tests/cluster/cluster", "status"], capture_output=True).returncode == 0


def own_conf(folder, name):
    """A configuration whose tasks run this Python, whichever one `make cluster` was last asked for."""
    path = folder / name
    path.write_text(f"include: {HOME / name}\nrunners:\n  hadoop:\n    python_bin: {sys.executable}\n")
    return path


@pytest.fixture(scope="session")
def hadoop_local(tmp_path_factory):
    """The mrjob.conf of Hadoop Streaming in one process, on local files."""
    require("hadoop")
    if why := make("cluster-jars"):
        (pytest.fail if IN_CI else pytest.skip)(f"no Hadoop here: {why}")
    return own_conf(tmp_path_factory.mktemp("conf"), "mrjob-local.conf")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """The running Cluster; stopped at the end if it was started for the tests."""
    was_running = is_running()
    if not (was_running or IN_CI):
        pytest.skip("needs the one-machine Hadoop: start it by `make cluster`")
    if why := make("cluster"):
        pytest.fail(f"the cluster does not start: {why}")
    yield Cluster(own_conf(tmp_path_factory.mktemp("conf"), "mrjob.conf"))
    if not was_running:
        make("cluster-stop")


@pytest.fixture
def on_hadoop(run_module, hadoop_local, tmp_path_factory):
    """Runs a job under Hadoop Streaming in one process, which links a job's files into its current directory."""
    here = tmp_path_factory.mktemp("here")
    options = ["-r", "hadoop", "-c", hadoop_local]
    return lambda *args, job="jobs.moving_average": run_module(job, *options, *args, cwd=here, env=with_path())


@pytest.fixture
def on_cluster(run_module, cluster):
    """Runs a job on the cluster, where the longest takes a minute."""
    options = ["-r", "hadoop", "-c", cluster.conf]
    return lambda *args, job="jobs.moving_average": run_module(job, *options, *args, timeout=300)


def with_path():
    """An environment from which jobs below tests/ can be imported anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def hdfs(cluster):
    """A folder of its own on HDFS for one test."""
    folder = Hdfs(f"/test/{os.getpid()}-{time.monotonic_ns()}")
    yield folder
    folder.remove()


class Hdfs:
    """A folder on HDFS, through WebHDFS: some milliseconds a file, where `hadoop fs` starts a JVM."""

    def __init__(self, path):
        self.path = path

    def uri(self, name=""):
        return f"hdfs://{self.path}/{name}".rstrip("/")

    def put(self, name, content, **options):
        """Writes a file of bytes or from a local Path and returns its URI; options are WebHDFS', as blocksize=65536."""
        data = content.read_bytes() if isinstance(content, Path) else content
        location = json.loads(self._ask("PUT", name, "CREATE", overwrite="true", noredirect="true", **options))
        request = urllib.request.Request(location["Location"], data=data, method="PUT")
        urllib.request.urlopen(request).close()
        return self.uri(name)

    def read(self, name):
        return self._ask("GET", name, "OPEN")

    def list(self, name=""):
        """Names in a folder; none where it is not there."""
        try:
            listed = json.loads(self._ask("GET", name, "LISTSTATUS"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return sorted(status["pathSuffix"] for status in listed["FileStatuses"]["FileStatus"])

    def remove(self, name=""):
        self._ask("DELETE", name, "DELETE", recursive="true")

    def _ask(self, method, name, operation, **options):
        query = urllib.parse.urlencode({"op": operation, "user.name": "root", **options})
        path = urllib.parse.quote(f"{self.path}/{name}".rstrip("/"))
        request = urllib.request.Request(f"{WEBHDFS}{path}?{query}", method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read()


class Cluster:
    """A running cluster. What breaks a task waits until there is such a one, and returns what it broke.

    A task may live for less time than a busy machine takes to find it. So jobs of tests.cluster.faulty wait at a gate,
    a file, until the first of their tasks is found.
    """

    def __init__(self, conf):
        self.conf = conf
        self._held = []
        self._gate = HOME / "tmp/gate"
        self._job = None

    def breaks(self, job):
        """Whoever waits for something to break in this job, a future, fails at once when it has ended without."""
        self._job = job

    def waiting(self, kind):
        """The options of a job whose tasks of this kind wait halfway until one of them is broken."""
        self.idle()
        self._gate.touch()
        return ["--wait-for", self._gate, "--waits", kind]

    def hadoop(self, *args):
        """The output of a `hadoop` command."""
        return subprocess.run([HOME / "hadoop", *map(str, args)], stdout=subprocess.PIPE, check=True).stdout

    def kill_python(self, kind, timeout=WAIT):
        """Ends the Python of a running "mapper" or "reducer"."""
        return self._signal(signal.SIGKILL, lambda: task_pythons(kind), timeout)

    def kill_jvm(self, kind, timeout=WAIT):
        """Ends the JVM of a running "mapper" or "reducer"; its Python then reads the end of its input."""
        return self._signal(
            signal.SIGKILL, lambda: [jvm for jvm in task_jvms(kind) if task_pythons(kind, jvm)], timeout
        )

    def kill_put(self, timeout=WAIT):
        """Ends Hadoop's client while a task puts a file on HDFS by it."""
        return self._signal(signal.SIGKILL, lambda: [p for p in processes() if p.node and "-put" in p.command], timeout)

    def hang_python(self, kind, node=None, timeout=WAIT):
        """Stops the Python of a running task, on that node if one is named."""
        held = self._signal(
            signal.SIGSTOP, lambda: [p for p in task_pythons(kind) if node is None or p.node == node], timeout
        )
        self._held.append(held)
        return held

    def awake(self):
        """Lets every Python that hangs or waits, and is still there, go on."""
        self._gate.unlink(missing_ok=True)
        while self._held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._held.pop().pid, signal.SIGCONT)

    def await_another_attempt(self, kind, held, timeout=WAIT):
        """Waits until the task whose Python is held is tried by another attempt's Python, and returns that."""
        mine = attempt_of(held)  # it is stopped, and cannot end

        def others():
            attempts = ((python, attempt_of(python)) for python in task_pythons(kind))
            return [python for python, its in attempts if its and its[0] == mine[0] and its[1] != mine[1]]

        return self._await(others, timeout)[0]

    def _signal(self, number, find, timeout):
        """Sends it to the first process found that has not ended: one that has may still be listed, and be killed."""
        for found in self._await(find, timeout):
            with contextlib.suppress(OSError):
                os.kill(found.pid, signal.SIGSTOP)
                while (state := found.state()) not in "TZX":
                    time.sleep(0.01)
                if state == "T":
                    os.kill(found.pid, number)
                    self._gate.unlink(missing_ok=True)
                    return found
        return self._signal(number, find, timeout)

    def _await(self, find, timeout):
        end = time.monotonic() + timeout
        while not (found := find()):
            if self._job and self._job.done():
                pytest.fail(f"the job ended before there was anything to break:\n{self._job.result().err}")
            if time.monotonic() > end:
                self.awake()  # or the job would wait on
                pytest.fail(f"nothing to break came up within {timeout} s")
            time.sleep(0.02)
        return found

    def idle(self, timeout=WAIT):
        """Waits until nothing of jobs that have ended is there, which could be taken for what is to be broken."""
        self._await(lambda: not any(process.node for process in processes()), timeout)

    def am_node(self, timeout=WAIT):
        """The number of the node that runs an application master."""
        return self._await(application_masters, timeout)[0].node

    def masters(self, application):
        """How many application masters an application has had."""
        with urllib.request.urlopen(f"{RESOURCE_MANAGER}/apps/{application}/appattempts") as answer:
            return len(json.loads(answer.read())["appAttempts"]["appAttempt"])

    def kill_nodemanager(self, node):
        """Ends a node as a lost machine would: its NodeManager and all containers' processes; returns them."""
        mark = f"-Dcluster.daemon={HOME}:nodemanager-{node}"
        # The NodeManager first: alive, it would tell of its containers' end.
        victims = [process for process in processes() if mark in process.command]
        victims += [process for process in processes() if process.node == node]
        for process in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        return victims

    def mend(self):
        """Lets what hangs go on, and starts the daemons that do not run; returns when all are healthy."""
        self._job = None
        self.awake()
        why = make("cluster")
        assert not why, why


class Process:
    """A process as /proc shows it."""

    def __init__(self, pid):
        self.pid = pid
        place = Path("/proc") / str(pid)
        self.command = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
        self.parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        self.folder = os.readlink(place / "cwd")

    def state(self):
        """What it does now, as a letter of proc(5); OSError once it is gone."""
        return (Path("/proc") / str(self.pid) / "stat").read_text().rpartition(")")[2].split()[0]

    @property
    def node(self):
        """The node whose container it runs in, from the folder it works in; None outside of containers."""
        return next((node for node in NODES if self.folder.startswith(f"{HOME}/run/nm{node}/")), None)

    def __repr__(self):
        return f"<{self.pid}: {' '.join(self.command)[:200]}>"


def processes():
    """All that can be read now; one that ends meanwhile is left out."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found.append(Process(int(entry)))
    return found


def main_class(process):
    """The last part of the name of the class that a container's JVM runs, where it is one of Hadoop's."""
    if process.node is None or not process.command[0].endswith("/java"):
        return None
    return next((word.rpartition(".")[2] for word in process.command if word.startswith("org.apache.hadoop.")), None)


def application_masters():
    """JVMs of application masters."""
    return [process for process in processes() if main_class(process) == "MRAppMaster"]


def task_jvms(kind):
    """JVMs of tasks of this kind."""
    jvms = ((process, attempt_of(process)) for process in processes() if main_class(process) == "YarnChild")
    return [jvm for jvm, attempt in jvms if attempt and f"_{KINDS[kind]}_" in attempt[0]]


def task_pythons(kind, jvm=None):
    """Python processes that run tasks of this kind, below one JVM or any: there may be a shell between."""
    everything = processes()
    pythons = [p for p in everything if p.node and f"--{kind}" in p.command and "python" in Path(p.command[0]).name]
    return [p for p in pythons if jvm is None or jvm.pid in ancestors(p, everything)]


def attempt_of(process):
    """The task and the number of the attempt, as ("1795_0001_m_000000", "0"), that a JVM or one below it works for."""
    everything = processes()
    family = {process.pid, *ancestors(process, everything)}
    words = (word for one in everything if one.pid in family for word in one.command)
    found = (re.fullmatch(r"attempt_(\d+_\d+_[mr]_\d+)_(\d+)", word) for word in words)
    return next((match.groups() for match in found if match), None)


def ancestors(process, everything):
    """The ids of the processes above one."""
    parents = {p.pid: p.parent for p in everything}
    above = [process.parent]
    while above[-1] in parents:
        above.append(parents[above[-1]])
    return above
