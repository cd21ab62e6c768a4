"""The options of jobs over bars: how to read bars and how to shuffle them. A job gets those that it can use."""

import re
from argparse import SUPPRESS, Action, Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sort_keys.blocks import BLOCK_BARS
from sort_keys.merge import ON_CONFLICT
from windrow.bars.adjusted import PRICES
from windrow.bars.epochs import FORMS_OF_COUNTS
from windrow.bars.form import check_encoding
from windrow.bars.headers import meaning
from windrow.bars.layout import Reading, adjusted_close, normalise
from windrow.bars.scales import parse_scales
from windrow.bars.selection import check_pattern, conditions, span_asked, symbols_asked
from windrow.errors import UsageError
from windrow.mapreduce import resampling
from windrow.storage.compressed import ENDS
from windrow.storage.manner import GAPS, SHARE, Manner
from windrow.times import UNITS, parse_duration

if TYPE_CHECKING:
    from argparse import _ArgumentGroup

    from windrow.mapreduce.barjob import BarJob

#: The column that --adjusted leaves as it is.
_VOLUME = "volume"
#: Value of --slices: chosen from samples of the inputs.
AUTO = "auto"
#: Values of --output-format.
FORMATS = ("text", "csv", "parquet", "parquet-ns")

_ZONE = "time zone of times without one, e.g. America/New_York; dates have none"
_BAD = "share of an input's rows that may be invalid, from 0 to 1; above it the job fails"
_MISSING = "share of an input's rows that may lack a needed value (empty, NaN, null, None, NA, . or -)"
_ADJUSTED = "scale open, high, low and close by adj_close / close, before anything else"
_SCALE = "columns of values, each with the power of ten that they are multiplied by, e.g. close=1e-9"
_CONFLICT = "what to do with different bars at one symbol and time: fail, or keep the smallest or the largest"
_BLOCK = "largest number of bars in a block; 1 is the textbook's one bar per record"
_GAPS = "what to do where records that are asked for are past retention: fail, or warn and go without (default fail)"
_SHARE = "share of the reads that Kinesis grants a shard a second, above 0 to 1; other readers have the rest"
_WHERE = "take only rows with that text in the column; of one column several, either; of several columns, all"
_SLOT = (
    "span of time that no block crosses, e.g. 30d; a reducer holds at most one slot of one symbol"
    " (default: a few thousand bars, estimated from samples of the inputs)"
)
_SLICES = (
    "divide each symbol's bars among reducers by slices of this span, e.g. 365d, which a second, short step joins;"
    " auto: only if one symbol has more bars than a reducer's share"
)


class OptionGroup:
    """A titled group of a job's options, which its tasks get too unless they get what is settled by them."""

    def __init__(self, group: "_ArgumentGroup", pass_through: Callable[[Action], None], settled: bool = False) -> None:
        self.title = group.title or ""
        self.actions: list[Action] = []
        self._group, self._pass_through, self._settled = group, pass_through, settled

    def add(self, spelling: str, text: str, in_tasks: bool | None = None, **how: Any) -> None:
        """Adds an option, e.g. `--step STEP`, and its help; `how` are argparse's arguments.

        `in_tasks` is for one option of a group of the other kind.
        """
        name, _, value = spelling.partition(" ")
        how = {**how, "metavar": value} if value else how
        action = self._group.add_argument(name, help=text, **how)
        self.actions.append(action)
        if not self._settled if in_tasks is None else in_tasks:
            self._pass_through(action)


def judges(job: "BarJob") -> bool:
    """Whether the job fails on too many invalid rows."""
    return type(job).judge is _base().judge


def add_to(job: "BarJob") -> None:
    """Adds the common options of jobs over bars, as far as this job can use them."""
    reading = add_reading(job, judges(job), adjusts=not job.map_only)
    if not job.map_only:
        how: dict[str, Any] = {"choices": ON_CONFLICT, "default": "fail", "in_tasks": True}
        reading.add("--on-conflict", f"{_CONFLICT} (default fail)", **how)
    rows = job.add_group("Choosing files and rows", settled=True)
    rows.add("--recursive", "of a directory, take the files in its subdirectories too", action="store_true")
    add_rows(rows)
    add_streams(job)
    if not job.map_only:
        resampling.add_to(job)
        _add_moving(job)
    # Described in windrow/mapreduce/help.py, among mrjob's.
    parser = job.arg_parser
    job.pass_through(parser.add_argument("--output-format", help=SUPPRESS, choices=FORMATS, default=FORMATS[0]))
    job.pass_through(parser.add_argument("--compress", help=SUPPRESS, choices=list(ENDS)))
    parser.add_argument("--environment", help=SUPPRESS)
    parser.add_argument("--force", help=SUPPRESS, action="store_true")
    parser.set_defaults(**{name: default for name, default in UNUSED.items() if not _has(job, name)})


