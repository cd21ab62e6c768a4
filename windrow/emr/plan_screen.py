"""The page of `windrow emr plan`."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from windrow.aws import permissions
from windrow.aws.instances import capacity
from windrow.console import shown
from windrow.emr.amounts import count, dollars, duration, size
from windrow.emr.plan import SUBNETS, Money, Plan
from windrow.emr.screens import listing, pairs, section


def plan_page(plan: Plan) -> RenderableType:
    """What a job would do, take and cost."""
    parts = [_cluster(plan), _uploads(plan), _steps(plan), _permissions(), _estimate(plan)]
    return Group(_input(plan), _verdict(plan), *parts, Text(""))


def _input(plan: Plan) -> Text:
    found = plan.inputs
    stated = "" if found.known else ", as you stated"
    amount = f"{count(found.bars, 'bar')} in {count(found.files, 'file')}, {size(found.size)}{stated}"
    return Text.assemble((plan.job, "bold"), f" of {amount}")


def _verdict(plan: Plan) -> Text:
    verdict = Text.assemble("about ", (duration(plan.estimate.total), "bold green"))
    if plan.money:
        verdict.append_text(Text.assemble(" and ", (_cost(plan.money), "bold green")))
    return verdict


def _cluster(plan: Plan) -> RenderableType:
    if plan.cluster:
        return section("Cluster", Text(shown(f"{plan.cluster}, which is running")))
    request, instances = plan.request, plan.request["Instances"]
    rows: list[tuple[str, RenderableType]] = [
        ("release", f"{request['ReleaseLabel']}, {', '.join(one['Name'] for one in request['Applications'])}"),
        ("region", plan.region),
        *_machines(instances),
        ("roles", f"{request['ServiceRole']} for EMR, {request['JobFlowRole']} for the nodes"),
        ("network", _network(instances)),
        ("encryption", request.get("SecurityConfiguration", "only the bucket's")),
        ("ends", _ends(request)),
        ("tags", ", ".join(f"{tag['Key']}={tag['Value']}" for tag in request.get("Tags", [])) or "none"),
        ("logs", request["LogUri"]),
    ]
    return section("Cluster", pairs(rows))


def _machines(instances: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for fleet in instances.get("InstanceFleets", ()):
        yield fleet["InstanceFleetType"].lower(), _fleet(fleet)
    for group in instances.get("InstanceGroups", ()):
        yield group["InstanceRole"].lower(), f"{group['InstanceCount']} of {group['InstanceType']}"


def _fleet(fleet: Mapping[str, Any]) -> str:
    kinds = [one["InstanceType"] for one in fleet["InstanceTypeConfigs"]]
    names = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if kinds[1:] else kinds[0]
    if fleet["InstanceFleetType"] == "MASTER":
        return f"1 of {names}, on demand"
    return f"{capacity(fleet)} vCPUs of {names}, {_bought(fleet)}"


def _bought(fleet: Mapping[str, Any]) -> str:
    if not fleet.get("TargetSpotCapacity"):
        return "on demand"
    spot = fleet.get("LaunchSpecifications", {}).get("SpotSpecification", {})
    if spot.get("TimeoutAction") == "SWITCH_TO_ON_DEMAND":
        return f"spot; on demand after {spot['TimeoutDurationMinutes']} min"
    return "spot, or not at all"


def _network(instances: Mapping[str, Any]) -> str:
    subnets = instances.get("Ec2SubnetIds") or [instances.get("Ec2SubnetId")]
    if subnets == [SUBNETS]:
        return "the subnets and security groups tagged windrow, or EMR's own choice if nothing is tagged"
    return ", ".join(filter(None, subnets)) or "EMR's own choice"


def _ends(request: Mapping[str, Any]) -> str:
    idle = request.get("AutoTerminationPolicy", {}).get("IdleTimeout")
    return f"after the job, and in any case after {duration(idle)} idle" if idle else "after the job"


def _uploads(plan: Plan) -> RenderableType:
    rows = [(one["file"], size(one["bytes"])) for one in plan.uploads]
    where = Text(shown(f"to FILES = {_folder(plan)}, in TMP"), overflow="fold")
    return section("Uploads", where, listing(["file", "size"], rows, numbers=["size"]))


def _folder(plan: Plan) -> str:
    """Where files are uploaded to: the shortest of their places, since some go into its subfolders."""
    return min((one["to"].rpartition("/")[0] + "/" for one in plan.uploads), key=len, default="")


def _steps(plan: Plan) -> RenderableType:
    files = _folder(plan)
    temporary = files.removesuffix("files/")
    listed: list[RenderableType] = []
    for number, step in enumerate(plan.steps, 1):
        listed.append(Text.assemble((f"{number}. {step['name'].rpartition(': ')[2]}", "bold"), f", by {step['jar']}"))
        lines = [line.replace(files, "FILES/").replace(temporary, "TMP/") for line in options_of(step["args"])]
        listed += [Padding(Text(shown(line), style="dim", overflow="fold"), (0, 0, 0, 3)) for line in lines]
    counts = f"{count(plan.inputs.maps, 'mapper')}, {count(plan.reduces, 'reducer')} on {plan.cores} cores"
    where = plan.output or "printed here, then deleted"
    return section("Steps", *listed, pairs([("tasks", counts), ("output", where)]))


def options_of(args: Sequence[str]) -> list[str]:
    """A step's arguments as lines, each an option and its value; inputs after the third are only counted.

    >>> options_of(["hadoop-streaming", "-files", "a#a,b#b", "-D", "a=1", "-input", "s3://b/x", "-output", "s3://b/y"])
    ['hadoop-streaming', '-files', '   a#a', '   b#b', '-D a=1', '-input s3://b/x', '-output s3://b/y']
    """
    lines: list[str] = []
    for word in args:
        if lines and lines[-1] == "-files":
            lines += [f"   {one}" for one in word.split(",")]
        elif word.startswith("-"):
            lines.append(word)
        elif lines and lines[-1].startswith("-") and " " not in lines[-1]:
            lines[-1] += f" {shlex.quote(word)}"
        else:
            lines.append(shlex.quote(word))
    return _few_inputs(lines)


def _few_inputs(lines: list[str]) -> list[str]:
    read = [line for line in lines if line.startswith("-input ")]
    if len(read) <= 3:
        return lines
    kept = [line for line in lines if line not in read[3:]]
    kept.insert(kept.index(read[2]) + 1, f"-input ... {len(read) - 3:,} more")
    return kept


def _permissions() -> RenderableType:
    return section(
        "Required permissions",
        Text("yours", style="bold"),
        _actions(permissions.YOURS),
        Text("the nodes'", style="bold"),
        _actions(permissions.NODES),
    )


def _actions(groups: Mapping[str, Sequence[str]]) -> Table:
    """Actions in few lines: each service's name once."""

    def short(group: Sequence[str]) -> str:
        services = groupby(group, lambda action: action.partition(":")[0])
        return "; ".join(f"{name}: {', '.join(one.partition(':')[2] for one in ones)}" for name, ones in services)

    return pairs((purpose, short(group)) for purpose, group in groups.items())


