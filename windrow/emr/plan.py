"""`windrow emr plan`: exactly what `submit` would do, and what it would take in time and money, without an account."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from windrow.aws import permissions as actions
from windrow.aws.stack import bucket_of
from windrow.emr import inputs, model, prices
from windrow.emr.inputs import Inputs
from windrow.emr.model import Estimate
from windrow.emr.settings import USUAL_REGION, Settings, capacity
from windrow.errors import InputError, UsageError
from windrow.storage.s3 import is_s3

#: Stand for what only an account can tell.
ACCOUNT, SUBNETS = "ACCOUNT", "subnet-of-windrow"


@dataclass(frozen=True)
class Money:
    """Dollars of a run where all workers come as spot, and where all of them come on demand."""

    spot: float
    on_demand: float
    an_hour: tuple[float, float]
    """The same for an hour of the cluster."""


@dataclass(frozen=True)
class Plan:
    """What a job on EMR would be."""

    job: str
    arguments: list[str]
    region: str
    cluster: str | None
    """The running cluster that would take it, if not a new one."""
    request: dict[str, Any]
    steps: list[dict[str, Any]]
    uploads: list[dict[str, Any]]
    output: str | None
    inputs: Inputs
    cores: int
    reduces: int
    estimate: Estimate
    money: Money | None
    prices: prices.Prices
    measured: str

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        seconds = {name: round(getattr(self.estimate, name), 1) for name in (*Estimate.__dataclass_fields__, "total")}
        told = {
            "job": self.job, "arguments": self.arguments, "region": self.region, "cluster": self.cluster,
            "request": self.request, "steps": self.steps, "uploads": self.uploads, "output": self.output,
            "actions": {"yours": flat(actions.YOURS), "nodes": flat(actions.NODES)},
            "inputs": self.inputs._asdict(), "cores": self.cores, "reduces": self.reduces,
            "seconds": {name: seconds[name] for name in seconds if name != "cpu"}, "cpu_seconds": seconds["cpu"],
            "dollars": None, "prices": {"dated": self.prices.dated, "region": self.prices.region},
            "measured": self.measured,
        }  # fmt: skip
        if self.money:
            told["dollars"] = {"spot": round(self.money.spot, 4), "on_demand": round(self.money.on_demand, 4)}
        return told


def flat(groups: dict[str, tuple[str, ...]]) -> list[str]:
    """All actions of a list that goes by what they are for."""
    return [action for group in groups.values() for action in group]


def make_plan(
    name: str, job_class: Any, arguments: Sequence[str], settings: Settings, table: Path | None = None,
    bars: int | None = None, size: int | None = None, figures: model.Figures | None = None,
) -> Plan:  # fmt: skip
    """The plan of a job with its own arguments, its inputs' names included. Raises WindrowError as the job would."""
    from windrow.mapreduce.submit import make_unsettled_runner
    from windrow.runners.emr import EMRRunner

    figures, listed = figures or model.load(), prices.load(table)
    offline = _offline(settings)
    job = job_class([*offline.job_options(arguments), *arguments])
    if not job.options.args:
        raise UsageError("no input: a plan needs to know how much there is; name files, or a folder or prefix")
    settled, read = _inputs(job.options.args, bars, size)
    with job.make_runner() if settled else make_unsettled_runner(job) as runner:
        assert isinstance(runner, EMRRunner)
        planned = runner.plan()
        uploads = _uploads(planned.uploads)
        region = runner.region
        reduces = runner.reducers(0)
    cores = offline.core_vcpus()
    if cores is None:
        what = f"--cluster {settings.cluster}" if settings.cluster else "instance groups in the configuration"
        raise UsageError(f"{what}: does not tell how many cores work, by which time is reckoned; say so by --cores N")
    estimate = figures.estimate(
        name, read.bars, read.maps, reduces, cores, _items(job), len(planned.steps), new_cluster=not settings.cluster
    )
    return Plan(
        job=name, arguments=list(arguments), region=region, cluster=settings.cluster, request=planned.request,
        steps=[step_told(step) for step in planned.steps], uploads=uploads,
        output=job.options.output_dir, inputs=read, cores=cores, reduces=reduces, estimate=estimate,
        money=_money(planned.request, listed, estimate), prices=listed, measured=figures.measured,
    )  # fmt: skip


