"""A run of the tests: what is skipped for want of a tool, which fails in CI, and how many examples are generated."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import NEEDS, count_skipped

pytestmark = pytest.mark.one_python
ROOT = Path(__file__).parents[1]
PROGRAM = """
import pytest

@pytest.mark.needs("chromium")
def test_a_page():
    pass

@pytest.mark.spark
@pytest.mark.parametrize("number", [1, 2])
def test_spark(number):
    pass

def test_plain():
    pass

def test_something_else():
    pytest.skip("for a reason of its own")
"""


@pytest.fixture
def run(tmp_path):
    """Runs the tests above without any tool; returns the exit status and the last lines, pytest's own included."""
    (tmp_path / "test_program.py").write_text(PROGRAM)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  spark\n  needs(tool)\n  one_python\n  peers\n")
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "uname"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))

    def run(*args, **env):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *args, tmp_path]
        env = {"HOME": str(tmp_path), "PATH": str(tmp_path / "bin"), "PYTHONPATH": str(ROOT), **env}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout.partition("skipped for want of a tool")[2].splitlines()

    return run


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "two"])
def test_the_last_lines_list_what_is_skipped_for_want_of_a_tool(run, processes):
    status, lines = run(*processes)
    java = "java" if NEEDS["pyspark"].is_here() else "pyspark"
    assert status == 0 and lines[1:-1] == [
        f"2 tests skipped: {NEEDS[java].reason}",
        "1 test skipped: needs Chromium: apt-get install chromium",
    ]


@pytest.mark.parametrize("processes", [[], ["-n", "2"]], ids=["one process", "two"])
def test_in_ci_that_list_fails_the_run(run, processes):
    status, lines = run(*processes, CI="true")
    assert status == 1 and "(CI=true: failed)" in lines[0] and len(lines) == 4


def test_in_ci_other_skips_do_not_fail_the_run(run):
    assert run("-k", "plain or else", CI="true") == (0, [])


def test_a_tool_is_found_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not NEEDS["chromium"].is_here()
    (tmp_path / "chromium").write_text("")
    os.chmod(tmp_path / "chromium", 0o755)
    assert NEEDS["chromium"].is_here()


def test_a_package_that_is_absent_is_seen():
    """`importorskip` skips, and CI goes on; comparisons with other programs are not collected without these."""
    tests = ROOT / "tests"
    found = {path.relative_to(tests).as_posix() for path in tests.rglob("*.py") if "importorskip(" in path.read_text()}
    peers = ("backtesting_py", "backtrader", "quantstats", "vectorbt")
    compared = {"runners/test_compat.py", *(f"peers/test_{name}.py" for name in peers)}
    assert found - compared == {"test_runs.py"}


def test_only_reasons_of_tools_are_counted():
    reason = NEEDS["hadoop"].reason
    assert count_skipped([reason, reason, "the real prices are not here"]) == {reason: 2}


EXAMPLES = """
from hypothesis import given, settings, strategies as st

asked = []

@settings(max_examples=300)
@given(st.integers())
def test_many(number):
    asked.append("many")

@settings(max_examples=7)
@given(st.integers())
def test_few(number):
    asked.append("few")

@given(st.integers())
def test_as_many_as_usual(number):
    asked.append("usual")

def test_counts():
    assert [asked.count(name) for name in ("many", "few", "usual")] == COUNTS
"""


@pytest.mark.parametrize(
    ("profile", "env", "counts"),
    [
        ([], {}, [20, 7, 20]),
        ([], {"CI": "true"}, [60, 7, 60]),
        (["few"], {"CI": "true"}, [20, 7, 20]),
        (["nightly"], {}, [1000, 70, 1000]),
    ],
)
def test_the_profile_bounds_the_number_of_examples(run, tmp_path, profile, env, counts):
    (tmp_path / "test_program.py").write_text(EXAMPLES.replace("COUNTS", str(counts)))
    status, _ = run(*(f"--hypothesis-profile={name}" for name in profile), **env)
    assert status == 0


def test_what_make_test_leaves_out_has_a_target_that_the_gate_runs_and_contributing_lists():
    makefile, gate, guide, setup = (
        (ROOT / name).read_text() for name in ("Makefile", ".ci/run", "CONTRIBUTING.md", "setup.cfg")
    )
    targets = set(re.findall(r"^(test[a-z0-9-]*):", makefile, re.MULTILINE))
    run = set(re.search(r"^for target in (.*); do$", gate, re.MULTILINE)[1].split())
    assert run | set(re.findall(r"make (test-[a-z0-9]+)", gate)) == targets - {"test-full"}
    shown = re.search(r"^cat out/test-{(.*)}.log out/test.log$", gate, re.MULTILINE)[1].split(",")
    assert {"test", *(f"test-{name}" for name in shown)} == run | {"test-cluster"}
    assert set(re.findall(r"^\| `make (test[a-z0-9-]*)", guide, re.MULTILINE)) == targets
    marks = dict(re.findall(r"^    ([a-z0-9]+): .*; run by `make (test-[a-z0-9]+)`$", setup, re.MULTILINE))
    left_out = re.search(r"-m 'not \((.*)\)'", setup)[1].split(" or ")
    assert set(left_out) == set(marks) and set(marks.values()) <= targets
    quick = re.search(r"-m 'not \((one_python or .*)\)'", makefile)[1].split(" or ")
    assert quick == ["one_python", *left_out]
