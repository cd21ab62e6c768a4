"""The wheel, installed elsewhere: every file is in it, and every command runs without the checkout.

The environment sees the packages of the tests' own, so that only what builds the wheel is downloaded; windrow and its
jobs come from the wheel alone. The commands run in a folder with packages of the user's own that are named as ours.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from windrow import cli

pytestmark = pytest.mark.one_python
ROOT = Path(__file__).parents[1]
PACKAGES = ("jobs", "sort_keys", "windrow")
PAIR = "--fast ema:3 --slow ema:8"
#: In this order: some read what others have written. Arguments end at blanks; a tab is part of one.
COMMANDS = [
    "windrow --help",
    "windrow sample bars.csv --symbols 2 --bars 60",
    "windrow moving-average -o averages bars.csv",
    "windrow moving-average --output-format parquet -o parquet -r local bars.csv",
    "windrow rejects bars.csv",
    "windrow inspect bars.csv",
    f"windrow crossover {PAIR} bars.csv",
    f"windrow backtest {PAIR} --orders --equity -o backtest bars.csv",
    "windrow sweep --fast ema:3,4 --slow ema:8,9 --split 0.7 -o sweep bars.csv",
    "windrow forecast --help",
    "windrow grid-search --help",
    "windrow normalize --column close bars.csv",
    "windrow resample --help",
    "windrow plot averages --bars bars.csv",
    "windrow report backtest sweep --bars bars.csv",
    "windrow pack",
    "windrow paper --help",
    "windrow emr plan --bars 1000000 moving-average s3://bucket/bars/",
    "windrow emr doctor --help",
    "windrow stream load --help",
    "windrow collect --help",
    "windrow completion bash",
    "windrow market --help",
    "windrow catalog --help",
    "windrow catalog-growth --help",
    "windrow sectors --help",
    "windrow sequences --column close --length 5 -o sequences bars.csv",
    "python -m windrow.cli moving-average bars.csv",
    "python -c import\twindrow;print(windrow.read_output('averages'))",
]
WRITTEN = {"averages", "backtest", "bars.csv", "parquet", "plot.html", "report.html", "sweep", "windrow.pyz"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: building leaves folders behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, source], check=True)
    return next(out.iterdir())


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Runs a command of the installed wheel."""
    home, place = tmp_path_factory.mktemp("env"), tmp_path_factory.mktemp("elsewhere")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    pip = [sys.executable, "-m", "pip", "-q", "--python", home / "bin/python"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    packages = next((home / "lib").glob("python*/site-packages"))
    (packages / "tests.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    for name in ("jobs", "sort_keys"):
        (place / name).mkdir()
        (place / name / "__init__.py").write_text("")
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    env = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(place)}

    def run(command):
        return subprocess.run(command.split(" "), cwd=place, env=env, capture_output=True, text=True)

    run.place, run.packages = place, packages
    return run


@pytest.mark.docs
def test_every_file_is_in_the_wheel(wheel):
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    ours = {path.relative_to(ROOT).as_posix() for path in files if path.parent.name != "__pycache__"}
    held = set(ZipFile(wheel).namelist())
    assert {name for name in held if ".dist-info/" not in name} == ours
    assert [name for name in held if name.endswith("/LICENSE")]


@pytest.mark.docs
def test_every_command_runs_without_the_checkout(run):
    where = run("python -c import\twindrow,windrow.mapreduce.registry\tas\tr;print(windrow.__file__,r.JOBS)").stdout
    assert where.split() == [f"{run.packages}/windrow/__init__.py", f"{run.packages}/jobs"]
    for command in COMMANDS:
        done = run(command)
        assert done.returncode == 0 and (done.stdout or done.stderr), f"{command}\n{done.stderr}"
        assert str(ROOT) not in done.stdout + done.stderr
    assert {path.name for path in run.place.iterdir()} >= WRITTEN


def test_no_command_is_left_out():
    run = {command.split()[1] for command in COMMANDS if command.startswith("windrow ")}
    assert run >= {*cli.find_jobs(), *cli.find_tools()}
