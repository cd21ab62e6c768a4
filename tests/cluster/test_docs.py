"""What README and docs/hadoop.md tell a user to type works as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.conftest import ROOT

README = (ROOT / "README.md").read_text()
HADOOP = (ROOT / "docs/hadoop.md").read_text()


def commands(text):
    """Indented lines that are commands, without their comments; but those that stop the cluster."""
    lines = re.findall(r"^    ((?:make|\.cluster/|\.venv/|windrow ).*?)(?: +#.*)?$", text, re.MULTILINE)
    return [line for line in lines if line != "make cluster-stop"]


@pytest.fixture
def shell(cluster, tmp_path):
    """Runs a command in a folder that looks like the checkout, with this Python as the installed one."""
    for name in (".cluster", "Makefile", "data", "tests", "setup.cfg", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(Path(sys.executable).parent)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "MRJOB_CONF": str(cluster.conf), "CLUSTER_PYTHON": sys.executable}

    def run(command):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    yield run
    cluster.hadoop("fs", "-rm", "-r", "-f", "/bars.csv", "/bars", "/averages")


@pytest.mark.cluster
def test_readmes_commands_run(shell):
    listed = commands(README.partition("\n## On Hadoop\n")[2].partition("\n## ")[0])
    assert [line.split()[0] for line in listed] == ["make", ".cluster/hadoop", ".venv/bin/windrow", "make"]
    _, _, averages, status = map(shell, listed)
    assert averages.count("\n") > 1000
    assert status.count(" healthy\n") == 6


@pytest.mark.cluster
@pytest.mark.full
def test_the_guides_commands_run(shell):
    listed = commands(HADOOP)
    assert len(listed) == 6
    assert "/averages/part-00000" in [shell(command) for command in listed][3]
