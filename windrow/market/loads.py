"""What a database knows of its loads: bars, watermarks and counts, which change together or not at all.

A symbol's bars are one transaction. It holds the symbol's watermark, puts the bars in by way of a staging table, and
counts them in the row of its load, so that a collector that was killed leaves whole symbols only; a bar that differs
from the one that is there takes its place and the load's number, and any other stays untouched.

Whether a COMMIT whose answer was lost has happened, the load's number of transactions tells.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa

from windrow.errors import InputError
from windrow.market.sources import Fetched
from windrow.storage.sql.connection import connected, refusing
from windrow.storage.sql.lock import locked
from windrow.storage.sql.schema import BARS, VALUES, prepare, quoted
from windrow.storage.sql.staging import STAGE, append, distinct, merge, stage
from windrow.storage.sql.uris import Place
from windrow.times import DAY, format_duration

_ROWS = BARS[:-1]
_KEY = ("symbol", "ts")
#: Seconds in which a server notices that a lost connection, which had the lock, is gone.
_PATIENCE = 20.0
#: Bars `b` of a symbol between two times.
_SPAN = "b.symbol = :symbol AND b.ts >= :first AND b.ts <= :last"
#: Until how long after its begin a load that was broken off is gone on with: a daily one is a new one.
AGE = DAY // 2
_EPOCH = datetime(1970, 1, 1)


class Load(NamedTuple):
    """A load: its number, and the times that it is about, [since, until), ns UTC."""

    number: int
    since: int
    until: int


class Revised(NamedTuple):
    """Bars that differ from those that were there: how many, from when to when, and new / old closes."""

    bars: int
    first: int
    last: int
    least: float
    most: float

    @property
    def is_factor(self) -> bool:
        """Whether all closes changed by one factor, as by a split."""
        return self.least > 0 and abs(self.least - 1) > 0.01 and self.most / self.least < 1.001


class Put(NamedTuple):
    """What a symbol's bars changed: how many were new, how many as they were, and the others."""

    inserted: int
    same: int
    revised: Revised | None


