"""--resample: larger bars in place of the inputs', made before any kernel of a job sees them."""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sort_keys.merge import Stretch
from windrow.bars.layout import normalise
from windrow.errors import InputError, UsageError
from windrow.feeds.settle import Settled

# What makes larger bars is imported where any are asked for: a task's start is part of its cost.
if TYPE_CHECKING:
    from windrow.mapreduce.barjob import BarJob
    from windrow.windows.resample import Resampler, Resampling, Trading

_SPAN = "make larger bars first, of that span: 5min, 1h, 1d, 1w, 1mo, ... (a number of s, min, h, d, w, mo)"
_SESSION = (
    "cut them in sessions from a time of day to another in --timezone, e.g. 09:30-16:00; bars outside are left out"
)
_CALENDAR = "cut them in the sessions of an exchange, by its code, e.g. XNYS, with its holidays and half days"
_LABELS = "the time of a larger bar: of its begin, or first day (left, the default), or of its end, or last day (right)"
_CLOSED = "what the inputs' times are: of bars' begins (left, the default), or of their ends (right)"
_SIDES = ("left", "right")
#: Options that say how larger bars are made.
_BESIDE = ("session", "calendar", "labels", "closed")
#: Options of jobs to whom it matters, too, which day a bar is of.
_OF_DAYS = ("session", "calendar", "fit_until", "split_at", "constituents")

#: What reducers count of bars that became larger ones.
RESAMPLED, OUTSIDE, LARGER, INCOMPLETE = "resampled", "outside", "larger bars", "incomplete"


def add_to(job: "BarJob") -> None:
    """Adds the options of larger bars."""
    group, usual = job.add_group("Larger bars"), job.resampled_to
    group.add("--resample SPAN", _SPAN + (f" (default {usual})" if usual else ""))
    more = "" if job.without_resampling is None else f"; of bars as they are: {job.without_resampling}"
    group.add("--session HH:MM-HH:MM", _SESSION + more)
    group.add("--calendar CODE", _CALENDAR + more)
    group.add("--labels SIDE", _LABELS, choices=_SIDES)
    group.add("--closed SIDE", _CLOSED, choices=_SIDES)


def resampling_of(
    given: Namespace, span: str | None, columns: Sequence[str], uses_sessions: bool = False
) -> "list[Resampling]":
    """The larger bars that options ask for, with these columns; none without a span.

    uses_sessions: whether sessions say something without one.

    Raises UsageError where they do not go together, or for what no larger bar has.
    """
    if span is None:
        for name in _BESIDE[2:] if uses_sessions else _BESIDE:
            if (value := getattr(given, name)) is not None:
                raise UsageError(
                    f"--{name} {value}: says how larger bars are made, but none are asked for; add --resample SPAN,"
                    " e.g. --resample 1d, or leave it out"
                )
        return []
    if given.session is not None and given.calendar is not None:
        raise UsageError(
            f"--session {given.session} --calendar {given.calendar}: sessions are those of the hours, or of the"
            " exchange; give one of the two"
        )
    if given.slices is not None:
        raise UsageError(
            f"--slices {given.slices}: given with --resample, whose larger bars a slice would cut; leave one out"
        )
    from windrow.windows.periods import parse_span
    from windrow.windows.resample import Resampling

    names = tuple(dict.fromkeys(map(normalise, columns)))
    return [Resampling(parse_span(span), names, given.labels or "left", given.closed or "left")]


def check(given: Namespace) -> None:
    """Raises UsageError for sessions that there are not, and for mrjob's option with nearly the name of ours."""
    if getattr(given, "label", None) in _SIDES:
        raise UsageError(f"--label {given.label}: is the name of the run; of larger bars, give --labels {given.label}")
    if given.session is None and given.calendar is None:
        return
    from windrow.sessions import Exchange, Hours

    if given.session is not None:
        Hours(given.session, given.timezone)
    if given.calendar is not None:
        Exchange(given.calendar)


def with_sessions(job: "BarJob", settled: Settled) -> Settled:
    """What was settled, with an exchange's sessions for the tasks, which need not have its calendar.

    Raises UsageError where the inputs' dates are no times that sessions and spans could divide, InputError where they
    are beside times of others.
    """
    given, chain = job.options, job.resamplings()
    if chain or any(getattr(given, name, None) is not None for name in _OF_DAYS):
        _refuse_mixed(given, settled)
    if settled.dated and chain:
        _refuse_dates(given, chain[0])
    if given.calendar is None or not (chain or job.without_resampling):
        return settled
    from windrow.sessions import Exchange

    return replace(settled, calendar=Exchange(given.calendar).recorded())


