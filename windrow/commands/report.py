"""`windrow report`."""

from pathlib import Path

import click

PLACE = "The page; the picture lies beside it, .png."
FILE = click.Path(path_type=Path)


class FilesCommand(click.Command):
    """Lets `--bars` take all arguments up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args` with each of the files behind a --bars of its own."""
        told: list[str] = []
        of_bars = False
        for arg in args:
            if arg.startswith("-") and arg != "-":
                of_bars = arg == "--bars"
                told += [] if of_bars else [arg]
            else:
                told += ["--bars", arg] if of_bars else [arg]
        return super().parse_args(ctx, told)


@click.command(cls=FilesCommand)
@click.argument("outputs", nargs=-1, metavar="OUTPUT...")
@click.option("--bars", multiple=True, metavar="FILE...", help="The bars that the job read.")
@click.option("--symbol", "symbols", multiple=True, help="To show; repeatable.  [default: the first 8]")
@click.option("--orders", metavar="PATH", help="What --orders wrote.  [default: in OUTPUT]")
@click.option("--equity", metavar="PATH", help="What --equity wrote.  [default: in OUTPUT]")
@click.option("-o", "--out", default="report.html", show_default=True, type=FILE, help=PLACE)
@click.option("--force", is_flag=True, help="Replace the page and the picture if they exist.")
def report(
    outputs: tuple[str, ...],
    bars: tuple[str, ...],
    symbols: tuple[str, ...],
    orders: str | None,
    equity: str | None,
    out: Path,
    force: bool,
) -> None:
    """Show a backtest, a sweep or both: a page and a picture.

    OUTPUT is the directory that -o of backtest or sweep named; give one of each to see the sweep's maps above a
    backtest's orders. The page has candles and averages, orders, equity and drawdown, the figures, train beside test,
    and the maps of the sweep. It stands alone: it needs no network.
    """
    from windrow.pages.report import report as write

    if not outputs or not bars:
        raise click.UsageError("give OUTPUT first, then --bars FILE...: windrow report out/backtest --bars bars.csv")
    for place in write(outputs, bars, symbols, orders, equity, out, force):
        click.echo(f"wrote {place}")