def _estimate(plan: Plan) -> RenderableType:
    found = plan.estimate
    rows = [
        ("the cluster starts", duration(found.cluster)),
        ("Hadoop starts the job", duration(found.start)),
        ("tasks start", duration(found.tasks)),
        (f"{plan.cores} cores work", duration(found.work)),
        ("total", duration(found.total)),
    ]
    times = listing(["", "time"], [row for row in rows if row[1] != "0 s" or row[0] == "total"], numbers=["time"])
    source = Text(
        f"Work is estimated for cores like those it was measured on ({plan.measured}); the cluster's start is from"
        " AWS's documentation.",
        style="dim",
    )
    return section("Time and cost", times, Text(""), Text(_bill(plan)), source)


def _bill(plan: Plan) -> str:
    if plan.cluster:
        return "The cluster is paid for as long as it runs, with or without this job."
    if plan.money is None:
        return "No cost: the configuration has instance groups, and only fleets are priced."
    spot, on_demand = map(dollars, plan.money.an_hour)
    hourly = f"{spot} an hour" + ("" if spot == on_demand else f" with spot workers, {on_demand} on demand")
    return (
        f"{_cost(plan.money)}: {duration(plan.estimate.billed)}, its end included, at {hourly} (list prices of"
        f" {plan.prices.dated}, {plan.prices.region}; use your own with --prices FILE)."
    )


def _cost(money: Money) -> str:
    """What a run costs: with spot workers to on demand."""
    low, high = dollars(money.spot), dollars(money.on_demand)
    return low if low == high else f"{low} to {high}"
