"""What a run's summed counters say: what was done, and whether its output may be trusted.

Tasks count on their own, under any runner; the submitter adds up and decides, before anything is printed or published.
"""

from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote, unquote

import numpy as np

from sort_keys.keys import decode_symbol, encode_time
from sort_keys.merge import Conflict
from windrow.bars import REASONS
from windrow.errors import BadBarsError, ConflictError
from windrow.times import format_times

#: Counter groups: what was counted, and one pair of bars in conflict (its name holds them, its count means nothing).
COUNTS = "windrow"
CONFLICT = "windrow: a conflict"


def summed(counters: Sequence[dict[str, dict[str, int]]]) -> tuple[Counter[str], list[str]]:
    """All steps' counts, and the conflicts that tasks named, in order of symbol and time."""
    counts: Counter[str] = Counter()
    conflicts: list[str] = []
    for step in counters:
        counts.update(step.get(COUNTS, {}))
        conflicts += step.get(CONFLICT, {})
    return counts, [unquote(name.partition(" ")[2]) for name in sorted(conflicts)]


def named(conflict: Conflict, columns: Sequence[str], dated: bool) -> str:
    """A conflict as the name of a counter, which holds no comma: its key to sort by, a blank, its description."""
    key = conflict.symbol + b"\t" + encode_time(conflict.time)
    return f"{key.hex()} {quote(describe(conflict, columns, dated))}"


def describe(conflict: Conflict, columns: Sequence[str], dated: bool) -> str:
    """A conflict as the user reads it."""
    time = format_times(np.array([conflict.time]), dated)[0].decode()
    pairs = [
        f"{name} {one!r} and {other!r}"
        for name, one, other in zip(columns, conflict.one, conflict.other, strict=True)
        if one != other
    ]
    return f"{decode_symbol(conflict.symbol)} at {time} has {', '.join(pairs)}"


def judge(counts: Counter[str], conflicts: Sequence[str], max_bad: float, on_conflict: str) -> None:
    """Fails a job whose summed counters say that its output must not be trusted."""
    rejected = {reason: counts[f"rejected: {reason}"] for reason in REASONS if counts[f"rejected: {reason}"]}
    bad, bars = rejected_lines(counts), counts["bars"]
    reasons = "; ".join(f"{number:,} {reason} ({REASONS[reason]})" for reason, number in rejected.items())
    if not bars:
        raise BadBarsError(
            f"no input has a bar: {bad:,} lines read, all rejected: {reasons}; a job needs bars to walk over;"
            " see the lines with jobs.rejects, and check --columns, --column and --time-unit"
        )
    if bad > max_bad * (bad + bars):
        raise BadBarsError(
            f"{bad:,} of {bad + bars:,} lines are no bars: {reasons}; --max-bad {max_bad} allows"
            f" {int(max_bad * (bad + bars)):,}; see the lines with jobs.rejects, mend them, or allow more by --max-bad"
        )
    if on_conflict == "fail" and counts["conflicts"]:
        raise ConflictError(
            f"{counts['conflicts']:,} bars differ from another of their symbol and time: {''.join(conflicts[:1])};"
            " a symbol has one bar at a time: trades that share a time must be aggregated, or given unique"
            " nanoseconds, first; or keep one by --on-conflict smallest|largest"
        )


def rejected_lines(counts: Counter[str]) -> int:
    """How many lines were no bars, for any reason."""
    return sum(counts[f"rejected: {reason}"] for reason in REASONS)


def summary(counts: Counter[str]) -> str:
    """One line of what a job did.

    >>> summary(Counter({"bars": 32, "symbols": 1, "output lines": 3, "repeats": 1}))
    '32 bars of 1 symbol -> 3 lines; 1 repeat dropped'
    """
    bad = rejected_lines(counts)
    parts = [
        f"{_number(counts['bars'], 'bar')} of {_number(counts['symbols'], 'symbol')}"
        f" -> {_number(counts['output lines'], 'line')}"
    ]
    parts += [f"{_number(counts['repeats'], 'repeat')} dropped"] if counts["repeats"] else []
    parts += [f"{_number(counts['conflicts'], 'conflict')} settled"] if counts["conflicts"] else []
    parts += [f"{_number(bad, 'line')} rejected"] if bad else []
    return "; ".join(parts)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
