"""One collector of a table at a time, by the database's own lock: it ends with its connection, however that ends."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from windrow.errors import InputError
from windrow.storage.sql.connection import refusing
from windrow.storage.sql.uris import Place


@contextmanager
def locked(connection: Any, place: Place, patience: float = 0.0) -> Iterator[None]:
    """Holds the lock of a table in this block; waits for another's end for `patience` seconds.

    MariaDB and MySQL have GET_LOCK, PostgreSQL has advisory locks; SQLite has none that outlives a transaction, and a
    file beside the database, FILE-TABLE-collector, is locked: TABLE in lower case, as names of tables there have no
    case, and FILE is not a link to it. Raises InputError where another process holds it.
    """
    if place.dialect == "sqlite":
        with open(f"{Path(place.database).resolve()}-{place.table.lower()}-collector", "w") as file:
            _take(lambda: _flocked(file), place, patience)
            yield
        return
    with refusing(place):
        if place.dialect == "mysql":
            name = _digest(place.database, place.table.lower())  # some servers' names have no case
            take = f"SELECT GET_LOCK('windrow-{name.hex()[:40]}', 0)"
        else:
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
            name = _digest(place.database, str(schema), place.table)
            take = f"SELECT pg_try_advisory_lock({int.from_bytes(name[:8], 'big', signed=True)})"
        _take(lambda: bool(connection.exec_driver_sql(take).scalar()), place, patience)
        connection.commit()
    yield  # the connection's end is the lock's


def _digest(*names: str) -> bytes:
    return sha256(".".join(names).encode()).digest()


def _take(take: Callable[[], bool], place: Place, patience: float) -> None:
    end = time.monotonic() + patience
    while not take():
        if time.monotonic() >= end:
            raise InputError(f"{place.uri}: another collector is at work on it; wait until it is done, or end it")
        time.sleep(min(0.5, patience))


def _flocked(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
