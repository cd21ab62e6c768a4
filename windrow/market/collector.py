"""The collector: from a source into a database, symbol by symbol, so that it may be stopped and run again at any time.

A symbol is fetched and put in one transaction, and tried again, ever later, where its source or the database gives no
answer. A load that was broken off goes on with the symbols that are left; one a week later asks from each symbol's
watermark on, so that a missed week is made up for as far as the source reaches.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple, TypeVar

from windrow.arrays import Ints
from windrow.errors import InputError, WindrowError
from windrow.market.gaps import Gaps, ended, gaps, grid
from windrow.market.loads import Ledger, Load, Put, Revised
from windrow.market.sources import Fetched, Prices, TryLaterError
from windrow.sessions import Trading
from windrow.storage.sql.connection import PassingError
from windrow.times import format_time

Result = TypeVar("Result")

#: Attempts at a symbol, and the longest wait between two, in seconds.
ATTEMPTS, LONGEST_WAIT = 5, 300.0
#: Symbols in a row without an answer, after which a source is given up.
_SILENT = 3
#: Lines of a report for each kind of finding.
_TOLD = 20

#: Takes symbols done, of how many, and bars so far.
Progress = Callable[[int, int, int], object]


class Asked(NamedTuple):
    """What a load asks a source for: symbols, and times [since, until), ns UTC; by its words a load is found again."""

    words: str
    symbols: Sequence[str]
    since: int
    until: int
    caught_up: bool = False
    """Whether symbols are asked for from their watermarks on, where those are earlier."""


@dataclass
class Report:
    """What a load did, by symbol; `symbols`, `earlier`, `failed` and `unasked` are all that it was asked for."""

    place: str
    load: Load
    symbols: int = 0
    inserted: int = 0
    revised: int = 0
    same: int = 0
    earlier: int = 0
    """Symbols that an attempt before had done."""
    revisions: dict[str, Revised] = field(default_factory=dict)
    gaps: dict[str, Gaps] = field(default_factory=dict)
    unreached: dict[str, int] = field(default_factory=dict)
    """Symbols whose newest bar is older than the source reaches, and its time."""
    empty: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    unasked: int = 0
    """Symbols whose turn had not come when the source was given up."""

    @property
    def left(self) -> int:
        """How many symbols the same command would go on with."""
        return len(self.failed) + self.unasked

    def add(self, bars: Fetched, put: Put) -> None:
        """Takes what a symbol's bars changed."""
        self.symbols += 1
        self.inserted += put.inserted
        self.same += put.same
        if put.revised:
            self.revised += put.revised.bars
            self.revisions[bars.symbol] = put.revised
        if not len(bars.times):
            self.empty.append(bars.symbol)

    def lines(self) -> list[str]:
        """The report as text."""
        again = f"; {self.earlier:,} symbols were done before" if self.earlier else ""
        since, until = format_time(self.load.since), format_time(self.load.until)
        span = f"; asked for {since} to {until}" if self.load.until else ""
        return [
            f"load {self.load.number}: {self.symbols:,} symbols, {self.inserted:,} new bars, {self.revised:,} revised,"
            f" {self.same:,} as they were, in {self.place}{span}{again}",
            *_few([_told_revised(symbol, one) for symbol, one in self.revisions.items()]),
            *_few([_told_gaps(symbol, one) for symbol, one in self.gaps.items()]),
            *_few([_told_unreached(symbol, upto) for symbol, upto in self.unreached.items()]),
            *([f"no bars: {', '.join(self.empty[:_TOLD])}{' ...' if len(self.empty) > _TOLD else ''}"]
              if self.empty else []),
            *([f"not collected: {len(self.failed):,} symbols that failed, and {self.unasked:,} that were not asked for"]
              if self.left else []),
        ]  # fmt: skip


def collect(
    ledger: Ledger,
    source: Prices,
    asked: Asked,
    trading: Trading | None,
    progress: Progress = lambda done, of, bars: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], int] = time.time_ns,
) -> Report:
    """Collects symbols from a source, each up to its last bar that has ended by now.

    With `trading`, missing bars of its sessions are found, and the last bar of a session, which may be short, ends
    with it.

    Raises InputError where the database gives no answer any more, where a source has answered for no symbol, and for a
    span that it does not reach.
    """
    retry, now = _Retry(ledger, sleep), clock()
    load = retry.of_database(lambda: ledger.begin(asked.words, asked.since, asked.until, now, interval=source.interval))
    retry.of_database(lambda: ledger.enrol(asked.symbols))
    marks = retry.of_database(ledger.watermarks)
    left = [symbol for symbol in asked.symbols if marks.get(symbol, (None, 0))[1] != load.number]
    report = Report(str(ledger.place), load, earlier=len(asked.symbols) - len(left))
    expected = cache(lambda since: _expected(trading, since, load.until, source.interval, now) if trading else None)
    silent = 0
    for number, symbol in enumerate(left):
        progress(number, len(left), report.inserted + report.revised + report.same)
        since = _since(symbol, marks.get(symbol, (None, 0))[0], load, asked, source, now, report)
        try:
            fetched = retry.of_source(partial(source.fetch, symbol, since, load.until))
        except TryLaterError as error:
            report.failed[symbol], silent = str(error), silent + 1
            if silent == _SILENT:
                report.unasked = len(left) - number - 1
                break
            continue
        except InputError as error:
            report.failed[symbol] = str(error)
            continue
        silent, bars = 0, fetched.where(ended(trading, fetched.times, source.interval, now))
        report.add(bars, retry.of_database(partial(ledger.put, load, bars)))
        if len(bars.times) and (asked_for := expected(since)):
            _note_gaps(report, symbol, bars.times, asked_for)
    if not report.left:
        retry.of_database(lambda: ledger.finish(load, clock()))
        _refuse_empty(report, len(left))
    return report


