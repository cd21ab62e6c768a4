"""The click group `windrow catalog`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windrow.commands.report import FORCE, OUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from windrow.catalog.sizes.listed import Sizes

_OUT = "Folder of the snapshots, here or on S3."
_REGION = "AWS region; repeatable.  [default: as in AWS's own settings]"
_ALL_REGIONS = "All regions that are enabled in each account."
_ROLE = "Role to assume, for another account; repeatable. - stands for your own credentials.  [default: -]"
_CATALOG_ID = "Another catalog than the account's own; all: the account's own and all others."
_DATABASE = "Databases with such names, e.g. 'sales*'; repeatable.  [default: all]"
_SIZES = "How sizes are found."
_INVENTORY = "Where S3 Inventory is written; for --sizes inventory."
_RATE = "At most so many calls to S3 a second; for --sizes listing.  [default: 300]"
_PLAN_RATE = "At most so many calls to S3 a second.  [default: 300]"
_PARTITIONS = "A table with more partitions is not measured; 0: partitions are not read."
_WAYS = click.Choice(["listing", "inventory", "cloudwatch", "none"])
#: As in catalog/collector.py, which is not imported for --help.
_MOST_PARTITIONS = 100_000
_TRAIL = "Log files of CloudTrail: a file or a folder, here or on S3, such as s3://BUCKET/AWSLogs/; repeatable."
_EVENTS = "Read CloudTrail's event history, of 90 days, which needs no trail."
_ATHENA = "Read Athena's query history, of 45 days."
_FROM = "First day, in UTC.  [default: yesterday, or that of --to]"
_TO = "Last day, in UTC.  [default: yesterday]"


@click.group()
def catalog() -> None:
    """Watch a Glue Data Catalog: its tables, what they store, and how they grow."""


@catalog.command(short_help="Write the day's snapshot: all tables, and their sizes.")
@click.option("-o", "--out", "place", metavar="DIR|s3://...", help=_OUT)
@click.option("--region", "regions", multiple=True, metavar="NAME", help=_REGION)
@click.option("--all-regions", is_flag=True, help=_ALL_REGIONS)
@click.option("--role", "roles", multiple=True, metavar="ARN", help=_ROLE)
@click.option("--catalog-id", metavar="ID", help=_CATALOG_ID)
@click.option("--database", "databases", multiple=True, metavar="GLOB", help=_DATABASE)
@click.option("--sizes", "way", type=_WAYS, default="listing", show_default=True, help=_SIZES)
@click.option("--inventory", metavar="s3://...", help=_INVENTORY)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help=_RATE)
@click.option("--max-partitions", type=click.IntRange(0), default=_MOST_PARTITIONS, show_default=True, help=_PARTITIONS)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def collect(
    place: str | None, regions: tuple[str, ...], all_regions: bool, roles: tuple[str, ...], catalog_id: str | None,
    databases: tuple[str, ...], way: str, inventory: str | None, rate: float | None, max_partitions: int, quiet: bool,
) -> int:  # fmt: skip
    """Read all databases and tables, measure what tables store, and write the day's snapshot.

    A run replaces the snapshot of its day, in UTC. What cannot be read or measured has a row with the reason, and the
    exit status is 3.
    """
    from windrow.aws.session import require_boto3
    from windrow.catalog.collection.collector import Asked
    from windrow.catalog.collection.daily import collect_day, new_run
    from windrow.catalog.origins import origins
    from windrow.console import say, tell
    from windrow.console.meter import going
    from windrow.errors import UsageError

    if not place:
        raise UsageError("-o: is missing; name the folder of the snapshots, e.g. -o metrics or -o s3://BUCKET/metrics")
    require_boto3("windrow catalog collect")
    sizes = _sizes(way, inventory, rate)
    asked = Asked(
        origins(regions, all_regions, roles, catalog_id), sizes, databases, max_partitions,
        all_catalogs=catalog_id == "all",
    )  # fmt: skip
    with going("collecting", not quiet) as progress:
        done = collect_day(place, asked, new_run(), progress)
    say(*(f"warning: {one}" for one in done.warnings))
    tell(*done.collected.lines(), f"snapshot of {done.day} written to {place}")
    return done.collected.exit_status


def _sizes(way: str, inventory: str | None, rate: float | None) -> "Sizes | None":
    """The way to find sizes. Raises UsageError for an option of another way."""
    from windrow.catalog.sizes.cloudwatch import whole_buckets
    from windrow.catalog.sizes.inventory import inventory as from_inventory
    from windrow.catalog.sizes.listed import RATE, listing
    from windrow.errors import UsageError

    if rate is not None and way != "listing":
        raise UsageError(f"--rate {rate:g}: is for --sizes listing, and --sizes is {way}; leave one of them out")
    if inventory is not None and way != "inventory":
        raise UsageError(f"--inventory {inventory}: is for --sizes inventory, and --sizes is {way}; give that")
    if way == "inventory" and inventory is None:
        raise UsageError(
            "--sizes inventory: needs the place of S3 Inventory; name it by --inventory s3://BUCKET/FOLDER/"
        )
    if inventory is not None:
        return from_inventory(inventory)
    return {"listing": listing(rate or RATE), "cloudwatch": whole_buckets, "none": None}[way]


_FORMATS = ("table", "csv", "json", "parquet")
_DAY = "Query as of this day, e.g. 2026-11-30.  [default: the last snapshot's]"
_FORMAT = "Format of the answer.  [default: by the ending of -o; else table]"


@catalog.command(short_help="Query snapshots by SQL and views.")
@click.argument("place", required=False, metavar="[SNAPSHOTS]")
@click.argument("sql", required=False, metavar="[SQL]")
@click.option("--day", metavar="DATE", help=_DAY)
@click.option("--format", "form", type=click.Choice(_FORMATS), help=_FORMAT)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File for the answer.  [default: printed]")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def query(place: str | None, sql: str | None, day: str | None, form: str | None, out: Path | None, force: bool) -> None:
    """Query snapshots by SQL, e.g. windrow catalog query metrics "from growth limit 10".

    SNAPSHOTS is the folder that collect wrote, here or on S3. SQL is one SELECT in DuckDB's SQL, or the name of a view;
    it can read nothing but the snapshots. Without SQL, views and tables are listed.
    """
    from windrow.console import tell

    if sql is None:
        from windrow.catalog.queries.questions import STORED, VIEWS

        told = {name: one.tells for names in (VIEWS, STORED) for name, one in names.items()}
        tell(*(f"{name:{max(map(len, told))}}  {text}" for name, text in told.items()))
        return
    from windrow.catalog.queries.printed import write
    from windrow.catalog.queries.query import asked

    form = _form(form, out)
    with asked(str(place), sql, _day(day)) as answer:
        write(answer, form, out, force)


def _form(form: str | None, out: Path | None) -> str:
    """The format that is asked for, or that a file's name says."""
    from windrow.errors import UsageError

    ending = out.suffix[1:].lower() if out else ""
    form = form or (ending if ending in _FORMATS else "table")
    if form == "parquet" and out is None:
        raise UsageError(
            "--format parquet: is no text, and is not printed; name a file with -o, e.g. -o answer.parquet"
        )
    return form


