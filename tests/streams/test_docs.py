"""docs/stream.md is true: its way from zero runs, its sums are right, and the rights are those that are listed."""

import os
import re
import subprocess
import sys
import time

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import ROOT
from windrow.aws import permissions

GUIDE = (ROOT / "docs/stream.md").read_text()


def section(title):
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def objects(monkeypatch):
    """An S3 with the bucket my-bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
    boto3.session.Session().client("s3", endpoint_url=address).create_bucket(Bucket="my-bucket")
    yield
    server.stop()


def until(condition):
    end = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.5)


def standing(folder, env):
    """How the forward test stands."""
    return subprocess.run(
        ["bash", "-c", "windrow paper status forward"], cwd=folder, env=env, capture_output=True, text=True
    ).stdout


def test_the_way_from_zero_runs(no_stream, objects, tmp_path):
    """Its commands, over a stream of another name, whose shards are those that the command asks for."""
    commands = re.findall(r"^ {7}(windrow .*)$", section("From zero to the forward test"), re.MULTILINE)
    assert len(commands) >= 10
    (tmp_path / "windrow").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m windrow.cli "$@"\n')
    (tmp_path / "windrow").chmod(0o755)
    (tmp_path / "data").symlink_to(ROOT / "data")
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    said = {}
    for command in commands:
        words = command.replace("kinesis://bars", no_stream.uri)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(["bash", "-c", f"exec {words}"], cwd=tmp_path, env=env, **pipes) as process:
            if "paper kinesis" in command:  # which somebody ends
                until(lambda: "1,250 bars" in standing(tmp_path, env))
                process.terminate()
            out, err = process.communicate()
        assert process.returncode == 0, (command, err)
        said[command] = out + err
    assert len(no_stream.open_shards()) == 4 and no_stream.summary()["RetentionPeriodHours"] == 8760
    for page in ("bars.html", "sweep.html", "backtest.html", "forward.html"):
        assert (tmp_path / page).stat().st_size > 50_000
    [inspected] = [text for command, text in said.items() if command.startswith("windrow stream inspect")]
    assert "4 open of 4" in inspected
    best = "".join(path.read_text() for path in (tmp_path / "best").glob("part-*"))
    fast, slow = re.search(r'^AAA\t\{"fast":(\d+),"slow":(\d+)', best, re.MULTILINE).groups()
    assert f"backtest --fast ema:{fast} --slow ema:{slow} " in section("From zero to the forward test")


def number(text):
    return float(text.replace(",", "").removesuffix(" GB"))


def test_the_sums_of_the_example_are_right():
    costs = section("What it costs")
    products = re.findall(r"([\d,.]+(?: GB)?) x ([\d.]+)(?: x (\d+))? = ([\d.]+)", costs)
    assert len(products) == 9
    for one, other, months, result in products:
        assert number(one) * float(other) * float(months or 1) == pytest.approx(float(result), abs=0.012), one
    table = costs.partition("| for a year, ")[2].partition("\n|---|---|---|\n")[2].partition("| **all**")[0]
    cells = [[re.findall(r"[\d.]+", cell)[-1] for cell in row.split("|")[2:4]] for row in table.splitlines()]
    for column, total in enumerate(("308", "355")):
        assert round(sum(float(row[column]) for row in cells)) == int(total) and f"**{total}**" in costs
    bars = 390 * 252 * 500
    assert bars == pytest.approx(49.1e6, rel=1e-3)
    assert (bars * 122 / 2**30, bars / 2**20) == (pytest.approx(5.6, abs=0.05), pytest.approx(47, abs=0.2))


def test_a_record_of_a_minute_has_as_many_bytes_as_the_example_says(tmp_path):
    from windrow.bars.layout import Reading
    from windrow.sinks.replay import find

    path = tmp_path / "bars.csv"
    row = "INTC,2020-07-01T14:30:00Z,134.52,134.76,134.44,134.57,157083"
    path.write_text(f"symbol,timestamp,open,high,low,close,volume\n{row}\n")
    with find([str(path)], Reading(values=("close",)), (), quiet=True) as found:
        [record] = found.replay([bars for bars, _ in found.feed()]).records()
    assert len(record.data) == 122 and "122 bytes" in GUIDE


def test_the_rights_are_those_that_are_listed():
    named = set(re.findall(r"`(?:kinesis:|kms:)?([A-Z]\w+)`", section("Rights")))
    listed = {*permissions.READ_STREAMS, *permissions.LOAD_STREAMS, *permissions.MAKE_STREAMS}
    assert named == {action.partition(":")[2] for action in listed}


def test_what_was_not_run_is_named():
    """Each of what the order of this work calls AWS's own."""
    said = section("What only AWS has, and was not run")
    for thing in ("enhanced fan-out", "KMS", "real throttling", "on demand", "other accounts"):
        assert thing in said
