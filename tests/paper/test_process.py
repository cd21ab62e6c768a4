"""Processes of a forward test that are really killed, and really ended."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from tests.paper.streams import PAIR, URI, asked_for, lived, split_stream
from windrow.paper.checkpoint import COMMIT, ORDERS

pytestmark = pytest.mark.processes


def begun(folder, *more, uri=URI, **how):
    command = [sys.executable, "-m", "tests.paper.process", uri, "--state", str(folder), *PAIR, *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, **{**pipes, **how})


def until(condition):
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() < begin + 60
        time.sleep(0.01)


def records(folder):
    path = folder / COMMIT
    return json.loads(path.read_bytes().partition(b"\n")[2])["counts"].get("records", 0) if path.exists() else 0


@pytest.fixture
def whole(tmp_path):
    lived(split_stream(24, 3), asked_for(tmp_path / "whole"))
    return (tmp_path / "whole" / ORDERS).read_bytes()


def test_killed_again_and_again_it_places_each_order_once(tmp_path, whole):
    state, chance, lives = tmp_path / "state", random.Random(4), 0
    while True:
        process = begun(state, "--quiet")
        before = records(state)
        until(lambda before=before, process=process: process.poll() is not None or records(state) > before + 12)
        time.sleep(chance.random() / 20)
        process.kill()
        process.communicate()
        lives += 1
        read = (state / ORDERS).read_bytes()
        assert whole.startswith(read)  # torn at most
        if process.returncode == 0:
            break
    assert read == whole and lives > 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_the_edge_of_a_page(tmp_path, whole, number):
    state = tmp_path / "state"
    process = begun(state)
    until(lambda: records(state) > 20)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err.splitlines()[-1] == f"ended; {state} has all that was taken: go on with the same command"
    printed = [line for line in out.splitlines() if not line.endswith("\topen")]
    assert printed == (state / ORDERS).read_text().splitlines()
    more, err = begun(state).communicate(timeout=60)
    assert "goes on after" in err.splitlines()[0]
    printed += [line for line in more.splitlines() if not line.endswith("\topen")]
    assert "".join(f"{line}\n" for line in printed).encode() == whole


def test_it_ends_while_it_waits_for_records(tmp_path):
    state = tmp_path / "state"
    process = begun(state, uri=f"{URI}&endless".replace("&", "-"))
    until(lambda: records(state) >= 83)
    process.terminate()
    process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_directory_in_use_is_refused_and_its_status_is_not(tmp_path):
    from windrow.cli import main

    state = tmp_path / "state"
    process = begun(state, uri=f"{URI}-endless")
    until(lambda: records(state) >= 83)
    _, err = begun(state, uri=f"{URI}-endless").communicate(timeout=60)
    assert err == (
        f"error: {state}: is in use by another process ({process.pid} on {os.uname().nodename}), and a forward test is"
        " one process; end that one, or give this one another directory by --state\n"
    )
    other, told = begun(tmp_path / "other").communicate(timeout=60)
    assert "ended" in told and other
    assert main(["paper", "status", str(state)]) == 0
    assert main(["paper", "reset", str(state)]) == 1
    process.terminate()
    process.communicate()
    assert main(["paper", "reset", str(state)]) == 0
    assert not state.exists()


def test_each_order_is_alerted_of_as_json(tmp_path):
    kept = tmp_path / "alerts; rm -rf $HOME"
    command = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"a\").write(sys.stdin.read())' '{kept}'"
    out, err = begun(tmp_path / "state", "--alert", command).communicate(timeout=120)
    alerts = [json.loads(line) for line in kept.read_text().splitlines()]
    fields = [line.split("\t") for line in out.splitlines()]
    assert [[one["symbol"].replace("/", "%2F"), one["time"], one["side"], one["status"]] for one in alerts] == [
        [*line[:3], line[5]] for line in [[one[0].replace("/", "%2F"), *one[1:]] for one in fields]
    ]
    assert {one["stream"] for one in alerts} == {URI} and {one["status"] for one in alerts} == {"filled", "open"}
    assert "warning: --alert" not in err


@pytest.mark.parametrize(
    ("command", "why"),
    [("false", "ended with status 1"), ("no-such-command", "cannot be run: No such file or directory")],
)
def test_an_alert_that_fails_is_told_and_orders_go_on(tmp_path, whole, command, why):
    _, err = begun(tmp_path / "state", "--alert", command).communicate(timeout=120)
    assert (tmp_path / "state" / ORDERS).read_bytes() == whole
    assert f"warning: --alert {command}: {why}; the order (" in err and "is placed all the same" in err


def test_an_end_between_orders_and_alerts_is_told(tmp_path, whole):
    state = tmp_path / "state"
    begun(state, "--alert", "cat").communicate(timeout=120)
    _, err = begun(state, "--alert", "cat").communicate(timeout=60)
    assert "warning" not in err
    (state / "alerted").write_text("3")  # as if it had been killed before the alerts of a later page
    _, err = begun(state, "--alert", "cat").communicate(timeout=60)
    assert err.startswith(
        "warning: the last alerts may not have been run: it ended between placing orders and alerting"
    )