def _day(text: str | None, option: str = "--day") -> "date | None":
    from datetime import date

    from windrow.errors import UsageError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: is no day; write it as YEAR-MONTH-DAY, e.g. {option} 2026-11-30") from None


@catalog.command(short_help="Print the DDL by which Athena queries snapshots.")
@click.argument("place", metavar="SNAPSHOTS")
@click.option("--athena-database", default="windrow", show_default=True, metavar="NAME", help="Database of the tables.")
@click.option("--crawler", is_flag=True, help="Print a crawler's definition instead.")
@click.option("--role", metavar="NAME|ARN", help="The crawler's role.")
def ddl(place: str, athena_database: str, crawler: bool, role: str | None) -> None:
    """Print the DDL by which Athena queries snapshots on S3.

    It is CREATE TABLE with partition projection: a new day is there at once. With --crawler, it is a crawler for
    `aws glue create-crawler --cli-input-json file://FILE`.
    """
    from windrow.catalog.queries import ddl as made
    from windrow.console import tell
    from windrow.errors import UsageError

    if crawler:
        if not role:
            raise UsageError(
                "--crawler: needs a role that may read the snapshots, as AWSGlueServiceRole and s3:GetObject let it;"
                " name it with --role"
            )
        text = made.crawler(place, athena_database, role)
    else:
        from windrow.catalog.snapshots import days

        text = made.statements(place, athena_database, days(place))
    tell(*text.splitlines())


