"""What a URI of a database names, where its password is, and what a database refuses: never with the password."""

import os
import socket
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.sql.servers import SERVERS
from windrow.errors import InputError
from windrow.storage.sql.connection import PassingError, connected, refusal
from windrow.storage.sql.lock import locked
from windrow.storage.sql.uris import CONFIG, PASSWORD, Place


def connect(uri, asks="SELECT 1", **asked):
    with connected(Place.of(uri), **asked) as one:
        return one.exec_driver_sql(asks).scalar()


@pytest.mark.parametrize(
    ("uri", "dialect", "text"),
    [
        ("mariadb://h/d", "mysql", "mysql://h/d"),
        ("MYSQL://me@h:1/d?table=x", "mysql", "mysql://me@h:1/d"),
        ("postgres://me%40home@[::1]:5/d", "postgresql", "postgresql://me%40home@[::1]:5/d"),
        ("mysql://[2001:db8::7]/d", "mysql", "mysql://[2001:db8::7]/d"),
        ("postgresql://h/d?table=minutes.bars", "postgresql", "postgresql://h/d"),
        ("postgresql:///d", "postgresql", "postgresql:///d"),
        ("sqlite:///a%20b.db", "sqlite", "sqlite:///a%20b.db"),
    ],
)
def test_a_uri_names_a_database(uri, dialect, text):
    place = Place.of(uri)
    assert (place.dialect, str(place)) == (dialect, text)
    assert str(Place.of(text)) == text and Place.of(text).host == place.host


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("mysql://h", "mysql://h: names no database; give one after the host"),
        ("mysql://h/a/b", "names no database"),
        ("oracle://h/d", "oracle://h/d: names no database; give sqlite:///FILE, mysql://USER@HOST/DATABASE or"),
        ("mysql://h:99999/d", "mysql: after :// there is no host, or HOST:PORT"),
        ("sqlite:///a%00b.db", "names no file of SQLite"),
        ("sqlite://bars.db", "names no file of SQLite, which come after three slashes; give sqlite:///bars.db"),
        ("mysql://h/d?charset=x", "asks for charset, which no database knows; a URI may have table=NAME"),
        ("mysql://h/d?table=a&table=b", "asks for table, twice"),
        ("mysql://h/d?table=a;drop", "table=a;drop: is not a name that every database takes"),
        ("postgresql://h/d?table=a.b.c", "table=a.b.c: is not a name that every database takes"),
        ("postgresql://h/d?table=.b", "table=.b: is not a name that every database takes"),
        ('postgresql://h/d?table=a".b', "is not a name that every database takes"),
        (
            "mysql://h/d?table=other.bars",
            "table=other.bars: only PostgreSQL has schemas within a database; name the database before the question"
            " mark, and ?table=bars",
        ),
        ("mysql://h/d?table=", "table=: is not a name"),
    ],
)
def test_a_uri_that_names_none_is_refused(uri, told):
    with pytest.raises(InputError) as error:
        Place.of(uri)
    assert told in str(error.value)


@pytest.mark.parametrize("uri", ["mysql://me:s3cret@h/d", "postgresql://:s3cret@h/d?table=;", "mysql://me:s3cre/t@h/d"])
def test_a_password_in_a_uri_is_refused_and_not_repeated(uri):
    with pytest.raises(InputError) as error:
        Place.of(uri)
    assert "s3cre" not in str(error.value)
    assert f"has a password, which others could see; leave it out, and set {PASSWORD}" in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mysql://me:s3cre?t@h/d", "mysql://me:s3cret", "mysql://me@h/d?password=s3cret", "mysql:me:s3cret@h/d",
        "mysql://me@h/d?table=a&sslPassword=s3cret",
    ],
)  # fmt: skip
def test_what_may_be_a_password_is_not_repeated(uri):
    with pytest.raises(InputError) as error:
        Place.of(uri)
    assert "s3cre" not in str(error.value)


def test_a_condition_is_no_password():
    assert Place.of("mysql://me@h:1/d?where=note=a:b@c").where == ("note=a:b@c",)


