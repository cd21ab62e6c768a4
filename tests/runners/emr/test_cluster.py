"""-r emr on the one-machine cluster: nodes fetch a job's files from S3 themselves, YARN gathers what tasks wrote."""

import sys

import pytest

from tests.cluster.conftest import INDICATORS, ROOT, averages, with_path
from tests.runners.emr.conftest import CONF, keys, read
from tests.runners.emr.test_jobs import lines_of, put_bars

pytestmark = pytest.mark.cluster


@pytest.fixture
def on_emr(run_module, emulator_on_cluster, tmp_path):
    conf = tmp_path / "mrjob.conf"
    conf.write_text(CONF.format(root=ROOT).replace("python3.11", sys.executable))
    env = {**with_path(), **emulator_on_cluster.env}

    def run(*args, job="jobs.moving_average"):
        return run_module(job, "-r", "emr", "-c", conf, *args, cwd=tmp_path, env=env, timeout=300)

    return run


def test_slices_in_two_steps(on_emr, emulator_on_cluster):
    put_bars(emulator_on_cluster)
    ran = on_emr(*INDICATORS, "--slices", "100d", "-o", "s3://bars/out", "s3://bars/in/")
    assert ran.status == 0, ran.err
    assert [step.state for step in emulator_on_cluster.steps()] == ["COMPLETED", "COMPLETED"]
    parts = [key for key in keys(emulator_on_cluster, "bars") if key.startswith("out/part-")]
    assert lines_of([read(emulator_on_cluster, "bars", key) for key in parts]) == averages()


@pytest.mark.full
def test_a_failed_tasks_traceback_comes_from_its_node(on_emr, emulator_on_cluster):
    put_bars(emulator_on_cluster)
    ran = on_emr("--fault", "reducer", "-o", "s3://bars/out", "s3://bars/in/", job="tests.cluster.faulty")
    assert (ran.status, ran.out) == (1, b"")
    assert "\nZeroDivisionError: a reducer that nobody foresaw\nto see more: windrow emr logs s-" in ran.err
    assert ran.err.count("Traceback") == 1
    assert keys(emulator_on_cluster, "bars") == ["in/0.csv", "in/1.csv"]
