"""What many tests share: how they are selected, running whole jobs, where the real prices are."""

import io
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from jobs.moving_average import MovingAverage
from tests.needs import IN_CI, count_skipped, require
from tests.sql.servers import (  # noqa: F401  fixtures
    database,
    mariadb,
    mariadb_server,
    postgres,
    postgres_server,
    sqlite,
)
from tests.streams.servers import (  # noqa: F401  fixtures
    canned,
    kafka,
    kafka_broker,
    kinesis,
    kinesis_local,
    no_stream,
    no_topic,
)

TESTS = Path(__file__).parent
ROOT = TESTS.parent

#: Folders of tests whose outcome no other version of Python can change: they test numpy's and arrow's work, pages, and
#: what is outside this process. In other folders a file says so itself, by this mark.
ONE_PYTHON = {
    "bars", "cluster", "commands", "emr", "exact", "feeds", "frames", "pages", "peers", "runners/emr", "sample",
    "sinks", "sort_keys", "sql", "storage", "streams", "sweeps", "trading", "windows",
}  # fmt: skip

#: What starts a JVM or more for each test: of these an ordinary run has those marked `smoke`.
ON_HADOOP = {"hadoop_local", "jars"}

#: What starts a server of streams.
ON_STREAMS = {"kinesis_local", "kafka_broker"}

#: What starts a server of databases.
ON_SQL = {"mariadb_server", "postgres_server"}

#: What starts an emulator of AWS, for catalogs and for S3.
ON_CATALOG, ON_S3 = {"catalog_server"}, {"s3_server"}

#: What starts Chromium.
ON_PAGES = {"chromium"}

#: Folders of tests that have a mark, and a target, of their own.
OF_FOLDERS = {"peers": "peers", "pages": "pages", "emr": "emr", "runners/emr": "emr"}

# No example is failed by the clock: a busy machine is not a fault. `make test` makes few, CI more, and `make test-full`
# has --hypothesis-profile=nightly.
FEW, MODEST, NIGHTLY = 20, 60, 1000
for profile, most in (("few", FEW), ("windrow", MODEST), ("nightly", NIGHTLY)):
    settings.register_profile(profile, deadline=None, max_examples=most)
settings.load_profile("windrow" if IN_CI else "few")

#: Real prices, which are beside the project, not in it.
SHARED = ROOT.parent / "shared" / "data"

# Of a run in the background, `nohup make test &`, a shell has Ctrl-C ignored, and so would all that tests start and
# interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = [] if find_spec("backtrader") and find_spec("vectorbt") else ["peers"]


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their marks
def pytest_collection_modifyitems(items):
    """Marks tests by their folders and fixtures, and gives them their numbers of generated examples."""
    files = {item.path for item in items}  # asking each of 20,000 tests for its folders took seconds
    one_python = in_folders(files, *ONE_PYTHON)
    marked = [(in_folders(files, folder), mark) for folder, mark in OF_FOLDERS.items()]
    for item in items:
        if ON_HADOOP.intersection(getattr(item, "fixturenames", ())) and not item.get_closest_marker("smoke"):
            item.add_marker("hadoop")
        if ON_STREAMS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("streams")
        if ON_SQL.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("sql")
        if ON_CATALOG.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("catalog")
        if ON_S3.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("s3")
        if ON_PAGES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("pages")
        if item.path in one_python:
            item.add_marker("one_python")
        for folder, mark in marked:
            if item.path in folder:
                item.add_marker(mark)
        if item.path.name == "spark_tasks.py":
            item.add_marker("spark")
    for test in {item.obj for item in items if getattr(getattr(item, "obj", None), "is_hypothesis_test", False)}:
        own = test._hypothesis_internal_use_settings
        test._hypothesis_internal_use_settings = settings(own, max_examples=examples(own.max_examples))


def in_folders(files, *folders):
    """Those of the files that are in one of these folders of tests."""
    return {file for file in files if any(file.is_relative_to(TESTS / folder) for folder in folders)}


def examples(asked):
    """How many generated examples a test gets, of `asked`: at most the profile's; nightly ten times as many."""
    most = settings.default.max_examples
    return min(asked * (10 if most == NIGHTLY else 1), most)


def pytest_runtest_setup(item):
    """Skips a test without what it needs: see tests/needs.py."""
    if item.get_closest_marker("spark"):
        require("pyspark", "java")
    if item.get_closest_marker("learn"):
        require("jax")
    for mark in item.iter_markers("needs"):
        require(*mark.args)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last lines of all
def pytest_terminal_summary(terminalreporter):
    """Lists what was skipped for want of a tool."""
    result = yield
    if missing := skipped(terminalreporter):
        terminalreporter.section("skipped for want of a tool" + " (CI=true: failed)" * IN_CI, "!")
        for reason, tests in missing.most_common():
            terminalreporter.line(f"{tests} {'test' if tests == 1 else 'tests'} skipped: {reason}")
    return result


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fails the run in CI if a tool is missing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if IN_CI and session.exitstatus == pytest.ExitCode.OK and reporter and skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def skipped(reporter):
    """The reasons for which tests were skipped for want of a tool, counted."""
    reports = reporter.stats.get("skipped", [])
    return count_skipped([report.longrepr[2].removeprefix("Skipped: ") for report in reports])


@pytest.fixture
def shared_data():
    """The folder of real prices; tests that read it are skipped without it."""
    if not SHARED.is_dir():
        pytest.skip(f"the real prices are not in {SHARED}")
    return SHARED


class Ran:
    """What a job printed, what it wrote to standard error, and its status."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self):
        """Output lines in order of bytes, the order in which runs are compared."""
        return sorted(self.out.splitlines())

    @property
    def told(self):
        """What it wrote to standard error, but for how long it took."""
        return re.sub(r"(?m)^  took .*\n", "", self.err)


@pytest.fixture
def run_job(capfdbinary):
    """Runs a job in this process: `run_job("--window", "3", path)`; another than MovingAverage by `job=`."""

    def run(*args, job=MovingAverage, stdin=b""):
        real, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
        capfdbinary.readouterr()
        try:
            status = job.main([str(arg) for arg in args])
        finally:
            sys.stdin = real
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Ran(status, out, err.decode())

    return run


@pytest.fixture
def run_module():
    """Runs `python -m MODULE ARGS` as a user would, in a process of its own."""

    def run(module, *args, stdin=b"", cwd=ROOT, **kwargs):
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, args)], input=stdin, capture_output=True, cwd=cwd, **kwargs
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode())

    return run
