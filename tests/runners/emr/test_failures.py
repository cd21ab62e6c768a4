"""What cannot end well on EMR ends in one clear message, a status that is not 0, no half output, and no cluster."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.cluster.conftest import INDICATORS, ROOT, averages, with_path
from tests.runners.emr.conftest import keys, read
from tests.runners.emr.test_jobs import lines_of, put_bars

BARS = ROOT / "data/bars.csv"
OUT = ["-o", "s3://bars/a/out"]


def check_refused(ran, *says, status=1):
    assert (ran.status, ran.out) == (status, b""), ran.err
    assert all(text in ran.err for text in says), ran.err
    assert "Streaming" not in ran.err and "botocore" not in ran.err


def nothing_is_left(emulator):
    """No output, no staged one, none of the job's own files, and no cluster that costs."""
    assert [key for key in keys(emulator, "bars") if not key.startswith("in/")] == []
    kept = re.compile(r"jobs/logs/|jobs/[^/]+/said-\d-\d\.")  # for `windrow emr logs`
    assert [key for key in keys(emulator, "work") if not kept.match(key)] == []
    return all(cluster.state.startswith("TERMINATED") for cluster in emulator.clusters())


def test_without_boto3(tmp_path):
    program = "import sys; sys.modules['boto3'] = None; from jobs.moving_average import MovingAverage as job;"
    command = [sys.executable, "-c", f"{program} sys.exit(job.main(['-r', 'emr', {str(BARS)!r}]))"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=with_path())
    assert done.returncode == 2 and done.stderr == (
        "error: -r emr: needs boto3, which is not installed here; install it with: pip install 'windrow[aws]'\n"
    )


def test_without_credentials(on_emr, emulator):
    env = {name: value for name, value in emulator.env.items() if "KEY" not in name}
    env |= {"PYTHONPATH": str(ROOT), "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_CONFIG_FILE": "/nowhere"}
    for source in (BARS, "s3://bars/in/"):
        check_refused(on_emr(*OUT, source, env=env), "no AWS credentials were found", "AWS_PROFILE")
    assert emulator.clusters() == []


def test_a_cluster_far_from_its_bucket(on_emr, emulator):
    says = ["its bucket is in us-east-1, the cluster would be in eu-west-1", "use --region us-east-1"]
    check_refused(on_emr("--region", "eu-west-1", *OUT, BARS), "error: s3://work/jobs/", *says, status=2)
    assert nothing_is_left(emulator) and emulator.clusters() == []


def test_a_role_that_is_not_there(on_emr, emulator):
    emulator.refusal = ("ValidationException", "ServiceRole windrow-emr-service is not valid")
    says = ["emr: RunJobFlow", "ServiceRole windrow-emr-service is not valid", "windrow emr doctor"]
    check_refused(on_emr(*OUT, BARS), *says)
    assert nothing_is_left(emulator) and emulator.clusters() == []


def test_access_denied(on_emr, emulator):
    emulator.refusal = ("AccessDeniedException", "User may not perform elasticmapreduce:RunJobFlow")
    check_refused(on_emr(*OUT, BARS), "access is denied", "elasticmapreduce:RunJobFlow", "windrow emr plan")


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        ("VALIDATION_ERROR", "windrow-emr-nodes is invalid", "could not create it as requested; fix what it names"),
        ("BOOTSTRAP_FAILURE", "bootstrap action 1 returned 1", "could not be set up; its logs appear in s3://work/"),
        ("INSTANCE_FLEET_TIMEOUT", "no capacity", "AWS had no such instances"),
        ("USER_REQUEST", "Terminated by user request", "it was terminated by a user"),
    ],
)
def test_a_cluster_that_does_not_come_up(on_emr, emulator, code, message, cure):
    emulator.on_start = lambda cluster: emulator.lose(cluster, code, message)
    check_refused(on_emr(*OUT, BARS), f"has ended: {message}", cure)
    assert len(emulator.clusters()) == 1 and nothing_is_left(emulator)  # and not tried again


def test_a_cluster_lost_twice(on_emr, emulator):
    emulator.on_start = emulator.lose
    check_refused(on_emr(*OUT, BARS), "running the job again on a new cluster", "error: cluster j-")
    assert len(emulator.clusters()) == 2 and nothing_is_left(emulator)


def test_an_output_that_exists(on_emr, emulator):
    emulator.client("s3").put_object(Bucket="bars", Key="a/out/part-00000", Body=b"")
    check_refused(on_emr(*OUT, BARS), "error: s3://bars/a/out: exists and is not empty", "--output-dir")
    assert keys(emulator, "bars") == ["a/out/part-00000"] and emulator.clusters() == []


@pytest.mark.parametrize("output", ["out", "hdfs:///out", "s3://bars", "s3://bars/"])
def test_an_output_that_is_no_folder_on_s3(on_emr, output):
    ran = on_emr("-o", output, BARS)
    check_refused(ran, f"error: -o {output}: -r emr writes to a folder on S3; give s3://BUCKET/FOLDER", status=2)


