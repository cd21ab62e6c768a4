"""The click group `windrow paper`."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from click.shell_completion import CompletionItem

from windrow.commands.report import FORCE, OUT
from windrow.console import say, tell
from windrow.errors import InputError

_DIRECTORY = click.Path(path_type=Path)


class _Group(click.Group):
    """Passes what names none of its commands to the forward test itself, whose options are a backtest's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the command in front of a forward test's arguments."""
        asked = ctx.resilient_parsing and not args  # a shell asks for the first word, which may be a command
        if not asked and (not args or args[0] not in self.commands):
            args = ["follow", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands, or options of a forward test."""
        from windrow.commands.completion import for_paper

        return for_paper([], incomplete) if incomplete.startswith("-") else super().shell_complete(ctx, incomplete)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands that have a name."""
        return [name for name in super().list_commands(ctx) if name != "follow"]


class _Follow(click.Command):
    """Passes its arguments on untouched, --help included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep `args` as they are."""
        ctx.args = list(args)
        return []

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a word of a forward test's arguments may become, for a shell that asks."""
        from windrow.commands.completion import for_paper

        return for_paper(ctx.args, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Follow the stream until somebody ends it."""
        import sys

        from windrow.paper.loop import follow
        from windrow.paper.options import asked, parser

        if not ctx.args or {"-h", "--help"}.intersection(ctx.args):
            parser().print_help()
            return

        def write(lines: bytes) -> None:
            if sys.stdout and lines:
                sys.stdout.buffer.write(lines)
                sys.stdout.flush()

        follow(asked(ctx.args), write)


@click.group(cls=_Group)
def paper() -> None:
    """Forward test: trade a strategy on paper as a stream brings bars."""


paper.add_command(_Follow("follow", add_help_option=False))


@paper.command()
@click.argument("directory", type=_DIRECTORY)
def status(directory: Path) -> None:
    """Show how a forward test stands: positions, equity, open orders, lag.

    DIRECTORY is the one that --state named. It may be at work meanwhile.
    """
    from windrow.paper.status import lines_of, standing

    tell(*lines_of(standing(directory), time.time_ns()))


@paper.command()
@click.argument("directory", type=_DIRECTORY)
@click.argument("outputs", nargs=-1, metavar="[BACKTEST] [SWEEP]")
@click.option("--symbol", "symbols", multiple=True, help="A symbol to show; repeatable.  [default: the first 8]")
@click.option("-o", "--out", default="forward.html", **OUT)
@click.option("--force", **FORCE)
def report(directory: Path, outputs: tuple[str, ...], symbols: tuple[str, ...], out: Path, force: bool) -> None:
    """Show a forward test as a page and a picture, as `windrow report` does a backtest.

    DIRECTORY is the one that --state named. BACKTEST, an output of a backtest, puts its figures beside those of the
    forward test; SWEEP, the output of the sweep that chose the pair, adds its maps, and train and test.
    """
    from windrow.frames.arguments import in_words_of_options
    from windrow.pages.report import report as write
    from windrow.paper.forward import write_bars, write_output
    from windrow.paper.status import standing

    stands = standing(directory)
    if not stands.symbols:
        raise InputError(f"{directory}: has traded no bar yet; windrow paper status {directory} tells why")
    with TemporaryDirectory(prefix="windrow-") as folder:
        output, bars = Path(folder, "output"), Path(folder, "bars.csv")
        output.mkdir()
        write_output(stands, output)
        write_bars(stands, bars)
        for place in in_words_of_options(write)(
            [str(output), *outputs], [str(bars)], symbols=symbols, out=out, force=force
        ):
            tell(f"wrote {place}")


@paper.command()
@click.argument("directory", type=_DIRECTORY)
def reset(directory: Path) -> None:
    """Archive a forward test, so that another can begin in its directory.

    The directory gets another name beside its own, with the time.
    """
    from windrow.paper.checkpoint import archive

    kept = archive(directory, time.time_ns())
    tell(str(kept))
    say(f"archived {directory} as {kept}")