def collect_filed(
    ledger: Ledger,
    words: str,
    symbols: Sequence[str],
    bars: Iterable[Fetched],
    trading: tuple[Trading, int] | None,
    progress: Progress = lambda done, of, bars: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], int] = time.time_ns,
    interval: int | None = None,
) -> Report:
    """Puts bars that are here, each once, into a database; `trading` has sessions and the ns between bars, for gaps.

    `interval` is how far most of them are apart (ns), if that is known. Raises InputError where the database gives no
    answer any more.
    """
    retry = _Retry(ledger, sleep)
    load = retry.of_database(lambda: ledger.begin(words, 0, 0, clock(), resumed=False, interval=interval))
    retry.of_database(lambda: ledger.enrol(symbols))
    report = Report(str(ledger.place), load)
    for number, one in enumerate(bars):
        progress(number, len(symbols), report.inserted + report.revised + report.same)
        report.add(one, retry.of_database(partial(ledger.put, load, one)))
        if trading:
            first, last = int(one.times[0]), int(one.times[-1])
            _note_gaps(report, one.symbol, one.times, grid(trading[0], first, last + 1, trading[1]))
    retry.of_database(lambda: ledger.finish(load, clock()))
    return report


class _Retry:
    """Tries again, ever later, what gave no answer."""

    def __init__(self, ledger: Ledger, sleep: Callable[[float], None]) -> None:
        self._ledger, self._sleep = ledger, sleep

    def of_source(self, work: Callable[[], Fetched]) -> Fetched:
        """What a source answers in the end."""
        return self._tried(work, work, TryLaterError)

    def of_database(self, work: Callable[[], Result]) -> Result:
        """What the database answers in the end, over another connection where one is lost."""

        def again() -> Result:
            self._ledger.reopen()
            return work()

        return self._tried(work, again, PassingError)

    def _tried(self, first: Callable[[], Result], again: Callable[[], Result], passing: type[WindrowError]) -> Result:
        work = first
        for attempt in range(ATTEMPTS - 1):
            try:
                return work()
            except passing as error:
                wait = 2.0**attempt * max(1.0, getattr(error, "seconds", 0.0))
                self._sleep(min(wait, LONGEST_WAIT) * random.uniform(0.5, 1.0))  # noqa: S311  no secret
                work = again
        return work()


def _since(symbol: str, upto: int | None, load: Load, asked: Asked, source: Prices, now: int, report: Report) -> int:
    """From when on a symbol is asked for: from its newest bar, if that is earlier and the source reaches so far."""
    if not asked.caught_up or upto is None or upto >= load.since:
        return load.since
    reach = source.reach(now)
    if upto < reach:
        report.unreached[symbol] = upto
    return min(max(upto, reach), load.since)


def _expected(trading: Trading, since: int, until: int, interval: int, now: int) -> tuple[Ints, Ints]:
    """The bars of sessions, as `grid` gives them, that have ended."""
    times, days = grid(trading, since, until, interval)
    over = ended(trading, times, interval, now)
    return times[over], days[over]


def _note_gaps(report: Report, symbol: str, found: Ints, expected: tuple[Ints, Ints]) -> None:
    if missing := gaps(found, *expected):
        report.gaps[symbol] = missing


def _refuse_empty(report: Report, asked: int) -> None:
    """Raises InputError where no symbol had a bar."""
    if asked and len(report.empty) == asked and not report.earlier:
        since, until = format_time(report.load.since), format_time(report.load.until)
        raise InputError(
            f"the source has no bar of any of the {asked:,} symbols from {since} to {until}; check the symbols, and ask"
            " for other times by --last, or --from and --until"
        )


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - _TOLD
    return [*lines[:_TOLD], *([f"... and {more:,} more symbols"] if more > 0 else [])]


def _told_revised(symbol: str, one: Revised) -> str:
    span = f"{one.bars:,} bars from {format_time(one.first)} to {format_time(one.last)}"
    if one.is_factor:
        return (
            f"revised: {symbol}: {span}, all closes by the factor {one.least:.6g}: a split? Bars before"
            f" {format_time(one.first)} are on the old scale; collect them again by --from"
        )
    return f"revised: {symbol}: {span}, closes by {one.least:.6g} to {one.most:.6g}"


def _told_gaps(symbol: str, one: Gaps) -> str:
    return (
        f"missing: {symbol}: {one.missing:,} of {one.expected:,} bars, in {one.sessions:,} sessions; the most in a row"
        f" {one.longest:,}, {format_time(one.since)} to {format_time(one.until)}"
    )


def _told_unreached(symbol: str, upto: int) -> str:
    return f"lost: {symbol}: its newest bar was of {format_time(upto)}, and the source does not reach back so far"
