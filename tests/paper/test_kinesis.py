"""A forward test of a stream in kinesis-local: over a split and a merge, killed in between, as a backtest."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.paper.streams import PAIR, bars, record
from tests.paper.test_kills import backtested, by_symbol, lines_in
from windrow.cli import main
from windrow.paper.checkpoint import COMMIT, ORDERS


def records(folder):
    path = folder / COMMIT
    return json.loads(path.read_bytes().partition(b"\n")[2])["counts"].get("records", 0) if path.exists() else 0


def until(condition, process):
    begin = time.monotonic()
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < begin + 120
        time.sleep(0.05)


@pytest.fixture
def begun(tmp_path):
    """Begins a forward test, or goes on with it."""
    processes = []

    def begin(uri, *more):
        command = [sys.executable, "-m", "windrow.cli", "paper", uri, "--state", str(tmp_path / "state"), *PAIR, *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=dict(os.environ), **pipes))
        return processes[-1]

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def test_it_trades_a_stream_as_a_backtest_trades_the_file(kinesis, begun, tmp_path):
    rows = list(bars(24))
    thirds = [rows[:24], rows[24:48], rows[48:]]
    sent = 0

    def put(some):
        nonlocal sent
        # DMS's form for some, and every ninth record is sent again.
        data = [(row[0], record(row)) for row in some]
        data = [(key, b'{"data": %s}' % one if number % 2 else one) for number, (key, one) in enumerate(data)]
        data = [again for number, one in enumerate(data) for again in [one] * (2 if number % 9 == 8 else 1)]
        kinesis.put(data)
        sent += len(data)

    put(thirds[0])
    process = begun(kinesis.uri)
    until(lambda: records(tmp_path / "state") == sent, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kinesis.split()
    put(thirds[1])
    kinesis.merge(2)
    put(thirds[2])
    process = begun(kinesis.uri)
    until(lambda: records(tmp_path / "state") == sent, process)
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 0 and "goes on after 24 bars of 3 symbols" in err
    (tmp_path / "file").mkdir()
    orders, _ = backtested(tmp_path / "file", rows)
    wanted = [line for line in orders if not line.endswith("\topen\n")]
    assert by_symbol(lines_in(tmp_path / "state" / ORDERS)) == by_symbol(wanted) and wanted


def test_what_kinesis_refuses_is_told(no_stream, begun, tmp_path, capsys):
    assert main(["paper", no_stream.uri, "--state", str(tmp_path / "state"), *PAIR]) == 1
    assert f"\nerror: {no_stream.uri}: " in capsys.readouterr().err
    no_stream.create(1)  # which the refusal has not spoiled
    no_stream.put([("AA", record(row)) for row in bars(2)])
    process = begun(no_stream.uri)
    until(lambda: records(tmp_path / "state") == 6, process)
