"""The click group `windrow emr`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from windrow.emr.settings import Settings
from windrow.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])
FILE = click.Path(path_type=Path)
#: A job's own words follow the job's name, untouched.
_JOBS_WORDS = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_REGION = click.option("--region", metavar="NAME", help="AWS's.  [default: as AWS's own settings say]")
_OPTIONS = (
    click.option("-c", "--conf", type=FILE, metavar="FILE", help="mrjob's configuration.  [default: windrow's]"),
    click.option("--x86", is_flag=True, help="Instances of x86_64 instead of Graviton."),
    click.option("--cores", type=int, metavar="N", help="vCPUs of the workers.  [default: the configuration's, 8]"),
    click.option("--on-demand", is_flag=True, help="Buy no spot instances."),
    _REGION,
    click.option("--bucket", metavar="NAME", help="For code and logs.  [default: windrow-ACCOUNT-REGION]"),
)
_WHERE = (
    click.option("--cluster", metavar="ID", help="Run on this cluster, which is there."),
    click.option("--pool", is_flag=True, help="Join a cluster of the pool that waits, or start one that stays."),
)


def _with(*options: Any) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _job(name: str) -> Any:
    """The class of a job by its command's name."""
    from windrow.mapreduce.registry import find_jobs, job_class

    jobs = find_jobs()
    if name not in jobs:
        raise UsageError(f"{name}: is no job; options of the job come behind its name; the jobs are {', '.join(jobs)}")
    return job_class(jobs[name])


@click.group()
def emr() -> None:
    """Run jobs on Amazon EMR: what it would take, submit, clusters, logs."""


@emr.command(context_settings=_JOBS_WORDS)
@_with(*_OPTIONS, _WHERE[0])
@click.option("--prices", type=FILE, metavar="FILE", help="A price table of your own.")
@click.option("--bars", type=int, metavar="N", help="How many bars there are, instead of looking.")
@click.option("--input-size", type=int, metavar="BYTES", help="How large the input is, as plain text.")
@click.option("--json", "as_json", is_flag=True, help="Print it for programs.")
@click.argument("job")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF THE JOB] FILE...")
def plan(
    job: str, words: tuple[str, ...], prices: Path | None, bars: int | None, input_size: int | None, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Show what a job on EMR would do, take and cost.

    Cluster, steps, uploads, the rights that it needs, time and money. It needs no account and no network, unless the
    input is on S3; with --bars or --input-size that is not looked at either.
    """
    from windrow.emr.plan import make_plan

    made = make_plan(job, _job(job), words, Settings(**options), prices, bars, input_size)
    if as_json:
        click.echo(json.dumps(made.as_json(), indent=2))
        return
    from windrow.emr.screens import console, plan_page

    console().print(plan_page(made))


@emr.command(context_settings=_JOBS_WORDS)
@_with(*_OPTIONS, *_WHERE)
@click.argument("job")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF THE JOB] FILE...")
def submit(job: str, words: tuple[str, ...], **options: Any) -> int:
    """Run a job on EMR.

    The same as the job's own -r emr with the configuration that `windrow emr plan` shows, and as many reducers as
    cores.
    """
    status: int = _job(job).main([*Settings(**options).resolved().job_options(words), *words])
    return status


@emr.group()
def cluster() -> None:
    """Create, list and end clusters that stay for many jobs."""


@cluster.command()
@_with(*_OPTIONS)
def create(**options: Any) -> None:
    """Start a cluster of the pool.

    It is what `windrow emr plan` shows, and stays until it has been idle for half an hour.
    """
    from windrow.emr.clusters import create as start

    made = start(Settings(**options))
    click.echo(made)
    click.echo(f"run jobs on it by: windrow emr submit --cluster {made} JOB ...", err=True)
    click.echo(f"end it by: windrow emr cluster terminate {made}", err=True)


@cluster.command("list")
@_REGION
def list_(region: str | None) -> None:
    """List windrow's clusters that have not ended."""
    from windrow.emr.clusters import age, list_clusters
    from windrow.emr.screens import console, listing, spoken

    found = list(list_clusters(region))
    if not found:
        click.echo("windrow has no cluster in this region")
        return
    rows = [(one.id, one.state.lower(), spoken(age(one.created)), one.name, one.why) for one in found]
    console().print(listing(["cluster", "state", "age", "name", "why"], rows, numbers=["cluster", "age"]))


@cluster.command()
@_REGION
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def terminate(region: str | None, ids: tuple[str, ...]) -> None:
    """End clusters, and what runs on them."""
    from windrow.emr.clusters import terminate as end

    end(ids, region)
    click.echo(f"asked EMR to end {', '.join(ids)}")


@emr.command()
@_REGION
@click.option("--cluster", metavar="ID", help="The step's cluster.  [default: it is looked for]")
@click.argument("step")
def logs(step: str, cluster: str | None, region: str | None) -> None:
    """Show why a step failed: its task's own traceback.

    STEP is its id, as s-1ABCDEFGHIJKL.
    """
    from windrow.emr.logs import explain_step, find_step

    found = find_step(step, cluster, region)
    click.echo(f"{found.name}: {found.state.lower()}{f', {found.why}' if found.why else ''}", err=True)
    if found.state in ("FAILED", "CANCELLED", "INTERRUPTED"):
        click.echo(explain_step(found))


@emr.command()
@_with(*_OPTIONS)
def code(**options: Any) -> None:
    """Put into the bucket what the daily jobs' nodes install.

    bootstrap.sh, requirements.txt and windrow's code, to code/: the state machine of template.yaml reads them there.
    """
    from windrow.emr.code import put

    for uri in put(Settings(**options).resolved()):
        click.echo(uri)


@emr.command()
@_with(*_OPTIONS)
def doctor(**options: Any) -> int:
    """Check what a job needs of the account, and say what to do.

    Credentials, region, roles, bucket, encryption, network, quota. The exit status is 1 if something is missing.
    """
    from windrow.emr.doctor import examine
    from windrow.emr.screens import checks_page, console

    found = []
    for check in examine(Settings(**options)):
        console().print(checks_page(check))
        found.append(check)
    bad = sum(check.good is False for check in found)
    click.echo(f"{bad} of {len(found)} checks failed" if bad else "a job can run on EMR")
    return 1 if bad else 0