class Grouped(Protocol):
    """What has groups of options."""

    def add_group(self, title: str, settled: bool = False) -> OptionGroup:
        """Adds a group."""
        ...


def add_reading(job: Grouped, judges: bool, adjusts: bool) -> OptionGroup:
    """Adds the options of how bars are read; judges: whether too many invalid rows fail it; adjusts: prices."""
    # What is settled by these, tasks get with the layouts: Hadoop takes command lines with quotes apart.
    reading = job.add_group("Reading bars", settled=True)
    reading.add("--columns NAME,...", "names of the columns, for inputs without a header")
    reading.add("--rename OLD=NEW,...", "columns to be called otherwise, before anything else")
    reading.add("--time-column NAME", "column of times, or date,time for two (default: found by its name)")
    reading.add("--symbol-column NAME", "column of symbols (default: found by its name)")
    reading.add("--symbol NAME", "symbol of inputs that have no symbol column")
    reading.add("--symbol-from-filename", "take it from the names of such inputs, e.g. AA.csv", action="store_true")
    reading.add("--symbol-from-path REGEX", "take it from their paths: the group in parentheses, e.g. 'us/(.+)\\.csv'")
    reading.add("--wide VALUE", "inputs have a column for each symbol, and this value in its cells, e.g. close")
    reading.add("--timezone ZONE", f"{_ZONE} (default UTC)", default="UTC", in_tasks=True)
    reading.add("--time-unit", "times are integers since 1970, in this unit", choices=list(UNITS))
    reading.add(
        "--time-format FORM", "how times are written, e.g. '%%d/%%m/%%Y %%H:%%M' (default: found by their values)"
    )
    reading.add("--encoding NAME", "how text is encoded, e.g. cp1252 (default: by its mark, else UTF-8)")
    reading.add("--delimiter CHARACTER", "what is between fields, e.g. ';' or tab (default: as in the header)")
    reading.add("--skip-lines N", "lines before the header (default: found by the header's names)", type=int)
    reading.add(
        "--decimal MARK", "decimal mark of numbers, . or , (default: found by their values)", choices=[".", ","]
    )
    reading.add("--thousands MARK", "what is between thousands (default: found by their values)")
    reading.add("--scale NAME=FACTOR,...", _SCALE, action="append", default=[])
    if judges:
        reading.add("--max-bad SHARE", f"{_BAD} (default 0.001)", type=float, in_tasks=True, default=0.001)
        reading.add("--max-missing SHARE", f"{_MISSING} (default 0.05)", type=float, in_tasks=True, default=0.05)
    if adjusts:
        reading.add("--adjusted", _ADJUSTED, action="store_true")
    return reading


def add_rows(rows: OptionGroup) -> None:
    """Adds the options of which rows are taken."""
    rows.add("--symbols A,B,...", "take only these symbols; @FILE: those in a file, one on each line")
    rows.add("--from TIME", "take only bars from this date or time on, e.g. 2023-01-31 or 2023-01-31T09:30")
    rows.add("--to TIME", "take only bars up to this date, the whole day, or time")
    rows.add("--where COLUMN=VALUE", _WHERE, action="append", default=[])


def add_streams(job: Grouped) -> None:
    """Adds the options of how streams are read."""
    streams = job.add_group("Reading streams, e.g. kinesis://STREAM?from=2023-01-31&to=2023-02-28", settled=True)
    streams.add("--gaps", _GAPS, choices=GAPS, default=GAPS[0])
    streams.add("--share SHARE", f"{_SHARE} (default {SHARE})", type=float, default=SHARE)
    streams.add("--consumer NAME", "a registered consumer of Kinesis, which has reads of its own (enhanced fan-out)")


def _add_moving(job: "BarJob") -> None:
    moving = job.add_group("Moving bars (never changes the output)")
    moving.add("--block-bars N", f"{_BLOCK} (default {BLOCK_BARS})", type=int, default=BLOCK_BARS)
    moving.add("--slot SPAN", _SLOT)
    if type(job).can_be_sliced():
        moving.add("--slices SPAN", _SLICES)


#: The values of options that a job may lack.
UNUSED: dict[str, Any] = {
    "max_bad": 1.0, "max_missing": 1.0, "adjusted": False, "on_conflict": "fail", "block_bars": BLOCK_BARS,
    "slot": None, "slices": None, "resample": None, "session": None, "calendar": None, "labels": None, "closed": None,
}  # fmt: skip