@dataclass
class Ledger:
    """The tables of windrow's that a URI names, in a connection that has their lock; by `opened`."""

    place: Place
    _stack: ExitStack = field(default_factory=ExitStack)
    _connection: Any = None
    _transactions: dict[int, int] = field(default_factory=dict)
    """How many transactions of each load are known to be committed."""
    _doubtful: tuple[str, int, Put] | None = None

    def begin(
        self, asked: str, since: int, until: int, now: int, resumed: bool = True, interval: int | None = None
    ) -> Load:
        """A new load; or, where the last of these words began less than AGE ago and has not finished, that one.

        `interval` is the time between its bars in ns, if it is known.
        """
        loads = self._name("_loads")
        with refusing(self.place):
            found = self._query(
                f"SELECT load_id, since, until, started, transactions FROM {loads}"
                " WHERE asked = :asked AND finished IS NULL ORDER BY load_id DESC",
                asked=asked,
            )
            if resumed and found and now - self._ns(found[0][3]) < AGE:
                number, begin, end, _, self._transactions[found[0][0]] = found[0]
                self._connection.commit()
                return Load(number, self._ns(begin), self._ns(end))
            number = (self._query(f"SELECT MAX(load_id) FROM {loads}")[0][0] or 0) + 1
            self._query(
                f"INSERT INTO {loads}"
                " (load_id, asked, since, until, started, transactions, inserted, revised, interval_ns)"
                " VALUES (:number, :asked, :since, :until, :now, 0, 0, 0, :interval)",
                number=number, asked=asked, since=self._time(since), until=self._time(until), now=self._time(now),
                interval=interval,
            )  # fmt: skip
            self._connection.commit()
        self._transactions[number] = 0
        return Load(number, since, until)

    def refuse_interval(self, interval: int) -> None:
        """Raises InputError where a load has put in bars at another distance (ns): no job could tell them apart.

        Loads whose distance is not known say nothing.
        """
        loads = self._name("_loads")
        with refusing(self.place):
            there = self._query(
                f"SELECT MIN(interval_ns) FROM {loads} WHERE inserted > 0 AND interval_ns <> :interval",
                interval=interval,
            )[0][0]
            self._connection.commit()
        if there is not None:
            raise InputError(
                f"{self.place.uri}: has bars of {format_duration(there)}, and these are of"
                f" {format_duration(interval)}, which no job could tell apart; give these a table of their own by"
                " ?table=NAME"
            )

    def finish(self, load: Load, now: int) -> None:
        """Marks a load as done."""
        with refusing(self.place):
            self._query(
                f"UPDATE {self._name('_loads')} SET finished = :now WHERE load_id = :load",
                now=self._time(now), load=load.number,
            )  # fmt: skip
            self._connection.commit()

    def enrol(self, symbols: Sequence[str]) -> None:
        """Gives each symbol a watermark, without a time where it has none."""
        ignore = "INSERT IGNORE" if self.place.dialect == "mysql" else "INSERT"
        conflict = "" if self.place.dialect == "mysql" else " ON CONFLICT DO NOTHING"
        with refusing(self.place):
            self._query(
                f"{ignore} INTO {self._name('_watermarks')} (symbol, load_id) VALUES (:symbol, 0){conflict}",
                [{"symbol": symbol} for symbol in symbols],
            )
            self._connection.commit()

    def watermarks(self) -> dict[str, tuple[int | None, int]]:
        """For each symbol the time of its newest bar, and the last load that was there."""
        with refusing(self.place):
            rows = self._query(f"SELECT symbol, upto, load_id FROM {self._name('_watermarks')}")
            self._connection.commit()
        return {symbol: (None if upto is None else self._ns(upto), load) for symbol, upto, load in rows}

    def put(self, load: Load, bars: Fetched) -> Put:
        """Puts a symbol's bars in, in one transaction, or confirms that it was done although the answer was lost.

        Raises PassingError where it may be asked again, after `reopen`.
        """
        with refusing(self.place):
            doubtful = self._doubtful
            happened = doubtful is not None and self._happened(load)
            self._doubtful = None
            if doubtful and happened and doubtful[:2] == (bars.symbol, load.number):
                return doubtful[2]
            try:
                done = self._put(load, bars)
            except BaseException:
                self._rollback()
                raise
            self._doubtful = (bars.symbol, load.number, done)
            self._connection.commit()
        self._doubtful = None
        self._transactions[load.number] += 1
        return done

    def reopen(self) -> None:
        """Connects again, and takes the lock again."""
        with suppress(InputError):  # whose connection is lost
            self._stack.close()
        self._connection = self._stack.enter_context(connected(self.place, writes=True))
        self._stack.enter_context(locked(self._connection, self.place, _PATIENCE))

    def _happened(self, load: Load) -> bool:
        """Whether the transaction whose COMMIT got no answer was committed."""
        rows = self._query(f"SELECT transactions FROM {self._name('_loads')} WHERE load_id = :load", load=load.number)
        self._connection.commit()
        if rows[0][0] == self._transactions[load.number]:
            return False
        self._transactions[load.number] = int(rows[0][0])
        return True

    def _put(self, load: Load, bars: Fetched) -> Put:
        watermarks, symbol = self._name("_watermarks"), bars.symbol
        held = "" if self.place.dialect == "sqlite" else " FOR UPDATE"  # SQLite's transaction holds all
        rows = self._query(f"SELECT upto FROM {watermarks} WHERE symbol = :symbol{held}", symbol=symbol)
        upto = None if rows[0][0] is None else self._ns(rows[0][0])
        done = self._merged(load, bars) if len(bars.times) else Put(0, 0, None)
        newest = max([*bars.times[-1:].tolist(), *([] if upto is None else [upto])], default=None)
        self._query(
            f"UPDATE {watermarks} SET upto = :upto, load_id = :load WHERE symbol = :symbol",
            upto=None if newest is None else self._time(newest), load=load.number, symbol=symbol,
        )  # fmt: skip
        revised = done.revised.bars if done.revised else 0
        self._query(
            f"UPDATE {self._name('_loads')} SET transactions = transactions + 1, inserted = inserted + :inserted,"
            " revised = revised + :revised WHERE load_id = :load",
            inserted=done.inserted, revised=revised, load=load.number,
        )  # fmt: skip
        if done.inserted or revised:
            self._query(f"UPDATE {self._name('_version')} SET changes = changes + 1")
        return done

    def _merged(self, load: Load, bars: Fetched) -> Put:
        columns = [one for one in _ROWS if one.name == "ts" or one.name in bars.values]
        given: dict[str, int | str] = {"symbol": bars.symbol, "load_id": load.number}
        if not self._query(f"SELECT 1 FROM {self._name('')} b WHERE {_SPAN} LIMIT 1", **self._span(bars)):
            append(self._connection, self.place.table, columns, _table(bars), given)
            return Put(len(bars.times), 0, None)
        stage(self._connection, columns, _table(bars))
        there, differing = self._compared(bars)
        revised = self._revised(bars) if differing else None
        if there < len(bars.times) or differing:
            merge(self._connection, self.place.table, columns, _KEY, given)
        return Put(len(bars.times) - there, there - differing, revised)

    def _compared(self, bars: Fetched) -> tuple[int, int]:
        """How many of the staged bars are there, and how many of them differ."""
        counted = f"SELECT COUNT(*), SUM(CASE WHEN {self._differs(bars)} THEN 1 ELSE 0 END) {self._joined()}"
        there, differing = self._query(counted, **self._span(bars))[0]
        return int(there), int(differing or 0)

    def _revised(self, bars: Fetched) -> Revised:
        """What differs."""
        count, first, last, least, most = self._query(
            "SELECT COUNT(*), MIN(b.ts), MAX(b.ts), MIN(s.close / NULLIF(b.close, 0)),"
            f" MAX(s.close / NULLIF(b.close, 0)) {self._joined()} AND {self._differs(bars)}",
            **self._span(bars),
        )[0]
        return Revised(int(count), self._ns(first), self._ns(last), float(least or 1), float(most or 1))

    def _joined(self) -> str:
        """Staged bars, each with that of its key; in this order, whatever statistics say."""
        join = {"mysql": "STRAIGHT_JOIN", "sqlite": "CROSS JOIN"}.get(self.place.dialect, "JOIN")
        return f"FROM {STAGE} s {join} {self._name('')} b ON b.ts = s.ts WHERE {_SPAN}"

    def _differs(self, bars: Fetched) -> str:
        return distinct(self._connection, [name for name in VALUES if name in bars.values], "b", "s")

    def _span(self, bars: Fetched) -> dict[str, Any]:
        first, last = (self._time(int(bars.times[at])) for at in (0, -1))
        return {"symbol": bars.symbol, "first": first, "last": last}

    def _query(self, text: str, many: Sequence[Mapping[str, Any]] = (), **values: Any) -> list[Any]:
        found = self._connection.execute(_statement(text), many or values)
        return [tuple(row) for row in found] if found.returns_rows else []

    def _rollback(self) -> None:
        with suppress(InputError), refusing(self.place):  # a connection that is lost has rolled back
            self._connection.rollback()

    def _name(self, suffix: str) -> str:
        return quoted(self._connection, f"{self.place.table}{suffix}").replace("%%", "%")

    def _time(self, ns: int) -> Any:
        """A time as the database keeps it."""
        return ns // 1000 if self.place.dialect == "sqlite" else _EPOCH + timedelta(microseconds=ns // 1000)

    def _ns(self, time: Any) -> int:
        if self.place.dialect == "sqlite":
            return int(time) * 1000
        naive: datetime = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        return (naive - _EPOCH) // timedelta(microseconds=1) * 1000


