"""`windrow emr plan`: exactly what `submit` would do, and what it would take in time and money, without an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from windrow.aws import permissions
from windrow.aws.instances import capacity, worker_cores
from windrow.aws.stack import bucket_of
from windrow.emr import inputs, model, prices
from windrow.emr.inputs import Inputs
from windrow.emr.model import Estimate
from windrow.emr.settings import USUAL_REGION, Settings
from windrow.errors import InputError, UsageError
from windrow.storage.s3 import is_s3

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: Placeholders for what only an account knows.
ACCOUNT, SUBNETS = "ACCOUNT", "subnet-of-windrow"
#: Hadoop's option for the number of reducers.
REDUCES = "mapreduce.job.reduces"


@dataclass(frozen=True)
class Money:
    """Dollars of a run if all workers are spot instances, and if all of them are on demand."""

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
        dollars = None
        if self.money:
            dollars = {"spot": round(self.money.spot, 4), "on_demand": round(self.money.on_demand, 4)}
        return {
            "job": self.job, "arguments": self.arguments, "region": self.region, "cluster": self.cluster,
            "request": self.request, "steps": self.steps, "uploads": self.uploads, "output": self.output,
            "actions": {"yours": flat(permissions.YOURS), "nodes": flat(permissions.NODES)},
            "inputs": self.inputs._asdict(), "cores": self.cores, "reduces": self.reduces,
            "seconds": {name: seconds[name] for name in seconds if name != "cpu"}, "cpu_seconds": seconds["cpu"],
            "dollars": dollars, "prices": {"dated": self.prices.dated, "region": self.prices.region},
            "measured": self.measured,
        }  # fmt: skip


def flat(groups: Mapping[str, Sequence[str]]) -> list[str]:
    """All actions of a list that is grouped by their purpose."""
    return [action for group in groups.values() for action in group]


def make_plan(
    name: str, job_class: "type[BarJob]", arguments: Sequence[str], settings: Settings, table: Path | None = None,
    bars: int | None = None, size: int | None = None, figures: model.Figures | None = None,
) -> Plan:  # fmt: skip
    """The plan of a job with its own arguments, its inputs' names included. Raises WindrowError as the job would."""
    from windrow.mapreduce.submit import make_unsettled_runner
    from windrow.runners.emr import EMRRunner

    figures, listed = figures or model.load(), prices.load(table)
    offline = _offline(settings)
    job = job_class([*offline.job_options(), *arguments])
    if not job.options.args:
        raise UsageError("no input: a plan depends on how much there is; name files, or a folder or prefix")
    settled, read = _inputs(job.options.args, bars, size)
    with job.make_runner() if settled else make_unsettled_runner(job) as runner:
        assert isinstance(runner, EMRRunner)
        planned = runner.plan()
        uploads = _uploads(planned.uploads)
        region = runner.region
        reduces = runner.reducers(0)
    cores = _cores(settings, planned.request)
    estimate = figures.estimate(
        name, read.bars, read.maps, reduces, cores, _items(job), len(planned.steps), new_cluster=not settings.cluster
    )
    return Plan(
        job=name, arguments=list(arguments), region=region, cluster=settings.cluster, request=planned.request,
        steps=[step_as_json(step) for step in planned.steps], uploads=uploads,
        output=job.options.output_dir, inputs=read, cores=cores, reduces=reduces, estimate=estimate,
        money=_money(planned.request, listed, estimate), prices=listed, measured=figures.measured,
    )  # fmt: skip


def _cores(settings: Settings, request: Mapping[str, Any]) -> int:
    """The vCPUs of the workers: of the cluster that is requested, or as the user states for one that runs."""
    if request:
        return worker_cores(request)
    if settings.cores is None:
        raise UsageError(
            f"--cluster {settings.cluster}: the number of its cores is not known: the estimate depends on it; set it"
            " with --cores N"
        )
    return settings.cores


def _items(job: "BarJob") -> int:
    """The columns that a job computes, or the pairs that it trades."""
    if sweep := getattr(job, "sweep", None):
        return len(sweep().grid.pairs())
    return max(1, len(job.output_names()))


def _offline(settings: Settings) -> Settings:
    """The settings with placeholders for the account's own names, so that nothing has to be looked up."""
    more = dict(settings.more)
    if not settings.cluster and not settings.configured.get("subnet"):
        more["subnet"] = SUBNETS
    region = settings.known_region() or USUAL_REGION
    return replace(settings, region=region, bucket=settings.known_bucket() or bucket_of(ACCOUNT, region), more=more)


def _inputs(arguments: Sequence[str], bars: int | None, size: int | None) -> tuple[bool, Inputs]:
    """Whether inputs can be settled, and what they are: sampled, or as the user states."""
    if bars is not None or size is not None:
        return False, inputs.stated(bars, size, len(arguments))
    try:
        return True, inputs.sampled(arguments)
    except InputError as error:
        if not any(map(is_s3, arguments)):
            raise
        raise InputError(f"{error}; or plan without reading it, with --bars N or --input-size BYTES") from error


def step_as_json(step: dict[str, Any]) -> dict[str, Any]:
    """A step as EMR would get it, with the names that EMR has for its parts in lists of steps."""
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
    """Dollars of a new cluster of instance fleets; None for a running cluster, or one of instance groups."""
    fleets = request.get("Instances", {}).get("InstanceFleets")
    if not fleets:
        return None
    spot = sum(_hour(fleet, listed, spot=True) for fleet in fleets)
    most = sum(_hour(fleet, listed, spot=False) for fleet in fleets)
    hours = estimate.billed / 3600
    return Money(spot * hours, most * hours, (spot, most))


def _hour(fleet: dict[str, Any], listed: prices.Prices, spot: bool) -> float:
    """Dollars of an hour of a fleet that is filled with the first of its types."""
    first = fleet["InstanceTypeConfigs"][0]
    number = -(-capacity(fleet) // first.get("WeightedCapacity", 1))
    return int(number) * listed.hour(first["InstanceType"], spot and "TargetSpotCapacity" in fleet)