@catalog.command(short_help="Count how often tables were queried, and by how many users.")
@click.argument("place", required=False, metavar="SNAPSHOTS")
@click.option("--trail", "trails", multiple=True, metavar="PATH", help=_TRAIL)
@click.option("--events", is_flag=True, help=_EVENTS)
@click.option("--athena", is_flag=True, help=_ATHENA)
@click.option("--from", "since", metavar="DATE", help=_FROM)
@click.option("--to", "until", metavar="DATE", help=_TO)
@click.option("--region", "regions", multiple=True, metavar="NAME", help=_REGION)
@click.option("--all-regions", is_flag=True, help=_ALL_REGIONS)
@click.option("--role", "roles", multiple=True, metavar="ARN", help=_ROLE)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def usage(
    place: str | None, trails: tuple[str, ...], events: bool, athena: bool, since: str | None, until: str | None,
    regions: tuple[str, ...], all_regions: bool, roles: tuple[str, ...], quiet: bool,
) -> int:  # fmt: skip
    """Count how often tables were queried, and by how many users, and keep that by day beside the snapshots.

    A run replaces the counts of its sources on its days, and keeps those of other sources. What cannot be read is
    reported, and the exit status is 3.
    """
    from windrow.aws.session import require_boto3
    from windrow.catalog.collection.collected import INCOMPLETE
    from windrow.catalog.collection.daily import new_run
    from windrow.catalog.origins import origins
    from windrow.catalog.usage.kept import Asked, count_usage
    from windrow.catalog.usage.queried import require_sqlglot
    from windrow.console import tell
    from windrow.console.meter import going
    from windrow.errors import UsageError

    if not place:
        raise UsageError("SNAPSHOTS: is missing; name the folder that `windrow catalog collect` has written")
    if not (trails or events or athena):
        raise UsageError("windrow catalog usage: nothing to count from; give --trail PATH, --events or --athena")
    given = {f"--region {', '.join(regions)}": regions, "--all-regions": all_regions, "--role": roles}
    where = [option for option, value in given.items() if value]
    if where and not (events or athena):
        raise UsageError(f"{where[0]}: says where --events and --athena ask; add one of these, or leave it out")
    first, last = _days(since, until, events, athena)
    if athena:
        require_sqlglot("--athena")
    if events or athena:
        require_boto3("windrow catalog usage")
    found = origins(regions, all_regions, roles) if events or athena else []
    asked = Asked(first, last, trails, events, athena, found)
    with going("counting", not quiet) as progress:
        counted = count_usage(place, asked, new_run().name, lambda text: progress(0, text))
    few = f"{counted.days[0]}" + f" to {counted.days[-1]}" * (len(counted.days) > 1) if counted.days else ""
    tell(*counted.lines, f"usage of {few} written to {place}" if few else "nothing was written")
    return 0 if counted.is_whole else INCOMPLETE


