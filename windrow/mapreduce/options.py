"""The options that every job over bars has: how to read bars, and how to move them."""

from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sort_keys.blocks import BLOCK_BARS
from sort_keys.merge import ON_CONFLICT
from windrow.bars.layout import Reading, normalise
from windrow.errors import UsageError
from windrow.times import UNITS, parse_duration

#: Of --slices: chosen from samples of the inputs.
AUTO = "auto"
#: Of outputs.
FORMATS = ("text", "parquet", "parquet-ns")

_ZONE = "zone of times that name none, as America/New_York; dates have none"
_BAD = "share of lines that may be no bars, from 0 to 1; above it the job fails"
_CONFLICT = "of different bars at one symbol and time: fail, or keep the smallest or the largest"
_BLOCK = "bars a block holds at most; 1 is the textbook's one bar a record"
_SLOT = (
    "time that no block crosses, as 30d; a reducer holds at most one slot of one symbol"
    " (default: some thousands of bars, from samples of the inputs)"
)
_SLICES = (
    "reducers share a symbol's bars in slices of this span, as 365d, and a second, small step stitches them; auto:"
    " where a symbol alone has more than a reducer's share"
)


def add_to(job: Any) -> None:
    """Adds them to a BarJob, in two groups."""
    reading = job.add_group("Reading bars")
    job.option(reading, "--columns NAME,...", "names of the columns, for inputs without a header")
    job.option(reading, "--symbol NAME", "symbol of inputs that have no symbol column")
    job.option(reading, "--symbol-from-filename", "such an input is named for its symbol: AA.csv", action="store_true")
    job.option(reading, "--timezone ZONE", f"{_ZONE} (default UTC)", default="UTC")
    job.option(reading, "--time-unit", "times are integers since 1970, of this unit", choices=list(UNITS))
    job.option(reading, "--max-bad SHARE", f"{_BAD} (default 0.001)", type=float, default=0.001)
    job.option(reading, "--on-conflict", f"{_CONFLICT} (default fail)", choices=ON_CONFLICT, default="fail")
    moving = job.add_group("Moving bars (none changes the output)")
    job.option(moving, "--block-bars N", f"{_BLOCK} (default {BLOCK_BARS})", type=int, default=BLOCK_BARS)
    job.option(moving, "--slot SPAN", _SLOT)
    job.option(moving, "--slices SPAN", _SLICES)
    # windrow/mapreduce/help.py tells of these, among mrjob's.
    job.option(job.arg_parser, "--output-format", SUPPRESS, choices=FORMATS, default=FORMATS[0])
    job.arg_parser.add_argument("--environment", help=SUPPRESS)


def check(options: Any) -> None:
    """Refuses wrong values, by UsageError, before any work."""
    if options.block_bars < 1:
        raise UsageError(f"--block-bars {options.block_bars}: a block holds at least one bar; give 1 or more")
    if not 0 <= options.max_bad <= 1:
        raise UsageError(f"--max-bad {options.max_bad}: a share of lines lies between 0 and 1; 0.001 is one in 1,000")
    slot(options)
    if options.slices not in (None, AUTO):
        parse_duration(options.slices)
    _check_timezone(options.timezone)


def _check_timezone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"--timezone {name}: is no zone of the IANA database; give one as America/New_York") from None


def reading(options: Any, columns: Sequence[str]) -> Reading:
    """How inputs are to be read for a job that uses these columns."""
    return Reading(
        values=tuple(dict.fromkeys(normalise(name) for name in columns)),
        columns=tuple(normalise(name) for name in options.columns.split(",")) if options.columns else (),
        symbol=options.symbol,
        symbol_from_filename=options.symbol_from_filename,
        timezone=options.timezone,
        time_unit=options.time_unit,
        on_conflict=options.on_conflict,
    )


def slot(options: Any) -> int | None:
    """The slots' span in ns, if one was asked for."""
    return None if options.slot is None else parse_duration(options.slot)
