"""The cluster that `-r emr` starts, as EMR is asked for it: mrjob's request, made right for EMR 7.

`windrow emr plan`, `submit` and `cluster create` and a job's own `-r emr` all take the request from here, so none of
them can differ from the others.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import windrow.compat  # noqa: F401  mrjob needs what it brings

# isort: split
from mrjob.conf import load_opts_from_mrjob_conf
from mrjob.emr import _MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH, EMRJobRunner
from mrjob.job import MRJob

from windrow.emr import CONF, FILES, NAME
from windrow.emr.aws import account, client, region_of_environment
from windrow.errors import UsageError

#: Where AWS's own settings name no region.
USUAL_REGION = "us-east-1"
#: EMR 7's.
_HADOOP = "3.4.1"


class ClusterRunner(EMRJobRunner):
    """mrjob's EMR runner with windrow's configuration, and a bucket and a network found by their tags."""

    def __init__(self, **kwargs: Any) -> None:
        os.environ.setdefault("WINDROW_EMR", str(FILES))
        if kwargs.get("conf_paths") is None:
            kwargs["conf_paths"] = usual_confs()
        super().__init__(**kwargs)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        return {**super()._default_opts(), "region": region_of_environment() or USUAL_REGION}

    def _set_cloud_tmp_dir(self) -> None:
        """The bucket of template.yaml, by its name; mrjob would look through all buckets, and make one."""
        self._opts["cloud_tmp_dir"] = f"s3://{bucket_of(account(), self._opts['region'])}/tmp/"

    def _find_cluster(self) -> Any:
        self._find_network()  # a cluster of the pool is one in the same subnets
        return super()._find_cluster()

    def _cluster_kwargs(self, persistent: bool = False) -> dict[str, Any]:
        self._find_network()
        request: dict[str, Any] = super()._cluster_kwargs(persistent)
        # mrjob's way to end an idle cluster switches its master off, which looks like an error, and may come between a
        # job and its cluster. EMR has its own: AutoTerminationPolicy.
        idle = self._upload_mgr.path_to_uri().get(_MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH)
        actions = request["BootstrapActions"]
        request["BootstrapActions"] = [one for one in actions if one["ScriptBootstrapAction"]["Path"] != idle]
        request["Instances"].setdefault("KeepJobFlowAliveWhenNoSteps", False)
        return request

    def _find_network(self) -> None:
        """Subnets and security groups that carry windrow's tag; where there are none, EMR's own choice."""
        if self._opts["subnet"] or self._opts["cluster_id"]:
            return
        subnets, groups = network(self._opts["region"])
        if subnets:
            self._opts["subnet"] = subnets if len(subnets) > 1 else subnets[0]
            self._opts["extra_cluster_params"] = {**groups, **self._opts["extra_cluster_params"]}

    def plan(self) -> "Planned":
        """What `run` would do first, without doing it."""
        self._upload_local_files = self._check_output_not_exists = self._wait_for_s3_eventual_consistency = _nothing
        release = self._opts["release_label"].removeprefix("emr-")
        self.get_image_version, self.get_hadoop_version = lambda: release, lambda: _HADOOP  # the cluster would tell
        self._opts["cleanup"] = self._opts["cleanup_on_failure"] = ["LOCAL_TMP"]  # there is nothing elsewhere
        self._create_dir_archives()
        self._add_input_files_for_upload()
        self._prepare_for_launch()
        request = {} if self._opts["cluster_id"] else self._cluster_kwargs()
        return Planned(request, self._steps_to_submit(), self.uploads())

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        sent = dict(self._upload_mgr.path_to_uri())
        sent.pop(_MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH, None)
        return sent


def usual_confs() -> list[str] | None:
    """The user's own mrjob.conf where it says something of EMR, otherwise windrow's."""
    if any(options for _, options in load_opts_from_mrjob_conf("emr")):
        return None
    return [str(CONF)]


def configured(confs: list[str] | None) -> dict[str, Any]:
    """The options of runner emr that configuration files give, later ones before earlier ones."""
    found: dict[str, Any] = {}
    for conf in usual_confs() or [None] if confs is None else confs:
        for path, options in load_opts_from_mrjob_conf("emr", conf):
            if path is None and conf is not None:
                raise UsageError(f"-c {conf}: there is no such file; name a configuration of mrjob's, or leave -c out")
            found.update(options)
    return found


def bucket_of(number: str, region: str) -> str:
    """The bucket that template.yaml makes in an account.

    >>> bucket_of("123456789012", "eu-central-1")
    'windrow-123456789012-eu-central-1'
    """
    return f"{NAME}-{number}-{region}"


def network(region: str) -> tuple[list[str], dict[str, str]]:
    """Ids of the subnets that carry the tag `windrow`, and the parameters that name its security groups."""
    ec2 = client("ec2", region)
    subnets = ec2.describe_subnets(Filters=[{"Name": f"tag:{NAME}", "Values": ["subnet"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "tag-key", "Values": [NAME]}])["SecurityGroups"]
    kinds = {"master": "Instances.EmrManagedMasterSecurityGroup", "core": "Instances.EmrManagedSlaveSecurityGroup"}
    named = {
        kinds[tag["Value"]]: group["GroupId"]
        for group in groups
        for tag in group["Tags"]
        if tag["Key"] == NAME and tag["Value"] in kinds
    }
    return sorted(subnet["SubnetId"] for subnet in subnets), named


def _nothing(*_: Any) -> None:
    """Stands for what a plan leaves out."""


class Planned(NamedTuple):
    """What would be asked of EMR: a cluster (nothing where it is there), its steps, and what is sent to S3 before."""

    request: dict[str, Any]
    steps: list[dict[str, Any]]
    uploads: dict[str, str]


@contextmanager
def runner_of(job: Any, settle: bool) -> Iterator[Any]:
    """A job's runner, its inputs settled, or, where they cannot be read from here, as they were given."""
    if settle:
        with job.make_runner() as runner, runner.kept:
            yield runner
        return
    with TemporaryDirectory(prefix="windrow-") as folder:
        place = Path(folder, "settled.json")
        place.touch()
        job._cl_args = [*job._cl_args, "--settled", str(place)]
        with MRJob.make_runner(job) as runner:
            runner.take_inputs(list(job.options.args), Path(folder))
            yield runner


def make_cluster_runner(options: Mapping[str, Any]) -> ClusterRunner:
    """A runner without a job, for what is about clusters alone; `options` go before those of configuration files."""
    return ClusterRunner(**options)


#: What mrjob and windrow write for a run, beside its own files.
_WRITTEN = {
    "b.sh": "b.sh, which runs bootstrap.sh",
    "setup-wrapper.sh": "setup-wrapper.sh, which starts a task",
    "settled.json": "settled.json, what the inputs are",
    "windrow.zip": "windrow.zip, windrow's own code",
}


def name_of_upload(path: str) -> str:
    """What to call a file that is sent: by its name alone what was written for the run.

    >>> name_of_upload("/tmp/mrjob/settled.json"), name_of_upload("data/bars.csv")
    ('settled.json, what the inputs are', 'data/bars.csv')
    """
    place = Path(path)
    if place.name in _WRITTEN:
        return _WRITTEN[place.name]
    ours = place.is_relative_to(FILES.parent) or place.is_relative_to(FILES.parent.parent / "jobs")
    return place.name if ours else path
