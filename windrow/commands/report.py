"""`windrow report`."""

from pathlib import Path
from typing import Any

import click

#: Options that plot has too.
OUT: dict[str, Any] = {
    "type": click.Path(path_type=Path),
    "show_default": True,
    "help": "The page; the picture beside it ends in .png.",
}
FORCE: dict[str, Any] = {"is_flag": True, "help": "Replace the page and the picture if they exist."}


class FilesCommand(click.Command):
    """Lets `--bars` take all arguments up to the next option, and shows it in the usage: it is required."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The arguments, then --bars."""
        return [*super().collect_usage_pieces(ctx), "--bars FILE..."]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args` with a --bars before each of the files."""
        parsed: list[str] = []
        is_of_bars = False
        for arg in args:
            if arg.startswith("-") and arg != "-":
                is_of_bars = arg == "--bars"
                parsed += [] if is_of_bars else [arg]
            else:
                parsed += ["--bars", arg] if is_of_bars else [arg]
        return super().parse_args(ctx, parsed)


@click.command(cls=FilesCommand)
@click.argument("outputs", nargs=-1, metavar="OUTPUT...")
@click.option("--bars", multiple=True, metavar="FILE...", help="The bars that the job read.  [required]")
@click.option("--symbol", "symbols", multiple=True, help="A symbol to show; repeatable.  [default: the first 8]")
@click.option("--orders", metavar="PATH", help="What backtest --orders wrote.  [default: in OUTPUT]")
@click.option("--trades", metavar="PATH", help="What backtest --trades wrote.  [default: in OUTPUT]")
@click.option("--equity", metavar="PATH", help="What backtest --equity wrote.  [default: in OUTPUT]")
@click.option("-o", "--out", default="report.html", **OUT)
@click.option("--force", **FORCE)
def report(
    outputs: tuple[str, ...],
    bars: tuple[str, ...],
    symbols: tuple[str, ...],
    orders: str | None,
    trades: str | None,
    equity: str | None,
    out: Path,
    force: bool,
) -> None:
    """Show a backtest, a sweep or both: a page and a picture.

    OUTPUT is the directory given to -o of backtest or sweep; with one of each, the page has the sweep's maps below the
    backtest's chart. The chart has candles, averages, orders, equity and drawdown; below it are returns, drawdowns,
    trades, all symbols, the maps of the sweep, and the figures, those of train and test side by side. A portfolio is
    first. The page is one file and needs no network.
    """
    from windrow.console import tell
    from windrow.frames.arguments import in_words_of_options
    from windrow.pages.report import report as write

    if not outputs or not bars:
        raise click.UsageError(
            "OUTPUT and --bars are required: OUTPUT comes first, e.g. windrow report out/backtest --bars bars.csv"
        )
    beside = {"orders": orders, "trades": trades, "equity": equity}
    for place in in_words_of_options(write)(outputs, bars, symbols=symbols, **beside, out=out, force=force):
        tell(f"wrote {place}")
