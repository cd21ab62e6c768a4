"""`windrow pack`."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("out", default="windrow.pyz", type=FILE)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--learn", is_flag=True, help="Pack jax too, for forecast and grid-search: 150 MB.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def pack(out: Path, force: bool, learn: bool, quiet: bool) -> None:
    """Pack the tasks' whole environment, for nodes without numpy.

    OUT, windrow.pyz by default, is a single file that serves as the tasks' interpreter: `./windrow.pyz SCRIPT` runs a
    script with the packages installed here, on a node that has only a bare Python of the same minor version.
    """
    from windrow.console import tell
    from windrow.runners.pack import how_to_use
    from windrow.runners.pack import pack as write

    size = write(out, force, quiet, learn)
    tell(f"packed {size:,} bytes into {out}")
    tell(how_to_use(out))
