"""The counters of a run, summed: what was done, and whether the output can be trusted.

Tasks count on their own, under any runner; the submitter adds up and decides, before anything is printed or published.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from windrow import errors
from windrow.bars.checks import MISSING, REASONS
from windrow.bars.selection import none_selected
from windrow.errors import BadBarsError, ClusterError, ConflictError, InputError, WindrowError
from windrow.feeds.misread import told_reasons
from windrow.mapreduce.reports import NAMES, joined, read_conflict

#: Counter groups: counts; the conflict that a task reports; the error that stopped a task. The last two carry text in
#: the names of their counters: windrow/mapreduce/reports.py.
COUNTS = "windrow"
CONFLICT = "windrow: a conflict"
REFUSED = "windrow: refused"
#: Rows that are none of those asked for.
UNSELECTED = "unselected"
#: How many tasks of a cluster an error stopped: also those whose texts found no room in counters.
STOPPED = "stopped"
#: The error for the first input that breaks a rule, and a warning, both from the one reducer that gets accounts.
INPUTS = "windrow: inputs"
WARNING = "windrow: warning"
#: What reducers count, of the bars that reach them.
OF_REDUCERS = (
    *("symbols", "blocks", "slots", "repeats", "conflicts"),
    *("resampled", "outside", "larger bars", "incomplete"),
)

_FEW = (
    "aggregate trades that share a time, or give them unique nanoseconds, first; or keep one with --on-conflict"
    " smallest|largest"
)


class Summary(NamedTuple):
    """What the tasks of a run reported: counts, conflicts in order of symbol and time, errors, and of all inputs."""

    counts: Counter[str]
    conflicts: list[str]
    refusals: list[str]
    inputs: list[str]
    warnings: list[str]


def summed(counters: Sequence[dict[str, dict[str, int]]]) -> Summary:
    """What all tasks of all steps reported in their counters."""
    summary = Summary(Counter(), [], [], [], [])
    for step in counters:
        summary.counts.update(step.get(COUNTS, {}))
        found = sorted(map(read_conflict, joined(step.get(CONFLICT, {}))))
        summary.conflicts.extend(description for _, description in found)
        summary.refusals.extend(joined(step.get(REFUSED, {})))
        summary.inputs.extend(joined(step.get(INPUTS, {})))
        summary.warnings.extend(joined(step.get(WARNING, {})))
    return summary


def error_text(error: WindrowError) -> str:
    """An error as `refusal` reads it."""
    return f"{type(error).__name__} {error}"


def refusal(texts: Sequence[str], stopped: int = 0) -> WindrowError:
    """The error to raise for those that tasks reported: the first in order, the same at every run.

    `stopped` is how many tasks were, for when none of their texts found room.
    """
    if not texts:
        return ClusterError(
            f"errors stopped {_number(stopped, 'task')}, and Hadoop has no counters for what each found; to see one,"
            f" run it with at most {NAMES} reducers (-D mapreduce.job.reduces={NAMES}), or on fewer inputs at a time"
        )
    kind, _, message = texts[0].partition(" ")
    return getattr(errors, kind)(message)  # type: ignore[no-any-return]


def judge(
    counts: Counter[str], conflicts: Sequence[str], max_bad: float, on_conflict: str, left_out: str | None = None
) -> None:
    """Raises WindrowError if the summed counters show that the output must not be trusted.

    `left_out` says which column may tell apart bars in conflict, for when these are many.
    """
    rejected = {reason: counts[f"rejected: {reason}"] for reason in REASONS if counts[f"rejected: {reason}"]}
    bad, bars = invalid_rows(counts), counts["bars"]
    reasons, rows = told_reasons(rejected), bad + bars + counts[MISSING]
    if not bars and not rows and counts[UNSELECTED]:
        raise InputError(none_selected(counts[UNSELECTED]))
    if not bars:
        reasons = told_reasons({**rejected, MISSING: counts[MISSING]})
        raise BadBarsError(
            f"no valid row in any input: {rows:,} rows read, all invalid: {reasons}; a job needs bars;"
            " list them with `windrow rejects`, and check --columns, --column and --time-format"
        )
    if bad > max_bad * rows:
        raise BadBarsError(
            f"{bad:,} of {rows:,} rows are invalid: {reasons}; --max-bad {max_bad} allows"
            f" {int(max_bad * rows):,}; list them with `windrow rejects`, fix them, or raise --max-bad"
        )
    if on_conflict == "fail" and counts["conflicts"]:
        # Hadoop has no counters for what each of so many reducers found.
        see = (
            ""
            if conflicts
            else f"; to see one, run it with at most {NAMES} reducers (-D mapreduce.job.reduces={NAMES})"
        )
        raise ConflictError(
            f"{_number(counts['conflicts'], 'conflict')}, different bars at one symbol and time"
            f"{''.join(f': {conflict}' for conflict in conflicts[:1])}{see};"
            " a symbol has one bar at each time: " + (left_out or _FEW)
        )


def invalid_rows(counts: Counter[str]) -> int:
    """How many rows were invalid, for any reason."""
    return sum(counts[f"rejected: {reason}"] for reason in REASONS)


def incomplete_rows(counts: Counter[str]) -> int:
    """How many rows were left out: they were invalid, or lacked a needed value."""
    return invalid_rows(counts) + counts[MISSING]


def rejected_rows(counts: Counter[str]) -> str:
    """How many rows are no bars.

    >>> rejected_rows(Counter({"bars": 8, "rejected: time": 1, "missing": 1}))
    '1 of 10 rows are invalid; 1 row lacks a needed value'
    """
    bad, missing = invalid_rows(counts), counts[MISSING]
    told = f"{bad:,} of {bad + missing + counts['bars']:,} rows are invalid"
    return f"{told}; {_number(missing, 'row')} lack{'s' if missing == 1 else ''} a needed value" if missing else told


def summary(counts: Counter[str]) -> str:
    """One line that sums up what a job did.

    >>> summary(Counter({"bars": 32, "symbols": 1, "output lines": 3, "repeats": 1}))
    '32 bars of 1 symbol -> 3 lines; 1 repeat dropped'
    """
    bad = invalid_rows(counts)
    parts = [
        f"{_number(counts['bars'], 'bar')} of {_number(counts['symbols'], 'symbol')}"
        f" -> {_number(counts['output lines'], 'line')}"
    ]
    parts += [f"{_number(counts[UNSELECTED], 'row')} not asked for"] if counts[UNSELECTED] else []
    parts += [f"{_number(counts['repeats'], 'repeat')} dropped"] if counts["repeats"] else []
    parts += [f"{_number(counts['conflicts'], 'conflict')} settled"] if counts["conflicts"] else []
    parts += [f"{_number(counts['outside'], 'bar')} outside of sessions"] if counts["outside"] else []
    parts += [f"{_number(bad, 'invalid row')}"] if bad else []
    parts += [f"{_number(counts[MISSING], 'row')} without a needed value"] if counts[MISSING] else []
    return "; ".join(parts)


def table(counts: Counter[str]) -> list[str]:
    """The counts as aligned lines, for the end of a run; reasons for invalid rows only if there are any.

    >>> print("\\n".join(table(Counter({"bars": 1250, "blocks": 7, "rejected: time": 2, "output lines": 1155}))))
      bars            1,250
      blocks              7
      slots               0
      repeats             0
      conflicts           0
      rejected            2
        time              2
      output lines    1,155
    """
    shown = ("bars", "blocks", "slots", *(["slices"] if counts["slices"] else []), "repeats", "conflicts")
    rows = [(name, counts[name]) for name in shown]
    rows.append(("rejected", invalid_rows(counts)))
    rows += [(f"  {reason}", counts[f"rejected: {reason}"]) for reason in REASONS if counts[f"rejected: {reason}"]]
    rows += [(MISSING, counts[MISSING])] if counts[MISSING] else []
    rows += [(UNSELECTED, counts[UNSELECTED])] if counts[UNSELECTED] else []
    rows += [(name, counts[name]) for name in ("outside", "larger bars") if counts[name]]
    rows.append(("output lines", counts["output lines"]))
    return [f"  {name:14}{number:>7,}" for name, number in rows]


def pace(bars: int, seconds: float) -> str:
    """How long a run took, and how fast it was, as the last line of its summary.

    >>> pace(1250, 0.5)
    '  took             0.5 s, 2,500 bars/s'
    """
    return f"  {'took':14}{seconds:>6,.1f} s, {bars / max(seconds, 1e-3):,.0f} bars/s"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