@pytest.mark.parametrize("secret", ["DB_PASSWORD=x", "AWS_SECRET_ACCESS_KEY=y"])
def test_a_secret_for_the_tasks(on_emr, emulator, secret):
    ran = on_emr("--cmdenv", secret, *OUT, BARS)
    check_refused(ran, f"--cmdenv {secret[:-2]}=...: is named like a secret")
    assert emulator.requests == []


def test_the_callers_own_secret_in_an_argument(on_emr, emulator):
    ran = on_emr("--cmdenv", f"harmless={emulator.env['AWS_SECRET_ACCESS_KEY']}", *OUT, BARS)
    check_refused(ran, "the request contains AWS credentials")
    assert emulator.env["AWS_SECRET_ACCESS_KEY"] not in ran.err and nothing_is_left(emulator)


def test_a_step_that_fails_says_its_tasks_traceback(on_emr, emulator):
    ran = on_emr("--fault", "mapper", *OUT, BARS, job="tests.cluster.faulty")
    assert (ran.status, ran.out) == (1, b"")
    said = ran.err[ran.err.index("Traceback") :].splitlines()
    assert said[-3].startswith("ZeroDivisionError: a mapper that nobody foresaw")
    step, cluster = emulator.steps()[0], emulator.clusters()[0]
    assert said[-2] == f"to see more: windrow emr logs {step.id} --cluster {cluster.id}"
    assert said[-1] == "error: a task failed; its traceback or last output is above"
    assert step.state == "FAILED" and nothing_is_left(emulator)


def test_what_tasks_refuse_is_its_message_alone(on_emr, emulator, tmp_path):
    bars = tmp_path / "bars.csv"
    bars.write_text("symbol,timestamp,close\nA,2020-01-01,1\nA,2020-01-01,2\n")
    ran = on_emr("-q", "--window", 1, *OUT, bars)
    assert ran.err.startswith("error: 1 conflict, different bars at one symbol and time: A at 2020-01-01")
    assert ran.status == 1 and nothing_is_left(emulator)


def test_a_cluster_lost_mid_step(on_emr, emulator):
    put_bars(emulator)

    def lose_once():
        """The first cluster goes when its job has written all, and has not said so yet."""
        cluster = emulator.await_running()
        while not (ended.is_set() or any("/1/_SUCCESS" in key for key in keys(emulator, "bars"))):
            time.sleep(0.02)
        emulator.lose(cluster)

    ended, thread = threading.Event(), threading.Thread(target=lose_once)
    thread.start()
    try:
        ran = on_emr(*INDICATORS, *OUT, "s3://bars/in/")
    finally:
        ended.set()
        thread.join()
    assert ran.status == 0, ran.err
    assert "The master failed: the instance was terminated; running the job again on a new cluster\n" in ran.err
    parts = [key for key in keys(emulator, "bars") if "part-" in key]
    assert parts == ["a/out/part-00000", "a/out/part-00001"]
    assert lines_of([read(emulator, "bars", key) for key in parts]) == averages()
    assert [cluster.state for cluster in emulator.clusters()] == ["TERMINATED_WITH_ERRORS", "TERMINATED"]


def test_a_named_cluster_that_is_lost_is_not_replaced(on_emr, emulator):
    theirs = {"Name": "theirs", "ReleaseLabel": "emr-7.13.0", "Applications": [{"Name": "Hadoop"}]}
    instances = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1, "MasterInstanceType": "m7g.xlarge"}
    cluster = emulator.client("emr").run_job_flow(Instances=instances, **theirs)["JobFlowId"]
    emulator.on_start = emulator.lose
    ran = on_emr("--cluster-id", cluster, *OUT, BARS)
    check_refused(ran, f"error: cluster {cluster}: has ended: The master failed", "without --cluster-id")
    assert len(emulator.clusters()) == 1 and nothing_is_left(emulator)


def test_s3_is_busy(on_emr, emulator):
    put_bars(emulator)
    emulator.busy = 0.05
    ran = on_emr(*INDICATORS, "s3://bars/in/")
    emulator.busy = 0
    assert ran.status == 0, ran.err
    assert ran.lines == averages() and emulator.refused > 5


@pytest.mark.parametrize("ours", [True, False], ids=["our own cluster", "a cluster of others"])
def test_an_interrupt_cancels_the_step(emulator, conf, tmp_path, ours):
    emr = emulator.client("emr")
    where = []
    if not ours:
        instances = {"KeepJobFlowAliveWhenNoSteps": True, "InstanceCount": 1, "MasterInstanceType": "m7g.xlarge"}
        theirs = {"Name": "theirs", "ReleaseLabel": "emr-7.13.0", "Applications": [{"Name": "Hadoop"}]}
        cluster = emr.run_job_flow(Instances=instances, **theirs)["JobFlowId"]
        where = ["--cluster-id", cluster]
    command = [sys.executable, "-m", "jobs.moving_average", "-r", "emr", "-c", conf, *where, *OUT, BARS]
    env = {**with_path(), **emulator.env}
    with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as job:
        emulator.await_running()
        time.sleep(1)
        os.kill(job.pid, signal.SIGINT)
        said = job.stderr.read()
    assert job.returncode == 130 and said.endswith("stopping the step\nstopped; nothing was written\n")
    assert [step.state for step in emulator.steps()] == ["CANCELLED"]
    assert nothing_is_left(emulator) is ours
