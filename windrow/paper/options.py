"""The options of a forward test: those of a backtest that apply to a stream, or the best pair of a sweep."""

from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from windrow.errors import UsageError
from windrow.mapreduce import options as reading
from windrow.mapreduce.help import Formatter, usage_error
from windrow.mapreduce.options import OptionGroup
from windrow.paper.alerts import Alert
from windrow.paper.best import best_of
from windrow.paper.loop import Asked
from windrow.storage.arrivals import split_query
from windrow.storage.source import is_uri
from windrow.trading.options import CURES, add_averages, add_lines, add_measures, add_rules, strategy_of

_USAGE = "%(prog)s [options] URI --state DIR\n       windrow paper status|report|reset DIR"
_ABOUT = (
    "Forward test: trade a strategy on paper, bar by bar as a stream brings them. Each order is printed as it is"
    " filled, and those that are placed at a close for the next open. It goes on where it ended, however it did."
)
_STATE = "the forward test's own directory; it is made if it does not exist, and goes on if it does"
_BEST = "take pair, rules and column from the best pair over all symbols in this output of sweep --best"
_ALERT = "run this command for each order, which it reads as JSON from its standard input; no shell reads it"
#: What a stream has not, and why.
_NOT_OF_STREAMS = {
    "symbol_from_filename": "a record has no file name to take a symbol from; use --symbol NAME",
    "symbol_from_path": "a record has no path to take a symbol from; use --symbol NAME",
    "wide": "a record is one bar; leave it out",
    "consumer": "a forward test shares the reads of a shard with others, by --share; leave it out",
    "skip_lines": "a stream has no lines before its records; leave it out",
}


class _Parser(ArgumentParser):
    """Takes what comes with the options of jobs, without a job."""

    def add_group(self, title: str, settled: bool = False) -> OptionGroup:
        """Adds a group of options."""
        return OptionGroup(self.add_argument_group(title), _nothing, settled)

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        raise usage_error(message, self)


def _nothing(action: Action) -> None:
    """No task gets an option."""


def parser() -> ArgumentParser:
    """The parser of a forward test's options."""
    made = _Parser("windrow paper", _USAGE, _ABOUT, formatter_class=Formatter, allow_abbrev=False)
    made.add_argument("stream", metavar="URI", help="e.g. kinesis://STREAM?from=2023-01-31")
    group = made.add_group("Forward test")
    group.add("--state DIR", _STATE, required=True)
    group.add("--best OUTPUT", _BEST)
    group.add("--alert COMMAND", _ALERT)
    add_lines(group)
    add_averages(group)
    add_rules(made.add_group("Trading"))
    add_measures(made.add_group("Figures"))
    reading.add_reading(made, judges=False, adjusts=True)
    reading.add_rows(made.add_group("Choosing rows"))
    reading.add_streams(made)
    running = made.add_group("Running")
    running.add("--quiet", "print nothing but orders, warnings and errors", action="store_true")
    made.set_defaults(recursive=False, on_conflict="fail")
    return made


def asked(arguments: Sequence[str]) -> Asked:
    """What these arguments ask for. Raises UsageError, or InputError for an output that has no best pair."""
    given = parser().parse_args(arguments)
    if "to" in split_query(given.stream)[1]:
        raise UsageError(f"{given.stream}: has an end, and a forward test has none; leave &to= out")
    for name, why in _NOT_OF_STREAMS.items():
        if getattr(given, name) not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')}: {why}")
    if is_uri(given.state):
        raise UsageError(f"--state {given.state}: is a URI, but the state is a directory on this machine; name a path")
    if given.best is not None:
        _take_best(given, explicit(arguments))
    reading.check_reading(given)
    strategy = strategy_of(given)
    return Asked(
        stream=given.stream,
        strategy=strategy,
        reading=reading.reading(given, strategy.columns, CURES),
        manner=reading.manner(given),
        place=Path(given.state),
        alert=None if given.alert is None else Alert(given.alert, given.stream),
        quiet=given.quiet,
    )


def explicit(arguments: Sequence[str]) -> dict[str, Any]:
    """The options that are given, without defaults."""
    silent = parser()
    silent._defaults.clear()
    for action in silent._actions:
        action.default = SUPPRESS
    return vars(silent.parse_args(arguments))


def _take_best(given: Namespace, said: dict[str, Any]) -> None:
    """Puts what a sweep found best, and how, in place of defaults."""
    for name, value in best_of(given.best).items():
        if name in said and said[name] != value:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"{option} {said[name]}: the sweep {given.best} has {option} {value}, and --best takes it; leave"
                f" {option} out, or leave out --best and give --fast and --slow"
            )
        setattr(given, name, value)
