"""What `windrow emr` prints: pages of tables that fit the terminal, however narrow."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from windrow.aws import permissions as actions
from windrow.emr.plan import SUBNETS, options_of
from windrow.emr.settings import capacity

if TYPE_CHECKING:
    from windrow.emr.doctor import Check
    from windrow.emr.plan import Plan

#: Columns of a page at most: longer lines are hard to read.
_WIDEST = 110


def console() -> Console:
    """Where pages are printed: standard output, as wide as the terminal."""
    made = Console(highlight=False, soft_wrap=False)
    made.width = min(made.width, _WIDEST)
    return made


def section(title: str, *inside: RenderableType) -> RenderableType:
    """A part of a page."""
    return Group(Text(""), Text(title, style="bold cyan"), *(Padding(one, (0, 0, 0, 2)) for one in inside))


def pairs(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names and what they are."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for name, value in rows:
        table.add_row(name, Text(value, overflow="fold") if isinstance(value, str) else value)
    return table


def listing(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> Table:
    """Rows under heads; columns of numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left", overflow="fold", no_wrap=head in numbers)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    return table


def plan_page(plan: "Plan") -> RenderableType:
    """The page of `windrow emr plan`."""
    known = "" if plan.inputs.known else ", as you say"
    head = Text.assemble(
        (plan.job, "bold"),
        f" of {count(plan.inputs.bars, 'bar')} in {count(plan.inputs.files, 'file')}, {size(plan.inputs.size)}{known}",
    )
    verdict = Text.assemble("about ", (spoken(plan.estimate.total), "bold green"))
    if plan.money:
        verdict.append_text(Text.assemble(" and ", (dollars(plan.money), "bold green")))
    parts = [head, verdict, _cluster(plan), _uploads(plan), _steps(plan), _rights(), _estimate(plan)]
    return Group(*parts, Text(""))


def _cluster(plan: "Plan") -> RenderableType:
    if plan.cluster:
        return section("Cluster", Text(f"{plan.cluster}, which is there"))
    request, instances = plan.request, plan.request["Instances"]
    fleets = instances.get("InstanceFleets", [])
    rows: list[tuple[str, RenderableType]] = [
        ("release", f"{request['ReleaseLabel']}, {', '.join(one['Name'] for one in request['Applications'])}"),
        ("region", plan.region),
        *((fleet["InstanceFleetType"].lower(), _fleet(fleet)) for fleet in fleets),
        ("roles", f"{request['ServiceRole']} for EMR, {request['JobFlowRole']} for the nodes"),
        ("network", _network(instances)),
        ("encryption", request.get("SecurityConfiguration", "none but the bucket's")),
        ("ends", _ends(request)),
        ("tags", ", ".join(f"{tag['Key']}={tag['Value']}" for tag in request.get("Tags", [])) or "none"),
        ("logs", request["LogUri"]),
    ]
    return section("Cluster", pairs(rows))


def _fleet(fleet: dict[str, Any]) -> str:
    kinds = [one["InstanceType"] for one in fleet["InstanceTypeConfigs"]]
    names = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if kinds[1:] else kinds[0]
    if fleet["InstanceFleetType"] == "MASTER":
        return f"1 of {names}, on demand"
    spot = fleet.get("LaunchSpecifications", {}).get("SpotSpecification")
    bought = "on demand"
    if fleet.get("TargetSpotCapacity"):
        switches = spot and spot.get("TimeoutAction") == "SWITCH_TO_ON_DEMAND"
        bought = f"spot; on demand after {spot['TimeoutDurationMinutes']} min" if switches else "spot, or not at all"
    return f"{capacity(fleet)} vCPUs of {names}, {bought}"


def _network(instances: dict[str, Any]) -> str:
    subnets = instances.get("Ec2SubnetIds") or [instances.get("Ec2SubnetId")]
    if subnets == [SUBNETS]:
        return "the subnets and security groups tagged windrow, or EMR's own choice where there are none"
    return ", ".join(filter(None, subnets)) or "EMR's own choice"


def _ends(request: dict[str, Any]) -> str:
    idle = request.get("AutoTerminationPolicy", {}).get("IdleTimeout")
    return "after the job" + (
        f", or when idle for {spoken(idle)}, whatever became of whoever started it" if idle else ""
    )


def _steps(plan: "Plan") -> RenderableType:
    shown: list[RenderableType] = []
    files = _folder(plan)
    temporary = files.removesuffix("files/")
    for number, step in enumerate(plan.steps, 1):
        shown.append(Text.assemble((f"{number}. {step['name'].rpartition(': ')[2]}", "bold"), f", by {step['jar']}"))
        lines = [line.replace(files, "FILES/").replace(temporary, "TMP/") for line in options_of(step["args"])]
        shown += [Padding(Text(line, style="dim", overflow="fold"), (0, 0, 0, 3)) for line in lines]
    counts = f"{count(plan.inputs.maps, 'mapper')}, {count(plan.reduces, 'reducer')} on {plan.cores} cores"
    where = plan.output or "printed here, and removed"
    return section("Steps", *shown, pairs([("tasks", counts), ("output", where)]))


