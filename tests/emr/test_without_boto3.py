"""Without boto3 every command of `windrow emr` says in one sentence what to install; its help needs nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Imports fail as they do where the packages are not installed.
HIDDEN = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("boto3", "botocore", "s3transfer"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
from windrow.cli import main
sys.exit(main(sys.argv[1:]))
"""
COMMANDS = [
    ["doctor"],
    ["plan", "moving-average", "--window", "20", "data/bars.csv"],
    ["submit", "moving-average", "--window", "20", "data/bars.csv"],
    ["cluster", "create"],
    ["cluster", "list"],
    ["cluster", "terminate", "j-1"],
    ["logs", "s-1"],
    ["code"],
]


def run(*arguments):
    command = [sys.executable, "-c", HIDDEN, "emr", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_command_says_what_to_install(arguments):
    done = run(*arguments)
    name = " ".join(arguments[: 2 if arguments[0] == "cluster" else 1])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: windrow emr {name}: needs boto3, which is not installed; install it with: pip install 'windrow[aws]'\n"
    )


@pytest.mark.parametrize("arguments", [[], ["doctor"], ["cluster"], ["cluster", "create"]], ids=" ".join)
def test_help_needs_nothing(arguments):
    done = run(*arguments, "--help")
    assert done.returncode == 0 and done.stdout.startswith(" ".join(["Usage: windrow emr", *arguments]))