def _days(since: str | None, until: str | None, events: bool, athena: bool) -> "tuple[date, date]":
    """The first and the last day that are asked for. Raises UsageError where they cannot be counted."""
    from datetime import timedelta

    from windrow.catalog.usage import athena as history
    from windrow.catalog.usage import trails
    from windrow.catalog.usage.kept import today
    from windrow.errors import UsageError

    now = today()
    yesterday = now - timedelta(days=1)
    last = _day(until, "--to") or yesterday
    first = _day(since, "--from") or min(last, yesterday)
    if last > yesterday:
        raise UsageError(f"--to {last}: is not over in UTC; give --to {yesterday}, or an earlier day")
    if first > last:
        raise UsageError(f"--from {first}: is after {last}, the last day; give an earlier one, or a later --to")
    for option, is_asked, kept in (("--events", events, trails.KEPT), ("--athena", athena, history.KEPT)):
        oldest = now - kept + timedelta(days=1)
        if is_asked and first < oldest:
            raise UsageError(
                f"--from {first}: AWS keeps what {option} reads for {kept.days} days; give --from {oldest} or a later"
                f" day, or files of CloudTrail by --trail"
            )
    return first, last


@catalog.command(short_help="Estimate calls, minutes and dollars of a collection.")
@click.option("--region", "regions", multiple=True, metavar="NAME", help=_REGION)
@click.option("--all-regions", is_flag=True, help=_ALL_REGIONS)
@click.option("--role", "roles", multiple=True, metavar="ARN", help=_ROLE)
@click.option("--catalog-id", metavar="ID", help=_CATALOG_ID)
@click.option("--database", "databases", multiple=True, metavar="GLOB", help=_DATABASE)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help=_PLAN_RATE)
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Your own prices, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def plan(
    regions: tuple[str, ...], all_regions: bool, roles: tuple[str, ...], catalog_id: str | None,
    databases: tuple[str, ...], rate: float | None, prices: Path | None, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Estimate what collecting would take and cost, before anything is listed.

    Calls, minutes and dollars of listing, and of reading S3 Inventory instead. Databases and tables are read, and
    CloudWatch is asked how many objects their buckets have.
    """
    from windrow.aws.session import require_boto3
    from windrow.catalog.collection.daily import new_run
    from windrow.catalog.origins import origins
    from windrow.catalog.plan import load, make
    from windrow.catalog.sizes.listed import RATE
    from windrow.console import tell
    from windrow.console.meter import going

    require_boto3("windrow catalog plan")
    priced = load(prices)
    asked = origins(regions, all_regions, roles, catalog_id)
    with going("planning", not quiet) as progress:
        made = make(asked, new_run(), priced, rate or RATE, databases, catalog_id == "all", progress)
    if as_json:
        click.echo(json.dumps(made.as_json(), indent=2))
    else:
        tell(*made.lines())


@catalog.command(short_help="Show the catalog on one page, and as a picture.")
@click.argument("snapshots", metavar="SNAPSHOTS")
@click.option("--growth", metavar="OUTPUT", help="An output of windrow catalog-growth, for its alerts.")
@click.option("--day", metavar="DATE", help="The day to show, e.g. 2026-11-30.  [default: the last one]")
@click.option("-o", "--out", default="catalog.html", **OUT)
@click.option("--force", **FORCE)
def report(snapshots: str, growth: str | None, day: str | None, out: Path, force: bool) -> None:
    """Show the catalog on one page, and as a picture: what is stored, how it grows, what is used, and every table.

    SNAPSHOTS is the folder that `windrow catalog collect` wrote, here or on S3. The page is one file and needs no
    network.
    """
    from windrow.console import tell
    from windrow.pages.catalog import catalog_report

    for place in catalog_report(snapshots, growth=growth, day=_day(day), out=out, force=force):
        tell(f"wrote {place}")


def handle(event: "Mapping[str, Any]", context: object = None) -> dict[str, int]:
    """What AWS Lambda runs, by windrow/catalog/Dockerfile: `collect` with `arguments` of the event.

    Returns its exit status, 0 or 3. Raises what it raises, so that Lambda counts an error, of which an alarm tells.
    """
    arguments = [str(one) for one in event.get("arguments", ())]
    return {"status": catalog.main(["collect", *arguments], "windrow catalog", standalone_mode=False)}
