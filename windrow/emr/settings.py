"""What the options of `windrow emr` make of a configuration: the same for plan, submit and cluster create."""

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from windrow.aws.client import account, region_of_environment
from windrow.aws.stack import X86, bucket_of
from windrow.errors import UsageError
from windrow.storage.s3 import split

#: Where AWS's own settings name no region, in a plan.
USUAL_REGION = "us-east-1"
#: The option that says how many reducers a job has.
REDUCES = "mapreduce.job.reduces"


@dataclass(frozen=True)
class Settings:
    """Options of the commands; what is None stands as the configuration has it."""

    conf: Path | None = None
    x86: bool = False
    cores: int | None = None
    on_demand: bool = False
    region: str | None = None
    bucket: str | None = None
    pool: bool = False
    cluster: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Options of mrjob's that a command sets itself."""

    def __post_init__(self) -> None:
        if self.conf and self.x86:
            raise UsageError(
                f"--x86 -c {self.conf}: both say which instances; --x86 is short for windrow's configuration of x86_64;"
                " leave one out"
            )
        if self.cores is not None and self.cores < 1:
            raise UsageError(f"--cores {self.cores}: a cluster has cores to work; give 4 or more")

    @property
    def confs(self) -> list[str] | None:
        """Configuration files to read; None: those at mrjob's usual places, or windrow's own."""
        if self.conf or self.x86:
            return [str(self.conf or X86)]
        return None

    @cached_property
    def configured(self) -> dict[str, Any]:
        """The options of runner emr in these files."""
        from windrow.runners.emr_cluster import configured

        return configured(self.confs)

    def known_region(self) -> str | None:
        """The region, as far as options, configuration and AWS's own settings say."""
        return self.region or self.configured.get("region") or region_of_environment()

    def known_bucket(self) -> str | None:
        """The bucket for code and logs, as far as options and configuration say."""
        configured = self.configured.get("cloud_tmp_dir")
        return self.bucket or (split(configured)[0] if configured else None)

    def resolved(self) -> "Settings":
        """With the bucket that template.yaml made in the account, where no other is named. Raises AccountError."""
        if self.known_bucket():
            return self
        region = self.known_region()
        if region is None:
            raise UsageError("--region: none is named; a cluster runs in one; set AWS_DEFAULT_REGION, as us-east-1")
        return replace(self, region=region, bucket=bucket_of(account(), region))

    def runner_options(self) -> dict[str, Any]:
        """mrjob's options for its runner."""
        options: dict[str, Any] = {"conf_paths": self.confs, **self.more}
        if self.region:
            options["region"] = self.region
        if self.bucket:
            options["cloud_tmp_dir"] = f"s3://{self.bucket}/tmp/"  # noqa: S108  on S3
        if self.cluster:
            options["cluster_id"] = self.cluster
        if self.pool:
            options["pool_clusters"] = True
        if self.cores is not None or self.on_demand:
            options["instance_fleets"] = self.fleets()
        return options

    def job_options(self, given: Sequence[str] = ()) -> list[str]:
        """The same as options of a job, before those `given`; as many reducers as cores, unless they say otherwise."""
        options = ["-r", "emr"]
        for name, value in self.runner_options().items():
            if name == "conf_paths":
                options += [word for conf in value or () for word in ("-c", conf)]
            elif name == "pool_clusters":
                options.append("--pool-clusters")
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                options += [f"--{name.replace('_', '-')}", text]
        if not any(REDUCES in word for word in given) and (cores := self.core_vcpus()):
            options += ["-D", f"{REDUCES}={cores}"]
        return options

    def fleets(self) -> list[dict[str, Any]]:
        """The configured fleets, with the core fleet as large, and bought as, these options say."""
        fleets = deepcopy(self.configured.get("instance_fleets") or [])
        core = next((fleet for fleet in fleets if fleet["InstanceFleetType"] == "CORE"), None)
        if core is None:
            asked = f"--cores {self.cores}" if self.cores is not None else "--on-demand"
            raise UsageError(
                f"{asked}: the configuration has no core fleet in instance_fleets, whose capacity this option sets;"
                " change the configuration's own numbers, or leave -c out"
            )
        wanted = self.cores or capacity(core)
        core.pop("TargetSpotCapacity", None), core.pop("TargetOnDemandCapacity", None)
        core["TargetOnDemandCapacity" if self.on_demand else "TargetSpotCapacity"] = wanted
        if self.on_demand:
            core.get("LaunchSpecifications", {}).pop("SpotSpecification", None)
        return fleets

    def core_vcpus(self) -> int | None:
        """How many cores the workers have, as far as the configuration tells."""
        if self.cluster or not self.configured.get("instance_fleets"):
            return self.cores
        return capacity(next(fleet for fleet in self.fleets() if fleet["InstanceFleetType"] == "CORE"))


def capacity(fleet: dict[str, Any]) -> int:
    """Units that a fleet is to have; of windrow's core fleets, vCPUs."""
    return int(fleet.get("TargetSpotCapacity", 0)) + int(fleet.get("TargetOnDemandCapacity", 0))
