"""The click group `windrow stream`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windrow.commands.inspect import reads_files, reads_streams

if TYPE_CHECKING:
    from windrow.storage.stream import StreamState

_BAD = "Share of the rows that may be invalid, from 0 to 1; above it nothing is loaded."
_MISSING = "Share of the rows that may lack all values of loaded columns, or a symbol or time."
_COLUMN = "Columns of values.  [default: open, high, low, close, volume and adj_close, those that all FILES have]"
#: A year, the longest that Kinesis keeps records.
_HOURS = 8760
#: Bytes of a record that are shown.
_EXAMPLE = 300


@click.group()
def stream() -> None:
    """Fill streams of Kinesis and Kafka with bars, read them into files, and look into them."""


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
    from windrow.console import say
    from windrow.console.meter import progress
    from windrow.errors import InputError
    from windrow.mapreduce.accounts import Accounts, Rules
    from windrow.sinks.loading import load as put
    from windrow.sinks.loading import stream_source
    from windrow.sinks.replay import find
    from windrow.storage.source import last_part
    from windrow.storage.stream import Making

    stream_source(uri, "--to ")
    with find(files, *reading_of(column, asked), quiet=quiet) as found:
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
        say(*([f"{uri}: was not there, and was made: {loaded.made}"] if loaded.made else []))
        say(f"{uri}: has all {len(replay):,} bars; {loaded.put:,} of them were put by this command")


def reading_of(column: str | None, asked: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
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


@stream.command()
@click.argument("uri")
@click.option("-o", "--output-dir", "output", required=True, metavar="DIR", help="A new directory, here or on S3.")
@reads_streams
@click.option("--quiet", is_flag=True, help="Show no progress and no summary.")
def read(uri: str, output: str, quiet: bool, **asked: Any) -> None:
    """Read a stream into files that are kept.

    URI is kinesis://NAME or kafka://HOST:PORT/TOPIC, with ?from=TIME&to=TIME for records that arrived then; DIR gets a
    file of Parquet for each shard that has any, and is an input of every job. What every job does with a stream at its
    start is done here once for many.
    """
    from argparse import Namespace

    from windrow.console import say
    from windrow.feeds.spool import spool
    from windrow.mapreduce import options
    from windrow.sinks.loading import stream_source
    from windrow.storage.publish import refuse_taken, staged

    stream_source(uri)
    manner, description = options.manner(Namespace(**asked)), dict[str, Any](windrow=1, job=None)
    refuse_taken(output)
    with staged(output, description, None, not quiet) as staging:
        found = spool(uri, staging, manner, not quiet)
        description["streams"] = [found.described()]
    if not quiet:
        say(f"{output}: {found.records:,} records of {uri}, in {len(found.places):,} files")


@stream.command()
@click.argument("uri")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def inspect(uri: str, as_json: bool) -> None:
    """Show what is in a stream.

    URI is kinesis://NAME or kafka://HOST:PORT/TOPIC. Shown are its shards, those they came from, the retention, when
    the oldest and the newest record of each arrived, how many a second came in the last minute that has any, what is
    gone, and the newest record. It takes some reads of each shard; records of a minute are fetched, not all.
    """
    from windrow.console import tell
    from windrow.sinks.loading import stream_source

    state = stream_source(uri).state(uri)
    tell(*([_json(state)] if as_json else _lines(state)))


def _json(state: "StreamState") -> str:
    """A stream for programs; times in ns since 1970."""
    import json
    from dataclasses import asdict

    told = asdict(state)
    for shard in told["shards"]:
        shard["example"] = shard["example"].decode(errors="backslashreplace")
    return json.dumps({**told, "facts": dict(state.facts)})


def _lines(state: "StreamState") -> list[str]:
    """A stream for people."""
    from windrow.storage.arrivals import moment

    filled = [shard for shard in state.shards if shard.newest is not None]
    count = f"{sum(one.is_open for one in state.shards):,} open of {len(state.shards):,}"
    lines = [
        f"{state.uri}:",
        *(f"  {name:<11} {value}" for name, value in state.facts.items()),
        f"  {'shards':<11} {count}",
    ]
    for shard in state.shards:
        kind = "open" if shard.is_open else "closed"
        came = f", from {' and '.join(shard.parents)}" if shard.parents else ""
        spoken = "no record"
        if shard.oldest is not None and shard.newest is not None:
            spoken = f"{moment(shard.oldest)} to {moment(shard.newest)}, {_rate(shard.records, shard.size)}"
        lines.append(f"    {shard.name}: {kind}{came}: {spoken}")
    if filled:
        last = max(filled, key=lambda shard: shard.newest or 0)
        first = min(shard.oldest or 0 for shard in filled)
        lines += [
            f"  {'oldest':<11} {moment(first)}",
            f"  {'newest':<11} {moment(last.newest or 0)}: {last.example[:_EXAMPLE].decode(errors='backslashreplace')}",
        ]
    return [*lines, *(f"  {'gap':<11} {gap}" for gap in state.gaps)]


def _rate(records: int, size: int) -> str:
    """How fast records came in the last minute that has any.

    >>> _rate(120, 60_000)
    '2.0 records and 1,000 bytes a second in its last minute'
    """
    return f"{records / 60:,.1f} records and {size / 60:,.0f} bytes a second in its last minute"
