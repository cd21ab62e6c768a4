"""--help of a job: its own options first, in groups, then how to run it, then where mrjob's many others are."""

import sys
from argparse import SUPPRESS, Action, ArgumentParser, HelpFormatter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

#: mrjob's options that every user needs: (spellings to show, what stands for the value, text).
_RUNNING = {
    "runner": (["-r", "--runner"], "RUNNER", "where to run: inline (this process; default), local (a process a core),"
               " hadoop, emr, or spark"),
    "output_dir": (["-o", "--output-dir"], "DIR", "write parts there; it must not exist or be empty, and appears whole"
                   " or not at all (default: print the output)"),
    "output_format": (["--output-format"], "FORMAT", "of the parts: text (default), parquet, or parquet-ns, whose times"
                      " have nanoseconds"),
    "jobconf": (["-D"], "NAME=VALUE", "an option of Hadoop's, as mapreduce.job.reduces=8; may be repeated"),
    "environment": (["--environment"], "FILE", "with -r hadoop or emr: the tasks' environment, as `windrow pack` makes"
                    " it, for nodes without numpy"),
    "conf_paths": (["-c", "--conf-path"], "FILE", "mrjob's configuration (default: mrjob.conf at its usual places)"),
    "quiet": (["-q", "--quiet"], None, "print nothing but output and errors"),
    "verbose": (["-v", "--verbose"], None, "print mrjob's own messages too"),
    "help": (["-h", "--help"], None, "show this; with -v all of mrjob's options, with -r that runner's"),
}  # fmt: skip


class _Wide(HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)


def print_help(job: type, parser: ArgumentParser, groups: Sequence[Any], everything: bool) -> None:
    """Prints a job's help: `groups` of its own options, then those for running it; with `everything`, all others."""
    shown = ArgumentParser(
        prog=f"python -m {job_name(job)}", usage="%(prog)s [options] FILE...", add_help=False, formatter_class=_Wide,
        description=f"{_first_line(sys.modules[job.__module__])} {_first_line(job)}",
    )  # fmt: skip
    for group in groups:
        _add(shown, group.title, group._group_actions)
    by_dest = {action.dest: action for action in reversed(parser._actions) if action.option_strings}
    _add(shown, "Running", [_retold(by_dest[dest], *told) for dest, told in _RUNNING.items()])
    if everything:
        told = {action.dest for group in groups for action in group._group_actions}.union(_RUNNING)
        _add(shown, "Others, of mrjob", [action for dest, action in by_dest.items() if dest not in told])
    shown.print_help(sys.stdout)


def _retold(action: Action, spellings: list[str], metavar: str | None, text: str) -> Action:
    """An option of mrjob's in windrow's words; its own list every runner and alias there ever was."""
    action.option_strings, action.metavar, action.help = spellings, metavar, text
    return action


def job_name(job: type) -> str:
    """The module to run a job by, also where it was started as a script."""
    if job.__module__ != "__main__":
        return job.__module__
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else Path(sys.argv[0]).stem


def _first_line(documented: Any) -> str:
    return (documented.__doc__ or "").strip().partition("\n\n")[0]


def _add(parser: ArgumentParser, title: str | None, actions: Iterable[Action]) -> None:
    group = parser.add_argument_group(title)
    group._group_actions.extend(action for action in actions if action.help != SUPPRESS)
