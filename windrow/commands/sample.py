"""`windrow sample`."""

from pathlib import Path
from typing import Any

import click

ORDERS = click.Choice(["time", "symbol", "shuffled"])
FORMATS = click.Choice(["csv", "parquet"])
SPACING = "Time between bars, e.g. 5min (units s, min, h, d, w), or bd: Monday to Friday."
ROWS = "Order of the rows: time, symbol or shuffled."
SEED = "Seed of the bars: the same seed makes the same bytes."
FILE = click.Path(path_type=Path)


@click.command()
@click.argument("out", type=FILE)
@click.option("--symbols", default=5, show_default=True, metavar="N", help="How many symbols: AAA, AAB ...")
@click.option("--bars", default=250, show_default=True, metavar="N", help="How many bars of each symbol.")
@click.option("--spacing", default="1d", show_default=True, help=SPACING)
@click.option("--start", default="2020-01-01", show_default=True, help="The first bar's date, or time (UTC).")
@click.option("--order", default="time", show_default=True, type=ORDERS, metavar="ORDER", help=ROWS)
@click.option("--format", "form", type=FORMATS, help="Format of OUT.  [default: by its suffix]")
@click.option("--seed", default=0, show_default=True, help=SEED)
@click.option("--places", default=2, show_default=True, metavar="N", help="Decimal places of prices, 0 to 8.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def sample(out: Path, form: str | None, force: bool, quiet: bool, **asked: Any) -> None:
    """Write sample bars, as many as you like, from a seed.

    OUT is a new file, .csv (.csv.gz, .csv.bz2, .csv.zst) or .parquet, with the columns symbol, timestamp, open, high,
    low, close, volume. Memory use stays small whatever the size and order.
    """
    from windrow.console import tell
    from windrow.console.meter import progress
    from windrow.sample.bars import Sample, write

    bars = Sample(**asked)
    with progress("writing", bars.rows, not quiet, "bars") as report:
        size = write(bars, out, form, force, report)
    tell(f"wrote {bars.rows:,} bars, {size:,} bytes, to {out}")
