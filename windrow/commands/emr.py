"""The click group `windrow emr`."""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from windrow.aws.session import require_boto3
from windrow.console import say, tell
from windrow.emr.settings import Settings
from windrow.errors import UsageError

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., Any])
FILE = click.Path(path_type=Path)
#: A job's own options come after the job's name, and are not parsed here.
_ARGUMENTS = "[JOB OPTIONS] FILE..."
_JOBS_OWN = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_REGION = click.option("--region", metavar="NAME", help="AWS region.  [default: as in AWS's own settings]")
_CLUSTER = click.option("--cluster", metavar="ID", help="Run on this running cluster.")
_POOL = click.option("--pool", is_flag=True, help="Join an idle cluster of the pool, or start one that stays up.")
_OPTIONS = (
    click.option("-c", "--conf", type=FILE, metavar="FILE", help="mrjob's configuration.  [default: windrow's]"),
    click.option("--x86", is_flag=True, help="Use x86_64 instances instead of Graviton."),
    click.option("--cores", type=int, metavar="N", help="vCPUs of the workers.  [default: as configured, 8]"),
    click.option("--on-demand", is_flag=True, help="Use on-demand instances only, no spot instances."),
    _REGION,
    click.option("--bucket", metavar="NAME", help="For code and logs.  [default: windrow-ACCOUNT-REGION]"),
)