def options(tmp_path, text, mode=0o600):
    file = tmp_path / "my.cnf"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_user_password_and_server_are_read_from_a_file_of_options(tmp_path, monkeypatch):
    monkeypatch.delenv(PASSWORD, raising=False)
    text = (
        "# ours\n[client]\nuser = me\npassword = 'p%=#x'\nhost=db\nport=7\nssl-ca=/ca.pem\nskip-ssl\n[mysqld]\nport=8\n"
    )
    file = options(tmp_path, text)
    login = Place.of(f"mysql:///d?config={file}").login()
    checked = (("ssl-ca", "/ca.pem"), ("ssl-mode", "VERIFY_IDENTITY"))
    assert login == connections_login("me", "p%=#x", "db", 7, checked) and "p%" not in repr(login)
    monkeypatch.setenv(CONFIG, str(file))
    assert Place.of("mysql://you@h:1/d").login().user == "you"
    monkeypatch.setenv(PASSWORD, "other")
    assert Place.of("mysql://h/d").login().password == "other"


def connections_login(*values):
    from windrow.storage.sql.uris import Login

    return Login(*values)


@pytest.mark.parametrize(
    ("text", "mode", "told"),
    [
        ("[client]\npassword=s3cret\n", 0o644, "has a password that others can read; change its mode by: chmod 600"),
        ("password=s3cret\n", 0o600, "it has no section [client] of lines NAME = VALUE; correct ?config or"),
        ("[server]\npassword=s3cret\n", 0o600, "it has no section [client]"),
        ("[client]\nport=s3cret\n", 0o600, "its port is not a number"),
        ("[client]\nssl-mode=s3cret\n", 0o600, "its ssl-mode is none of DISABLED, PREFERRED, REQUIRED, VERIFY_CA"),
        ("[client]\nssl-mode=verify_ca\n", 0o600, "its ssl-mode VERIFY_CA needs the authority that signed the"),
        (None, 0, "cannot be read as a file of a database's options: No such file or directory"),
    ],
)
def test_a_file_of_options_that_is_none_is_refused_and_not_repeated(tmp_path, text, mode, told):
    if text is not None:
        options(tmp_path, text, mode)
    with pytest.raises(InputError) as error:
        Place.of(f"mysql://h/d?config={tmp_path / 'my.cnf'}").login()
    assert told in str(error.value) and "s3cret" not in str(error.value)


@pytest.fixture
def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()[1]


@pytest.mark.parametrize("dialect", ["mysql", "postgresql"])
def test_a_server_that_is_away(dialect, closed_port, monkeypatch):
    monkeypatch.setenv(PASSWORD, "s3cret")
    with pytest.raises(PassingError) as error:
        connect(f"{dialect}://me@127.0.0.1:{closed_port}/d")
    assert f"{dialect}://me@127.0.0.1:{closed_port}/d: does not answer (" in str(error.value)
    assert "check host and port, and that the server runs there" in str(error.value)


@pytest.mark.parametrize("server", SERVERS)
def test_what_a_server_refuses(server, request, monkeypatch):
    database = request.getfixturevalue(server)
    assert connect(database.uri) == 1
    with pytest.raises(InputError, match="there is no such database"):
        connect(database.uri.rpartition("/")[0] + "/t_not_there")
    with pytest.raises(InputError, match="there is no such table"), connected(Place.of(database.uri)) as one:
        one.exec_driver_sql("SELECT * FROM nothing")
    monkeypatch.setenv(PASSWORD, "wrong-s3cret")
    with pytest.raises(InputError) as error:
        connect(database.uri)
    assert "refuses the login (" in str(error.value) and f"and {PASSWORD}, or name a file" in str(error.value)
    assert "s3cret" not in str(error.value) and not isinstance(error.value, PassingError)
    monkeypatch.delenv(PASSWORD)
    with pytest.raises(InputError, match="refuses the login"):
        connect(database.uri)


