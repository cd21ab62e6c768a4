"""`windrow inspect`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from windrow.feeds.inspect import Inspected

#: Symbols that are listed.
_SYMBOLS = 10


_COLUMNS = (
    click.option("--columns", metavar="NAME,...", help="Names of the columns, for inputs without a header."),
    click.option("--rename", metavar="OLD=NEW,...", help="Columns to be called otherwise."),
    click.option("--time-column", metavar="NAME", help="Column of times, or date,time for two."),
    click.option("--symbol-column", metavar="NAME", help="Column of symbols."),
    click.option(
        "--wide", metavar="VALUE", help="The files have a column for each symbol, and this value in its cells."
    ),
)
_SYMBOL = click.option("--symbol", help="Symbol of inputs that have no symbol column.")
_OTHER_SYMBOLS = (
    click.option("--symbol-from-filename", is_flag=True, help="Take it from the names of such inputs, e.g. AA.csv."),
    click.option("--symbol-from-path", metavar="REGEX", help="Take it from their paths: the group in parentheses."),
    click.option("--symbols", metavar="A,B,...", help="Only these symbols; @FILE: those in a file."),
    click.option("--from", metavar="TIME", help="Only bars from this date or time on."),
)
_ROWS = (
    click.option("--where", metavar="COLUMN=VALUE", multiple=True, help="Only rows with that text in the column."),
    click.option("--recursive", is_flag=True, help="Of a directory, take the files in its subdirectories too."),
    click.option("--timezone", default="UTC", show_default=True, help="Time zone of times without one."),
    click.option("--time-format", metavar="FORM", help="How times are written, e.g. '%d/%m/%Y %H:%M'."),
    click.option(
        "--time-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Times are integers since 1970, in this unit."
    ),
    click.option("--delimiter", metavar="CHARACTER", help="What is between fields, e.g. ';' or tab."),
    click.option("--encoding", metavar="NAME", help="How text is encoded, e.g. cp1252."),
    click.option("--skip-lines", type=click.IntRange(0), metavar="N", help="Lines before the header."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of numbers."),
    click.option("--thousands", metavar="MARK", help="What is between thousands."),
    click.option("--scale", multiple=True, metavar="NAME=FACTOR,...", help="Columns, each with its power of ten."),
)


_STREAMS = (
    click.option(
        "--gaps", type=click.Choice(["fail", "warn"]), default="fail", help="Of a stream: records that are gone."
    ),
    click.option("--share", type=float, default=0.5, help="Of a stream: share of a shard's reads."),
    click.option("--consumer", metavar="NAME", help="Of a stream: a registered consumer."),
)


def reads_files(until: str, names_symbol: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds the options of jobs by which files are read; `until` is the name of the one up to which bars are taken.

    `names_symbol`: also --symbol, by which inputs without a column of symbols get theirs.
    """
    to = click.option(until, "to", metavar="TIME", help="Only bars up to this date, the whole day, or time.")

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        symbol = (_SYMBOL,) if names_symbol else ()
        for option in reversed((*_COLUMNS, *symbol, *_OTHER_SYMBOLS, to, *_ROWS)):
            command = option(command)
        return command

    return add


def reads_streams(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of jobs by which streams are read."""
    for option in reversed(_STREAMS):
        command = option(command)
    return command


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--column", default="close", show_default=True, help="Column that a job would use.")
@reads_files("--to")
@reads_streams
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each input.")
@click.pass_context
def inspect(context: click.Context, /, files: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Show what a job would understand of its inputs.

    For each FILE: its form, what each column is taken for, symbols, times, and the rows that are no bars, with an
    example. A small file is read whole, of a large one samples are. Exit status 1 if a job would refuse one.
    """
    import json
    from argparse import Namespace

    from windrow.console import tell
    from windrow.errors import InputError
    from windrow.feeds.inspect import inspect as look
    from windrow.feeds.spool import spooled
    from windrow.mapreduce import options
    from windrow.storage.source import each, list_inputs

    given = Namespace(adjusted=False, on_conflict="fail", **asked)
    options.check_reading(given)
    reading = options.reading(given, [given.column], {})
    refused, renamed = False, set[str]()
    with spooled(files, options.manner(given), reading) as (arguments, names):
        inputs = list_inputs(arguments, reading.recursive)
        for found in each(lambda path: look(path, reading, len(inputs), names.get(path)), inputs):
            tell(*([json.dumps(found.to_json())] if as_json else _lines(found)))
            refused = refused or found.refused is not None
            renamed |= {*found.renamed}
    for one in () if refused else reading.rename:
        old = one.partition("=")[0]
        if old not in renamed:
            raise InputError(f"--rename {one}: no input has a column {old!r}; name one of theirs, or leave it out")
    context.exit(int(refused))


def _lines(found: "Inspected") -> list[str]:
    """An input, for people."""
    if found.refused is not None:
        return [f"{found.path}:", f"  refused     {found.refused.removeprefix(f'{found.path}: ')}"]
    rows = f"{found.rows:,}" if found.whole else f"{found.rows:,} sampled of {found.size:,} bytes"
    kinds = [f"{found.unselected:,} not asked for"] if found.unselected else []
    kinds += [
        f"{sum(found.invalid.values()):,} invalid",
        f"{found.missing:,} missing",
        f"{found.duplicates:,} repeated",
    ]
    listed = ", ".join(found.symbols[:_SYMBOLS]) + (", ..." if len(found.symbols) > _SYMBOLS else "")
    every = f", every {found.spacing}" if found.spacing else ""
    gaps = f", {found.gaps:,} gap{'s' * (found.gaps > 1)}, the longest {found.longest_gap}" if found.gaps else ""
    return [
        f"{found.path}:",
        f"  form        {found.form or 'plain'}",
        f"  columns     {_columns(found)}",
        *_adjusted(found),
        f"  rows        {rows}: {', '.join(kinds)}",
        *(f"  {reason:<10}  {number:,}, e.g. {found.examples.get(reason, '')}" for reason, number in _bad(found)),
        f"  symbols     {len(found.symbols):,}: {listed}",
        f"  times       {found.first} to {found.last}{every}{gaps}",
    ]


def _bad(found: "Inspected") -> list[tuple[str, int]]:
    """The rows that are no bars, by reason."""
    return [*found.invalid.items(), *([("missing", found.missing)] if found.missing else [])]


def _columns(found: "Inspected") -> str:
    used = [f"{name or '(no name)'} is the {what}" for name, what in found.columns.items() if what != "ignored"]
    ignored = [name for name, what in found.columns.items() if what == "ignored"]
    return ", ".join(used) + (f"; others: {', '.join(ignored)}" if ignored else "")


def _adjusted(found: "Inspected") -> list[str]:
    """What can be done with adjusted closes, where there are any."""
    from windrow.bars.layout import adjusted_close

    taken = adjusted_close(list(found.columns))
    prices = f"--adjusted scales open, high, low and close by {taken} / close"
    return [f"  adjusted    {prices}"] if taken and "close" in found.columns else []
