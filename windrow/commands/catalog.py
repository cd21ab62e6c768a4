"""The click group `windrow catalog`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import date

    from windrow.catalog.sizes import Sizes

_OUT = "Folder of the snapshots, here or on S3."
_REGION = "AWS region; repeatable.  [default: as in AWS's own settings]"
_ALL_REGIONS = "All regions that are enabled in each account."
_ROLE = "Role to assume, for another account; repeatable. - is none: the credentials themselves.  [default: -]"
_CATALOG_ID = "Another catalog than the account's own; all: that, and all beside it."
_DATABASE = "Databases with such names, e.g. 'sales*'; repeatable.  [default: all]"
_SIZES = "How sizes are found."
_INVENTORY = "Where S3 Inventory is written, of --sizes inventory."
_RATE = "Most calls a second to S3, of --sizes listing.  [default: 300]"
_PARTITIONS = "Partitions beyond which a table is not measured; 0: none are read."
_WAYS = click.Choice(["listing", "inventory", "cloudwatch", "none"])
#: As in catalog/collector.py, which is not imported for --help.
_MOST_PARTITIONS = 100_000


@click.group()
def catalog() -> None:
    """Watch a Glue Data Catalog: its tables, what they store, and how they grow."""


@catalog.command()
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
    from windrow.catalog.collector import Asked
    from windrow.catalog.daily import collect_day, new_run
    from windrow.catalog.origins import origins
    from windrow.console import going, say, tell
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
    from windrow.catalog.cloudwatch import whole_buckets
    from windrow.catalog.inventory import inventory as from_inventory
    from windrow.catalog.sizes import RATE, listing
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
_DAY = "The day as of which is asked, e.g. 2026-11-30.  [default: the last snapshot's]"
_FORMAT = "How the answer is written.  [default: by the ending of -o; else table]"


@catalog.command()
@click.argument("place", required=False, metavar="[SNAPSHOTS]")
@click.argument("sql", required=False, metavar="[SQL]")
@click.option("--day", metavar="DATE", help=_DAY)
@click.option("--format", "form", type=click.Choice(_FORMATS), help=_FORMAT)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File for the answer.  [default: printed]")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def query(place: str | None, sql: str | None, day: str | None, form: str | None, out: Path | None, force: bool) -> None:
    """Ask snapshots by SQL, e.g. windrow catalog query metrics "from growth limit 10".

    SNAPSHOTS is the folder that collect wrote, here or on S3. SQL is one SELECT in DuckDB's SQL, or the name of a view;
    it can read nothing but the snapshots. Without SQL, what can be asked is listed.
    """
    from windrow.console import tell

    if sql is None:
        from windrow.catalog.questions import STORED, VIEWS

        told = {name: one.tells for names in (VIEWS, STORED) for name, one in names.items()}
        tell(*(f"{name:{max(map(len, told))}}  {text}" for name, text in told.items()))
        return
    from windrow.catalog.printed import write
    from windrow.catalog.query import asked

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


def _day(text: str | None) -> "date | None":
    from datetime import date

    from windrow.errors import UsageError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--day {text}: is no day; write it as YEAR-MONTH-DAY, e.g. --day 2026-11-30") from None


@catalog.command()
@click.argument("place", metavar="SNAPSHOTS")
@click.option("--athena-database", default="windrow", show_default=True, metavar="NAME", help="Database of the tables.")
@click.option("--crawler", is_flag=True, help="Print a crawler's definition instead.")
@click.option("--role", metavar="NAME|ARN", help="The crawler's role.")
def ddl(place: str, athena_database: str, crawler: bool, role: str | None) -> None:
    """Print what makes Athena see snapshots on S3.

    That is CREATE TABLE with projected partitions, so that a new day is there at once; or, by --crawler, a crawler for
    `aws glue create-crawler --cli-input-json file://FILE`.
    """
    from windrow.catalog import ddl as made
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
