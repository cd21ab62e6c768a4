"""What a request for a cluster says of its machines: their types, architecture and cores."""

import re
from collections.abc import Mapping
from typing import Any


def instance_types(request: Mapping[str, Any]) -> list[str]:
    """All instance types that a cluster may get."""
    instances = request["Instances"]
    groups = [group["InstanceType"] for group in instances.get("InstanceGroups", ())]
    fleets = [
        each["InstanceType"]
        for fleet in instances.get("InstanceFleets", ())
        for each in fleet.get("InstanceTypeConfigs", ())
    ]
    return [*groups, *fleets]


def architecture(instance_type: str) -> str:
    """The architecture of an instance type's processor, as `uname -m` prints it.

    >>> [architecture(type_) for type_ in ("m7g.xlarge", "r6gd.2xlarge", "m7i.xlarge", "g4dn.xlarge")]
    ['aarch64', 'aarch64', 'x86_64', 'x86_64']
    """
    family = instance_type.partition(".")[0]
    return "aarch64" if family == "a1" or re.fullmatch(r"[a-z]+\d+[a-z-]*g[a-z-]*", family) else "x86_64"


def cores(instance_type: str) -> int:
    """The vCPUs of an instance type, by its size.

    >>> [cores(f"m7g.{size}") for size in ("medium", "large", "xlarge", "2xlarge", "16xlarge")]
    [1, 2, 4, 8, 64]
    """
    size = instance_type.partition(".")[2]
    times = re.fullmatch(r"(\d*)xlarge", size)
    return 4 * int(times[1] or 1) if times else {"large": 2}.get(size, 1)


def capacity(fleet: Mapping[str, Any]) -> int:
    """Units that a fleet asks for; of windrow's own worker fleets, vCPUs."""
    return int(fleet.get("TargetSpotCapacity", 0)) + int(fleet.get("TargetOnDemandCapacity", 0))


def worker_cores(request: Mapping[str, Any]) -> int:
    """The vCPUs of the workers; a fleet's weights are vCPUs, as in windrow's own configuration."""
    instances = request["Instances"]
    groups = [each for each in instances.get("InstanceGroups", ()) if each["InstanceRole"] != "MASTER"]
    fleets = [each for each in instances.get("InstanceFleets", ()) if each["InstanceFleetType"] != "MASTER"]
    in_groups = sum(int(group["InstanceCount"]) * cores(group["InstanceType"]) for group in groups)
    return in_groups + sum(map(capacity, fleets))
