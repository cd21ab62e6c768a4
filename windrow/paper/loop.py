"""A forward test, page after page: each is taken, its orders are printed, and somebody may be alerted of them."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, NamedTuple

from windrow.bars.layout import Reading
from windrow.console import say
from windrow.errors import InputError, OutputError
from windrow.paper.alerts import Alert
from windrow.paper.checkpoint import BARS, ORDERS, Commit, Directory, as_made_of, refuse_other
from windrow.paper.disk import Disk, locked
from windrow.paper.incoming import Incoming, rejected_text
from windrow.paper.trader import CHANGED, LATE, REPEATS, Trader, header
from windrow.storage.manner import Manner
from windrow.storage.source import source_of
from windrow.storage.stream import Page, StreamSource
from windrow.times import SECOND
from windrow.trading.backtests import Strategy

#: How often (ns) it is noted that a stream has nothing new.
_IDLE = 30 * SECOND
#: Of what is kept in mind of how records are read; what is no rule: names of files, and what to do about them.
_NO_RULES = ("cures", "recursive", "symbol_from_filename", "symbol_from_path", "on_conflict", "skip_lines", "wide")
#: Options that are spelt otherwise than what they choose is called.
SPELLING = {
    "stream": "the stream", "since": "--from", "until": "--to", "time_columns": "--time-column", "values": "--column",
    "identity": "the stream's own id",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a user asks for."""

    stream: str
    strategy: Strategy
    reading: Reading
    manner: Manner
    place: Path
    alert: Alert | None = None
    quiet: bool = False

    @property
    def made_of(self) -> dict[str, Any]:
        """What a forward test is begun with, and goes on with."""
        reading = as_made_of(self.reading, leave_out=_NO_RULES)
        return {"stream": self.stream, **self.strategy.made_of(), **reading}


class Shown(NamedTuple):
    """What a page led to, for whoever looks on: lines of orders, and what they should be warned of."""

    orders: bytes
    open: bytes
    warnings: list[str]


_NOTHING = Shown(b"", b"", [])


class Paper:
    """One forward test in its directory, which must be locked."""

    def __init__(
        self,
        asked: Asked,
        disk: Disk | None = None,
        now: Callable[[], int] = time.time_ns,
        identity: str | None = None,
    ) -> None:
        self._directory, self._now = Directory(asked.place, disk), now
        commit, made_of = self._directory.read(), {**asked.made_of, "identity": identity}
        self._header = header(asked.strategy.columns)
        if commit is None:
            commit = Commit(made_of, began=now())
        refuse_other(asked.place, commit.made_of, made_of, SPELLING)
        self._commit = commit
        self._held: list[Page] = []  # while how records are read is open
        self._trader = Trader(asked.strategy, commit.symbols)
        self._incoming = Incoming(asked.stream, asked.reading, commit.rules)
        self.missed = self._directory.resume(commit)

    @property
    def commit(self) -> Commit:
        """What was taken."""
        return self._commit

    @property
    def read_until(self) -> int | None:
        """Up to which arrival (ns) all shards have been read."""
        reached = [at for shard, at in self._commit.reached.items() if shard not in self._commit.over]
        return min(reached, default=None)

    def take(self, page: Page) -> Shown:
        """Takes a page, wholly or not at all; or later, with others, while how the first records are read is open."""
        commit, now = self._commit, self._now()
        if not commit.taken:  # the stream is there, and can be read
            self._directory.begin(commit)
        is_new = page.records or page.over or commit.places.get(page.shard) != page.place
        if not is_new and (self._held or now - commit.taken < _IDLE):
            return _NOTHING
        self._held.append(page)
        if self._incoming.is_open([record for one in self._held for record in one.records]):
            return _NOTHING
        notes = self._incoming.notes if self._commit.rules is None else []
        held, self._held = self._held, []
        shown = [self._take(one, now) for one in held]
        return Shown(
            b"".join(one.orders for one in shown),
            b"".join(one.open for one in shown),
            [*notes, *(text for one in shown for text in one.warnings)],
        )

    def _take(self, page: Page, now: int) -> Shown:
        commit = self._commit
        self._incoming.controls = 0
        bars = self._incoming.bars(page.records)
        traded = None if bars is None else self._trader.push(bars, self._incoming.dated)
        counts = Counter(commit.counts)
        counts["records"] += len(page.records)
        counts["controls"] += self._incoming.controls
        if bars is not None and traded is not None:
            counts.update(traded.bars)
            counts["invalid"] += bars.rejected.total()
            counts["unselected"] += bars.unselected
        commit.counts = dict(counts)
        if page.place is not None:
            commit.places[page.shard] = page.place
        if page.over:
            commit.over = [*commit.over, page.shard]
        commit.behind[page.shard], commit.reached[page.shard] = page.behind, now - page.behind
        commit.rules, commit.symbols, commit.taken = self._incoming.rules, self._trader.carried(), now
        if traded is None:
            self._directory.take(commit, b"", b"", b"")
            return _NOTHING
        commit.told += bool(traded.orders or traded.open)
        first = b"" if commit.lengths[BARS] else self._header
        self._directory.take(commit, first + traded.taken, traded.values, traded.orders)
        return Shown(traded.orders, traded.open, list(_warnings(traded.bars, traded.left_out, bars)))

    @property
    def is_alerted(self) -> bool:
        """Whether alerts of all orders were run, as far as is known."""
        return self._directory.alerted() in (None, self._commit.told)

    def note_alerts(self) -> None:
        """Notes that they were."""
        self._directory.set_alerted(self._commit.told)


