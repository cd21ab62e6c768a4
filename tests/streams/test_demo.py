"""`make demo-stream` shows what it says, and ends what it has started, however it is ended itself."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "streams" / "demo.py"


@pytest.fixture
def begun(kinesis_local, tmp_path):
    """The demo, in another session than this one: its process, and what it prints."""
    out, log = tmp_path / "out", (tmp_path / "log").open("w+")
    command = [sys.executable, PROGRAM, out]
    with subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True) as process:
        yield process, lambda: (tmp_path / "log").read_text()
        if process.poll() is None:
            process.kill()


def until(condition):
    end = time.monotonic() + 300
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def started_by(process):
    """What it has started, and what that has."""
    return psutil.Process(process.pid).children(recursive=True)


def test_it_shows_bars_sweep_backtest_and_forward_test(begun, tmp_path):
    process, said = begun
    assert process.wait(600) == 0, said()
    for page in ("bars", "report", "forward"):
        assert (tmp_path / "out" / f"{page}.html").stat().st_size > 50_000
        assert f"{tmp_path}/out/{page}.html" in said()
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == ["best", "forward"]
    assert not list((tmp_path / "out").glob("*journal*")) and not (tmp_path / "out" / "first").exists()
    assert re.search(r"^ +all +\d+ +\d+ ", said(), re.MULTILINE), said()  # the best pair of all symbols
    assert "1,250 bars of 5 symbols, 0 repeats" in said() and "Traceback" not in said(), said()
    with_orders = re.findall(r"^AA[A-E]\t2023-\d\d-\d\d\t(?:buy|sell)\t", said(), re.MULTILINE)
    assert len(with_orders) > 20


@pytest.mark.parametrize(
    ("how", "when"),
    [(signal.SIGINT, "windrow stream inspect"), (signal.SIGTERM, "windrow stream load"),
     (signal.SIGKILL, "windrow stream load"), (signal.SIGINT, "windrow paper kinesis")],
)  # fmt: skip
def test_it_ends_what_it_has_started(begun, how, when):
    """A terminal sends Ctrl-C to all that is in front; others end the demo alone."""
    process, said = begun
    until(lambda: f"$ {when}" in said())
    servers = until(lambda: [one for one in started_by(process) if one.name() == "node"])
    others = started_by(process)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)
    status = process.wait(120)
    assert status == (-how if how == signal.SIGKILL else 128 + how), said()
    if how == signal.SIGKILL:  # its commands end as they find no server; the server ends with its input
        others = servers
    _, alive = psutil.wait_procs(others, timeout=60)
    assert alive == []
    assert "Traceback" not in said(), said()
