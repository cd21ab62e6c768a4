"""The servers that other tests rely on listen on 127.0.0.1 only, and let nobody in without the password."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.sql.servers import SERVERS

SCRIPT = Path(__file__).with_name("mariadb")


def listening(*names):
    """Addresses on which processes started by this one listen."""
    found = set()
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # PostgreSQL has a process a connection
            if one.name() in names:
                found |= {at.laddr.ip for at in one.net_connections() if at.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.parametrize("server", SERVERS)
def test_a_database_is_fresh_and_only_this_machine_reaches_it(server, request):
    database = request.getfixturevalue(server)
    assert listening({"mariadb": "mariadbd"}.get(server, server)) == {"127.0.0.1"}
    tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = "
    assert database.query(tables + {"mariadb": "DATABASE()", "postgres": "'public'"}[server]) == [(0,)]
    assert len(database.password) >= 24 and database.password not in database.uri


def test_a_password_is_for_its_owner_alone(mariadb_server):
    assert (mariadb_server.folder / "my.cnf").stat().st_mode & 0o777 == 0o600
    assert (mariadb_server.folder / "init.sql").stat().st_mode & 0o777 == 0o600
    assert mariadb_server.folder.stat().st_mode & 0o777 == 0o700
    running = psutil.Process(mariadb_server.process.pid)
    assert not any(mariadb_server.password in word for word in running.cmdline())


def test_shellcheck_finds_no_fault():
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True)
    assert not done.returncode, done.stdout
