"""`windrow plot`."""

from pathlib import Path

import click

from windrow.commands.report import FORCE, OUT, FilesCommand


@click.command(cls=FilesCommand)
@click.argument("output")
@click.option("--bars", multiple=True, required=True, metavar="FILE...", help="The bars that the job read.")
@click.option("--symbol", "symbols", multiple=True, help="A symbol to show; repeatable.  [default: the first 4]")
@click.option("--column", metavar="NAME", help="Draw the line of this column in place of candles.")
@click.option("-o", "--out", default="plot.html", **OUT)
@click.option("--force", **FORCE)
def plot(
    output: str, bars: tuple[str, ...], symbols: tuple[str, ...], column: str | None, out: Path, force: bool
) -> None:
    """Draw averages over their bars: a page and a picture.

    OUTPUT is what moving-average wrote: its --output-dir, or a file of its lines. The page has candles where the bars
    have open, high, low and close, and sums and standard deviations below them. It is one file and needs no network.
    """
    from windrow.console import tell
    from windrow.pages.averages import plot as draw

    for place in draw(output, bars, symbols=symbols, column=column, out=out, force=force):
        tell(f"wrote {place}")