@contextmanager
def opened(place: Place) -> Iterator[Ledger]:
    """The ledger of a table, which this process alone collects into; its tables are made, or brought up to date.

    Raises InputError.
    """
    ledger = Ledger(place)
    with ExitStack() as stack:
        stack.callback(lambda: ledger._stack.close())
        ledger._connection = ledger._stack.enter_context(connected(place, writes=True))
        ledger._stack.enter_context(locked(ledger._connection, place))
        with refusing(place):
            prepare(ledger._connection, place)
        yield ledger


def target_of(text: str) -> Place:
    """The table that a URI names, to collect into.

    Raises InputError for one that chooses rows, or has the name of one of windrow's other tables.
    """
    place = Place.of(text)
    uri = place.uri
    if place.where:
        raise InputError(
            f"{uri}&where={place.where[0]}: where= chooses rows to read, and collect writes; leave it out, or choose"
            " bars of inputs by --where"
        )
    name = place.table.lower()
    if name.startswith(("windrow_", "sqlite_")) or name.endswith(("_watermarks", "_loads", "_version")):
        raise InputError(
            f"{uri}: is the name of a table beside the bars; name another by ?table=NAME, which neither begins with"
            " windrow_ or sqlite_ nor ends with _watermarks, _loads or _version"
        )
    return place


@cache
def _statement(text: str) -> Any:
    """A statement, parsed once: there are some twenty, and each is executed for every symbol."""
    from sqlalchemy import text as parsed

    return parsed(text)


def _table(bars: Fetched) -> pa.Table:
    """The bars as arrow's columns, but their symbol; NaN is null."""
    times = pa.array(bars.times, pa.int64()).cast(pa.timestamp("ns"))
    return pa.table({"ts": times} | {name: pa.array(one, from_pandas=True) for name, one in bars.values.items()})
