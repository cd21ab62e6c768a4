"""The click group `windrow market`."""

from pathlib import Path

import click

from windrow.commands.report import FORCE, OUT


@click.group()
def market() -> None:
    """Show what the jobs of the S&P 500 pipeline found."""


@market.command("report")
@click.argument("outputs", nargs=-1, required=True, metavar="OUTPUT...")
@click.option("--symbol", "symbols", multiple=True, help="A symbol to show; repeatable.  [default: the first 4]")
@click.option("-o", "--out", default="market.html", **OUT)
@click.option("--force", **FORCE)
def report(outputs: tuple[str, ...], symbols: tuple[str, ...], out: Path, force: bool) -> None:
    """Show outputs of the pipeline's jobs on one page, and as a picture.

    OUTPUT is the directory given to -o of sectors, resample, normalize, forecast or grid-search; several of a job are
    compared. The page is one file and needs no network.
    """
    from windrow.console import tell
    from windrow.pages.market import market_report

    for place in market_report(outputs, symbols=symbols, out=out, force=force):
        tell(f"wrote {place}")
