"""The click group `windrow stream`."""

from pathlib import Path
from typing import Any

import click

from windrow.commands.inspect import reads_files

_BAD = "Share of the rows that may be invalid, from 0 to 1; above it nothing is loaded."
_MISSING = "Share of the rows that may lack a value of a loaded column; these are not loaded."
_COLUMN = "Columns of values.  [default: open, high, low, close, volume and adj_close, those that all FILES have]"
#: A year, the longest that Kinesis keeps records.
_HOURS = 8760


@click.group()
def stream() -> None:
    """Fill streams of Kinesis and Kafka with bars, and look into them."""


@stream.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--to", "uri", required=True, metavar="URI", help="The stream: kinesis://NAME or kafka://HOST:PORT/TOPIC."
)
@click.option("--shards", type=click.IntRange(1), metavar="N", help="Make it with N shards.  [default: on demand]")
@click.option(
    "--retention", type=click.IntRange(1), metavar="HOURS", help=f"Make it keep records so long.  [default: {_HOURS}]"
)
@click.option("--kms", metavar="KEY", help="Make it encrypted by this key of KMS, e.g. alias/aws/kinesis.")
@click.option(
    "--journal", type=click.Path(path_type=Path), metavar="FILE", help="How far it is.  [default: STREAM.journal]"
)
@click.option("--column", metavar="NAME,...", help=_COLUMN)
@click.option("--max-bad", type=click.FloatRange(0, 1), default=0.001, show_default=True, metavar="SHARE", help=_BAD)
@click.option(
    "--max-missing", type=click.FloatRange(0, 1), default=0.05, show_default=True, metavar="SHARE", help=_MISSING
)
@reads_files("--until")
@click.option("--quiet", is_flag=True, help="Show no progress and no summary.")
def load(
    files: tuple[str, ...], uri: str, shards: int | None, retention: int | None, kms: str | None, journal: Path | None,
    column: str | None, max_bad: float, max_missing: float, quiet: bool, **asked: Any,
) -> None:  # fmt: skip
    """Put the bars of files into a stream, by time.

    The stream is made if it is not there. Each bar is a record {"data": {"dt": ..., "sym": ..., "open": ...}}, its key
    the symbol, and a symbol's bars stay in order whatever is refused or throttled on the way. A load that was stopped
    goes on where it was when the same command is run again, by its journal; once all bars are in the stream, that does
    nothing.
    """
    from windrow.console import progress, say
    from windrow.errors import InputError
    from windrow.mapreduce.accounts import Accounts, Rules
    from windrow.sinks.loading import load as put
    from windrow.sinks.loading import stream_source
    from windrow.sinks.replay import find
    from windrow.storage.source import last_part
    from windrow.storage.stream import Making

    stream_source(uri, "--to ")
    found = find(files, *_reading(column, asked), quiet)
    rules = Rules(max_bad, max_missing, found.settled.units, found.settled.symbols)
    accounts = Accounts(counted=bool(rules.units))
    replay = found.replay([bars for bars, _ in accounts.take(found.feed())])
    if refusal := accounts.refusal(rules):
        raise refusal
    say(*(f"warning: {warning}" for warning in accounts.warnings(rules)))
    if not len(replay):
        raise InputError("no bar is left to load; check --from, --until, --symbols and --where")
    given = {"--shards": shards, "--retention": retention, "--kms": kms}
    with progress(f"loading {len(replay):,} bars", len(replay), not quiet) as advance:
        changes = [option for option, value in given.items() if value is not None]
        making = Making(shards, retention or _HOURS, kms)
        loaded = put(replay, uri, making, changes, journal or Path(f"{last_part(uri)}.journal"), advance)
    if not quiet:
        say(f"{uri}: has all {len(replay):,} bars; {loaded:,} of them were put by this command")


def _reading(column: str | None, asked: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """How files are to be read, and the columns asked for. Raises UsageError."""
    from argparse import Namespace

    from windrow.bars.layout import normalise
    from windrow.errors import UsageError
    from windrow.mapreduce import options

    columns = tuple(map(normalise, column.split(","))) if column else ()
    given = Namespace(adjusted=False, on_conflict="fail", column=column or "close", **asked)
    try:
        options.check_reading(given)
    except UsageError as error:  # of a job, whose option is called so
        raise UsageError(str(error).replace("--to ", "--until ")) from None
    return options.reading(given, columns or ["close"], {}), columns
