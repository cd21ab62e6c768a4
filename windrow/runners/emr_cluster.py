"""The cluster that `-r emr` starts, in windrow's own network, and the plan of it, which costs nothing.

-r emr of a job, `windrow emr plan`, `submit` and `cluster create` get their request for a cluster from one runner, so
they cannot differ.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mrjob.conf import find_mrjob_conf, load_opts_from_mrjob_conf
from mrjob.emr import EMRJobRunner

from windrow.aws.client import account, client, region_of_environment
from windrow.aws.stack import CONF, FILES, NAME, bucket_of
from windrow.errors import UsageError
from windrow.runners.configuration import check_files
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import EMRAdapter, idle_script

#: The value of the tag `windrow` of a security group -> the parameter of a request that names the group.
_GROUPS = {
    "master": "Instances.EmrManagedMasterSecurityGroup",
    "core": "Instances.EmrManagedSlaveSecurityGroup",
}


class Planned(NamedTuple):
    """What would be requested of EMR: a cluster (empty if one is given), its steps, and the uploads before that."""

    request: dict[str, Any]
    steps: list[dict[str, Any]]
    uploads: dict[str, int]
    """Sizes, by destination and local name: `URI<tab>NAME`."""


class ClusterRunner(EMRAdapter, EMRJobRunner):
    """mrjob's EMR runner with windrow's configuration, in the bucket and network of windrow's stack.

    Its clusters are ended by EMR's own policy.
    """

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        os.environ["WINDROW_EMR"] = str(FILES)  # mrjob.conf refers to the files beside it with this
        if kwargs.get("conf_paths") is None:
            kwargs["conf_paths"] = usual_confs()
        super().__init__(launch, **kwargs)

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """The region from AWS's own settings."""
        return {**super().default_options(), "region": region_of_environment()}

    def default_folder(self) -> str:
        """A folder of the stack's bucket."""
        return f"s3://{bucket_of(account(), self.region)}/tmp/"  # noqa: S108  on S3

    @property
    def region(self) -> str:
        """The cluster's region. Raises UsageError if none is set."""
        if not self.settings["region"]:
            raise UsageError("-r emr: no region is set; set AWS_DEFAULT_REGION, or use --region, e.g. us-east-1")
        return str(self.settings["region"])

    def before_finding_cluster(self) -> None:
        """Finds the network first: clusters of the pool are in the same subnets."""
        self._find_network()

    def cluster_request(self, persistent: bool = False) -> dict[str, Any]:
        """The arguments of RunJobFlow, in windrow's network."""
        self._find_network()
        request = super().cluster_request(persistent)
        # mrjob ends an idle cluster by shutting its master down, which looks like an error, and may hit a job that is
        # just being submitted. EMR has a policy of its own: AutoTerminationPolicy.
        idle = self.upload_uri(idle_script())
        actions = request["BootstrapActions"]
        request["BootstrapActions"] = [action for action in actions if action["ScriptBootstrapAction"]["Path"] != idle]
        return request

    def _find_network(self) -> None:
        """Uses the subnets and security groups with windrow's tag; without any, EMR's default."""
        if self.settings["subnet"] or self.settings["cluster_id"]:
            return
        subnets, groups = network(client("ec2", self.region))
        if subnets:
            self.settings["subnet"] = subnets if len(subnets) > 1 else subnets[0]
            self.settings["extra_cluster_params"] = {**groups, **self.settings["extra_cluster_params"]}

    def plan(self) -> Planned:
        """What `run` would do first, without doing it: requests and sends nothing."""
        self.dry_run()
        request = {} if self.settings["cluster_id"] else self.cluster_request()
        sent = sorted((uri, path) for path, uri in self.uploads().items() if path != idle_script())
        uploads = {f"{uri}\t{name_of_upload(path)}": Path(path).stat().st_size for uri, path in sent}
        return Planned(request, self.step_dicts(), uploads)

    def dry_run(self) -> None:
        """Prepares everything that a run would, but sends nothing."""
        raise NotImplementedError

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        raise NotImplementedError


def network(ec2: Any) -> tuple[list[str], dict[str, str]]:
    """Ids of the subnets with the tag `windrow`, and the parameters that name its security groups."""
    subnets = ec2.describe_subnets(Filters=[{"Name": f"tag:{NAME}", "Values": ["subnet"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": f"tag:{NAME}", "Values": list(_GROUPS)}])["SecurityGroups"]
    kinds = {group["GroupId"]: {tag["Key"]: tag["Value"] for tag in group["Tags"]}[NAME] for group in groups}
    return sorted(subnet["SubnetId"] for subnet in subnets), {_GROUPS[kind]: name for name, kind in kinds.items()}


def usual_confs() -> list[str]:
    """The default configurations; later ones take precedence: windrow's, then the user's own."""
    own = find_mrjob_conf()
    return [str(CONF), own] if own else [str(CONF)]


def configured(confs: Sequence[str] | None) -> dict[str, Any]:
    """The options for runner emr in configuration files; later files take precedence."""
    found: dict[str, Any] = {}
    chosen = usual_confs() if confs is None else confs
    check_files(chosen)
    for conf in chosen:
        for _, options in load_opts_from_mrjob_conf("emr", conf):
            found.update(options)
    return found


#: Files that mrjob and windrow generate for a run.
_WRITTEN = {
    "b.sh": "b.sh, which runs bootstrap.sh",
    "setup-wrapper.sh": "setup-wrapper.sh, which starts a task",
    "settled.json": "settled.json, what the inputs are",
    "whole-files.txt": "whole-files.txt, which files each mapper opens",
    "windrow.zip": "windrow.zip, windrow's own code",
}


def name_of_upload(path: str) -> str:
    """How to list an uploaded file: a generated one by its name alone.

    >>> name_of_upload("/tmp/mrjob/settled.json"), name_of_upload("data/bars.csv")
    ('settled.json, what the inputs are', 'data/bars.csv')
    """
    place, here = Path(path), Path.cwd()
    if place.name in _WRITTEN:
        return _WRITTEN[place.name]
    ours = place.is_relative_to(FILES) or place.is_relative_to(FILES.parent.parent / "jobs")
    return place.name if ours else str(place.relative_to(here) if place.is_relative_to(here) else place)
