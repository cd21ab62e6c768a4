"""daily.sh, as template.yaml's state machine has a master run it: its jobs, over bars on S3, and their report."""

import json
import re
import subprocess
import sys

import pytest
from cfnlint.decode.cfn_yaml import load

from tests.cluster.conftest import HOME, ROOT
from tests.runners.emr.conftest import keys, read
from windrow.aws.stack import FILES

TIME = "2026-11-20T22:30:00Z"
FOLDER = "daily/2026-11-20T2230"
INPUT = load(str(FILES / "template.yaml"))["Resources"]["Every"]["Properties"]["Targets"][0]["InputTransformer"]
JOBS = json.loads(INPUT["InputTemplate"].replace("<time>", json.dumps(TIME)))["jobs"]


@pytest.fixture
def master(emulator, tmp_path):
    """Runs daily.sh as a step of the emulator's, in an environment as bootstrap.sh makes it."""
    home = tmp_path / "windrow"
    (home / "bin").mkdir(parents=True)
    (home / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (home / "bin/python").chmod(0o755)
    (streaming,) = (HOME / "jars").glob("hadoop-streaming-*.jar")
    conf = tmp_path / "mrjob.conf"  # on EMR the jar lies where mrjob looks for it
    conf.write_text(
        f"runners: {{hadoop: {{hadoop_streaming_jar: {streaming}, hadoop_tmp_dir: 'file://{tmp_path}/hadoop'}}}}\n"
    )

    def run(job):
        place = tmp_path / job["name"]
        place.mkdir()
        env = {**emulator.step_env(place), "WINDROW_HOME": home, "PYTHONPATH": ROOT, "MRJOB_CONF": conf}
        command = ["bash", FILES / "daily.sh", TIME, "s3://bars", job["name"], job["command"]]
        return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True)

    return run


@pytest.fixture
def written(master, emulator):
    """Runs some of the jobs of the list; the keys of what there is in the bucket then."""
    bars = (ROOT / "data/bars.csv").read_bytes()
    emulator.client("s3").put_object(Bucket="bars", Key="bars/2026.csv", Body=bars)

    def run(*names):
        for job in JOBS:
            if job["name"] in names:
                done = master(job)
                assert done.returncode == 0, done.stderr
        return keys(emulator, "bars")

    return run


def test_a_backtest_and_its_report_lie_in_the_days_folder(written, emulator):
    there = written("backtest", "report")
    assert {f"{FOLDER}/{name}" for name in ("backtest/_SUCCESS", "report/report.png")} <= set(there)
    page = read(emulator, "bars", f"{FOLDER}/report/report.html").decode()
    assert all(symbol in page for symbol in ("AAA", "AAE"))


@pytest.mark.full
def test_averages_are_those_of_a_run_here(written, emulator, run_job):
    there = written("averages", "signals")
    assert {f"{FOLDER}/{name}/_SUCCESS" for name in ("averages", "signals")} <= set(there)
    parts = [read(emulator, "bars", key) for key in there if re.match(f"{FOLDER}/averages/part-", key)]
    here = run_job(*JOBS[0]["command"].split()[1:], ROOT / "data/bars.csv")
    assert sorted(line for part in parts for line in part.splitlines()) == sorted(here.lines)


def test_a_day_is_not_written_twice(master, emulator):
    emulator.client("s3").put_object(Bucket="bars", Key=f"{FOLDER}/signals/_SUCCESS", Body=b"")
    emulator.client("s3").put_object(Bucket="bars", Key="bars/a.csv", Body=b"symbol,timestamp,close\nA,2020-01-01,1\n")
    done = master({"name": "signals", "command": "crossover --fast sma:1 --slow sma:2"})
    assert done.returncode == 1
    assert f"s3://bars/{FOLDER}/signals: exists" in done.stderr
