"""The options of jobs that scale columns."""

from argparse import Namespace
from typing import Any, Protocol

from windrow.bars.layout import normalise
from windrow.bars.selection import bound_asked
from windrow.errors import UsageError
from windrow.learn.scaling import METHODS, Returns
from windrow.storage.open import PARQUET
from windrow.times import LATEST

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

    inputs: the files of values that were scaled; those of text have no header.
    """
    options.column = options.column or ",".join(names)
    if options.args:
        return
    options.args = inputs
    if not any(name.endswith(PARQUET) for name in inputs):
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


def described(options: Namespace) -> dict[str, Any]:
    """What a reader of an output must know of the scales."""
    return {"method": method_of(options), "fit_until": options.fit_until}
