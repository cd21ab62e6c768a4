"""`windrow plot`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from windrow.commands.inspect import reads_files, reads_streams
from windrow.commands.report import FORCE, OUT, FilesCommand

if TYPE_CHECKING:
    from windrow.pages.alone import Asked

_SYMBOL = "A symbol to show, or that of all bars where files say none; repeatable.  [default: the first 4]"
_BAD = "Share of an input's rows that may be invalid; above it nothing is drawn."
_MISSING = "Share of an input's rows that may lack a price."
_CONFLICT = "Of different bars at one symbol and time: fail, or keep the smallest or largest.  [default: fail]"


#: As in sort_keys/merge.py, which --help is not to load.
_ON_CONFLICT = ("fail", "smallest", "largest")


@click.command(cls=FilesCommand)
@click.argument("output", required=False)
@click.option("--bars", multiple=True, required=True, metavar="FILE...", help="The bars that the job read, or any.")
@click.option("--symbol", "shown", multiple=True, help=_SYMBOL)
@click.option("--column", metavar="NAME", help="Draw the line of this column in place of candles.")
@click.option("-o", "--out", default="plot.html", **OUT)
@click.option("--force", **FORCE)
@reads_files("--to", names_symbol=False)
@reads_streams
@click.option("--max-bad", type=click.FloatRange(0, 1), default=0.001, show_default=True, metavar="SHARE", help=_BAD)
@click.option(
    "--max-missing", type=click.FloatRange(0, 1), default=0.05, show_default=True, metavar="SHARE", help=_MISSING
)
@click.option("--on-conflict", type=click.Choice(_ON_CONFLICT), default="fail", metavar="CHOICE", help=_CONFLICT)
def plot(
    output: str | None, bars: tuple[str, ...], shown: tuple[str, ...], column: str | None, out: Path, force: bool,
    **asked: Any,
) -> None:  # fmt: skip
    """Draw averages over their bars, or bars alone: a page and a picture.

    OUTPUT is what moving-average wrote: its --output-dir, or a file of its lines. The page has candles where the bars
    have open, high, low and close, and sums and standard deviations below them. Without OUTPUT the bars of files or
    streams are drawn alone, with their volume below them, and the options after --force say how they are read. The
    page is one file and needs no network.
    """
    from windrow.console import tell
    from windrow.frames.arguments import in_words_of_options
    from windrow.pages.averages import plot

    draw = in_words_of_options(plot)
    if output is None:
        places = draw(None, bars, symbols=shown, column=column, out=out, force=force, asked=_asked(column, asked))
    else:
        _refuse_given(output, asked)
        places = draw(output, bars, symbols=shown, column=column, out=out, force=force)
    for place in places:
        tell(f"wrote {place}")


def _refuse_given(output: str, asked: dict[str, Any]) -> None:
    """Raises UsageError where it is said how bars are to be read that a job has read before."""
    from windrow.errors import UsageError

    context = click.get_current_context()
    for name in asked:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(
                f"--{name.replace('_', '-')}: the bars of {output} are read as its job read them; leave it out, or"
                " leave OUTPUT out to draw bars alone"
            )


def _asked(column: str | None, asked: dict[str, Any]) -> "Asked":
    """How bars are read, by the options of jobs. Raises UsageError for wrong values."""
    from argparse import Namespace

    from windrow.mapreduce import options
    from windrow.pages.alone import Asked

    given = Namespace(adjusted=False, symbol=None, column=column or "close", **asked)
    options.check_reading(given)
    reading = options.reading(given, [given.column], {})
    return Asked(reading, options.manner(given), given.max_bad, given.max_missing)
