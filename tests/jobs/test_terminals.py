"""What a job does to a terminal, and to other users of the machine: no forged line, no password, no file to read."""

import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from jobs.crossover import Crossover
from jobs.rejects import Rejects
from tests.conftest import ROOT
from windrow import cli
from windrow.runners.mrjob_adapter import _WithoutValues

pytestmark = pytest.mark.one_python

ROW = "2020-01-01,1\n"
#: ESC and a command, a line that looks like windrow's, a line end of C1, one of Unicode, a change of direction.
HOSTILE = "a\x1b[2J\rb\nerror: forged\x9b2J\x85\u2028\u202e\x7f"
SHOWN = r"a\x1b[2J\rb\nerror: forged\x9b2J\x85\u2028\u202e\x7f"
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(ran, text):
    assert text in ran.err and ran.err.count("\n") == 1 and not FORBIDDEN.search(ran.err), ran.err


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_names_of_files_forge_no_line(tmp_path, run_job, runner):
    place = tmp_path / f"{HOSTILE}.csv"
    one_line(run_job(place), f"{SHOWN}.csv: matches no file")
    place.write_text("symbol,timestamp,close\n")
    full = tmp_path / "full.csv"
    full.write_text(f"symbol,timestamp,close\nA,{ROW}")
    one_line(run_job("-r", runner, "-q", "--window", "1", place, full), f"warning: {tmp_path}/{SHOWN}.csv: has no rows")
    damaged = tmp_path / f"{HOSTILE}.csv.gz"
    damaged.write_bytes(b"\x1f\x8b\x08\x00cut")
    one_line(run_job("-r", runner, damaged), f"{SHOWN}.csv.gz: is truncated or damaged")
    one_line(run_job("-o", place, full), f"{SHOWN}.csv: exists and is a file")


def test_headers_symbols_and_options_forge_no_line(tmp_path, run_job):
    place = tmp_path / "bars.csv"
    name = HOSTILE.replace("\n", "").replace("\r", "")
    place.write_text(f"{name},timestamp,close\nA,{ROW}", newline="")
    one_line(run_job(place), "")
    place.write_text(f"symbol,timestamp,close\n{name},2020-01-01,1\n{name},2020-01-01,2\n", newline="")
    one_line(run_job("--window", "1", place), SHOWN.replace(r"\n", "").replace(r"\r", ""))
    for option in ("--column", "--indicator", "--timezone", "--slot", "--step", f"--{HOSTILE}"):
        one_line(run_job(option, HOSTILE, place), "")
    one_line(run_job("--fast", HOSTILE, "--slow", "sma:3", place, job=Crossover), "")
    one_line(run_job("-r", HOSTILE, place), SHOWN)


def test_tools_forge_no_line_either(tmp_path, capsys):
    for args in ([HOSTILE], ["sample", f"--{HOSTILE}"], ["sample", "--order", HOSTILE, "x.csv"],
                 ["sample", "--spacing", HOSTILE, "x.csv"], ["plot", str(tmp_path / HOSTILE), "--bars", HOSTILE],
                 ["report", HOSTILE, "--bars", HOSTILE], ["sample", str(tmp_path / "none" / HOSTILE)]):  # fmt: skip
        assert cli.main(args) in (1, 2)
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and not FORBIDDEN.search(said) and said.startswith("error: "), args
    assert cli.main(["sample", str(tmp_path / f"{HOSTILE}.csv")]) == 0
    told = capsys.readouterr().out
    assert f"{SHOWN}.csv" in told and told.count("\n") == 1 and not FORBIDDEN.search(told)


def test_invalid_rows_are_listed_without_what_a_terminal_obeys(tmp_path, run_job):
    """They are JSON, which can say each character by its number."""
    place = tmp_path / "b\x9b\u2028.csv"
    place.write_text("symbol,timestamp,close\nA\x1b\x7f\x9b\u202e,no time,1\n")
    (line,) = run_job(place, job=Rejects).lines
    assert json.loads(line) == {"file": str(place), "reason": "time", "text": "A\x1b\x7f\x9b\u202e,no time,1"}
    assert not FORBIDDEN.search(line.decode())