class _Command(click.Command):
    """A command that needs boto3; its --help does not."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What an option may become, for a shell that asks: one of the job's after the job's name."""
        if "arguments" in ctx.params and ctx.params["job"]:
            return _of_job(ctx, None, incomplete)
        return super().shell_complete(ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it. Raises WindrowError where boto3 is not installed."""
        require_boto3(ctx.command_path)
        return super().invoke(ctx)


def _job_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from windrow.mapreduce.registry import find_jobs

    return [name for name in find_jobs() if name.startswith(incomplete)]


def _of_job(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[CompletionItem]:
    from windrow.commands.completion import for_job

    return for_job(ctx.params["job"], ctx.params["arguments"], incomplete)


class _Group(click.Group):
    command_class = _Command
    group_class = type


def _with_settings(*options: Callable[[Function], Function]) -> Callable[..., Any]:
    """Adds options to a command, which gets what they say as `settings`."""

    def add(command: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(command)
        def run(**given: Any) -> Result:
            chosen = {name: given.pop(name) for name in Settings.__dataclass_fields__ if name in given}
            return command(settings=Settings(**chosen), **given)

        for option in reversed(options):
            run = option(run)
        return run

    return add


def _job(name: str) -> "type[BarJob]":
    """The class of a job by its command's name."""
    from windrow.mapreduce.registry import find_jobs, job_class

    jobs = find_jobs()
    if name not in jobs:
        raise UsageError(
            f"{name}: is not a job: a job's own options come after its name; the jobs are {', '.join(jobs)}"
        )
    return job_class(jobs[name])


@click.group(cls=_Group)
def emr() -> None:
    """Run jobs on Amazon EMR: plan, submit, clusters, logs."""


@emr.command(context_settings=_JOBS_OWN)
@_with_settings(*_OPTIONS, _CLUSTER)
@click.option("--prices", type=FILE, metavar="FILE", help="Your own price table.")
@click.option("--bars", type=int, metavar="N", help="Number of bars, instead of reading the input.")
@click.option("--input-size", type=int, metavar="BYTES", help="Size of the input as plain text, instead of reading it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("job", shell_complete=_job_names)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar=_ARGUMENTS, shell_complete=_of_job)
def plan(
    settings: Settings, job: str, arguments: tuple[str, ...], prices: Path | None, bars: int | None,
    input_size: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what a job on EMR would do, take and cost.

    The cluster, steps, uploads, required permissions, time and cost. It needs no AWS account, and no network unless the
    input is on S3; with --bars or --input-size S3 is not read either.
    """
    from windrow.emr.plan import make_plan

    made = make_plan(job, _job(job), arguments, settings, prices, bars, input_size)
    if as_json:
        click.echo(json.dumps(made.as_json(), indent=2))
        return
    from windrow.emr.plan_screen import plan_page
    from windrow.emr.screens import console

    console().print(plan_page(made))


@emr.command(context_settings=_JOBS_OWN)
@_with_settings(*_OPTIONS, _CLUSTER, _POOL)
@click.argument("job", shell_complete=_job_names)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar=_ARGUMENTS, shell_complete=_of_job)
def submit(settings: Settings, job: str, arguments: tuple[str, ...]) -> int:
    """Run a job on EMR.

    This is the job's own -r emr, with the configuration that `windrow emr plan` shows and one reducer per core of the
    workers.
    """
    return _job(job).main([*settings.resolved().job_options(), *arguments])


@emr.group(cls=_Group)
def cluster() -> None:
    """Create, list and terminate clusters that serve many jobs."""


@cluster.command()
@_with_settings(*_OPTIONS)
def create(settings: Settings) -> None:
    """Start a cluster of the pool.

    It is the cluster that `windrow emr plan` shows, and stays up until it has been idle for half an hour.
    """
    from windrow.emr.clusters import create as start

    made = start(settings)
    tell(made)
    say(f"run jobs on it with: windrow emr submit --cluster {made} JOB ...")
    say(f"terminate it with: windrow emr cluster terminate {made}")


@cluster.command("list")
@_REGION
def list_(region: str | None) -> None:
    """List windrow's active clusters."""
    from windrow.emr.amounts import duration
    from windrow.emr.clusters import age, list_clusters
    from windrow.emr.screens import console, listing

    found = list(list_clusters(region))
    if not found:
        tell("windrow has no cluster in this region")
        return
    rows = [(one.id, one.state.lower(), duration(age(one.created)), one.name, one.reason) for one in found]
    console().print(listing(["cluster", "state", "age", "name", "reason"], rows, numbers=["cluster", "age"]))


@cluster.command()
@_REGION
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def terminate(region: str | None, ids: tuple[str, ...]) -> None:
    """Terminate clusters, and the jobs on them."""
    from windrow.emr.clusters import terminate as end

    end(ids, region)
    tell(f"asked EMR to terminate {', '.join(ids)}")


@emr.command()
@_REGION
@click.option("--cluster", metavar="ID", help="The step's cluster.  [default: searched for]")
@click.argument("step")
def logs(step: str, cluster: str | None, region: str | None) -> None:
    """Show why a step failed: its task's own traceback.

    STEP is its id, e.g. s-1ABCDEFGHIJKL.
    """
    from windrow.emr.logs import explain_step, find_step

    found = find_step(step, cluster, region)
    reason = f", {found.reason}" if found.reason else ""
    say(f"{found.name}: {found.state.lower()}{reason}")
    if found.state in ("FAILED", "CANCELLED", "INTERRUPTED"):
        tell(*explain_step(found).expandtabs().split("\n"))


@emr.command()
@_with_settings(*_OPTIONS)
def code(settings: Settings) -> None:
    """Upload what the nodes of the daily jobs install.

    bootstrap.sh, requirements.txt and windrow's code go to code/ in the bucket, where the state machine of
    template.yaml reads them.
    """
    from windrow.emr.code import put

    for uri in put(settings.resolved()):
        tell(uri)


@emr.command()
@_with_settings(*_OPTIONS)
def doctor(settings: Settings) -> int:
    """Check that the account has what a job needs, and show how to fix what it lacks.

    Credentials, region, roles, bucket, encryption, network and quota. The exit status is 1 if a check fails.
    """
    from windrow.emr.doctor import examine
    from windrow.emr.screens import check_lines, console

    checks = []
    for check in examine(settings):
        console().print(check_lines(check))
        checks.append(check)
    failed = sum(check.good is False for check in checks)
    tell(f"{failed} of {len(checks)} checks failed" if failed else "a job can run on EMR")
    return 1 if failed else 0
