"""Databases for tests, each in a server of its own on 127.0.0.1 that ends with the tests.

    mariadb     a fresh database in a real MariaDB
    postgres    a fresh database in a real PostgreSQL
    sqlite      a fresh file of SQLite, which needs no server
    database    each of the three

Tests that use a server are marked `sql`: `make test-sql` runs them. A test's environment has the password.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from configparser import ConfigParser
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import pytest

from tests.needs import require

HERE = Path(__file__).parent
PASSWORD = "WINDROW_SQL_PASSWORD"
#: Fixtures of all databases, for `params`: those of servers are marked.
SERVERS = [pytest.param(name, marks=pytest.mark.sql) for name in ("mariadb", "postgres")]
DATABASES = ["sqlite", *SERVERS]
#: Seconds until a server answers: other tests run meanwhile.
WAIT = 120
#: A server ends with the process that started it, should that be killed.
_BOUND = ("setpriv", "--pdeathsig", "KILL")


class Database:
    """A database of a test's own: `uri` is windrow's, without the password, which is in `environment`."""

    def __init__(self, uri, password=None, connect=None):
        self.uri, self.password, self._connect = uri, password, connect
        self.environment = {PASSWORD: password} if password else {}

    def connect(self, **asked):
        """A connection of the driver's own, with nothing of windrow's."""
        return self._connect(**asked)

    def query(self, sql, *values):
        """All rows of a query, or none of a statement, in a connection and a transaction of its own."""
        connection = self.connect()
        try:
            cursor = connection.cursor()
            cursor.execute(sql, values)
            found = cursor.fetchall() if cursor.description else None
            connection.commit()
            return None if found is None else [tuple(row) for row in found]
        finally:
            connection.close()

    def table(self, name):
        """The URI of one of its tables."""
        return f"{self.uri}?table={name}"


def own_database(request):
    name = re.sub(r"[^a-z0-9]+", "_", request.node.name.lower())[:30].strip("_")
    return f"t_{name}_{time.monotonic_ns() % 10**9}"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command, ready, log):
    """Runs a server in the foreground until the block ends; `ready` says whether it answers."""
    with subprocess.Popen([*_BOUND, *map(str, command)], stdout=log.open("w"), stderr=-2) as server:
        try:
            end = time.monotonic() + WAIT
            while not ready():
                assert server.poll() is None and time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            yield server
        finally:
            server.kill()  # its folder is the tests'


class MariaDB:
    """A server of MariaDB: its port, its login, and the process, which a test may stop and go on with."""

    def __init__(self, folder, port):
        self.folder, self.port, self.process = folder, port, None

    @property
    def password(self):
        found = ConfigParser(interpolation=None)
        found.read(self.folder / "my.cnf")
        return found["client"]["password"]

    def connect(self, database="windrow", **asked):
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="windrow", password=self.password, database=database,
            local_infile=True, **asked,
        )  # fmt: skip

    def answers(self):
        try:
            self.connect().close()
        except (OSError, KeyError, ImportError) as error:
            assert not isinstance(error, ImportError), error
            return False
        except Exception:
            return False
        return True

    def execute(self, sql):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def administer(self, sql):
        """As root, who may set what holds for all connections."""
        import pymysql

        socket = str(self.folder / "socket")
        with pymysql.connect(unix_socket=socket, user="root") as connection, connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory):
    """A MariaDB that runs as long as the tests."""
    require("mariadb", "pymysql")
    server = MariaDB(tmp_path_factory.mktemp("mariadb"), free_port())
    command = (HERE / "mariadb", "run", server.folder, server.port)
    with running(command, server.answers, server.folder / "log") as server.process:
        yield server


@pytest.fixture
def mariadb(mariadb_server, request, monkeypatch):
    """A Database in MariaDB, empty."""
    name = own_database(request)
    mariadb_server.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv(PASSWORD, mariadb_server.password)
    uri = f"mysql://windrow@127.0.0.1:{mariadb_server.port}/{name}"
    yield Database(uri, mariadb_server.password, lambda **asked: mariadb_server.connect(name, **asked))
    mariadb_server.execute(f"DROP DATABASE {name}")


class Postgres:
    """A server of PostgreSQL: its port and its login."""

    def __init__(self, folder, port):
        self.folder, self.port, self.password = folder, port, secrets.token_urlsafe(18)

    def connect(self, database="postgres", **asked):
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="windrow", password=self.password, dbname=database, **asked
        )

    def answers(self):
        import psycopg

        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, sql):
        with self.connect(autocommit=True) as connection:
            connection.execute(sql)


def postgres_tool(name):
    """A program of PostgreSQL, which Debian keeps out of PATH; None without it."""
    return shutil.which(name) or next(iter(sorted(glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL that runs as long as the tests; root runs it as the user postgres, as it refuses to be root's."""
    require("postgres", "psycopg")
    as_user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.getuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="windrow-pg-") as name:  # not below pytest's folder, which is root's alone
        folder = Path(name)
        server = Postgres(folder / "data", free_port())
        (folder / "password").write_text(server.password)
        if as_user:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        made = subprocess.run(
            [*as_user, postgres_tool("initdb"), "-D", server.folder, "-U", "windrow", "-A", "scram-sha-256",
             "--pwfile", folder / "password", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True, text=True, cwd=folder,
        )  # fmt: skip
        assert not made.returncode, made.stderr
        command = (*as_user, postgres_tool("postgres"), "-D", server.folder, "-p", server.port, "-h", "127.0.0.1",
                   "-k", folder, "-c", "fsync=off")  # fmt: skip
        with running(command, server.answers, folder / "log"):
            yield server


@pytest.fixture
def postgres(postgres_server, request, monkeypatch):
    """A Database in PostgreSQL, empty."""
    name = own_database(request)
    postgres_server.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv(PASSWORD, postgres_server.password)
    uri = f"postgresql://windrow@127.0.0.1:{postgres_server.port}/{name}"
    yield Database(uri, postgres_server.password, lambda **asked: postgres_server.connect(name, **asked))
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite(tmp_path):
    """A Database in a file of SQLite, which is not there yet."""
    import sqlite3

    path = tmp_path / "bars.db"
    return Database(f"sqlite:///{path}", connect=lambda **asked: sqlite3.connect(path, **asked))


@pytest.fixture(params=DATABASES)
def database(request):
    """A Database of each kind in turn."""
    return request.getfixturevalue(request.param)