def test_mrjobs_own_messages_obey_the_same_rules(tmp_path, run_job):
    place = tmp_path / f"{HOSTILE}.csv"
    place.write_text(f"symbol,timestamp,close\nA,{ROW}")
    folder = tmp_path / HOSTILE
    ran = run_job("-v", "--window", "1", "-o", tmp_path / "out\x1b", "--local-tmp-dir", folder, place)
    assert ran.status == 0 and SHOWN.replace("\\n", r"\n") not in ran.err.split("\n")[0]
    assert not FORBIDDEN.search(ran.err) and r"\x1b" in ran.err


@pytest.mark.parametrize("options", [[], ["-r", "local"], ["-r", "local", "--setup", "true"]])
def test_values_of_cmdenv_are_not_printed(tmp_path, run_job, options):
    conf = tmp_path / "mrjob.conf"
    conf.write_text("runners: {local: {cmdenv: {OTHER: hunter4}}, inline: {cmdenv: {OTHER: hunter4}}}")
    values = ["TOKEN=hunter2", "QUOTED=hunt'er3"]
    ran = run_job(
        "-v", *options, "-c", conf, "--window", "1", *(f"--cmdenv={value}" for value in values), ROOT / "data/bars.csv"
    )
    assert ran.status == 0 and "'TOKEN': '***'" in ran.err and "'OTHER': '***'" in ran.err
    assert "hunt" not in ran.err


def test_values_of_cmdenv_in_commands_are_hidden():
    hides = _WithoutValues({"TOKEN": "a b'c", "N": "1"})
    for said in ("> hadoop -cmdenv 'TOKEN=a b'\"'\"'c' -cmdenv N=1 -D x=1", "[('N', '1'), ('TOKEN', \"a b'c\")]"):
        record = logging.LogRecord("mrjob", logging.DEBUG, "", 0, "%s", (said,), None)
        assert hides.filter(record)
        assert "b" not in record.getMessage().replace("b,", "") and record.getMessage().count("***") == 2
        assert ("x=1" in said) == ("x=1" in record.getMessage())


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://me:hunter2@127.0.0.1:9",
        "me:hunter2@127.0.0.1:9",
        "http://me:hunt/er2@127.0.0.1:9",
        "http://me:hunt er2@127.0.0.1:9",
        "http://m@e:hunter2@127.0.0.1:x",
    ],
)
@pytest.mark.needs("boto3")
def test_the_password_of_an_endpoint_is_not_printed(monkeypatch, run_job, endpoint):
    for name, value in {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                        "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": os.devnull}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for options in ([], ["-v"], ["-o", "s3://bucket/out"]):
        ran = run_job(*options, "--window", "1", "s3://bucket/bars.csv")
        assert ran.status == 1 and "hunt" not in ran.err and ran.err.splitlines()[-1].startswith("error: s3")


# Who else may read.

WAITS = '''
import os, pathlib, sys
from jobs.moving_average import MovingAverage

class Waits(MovingAverage):
    """Tells that a task runs, and waits for a word."""

    def map_bars(self, bars, source):
        yield from super().map_bars(bars, source)
        pathlib.Path({started!r}).touch()
        open({fifo!r}).read()

if __name__ == "__main__":
    os.umask({umask})
    Waits.run()
'''


@pytest.fixture
def waiting(tmp_path):
    """Starts a job whose mapper waits until something is written to the fifo."""
    (tmp_path / "tmp").mkdir()
    os.mkfifo(tmp_path / "fifo")
    started, jobs = tmp_path / "started", []

    def start(runner, *args, umask=0o022, launch=()):
        script = tmp_path / "waits.py"
        script.write_text(WAITS.format(started=str(started), fifo=str(tmp_path / "fifo"), umask=umask))
        command = [*launch, sys.executable, script, "-r", runner, "--window", "1", *args, ROOT / "data/bars.csv"]
        job = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, start_new_session=True,
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(ROOT)}, preexec_fn=hears_hangups,
        )  # fmt: skip
        jobs.append(job)
        while job.poll() is None and not started.exists():
            time.sleep(0.02)
        return job

    yield start
    for job in jobs:
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)  # its workers too, which would wait on
        job.stderr.close()
        job.wait()


