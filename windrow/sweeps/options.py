"""The options of a sweep: which pairs, on which parts, and which of them are written."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any, get_args

from windrow.errors import UsageError
from windrow.sweeps import reduce
from windrow.sweeps.grid import parse_grid
from windrow.sweeps.ranking import OBJECTIVES, Across, Choice
from windrow.sweeps.runs import Sweep
from windrow.sweeps.splits import parse_split
from windrow.trading.options import Group, column_of, measures_of, rules_of, windows_of
from windrow.windows import kernels

_GRID = (
    f"KIND:WINDOWS, KIND one of {', '.join(kernels())}, WINDOWS in bars: 7, 5..10, 10..100/5, or a list of these; a"
    " kind of more numbers, or of several columns, e.g. bollinger:10..50/10,2.upper"
)
_ANY_ORDER = "include pairs whose fast window is not shorter than the slow one"
_SPLIT = "share of a symbol's bars to train on, e.g. 0.7; the others are the test"
_SPLIT_AT = "train before this time, test from it on"
_WALKS = "N + 1 equal parts: train on the first k, test on the next one, for k from 1 to N"
_ROLLING = "with --walk-forward, train on one part in place of all before the test: part k, tested on the next one"
_EMBARGO = "leave out the last N bars of each train: so many are between it and its test (default 0)"
_COLD = "restart each test's averages at its first bar; by default they go on from the bars before it"
_OBJECTIVE = (
    "figure to rank pairs by (default pnl); pairs where it is undefined rank last, ties are broken by (fast, slow)"
)
_TOP = "write only each symbol's K best pairs on train, and the same pairs on test"
_BEST = "write one line per symbol, its best pair, and one with an empty SYMBOL, the best pair over all symbols"
_ACROSS = "by what of its objectives on symbols the best pair over all of them is chosen (default mean)"
_EQUITY = (
    "with --best, also write the equity of each symbol's best pairs on their tests, as one curve, SYMBOL, TIME, value,"
    " buy and hold, to part-NNNNN-equity in the -o DIR, and its figures to the line of the last walk"
)
_SHARDS = (
    "split each symbol's pairs over N reducers, each of which reads all its bars; never changes the output (default 1)"
)

#: The options that a reader of an output must know.
_DESCRIBED = (
    "fast",
    "slow",
    "split",
    "split_at",
    "walk_forward",
    "rolling",
    "embargo",
    "cold",
    "objective",
    "top",
    "best",
    "across",
    "ema_seed",
)


def add_to(group: Group) -> None:
    """Adds them to a group of a job's options."""
    group.add("--fast GRID", f"the fast lines: {_GRID} (default ema:5..10)", default="ema:5..10")
    group.add("--slow GRID", "the slow lines, in the same form (default ema:21..31)", default="ema:21..31")
    group.add("--any-order", _ANY_ORDER, action="store_true")
    group.add("--split SHARE", _SPLIT)
    group.add("--split-at TIME", _SPLIT_AT)
    group.add("--walk-forward N", _WALKS, type=int)
    group.add("--rolling", _ROLLING, action="store_true")
    group.add("--embargo N", _EMBARGO, type=int, default=0)
    group.add("--cold", _COLD, action="store_true")
    group.add("--objective", _OBJECTIVE, choices=OBJECTIVES, default=OBJECTIVES[0])
    group.add("--top K", _TOP, type=int)
    group.add("--best", _BEST, action="store_true")
    group.add("--across", _ACROSS, choices=get_args(Across), default=Choice.across)
    group.add("--equity", _EQUITY, action="store_true")
    group.add("--shards N", _SHARDS, type=int, default=1)


def sweep(options: Namespace) -> Sweep:
    """What is tried on each symbol. Raises UsageError."""
    grid = parse_grid(options.fast, options.slow, options.any_order)
    split = parse_split(
        options.split, options.split_at, options.walk_forward, options.timezone, options.rolling, options.embargo
    )
    rules, column, windows = rules_of(options), column_of(options), windows_of(options)
    measures = measures_of(options)
    return Sweep(grid, rules, column, split, options.cold, windows, options.shards, measures=measures)


def choice(options: Namespace) -> Choice:
    """Which of its results are written. Raises UsageError."""
    return Choice(options.objective, options.top, options.best, options.across, options.equity)


def check(options: Namespace) -> None:
    """Raises UsageError for options that make no sense, alone or together."""
    reduce.check(sweep(options), choice(options))
    if options.equity and options.output_dir is None:
        raise UsageError("--equity: writes files beside the figures, but the figures are printed; give -o DIR")


def described(options: Namespace) -> dict[str, Any]:
    """The options that are written beside an output."""
    made = sweep(options)
    traded = {"rules": asdict(made.rules), "measures": asdict(made.measures)}
    return {name: getattr(options, name) for name in _DESCRIBED} | traded
