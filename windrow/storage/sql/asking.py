"""Which rows a database is asked for: conditions that every row keeps which windrow would take, with bound values.

They leave out what need not travel, and decide nothing: the rows that come are chosen anew by the rules of files
(windrow/bars/selection.py), which trim blanks, know time zones, and compare texts as texts. So a condition here may be
wider than what is asked for, never narrower. Rows whose time is none of windrow's stay in: files count them as invalid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from windrow.storage.sql.stored import TIMES, VALUE, Stored
from windrow.times import DAY, EARLIEST, LATEST

#: Symbols that are asked for one by one; of more all rows are read.
MOST_SYMBOLS = 250
#: What may stand around a symbol: those up to a blank, and the one that does not break a line.
_AFTER_BLANK, _NO_BREAK, _AFTER_NO_BREAK = "!", "\u00a0", "\u00a1"
#: What may lie between a time's clock and UTC, at most.
_CLOCKS = DAY


class Condition(NamedTuple):
    """A text of SQL with VALUE in place of each of its values."""

    text: str = ""
    values: tuple[Any, ...] = ()


def where(conditions: Sequence[Condition]) -> Condition:
    """All of these as a clause; an empty one of none."""
    text = " AND ".join(one.text for one in conditions)
    return Condition(f" WHERE {text}" if text else "", tuple(value for one in conditions for value in one.values))


@dataclass(frozen=True)
class Asked:
    """What is asked of a table: the columns of symbols and times, if known, and of these what rows must have.

    symbols: none: all. since, until: ns since 1970, by the clock of the times or UTC's; until is excluded. texts: for
    columns of text, what they may hold, with blanks around it.
    """

    symbol: Stored | None = None
    time: Stored | None = None
    symbols: tuple[str, ...] = ()
    since: int = EARLIEST
    until: int = LATEST + 1
    texts: tuple[tuple[Stored, tuple[str, ...]], ...] = ()

    @property
    def everything(self) -> "Asked":
        """The same without conditions."""
        return Asked(self.symbol, self.time)

    def where(self, texts: Sequence[tuple[Stored, tuple[str, ...]]]) -> "Asked":
        """The same with more columns of text."""
        return replace(self, texts=(*self.texts, *texts))

    def conditions(self, dialect: "Dialect") -> list[Condition]:
        """All that a row must keep."""
        found = [dialect.holds(column, accepted) for column, accepted in self.texts if _is_plain(accepted)]
        if self.symbol is not None and 0 < len(self.symbols) <= MOST_SYMBOLS:
            found.append(dialect.has_symbol(self.symbol, self.symbols))
        if self.time is not None and (self.since > EARLIEST or self.until <= LATEST):
            found.append(dialect.is_within(self.time, self.since, self.until))
        return [one for one in found if one is not None]


def _is_plain(accepted: Sequence[str]) -> bool:
    """Whether texts can be looked for in any character set; an empty one is in every text, and NULL."""
    return all(text and text.isascii() for text in accepted)


class Dialect:
    """How conditions are written."""

    def name(self, name: str) -> str:
        """A name of a column in quotes."""
        return '"' + name.replace('"', '""') + '"'

    def bytes_of(self, column: Stored) -> str:
        """A column of texts that compares as bytes do."""
        return self.name(column.name)

    def contains(self, column: str) -> str:
        """The condition that a column has a text in it."""
        raise NotImplementedError

    def moment(self, column: Stored, ns: int) -> Any:
        """A time as the value that a column is compared with."""
        return str(np.datetime64(ns // 1000, "us")).replace("T", " ")

    def is_timed(self, column: Stored) -> str:
        """The condition that a time is not midnight."""
        raise NotImplementedError

    def odd_times(self, column: Stored) -> list[str]:
        """Conditions for what is no time, and yet between two of them."""
        return []

    def compares_times(self, column: Stored) -> bool:
        """Whether the database knows a column's values as times."""
        return column.kind in TIMES

    def holds(self, column: Stored, accepted: Sequence[str]) -> Condition | None:
        """That a column has any of these texts in it; None where it is no text to the database."""
        if column.kind != "text":
            return None
        return Condition(f"({' OR '.join([self.contains(self.name(column.name))] * len(accepted))})", tuple(accepted))

    def has_symbol(self, column: Stored, symbols: Sequence[str]) -> Condition | None:
        """That a symbol is one of these, with or without blanks around it: by ranges, so that an index serves."""
        if column.kind != "text":
            return None
        name, texts, values = self.bytes_of(column), list[str](), list[str]()

        def between(low: str, high: str) -> None:
            texts.append(f"({name} >= {VALUE} AND {name} < {VALUE})")
            values.extend((low, high))

        texts.append(f"{name} < {VALUE}")  # blanks before it
        values.append(_AFTER_BLANK)
        if column.has_unicode:
            between(_NO_BREAK, _AFTER_NO_BREAK)
        for symbol in symbols:
            if not column.has_unicode and not symbol.isascii():
                continue
            texts.append(f"{name} = {VALUE}")
            values.append(symbol)
            between(f"{symbol}\t", symbol + _AFTER_BLANK)
            if column.has_unicode:
                between(symbol + _NO_BREAK, symbol + _AFTER_NO_BREAK)
        return Condition(f"({' OR '.join(texts)})", tuple(values))

    def is_within(self, column: Stored, since: int, until: int) -> Condition | None:
        """That a time is within a span, a day wider than asked for, or none of windrow's times."""
        if not self.compares_times(column):
            return None
        name = self.name(column.name)
        first, last = self.moment(column, EARLIEST // 1000 * 1000), self.moment(column, LATEST)
        low = self.moment(column, max(since - _CLOCKS, EARLIEST))
        high = self.moment(column, min(until + _CLOCKS, LATEST))
        odd = " OR ".join([f"{name} <= {VALUE}", f"{name} >= {VALUE}", f"{name} IS NULL", *self.odd_times(column)])
        return Condition(f"(({name} >= {VALUE} AND {name} <= {VALUE}) OR {odd})", (low, high, first, last))


class Mysql(Dialect):
    """MariaDB and MySQL."""

    def name(self, name: str) -> str:
        """A name in back quotes."""
        return "`" + name.replace("`", "``") + "`"

    def bytes_of(self, column: Stored) -> str:
        """A column of texts that compares as bytes do."""
        name = self.name(column.name)
        return name if column.by_bytes else f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"

    def contains(self, column: str) -> str:
        """The condition that a column has a text in it."""
        return f"LOCATE({VALUE}, {column}) > 0"

    def is_timed(self, column: Stored) -> str:
        """The condition that a time is not midnight."""
        return f"TIME({self.name(column.name)}) <> '00:00:00'"

    def odd_times(self, column: Stored) -> list[str]:
        """Days and months may be 0, unless it is a TIMESTAMP or windrow's own; no index helps to find them."""
        name = self.name(column.name)
        return [] if column.kind == "instant" else [f"MONTH({name}) * DAYOFMONTH({name}) = 0"]


class Postgresql(Dialect):
    """PostgreSQL, whose connections are UTC's."""

    def bytes_of(self, column: Stored) -> str:
        """A column of texts that compares as bytes do."""
        name = self.name(column.name)
        return name if column.by_bytes else f'{name}::text COLLATE "C"'

    def contains(self, column: str) -> str:
        """The condition that a column has a text in it."""
        return f"position({VALUE} in {column}::text) > 0"

    def is_timed(self, column: Stored) -> str:
        """The condition that a time is not midnight."""
        name = self.name(column.name)
        return f"isfinite({name}) AND {name} <> date_trunc('day', {name})"


class Sqlite(Dialect):
    """SQLite: of times only those of windrow's own tables are known, microseconds since 1970."""

    def bytes_of(self, column: Stored) -> str:
        """A column of texts that compares as bytes do."""
        return f"{self.name(column.name)} COLLATE BINARY"

    def contains(self, column: str) -> str:
        """The condition that a column has a text in it."""
        return f"instr({column}, {VALUE}) > 0"

    def moment(self, column: Stored, ns: int) -> Any:
        """Microseconds since 1970."""
        return ns // 1000

    def is_timed(self, column: Stored) -> str:
        """The condition that a time is not midnight."""
        return f"{self.name(column.name)} % {DAY // 1000} <> 0"

    def compares_times(self, column: Stored) -> bool:
        """Whether it is one of windrow's own."""
        return column.kind == "instant"


DIALECTS: dict[str, Dialect] = {"mysql": Mysql(), "postgresql": Postgresql(), "sqlite": Sqlite()}
