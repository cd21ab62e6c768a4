"""What the system refuses a job: a closed pipe, a full disk, a read-only place. One sentence, exit 1, nothing left."""

import os
import resource
import shutil
import subprocess
import sys
from functools import partial

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.processes

JOB = [sys.executable, "-m", "jobs.moving_average", "-q"]
BARS = str(ROOT / "data/bars.csv")


def run(*args, **kwargs):
    return subprocess.run([*JOB, *map(str, args)], stderr=subprocess.PIPE, text=True, cwd=ROOT, **kwargs)


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_full_disk(runner, tmp_path):
    """/dev/full takes no byte."""
    with open("/dev/full", "w") as full:
        ran = run("-r", runner, BARS, stdout=full, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1
    assert (
        ran.stderr.startswith("error: the output, or a file in ") and "No space left on device; free some" in ran.stderr
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_file_that_may_not_grow_leaves_no_output(runner, tmp_path):
    """What ENOSPC does to parts: the limit counts for each file, in the submitter and in forks."""
    bars = tmp_path / "bars.csv"
    with bars.open("w") as file:
        file.write("symbol,timestamp,close\n")
        file.writelines(f"S,{year}-{month:02d}-{day:02d},{year}.{day}\n"
                        for year in range(1700, 1900) for month in range(1, 13) for day in range(1, 29))  # fmt: skip
    (tmp_path / "tmp").mkdir()
    ran = run(
        "-r", runner, "--window", "1", bars, "-o", tmp_path / "out",
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )  # fmt: skip
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1, ran.stderr
    assert "File too large; raise the limit (ulimit -f)" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bars.csv", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("size", ["8k", "100k"])
@pytest.mark.parametrize("given", ["file", "standard input"])
def test_a_full_place_for_temporary_files(runner, size, given, tmp_path):
    """A file system of that size, in a namespace of its own where the machine allows it."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets no process mount a file system")
    bars, temporary = tmp_path / "bars.csv", tmp_path / "tmp"
    rows = (f"S{n % 9},{1700 + n // 336}-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d},{n % 977}.25\n" for n in range(60_000))
    bars.write_text("symbol,timestamp,close\n" + "".join(rows))
    temporary.mkdir()
    script = f'mount -t tmpfs -o size={size} none {temporary}; "$@"; status=$?; ls -A {temporary}; exit $status'
    command = [*JOB, "-r", runner, "--window", "2", "-o", tmp_path / "out", "-" if given == "standard input" else bars]
    with bars.open() as stdin:
        ran = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script, "sh", *map(str, command)],
            stdin=stdin, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "TMPDIR": str(temporary)},
        )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), ran.stderr
    assert ran.stderr.startswith(f"error: the output, or a file in {temporary}: cannot be written: No space left")
    assert sorted(os.listdir(tmp_path)) == ["bars.csv", "tmp"]


NOWHERE = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/dev/full', '/proc']\n"


@pytest.mark.parametrize("command", [["moving-average", "--window", "2", BARS], ["sweep", BARS], ["rejects", BARS]])
def test_no_place_at_all_for_temporary_files(command, tmp_path):
    code = f"{NOWHERE}import sys; from windrow.cli import main; sys.exit(main(sys.argv[1:]))"
    ran = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), ran.stderr
    assert ran.stderr.startswith("error: temporary files: no directory for them can be written to, or has space left (")
    assert ran.stderr.endswith("free some space, or set TMPDIR to another place\n")


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_reader_that_has_ended(runner, tmp_path):
    reads, writes = os.pipe()
    os.close(reads)
    ran = run("-r", runner, BARS, stdout=writes, env={**os.environ, "TMPDIR": str(tmp_path)})
    os.close(writes)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1) and "Broken pipe; the program that reads it" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_place(tmp_path):
    ran = run(BARS, "-o", "/proc/averages", stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert ran.stderr.startswith("error: /proc/averages: cannot be created: ") and list(tmp_path.iterdir()) == []


def test_standard_output_that_is_closed():
    ran = run(BARS, preexec_fn=lambda: os.close(1))
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1) and "is closed" in ran.stderr


def test_a_terminal_and_no_file_is_usage(tmp_path):
    """It used to wait without a word."""
    main, terminal = os.openpty()
    ran = run(stdin=terminal, stdout=subprocess.PIPE, timeout=60)
    os.close(main), os.close(terminal)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "error: no input: give files of bars, or - to read standard input;"
        " usage: windrow moving-average [options] FILE...\n"
    )


def test_hadoop_without_its_client_is_one_sentence(tmp_path):
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    ran = run("-r", "hadoop", BARS, stdout=subprocess.DEVNULL, env=env)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert ran.stderr.startswith("error: -r hadoop: needs Hadoop's client") and "install Hadoop" in ran.stderr
    assert list(tmp_path.iterdir()) == []


STREAMS = {"<&-": (0,), "2>&-": (2,), "<&- 2>&-": (0, 2)}


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("closed", STREAMS)
def test_standard_streams_that_are_closed(runner, closed, tmp_path):
    """A file that is opened next gets the stream's number; what was written to the stream is not in it."""
    args = ["-r", runner, "--window", "1", BARS]
    done = subprocess.run([*JOB, *args], stdout=subprocess.PIPE, cwd=ROOT, preexec_fn=partial(shut, STREAMS[closed]))
    open_ones = subprocess.run([*JOB, *args], capture_output=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, open_ones.stdout) and len(done.stdout.splitlines()) == 1250
    ran = run("-v", *args, "-o", tmp_path / "out", stdout=subprocess.PIPE, preexec_fn=partial(shut, STREAMS[closed]))
    assert (ran.returncode, ran.stdout) == (0, "")
    parts = [path.read_text() for path in (tmp_path / "out").glob("part-*")]
    assert sorted("".join(parts).splitlines()) == sorted(done.stdout.decode().splitlines())


def shut(numbers):
    for number in numbers:
        os.close(number)


def test_standard_input_that_is_closed_has_no_rows():
    ran = run("-", stdout=subprocess.PIPE, preexec_fn=partial(shut, [0]))
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1) and ran.stderr.startswith("error: ")


@pytest.mark.parametrize("args", [[], ["-r", "local"], ["-o", "out"], ["bars.csv"]])
def test_a_current_directory_that_has_been_deleted(args, tmp_path):
    def go():
        (tmp_path / "gone").mkdir()
        os.chdir(tmp_path / "gone")
        os.rmdir(tmp_path / "gone")

    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    ran = subprocess.run([*JOB, *args, BARS], capture_output=True, text=True, preexec_fn=go, env=env)
    assert (ran.returncode, ran.stdout) == (1, "") and ran.stderr == (
        "error: the current directory: cannot be used: No such file or directory, so it has been deleted; change to"
        " another (cd)\n"
    )
    assert list(tmp_path.iterdir()) == []