def _has(job: "BarJob", name: str) -> bool:
    return any(action.dest == name for group in job.groups for action in group.actions)


def _base() -> "type[BarJob]":
    from windrow.mapreduce.barjob import BarJob

    return BarJob


def check(given: Namespace) -> None:
    """Raises UsageError for wrong values, before any work."""
    if given.block_bars < 1:
        raise UsageError(f"--block-bars {given.block_bars}: a block holds at least one bar; give 1 or more")
    if not 0 <= given.max_bad <= 1:
        raise UsageError(f"--max-bad {given.max_bad}: a share of rows is between 0 and 1; 0.001 is one in 1,000")
    if not 0 <= given.max_missing <= 1:
        raise UsageError(f"--max-missing {given.max_missing}: a share of rows is between 0 and 1; 0.05 is one in 20")
    slot(given)
    slices(given)
    manner(given)
    check_reading(given)
    resampling.check(given)


def check_reading(given: Namespace) -> None:
    """Raises UsageError for wrong values of the options by which inputs are read."""
    _check_timezone(given.timezone)
    _check_form(given)
    _check_columns(given)
    _check_rows(given)


def _check_form(given: Namespace) -> None:
    if given.time_format is not None:
        from windrow.bars.clocks import check_form  # a task's start is part of its cost

        check_form(given.time_format)
        if given.time_unit is not None:
            raise UsageError("--time-format and --time-unit: a time is text or a count; give one of the two")
    for name in ("delimiter", "thousands"):
        value = _character(getattr(given, name))
        if value is not None and (len(value) != 1 or value in '"\r\n' or value.isalnum()):
            raise UsageError(f"--{name} {value!r}: is not one character that may stand there; give one, e.g. ';'")
    if given.encoding is not None:
        check_encoding(given.encoding)
    if given.skip_lines is not None and given.skip_lines < 0:
        raise UsageError(f"--skip-lines {given.skip_lines}: is a number of lines; give 0 or more")
    if given.decimal is not None and given.decimal == given.thousands:
        raise UsageError(f"--decimal {given.decimal} --thousands {given.thousands}: the two differ; give one of them")


def _check_columns(given: Namespace) -> None:
    """Raises UsageError where options name columns in ways that contradict each other, or not at all."""
    for one in (given.rename or "").split(",") if given.rename is not None else ():
        _, equals, new = (part.strip() for part in one.partition("="))
        if not equals or not new or "=" in new:
            raise UsageError(f"--rename {one!r}: names a column and what to call it; give OLD=NEW, e.g. close=price")
    renames = _renames(given)
    for place, names in enumerate(zip(*(one.split("=") for one in renames), strict=True)):
        if twice := [name for name in names if names.count(name) > 1]:
            what = "renamed twice" if place == 0 else "the new name of two columns"
            raise UsageError(f"--rename {given.rename}: {twice[0]!r} is {what}; give each name once")
    times = _names(given.time_column)
    if given.time_column is not None and not (0 < len(times) < 3 and len(set(times)) == len(times) and all(times)):
        raise UsageError(
            f"--time-column {given.time_column!r}: is not one column, or one of dates and one of times of day; give"
            " e.g. --time-column date or --time-column date,time"
        )
    if given.symbol_column is not None and not normalise(given.symbol_column):
        raise UsageError("--symbol-column '': is empty; give the name of the column of symbols")
    if given.wide is not None and (not normalise(given.wide) or meaning(normalise(given.wide)) in ("symbol", "time")):
        raise UsageError(
            f"--wide {given.wide!r}: is not what the cells of a table hold; give a value, e.g. --wide close"
        )
    for one, other in _EXCLUSIVE:
        if all(getattr(given, name.replace("-", "_")) not in (None, False) for name in (one, other)):
            raise UsageError(f"--{one} and --{other}: {_EXCLUSIVE[one, other]}; give one of the two")


def _renames(given: Namespace) -> tuple[str, ...]:
    """What --rename asks for, each as old=new, normalised."""
    asked = (one.partition("=") for one in (given.rename or "").split(",") if one)
    return tuple(f"{normalise(old)}={normalise(new)}" for old, _, new in asked)


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(normalise(name) for name in text.split(",")) if text else ()