def _warnings(counts: Counter[str], left_out: str | None, bars: Any) -> Iterator[str]:
    told = {
        LATE: "older than its symbol's newest, so re-sent or too late",
        REPEATS: "sent again",
        CHANGED: "sent again with other prices",
    }
    what = [f"{counts[name]:,} {text}" for name, text in told.items() if counts[name]]
    if what:
        yield f"bars that are not traded: {'; '.join(what)}, e.g. {left_out}; what has been traded is not taken back"
    if bars.rejected:
        yield f"records that are no bars: {rejected_text(bars)}"


def follow(asked: Asked, write: Callable[[bytes], object]) -> None:
    """Follows the stream until somebody ends it; `write` gets the lines of orders. Raises WindrowError."""
    source = source_of(asked.stream)
    if not isinstance(source, StreamSource):
        raise InputError(
            f"{asked.stream}: is no stream, and a forward test follows one; give e.g. kinesis://NAME, and for files use"
            " windrow backtest"
        )
    try:
        asked.place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{asked.place}: cannot be made: {error.strerror}; give a directory by --state") from None
    with locked(asked.place), Ending() as ending:
        paper = Paper(asked, identity=source.identity(asked.stream))
        _greet(asked, paper)
        write(paper.missed)
        if asked.alert is not None:
            paper.note_alerts()
        commit = paper.commit
        pages = source.follow(asked.stream, dict(commit.places), list(commit.over), asked.manner, paper.read_until)
        for page in ending.until_asked(pages):
            shown = paper.take(page)
            say(*(f"warning: {text}" for text in shown.warnings))
            if lines := shown.orders + shown.open:
                write(lines)
                if asked.alert is not None:
                    asked.alert.run(lines)
                    paper.note_alerts()
    if not asked.quiet:
        say(f"ended; {asked.place} has all that was taken: go on with the same command")


def _greet(asked: Asked, paper: Paper) -> None:
    commit = paper.commit
    if asked.alert is not None and not paper.is_alerted:
        say(
            f"warning: the last alerts may not have been run: it ended between placing orders and alerting of them; the"
            f" last ones are in {asked.place / ORDERS}, those that are open in: windrow paper status {asked.place}"
        )
    if asked.quiet:
        return
    pair, done = asked.strategy.pair, commit.counts.get("bars", 0)
    how = f"goes on after {done:,} bars of {len(commit.symbols):,} symbols" if done else "begins"
    say(f"{asked.stream}: {pair.fast} over {pair.slow} {how}; state in {asked.place}; Ctrl-C ends it")


class Ending:
    """Lets a signal end a loop between two turns, or while it waits for the next; never within one."""

    def __init__(self) -> None:
        self._asked = self._waits = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Ending":
        if current_thread() is main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        self._asked = True
        if self._waits:
            self._waits = False
            raise KeyboardInterrupt

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        self._waits = True
        try:
            if self._asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._waits = False

    def until_asked(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages, until somebody asks to end."""
        while True:
            try:
                with self._waiting():
                    page = next(pages, None)
            except KeyboardInterrupt:
                return
            if page is None:
                return
            yield page