def hears_hangups():
    """In a child: the tests themselves may have been started by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def modes(folder):
    """Of all folders and files in a folder, without links."""
    found = [path for path in folder.rglob("*") if not path.is_symlink()]
    return {path: stat.S_IMODE(path.stat().st_mode) for path in found}


@pytest.mark.processes
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
@pytest.mark.parametrize("runner", ["inline", "local"])
def test_temporary_files_are_private_and_outputs_are_as_the_umask_says(waiting, tmp_path, runner, umask):
    job = waiting(runner, "-o", tmp_path / "made" / "out", umask=umask)
    during = modes(tmp_path / "tmp")
    folders = set((tmp_path / "tmp").iterdir())
    assert len(folders) >= 2 and {during[folder] for folder in folders} == {0o700}
    assert [path for path in during if path.is_file() and during[path] & 0o077] == []
    (tmp_path / "fifo").write_text("go") if runner == "inline" else [release(tmp_path / "fifo", job)]
    assert job.wait() == 0, job.stderr.read()
    assert modes(tmp_path / "tmp") == {}
    after = {path.name: mode for path, mode in modes(tmp_path / "made").items()}
    assert after.pop("out") == 0o777 & ~umask and len(after) > 2
    assert set(after.values()) == {0o666 & ~umask}


def release(fifo, job):
    """Lets every mapper go, as often as one waits."""
    while job.poll() is None:
        try:
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            time.sleep(0.02)


# A terminal that is closed.


@pytest.mark.processes
@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_closed_terminal_stops_a_job_as_kill_does(waiting, tmp_path, runner, times):
    job = waiting(runner, "-o", tmp_path / "out")
    for _ in range(times):  # the shell and the kernel tell it
        os.killpg(job.pid, signal.SIGHUP)
    assert job.wait() == 130 and job.stderr.read() == "stopped; nothing was written\n"
    assert not (tmp_path / "out").exists() and list((tmp_path / "tmp").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(job.pid, 0)


@pytest.mark.processes
@pytest.mark.parametrize("runner", ["inline", "local"])
def test_what_nohup_started_goes_on(waiting, tmp_path, runner):
    job = waiting(runner, "-q", "-o", tmp_path / "out", launch=["nohup"])
    os.killpg(job.pid, signal.SIGHUP)
    release(tmp_path / "fifo", job)
    assert job.wait() == 0 and (tmp_path / "out" / "_SUCCESS").exists()


@pytest.mark.processes
@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGTERM])
def test_a_tool_that_is_stopped_leaves_nothing(tmp_path, sent):
    out = tmp_path / "bars.csv"
    command = [
        sys.executable,
        "-m",
        "windrow.cli",
        "sample",
        "--symbols",
        "50",
        "--bars",
        "1000000",
        "--spacing",
        "1s",
        out,
    ]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=hears_hangups) as tool:
        while tool.poll() is None and not list(tmp_path.iterdir()):
            time.sleep(0.02)
        tool.send_signal(sent)
        said = tool.stderr.read()
    assert tool.returncode == 130 and said.strip() == "error: interrupted" and list(tmp_path.iterdir()) == []


@pytest.mark.processes
def test_a_job_is_stopped_by_the_end_of_its_terminal(tmp_path):
    """Its last words have no place to go."""
    script = f"""
import os, pty, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)
child, terminal = pty.fork()
if not child:
    os.execv(sys.executable, [sys.executable, "-m", "jobs.moving_average", "-o", {str(tmp_path / "out")!r}, "-"])
while not os.listdir({str(tmp_path)!r} + "/tmp"):
    time.sleep(0.02)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    assert done.stdout == "130\n" and list((tmp_path / "tmp").iterdir()) == [] and not (tmp_path / "out").exists()
