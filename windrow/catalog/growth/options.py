"""The options of the job over a catalog's snapshots, and what such a job tells its user."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sort_keys.keys import decode_symbol
from windrow.bars.layout import folders_of, normalise
from windrow.bars.scales import parse_scales
from windrow.bars.selection import bound_asked
from windrow.catalog.growth import standings
from windrow.catalog.growth.grammar import LONGEST, parse_alerts, parse_size
from windrow.catalog.growth.standings import ALERTED, GONE, MANY_FILES, Asked
from windrow.console import say, several
from windrow.errors import InputError, UsageError
from windrow.feeds.settle import Settled
from windrow.sinks.alerted import ALERTS
from windrow.storage.compressed import open_part
from windrow.storage.publish import parts_in
from windrow.storage.source import source_of
from windrow.times import DAY, format_duration, parse_duration
from windrow.windows.growth import FEWEST, Growing

_WINDOW = f"span of sizes that a projection is fitted to, {FEWEST}d to {format_duration(LONGEST)} (default 90d)"
_EVERY = "a projection from every day, not only from each table's last one"
_LIMIT = "add a column: the days until a table reaches that size, e.g. 10TB or 10TiB"
_SMALL = f"warn of tables of {MANY_FILES} files or more whose files are smaller than this on average (default 32MiB)"
_ALERT = (
    "report tables that exceed a bound on their last day: 'size>1TB', 'files>100000', 'growth>20%%/7d',"
    " 'growth>500GiB/30d' or 'stale>30d', on standard error, and with -o DIR in parts that end in -alerts; repeat"
    " for more"
)
_LAST = (
    "last day of the catalog; a table whose last size is over a week older is gone (default: that of the folders year=,"
    " month=, day=)"
)
#: What a user can do where an input lacks a column.
CURES = {
    "bytes": "give a folder of snapshots that `windrow catalog collect` wrote, or name the column of sizes by --column",
    "totalfilesons3": "name the column of numbers of files by --files-column",
    "stale_days": "leave out alerts on stale, or if it is there by another name, use --rename NAME=stale_days",
}
#: The column that alerts on stale look at.
_STALE = "stale_days"
#: The most tables that an alert names.
_NAMED = 5


class Group(Protocol):
    """A group of the job's options, as windrow/mapreduce/options.py makes them."""

    def add(self, spelling: str, text: str, **how: Any) -> None:
        """Adds an option."""


def add_to(group: Group) -> None:
    """Adds the options."""
    group.add(
        "--column NAME", "column of sizes in bytes, e.g. live_bytes (default bytes)", in_tasks=True, default="bytes"
    )
    files = "column of numbers of files (default totalfilesons3)"
    group.add("--files-column NAME", files, in_tasks=True, default="totalfilesons3")
    group.add("--window SPAN", _WINDOW, default="90d")
    group.add("--every-day", _EVERY, action="store_true")
    group.add("--limit SIZE", _LIMIT)
    group.add("--small-files SIZE", _SMALL, default="32MiB")
    group.add("--alert ALERT", _ALERT, action="append", default=[])
    group.add("--as-of DAY", _LAST)


def asked_of(given: Namespace) -> Asked:
    """What is asked for, by the user's options or, in a task, by the file that it gets. Raises UsageError."""
    if given.growth_file is not None:
        return _told(json.loads(Path(given.growth_file).read_text()))
    window = parse_duration(given.window)
    if not FEWEST * DAY <= window <= LONGEST:
        raise UsageError(
            f"--window {given.window}: a projection goes on from {FEWEST}d to {format_duration(LONGEST)} of sizes; give"
            " a span in that range"
        )
    unit = _unit(given)
    limit = None if given.limit is None else parse_size(f"--limit {given.limit}", given.limit) / unit
    alerts = parse_alerts(given.alert)
    return Asked(
        Growing(window, limit, given.every_day, held_ns=2 * max((alert.span_ns for alert in alerts), default=0)),
        alerts,
        parse_size(f"--small-files {given.small_files}", given.small_files),
        None if given.as_of is None else bound_asked("--as-of", given.as_of, "UTC", True, 0),
        given.output_dir is not None and not source_of(given.output_dir).takes_tables,
        unit,
    )


