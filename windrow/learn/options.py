"""The options of jobs that scale columns, or make sequences of bars."""

import re
from argparse import Namespace
from collections import Counter
from fractions import Fraction
from typing import Any, Protocol

from sort_keys.keys import encode_symbol
from windrow.bars.layout import normalise
from windrow.bars.selection import bound_asked
from windrow.errors import InputError, UsageError
from windrow.learn.scaling import METHODS, Returns
from windrow.learn.sequencing import LEAK, OF_DAYS, TEST, TRAIN, Plan, Splitting
from windrow.sessions import Ends, Hours, Trading
from windrow.storage.open import PARQUET
from windrow.times import LATEST, parse_duration

#: Columns that all bars have.
_COLUMNS = "open,high,low,close,volume"
#: What a user can do where an input lacks one.
CURES = dict.fromkeys(_COLUMNS.split(","), "choose columns that it has with --column")

_METHOD = (
    "minmax: least 0, largest 1; zscore: mean 0, deviation 1; robust: median 0, interquartile range 1; returns: change"
    " from the bar before, in parts of it (default minmax)"
)
_UNTIL = "only bars up to this date, the whole day, or time set the scales, which are applied to all (default: all do)"
_INVERSE = "take back what a run with -o DIR scaled, by the scales in it; without FILE, the values in it as well"


class Group(Protocol):
    """A group of a job's options, as windrow/mapreduce/options.py makes them."""

    def add(self, spelling: str, text: str, **how: Any) -> None:
        """Adds an option."""


def add_scaling(group: Group) -> None:
    """Adds the options of scales; tasks get the columns by --column in any case."""
    group.add("--column NAME,...", f"columns to scale (default {_COLUMNS})")
    group.add("--method", _METHOD, choices=list(METHODS))
    group.add("--fit-until TIME", _UNTIL)
    group.add("--inverse DIR", _INVERSE, in_tasks=False)


def complete_inverse(options: Namespace, names: list[str], inputs: list[str]) -> None:
    """Sets what follows from scales of columns with these names: which to take back, and, without inputs, from what.

    inputs: the files of values that were scaled; those of text have no header, and symbols as in all lines. Raises
    UsageError for --scale where they are what is taken back.
    """
    options.column = options.column or ",".join(names)
    if options.args:
        return
    if options.scale:
        raise UsageError(
            f"--scale {options.scale[0]}: given with --inverse, which takes back what was scaled as it is; leave it out"
        )
    options.args = inputs
    if not any(name.endswith(PARQUET) for name in inputs):
        options.escaped = True
        if options.symbols is not None and not options.symbols.startswith("@"):
            options.symbols = encode_symbol(options.symbols).decode()
        options.columns = options.columns or ",".join(["symbol", "timestamp", *names])
        options.delimiter = options.delimiter or "tab"


def columns_of(options: Namespace) -> list[str]:
    """The columns to scale, as they are named in bars, each once. Raises UsageError."""
    usual = _COLUMNS.removesuffix(",volume") if options.adjusted else _COLUMNS
    names = [normalise(name) for name in (options.column or usual).split(",")]
    if not all(names):
        raise UsageError(
            f"--column {options.column}: one of the names is empty; give names of columns, e.g. open,close"
        )
    return list(dict.fromkeys(names))


def method_of(options: Namespace) -> str:
    """The method of the scales."""
    return options.method or "minmax"


def fit_before(options: Namespace, dated: bool) -> int:
    """The time (ns, excluded) before which bars set the scales. Raises UsageError."""
    if options.fit_until is None:
        return LATEST + 1
    return bound_asked("--fit-until", options.fit_until, options.timezone, dated, 1)


def check_scaling(options: Namespace) -> None:
    """Raises UsageError for options that contradict each other, or are none."""
    columns_of(options)
    for dated in (True, False):
        fit_before(options, dated)
    if options.fit_until is not None and method_of(options) == Returns.method:
        raise UsageError(
            f"--fit-until {options.fit_until}: a return is made of two bars, so no others set it; leave it out, or use"
            " another --method than returns"
        )
    if options.inverse is None:
        return
    for name in ("method", "fit_until"):
        if getattr(options, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} {getattr(options, name)}: given with --inverse, whose scales have it;"
                " leave it out"
            )
    if options.adjusted:
        raise UsageError("--adjusted: given with --inverse, which takes scaled values, no prices; leave it out")
    if options.resample is not None:
        raise UsageError(
            f"--resample {options.resample}: given with --inverse, which takes values back one by one; leave it out,"
            " and resample what was taken back"
        )


