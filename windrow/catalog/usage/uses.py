"""Uses of tables, counted by day: in a file, so that the memory does not grow with their number.

One query may be several events: it asks for a table's schema, for its partitions, and for its data. Of the events of
one user, table and day the most of any kind count, not all kinds together; so a table with partitions has no more
queries than one without. An event counts once, however many copies of it there are.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

from windrow.catalog.columns import symbol_of


class Table(NamedTuple):
    """A table, by the names under which snapshots have it."""

    account: str
    region: str
    database: str
    name: str


class Use(NamedTuple):
    """An event in which a table was used."""

    table: Table
    day: date
    event: str
    """What it and its copies have in common, and nothing else has."""
    kind: str = ""
    """What was asked for."""
    user: str | None = None
    """Who asked; None: nobody tells."""


class Uses(AbstractContextManager["Uses"]):
    """A count of uses, which threads may add to. Names of users are kept nowhere, not in its file either."""

    def __enter__(self) -> "Uses":
        self._folder = TemporaryDirectory(prefix="windrow-")
        self._file = sqlite3.connect(Path(self._folder.name, "uses"), check_same_thread=False, isolation_level=None)
        self._lock = Lock()
        self._tables: dict[Table, int] = {}
        self._file.executescript(
            "pragma journal_mode = off; pragma synchronous = off; pragma temp_store = file;"
            " create table uses (day integer, tablenumber integer, kind text, event blob, user blob); begin"
        )
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()
        self._folder.cleanup()

    def add(self, uses: Iterable[Use]) -> None:
        """Counts these uses."""
        with self._lock:
            self._file.executemany(
                "insert into uses values (?, ?, ?, ?, ?)",
                (
                    (one.day.toordinal(), self._number(one.table), one.kind, _digest(one.event), _digest(one.user))
                    for one in uses
                ),
            )

    def _number(self, table: Table) -> int:
        return self._tables.setdefault(table, len(self._tables))

    def rows(self, day: date) -> Iterator[dict[str, Any]]:
        """What was used on a day: a row for each table, without the run."""
        tables = list(self._tables)
        self._file.execute("create index if not exists by_day on uses (day, tablenumber, kind, event)")
        for number, queries, users in self._file.execute(_COUNTED, (day.toordinal(),)):
            table = tables[number]
            yield {
                "symbol": symbol_of(*table),
                "account": table.account,
                "region": table.region,
                "databasename": table.database,
                "tablename": table.name,
                "queries": queries,
                "users": users or None,
            }


_COUNTED = """
    with once as (
        select tablenumber, kind, event, min(user) as user from uses where day = ? group by tablenumber, kind, event
    ),
    by_kind as (select tablenumber, kind, user, count(*) as number from once group by tablenumber, kind, user),
    by_user as (select tablenumber, user, max(number) as number from by_kind group by tablenumber, user)
    select tablenumber, sum(number), count(user) from by_user group by tablenumber
"""


def _digest(text: str | None) -> bytes | None:
    return None if text is None else blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
