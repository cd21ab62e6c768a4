"""A job's options as a shell completes them: their spellings, and what values they take."""

from argparse import SUPPRESS, Action, ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from windrow.mapreduce.help import RUNNING, writes_tables
from windrow.runners import NAMES

if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob

#: What a value is: the name of a file, or of a folder; a time zone; any text.
FILE, FOLDER, ZONE, TEXT = "file", "dir", "zone", "text"
#: What placeholders of values say that these are.
_KINDS = {"FILE": FILE, "OUTPUT": FILE, "DIR": FOLDER, "MODEL": FILE, "ZONE": ZONE}
_FOLDERS = ("inverse", "apply")


@dataclass(frozen=True)
class Option:
    """An option of a job."""

    names: list[str]
    text: str
    """What --help says of it, in a few words."""
    takes: str | None
    """What its value is; None: it has none."""
    values: list[str]
    """All that it may be; none: it is not one of a few."""
    is_usual: bool
    """Whether --help shows it: mrjob has a hundred more."""


def options_of(job: "type[BarJob]") -> list[Option]:
    """All options of a job, without those that only windrow itself gives."""
    return list(_options(job.unread()))


def _options(job: "BarJob") -> Iterator[Option]:
    own = {action.dest for group in job.groups for action in group.actions if action.help != SUPPRESS}
    left = {dest: how for dest, how in RUNNING.items() if dest != "output_format" or writes_tables(type(job))}
    for action in job.arg_parser._actions:
        running = left.pop(action.dest, None)  # of several with one meaning, the first
        usual = action.dest in own or running
        if not action.option_strings or (action.help == SUPPRESS and not running):
            continue
        names, metavar, text = running or (action.option_strings, action.metavar, action.help or "")
        yield _option(action, list(names), metavar, text, bool(usual))


def options_in(parser: ArgumentParser) -> list[Option]:
    """All options of a parser that its help shows."""
    shown = [action for action in parser._actions if action.option_strings and action.help != SUPPRESS]
    return [_option(one, list(one.option_strings), one.metavar, one.help or "", True) for one in shown]


def _option(action: Action, names: list[str], metavar: object, text: str, is_usual: bool) -> Option:
    *words, placeholder = str(metavar).split("|")  # equal|FILE
    return Option(
        names=names,
        text=_in_short(text),
        takes=None if action.nargs == 0 else _kind(action, placeholder),
        values=[*words, *_values(action)],
        is_usual=is_usual,
    )


def _in_short(text: str) -> str:
    """What --help says, without what it says in addition.

    >>> _in_short("fail, or keep the smallest (default fail)"), _in_short("times, e.g. '%%d'; dates have none")
    ('fail, or keep the smallest', "times, e.g. '%d'")
    """
    return text.partition(";")[0].partition(" (")[0].replace("%%", "%")


def _kind(action: Action, metavar: object) -> str:
    return FOLDER if action.dest in _FOLDERS else _KINDS.get(str(metavar), TEXT)


def _values(action: Action) -> list[str]:
    return list(NAMES) if action.dest == "runner" else [str(choice) for choice in action.choices or ()]
