"""The `windrow` command: runs a job by its name, and the tools beside the jobs.

Jobs are found by listing a folder, and named and described without being imported: `windrow --help` answers at once,
and a job that cannot be imported breaks none of the others.
"""

import importlib
import os
import pkgutil
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from windrow import commands
from windrow.console import fill_closed_streams, refusals, say, stopped_like_interrupted
from windrow.errors import WindrowError
from windrow.mapreduce.registry import JOBS, find_jobs, job_class, summary

INTERRUPTED = 130
#: --help is as wide as the terminal, but no wider than this.
MOST_COLUMNS = 102


def find_tools() -> list[str]:
    """Return the names of the commands in windrow/commands, without importing any."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def tool(name: str) -> click.Command:
    """Import the command of that name."""
    command: click.Command = getattr(importlib.import_module(f"{commands.__name__}.{name}"), name)
    return command


class JobCommand(click.Command):
    """Passes its arguments to a job untouched, --help and options unknown here included."""

    def __init__(self, name: str, file: Path) -> None:
        super().__init__(name, help=summary(file), add_help_option=False)
        self.file = file

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep `args` as they are: the job parses them."""
        ctx.args = list(args)
        return []

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a word of the job's may become, for a shell that asks."""
        from windrow.commands.completion import for_job

        return for_job(str(self.name), ctx.args, incomplete)

    def invoke(self, ctx: click.Context) -> int:
        """Run the job and return its exit status."""
        status: int = job_class(self.file).main(ctx.args)
        return status


class Commands(click.Group):
    """The tools of windrow/commands and all jobs, each under its file's name."""

    #: What becomes of a tool before it is used: nothing, or what a shell needs that asks for its words.
    of_tool: Callable[[click.Command], click.Command] = staticmethod(lambda command: command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of jobs, then of tools."""
        return [*find_jobs(JOBS), *find_tools()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the tool or job of that name."""
        if cmd_name in find_tools():
            return self.of_tool(tool(cmd_name))
        file = find_jobs(JOBS).get(cmd_name)
        return JobCommand(cmd_name, file) if file else None

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the arguments, which prints --help, with the system's refusals as errors of windrow's."""
        width = min(shutil.get_terminal_size().columns, MOST_COLUMNS)
        with refusals():
            return super().make_context(*args, **{"terminal_width": width - 2, **extra})

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name, with the system's refusals as errors of windrow's."""
        with refusals():
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that `args` name first; else suggest the nearest name."""
        name, known = args[0], self.list_commands(ctx)
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            import difflib  # only for those who misspell

            near = difflib.get_close_matches(name.replace("_", "-").lower(), known, n=1)
            fix = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(known)}"
            raise click.UsageError(f"{name}: no such command: {fix}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in two groups, Jobs and Tools."""
        jobs = [(name, summary(file)) for name, file in find_jobs(JOBS).items()]
        tools = [(name, tool(name).get_short_help_str(100)) for name in find_tools()]
        for title, rows in (("Jobs", jobs), ("Tools", tools)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="windrow", message="windrow %(version)s")
@click.pass_context
def windrow(ctx: click.Context) -> None:
    """Moving averages, crossover signals, backtests and parameter sweeps over market bars, from CSV files to
    Hadoop and EMR, with the same bytes everywhere. `windrow COMMAND --help` shows a command's options, and
    `windrow inspect FILE...` what would be read of your files.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(args: list[str] | None = None) -> int:
    """Run the command, by default the process's, and return its exit status: 0 done, 1 failed, 2 wrong usage.

    A WindrowError is one line on stderr, `error: ` and its message; other exceptions show their traceback.
    """
    fill_closed_streams()
    if "_WINDROW_COMPLETE" in os.environ:
        from windrow.commands import completion

        completion.register()
        windrow.of_tool = completion.with_files
    try:
        with stopped_like_interrupted():
            status = windrow.main(args, prog_name="windrow", standalone_mode=False)
    except WindrowError as error:
        say(f"error: {error}")
        return error.exit_status
    except click.ClickException as error:
        say(f"error: {error.format_message()}")
        return error.exit_code
    except click.Abort:
        say("error: interrupted")
        return INTERRUPTED
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
