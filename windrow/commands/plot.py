"""`windrow plot`."""

from pathlib import Path

import click

PLACE = "The page; the picture lies beside it, .png."
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("output")
@click.argument("more_bars", nargs=-1, metavar="")
@click.option("--bars", multiple=True, required=True, metavar="FILE...", help="The bars that the job read.")
@click.option("--symbol", "symbols", multiple=True, help="To draw; repeatable.  [default: the first 4]")
@click.option("--column", help="The bars' column to draw.  [default: the job's]")
@click.option("-o", "--out", default="plot.html", show_default=True, type=FILE, help=PLACE)
@click.option("--force", is_flag=True, help="Replace the page and the picture if they exist.")
def plot(
    output: str,
    bars: tuple[str, ...],
    more_bars: tuple[str, ...],
    symbols: tuple[str, ...],
    column: str | None,
    out: Path,
    force: bool,
) -> None:
    """Draw a job's output over its bars: a page and a picture.

    OUTPUT is what a job wrote: its --output-dir, or a file. The page stands alone: it needs no network.
    """
    from windrow.pages.averages import plot as draw

    for place in draw(output, [*bars, *more_bars], list(symbols), out, column, force):
        click.echo(f"wrote {place}")