def _refuse_mixed(given: Namespace, settled: Settled) -> None:
    """Raises InputError for inputs of dates beside others of times, where days are not those of UTC.

    A date among times is the midnight of UTC, which is in another day, or in no session.
    """
    asked = {"session": given.session, "calendar": given.calendar, "closed": given.closed, "timezone": given.timezone}
    found = [f"--{name} {value}" for name, value in asked.items() if value not in (None, "left", "UTC")]
    dates = [path for path, layout in settled.inputs.items() if layout.dated]
    if found and dates and not settled.dated:
        raise InputError(
            f"{dates[0]}: has dates, but other inputs have times, and which of their days by {found[0]} a date is, is"
            " not known; give inputs of dates or of times alone; times become dates by windrow resample --output-format"
            " parquet -o DIR"
        )


def _refuse_dates(given: Namespace, how: "Resampling") -> None:
    if not how.dated:
        raise UsageError(
            f"--resample {how.span}: the inputs have dates, so their bars are of days or more; give 1d, or a number of"
            " d, w or mo"
        )
    for name, why in (("session", "no hours of a day apply to"), ("closed", "have no begin or end")):
        if (value := getattr(given, name)) not in (None, "left"):
            raise UsageError(f"--{name} {value}: the inputs have dates, which {why}; leave it out")


class Larger:
    """A task's larger bars: those of the job's resamplings, one after another."""

    _steps: "list[Resampler]"

    def __init__(self, job: "BarJob") -> None:
        chain = job.resamplings()
        self._steps = []
        if not chain:
            return
        from windrow.windows.resample import Resampler

        dated, trading = job.settled.dated, _trading(job)
        for number, how in enumerate(chain):
            whole = number < len(chain) - 1 or not job.keeps_incomplete
            self._steps.append(Resampler(how, trading, dated, whole))
            dated, trading = how.dated, None

    def of(self, stretches: Iterable[Stretch]) -> Iterable[Stretch]:
        """The larger bars of these; the same ones if none are asked for."""
        for step in self._steps:
            stretches = step.stretches(stretches)
        return stretches

    @property
    def counts(self) -> Counter[str]:
        """What became of the bars."""
        if not self._steps:
            return Counter()
        first = self._steps[0].counts
        incomplete = sum(step.counts.incomplete for step in self._steps)
        return Counter(
            {
                RESAMPLED: first.bars,
                OUTSIDE: first.outside,
                LARGER: self._steps[-1].counts.larger,
                INCOMPLETE: incomplete,
            }
        )


def _trading(job: "BarJob") -> "Trading | None":
    from windrow.sessions import Days, Hours

    given, settled = job.options, job.settled
    if settled.calendar is not None:
        return settled.calendar
    if given.session is not None:
        return Hours(given.session, given.timezone)
    return Days(given.timezone) if given.timezone != "UTC" and not settled.dated else None


def warnings_of(given: Namespace, span: str | None, counts: Counter[str]) -> Iterator[str]:
    """What a user must be told of larger bars. Raises InputError if no bar was in a session."""
    bars, outside, larger = counts[RESAMPLED], counts[OUTSIDE], counts[LARGER]
    sessions = f"--session {given.session}" if given.session else f"--calendar {given.calendar}"
    if bars and outside == bars:
        raise InputError(
            f"{sessions}: none of the {bars:,} bars is in a session; check the times of the bars, and --timezone, in"
            " which times without a zone are"
        )
    if outside > bars // 2:
        yield (
            f"{sessions}: {outside:,} of {bars:,} bars are outside of sessions, more than half; check the times of the"
            " bars, and --timezone"
        )
    if bars - outside > 1 and larger == bars - outside:
        yield (
            f"--resample {span}: each larger bar is made of one bar, so bars are as long as that already, or longer;"
            " give a larger span"
        )
    if counts[INCOMPLETE]:
        yield f"--resample {span}: {counts[INCOMPLETE]:,} larger bars without any volume have no vwap, and are left out"


def described(chain: "Sequence[Resampling]", given: Namespace) -> dict[str, Any]:
    """The larger bars in an output's description."""
    return {
        "resample": {
            "spans": [str(how.span) for how in chain],
            "values": list(chain[-1].values),
            "session": given.session,
            "calendar": given.calendar,
            "labels": chain[0].label,
            "closed": chain[0].closed,
            "timezone": given.timezone,
        }
    }
