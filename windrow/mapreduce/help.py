"""--help of a job: its own options in groups, then those for running it; with -v, all of mrjob's."""

import re
import shutil
import sys
from argparse import SUPPRESS, Action, ArgumentParser, HelpFormatter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from windrow.errors import UsageError
from windrow.mapreduce.options import UNUSED, OptionGroup

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: mrjob's options that every user needs: (spellings to show, placeholder for the value, text).
RUNNING = {
    "runner": (["-r", "--runner"], "RUNNER", "where to run: inline (this process; default), local (one process per"
               " core), hadoop, emr, or spark"),
    "output_dir": (["-o", "--output-dir"], "DIR", "write parts there; DIR must not exist, or be empty, and appears"
                   " whole or not at all (default: print the output)"),
    "force": (["--force"], None, "replace DIR, if it is an output of a job and nothing else; it is there until the new"
              " one is complete"),
    "output_format": (["--output-format"], "FORMAT", "format of the parts: text (default), csv with a"
                      " header, parquet, or parquet-ns, with times in nanoseconds"),
    "compress": (["--compress"], "HOW", "compress parts of lines, or of CSV: gzip or zstd, which is several times as"
                 " fast"),
    "jobconf": (["-D"], "NAME=VALUE", "a Hadoop option, e.g. mapreduce.job.reduces=8; may be repeated"),
    "environment": (["--environment"], "FILE", "with -r hadoop or emr: the tasks' environment, made by `windrow pack`,"
                    " for nodes without numpy"),
    "conf_paths": (["-c", "--conf-path"], "FILE", "mrjob's configuration (default: mrjob.conf at its usual places)"),
    "quiet": (["-q", "--quiet"], None, "print nothing but output and errors"),
    "verbose": (["-v", "--verbose"], None, "print mrjob's own messages too"),
    "help": (["-h", "--help"], None, "show this help; with -v, all of mrjob's options; with -r, that runner's"),
}  # fmt: skip
#: Options that there were, and what is in their place.
_GONE = {
    "--sizing": "--size says it: give --size all-in, or a number of shares, --size 100",
    "--warm": "tests begin with warm averages anyway; leave it out, or give --cold for the opposite",
}
#: What others call options.
_KNOWN_AS = {"--train": "--split", "--train-size": "--split", "--stake": "--size", "--fees": "--commission"}
#: Columns beyond which lines are hard to read.
_WIDEST = 100


class Formatter(HelpFormatter):
    """As wide as the terminal, but no wider than is easy to read."""

    def __init__(self, prog: str) -> None:
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        super().__init__(prog, max_help_position=min(28, width // 3), width=width - 1)


def print_help(job: "type[BarJob]", parser: ArgumentParser, groups: Sequence[OptionGroup], everything: bool) -> None:
    """Prints a job's help: `groups` of its own options, then those for running it; with `everything`, all others."""
    shown = ArgumentParser(
        prog=f"windrow {command_name(job)}", usage="%(prog)s [options] FILE...", add_help=False,
        formatter_class=Formatter, description=f"{_first_line(sys.modules[job.__module__])} {_first_line(job)}",
    )  # fmt: skip
    for group in groups:
        _add(shown, group.title, group.actions)
    by_dest = {action.dest: action for action in reversed(parser._actions) if action.option_strings}
    running = {dest: how for dest, how in RUNNING.items() if dest != "output_format" or writes_tables(job)}
    _add(shown, "Running", [_described(by_dest[dest], *how) for dest, how in running.items()])
    if everything:
        listed = {action.dest for group in groups for action in group.actions}.union(RUNNING)
        _add(shown, "mrjob's other options", [action for dest, action in by_dest.items() if dest not in listed])
    if job.example:
        shown.epilog = f"Example: windrow {command_name(job)} {job.example}"
    shown.print_help(sys.stdout)


def writes_tables(job: "type[BarJob]") -> bool:
    """Whether the job's output can be a table with names."""
    own = {name for base in job.__mro__[:-1] if base.__name__ != "BarJob" for name in vars(base)}
    return job.of_figures or bool({"output_names", "fields"} & own)


def _described(action: Action, spellings: list[str], metavar: str | None, text: str) -> Action:
    """An option of mrjob's with windrow's text; mrjob's own lists every runner and alias there ever was."""
    action.option_strings, action.metavar, action.help = spellings, metavar, text
    return action


def job_name(job: type) -> str:
    """The name of a job's module, also if it was started as a script."""
    if job.__module__ != "__main__":
        return job.__module__
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec else Path(sys.argv[0]).stem


def command_name(job: type) -> str:
    """The name by which the `windrow` command runs a job."""
    return job_name(job).rpartition(".")[2].replace("_", "-")


def usage_error(message: str, parser: ArgumentParser) -> UsageError:
    """The error for arguments that argparse refuses, with the nearest option if one is misspelt."""
    if found := re.match(r"argument (?:\S+/)?(-[^\s/]+): invalid (int|float) value: '(.*)'", message):
        return _no_number(*found.groups())
    found = re.match(r"unrecognized arguments: (--[^\s=]+)", message)
    if found is None:
        return UsageError(f"{message}; see --help")
    if found[1].strip("-").replace("-", "_") in UNUSED:
        return UsageError(f"{found[1]}: does not apply to this job; leave it out")
    if found[1] in _GONE:
        return UsageError(f"{found[1]}: is no option any more; {_GONE[found[1]]}")
    known = [spelling for action in parser._actions for spelling in action.option_strings]
    meant = [_KNOWN_AS[found[1]]] if _KNOWN_AS.get(found[1]) in known else _nearest(found[1], parser)
    return UsageError(f"{message}; " + (f"did you mean {meant[0]}?" if meant else "see --help"))


def _nearest(misspelt: str, parser: ArgumentParser) -> list[str]:
    """The option that is spelt most alike; one that --help does not show has to be nearly the same."""
    import difflib  # only for those who misspell

    shown: list[str] = []
    others: list[str] = []
    for action in parser._actions:
        of_mrjob = getattr(action, "container", None) is parser._optionals and action.dest not in RUNNING
        (others if of_mrjob else shown).extend(action.option_strings)
    near = difflib.get_close_matches(misspelt, shown, 1) + difflib.get_close_matches(misspelt, others, 1, cutoff=0.8)
    return difflib.get_close_matches(misspelt, near, 1)


def _no_number(option: str, kind: str, value: str) -> UsageError:
    """The error for a text in place of a number."""
    if (share := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%", value)) and kind == "float":
        return UsageError(
            f"{option} {value}: is a share, which is written as a fraction; use {float(share[1]) / 100:g}"
        )
    what = "a whole number" if kind == "int" else "a number"
    return UsageError(f"{option} {value}: is not {what}; give one, as --help says")


def _first_line(documented: type | ModuleType) -> str:
    return (documented.__doc__ or "").strip().partition("\n\n")[0]


def _add(parser: ArgumentParser, title: str | None, actions: Iterable[Action]) -> None:
    group = parser.add_argument_group(title)
    group._group_actions.extend(action for action in actions if action.help != SUPPRESS)
