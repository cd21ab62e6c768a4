"""The emulator of EMR for tests, and jobs that run on it."""

import pytest

from tests.cluster.conftest import IN_CI, ROOT, make, with_path
from tests.cluster.conftest import cluster as of_cluster
from tests.needs import require
from tests.runners.emr.emulator import Emulator

CONF = """\
include: {root}/windrow/emr/mrjob.conf
runners:
  emr:
    cloud_tmp_dir: s3://work/jobs/
    check_cluster_every: 0.3
    task_python_bin: python3.11
    subnet: subnet-12345678
    jobconf:
      mapreduce.job.reduces: 2
"""


@pytest.fixture(scope="session")
def jars():
    """Hadoop's jars and S3A's."""
    require("hadoop")
    if why := make("emr-jars"):
        (pytest.fail if IN_CI else pytest.skip)(f"no Hadoop here: {why}")


@pytest.fixture
def emulator(jars, tmp_path):
    """An emulator of EMR on Hadoop Streaming in one process, with the buckets bars (inputs, outputs) and work."""
    with Emulator(tmp_path / "emr") as emulator:
        for bucket in ("bars", "work"):
            emulator.client("s3").create_bucket(Bucket=bucket)
        yield emulator
        for bucket in ("bars", "work"):
            empty(emulator, bucket)


cluster = of_cluster
#: The port at which tests/cluster/conf has S3.
S3_PORT = 19500


@pytest.fixture
def emulator_on_cluster(jars, cluster, tmp_path):
    """The same emulator, whose steps run on the one-machine cluster: YARN, two nodes, HDFS between steps."""
    with Emulator(tmp_path / "emr", conf=ROOT / "tests/cluster/conf", port=S3_PORT) as emulator:
        for bucket in ("bars", "work"):
            emulator.client("s3").create_bucket(Bucket=bucket)
        yield emulator
        for bucket in ("bars", "work"):
            empty(emulator, bucket)


@pytest.fixture
def conf(tmp_path):
    """windrow's own configuration, with a folder for jobs, and no time to lose."""
    path = tmp_path / "mrjob.conf"
    path.write_text(CONF.format(root=ROOT))
    return path


@pytest.fixture
def on_emr(run_module, emulator, conf, tmp_path_factory):
    """Runs a job by -r emr."""
    here = tmp_path_factory.mktemp("here")
    env = {**with_path(), **emulator.env}

    def run(*args, job="jobs.moving_average", **kwargs):
        return run_module(job, "-r", "emr", "-c", conf, *args, cwd=here, **{"env": env, "timeout": 300, **kwargs})

    return run


def keys(emulator, bucket):
    """All that lies in a bucket."""
    told = emulator.client("s3").list_objects_v2(Bucket=bucket)
    return sorted(one["Key"] for one in told.get("Contents", ()))


def empty(emulator, bucket):
    for key in keys(emulator, bucket):
        emulator.client("s3").delete_object(Bucket=bucket, Key=key)


def read(emulator, bucket, key):
    return emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