def _uploads(plan: "Plan") -> RenderableType:
    rows = [(one["file"], size(one["bytes"])) for one in plan.uploads]
    where = Text(f"to FILES = {_folder(plan)}, in TMP", overflow="fold")
    return section("Uploads", where, listing(["file", "size"], rows, numbers=["size"]))


def _folder(plan: "Plan") -> str:
    """Where files are sent to, by the shortest of their places: some go into folders of it."""
    return min((one["to"].rpartition("/")[0] + "/" for one in plan.uploads), key=len, default="")


def _rights() -> RenderableType:
    return section(
        "Rights", Text("yours", style="bold"), _actions(actions.YOURS), Text("the nodes'", style="bold"),
        _actions(actions.NODES),
    )  # fmt: skip


def _actions(groups: dict[str, tuple[str, ...]]) -> Table:
    """Actions in few lines: each service's name once."""

    def short(group: tuple[str, ...]) -> str:
        services = groupby(group, lambda action: action.partition(":")[0])
        return "; ".join(f"{name}: {', '.join(one.partition(':')[2] for one in ones)}" for name, ones in services)

    return pairs((why, short(group)) for why, group in groups.items())


def _estimate(plan: "Plan") -> RenderableType:
    found = plan.estimate
    rows = [
        ("the cluster starts", spoken(found.cluster)),
        ("Hadoop starts the job", spoken(found.start)),
        ("tasks start", spoken(found.tasks)),
        (f"{plan.cores} cores work", spoken(found.work)),
        ("in all", spoken(found.total)),
    ]
    times = listing(["", "time"], [row for row in rows if row[1] != "0 s" or row[0] == "in all"], numbers=["time"])
    if plan.money is None:
        beside = Text("The cluster is paid for as long as it is there, whether this job runs on it or not.")
    else:
        spot, most = plan.money.an_hour
        hourly = money(most) if spot == most else f"{money(spot)} with spot workers, {money(most)} on demand"
        beside = Text(
            f"{dollars(plan.money)}: {spoken(found.billed)}, its end included, at {hourly} an hour (list prices of"
            f" {plan.prices.dated}, {plan.prices.region}; yours by --prices FILE)."
        )
    how = Text(
        f"Work is reckoned by cores like those it was measured on ({plan.measured}), the cluster's start by what AWS"
        " tells of it.",
        style="dim",
    )
    return section("Time and money", times, Text(""), beside, how)


def checks_page(check: "Check") -> RenderableType:
    """A line of `windrow emr doctor`, and the cure below it."""
    sign = {True: Text("ok", style="green"), False: Text("no", style="bold red"), None: Text("?", style="yellow")}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=2)
    table.add_column(width=18, overflow="fold")
    table.add_column(overflow="fold")
    table.add_row(sign[check.good], Text(check.name), Text(check.told, overflow="fold"))
    if check.cure:
        table.add_row("", "", Text(check.cure, style="bold", overflow="fold"))
    return table


# Words.


def spoken(seconds: float) -> str:
    """A time as one says it.

    >>> spoken(4.4), spoken(150), spoken(5400)
    ('4 s', '2.5 min', '1.5 h')
    """
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= (2 * unit if name == "days" else unit):
            return f"{seconds / unit:.1f} {name}".replace(".0 ", " ")
    return f"{seconds:.0f} s"


def money(amount: float) -> str:
    """Dollars, to the cent, or to two digits where it is less.

    >>> money(12.345), money(0.0123)
    ('$12.35', '$0.012')
    """
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:.2g}"


def dollars(paid: Any) -> str:
    """What a run costs: with spot workers to on demand."""
    low, high = money(paid.spot), money(paid.on_demand)
    return low if low == high else f"{low} to {high}"


def count(number: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "file"), count(12_345, "bar"), count(36_200_000_000, "bar")
    ('1 file', '12,345 bars', '36.2 billion bars')
    """
    shown = f"{number:,}"
    for unit, name in ((10**9, "billion"), (10**6, "million")):
        if number >= unit:
            shown = f"{number / unit:,.1f} {name}"
            break
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def size(length: int) -> str:
    """Bytes as one says them.

    >>> size(512), size(60_883), size(12_300_000_000)
    ('512 B', '61 KB', '12 GB')
    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (1000, "KB")):
        if length >= unit:
            return f"{length / unit:.{0 if length >= 9.95 * unit else 1}f} {name}"
    return f"{length} B"