@pytest.mark.parametrize("server", SERVERS)
def test_an_error_is_told_though_the_connection_is_lost_too(server, request):
    database = request.getfixturevalue(server)
    asks, kill = {
        "mariadb": ("SELECT CONNECTION_ID()", "KILL {}"),
        "postgres": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
    }[server]
    with pytest.raises(InputError, match="a user's error"), connected(Place.of(database.uri), writes=True) as one:
        number = one.exec_driver_sql(asks).scalar()
        database.query(kill.format(number))
        raise InputError("a user's error")


def test_a_password_that_a_server_repeats_is_hidden(monkeypatch):
    monkeypatch.setenv(PASSWORD, "s3cret")
    error = refusal(Place.of("mysql://h/d"), ValueError(1064, "near 's3cret'"))
    assert str(error) == "mysql://h/d: the database refuses (near '***'); correct what it names"


def test_what_sqlite_refuses(tmp_path):
    with pytest.raises(InputError, match=r"there is no such file; check the path, or fill it by: windrow collect"):
        connect(f"sqlite:///{tmp_path}/bars.db")
    with pytest.raises(InputError, match=r"there is no folder"):
        connect(f"sqlite:///{tmp_path}/no/bars.db", writes=True)
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\n" * 100)
    with pytest.raises(InputError, match="is not a database of SQLite that can be read"):
        connect(f"sqlite:///{tmp_path}/bars.csv", writes=True)


@contextmanager
def as_nobody():
    """Root may write everywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_database_in_wal_mode_in_a_folder_that_cannot_be_written_to():
    with TemporaryDirectory() as folder:  # not below pytest's, which is its owner's alone
        path = Path(folder, "bars.db")
        for mode in ("DELETE", "WAL"):
            with closing(sqlite3.connect(path)) as one:
                one.execute(f"PRAGMA journal_mode = {mode}")
                one.execute("CREATE TABLE IF NOT EXISTS bars (symbol, date, close)")
            connect(f"sqlite:///{path}")  # what it imports only root may be able to read
            Path(folder).chmod(0o555)
            try:
                with as_nobody():
                    if mode == "DELETE":
                        assert connect(f"sqlite:///{path}", "SELECT COUNT(*) FROM bars") == 0
                    else:
                        with pytest.raises(InputError) as error:
                            connect(f"sqlite:///{path}", "SELECT COUNT(*) FROM bars")
            finally:
                Path(folder).chmod(0o755)
    assert f"sqlite:///{path}: is a database of SQLite in WAL mode, whose readers too put files beside it, and" in (
        str(error.value)
    )
    assert str(error.value).endswith(
        "; copy it into another folder, or have its owner set: PRAGMA journal_mode = DELETE"
    )


def test_a_table_of_sqlite_has_one_lock_however_it_is_spelled(sqlite, tmp_path):
    sqlite.query("CREATE TABLE bars (x)")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.db").symlink_to(tmp_path / "bars.db")
    with locked(None, Place.of(sqlite.table("bars"))):
        for other in (sqlite.table("BARS"), f"sqlite:///{tmp_path}/elsewhere/link.db"):
            with pytest.raises(InputError, match="another collector is at work on it"), locked(None, Place.of(other)):
                pass
        with locked(None, Place.of(sqlite.table("other"))):
            pass


def test_a_reader_changes_nothing(sqlite):
    with connected(Place.of(sqlite.uri), writes=True) as one:
        one.exec_driver_sql("CREATE TABLE a (x)")
        one.commit()
    with pytest.raises(InputError, match="cannot be written to"), connected(Place.of(sqlite.uri)) as one:
        one.exec_driver_sql("INSERT INTO a VALUES (1)")


@pytest.mark.parametrize("absent", ["sqlalchemy", "pymysql"])
def test_a_package_that_is_absent(absent, monkeypatch):
    def without(name):
        if name == absent:
            raise ImportError(name)
        return __import__(name)

    monkeypatch.setattr("windrow.errors.import_module", without)
    with pytest.raises(InputError, match=r"which is not installed; install it with: pip install 'windrow\[sql\]'"):
        connect("mysql://h/d")
