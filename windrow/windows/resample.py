"""Bars of larger spans: minutes to hours, to days, weeks and months; in UTC, in a time zone, or in sessions.

A span is half-open, from its begin on and before its end, and never longer than what it is within:

    5min, 1h    within a day, or a session: counted from its midnight, or open, in time that passes. Where the span does
                not divide it, the last one ends with it: the hours of 09:30-16:00 are 09:30, ... 14:30 and 15:30-16:00
    1d          a day of the time zone, or a session, by the date that its exchange gives it
    1w, 1mo     the days from a Monday, or from the first of a month; 3mo begin in January, April, July and October.
                2d and 2w are counted from 1970-01-01, and from the Monday before it

Spans of a day and more are labelled by dates: their first day (`left`), or their last (`right`), as pandas' weeks and
months are; of one day both are that day. Shorter ones by the time of their begin, or of their end.

A larger bar holds the bars that there are: none is made of no bars, and a symbol's last one need not be complete. All
its values (windrow/windows/values.py) are exact over the decimals that floats print as, and rounded once, so they do
not depend on where a push ends. What is carried from push to push is one bar, and its sums as fractions: a month of
ticks takes no more memory than a minute of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from sort_keys.keys import decode_symbol, split_slice
from sort_keys.merge import Stretch
from windrow.arrays import Floats, Ints, Mask
from windrow.errors import InputError
from windrow.times import DAY, format_times
from windrow.windows.periods import Span
from windrow.windows.values import Runs, rule_of

#: Most bars that are resampled at once: their temporaries stay in the cache.
_MOST_BARS = 1 << 15
#: Magnitudes of values that kernels take, other than 0.
_LEAST, _MOST = 1e-15, 1e15


class Sessions(Protocol):
    """Sessions in order of time, (sessions,) each."""

    @property
    def days(self) -> Ints:
        """Midnights of their days (ns)."""
        ...

    @property
    def opens(self) -> Ints:
        """From when on bars are in them."""
        ...

    @property
    def closes(self) -> Ints:
        """Before when."""
        ...


class Trading(Protocol):
    """What has sessions: windrow/sessions.py."""

    def between(self, since: int, until: int) -> Sessions:
        """All sessions that have a time from `since` to `until`, and perhaps others; the same object if they are."""
        ...


@dataclass(frozen=True)
class Resampling:
    """Which larger bars to make: their span, the names of their values, and their labels.

    closed: whether bars' times are their begins (`left`), or their ends (`right`), so that a bar of 10:00 is of the
    span up to 10:00. Raises UsageError for values that are not known.
    """

    span: Span
    values: tuple[str, ...]
    label: Literal["left", "right"] = "left"
    closed: Literal["left", "right"] = "left"

    def __post_init__(self) -> None:
        _ = self.columns

    @cached_property
    def columns(self) -> list[str]:
        """The columns that are needed of the bars in them."""
        return list(dict.fromkeys(name for value in self.values for name in rule_of(value).columns))

    @property
    def dated(self) -> bool:
        """Whether the larger bars have dates in place of times."""
        return self.span.ns is None


class Spans(NamedTuple):
    """Of each bar its span, as a number that differs from one to the next, its label, and whether it has one."""

    numbers: Ints
    labels: Ints
    inside: Mask


class _Open(NamedTuple):
    """A larger bar that later bars may belong to."""

    symbol: bytes
    number: int
    label: int
    parts: list[Any]


class Resampler:
    """Turns stretches of bars into stretches of larger bars.

    trading: what has sessions; None: all days of UTC. dated: whether bars' times are dates, which are sessions' days.
    whole: larger bars without all of their values are left out, and values that kernels do not take are refused.
    `counts` has what became of the bars. Memory: some dozen temporaries of 32,768 bars, and one larger bar.

    >>> minutes = np.arange(4) * 60 * 10**9
    >>> bars = Stretch([b"AA"], np.array([0]), False, minutes, [np.array([1.0, 2.0, 4.0, 3.0])])
    >>> how = Resampling(Span(2, "min"), ("close", "mean_close"))
    >>> for larger in Resampler(how).stretches([bars]):
    ...     print(larger.times // (60 * 10**9), larger.values)
    [0] [array([2.]), array([1.5])]
    [2] [array([3.]), array([3.5])]
    """

    def __init__(
        self, how: Resampling, trading: Trading | None = None, dated: bool = False, whole: bool = True
    ) -> None:
        self._how, self._dated, self._whole = how, dated, whole
        self._trading = trading
        self._rules = [rule_of(name) for name in how.values]
        self._table: _Table | None = None
        self._open: _Open | None = None
        self._last: bytes | None = None  # the last symbol with a larger bar
        self.counts = Counts()

    def stretches(self, stretches: Iterable[Stretch]) -> Iterator[Stretch]:
        """Larger bars, in order. Raises InputError for a bar outside of what is known of an exchange."""
        for stretch in stretches:
            for piece in _pieces(stretch):
                yield from self._of(piece)
        if self._open is not None:
            last, self._open = self._open, None
            label = np.array([last.label])
            yield from self._told(Stretch([last.symbol], np.zeros(1, np.int64), False, label, self._row(last)))

    def _of(self, piece: Stretch) -> Iterator[Stretch]:
        """The larger bars that are complete by now."""
        spans = self._spans(piece.times)
        self.counts.bars += len(piece.times)
        if not spans.inside.all():
            self.counts.outside += int(np.count_nonzero(~spans.inside))
            piece, spans = _only(piece, spans)
        if not len(piece.times):
            return
        begins = _begins(spans.numbers, piece.starts)
        runs = Runs(dict(zip(self._how.columns, piece.values, strict=True)), begins, len(piece.times))
        known = [rule.of(runs) for rule in self._rules]
        columns = [rule.values(its, runs) for rule, its in zip(self._rules, known, strict=True)]
        larger = Stretch(piece.symbols, np.searchsorted(begins, piece.starts), False, spans.labels[begins], columns)
        first, last = (
            _Open(
                piece.symbols[at],
                int(spans.numbers[begins[at]]),
                int(larger.times[at]),
                [rule.part(its, runs, at) for rule, its in zip(self._rules, known, strict=True)],
            )
            for at in (0, -1)
        )
        yield from self._told(self._joined(larger, first, last))

    def _joined(self, larger: Stretch, first: _Open, last: _Open) -> Stretch:
        """Larger bars with what was open before them, and without the last one, which is open now."""
        before, self._open = self._open, last
        if before is None:
            return _without_last(larger)
        if (before.symbol, before.number) != (first.symbol, first.number):
            return _without_last(_after(before.symbol, before.label, self._row(before), larger))
        parts = [rule.joined(*both) for rule, *both in zip(self._rules, before.parts, first.parts, strict=True)]
        if len(larger.times) == 1:
            self._open = last._replace(parts=parts)
        for rule, part, column in zip(self._rules, parts, larger.values, strict=True):
            column[0] = rule.value(part)
        return _without_last(larger)

    def _row(self, one: "_Open") -> list[Floats]:
        return [np.array([rule.value(part)]) for rule, part in zip(self._rules, one.parts, strict=True)]

    def _told(self, larger: Stretch) -> Iterator[Stretch]:
        """Larger bars as the next kernel takes them, if there are any."""
        self.counts.larger += len(larger.times)
        if self._whole:
            larger = self._checked(larger)
        if len(larger.times):
            continued = larger.symbols[0] == self._last
            self._last = larger.symbols[-1]
            yield larger._replace(continued=continued)

    def _checked(self, stretch: Stretch) -> Stretch:
        """Those with all of their values. Raises InputError for a value that kernels do not take."""
        for name, values in zip(self._how.values, stretch.values, strict=True):
            magnitude = np.abs(values)
            outside = (magnitude > _MOST) | ((magnitude < _LEAST) & (magnitude > 0))
            if outside.any():
                raise self._beyond(name, stretch, int(np.argmax(outside)))
        missing = np.logical_or.reduce([np.isnan(values) for values in stretch.values])
        if not missing.any():
            return stretch
        self.counts.incomplete += int(np.count_nonzero(missing))
        return _kept(stretch, ~missing)

    def _beyond(self, name: str, stretch: Stretch, at: int) -> InputError:
        owner = stretch.symbols[int(np.searchsorted(stretch.starts, at, side="right")) - 1]
        time = format_times(stretch.times[at : at + 1], self._how.dated)[0].decode()
        value = float(stretch.values[self._how.values.index(name)][at])
        column = rule_of(name).columns[0]
        return InputError(
            f"--resample {self._how.span}: {name} of {decode_symbol(split_slice(owner)[0])} at {time} is {value!r}:"
            f" values are 0, or from 1e-15 to 1e15; scale the column, e.g. --scale {column}=1e-3"
        )

    # Spans.

    def _spans(self, times: Ints) -> Spans:
        """The spans of bars. Raises what `Trading.between` raises."""
        if self._how.closed == "right" and not self._dated:
            times = times - 1
        if self._trading is None:
            return self._of_days(times, times // DAY * DAY)
        return self._of_sessions(times, self._trading)

    def _of_days(self, times: Ints, midnights: Ints) -> Spans:
        span, right = self._how.span, self._how.label == "right"
        inside = np.ones(len(times), bool)
        if span.ns is None:
            if span == Span(1, "d"):
                return Spans(midnights, midnights, inside)
            first, last = span.days(midnights)
            return Spans(first, last if right else first, inside)
        begins = midnights + (times - midnights) // span.ns * span.ns
        return Spans(begins, np.minimum(begins + span.ns, midnights + DAY) if right else begins, inside)

    def _of_sessions(self, times: Ints, trading: Trading) -> Spans:
        sessions = trading.between(int(times.min()), int(times.max()))
        if self._table is None or self._table.sessions is not sessions:
            self._table = _Table.of(sessions, self._how, self._dated)
        table, span = self._table, self._how.span
        at = table.at(times)
        inside = at >= 0
        if span.ns is None:
            return Spans(table.first[at], table.labels[at], inside)
        opens = sessions.opens[at]
        begins = opens + (times - opens) // span.ns * span.ns
        right = self._how.label == "right"
        return Spans(begins, np.minimum(begins + span.ns, sessions.closes[at]) if right else begins, inside)


@dataclass
class Counts:
    """What became of bars: how many came, how many were outside of sessions; the larger bars, and those left out."""

    bars: int = 0
    outside: int = 0
    larger: int = 0
    incomplete: int = 0


class _Table(NamedTuple):
    """Sessions, the begins and ends by which bars are in them, the first day of each one's span, and its label."""

    sessions: Sessions
    begins: Ints
    ends: Ints
    first: Ints
    labels: Ints

    @classmethod
    def of(cls, sessions: Sessions, how: Resampling, dated: bool) -> "_Table":
        """The table for larger bars; bars that are dates are of the session of that date."""
        days = sessions.days
        first, last = how.span.days(days) if how.dated else (days, days)
        begins, ends = (days, days + DAY) if dated else (sessions.opens, sessions.closes)
        return cls(sessions, begins, ends, first, last if how.label == "right" else first)

    def at(self, times: Ints) -> Ints:
        """The position of the session of each time, -1 for one in none."""
        at = np.searchsorted(self.begins, times, side="right") - 1
        return np.where((at >= 0) & (times < self.ends[at]), at, -1)


def _pieces(stretch: Stretch) -> Iterator[Stretch]:
    """A stretch in pieces that are short enough; of an empty one, none."""
    for begin in range(0, len(stretch.times), _MOST_BARS):
        end = begin + _MOST_BARS
        if not begin and end >= len(stretch.times):
            yield stretch
            return
        low = int(np.searchsorted(stretch.starts, begin, side="right")) - 1
        high = int(np.searchsorted(stretch.starts, end))
        starts = np.maximum(stretch.starts[low:high] - begin, 0)
        values = [column[begin:end] for column in stretch.values]
        yield Stretch(stretch.symbols[low:high], starts, False, stretch.times[begin:end], values)


def _after(symbol: bytes, label: int, row: Sequence[Floats], larger: Stretch) -> Stretch:
    """Larger bars after one that was complete, of the same symbol or another."""
    starts, symbols = larger.starts + 1, larger.symbols
    if symbol == symbols[0]:
        starts[0] = 0
    else:
        starts, symbols = np.append(0, starts), [symbol, *symbols]
    columns = [np.append(one, column) for one, column in zip(row, larger.values, strict=True)]
    return Stretch(symbols, starts, False, np.append(label, larger.times), columns)


def _without_last(larger: Stretch) -> Stretch:
    """All but the last larger bar; a symbol that has no others has none yet."""
    left = len(larger.times) - 1
    symbols = int(np.searchsorted(larger.starts, left))
    columns = [column[:-1] for column in larger.values]
    return Stretch(larger.symbols[:symbols], larger.starts[:symbols], False, larger.times[:-1], columns)


def _begins(numbers: Ints, starts: Ints) -> Ints:
    """Where runs of bars of one symbol and span begin."""
    new = np.empty(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=new[1:])
    new[starts] = True
    return np.flatnonzero(new)


def _only(piece: Stretch, spans: Spans) -> tuple[Stretch, Spans]:
    """The bars that have a span."""
    kept = _kept(piece, spans.inside)
    numbers, labels = spans.numbers[spans.inside], spans.labels[spans.inside]
    return kept, Spans(numbers, labels, np.ones(len(numbers), bool))


def _kept(stretch: Stretch, keep: Mask) -> Stretch:
    """Some bars of a stretch, and the symbols that have any."""
    starts: Ints = (np.cumsum(keep) - keep)[stretch.starts]
    left = int(np.count_nonzero(keep))
    has_any: Mask = np.diff(starts, append=left) > 0
    symbols = [symbol for symbol, some in zip(stretch.symbols, has_any.tolist(), strict=True) if some]
    values = [column[keep] for column in stretch.values]
    return Stretch(symbols, starts[has_any], stretch.continued, stretch.times[keep], values)
