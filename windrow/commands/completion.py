"""`windrow completion`, and what a shell is told when TAB is pressed: commands, options, their values, names of files.

Click knows those of the tools. A job's are argparse's, known to whom imports the job, which takes half a second: so
they are kept in the user's cache until a source of windrow's changes.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from windrow.mapreduce.registry import JOBS, find_jobs, job_class

#: Set by a shell that asks what it may complete, as click has it.
VARIABLE = "_WINDROW_COMPLETE"
_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
#: Placeholders of the tools' arguments and options that are names of files, or may be.
_NAMES_OF_FILES = re.compile(r"\b(FILE|PATH|OUTPUT|OUTPUTS|SNAPSHOTS|BACKTEST|FILES)\b")
_PACKAGES = ("windrow", "sort_keys", "jobs")


class _Silent(ShellComplete):
    """A shell under whose user's fingers there is no place for messages."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """What the word may become; nothing where what is before it is wrong: the command has a message for that."""
        try:
            return super().get_completions(args, incomplete)
        except click.ClickException:
            return []


class _Bash(_Silent, BashComplete):
    """Bash, which takes --option=value apart."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before, and the one to complete."""
        args, incomplete = super().get_completion_args()
        return (args[:-1] if args[-1:] == ["="] else args), incomplete


class _Joined(_Silent):
    """A shell that leaves --option=value one word, which is replaced by what it may become."""

    _begins = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before, and the one to complete."""
        args, incomplete = super().get_completion_args()
        name, equals, value = incomplete.partition("=")
        if not equals or not _OPTION.fullmatch(name):
            return args, incomplete
        self._begins = f"{name}="
        return [*args, name], value

    def format_completion(self, item: CompletionItem) -> str:
        """A line for the shell's script."""
        if self._begins and item.type == "plain":
            item = CompletionItem(f"{self._begins}{item.value}", help=item.help)
        return super().format_completion(item)


class _Zsh(_Joined, ZshComplete):
    """zsh."""


class _Fish(_Joined, FishComplete):
    """fish."""


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script that makes a shell complete commands, their options, values, and names of files.

    \b
    bash   echo 'eval "$(windrow completion bash)"' >> ~/.bashrc
    zsh    echo 'eval "$(windrow completion zsh)"' >> ~/.zshrc
    fish   windrow completion fish > ~/.config/fish/completions/windrow.fish

    Of zsh, `autoload -Uz compinit && compinit` comes before. Shells that are started from then on complete.
    """
    click.echo(SHELLS[shell](ctx.find_root().command, {}, "windrow", VARIABLE).source())


def register() -> None:
    """Has click answer shells as this module does."""
    for shell in SHELLS.values():
        add_completion_class(shell)


class _FileName(click.types.StringParamType):
    """A text that is, or may be, the name of a file."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names of files: the shell knows them."""
        return [CompletionItem(incomplete, type="file")]


def with_files(command: click.Command) -> click.Command:
    """A tool for a shell that asks: texts that may be names of files are completed as such."""
    for param in command.params:
        shown = param.make_metavar(click.Context(command)) if isinstance(param, click.Argument) else param.metavar
        if param.type is click.STRING and _NAMES_OF_FILES.search(shown or ""):
            param.type = _FileName()
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        with_files(inner)
    return command


# Jobs.


@dataclass(frozen=True)
class _Job:
    """What a shell may complete after a job's name."""

    options: list[dict[str, Any]]

    def answers(self, before: Sequence[str], incomplete: str) -> Iterator[CompletionItem]:
        """What the word may become after those before it."""
        if "--" not in before:
            if incomplete.startswith("-"):
                yield from self._names(incomplete)
                return
            option = next((one for one in self.options if before and before[-1] in one["names"]), None)
            if option is not None and option["takes"] is not None:
                yield from _values(option, incomplete)
                return
        yield CompletionItem(incomplete, type="file")

    def _names(self, incomplete: str) -> Iterator[CompletionItem]:
        """Options that begin so; those that --help does not show only if no other one does."""
        for usual in (True, False):
            found = [
                CompletionItem(name, help=option["text"])
                for option in self.options
                for name in option["names"]
                if option["is_usual"] is usual and name.startswith(incomplete)
            ]
            if found:
                yield from found
                return


def _values(option: dict[str, Any], incomplete: str) -> Iterator[CompletionItem]:
    values = option["values"]
    if option["takes"] in ("file", "dir"):
        yield from (CompletionItem(value) for value in values if value.startswith(incomplete))
        yield CompletionItem(incomplete, type=option["takes"])
        return
    if option["takes"] == "zone":
        from zoneinfo import available_timezones

        values = sorted(available_timezones())
    yield from (CompletionItem(value) for value in values if value.startswith(incomplete))


def for_job(name: str, before: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """What a word after a job's name may become; nothing for a job that cannot be imported."""
    with suppress(Exception):  # the job itself has a message for that
        return list(_Job(_known(name, find_jobs()[name])).answers(before, incomplete))
    return []


def for_paper(before: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """What a word of a forward test's arguments may become."""
    with suppress(Exception):  # as above
        from windrow.mapreduce.completions import options_in
        from windrow.paper.options import parser

        return list(_Job([asdict(option) for option in options_in(parser())]).answers(before, incomplete))
    return []


def _known(name: str, file: Path) -> list[dict[str, Any]]:
    """The options of a job, from the cache if they are there."""
    place = _cache()
    place = place and place / f"{name}-{_state(file)}.json"
    if place is not None:
        with suppress(OSError, ValueError):
            options: list[dict[str, Any]] = json.loads(place.read_text())
            return options
    from windrow.mapreduce.completions import options_of

    options = [asdict(option) for option in options_of(job_class(file))]
    if place is not None:
        with suppress(OSError):
            _keep(place, name, options)
    return options


def _keep(place: Path, name: str, options: list[dict[str, Any]]) -> None:
    """Writes them to the cache, in place of what sources of an earlier state had."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = place.with_suffix(f".{os.getpid()}")
    own.write_text(json.dumps(options))
    own.replace(place)
    for old in place.parent.glob(f"{name}-????????????????.json"):
        if old != place:
            old.unlink()


def _cache() -> Path | None:
    """The folder of this user's cache; None where there is none."""
    home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and os.path.join(os.environ["HOME"], ".cache"))
    return Path(home, "windrow", "completion") if home else None


def _state(job: Path) -> str:
    """What tells the sources of windrow, as they are now, from any others: their places, sizes and times."""
    told = sha256()
    for path in [job, *_sources()]:
        found = path.stat()
        told.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return told.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for package in _PACKAGES:
        yield from sorted((JOBS.parent / package).rglob("*.py"))
