"""mysql://USER@HOST:PORT/DATABASE?table=NAME -> dialect, server, database and table; and where the password is.

A URI has no password: it would be in the shell's history, in the list of processes and in logs. The variable
WINDROW_SQL_PASSWORD has it, or a file of options that `?config=FILE` or WINDROW_SQL_CONFIG names, as MySQL's my.cnf:

    [client]
    user = windrow
    password = ...
    ssl-ca = /etc/ssl/certs/ca.pem

Whoever names an authority by ssl-ca has the server's certificate checked, and that it is for this host;
ssl-mode=VERIFY_CA leaves out the host, for certificates that servers made for themselves. PostgreSQL's own files and
variables (PGPASSFILE, PGSSLMODE ...) count too, as its library reads them itself.
"""

import os
import re
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from windrow.errors import InputError

PASSWORD = "WINDROW_SQL_PASSWORD"  # noqa: S105  its name
CONFIG = "WINDROW_SQL_CONFIG"
#: Schemes, and the dialect of each.
DIALECTS = {
    "sqlite": "sqlite", "mysql": "mysql", "mariadb": "mysql", "postgresql": "postgresql", "postgres": "postgresql",
}  # fmt: skip
#: How a connection is encrypted and checked, in MySQL's words.
MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
DEFAULT_TABLE = "bars"
#: Of windrow's tables the longest has `_watermarks` after this name; PostgreSQL cuts names at 63 bytes.
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,47}")
_PLACE = re.compile(r"(?s)([A-Za-z]+)://([^/?]*)(/[^?]*)?(?:\?(.*))?")
_HOST = re.compile(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_FORMS = "sqlite:///FILE, mysql://USER@HOST/DATABASE or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True)
class Login:
    """What a server asks for beside the URI. Its text has no password.

    ssl: how the connection is encrypted, by the names of options: files, and `ssl-mode`, one of MODES.
    """

    user: str | None = None
    password: str | None = None
    host: str | None = None
    port: int | None = None
    ssl: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"


@dataclass(frozen=True)
class Place:
    """A table: `dialect` is sqlite, mysql or postgresql; `database` a server's, or the file of SQLite.

    `where` has the conditions NAME=VALUE of the URI, in order; `schema` is PostgreSQL's, where it is not the usual one.

    >>> Place.of("mysql://me@db.example.org:3307/market?table=averages&where=symbol%3DBRK.B")
    Place(dialect='mysql', database='market', user='me', host='db.example.org', port=3307, table='averages', \
where=('symbol=BRK.B',), config=None, schema=None)
    >>> Place.of("sqlite:///bars.db").database, Place.of("sqlite:////data/bars.db").database
    ('bars.db', '/data/bars.db')
    """

    dialect: str
    database: str
    user: str | None = None
    host: str | None = None
    port: int | None = None
    table: str = DEFAULT_TABLE
    where: tuple[str, ...] = ()
    config: str | None = None
    schema: str | None = None

    @classmethod
    def of(cls, uri: str) -> "Place":
        """What a URI names. Raises InputError, whose text has no password."""
        if _hidden(uri) != uri:
            raise InputError(
                f"{_hidden(uri)}: has a password, which others could see; leave it out, and set {PASSWORD}, or name a"
                " file of options by ?config=FILE"
            )
        found = _PLACE.fullmatch(uri)
        scheme = found[1].lower() if found else ""
        if found is None or scheme not in DIALECTS:
            raise InputError(f"{uri}: names no database; give {_FORMS}")
        authority, path = found[2], unquote((found[3] or "")[1:])
        sqlite = DIALECTS[scheme] == "sqlite"
        user, host, port = (None, None, None) if sqlite else _server(scheme, authority)  # first: it may be a password
        asked = _asked(uri, DIALECTS[scheme], found[4] or "")
        if sqlite:
            if authority or not path or "\0" in path:
                raise InputError(
                    f"{uri}: names no file of SQLite, which come after three slashes; give sqlite:///bars.db,"
                    " or sqlite:////data/bars.db for one from the root"
                )
            return cls("sqlite", path, **asked)
        if not path or "/" in path:
            raise InputError(f"{uri}: names no database; give one after the host, {_FORMS}")
        return cls(DIALECTS[scheme], path, user, host, port, **asked)

    def __str__(self) -> str:
        """The URI of the database, without what follows a question mark."""
        if self.dialect == "sqlite":
            return f"sqlite:///{quote(self.database)}"
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host or ""
        return f"{self.dialect}://{user}{host}{port}/{quote(self.database, safe='')}"

    @property
    def name(self) -> str:
        """The table's name, with that of its schema where one is asked for."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @property
    def uri(self) -> str:
        """The URI of the table."""
        return f"{self}?table={self.name}"

    def login(self) -> Login:
        """User, password and server: of the URI, of the environment, of the file of options, in this order.

        Raises InputError for a file that others can read, or that has no section [client].
        """
        file = _login_of(self.config or os.environ.get(CONFIG))
        return Login(
            self.user or file.user,
            os.environ.get(PASSWORD) or file.password,
            self.host or file.host,
            self.port or file.port,
            file.ssl,
        )


def _asked(uri: str, dialect: str, query: str) -> dict[str, Any]:
    """The arguments of a Place that a query has."""
    asked: dict[str, Any] = {}
    where: list[str] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "where":
            where.append(value)
        elif name in asked or name not in ("table", "config"):
            raise InputError(
                f"{uri}: asks for {name}, {'twice' if name in asked else 'which no database knows'}; a URI may"
                " have table=NAME, config=FILE, and where=NAME=VALUE several times"
            )
        else:
            asked[name] = value
    schema, dot, table = asked.get("table", DEFAULT_TABLE).rpartition(".")
    if not all(map(_TABLE.fullmatch, (schema, table) if dot else (table,))):
        raise InputError(
            f"{uri}: table={asked['table']}: is not a name that every database takes, of 1 to 48 letters,"
            " digits and underscores, the first no digit; use such a name"
        )
    if dot and dialect != "postgresql":
        raise InputError(
            f"{uri}: table={asked['table']}: only PostgreSQL has schemas within a database; name the database before"
            f" the question mark, and ?table={table}"
        )
    return asked | {"where": tuple(where), "table": table, "schema": schema or None}


def _server(scheme: str, authority: str) -> tuple[str | None, str | None, int | None]:
    """User, host and port."""
    login, _, server = authority.rpartition("@")
    found = _HOST.fullmatch(server)
    if found is None or int(found[2] or 1) not in range(1, 65_536):
        raise InputError(f"{scheme}: after :// there is no host, or HOST:PORT; give {_FORMS}")
    host = found[1].strip("[]")
    return unquote(login) or None, host or None, int(found[2]) if found[2] else None


def _hidden(uri: str) -> str:
    """The URI with *** in place of a user with a password, and of the value of an argument that may be one."""
    shown = re.sub(r"(?<=://)[^?]*:[^?]*@|(?<=:)(?!//)[^?/:]*:[^?]*@", "***@", uri)
    return re.sub(r"(?i)(?<=[?&])([^&=]*(?:pass|pwd|secret|token)[^&=]*)=[^&]+", r"\1=***", shown)


def _login_of(name: str | None) -> Login:
    """What a file of options says. Raises InputError, which repeats no value."""
    if not name:
        return Login()
    options = ConfigParser(interpolation=None, allow_no_value=True, strict=False, delimiters=("=",))
    try:
        if Path(name).stat().st_mode & 0o077:
            raise InputError(f"{name}: has a password that others can read; change its mode by: chmod 600 {name}")
        options.read_string(Path(name).read_text())
        found = options["client"]
    except (OSError, UnicodeDecodeError, Error, KeyError) as error:
        why = getattr(error, "strerror", None) or "it has no section [client] of lines NAME = VALUE"
        raise InputError(
            f"{name}: cannot be read as a file of a database's options: {why}; correct ?config or {CONFIG}"
        ) from None
    values = {key.replace("_", "-"): (value or "").strip().strip("\"'") for key, value in found.items()}
    port = values.get("port", "")
    if not re.fullmatch(r"[0-9]{0,5}", port):
        raise InputError(f"{name}: its port is not a number; correct it")
    return Login(
        values.get("user"),
        values.get("password"),
        values.get("host"),
        int(port) if port else None,
        _encryption_of(name, values),
    )


def _encryption_of(name: str, values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The options of a file that say how a connection is encrypted, ssl-mode last. Raises InputError."""
    files = [(key, values[key]) for key in ("ssl-ca", "ssl-cert", "ssl-key") if values.get(key)]
    mode = values.get("ssl-mode", "").upper()
    if mode and mode not in MODES:
        raise InputError(f"{name}: its ssl-mode is none of {', '.join(MODES)}; give one of these")
    if mode.startswith("VERIFY") and not values.get("ssl-ca"):
        raise InputError(
            f"{name}: its ssl-mode {mode} needs the authority that signed the server's certificate; name its file by"
            " ssl-ca"
        )
    if not files and not mode:
        return ()
    return (*files, ("ssl-mode", mode or ("VERIFY_IDENTITY" if values.get("ssl-ca") else "REQUIRED")))
