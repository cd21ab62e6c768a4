"""The click group `windrow collect`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from windrow.commands.inspect import reads_files, reads_streams

if TYPE_CHECKING:
    from windrow.bars.layout import Reading
    from windrow.market.collector import Progress, Report
    from windrow.market.filed import Filed
    from windrow.sessions import Exchange
    from windrow.storage.manner import Manner

_TO = "sqlite:///FILE, mysql://USER@HOST/DATABASE or postgresql://...; ?table=NAME, ?config=FILE."
_SOURCE = "yfinance, generator, or an input that windrow reads; inputs may be several."
_UNIVERSE = "CSV file with a column symbol: whom to collect; of inputs, whom to take."
_LAST = "The time before now, or before --until, e.g. 7d."
_CALENDAR = "Exchange whose sessions bars are missing of, and are made in; none: - .  [default: XNYS; of inputs none]"
_SEED = "Seed of made-up bars."
_DEFAULT_LAST = "7d"
_DEFAULT_PLACE = "sqlite:///bars.db"
_DAYS = click.Choice(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
_BAD = "Of inputs: share of the rows that may be invalid, from 0 to 1."
_MISSING = "Of inputs: share of the rows that may lack a value."
#: Options of this command that other sources than inputs have too.
_OF_ALL = {"sources", "place", "universe", "last", "from", "to", "interval", "calendar", "seed", "quiet"}
_NAMED = {"yfinance", "generator"}
_FEW = 5
_MINUTE = 60 * 10**9


@click.group(invoke_without_command=True, subcommand_metavar="[schedule]")
@click.option("--source", "sources", multiple=True, metavar="SOURCE", help=_SOURCE)
@click.option("--universe", type=click.Path(path_type=Path), metavar="FILE", help=_UNIVERSE)
@click.option("--to", "place", default=_DEFAULT_PLACE, show_default=True, metavar="URI", help=_TO)
@click.option("--last", metavar="SPAN", help=f"{_LAST}  [default: {_DEFAULT_LAST}; of inputs all]")
@reads_files("--until")
@reads_streams
@click.option("--interval", default="1min", show_default=True, metavar="SPAN", help="Time between bars.")
@click.option("--calendar", metavar="CODE", help=_CALENDAR)
@click.option("--seed", default=0, show_default=True, help=_SEED)
@click.option("--max-bad", type=click.FloatRange(0, 1), default=0.001, show_default=True, metavar="SHARE", help=_BAD)
@click.option(
    "--max-missing", type=click.FloatRange(0, 1), default=0.05, show_default=True, metavar="SHARE", help=_MISSING
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def collect(context: click.Context, /, sources: tuple[str, ...], place: str, quiet: bool, **asked: Any) -> None:
    """Collect bars into a database, and again over what is there.

    A symbol's bars and how far it is are written together: a collector that is stopped goes on where it was when the
    same command is run again, and bars that are there already stay. Bars that differ, as after a split, take the place
    of the old ones and are told; so are bars that are missing. The password of a server is in WINDROW_SQL_PASSWORD, or
    in a file of options that ?config=FILE names.
    """
    from windrow.console import tell
    from windrow.errors import InputError, UsageError

    if context.invoked_subcommand is not None:
        if given := _given(context):
            raise UsageError(f"{given[0].opts[0]}: stands before schedule, which would not obey it; put it after --")
        return
    report = _checked(context)()
    tell(*report.lines())
    if report.left:
        few = "; ".join(list(report.failed.values())[:_FEW])
        raise InputError(
            f"{report.left:,} symbols were not collected, among them {few}; run the same command again within"
            " 12 hours: it goes on with what is left"
        )


def _checked(context: click.Context) -> Callable[[], "Report"]:
    """What collects as the options say, which are checked as far as neither a source nor a database is asked.

    Raises WindrowError.
    """
    from windrow.errors import UsageError

    sources = context.params["sources"]
    if not sources:
        raise UsageError("--source: is missing; give yfinance, generator, or an input, e.g. --source bars.csv")
    named = _NAMED.intersection(sources)
    if named and len(sources) > 1:
        raise UsageError(f"--source {sources[1]}: {', '.join(named)} is collected alone; run it once for each source")
    _refuse_unused(context, bool(named))
    return (_of_source if named else _of_inputs)(**context.params)


def _given(context: click.Context) -> list[click.Parameter]:
    """The options that were given."""
    options = context.command.params
    return [one for one in options if context.get_parameter_source(str(one.name)) is not ParameterSource.DEFAULT]


def _refuse_unused(context: click.Context, named: bool) -> None:
    """Raises UsageError for an option that this kind of source would not obey."""
    from windrow.errors import UsageError

    for option in _given(context):
        name = str(option.name)
        if named and name == "symbols":
            raise UsageError("--symbols: chooses among those of inputs; name whom to collect by --universe FILE")
        if named and name not in _OF_ALL:
            raise UsageError(f"{option.opts[0]}: says how inputs are read, and --source is none; leave it out")
        if not named and name in ("last", "seed"):
            raise UsageError(
                f"{option.opts[0]}: is for --source yfinance and generator; leave it out, or choose bars of inputs by"
                " --from and --until"
            )


def _of_source(
    sources: tuple[str, ...], place: str, quiet: bool, *, universe: Path | None, last: str | None, to: str | None,
    interval: str, calendar: str | None, seed: int, **asked: Any,
) -> Callable[[], "Report"]:  # fmt: skip
    from windrow.errors import UsageError
    from windrow.market.collector import Asked, collect
    from windrow.market.generated import Generated
    from windrow.market.loads import opened, target_of
    from windrow.market.sources import Prices
    from windrow.market.universe import symbols_of
    from windrow.market.yahoo import Yahoo, refuse_names
    from windrow.times import parse_duration

    if universe is None:
        raise UsageError(
            f"--source {sources[0]}: needs the symbols; name a file with a column symbol by --universe FILE"
        )
    since: str | None = asked["from"]
    target, symbols, step = target_of(place), symbols_of(universe), parse_duration(interval)
    now = time.time_ns() // _MINUTE * _MINUTE
    trading = _exchange(calendar or "XNYS")
    if sources[0] == "yfinance":
        refuse_names(symbols)
        source: Prices = Yahoo(step, now=time.time_ns)
    elif trading is None:
        raise UsageError("--calendar -: made-up bars are in sessions; name an exchange, e.g. XNYS")
    else:
        source = Generated(trading, step, seed)
    begin, end = _span(last, since, to, now, step)
    if begin < source.reach(now):
        raise UsageError(
            f"{'--from ' + since if since else '--last ' + (last or _DEFAULT_LAST)}: {source.name} keeps bars of"
            f" {interval} no longer than {(now - source.reach(now)) // (1440 * _MINUTE)} days; ask for less, or for a"
            " longer --interval"
        )
    span = f"{since or last or _DEFAULT_LAST} to {to or 'now'}"
    words = f"{source.name} {interval} seed {seed} {calendar or 'XNYS'}, {span}, of {_digest(symbols)}"
    wanted = Asked(words, symbols, begin, end, caught_up=since is None and to is None)

    def collecting() -> "Report":
        with opened(target) as ledger, _progress(quiet) as progress:
            ledger.refuse_interval(step)
            return collect(ledger, source, wanted, trading, progress, clock=time.time_ns)

    return collecting


@contextmanager
def _progress(quiet: bool) -> Iterator["Progress"]:
    """Moves a bar that says how many symbols are done."""
    from windrow.console.meter import going

    with going("collecting", not quiet) as move:
        yield lambda done, count, bars: move(done / max(count, 1), f"{done:,} of {count:,} symbols, {bars:,} bars")


def _span(last: str | None, since: str | None, until: str | None, now: int, step: int) -> tuple[int, int]:
    """The times [since, until) that are asked for, up to now, or of days up to today; ns UTC. Raises UsageError."""
    from windrow.bars.selection import span_asked
    from windrow.errors import UsageError
    from windrow.times import DAY, parse_duration

    if last and since:
        raise UsageError(f"--last {last}: --from says when to begin; leave one of them out")
    try:
        begin, end = span_asked(since, until, "UTC", dated=False)
    except UsageError as error:  # of a job, whose option is called so
        raise UsageError(str(error).replace("--to ", "--until ")) from None
    # Bars begin on whole minutes, and a database keeps no nanoseconds: --until 14:33 has that minute's bar.
    stop = min(-(-end // _MINUTE) * _MINUTE, now // DAY * DAY if step >= DAY else now)
    if since is None:
        begin = min(end // _MINUTE * _MINUTE, stop) - parse_duration(last or _DEFAULT_LAST)
    if begin >= stop:
        raise UsageError(f"--from {since}: no bar has begun since and ended; give an earlier time")
    return begin, stop


def _digest(symbols: list[str]) -> str:
    """What tells these symbols from others."""
    from hashlib import sha256

    return f"{len(symbols):,} symbols {sha256(chr(0).join(symbols).encode()).hexdigest()[:12]}"


def _exchange(calendar: str) -> "Exchange | None":
    from windrow.sessions import Exchange

    return None if calendar == "-" else Exchange(calendar)


def _of_inputs(
    sources: tuple[str, ...], place: str, quiet: bool, *, universe: Path | None, interval: str, calendar: str | None,
    max_bad: float, max_missing: float, last: str | None, seed: int, **asked: Any,
) -> Callable[[], "Report"]:  # fmt: skip
    from argparse import Namespace
    from dataclasses import replace

    from windrow.commands.stream import reading_of
    from windrow.errors import UsageError
    from windrow.mapreduce import options
    from windrow.market.collector import collect_filed
    from windrow.market.loads import opened, target_of
    from windrow.market.universe import symbols_of
    from windrow.times import format_duration, parse_duration

    target, trading, step = target_of(place), _exchange(calendar or "-"), parse_duration(interval)
    if universe and asked["symbols"]:
        raise UsageError(f"--universe {universe}: --symbols says whom to take; leave one of them out")
    manner, (reading, _) = options.manner(Namespace(**asked)), reading_of(None, asked)
    reading = replace(reading, cures=(("close", "call one so by --rename OLD=close"),))
    if universe:
        reading = replace(reading, symbols=tuple(symbols_of(universe)))

    def collecting() -> "Report":
        bars = _read(sources, manner, reading, (max_bad, max_missing), quiet)
        apart = bars.apart or None
        told = format_duration(apart) if apart else ""
        if trading and apart and not step <= apart < _FEW * step:
            raise UsageError(
                f"--interval {interval}: most bars of the inputs are {told} apart, and nearly all were missing by it;"
                f" give --interval {told}"
            )
        words = f"inputs{f' of {told}:' if told else ''} {', '.join(sources)[:200]}"
        with opened(target) as ledger, _progress(quiet) as progress:
            if apart:
                ledger.refuse_interval(apart)
            sessions = (trading, step) if trading else None
            return collect_filed(ledger, words, bars.symbols, bars.each(), sessions, progress, interval=apart)

    return collecting


def _read(
    sources: tuple[str, ...], manner: "Manner", reading: "Reading", most: tuple[float, float], quiet: bool
) -> "Filed":
    """The bars of inputs; `most` are the shares of rows that may be invalid, and that may lack a value."""
    from windrow.console import say
    from windrow.errors import InputError
    from windrow.mapreduce.accounts import Accounts, Rules
    from windrow.market.filed import filed, without_closes
    from windrow.sinks.replay import find

    max_bad, max_missing = most
    with find(sources, reading, (), manner, quiet, may_choose=False) as found:
        rules = Rules(max_bad, max_missing, found.settled.units, found.settled.symbols)
        accounts = Accounts(counted=bool(rules.units))
        parts = [bars for bars, _ in accounts.take(found.feed())]
        if refusal := accounts.refusal(rules):
            raise refusal
        warnings = accounts.warnings(rules)
        say(
            *(f"warning: {one.replace('--to ', '--until ')}" for one in warnings)
        )  # of a job, whose option is called so
    parts, dropped = without_closes(parts, found.columns)
    if dropped > max_missing * (dropped + sum(map(len, parts))):
        raise InputError(
            f"{dropped:,} bars: have no close, which every bar of a table needs, and --max-missing {max_missing:g}"
            " allows less; fill them in, or raise --max-missing, and they are left out"
        )
    if dropped:
        say(f"warning: {dropped:,} bars have no close, which every bar of a table needs; they are left out")
    bars = filed(parts, found.columns)
    if not len(bars.bars):
        raise InputError("no bar is left to collect; check --from, --until, --symbols and --where")
    return bars


@collect.command()
@click.option("--at", "clock", default="08:00", show_default=True, metavar="HH:MM", help="Time of day.")
@click.option("--timezone", default="Asia/Hong_Kong", show_default=True, help="Time zone of that time.")
@click.option("--every", default="7d", show_default=True, type=click.Choice(["7d", "1d"]), help="How often.")
@click.option("--on", "weekday", default="Mon", show_default=True, type=_DAYS, help="Weekday of every 7d.")
@click.option("--install", type=click.Choice(["timer", "crontab"]), help="Install one of them for this user.")
@click.option("--force", is_flag=True, help="With --install, replace the one that is there.")
@click.argument("command", nargs=-1, required=True, metavar="-- ARGUMENTS...")
def schedule(
    clock: str, timezone: str, every: str, weekday: str, install: str | None, force: bool, command: tuple[str, ...]
) -> None:
    """Print a timer of systemd and a line of crontab, or install one.

    ARGUMENTS are those of windrow collect, after two hyphens. Paths in them are meant from the current directory.
    """
    import os
    import sys

    from windrow.console import tell
    from windrow.errors import UsageError
    from windrow.market.schedule import WEEKDAYS, Schedule, install_cron, install_timer, refuse_password

    if force and install is None:
        raise UsageError(
            "--force: replaces what --install installs, and without it nothing is; give both, or leave it out"
        )
    given = click.get_current_context().get_parameter_source("weekday")
    if every == "1d" and given is not ParameterSource.DEFAULT:
        raise UsageError(f"--on {weekday}: says which day of every 7d, and --every is 1d; leave one of them out")
    context = collect.make_context("windrow collect", list(command))
    _check_scheduled(context, collect.make_parser(context).parse_args(list(command))[1])
    for option, uri in (("--to", context.params["place"]), *(("--source", one) for one in context.params["sources"])):
        refuse_password(option, uri, os.environ)
    day = WEEKDAYS.index(weekday) if every == "7d" else None
    words = (sys.executable, "-m", "windrow.cli", "collect", *command)
    made = Schedule(words, os.getcwd(), clock, timezone, day)
    if install is None:
        tell(*made.lines())
    else:
        tell(*(install_timer(made, Path.home(), force) if install == "timer" else install_cron(made, force)))


def _check_scheduled(context: click.Context, others: list[str]) -> None:
    """Raises WindrowError for what would fail at a run, or find nothing new.

    others: arguments that are no options.
    """
    from windrow.errors import UsageError
    from windrow.feeds.spool import is_spooled
    from windrow.storage.source import list_inputs

    if others:
        raise UsageError(
            f"ARGUMENTS: have {others[0]}, which is no option; give those of windrow collect after two hyphens"
        )
    _checked(context)
    asked = context.params
    if asked["to"]:
        raise UsageError(f"--until {asked['to']}: every run would collect up to there; leave it out")
    if "yfinance" in asked["sources"] and asked["from"]:
        raise UsageError(
            f"--from {asked['from']}: every run would ask for all bars since, and Yahoo keeps most for some weeks"
            " alone; leave it out, and each run goes on where the one before ended"
        )
    if not _NAMED.intersection(asked["sources"]):
        list_inputs([one for one in asked["sources"] if not is_spooled(one)], asked["recursive"])
