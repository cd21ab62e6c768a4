"""README is true: its commands print what it shows, its indicator and its job work, its options exist."""

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_python
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
#: Extras of targets of make, and for those who change windrow.
FOR_DEVELOPERS = {"test", "demo", "sp500", "lake", "peers", "bench", "lint"}
#: What README calls a package whose name on PyPI is longer.
PACKAGES = {"vl-convert-python": "vl-convert"}


def blocks(language):
    """Contents of README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the files that a clone would have."""
    place = tmp_path_factory.mktemp("clone") / "windrow"
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    shutil.copytree(ROOT, place, symlinks=True, ignore=shutil.ignore_patterns(".git", *ignored))
    return place


@pytest.fixture(scope="module")
def shell(checkout, tmp_path_factory):
    """Runs a command in the checkout, with a newcomer's empty home, and returns what a terminal would show."""
    unset = ("VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST", "MAKEFLAGS", "MAKELEVEL")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env["PIP_CACHE_DIR"] = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip"))
    env["PIP_NO_COMPILE"] = "0"  # which for pip means --no-compile: only what is imported is compiled
    env["HOME"] = str(tmp_path_factory.mktemp("home"))

    def run(command):
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(["bash", "-c", command], cwd=checkout, env=env, **both).stdout.decode()

    run.demo = run("make demo")  # it is installed once, for every test
    return run


def masked(text, place=""):
    """Text without what differs between machines: seconds, speed, blocks (by cores), and the checkout's path."""
    text = text.replace(str(place), "$PWD") if place else text
    text = re.sub(r" +[\d,]+\.\d s, [\d,]+ bars/s", " 0.0 s, 0 bars/s", text)
    return re.sub(r"(  blocks ).{12}$", r"\1", re.sub(r"\d+\.\d+ s\b", "0.0 s", text), flags=re.MULTILINE)


@pytest.mark.docs
def test_every_command_prints_what_readme_shows(shell, checkout):
    shown = "".join(blocks("console"))
    commands = re.findall(r"^\$ (.*)$", shown, re.MULTILINE)
    assert len(commands) >= 5 and commands[0] == "make demo"
    printed = f"$ make demo\n{shell.demo}"
    printed += "".join(f"$ {command}\n{shell(command)}" for command in commands[1:])
    assert masked(printed, checkout).splitlines() == masked(shown).splitlines()


@pytest.mark.docs
def test_the_notebook_example_runs(shell):
    code = next(block for block in blocks("python") if "moving_average(bars" in block)
    assert "AAE" in shell(f".venv/bin/python - <<'E'\n{code}\nE")


@pytest.mark.docs
def test_the_indicator_of_readme_works_as_written(shell, checkout):
    code = next(block for block in blocks("python") if "class Midpoint" in block)
    (checkout / "windrow/windows/midpoint.py").write_text(code)
    try:
        lines = shell(".venv/bin/windrow moving-average --quiet --indicator midpoint:2 data/bars.csv | head -n 1")
        assert lines == "AAA\t2023-01-03\t227.6\n"
    finally:
        (checkout / "windrow/windows/midpoint.py").unlink()


@pytest.mark.docs
def test_the_job_of_readme_works_as_written(shell, checkout):
    code = next(block for block in blocks("python") if "class Turnover" in block)
    (checkout / "jobs/turnover.py").write_text(code)
    try:
        first = shell(".venv/bin/windrow turnover --quiet --bars 2 -r local data/bars.csv | sort | head -n 1")
        volumes = [row.split(",")[6] for row in (checkout / "data/bars.csv").read_text().splitlines() if "AAA" in row]
        assert first == f"AAA\t2023-01-03\t{int(volumes[0]) + int(volumes[1])}.0\n"
        assert "turnover" in shell(".venv/bin/windrow --help")
    finally:
        (checkout / "jobs/turnover.py").unlink()


def test_readme_and_help_name_the_same_options(run_module):
    listed = set(re.findall(r"^\| `(--?[a-z-]+)", README, re.MULTILINE))
    helped = set(
        re.findall(
            r"^  (?:-\w [A-Z=]+, |-\w, )?(--?[a-z-]+)",
            run_module("jobs.moving_average", "--help").out.decode(),
            re.MULTILINE,
        )
    )
    running = {"-r", "-o", "-D", "--runner", "--output-dir", "--conf-path", "--quiet", "--verbose", "--help"}
    assert listed - running == helped - running


def test_readme_has_every_extra_with_its_packages_and_every_guide():
    cfg = ConfigParser()
    cfg.read(ROOT / "setup.cfg")
    needs = cfg["options.extras_require"]
    extras = {name: re.findall(r"^[\w-]+", packages, re.MULTILINE) for name, packages in needs.items()}
    table = README.partition("| extra | ")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)
    shown = {name: packages.split(", ") for name, packages in rows}
    assert {*extras} - {*shown} == FOR_DEVELOPERS
    for name, packages in shown.items():
        needed = {PACKAGES.get(package, package) for package in extras[name] if package != "windrow"}
        assert {*packages} == needed, name
    layout = README.partition("    docs/ ")[2].partition("\n    emr/ ")[0]
    assert set(layout.split()) == {path.name for path in (ROOT / "docs").glob("*.md")}
