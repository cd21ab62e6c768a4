"""The options of jobs over sectors, and what such a job tells its user."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from windrow.console import say
from windrow.errors import UsageError
from windrow.mapreduce.counters import WARNING
from windrow.mapreduce.options import OptionGroup
from windrow.market.constituents import Constituents, read_constituents
from windrow.market.sectors import Windows, parse_windows, told, write_symbols
from windrow.sinks.fields import Format

_FILE = (
    "CSV file of companies: symbol,gics_sector and, if there are, date_added,date_removed; several lines of a symbol"
)
_FILE_MORE = " that changed its sector"
_ANY = "take any names of sectors, not only those of GICS"
#: What a user can do where an input lacks a column.
CURES = {"volume": "leave out the index by volume with --equal, or if it is there by another name, use --rename"}
#: What reducers count: bars of symbols at times at which they were in no sector.
OUTSIDE = "not members"


def add_to(group: OptionGroup) -> None:
    """Adds the options."""
    group.add("--constituents FILE", _FILE + _FILE_MORE)
    group.add("--any-sector", _ANY, action="store_true")
    group.add("--column NAME", "column of prices (default close)", default="close", in_tasks=True)
    equal = "leave out the index by volume, for inputs without volumes"
    group.add("--equal", equal, action="store_true", in_tasks=True)
    averages = "windows of the averages of indices and of breadth, in bars (default 50,200)"
    group.add("--averages N,...", averages, default="50,200", in_tasks=True)
    volatility = "window of the deviation of returns, in bars (default 20)"
    group.add("--volatility N", volatility, type=int, default=20, in_tasks=True)


def windows_of(given: Namespace) -> Windows:
    """The windows asked for. Raises UsageError."""
    return parse_windows(given.averages, given.volatility, given.equal)


def constituents_of(given: Namespace) -> Constituents:
    """The constituents, of the user's file or, in a task, of the copy that it gets. Raises WindrowError."""
    if given.members_file is not None:
        return Constituents.from_json(json.loads(Path(given.members_file).read_text()))
    if given.constituents is None:
        raise UsageError(
            "--constituents: is missing, and nothing else tells the sector of a symbol; give a CSV file with columns"
            " symbol and gics_sector"
        )
    return read_constituents(given.constituents, given.any_sector)


def task_arguments(constituents: Constituents, folder: Path, listed: bool) -> list[str]:
    """Arguments for tasks: a copy of the constituents, in a folder, and whether all symbols are listed."""
    place = folder / "members.json"
    place.write_text(json.dumps(constituents.to_json()))
    return ["--members-file", str(place), *(["--list-symbols"] if listed else [])]


def notes_of(given: Namespace, unadjusted: Sequence[str]) -> list[str]:
    """The note on inputs with adjusted closes, if unadjusted ones are taken."""
    if not unadjusted or given.column != "close":
        return []
    names = unadjusted[0] if len(unadjusted) == 1 else f"{unadjusted[0]} and {len(unadjusted) - 1:,} more"
    return [
        f"{names}: {'has' if len(unadjusted) == 1 else 'have'} close and adj_close, and returns are of unadjusted"
        " prices, where a split is a loss; use --column adj_close"
    ]


class Told(NamedTuple):
    """What the reducer that gets the names of all symbols does with them."""

    constituents: Constituents
    report: Callable[[str, str], None]
    listed: Format | None
    """The format of the list of all symbols; None: there is none."""

    @classmethod
    def of(cls, given: Namespace, constituents: Constituents, report: Callable[[str, str], None]) -> Self:
        """By a task's options."""
        return cls(constituents, report, Format.of(given) if given.list_symbols else None)

    def symbols(self, names: set[str]) -> None:
        """Reports those that are in the file or among the bars alone; lists all in a part of the output."""
        for text in told(names, self.constituents):
            self.report(WARNING, text)
        if self.listed:
            write_symbols(names, self.constituents, self.listed)


def tell(given: Namespace, counts: Counter[str]) -> None:
    """Says how many bars were of symbols that were in no sector then."""
    if counts[OUTSIDE] and not given.quiet:
        say(f"note: {counts[OUTSIDE]:,} bars are of symbols before they were in a sector, or after; they are left out")
