"""The cluster that `-r emr` starts: in windrow's own network, and as a plan that nobody has to pay for.

A job's own -r emr, `windrow emr plan`, `submit` and `cluster create` take their request for a cluster from one runner,
so none of them can differ from the others.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import windrow.runners.compat  # noqa: F401  mrjob needs what it brings

# isort: split
from mrjob.conf import find_mrjob_conf, load_opts_from_mrjob_conf
from mrjob.emr import _MAX_MINS_IDLE_BOOTSTRAP_ACTION_PATH as _IDLE_SCRIPT
from mrjob.emr import EMRJobRunner
from mrjob.job import MRJob

from windrow.aws.client import account, client, region_of_environment
from windrow.aws.stack import CONF, FILES, NAME, bucket_of
from windrow.errors import UsageError

#: By the value of the tag `windrow`: which parameter of a request names that security group.
_GROUPS = {
    "master": "Instances.EmrManagedMasterSecurityGroup",
    "core": "Instances.EmrManagedSlaveSecurityGroup",
}


class Planned(NamedTuple):
    """What would be asked of EMR: a cluster (nothing where it is there), its steps, and what is sent to S3 before."""

    request: dict[str, Any]
    steps: list[dict[str, Any]]
    uploads: dict[str, int]
    """Sizes, by where they go and what they are called here: `URI<tab>NAME`."""


class ClusterRunner(EMRJobRunner):
    """mrjob's EMR runner with windrow's configuration, in the bucket and network of windrow's stack.

    Its clusters end by EMR's own means.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        os.environ["WINDROW_EMR"] = str(FILES)  # mrjob.conf names what lies beside it by this
        if kwargs.get("conf_paths") is None:
            kwargs["conf_paths"] = usual_confs()
        super().__init__(*args, **kwargs)

    @classmethod
    def _default_opts(cls) -> dict[str, Any]:
        # mrjob's own region where none is said would be one in which nobody asked for anything.
        return {**super()._default_opts(), "region": region_of_environment()}

    def _fix_opt(self, opt_key: str, opt_value: Any, source: str) -> Any:
        return opt_value if opt_key == "region" else super()._fix_opt(opt_key, opt_value, source)

    def _set_cloud_tmp_dir(self) -> None:
        """The stack's bucket, by its name, where no folder is configured; mrjob would search all, and make one."""
        self._opts["cloud_tmp_dir"] = f"s3://{bucket_of(account(), self._region())}/tmp/"  # noqa: S108  on S3

    def _region(self) -> str:
        if not self._opts["region"]:
            raise UsageError("-r emr: no region is named; set AWS_DEFAULT_REGION, or give --region, as us-east-1")
        return str(self._opts["region"])

    def _find_cluster(self) -> Any:
        self._find_network()  # a cluster of the pool is one in the same subnets
        return super()._find_cluster()

    def _cluster_kwargs(self, persistent: bool = False) -> dict[str, Any]:
        self._find_network()
        request: dict[str, Any] = super()._cluster_kwargs(persistent)
        # mrjob's way to end an idle cluster switches its master off, which looks like an error, and may come between a
        # job and its cluster. EMR has its own: AutoTerminationPolicy.
        idle = self._upload_mgr.path_to_uri().get(_IDLE_SCRIPT)
        actions = request["BootstrapActions"]
        request["BootstrapActions"] = [one for one in actions if one["ScriptBootstrapAction"]["Path"] != idle]
        return request

    def _find_network(self) -> None:
        """Takes the subnets and security groups that carry windrow's tag; where there are none, EMR's own choice."""
        if self._opts["subnet"] or self._opts["cluster_id"]:
            return
        subnets, groups = network(client("ec2", self._region()))
        if subnets:
            self._opts["subnet"] = subnets if len(subnets) > 1 else subnets[0]
            self._opts["extra_cluster_params"] = {**groups, **self._opts["extra_cluster_params"]}

    def plan(self) -> Planned:
        """What `run` would do first, without doing it: nothing is asked, nothing sent."""
        self._upload_local_files = _nothing
        self._opts["cleanup"] = self._opts["cleanup_on_failure"] = ["LOCAL_TMP"]  # there is nothing elsewhere
        release = self._opts["release_label"].removeprefix("emr-")
        self.get_image_version = lambda: release  # the cluster would tell
        self._attempt, self._output_dir = 1, f"{self._place}1"
        self._create_dir_archives()
        self._prepare_for_launch()
        request = {} if self._opts["cluster_id"] else self._cluster_kwargs()
        sent = sorted((uri, path) for path, uri in self.uploads().items() if path != _IDLE_SCRIPT)
        uploads = {f"{uri}\t{name_of_upload(path)}": Path(path).stat().st_size for uri, path in sent}
        return Planned(request, self._steps_to_submit(), uploads)

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        raise NotImplementedError


def _nothing() -> None:
    """Stands for sending."""


def network(ec2: Any) -> tuple[list[str], dict[str, str]]:
    """Ids of the subnets that carry the tag `windrow`, and the parameters that name its security groups."""
    subnets = ec2.describe_subnets(Filters=[{"Name": f"tag:{NAME}", "Values": ["subnet"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": f"tag:{NAME}", "Values": list(_GROUPS)}])["SecurityGroups"]
    kinds = {group["GroupId"]: {tag["Key"]: tag["Value"] for tag in group["Tags"]}[NAME] for group in groups}
    return sorted(subnet["SubnetId"] for subnet in subnets), {_GROUPS[kind]: name for name, kind in kinds.items()}


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
            runner._input_paths = list(job.options.args)
            yield runner


def usual_confs() -> list[str]:
    """The configurations to read where none is named, later ones first in force: windrow's, below the user's own."""
    own = find_mrjob_conf()
    return [str(CONF), own] if own else [str(CONF)]


def configured(confs: Sequence[str] | None) -> dict[str, Any]:
    """The options of runner emr that configuration files give, later ones before earlier ones."""
    found: dict[str, Any] = {}
    for conf in usual_confs() if confs is None else confs:
        if not Path(conf).is_file():
            raise UsageError(f"-c {conf}: there is no such file; name a configuration of mrjob's, or leave -c out")
        for _, options in load_opts_from_mrjob_conf("emr", conf):
            found.update(options)
    return found


#: What mrjob and windrow write for a run, beside its own files.
_WRITTEN = {
    "b.sh": "b.sh, which runs bootstrap.sh",
    "setup-wrapper.sh": "setup-wrapper.sh, which starts a task",
    "settled.json": "settled.json, what the inputs are",
    "whole-files.txt": "whole-files.txt, which files each mapper opens",
    "windrow.zip": "windrow.zip, windrow's own code",
}


def name_of_upload(path: str) -> str:
    """What to call a file that is sent: by its name alone what was written for the run.

    >>> name_of_upload("/tmp/mrjob/settled.json"), name_of_upload("data/bars.csv")
    ('settled.json, what the inputs are', 'data/bars.csv')
    """
    place, here = Path(path), Path.cwd()
    if place.name in _WRITTEN:
        return _WRITTEN[place.name]
    ours = place.is_relative_to(FILES) or place.is_relative_to(FILES.parent.parent / "jobs")
    return place.name if ours else str(place.relative_to(here) if place.is_relative_to(here) else place)
