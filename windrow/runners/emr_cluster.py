"""The cluster that `-r emr` starts: in windrow's own network, and as a plan that nobody has to pay for.

A job's own -r emr, `windrow emr plan`, `submit` and `cluster create` take their request for a cluster from one runner,
so none of them can differ from the others.
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
from windrow.runners.launch import Launch
from windrow.runners.mrjob_adapter import EMRAdapter, idle_script

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


class ClusterRunner(EMRAdapter, EMRJobRunner):
    """mrjob's EMR runner with windrow's configuration, in the bucket and network of windrow's stack.

    Its clusters end by EMR's own means.
    """

    def __init__(self, launch: Launch, **kwargs: Any) -> None:
        os.environ["WINDROW_EMR"] = str(FILES)  # mrjob.conf names what is beside it by this
        if kwargs.get("conf_paths") is None:
            kwargs["conf_paths"] = usual_confs()
        super().__init__(launch, **kwargs)

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """The region that AWS's own settings name."""
        return {**super().default_options(), "region": region_of_environment()}

    def default_folder(self) -> str:
        """A folder of the stack's bucket."""
        return f"s3://{bucket_of(account(), self.region)}/tmp/"  # noqa: S108  on S3

    @property
    def region(self) -> str:
        """The cluster's region. Raises UsageError where none is named."""
        if not self.settings["region"]:
            raise UsageError("-r emr: no region is set; set AWS_DEFAULT_REGION, or use --region, e.g. us-east-1")
        return str(self.settings["region"])

    def before_finding_cluster(self) -> None:
        """Looks for the network first: a cluster of the pool is one in the same subnets."""
        self._find_network()

    def cluster_request(self, persistent: bool = False) -> dict[str, Any]:
        """The arguments of RunJobFlow, in windrow's network."""
        self._find_network()
        request = super().cluster_request(persistent)
        # mrjob's way to end an idle cluster switches its master off, which looks like an error, and may come between a
        # job and its cluster. EMR has its own: AutoTerminationPolicy.
        idle = self.upload_uri(idle_script())
        actions = request["BootstrapActions"]
        request["BootstrapActions"] = [one for one in actions if one["ScriptBootstrapAction"]["Path"] != idle]
        return request

    def _find_network(self) -> None:
        """Takes the subnets and security groups that carry windrow's tag; without any, EMR's own choice."""
        if self.settings["subnet"] or self.settings["cluster_id"]:
            return
        subnets, groups = network(client("ec2", self.region))
        if subnets:
            self.settings["subnet"] = subnets if len(subnets) > 1 else subnets[0]
            self.settings["extra_cluster_params"] = {**groups, **self.settings["extra_cluster_params"]}

    def plan(self) -> Planned:
        """What `run` would do first, without doing it: nothing is asked, nothing sent."""
        self.dry_run()
        request = {} if self.settings["cluster_id"] else self.cluster_request()
        sent = sorted((uri, path) for path, uri in self.uploads().items() if path != idle_script())
        uploads = {f"{uri}\t{name_of_upload(path)}": Path(path).stat().st_size for uri, path in sent}
        return Planned(request, self.step_dicts(), uploads)

    def dry_run(self) -> None:
        """Prepares all that a run would, and sends nothing."""
        raise NotImplementedError

    def uploads(self) -> dict[str, str]:
        """What is sent to S3 before the cluster starts, and where to."""
        raise NotImplementedError


def network(ec2: Any) -> tuple[list[str], dict[str, str]]:
    """Ids of the subnets that carry the tag `windrow`, and the parameters that name its security groups."""
    subnets = ec2.describe_subnets(Filters=[{"Name": f"tag:{NAME}", "Values": ["subnet"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": f"tag:{NAME}", "Values": list(_GROUPS)}])["SecurityGroups"]
    kinds = {group["GroupId"]: {tag["Key"]: tag["Value"] for tag in group["Tags"]}[NAME] for group in groups}
    return sorted(subnet["SubnetId"] for subnet in subnets), {_GROUPS[kind]: name for name, kind in kinds.items()}


def usual_confs() -> list[str]:
    """The configurations to read where none is named, later ones first in force: windrow's, below the user's own."""
    own = find_mrjob_conf()
    return [str(CONF), own] if own else [str(CONF)]


def configured(confs: Sequence[str] | None) -> dict[str, Any]:
    """The options of runner emr that configuration files give, later ones before earlier ones."""
    found: dict[str, Any] = {}
    for conf in usual_confs() if confs is None else confs:
        if not Path(conf).is_file():
            raise UsageError(f"-c {conf}: no such file; name an mrjob configuration file, or leave -c out")
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
