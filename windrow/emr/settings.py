"""What the options of `windrow emr` make of a configuration: the same for plan, submit and cluster create."""

import json
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from windrow.aws import instances
from windrow.aws.client import account, region_of_environment
from windrow.aws.stack import X86, bucket_of
from windrow.errors import UsageError
from windrow.storage.s3 import split

#: A plan's region where AWS's own settings have none.
USUAL_REGION = "us-east-1"


@dataclass(frozen=True)
class Settings:
    """Options of the commands; None: as in the configuration."""

    conf: Path | None = None
    x86: bool = False
    cores: int | None = None
    on_demand: bool = False
    region: str | None = None
    bucket: str | None = None
    pool: bool = False
    cluster: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Options of mrjob that a command sets itself."""

    def __post_init__(self) -> None:
        if self.conf and self.x86:
            raise UsageError(
                f"--x86 -c {self.conf}: both choose the instances: --x86 is short for windrow's configuration for"
                " x86_64; leave one out"
            )
        if self.cores is not None and self.cores < 1:
            raise UsageError(f"--cores {self.cores}: is too few: a cluster needs workers; use 4 or more")

    @property
    def confs(self) -> list[str] | None:
        """Configuration files to read; None: mrjob's usual ones, or windrow's own."""
        if self.conf or self.x86:
            return [str(self.conf or X86)]
        return None

    @cached_property
    def configured(self) -> dict[str, Any]:
        """The options of the emr runner in these files."""
        from windrow.runners.emr_cluster import configured

        return configured(self.confs)

    def known_region(self) -> str | None:
        """The region, as far as options, configuration and AWS's own settings have one."""
        return self.region or self.configured.get("region") or region_of_environment()

    def known_bucket(self) -> str | None:
        """The bucket for code and logs, as far as options and configuration have one."""
        configured = self.configured.get("cloud_tmp_dir")
        return self.bucket or (split(configured)[0] if configured else None)

    def resolved(self) -> "Settings":
        """These settings, with the bucket that template.yaml made unless another is set. Raises AccountError."""
        if self.known_bucket():
            return self
        region = self.known_region()
        if region is None:
            raise UsageError(
                "--region: no region is set: a cluster runs in one; set AWS_DEFAULT_REGION, e.g. to us-east-1, or use"
                " --region"
            )
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

    def job_options(self) -> list[str]:
        """The same as options of a job; the runner gives it as many reducers as the workers have cores."""
        options = ["-r", "emr"]
        for name, value in self.runner_options().items():
            if name == "conf_paths":
                options += [word for conf in value or () for word in ("-c", conf)]
            elif name == "pool_clusters":
                options.append("--pool-clusters")
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                options += [f"--{name.replace('_', '-')}", text]
        return options

    def fleets(self) -> list[dict[str, Any]]:
        """The configured fleets, with the core fleet's size and purchase as these options say."""
        fleets = deepcopy(self.configured.get("instance_fleets") or [])
        core = next((fleet for fleet in fleets if fleet["InstanceFleetType"] == "CORE"), None)
        if core is None:
            option = f"--cores {self.cores}" if self.cores is not None else "--on-demand"
            raise UsageError(
                f"{option}: the configuration has no core fleet in instance_fleets: this option sets that fleet's"
                " capacity; change the numbers in the configuration, or leave out -c"
            )
        wanted = self.cores or instances.capacity(core)
        core.pop("TargetSpotCapacity", None), core.pop("TargetOnDemandCapacity", None)
        core["TargetOnDemandCapacity" if self.on_demand else "TargetSpotCapacity"] = wanted
        if self.on_demand:
            core.get("LaunchSpecifications", {}).pop("SpotSpecification", None)
        return fleets

    def worker_cores(self) -> int | None:
        """The vCPUs of a new cluster's workers; None where the configuration has no fleets."""
        if not self.configured.get("instance_fleets"):
            return None
        return instances.worker_cores({"Instances": {"InstanceFleets": self.fleets()}})