def _unit(given: Namespace) -> float:
    """How many bytes one of the column of sizes is, by --scale.

    >>> _unit(Namespace(column="bytes", scale=["bytes=1e-3"])), _unit(Namespace(column="bytes", scale=None))
    (1000.0, 1.0)
    """
    factors = dict(text.split("=") for text in parse_scales(given.scale or ()))
    return float(1 / Decimal(factors.get(normalise(given.column), 1)))


def task_arguments(given: Namespace, folder: Path) -> list[str]:
    """Arguments for tasks: what is asked for, in a file, since Hadoop takes command lines with > and % apart."""
    place, asked = folder / "growth.json", asked_of(given)
    growing = asked.growing
    told = {
        "growing": [growing.window_ns, growing.limit, growing.every, growing.held_ns],
        "alerts": given.alert, "small": asked.small, "last": asked.last, "written": asked.written,
        "unit": asked.unit,
    }  # fmt: skip
    place.write_text(json.dumps(told))
    return ["--growth-file", str(place)]


def _told(fields: Mapping[str, Any]) -> Asked:
    others = (fields[name] for name in ("small", "last", "written", "unit"))
    return Asked(Growing(*fields["growing"]), parse_alerts(fields["alerts"]), *others)


def columns_of(given: Namespace, asked: Asked) -> list[str]:
    """The columns of sizes, of files and, if it matters, of how long ago tables were updated; the same ones may be."""
    return [given.column, given.files_column, *([_STALE] if asked.reads_stale else [])]


def take_snapshots(given: Namespace) -> None:
    """Takes the tables of a place of snapshots, and all of its days, where the place or its tables/ is named."""
    named = [_tables_of(argument) for argument in given.args]
    given.args = [place for place, _ in named]
    given.recursive = given.recursive or any(is_tree for _, is_tree in named)


def _tables_of(argument: str) -> tuple[str, bool]:
    """What to read of an input that was named, and whether that is a tree of snapshots."""
    place = argument.rstrip("/")
    last = place.rpartition("/")[2]
    if last == "tables" or last.partition("=")[0] in ("year", "month", "day"):
        return argument, True
    if "." in last or last == "-" or not last:
        return argument, False
    within = f"{place}/tables"
    try:
        return (within, True) if source_of(place).expand(within, recursive=True) else (argument, False)
    except InputError:
        return argument, False


def last_day(settled: Settled) -> int | None:
    """The last day (ns) that the folders of the inputs name, or that is asked for; None if any has none.

    >>> from windrow.bars.columns import Layout
    >>> from sort_keys.slots import Slots
    >>> plain = Layout(("symbol", "snapshot", "bytes"), "symbol", "snapshot", ("bytes",))
    >>> paths = [f"snapshots/tables/year=2026/month=11/day={day}/tables.parquet" for day in ("09", "30")]
    >>> last = last_day(Settled(dict.fromkeys(paths, plain), True, Slots(1)))
    >>> np.datetime64(last, "ns").astype("M8[D]"), last_day(Settled({"a.csv": plain}, True, Slots(1)))
    (np.datetime64('2026-11-30'), None)
    """
    days = [_day_of(settled.name(path)) for path in settled.inputs]
    known = [day for day in days if day is not None]
    if len(known) < len(days):
        return None
    ends = [layout.selection.end - 1 for layout in settled.inputs.values() if layout.selection is not None]
    return min([max(known), *ends]) // DAY * DAY


def _day_of(path: str) -> int | None:
    folders = folders_of(path)
    try:
        day = date(*(int(folders[name]) for name in ("year", "month", "day")))
    except (KeyError, ValueError):
        return None
    return int(np.datetime64(day, "ns").astype(np.int64))