#: Options that do not go together, and why.
_EXCLUSIVE = {
    ("symbol", "symbol-column"): "all bars have one symbol, or a column has the symbols",
    ("symbol-from-filename", "symbol-column"): "the symbol is a file's name, or a column has the symbols",
    ("symbol-from-path", "symbol-column"): "the symbol is in a file's path, or a column has the symbols",
    ("columns", "rename"): "the columns are named anew, all of them or some",
    ("wide", "columns"): "a wide table has a header of symbols, or the columns are named",
    ("wide", "rename"): "the columns of a wide table are called after symbols",
    ("wide", "symbol"): "a wide table has symbols above its columns",
    ("wide", "symbol-from-filename"): "a wide table has symbols above its columns",
    ("wide", "symbol-from-path"): "a wide table has symbols above its columns",
    ("wide", "symbol-column"): "a wide table has symbols above its columns",
    ("wide", "adjusted"): "a wide table has one value, and prices are scaled by two",
}


def _check_rows(given: Namespace) -> None:
    conditions(given.where)
    for dated in (True, False):
        span_asked(getattr(given, "from"), given.to, given.timezone, dated)
    if given.symbol_from_path is None:
        return
    if given.symbol is not None or given.symbol_from_filename:
        other = "--symbol" if given.symbol is not None else "--symbol-from-filename"
        raise UsageError(f"{other} and --symbol-from-path: an input has one symbol; give one of the two")
    check_pattern(given.symbol_from_path)


def _character(text: str | None) -> str | None:
    """The character that an option names: itself, or `tab`."""
    return {"tab": "\t", "\\t": "\t"}.get(text or "", text)


def _check_timezone(name: str) -> None:
    if name == "UTC":  # the usual one needs no database
        return
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(
            f"--timezone {name}: is not a time zone of the IANA database; give one, e.g. America/New_York"
        ) from None


def reading(given: Namespace, columns: Sequence[str], cures: Mapping[str, str]) -> Reading:
    """How to read inputs for a job that uses these columns; `cures`: what to do about one that an input lacks.

    Raises UsageError if --adjusted does not apply to the columns.
    """
    values = tuple(dict.fromkeys(normalise(name) for name in columns))
    others = [name for name in values if not adjusted_close([name]) and name not in PRICES]
    if given.adjusted and others and (others != [_VOLUME] or len(values) == 1):
        raise UsageError(
            f"--adjusted --column {others[0]}: only {', '.join(PRICES)} are scaled by adj_close / close; choose one of"
            " them, or leave --adjusted out"
        )
    return Reading(
        values=values,
        columns=_names(given.columns),
        rename=_renames(given),
        time_columns=_names(given.time_column),
        symbol_column=normalise(given.symbol_column) if given.symbol_column is not None else None,
        wide=normalise(given.wide) if given.wide is not None else None,
        symbol=given.symbol,
        symbol_from_filename=given.symbol_from_filename,
        timezone=given.timezone,
        time_unit=given.time_unit or FORMS_OF_COUNTS.get(given.time_format),
        delimiter=_character(given.delimiter),
        skip_lines=given.skip_lines,
        encoding=given.encoding,
        time_format=None if given.time_format in FORMS_OF_COUNTS else given.time_format,
        decimal=given.decimal,
        thousands=given.thousands,
        scale=parse_scales(given.scale or ()),
        adjusted=given.adjusted,
        symbols=() if given.symbols is None else symbols_asked(given.symbols),
        since=getattr(given, "from"),
        until=given.to,
        where=tuple(given.where),
        recursive=given.recursive,
        symbol_from_path=given.symbol_from_path,
        cures=tuple((name, _cure(given, name, cures)) for name in values if name not in _chosen(given)),
        on_conflict=given.on_conflict,
    )


def _chosen(given: Namespace) -> set[str]:
    """The columns that --column names, for a job that has that option."""
    return {normalise(name) for name in (getattr(given, "column", None) or "").split(",")}


def _cure(given: Namespace, name: str, cures: Mapping[str, str]) -> str:
    """What to do about a column that --column does not choose."""
    return cures.get(name, f"this job needs it; if it is there by another name, use --rename NAME={name}")


def manner(given: Namespace) -> Manner:
    """How streams are read. Raises UsageError for wrong values."""
    if not 0 < given.share <= 1:
        raise UsageError(f"--share {given.share}: is no share of the reads of a shard; give more than 0, and at most 1")
    if given.consumer is not None and not re.fullmatch("[a-zA-Z0-9_.-]{1,128}", given.consumer):
        raise UsageError(
            f"--consumer {given.consumer}: is not a name of a consumer, which has 1 to 128 letters, digits, dots,"
            " hyphens and underscores; give the name that it was registered by"
        )
    return Manner(given.gaps, given.share, given.consumer)


def slot(given: Namespace) -> int | None:
    """The span of slots in ns, if one was given."""
    return None if given.slot is None else parse_duration(given.slot)


def slices(given: Namespace) -> int | str | None:
    """The span of slices in ns, if one was given, or AUTO."""
    return given.slices if given.slices in (None, AUTO) else parse_duration(given.slices)