def described(options: Namespace) -> dict[str, Any]:
    """What a reader of an output must know of the scales."""
    return {"method": method_of(options), "fit_until": options.fit_until}


# Sequences.

#: The six columns of the published forecast.
PUBLISHED = ("adj_close", "close", "high", "low", "open", "volume")
_INPUTS = ",".join(PUBLISHED)
#: What a user can do where an input lacks a column of sequences.
SEQUENCE_CURES = dict.fromkeys(PUBLISHED, "choose the inputs with --column, the first of them is the target")
_MOST_LENGTH = 10_000
#: The value of --split that is the published leak.
RANDOM = "random"

_LENGTH = "bars of a sequence; what follows is the bar after them (default 10)"
_TARGET = "column of the bar that follows, whose value is to be forecast (default: the first input)"
_SPLIT = (
    "share of a symbol's bars to train on, those before the others, with an embargo of one sequence; or random, which"
    " leaks as published forecasts do (default 0.8)"
)
_SPLIT_AT = "train on sequences before this time, test on those from it on, of all symbols"
_SEED = "of a random split (default 0)"
_GAP = (
    "longest distance of neighbouring bars, e.g. 5min (default: the most frequent one among a symbol's bars, and of"
    " days 6 days more)"
)
_ACROSS = "let sequences pass over gaps and ends of sessions"


def add_sequences(group: Group) -> None:
    """Adds the options of sequences; tasks get the inputs by --column in any case."""
    group.add("--length N", _LENGTH, type=int, default=10)
    group.add("--column NAME,...", f"inputs of a sequence (default {_INPUTS})", default=_INPUTS)
    group.add("--target NAME", _TARGET)
    group.add("--split SHARE", _SPLIT)
    group.add("--split-at TIME", _SPLIT_AT)
    group.add("--seed N", _SEED, type=int)
    add_gaps(group)


def add_gaps(group: Group) -> None:
    """Adds the options of which bars are in one sequence."""
    group.add("--gap SPAN", _GAP)
    group.add("--across", _ACROSS, action="store_true")


def inputs_of(options: Namespace) -> list[str]:
    """The columns of a sequence, each once. Raises UsageError."""
    return columns_of(options)


def with_target(options: Namespace) -> list[str]:
    """The same and the target, where it is none of them."""
    return list(dict.fromkeys([*inputs_of(options), _target(options)]))


def _target(options: Namespace) -> str:
    return normalise(options.target) if options.target is not None else inputs_of(options)[0]


def plan_of(options: Namespace, dated: bool, trading: Trading | None = None) -> Plan:
    """What sequences are made of bars that have dates, or times of day, within sessions. Raises UsageError."""
    if not 1 <= options.length <= _MOST_LENGTH:
        raise UsageError(
            f"--length {options.length}: a sequence has 1 to {_MOST_LENGTH:,} bars; give a number in that range"
        )
    inputs, target = inputs_of(options), with_target(options).index(_target(options))
    splitting = _splitting(options, dated)
    return Plan(options.length, len(inputs), target, splitting, gap_of(options), trading, options.across)


def check_sequences(options: Namespace) -> None:
    """Raises UsageError for options that contradict each other, or are none."""
    if taken := sorted({"symbol", "timestamp", "target"}.intersection(inputs_of(options))):
        raise UsageError(
            f"--column {options.column}: the files of sequences have a column {taken[0]} of their own; call the input's"
            f" otherwise with --rename {taken[0]}=NAME"
        )
    check_gaps(options)
    for dated in (True, False):
        plan_of(options, dated)


def gap_of(options: Namespace) -> int | None:
    """The longest distance of neighbours (ns) that was asked for, if one was. Raises UsageError."""
    return None if options.gap is None else parse_duration(options.gap)


def check_gaps(options: Namespace) -> None:
    """Raises UsageError for gaps and sessions that contradict each other, or are none."""
    gap_of(options)
    for name in ("gap", "session", "calendar") if options.across else ():
        if (value := getattr(options, name)) is not None:
            raise UsageError(
                f"--across: given with --{name} {value}, and passes over all that is between bars; leave one out"
            )
    if options.session is not None and options.calendar is not None:
        raise UsageError(
            f"--session {options.session}: given with --calendar {options.calendar}, which has hours of its own; leave"
            " one out"
        )


