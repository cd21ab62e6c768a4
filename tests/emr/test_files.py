"""The files of a cluster: installed with windrow, pinned by hashes for both architectures, and prepared once."""

import configparser
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from windrow.aws.stack import FILES
from windrow.runners.streaming import LEAST_TASK

ROOT = Path(__file__).parents[2]
DATA = ("mrjob.conf", "mrjob-x86.conf", "bootstrap.sh", "daily.sh", "step.sh", "requirements.txt", "template.yaml",
        "prices.json", "model.json")  # fmt: skip
#: A pin: the files of its wheels, name, version, hashes.
PIN = re.compile(r"((?:# \S+\.whl\n)+)([\w.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def pins():
    text = (FILES / "requirements.txt").read_text()
    found = PIN.findall(text)
    assert PIN.sub("", text).count("\n") == 2  # nothing else but the two lines of its heading
    return {name: (wheels.replace("# ", "").split(), version, hashes) for wheels, name, version, hashes in found}


@pytest.mark.parametrize("name", DATA)
def test_the_folder_emr_names_what_is_installed(name):
    assert (ROOT / "emr" / name).resolve() == (FILES / name).resolve() and (FILES / name).is_file()


def wanted():
    """What setup.cfg requires: for windrow itself, S3, and the report's picture."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = [setup["options"]["install_requires"], *(setup["options.extras_require"][name] for name in ("aws", "plot"))]
    return [Requirement(line) for text in texts for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_pins_satisfy_setup_cfg(requirement):
    _, version, _ = pins()[canonicalize_name(requirement.name)]
    assert version in requirement.specifier


def runs_on(wheel, machine):
    """Whether Python 3.11 of Amazon Linux 2023 (glibc 2.34) takes the wheel."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(34, 16, -1)] + [f"manylinux2014_{machine}"]
    good = {*cpython_tags((3, 11), ["cp311"], platforms), *compatible_tags((3, 11), "cp311", platforms)}
    return bool(parse_wheel_filename(wheel)[3] & good)


@pytest.mark.parametrize("name", pins())
def test_every_pin_has_hashes_of_wheels_for_both_architectures(name):
    wheels, version, hashes = pins()[name]
    for wheel in wheels:
        parsed, tagged, *_ = parse_wheel_filename(wheel)
        assert (parsed, str(tagged)) == (canonicalize_name(name), version)
    for machine in ("aarch64", "x86_64"):
        assert any(runs_on(wheel, machine) for wheel in wheels), machine
    assert hashes.count("--hash") == len(wheels)


@pytest.mark.hadoop  # as below
@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_the_index_has_wheels_of_these_hashes_for_both_architectures(machine):
    """pip resolves all pins by their hashes as it would on such a node."""
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(34, 16, -1)]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", *platforms]
    command += [f"--platform=manylinux2014_{machine}", "--abi=cp311", "--abi=abi3", "--abi=none"]
    done = subprocess.run([*command, "-r", FILES / "requirements.txt"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", ["bootstrap.sh", "daily.sh", "step.sh"])
def test_shellcheck_finds_no_fault(script):
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, FILES / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_mappers_get_as_much_in_the_daily_jobs_as_a_plan_assumes():
    for name in ("mrjob.conf", "daily.sh"):
        [size] = re.findall(r"split\.minsize[:=] ?\"?(\d+)", (FILES / name).read_text())
        assert int(size) == LEAST_TASK, name


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Runs bootstrap.sh as a node would, without sudo, in its own folder."""
    place = tmp_path_factory.mktemp("node")
    (place / "bin").mkdir()
    base = Path(sysconfig.get_config_var("BINDIR")) / "python3.11"
    if not base.exists():
        pytest.skip("the cluster's Python is 3.11, which this is not")
    (place / "bin/python3.11").symlink_to(base)
    home = place / "windrow"
    env = {"PATH": f"{place / 'bin'}:/usr/bin:/bin", "HOME": os.environ["HOME"], "WINDROW_HOME": str(home)}

    def run(*arguments):
        both = {"capture_output": True, "text": True, "cwd": place}
        return home, subprocess.run(
            ["bash", FILES / "bootstrap.sh", *arguments], env={**env, "WINDROW_SUDO": ""}, **both
        )

    return run


@pytest.mark.hadoop  # no Hadoop, but a node's packages: a minute
def test_a_clean_node_gets_a_python_that_runs_windrow_and_is_prepared_once(node):
    home, done = node(FILES / "requirements.txt")
    assert done.returncode == 0, done.stderr
    python = home / "bin/python"
    program = "from importlib.metadata import version; print(version('numpy'), version('mrjob'), version('boto3'))"
    versions = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert versions == [pins()[name][1] for name in ("numpy", "mrjob", "boto3")]
    job = [python, "-m", "jobs.moving_average", "-q", "--window", "20", ROOT / "data/bars.csv"]
    ran = subprocess.run(job, cwd=ROOT, capture_output=True)
    assert ran.returncode == 0 and ran.stdout.startswith(b"AAA\t2023-01-27\t236.329\n"), ran.stderr

    before = python.lstat().st_ctime_ns
    home, again = node(FILES / "requirements.txt")
    assert again.returncode == 0 and again.stdout == f"{home}: already exists\n"
    assert python.lstat().st_ctime_ns == before


@pytest.mark.hadoop  # no Hadoop, but a node's packages: a minute
def test_a_package_that_is_not_the_pinned_one_ends_the_node(node, tmp_path):
    text = (FILES / "requirements.txt").read_text()
    wrong = tmp_path / "requirements.txt"
    [one] = [line for line in PIN.findall(text) if line[1] == "click"]
    wrong.write_text(f"click=={one[2]} --hash=sha256:{'0' * 64}\n")
    home, done = node(wrong)
    assert done.returncode != 0 and "HASHES" in done.stderr.upper()
    assert not (home / "made-of").exists()
