"""Connections to databases, and what these refuse, in sentences that repeat no password."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from windrow.errors import InputError, required
from windrow.storage.sql import encryption
from windrow.storage.sql.uris import CONFIG, PASSWORD, Place

#: Seconds until a server has answered, and until another's lock is given up for.
ANSWER, LOCKED = 15, 60
_DRIVERS = {"sqlite": "sqlite+pysqlite", "mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
_MODULES = {"mysql": ("pymysql", "PyMySQL"), "postgresql": ("psycopg", "psycopg")}

#: Kinds of refusals: MySQL's numbers, PostgreSQL's states, and words of messages that have neither.
_AWAY, _LOST, _LOGIN, _DATABASE, _RIGHTS, _TABLE, _COLUMN, _BUSY, _READ_ONLY, _FULL, _NO_FILE, _TAKEN = range(12)
_UNSAFE, _NO_FILES, _NO_FOLDER = 12, 13, 14
_NUMBERS = {
    2002: _AWAY, 2003: _AWAY, 2005: _AWAY, 2006: _LOST, 2013: _LOST, 2014: _LOST, 2055: _LOST, 1053: _LOST, 1927: _LOST,
    1045: _LOGIN, 1698: _LOGIN, 1049: _DATABASE, 1044: _RIGHTS, 1142: _RIGHTS, 1143: _RIGHTS, 1227: _RIGHTS,
    1370: _RIGHTS, 1146: _TABLE, 1054: _COLUMN, 1205: _BUSY, 1213: _BUSY, 1290: _READ_ONLY, 1836: _READ_ONLY,
    1021: _FULL, 1114: _FULL, 1040: _BUSY, 1062: _TAKEN, 0: _LOST, 2026: _UNSAFE,
    1148: _NO_FILES, 3948: _NO_FILES, 4166: _NO_FILES,
}  # fmt: skip
_STATES = {
    "28P01": _LOGIN, "28000": _LOGIN, "3D000": _DATABASE, "42501": _RIGHTS, "42P01": _TABLE, "42703": _COLUMN,
    "40001": _BUSY, "40P01": _BUSY, "55P03": _BUSY, "53300": _BUSY, "25006": _READ_ONLY, "53100": _FULL,
    "57P01": _LOST, "57P02": _LOST, "57P03": _AWAY, "08006": _LOST, "08003": _LOST, "08001": _AWAY, "23505": _TAKEN,
}  # fmt: skip
_WORDS = (
    ("password authentication failed", _LOGIN), ("no password supplied", _LOGIN), ("no pg_hba.conf entry", _LOGIN),
    ("role ", _LOGIN), ("does not exist", _DATABASE), ("connection refused", _AWAY), ("could not translate", _AWAY),
    ("failed to resolve", _AWAY), ("timeout", _AWAY), ("timed out", _AWAY), ("no route", _AWAY),
    ("unreachable", _AWAY), ("is the server running", _AWAY), ("closed", _LOST), ("connection is lost", _LOST),
    ("server closed", _LOST), ("unable to open database file", _NO_FILE), ("file is not a database", _NO_FILE),
    ("no such table", _TABLE), ("no such column", _COLUMN), ("locked", _BUSY), ("readonly", _READ_ONLY),
    ("disk is full", _FULL), ("disk i/o", _FULL), ("malformed", _NO_FILE), ("unique constraint", _TAKEN),
)  # fmt: skip
#: What is said of a certificate that is not trusted, and of a server without any; MySQL's number is that of one away.
_DISTRUST = re.compile("certificate.verify.failed|certificate for .* does not match|does not support ssl")
_SENTENCES = {
    _AWAY: "does not answer ({said}); check host and port, and that the server runs there",
    _LOST: "has closed the connection ({said}); run it again once the server is there",
    _LOGIN: "refuses the login ({said}); set user in the URI, and {password}, or name a file of options by ?config=FILE"
    " or {config}",
    _DATABASE: "there is no such database ({said}); make it, or correct its name",
    _RIGHTS: "the user lacks a right ({said}); ask whoever runs the database for it",
    _TABLE: "there is no such table ({said}); give its name as ?table=NAME, or fill it by: windrow collect",
    _COLUMN: "has no such column ({said}); name one that the table has",
    _BUSY: "is held by somebody else ({said}); run it again when they are done",
    _TAKEN: "somebody else has put in a row of that key just now ({said}); run it again",
    _READ_ONLY: "cannot be written to ({said}); change its permissions, or use another place",
    _FULL: "has no space left ({said}); free some",
    _NO_FILE: "is not a database of SQLite that can be read ({said}); check the file and its permissions",
    _NO_FOLDER: "is a database of SQLite in WAL mode, whose readers too put files beside it, and its folder cannot be"
    " written to ({said}); copy it into another folder, or have its owner set: PRAGMA journal_mode = DELETE",
    _NO_FILES: "takes no rows by LOAD DATA LOCAL ({said}); have local_infile set on at the server, as by: SET GLOBAL"
    " local_infile = ON",
    _UNSAFE: "cannot be reached as safely as the file of options asks ({said}); name the authority that signed the"
    " server's certificate by ssl-ca, and the host as the certificate has it",
}
_OTHER = "the database refuses ({said}); correct what it names"
#: Where a file of SQLite says that it has a log of its own: sqlite.org/fileformat2.html, 1.3.3.
_WAL = slice(18, 20)
#: Refusals that pass: whoever asks again later may be answered.
_PASSING = {_AWAY, _LOST, _BUSY, _TAKEN}


class PassingError(InputError):
    """A refusal that may be over at the next attempt: a connection lost, a lock, a server that starts."""


class TakenError(PassingError):
    """A row of that key is there."""


@contextmanager
def connected(place: Place, writes: bool = False) -> Iterator[Any]:
    """A connection of SQLAlchemy's, closed at the end; what is not committed by then is rolled back.

    A file of SQLite is made only by who `writes`; a reader's connection can change nothing there. In MariaDB and MySQL
    times are UTC's and values that do not fit are errors. Raises InputError that names the database, PassingError
    where a later attempt may succeed.
    """
    with refusing(place):
        connection = _engine(place, writes).connect()
        try:
            yield connection
        except BaseException:
            with suppress(Exception):  # what is wrong is told already, and a lost connection cannot roll back
                connection.close()
            raise
        connection.close()


@contextmanager
def refusing(place: Place) -> Iterator[None]:
    """Raises what SQLAlchemy and the drivers raise in this block as an InputError."""
    errors = import_sqlalchemy(place).exc.SQLAlchemyError
    drivers = [import_module(_MODULES[place.dialect][0]).Error] if place.dialect in _MODULES else [sqlite3.Error]
    try:
        yield
    except (errors, *drivers) as error:
        raise refusal(place, getattr(error, "orig", None) or error) from None  # whose text may have the login


def import_sqlalchemy(place: Place) -> Any:
    """The package SQLAlchemy. Raises InputError where it, or the driver of this database, is not installed."""
    packages = [("sqlalchemy", "SQLAlchemy"), *([_MODULES[place.dialect]] if place.dialect in _MODULES else [])]
    for module, name in packages:
        required(str(place), module, name, "sql", InputError)
    return import_module("sqlalchemy")


def refusal(place: Place, error: BaseException) -> InputError:
    """The error for one of a driver's."""
    first = error.args[0] if error.args else ""
    said = str(error.args[1] if isinstance(first, int) and len(error.args) > 1 else error)
    kind = _NUMBERS.get(first) if isinstance(first, int) else _STATES.get(getattr(error, "sqlstate", None) or "")
    if kind is None and not (isinstance(first, int) or getattr(error, "sqlstate", None)):
        kind = next((one for words, one in _WORDS if words in said.lower()), None)
    if _DISTRUST.search(said.lower()):
        kind = _UNSAFE
    if kind in (_READ_ONLY, _NO_FILE) and _is_locked_in(place):
        kind = _NO_FOLDER
    if secret := place.login().password:
        said = said.replace(secret, "***")
    said = re.sub(r"\s+", " ", said).strip()[:300] or type(error).__name__
    text = _SENTENCES.get(kind, _OTHER) if kind is not None else _OTHER
    raised = TakenError if kind == _TAKEN else PassingError if kind in _PASSING else InputError
    return raised(f"{place}: {text.format(said=said, password=PASSWORD, config=CONFIG)}")


