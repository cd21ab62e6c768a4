"""Whoever names an authority in the file of options talks to nobody whose certificate it has not signed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import require
from tests.sql.servers import HERE, PASSWORD, MariaDB, free_port, running
from tests.sql.test_connection import connect, options
from windrow.errors import InputError
from windrow.storage.sql.connection import PassingError

pytestmark = pytest.mark.needs("openssl")

#: How a session says that it is encrypted.
_ASKED = {
    "mysql": "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
    "postgresql": "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
}


def certified(folder, name, *signed_by):
    """A key and a certificate for 127.0.0.1, by themselves or signed."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
               "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt"]  # fmt: skip
    if signed_by:
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-CA", folder / f"{signed_by[0]}.crt", "-CAkey", folder / f"{signed_by[0]}.key"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return folder / f"{name}.crt"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with ours.crt, other.crt and server.crt, which ours has signed."""
    folder = tmp_path_factory.mktemp("authority")
    for name in ("ours", "other"):
        certified(folder, name)
    certified(folder, "server", "ours")
    return folder


@pytest.fixture(scope="module")
def encrypted_mariadb(authority, tmp_path_factory):
    require("mariadb", "pymysql")
    server = MariaDB(tmp_path_factory.mktemp("encrypted"), free_port())
    command = (HERE / "mariadb", "run", server.folder, server.port, f"--ssl-cert={authority / 'server.crt'}",
               f"--ssl-key={authority / 'server.key'}")  # fmt: skip
    with running(command, server.answers, server.folder / "log") as server.process:
        yield f"mysql://windrow@127.0.0.1:{server.port}/windrow", server.password


@pytest.fixture(scope="module")
def encrypted_postgres(authority, postgres_server):
    owner = Path(postgres_server.folder).owner()
    for name in ("server.crt", "server.key"):
        copied = shutil.copy(authority / name, Path(postgres_server.folder) / name)
        shutil.copystat(authority / "server.key", copied)
        shutil.chown(copied, owner)
        Path(copied).chmod(0o600)
    postgres_server.execute("ALTER SYSTEM SET ssl = on")
    postgres_server.execute("SELECT pg_reload_conf()")
    yield f"postgresql://windrow@127.0.0.1:{postgres_server.port}/postgres", postgres_server.password
    postgres_server.execute("ALTER SYSTEM RESET ssl")
    postgres_server.execute("SELECT pg_reload_conf()")


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.sql) for name in ("mariadb", "postgres")])
def encrypted(request, monkeypatch):
    """The URI of a database of a server that has a certificate."""
    uri, password = request.getfixturevalue(f"encrypted_{request.param}")
    monkeypatch.setenv(PASSWORD, password)
    return uri


def is_encrypted(uri):
    return bool(connect(uri, asks=_ASKED[uri.partition(":")[0]]))


def refused(uri):
    with pytest.raises(InputError) as error:
        connect(uri)
    assert not isinstance(error.value, PassingError)
    return str(error.value)


def test_a_certificate_that_the_authority_signed_is_taken(encrypted, authority, tmp_path):
    file = options(tmp_path, f"[client]\nssl-ca={authority / 'ours.crt'}\n")
    assert is_encrypted(f"{encrypted}?config={file}")


def test_a_certificate_that_another_authority_signed_is_refused(encrypted, authority, tmp_path):
    for mode in ("", "ssl-mode=VERIFY_CA\n"):
        file = options(tmp_path, f"[client]\nssl-ca={authority / 'other.crt'}\n{mode}")
        told = refused(f"{encrypted}?config={file}")
        assert "cannot be reached as safely as the file of options asks (" in told and "certificate" in told
        assert told.endswith("by ssl-ca, and the host as the certificate has it")


def test_a_certificate_is_for_the_host_unless_that_is_not_asked(encrypted, authority, tmp_path):
    elsewhere = encrypted.replace("127.0.0.1", "localhost")
    file = options(tmp_path, f"[client]\nssl-ca={authority / 'ours.crt'}\n")
    assert "cannot be reached as safely as the file of options asks (" in refused(f"{elsewhere}?config={file}")
    file = options(tmp_path, f"[client]\nssl-ca={authority / 'ours.crt'}\nssl-mode=verify_ca\n")
    assert is_encrypted(f"{elsewhere}?config={file}")


def test_encryption_is_demanded_or_left_out(encrypted, tmp_path):
    file = options(tmp_path, "[client]\nssl-mode=REQUIRED\n")
    assert is_encrypted(f"{encrypted}?config={file}")
    file = options(tmp_path, "[client]\nssl-mode=DISABLED\n")
    assert not is_encrypted(f"{encrypted}?config={file}")
    assert is_encrypted(encrypted)


@pytest.mark.sql
def test_a_server_without_encryption_is_refused_where_that_is_demanded(mariadb, tmp_path):
    file = options(tmp_path, "[client]\nssl-mode=REQUIRED\n")
    assert "cannot be reached as safely as the file of options asks (" in refused(f"{mariadb.uri}?config={file}")


@pytest.mark.parametrize("dialect", ["mysql", "postgresql"])
def test_files_that_cannot_be_read_are_named(dialect, tmp_path):
    file = options(tmp_path, f"[client]\nssl-ca={tmp_path}/ca.pem\n")
    assert refused(f"{dialect}://h/d?config={file}") == (
        f"{dialect}://h/d: ssl-ca is {tmp_path}/ca.pem, which cannot be read: No such file or directory; correct it in"
        " the file of options"
    )
    (tmp_path / "ca.pem").write_text("no certificate")
    if dialect == "mysql":  # PostgreSQL's library reads it once a server answers
        told = refused(f"mysql://h/d?config={file}")
        assert "ssl-ca, ssl-cert or ssl-key is no file of a certificate or its key" in told
