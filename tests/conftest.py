"""What many tests share: running whole jobs, bars as files, and where the real prices are."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from jobs.moving_average import MovingAverage

ROOT = Path(__file__).parents[1]
# No example is failed by the clock: a busy machine is no fault.
settings.register_profile("windrow", deadline=None)
settings.load_profile("windrow")

#: Real prices that stand beside the project, not in it.
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture
def shared_data():
    """The folder of real prices; tests that read it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the real prices in {SHARED}, which are not here")
    return SHARED


class Ran:
    """What a job printed, said and returned."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self):
        """Output lines in order of bytes, the order in which runs are compared."""
        return sorted(self.out.splitlines())


@pytest.fixture
def run_job(capfdbinary):
    """Runs a job in this process: `run_job("--window", "3", path)`; `job=` another than MovingAverage."""

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