def trading_of(options: Namespace, dated: bool, calendar: Trading | None) -> Trading | None:
    """The sessions that no sequence leaves: a calendar's, or by hours. Raises UsageError for hours of dates.

    Larger bars of days are made of sessions by hours, and so in none themselves.
    """
    if dated and options.session is not None and options.resample is None:
        raise UsageError(
            f"--session {options.session}: the bars have dates, which are at no time of day; leave it out, or take"
            " the days of an exchange with --calendar"
        )
    hours = options.session is not None and not dated
    trading = Hours(options.session, options.timezone) if hours else calendar
    if trading is None or dated or options.labels != "right":
        return trading
    return Ends(trading)


def figures_of(options: Namespace) -> dict[str, Any]:
    """What a line of sequences has, by which all parts are tables of the same columns."""
    counts = dict.fromkeys(("sequences", TRAIN, TEST, "dropped"), 0)
    return {"bars": 0, "apart": "", **counts, **({"leak": ""} if options.split == RANDOM else {})}


def _splitting(options: Namespace, dated: bool) -> Splitting:
    """How sequences are parted."""
    if options.split is not None and options.split_at is not None:
        raise UsageError(
            f"--split {options.split}: given with --split-at {options.split_at}; sequences are split one way; leave one"
            " out"
        )
    if options.seed is not None and options.split != RANDOM:
        raise UsageError(f"--seed {options.seed}: is of --split random alone; leave it out")
    if options.split_at is not None:
        return Splitting(at=bound_asked("--split-at", options.split_at, options.timezone, dated, 0))
    if options.split == RANDOM:
        return Splitting(random=True, seed=options.seed or 0)
    return Splitting() if options.split is None else Splitting(share_asked(options.split))


def share_asked(text: str) -> Fraction:
    """The share of bars to train on, the decimal that is written. Raises UsageError.

    >>> share_asked("0.8")
    Fraction(4, 5)
    """
    if not re.fullmatch(r"0?\.[0-9]{1,30}", text, re.ASCII) or not Fraction(text):
        raise UsageError(
            f"--split {text}: is neither a decimal above 0 and below 1, the share of bars to train on, nor random; give"
            " e.g. 0.8"
        )
    return Fraction(text)


def leak_of(options: Namespace) -> list[str]:
    """What a user should know of a random split."""
    return [f"--split random: {LEAK}; it is there to show what that is worth"] if options.split == RANDOM else []


def check_counted(options: Namespace, counts: Counter[str], incomplete: int) -> None:
    """Raises InputError where there is no sequence, or one may pass over a day that was left out, unseen."""
    check_left_out(options, counts, incomplete)
    if not counts["sequences"]:
        raise InputError(
            f"no sequence: no symbol has {options.length:,} bars and the one after them without a gap; give a shorter"
            " --length than that, a longer --gap, or --across"
        )


def check_left_out(options: Namespace, counts: Counter[str], incomplete: int) -> None:
    """Raises InputError where a sequence may pass over a day that was left out, unseen.

    incomplete: how many rows, or larger bars, lack a value, or are invalid.
    """
    if incomplete and counts[OF_DAYS] and options.calendar is None and not options.across:
        what = "larger bars" if options.resample is not None else "rows"
        raise InputError(
            f"{incomplete:,} {what}: lack a value or are invalid, and sequences of days would pass over them unseen;"
            " fill them in, or give the exchange with --calendar, whose days without a bar are gaps, or --across"
        )


def warnings_of(counts: Counter[str]) -> list[str]:
    """What a user must be told of sequences."""
    few, empty = counts["without sequences"], [part for part in ("train", "test") if not counts[part]]
    symbols = "1 symbol has" if few == 1 else f"{few:,} symbols have"
    told = [f"{symbols} no sequence: too few bars without a gap"] if few else []
    return told + [f"no sequence is in {part}; choose another split" for part in empty]


def sequences_described(options: Namespace) -> dict[str, Any]:
    """What a reader of sequences must know."""
    return {
        "length": options.length,
        "inputs": inputs_of(options),
        "target": _target(options),
        "split": options.split or "0.8",
        "split_at": options.split_at,
        "leak": LEAK if options.split == RANDOM else None,
    }