def _is_locked_in(place: Place) -> bool:
    """Whether it is a file of SQLite with a log of its own (WAL), in a folder that cannot be written to."""
    path = Path(place.database)
    if place.dialect != "sqlite" or not path.is_file() or os.access(path.resolve().parent, os.W_OK, effective_ids=True):
        return False
    with suppress(OSError), path.open("rb") as file:
        return file.read(_WAL.stop)[_WAL] == b"\2\2"
    return False


def _engine(place: Place, writes: bool) -> Any:
    alchemy = import_sqlalchemy(place)
    pool = import_module("sqlalchemy.pool").NullPool
    if place.dialect == "sqlite":
        return _sqlite(place, writes, alchemy, pool)
    login = place.login()
    url = alchemy.URL.create(
        _DRIVERS[place.dialect], login.user, login.password, login.host or "127.0.0.1", login.port, place.database
    )
    return alchemy.create_engine(url, poolclass=pool, connect_args=_arguments(place, writes), hide_parameters=True)


def _arguments(place: Place, writes: bool) -> dict[str, Any]:
    """How a driver connects: strict, and in UTC."""
    if place.dialect == "postgresql":
        schema = f' -c search_path="{place.schema}"' if place.schema else ""  # a name as uris.py has it
        return {
            "connect_timeout": ANSWER,
            "application_name": "windrow",
            "options": f"-c timezone=UTC -c lock_timeout={LOCKED * 1000}{schema}",
            **encryption.of_postgresql(place),
        }
    strict = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
    return {
        "connect_timeout": ANSWER,
        "charset": "utf8mb4",
        "init_command": f"SET SESSION sql_mode='{strict}', time_zone='+00:00', innodb_lock_wait_timeout={LOCKED}",
        "local_infile": writes,  # a server could ask whoever allows it for any file
        **encryption.of_mysql(place),
    }


def _sqlite(place: Place, writes: bool, alchemy: Any, pool: Any) -> Any:
    """An engine whose transactions begin where SQLAlchemy's do; a writer's with the lock, so that none fails midway."""
    path = Path(place.database)
    if not writes and not path.is_file():
        raise InputError(f"{place}: there is no such file; check the path, or fill it by: windrow collect")
    if writes and not path.parent.is_dir():
        raise InputError(f"{place}: there is no folder {path.parent}; make it, or correct the path")
    uri = f"file:{quote(os.path.abspath(path))}?mode={'rwc' if writes else 'rw'}"
    engine = alchemy.create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True, timeout=LOCKED, isolation_level=None, check_same_thread=False),
        poolclass=pool,
        hide_parameters=True,
    )

    @alchemy.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]
    def prepare(connection: Any, _: object) -> None:
        if writes:
            connection.execute("PRAGMA journal_mode=WAL")  # readers go on meanwhile
            connection.execute("PRAGMA synchronous=FULL")
        else:
            connection.execute("PRAGMA query_only=1")

    @alchemy.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
