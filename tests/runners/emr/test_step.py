"""What a step runs on the master, with commands in Hadoop's place that note how they are called."""

import os
import signal
import subprocess
import time

import pytest

from windrow.aws.stack import FILES

FAKES = {
    "hadoop": """
        [ "$1 $2 $3" = "fs -put -f" ] || exit 9
        echo "put ${5##*/}" >>"$NOTES"
        [ -z "${BROKEN:-}" ] || { echo "put: no room" >&2; exit 1; }
        cp "$4" "$STORE/${5##*/}"
    """,
    "yarn": """
        echo "yarn $*" >>"$NOTES"
        [ "$1" != logs ] || printf 'LogContents:\\nTraceback (most recent call last):\\n\\nEnd of LogType:stderr\\n'
    """,
    "hadoop-streaming": """
        echo "root logger $HADOOP_ROOT_LOGGER" >&2
        echo "Submitted application application_17_0001" >&2
        sleep "${1:-0}"
        echo "done: $*"
        exit "${2:-0}"
    """,
}


@pytest.fixture
def step(tmp_path):
    """Starts step.sh: `step("0", "1")` with Streaming's arguments; where things are put, and what was called."""
    for name, text in FAKES.items():
        place = tmp_path / "bin" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/bash\n{text}")
        place.chmod(0o755)
    (tmp_path / "store").mkdir()
    (tmp_path / "notes").touch()

    def start(*args, every="0", **env):
        told = {"NOTES": str(tmp_path / "notes"), "STORE": str(tmp_path / "store"), "TMPDIR": str(tmp_path)}
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        command = ["bash", FILES / "step.sh", "s3://b/said-1-0", every, "hadoop-streaming", *args]
        env = {"PATH": path, "HADOOP_ROOT_LOGGER": "INFO,DRFA", **told, **env}
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    start.store, start.notes = tmp_path / "store", tmp_path / "notes"
    return start


def test_what_the_client_says_is_put_and_logged(step):
    done = step("0", "0", "two words")
    out, err = done.communicate()
    said = (step.store / "said-1-0.client").read_text()
    assert said == "root logger INFO,console\nSubmitted application application_17_0001\ndone: 0 0 two words\n"
    assert (done.returncode, out, err) == (0, "", said)
    assert step.notes.read_text() == "put said-1-0.client\n"


def test_a_failure_brings_what_tasks_wrote(step):
    done = step("0", "7")
    done.communicate()
    assert done.returncode == 7 and "Traceback" in (step.store / "said-1-0.tasks").read_text()
    assert step.notes.read_text().splitlines() == [
        "yarn logs -applicationId application_17_0001 -log_files stderr", "put said-1-0.tasks", "put said-1-0.client",
    ]  # fmt: skip


def test_progress_is_put_while_it_runs(step):
    done = step("1.5", every="0.3")
    done.communicate()
    assert "Submitted application" in (step.store / "said-1-0.progress").read_text()
    assert step.notes.read_text().splitlines()[-1] == "put said-1-0.client"


def test_without_its_word_a_step_has_failed(step):
    done = step("0", "0", BROKEN="1")
    assert "put: no room" in done.communicate()[1] and done.returncode == 1


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_job_on_the_cluster(step, by):
    done = step("20")
    time.sleep(1)
    done.send_signal(by)
    done.communicate(timeout=15)  # less than the job takes
    assert done.returncode == 143
    assert step.notes.read_text() == "yarn application -kill application_17_0001\n"