def notes_of(asked: Asked, settled: Settled) -> list[str]:
    """The note on inputs that do not say what the last day is."""
    if asked.last is not None or last_day(settled) is not None:
        return []
    return [
        "the inputs are in no folders year=, month= and day=, so the last day is not known, and no table is taken to be"
        " gone; give it by --as-of DAY"
    ]


def tell(given: Namespace, asked: Asked, counts: Counter[str]) -> None:
    """Says what was found of tables: alerts, warnings, and notes."""
    for number, alert in enumerate(asked.alerts):
        if found := counts[ALERTED.format(number)]:
            where = (
                _where(given.output_dir, alert.text, found) if asked.written else "; give -o DIR to have their names"
            )
            say(f"alert: {alert.text}: {_tables(found)}{where}")
    if large := counts["rejected: range"]:
        say(
            f"warning: {large:,} row{'' if large == 1 else 's'} {_has(large)} a size above 1e15, a petabyte, and"
            f" {_was(large)} left out, so that the largest tables may have no line, projection or alert; give --scale"
            f" {given.column}=1e-3, by which sizes are written in kilobytes; those of --limit, --small-files and"
            " --alert stay as they are"
        )
    if small := counts[standings.SMALL]:
        say(
            f"warning: {_tables(small)} of {MANY_FILES} files or more {_has(small)} files of less than"
            f" {given.small_files} on average: each costs a request, and time, whenever it is read; column file_bytes"
            " shows which; compact them"
        )
    if unknown := counts[standings.NO_STALE]:
        them = "it" if unknown == 1 else "them"
        say(f"warning: {_tables(unknown)} {_has(unknown)} no time of the last update; alerts on stale leave {them} out")
    if not given.quiet:
        say(*(f"note: {note}" for note in _found(counts)))


def _found(counts: Counter[str]) -> list[str]:
    week = f"{GONE // DAY} days"
    told = {
        standings.UNSIZED: "{rows} no size, for a table that could not be measured then; column unmeasured of the"
        " snapshots says why",
        standings.NEVER: "{has} no size on any day, and no line",
        standings.DROPPED: f"{{was}} there last more than {week} before the last day; no projection, no alerts",
        standings.LOST: f"{{was}} measured last more than {week} before the last day; no projection, no alerts",
        standings.YOUNG: f"{{has}} fewer than {FEWEST} sizes so far, or since the last step; no projection",
        standings.STEPPED: f"{{was}} rewritten, truncated or loaded at once in the last {week}; column step",
    }
    return [
        text.format(
            rows=f"{found:,} row{'' if found == 1 else 's'} {_has(found)}",
            has=f"{_tables(found)} {_has(found)}",
            was=f"{_tables(found)} {_was(found)}",
        )
        for name, text in told.items()
        if (found := counts[name])
    ]


def _tables(count: int) -> str:
    return several(count, "table")


def _has(count: int) -> str:
    return "has" if count == 1 else "have"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _where(output: str, alert: str, found: int) -> str:
    """Which tables an alert is of, by their names where these are lines at hand; else where to look."""
    folder = source_of(output).path(output)
    parts = parts_in(folder, f"part-*{ALERTS}") if folder is not None else []
    if not parts:  # they are elsewhere, or tables
        return f"; {output}/part-*{ALERTS}* has their names"
    names = []
    for part in parts:
        with open_part(part) as lines:
            told = [line.rstrip(b"\n").split(b"\t") for line in lines]
        names += [decode_symbol(fields[0]) for fields in told if fields[3].decode() == alert]
    names.sort()
    more = f" and {found - _NAMED:,} more" if found > _NAMED else ""
    return f": {', '.join(names[:_NAMED])}{more}"


def described(given: Namespace) -> dict[str, Any]:
    """What was asked for, in an output's description."""
    names = ("window", "every_day", "limit", "small_files", "alert", "as_of")
    return {"growth": {name: getattr(given, name) for name in names}}
