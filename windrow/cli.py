"""The `windrow` command: runs a job by its name, and the tools beside the jobs.

Jobs are found by looking into the `jobs` package, and named and described without importing them: `windrow
--help` answers at once, and a job that cannot be imported breaks none of the others.
"""

import ast
import difflib
import importlib
import inspect
import pkgutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windrow.errors import WindrowError

if TYPE_CHECKING:
    from windrow.barjob import BarJob

JOBS_PACKAGE = "jobs"
# Fewer rows than this are written before a bar could be read.
LONG_WORK = 3_000_000
INTERRUPTED = 130
ORDERS = click.Choice(["time", "symbol", "shuffled"])
FILE = click.Path(path_type=Path)
FORMATS = click.Choice(["csv", "parquet"])
SPACING = "Between bars: 5min (units s, min, h, d, w), or bd: Monday to Friday."
SEED = "Another seed makes other bars, the same one the same bytes."
PLACE = "The page; the picture lies beside it, .png."


def find_jobs(package: str = JOBS_PACKAGE) -> dict[str, Path]:
    """Return each job's file by command name (moving_average.py is `moving-average`), importing none."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    modules = [Path(folder, module.name) for folder in folders or () for module in pkgutil.iter_modules([folder])]
    names = {module.name.replace("_", "-"): module.with_suffix(".py") for module in sorted(modules)}
    return {name: file for name, file in names.items() if file.is_file() and not name.startswith("-")}


def summary(file: Path) -> str:
    """Return the first line of a module's docstring, from its text alone; empty if there is none."""
    try:
        docstring = ast.get_docstring(ast.parse(file.read_bytes()))
    except (SyntaxError, ValueError):
        return "(its file does not parse)"
    return (docstring or "").partition("\n")[0]


def job_class(file: Path) -> "type[BarJob]":
    """Import a job's module and return the one BarJob defined in it. Raises WindrowError unless it is one."""
    from windrow.barjob import BarJob

    module = importlib.import_module(f"{JOBS_PACKAGE}.{file.stem}")
    jobs = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, BarJob) and value.__module__ == module.__name__
    ]
    if len(jobs) != 1:
        names = ", ".join(job.__name__ for job in jobs) or "none"
        raise WindrowError(f"{file}: a job's file defines one subclass of BarJob, this one: {names}")
    return jobs[0]


class JobCommand(click.Command):
    """Hands its arguments to a job untouched, --help and options unknown here included."""

    def __init__(self, name: str, file: Path) -> None:
        super().__init__(name, help=summary(file), add_help_option=False)
        self.file = file

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep `args` as they are: the job parses them."""
        ctx.args = list(args)
        return []

    def invoke(self, ctx: click.Context) -> int:
        """Run the job and return its exit status."""
        status: int = job_class(self.file).main(ctx.args)
        return status


class Commands(click.Group):
    """The tools defined below and, each under its file's name, all jobs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of jobs, then of tools."""
        return [*find_jobs(JOBS_PACKAGE), *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the tool or job of that name."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        file = find_jobs(JOBS_PACKAGE).get(cmd_name)
        return JobCommand(cmd_name, file) if file else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` name first; else suggest the nearest name."""
        name, known = args[0], self.list_commands(ctx)
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name.replace("_", "-").lower(), known, n=1)
            cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise click.UsageError(f"{name}: no such command: {cure}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in two groups, Jobs and Tools."""
        jobs = [(name, summary(file)) for name, file in find_jobs(JOBS_PACKAGE).items()]
        tools = [(name, tool.get_short_help_str(100)) for name, tool in self.commands.items()]
        for title, rows in (("Jobs", jobs), ("Tools", tools)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="windrow", message="windrow %(version)s")
@click.pass_context
def windrow(ctx: click.Context) -> None:
    """Run MapReduce jobs over market bars: each symbol's bars reach a reducer in time order, and averages of
    any window have the same bits on a laptop and under Hadoop Streaming. `windrow COMMAND
    --help` tells a command's options.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@windrow.command()
@click.argument("out", type=FILE)
@click.option("--symbols", default=5, show_default=True, metavar="N", help="How many symbols: AAA, AAB ...")
@click.option("--bars", default=250, show_default=True, metavar="N", help="How many bars of each symbol.")
@click.option("--spacing", default="1d", show_default=True, help=SPACING)
@click.option("--start", default="2020-01-01", show_default=True, help="The first bar's date, or time (UTC).")
@click.option("--order", default="time", show_default=True, type=ORDERS, help="Of the rows, not the bars.")
@click.option("--format", "form", type=FORMATS, help="Where OUT's suffix does not tell.")
@click.option("--seed", default=0, show_default=True, help=SEED)
@click.option("--places", default=2, show_default=True, metavar="N", help="Decimal places of prices, 0 to 8.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def sample(out: Path, form: str | None, force: bool, quiet: bool, **options: Any) -> None:
    """Write sample bars of any size from a seed.

    OUT is a new file: .csv (.csv.gz, .csv.bz2, .csv.zst) or .parquet, of symbol, timestamp, open, high, low,
    close, volume. Memory stays small whatever the size and order.
    """
    from windrow.progress import progress
    from windrow.sample import Sample, write

    bars = Sample(**options)
    with progress("writing bars", bars.rows, bars.rows >= LONG_WORK and not quiet) as report:
        size = write(bars, out, form, force, report)
    click.echo(f"wrote {bars.rows:,} bars, {size:,} bytes, to {out}")


@windrow.command()
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
    from windrow.plot import plot as draw

    for place in draw(output, [*bars, *more_bars], list(symbols), out, column, force):
        click.echo(f"wrote {place}")


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


@windrow.command(cls=FilesCommand)
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
    from windrow.report import report as write

    if not outputs or not bars:
        raise click.UsageError("give OUTPUT first, then --bars FILE...: windrow report out/backtest --bars bars.csv")
    for place in write(outputs, bars, symbols, orders, equity, out, force):
        click.echo(f"wrote {place}")


@windrow.command()
@click.argument("out", default="windrow.pyz", type=FILE)
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def pack(out: Path, force: bool, quiet: bool) -> None:
    """Pack the tasks' whole environment, for nodes without numpy.

    OUT, windrow.pyz by default, is one file and the tasks' interpreter: `./windrow.pyz SCRIPT` runs a script with
    the packages installed here, on a node that has a bare Python of this minor version.
    """
    from windrow.pack import how_to_use
    from windrow.pack import pack as write

    size = write(out, force, quiet)
    click.echo(f"packed {size:,} bytes into {out}")
    click.echo(how_to_use(out))


class Later(click.Group):
    """A group of commands that is imported only where one of its own is asked for."""

    def _load(self) -> click.Group:
        from windrow.emr.commands import emr

        return emr

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return self._load().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        return self._load().get_command(ctx, cmd_name)


@windrow.group(cls=Later)
def emr() -> None:
    """Run jobs on Amazon EMR: plan, submit, clusters, logs.

    `windrow emr plan JOB FILE...` shows what a job would do there, take and cost; it needs no account.
    """


def main(args: list[str] | None = None) -> int:
    """Run the command, by default the process's, and return its exit status: 0 done, 1 refused, 2 usage.

    A refusal is one line on stderr, `error: ` and the message; other exceptions show their traceback.
    """
    try:
        status = windrow.main(args, prog_name="windrow", standalone_mode=False)
    except WindrowError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_status
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return error.exit_code
    except click.Abort:
        click.echo("error: interrupted", err=True)
        return INTERRUPTED
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