def _items(job: Any) -> int:
    """The columns that a job computes, or the pairs that it trades."""
    if hasattr(job, "sweep"):
        return len(job.sweep().grid.pairs())
    return max(1, len(job.output_names()))


def _offline(settings: Settings) -> Settings:
    """The settings with names that stand for the account's: nothing has to be asked for."""
    more = dict(settings.more)
    if not settings.cluster and not settings.configured.get("subnet"):
        more["subnet"] = SUBNETS
    region = settings.known_region() or USUAL_REGION
    return replace(settings, region=region, bucket=settings.known_bucket() or bucket_of(ACCOUNT, region), more=more)


def _inputs(arguments: Sequence[str], bars: int | None, size: int | None) -> tuple[bool, Inputs]:
    """Whether inputs can be settled, and what they are: looked into, or as the user says."""
    if bars is not None or size is not None:
        return False, inputs.told(bars, size, len(arguments))
    try:
        return True, inputs.look_into(arguments)
    except InputError as error:
        if not any(map(is_s3, arguments)):
            raise
        raise InputError(f"{error}; or plan without looking, by --bars N or --input-size BYTES") from error


def step_told(step: dict[str, Any]) -> dict[str, Any]:
    """A step as EMR would get it, named as in its list."""
    return {
        "name": step["Name"],
        "on_failure": step["ActionOnFailure"],
        "jar": step["HadoopJarStep"]["Jar"],
        "args": list(step["HadoopJarStep"]["Args"]),
    }


def _uploads(sent: dict[str, int]) -> list[dict[str, Any]]:
    named = {tuple(name.split("\t", 1)): size for name, size in sent.items()}
    return [{"file": name, "bytes": size, "to": uri} for (uri, name), size in named.items()]


def _money(request: dict[str, Any], listed: prices.Prices, estimate: Estimate) -> Money | None:
    """Dollars of a new cluster of instance fleets; None where it is there already, or made of something else."""
    fleets = request.get("Instances", {}).get("InstanceFleets")
    if not fleets:
        return None
    spot = sum(_hour(fleet, listed, spot=True) for fleet in fleets)
    most = sum(_hour(fleet, listed, spot=False) for fleet in fleets)
    hours = estimate.billed / 3600
    return Money(spot * hours, most * hours, (spot, most))


def _hour(fleet: dict[str, Any], listed: prices.Prices, spot: bool) -> float:
    """An hour of a fleet that is filled by the first of its types."""
    first = fleet["InstanceTypeConfigs"][0]
    number = -(-capacity(fleet) // first.get("WeightedCapacity", 1))
    return int(number) * listed.hour(first["InstanceType"], spot and "TargetSpotCapacity" in fleet)


def options_of(args: Sequence[str]) -> list[str]:
    """A step's arguments in lines, each an option and its value; inputs beyond the third are counted only.

    >>> options_of(["hadoop-streaming", "-files", "a#a,b#b", "-D", "a=1", "-input", "s3://b/x", "-output", "s3://b/y"])
    ['hadoop-streaming', '-files', '   a#a', '   b#b', '-D a=1', '-input s3://b/x', '-output s3://b/y']
    """
    lines: list[str] = []
    for word in args:
        if lines and lines[-1] == "-files":
            lines += [f"   {one}" for one in word.split(",")]
            continue
        if word.startswith("-") or not lines or " " in lines[-1] or not lines[-1].startswith("-"):
            lines.append(word if word.startswith("-") else shlex.quote(word))
        else:
            lines[-1] += f" {shlex.quote(word)}"
    read = [line for line in lines if line.startswith("-input ")]
    kept = [line for line in lines if line not in read[3:]]
    if len(read) > 3:
        kept.insert(kept.index(read[2]) + 1, f"-input ... {len(read) - 3:,} more")
    return kept
