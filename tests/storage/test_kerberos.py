"""The ticket of a real Kerberos, of a realm on this machine, shown to a WebHDFS that checks it."""

import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

from tests.storage.webhdfs import FakeHdfs
from windrow.storage.hdfs.kerberos import Delegation
from windrow.storage.hdfs.web import Web
from windrow.storage.hdfs.web_error import WebError

pytestmark = [pytest.mark.kerberos, pytest.mark.needs("kdc", "gssapi")]

REALM = "WINDROW.TEST"
#: Where Debian has the servers.
PATH = f"{os.environ['PATH']}:/usr/sbin"


def free_port():
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Realm:
    """A realm in a folder, with a user `me` and a server HTTP/localhost. env: by which programs find it."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        (folder / "krb5.conf").write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n"
            "udp_preference_limit = 1\n"
            f"[realms]\n{REALM} = {{\nkdc = 127.0.0.1:{self.port}\n}}\n"
        )
        (folder / "kdc.conf").write_text(
            f'[kdcdefaults]\nkdc_listen = ""\nkdc_tcp_listen = 127.0.0.1:{self.port}\n'
            f"[realms]\n{REALM} = {{\ndatabase_name = {folder}/principals\nkey_stash_file = {folder}/stash\n}}\n"
        )
        files = {"_CONFIG": "krb5.conf", "_KDC_PROFILE": "kdc.conf", "CCNAME": "cache", "_KTNAME": "keytab"}
        self.env = {f"KRB5{name}": f"{folder}/{file}" for name, file in files.items()}
        self.run("kdb5_util", "create", "-s", "-P", "master")
        for name in ("me", "HTTP/localhost"):
            self.run("kadmin.local", "addprinc", "-randkey", name)
            self.run("kadmin.local", "ktadd", "-k", self.env["KRB5_KTNAME"], name)

    @property
    def all_env(self):
        return {**os.environ, **self.env, "PATH": PATH}

    def run(self, *command):
        subprocess.run(command, env=self.all_env, check=True, capture_output=True)

    @contextmanager
    def served(self):
        kdc = subprocess.Popen(["krb5kdc", "-n"], env=self.all_env, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                with closing(socket.socket()) as one:
                    if not one.connect_ex(("127.0.0.1", self.port)):
                        break
                time.sleep(0.05)
            yield self
        finally:
            kdc.kill()
            kdc.wait()

    def kinit(self):
        self.run("kinit", "-k", "-t", self.env["KRB5_KTNAME"], "me")

    def kdestroy(self):
        self.run("kdestroy", "-A")


@pytest.fixture(scope="module")
def realm(tmp_path_factory):
    with Realm(tmp_path_factory.mktemp("realm")).served() as found:
        yield found


@pytest.fixture
def fake(realm, monkeypatch):
    import gssapi

    for name, value in realm.env.items():
        monkeypatch.setenv(name, value)
    hdfs = FakeHdfs({"/bars/a.csv": b"x" * 10})
    hdfs.users = []

    def accept(shown):
        context = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")
        proof = context.step(shown)
        hdfs.users.append(str(context.initiator_name))
        return proof

    hdfs.accept = accept
    with hdfs.served() as address:
        hdfs.named = address.replace("127.0.0.1", "localhost")
        yield hdfs


def test_a_ticket_gets_a_token(fake, realm):
    realm.kinit()
    web = Web([fake.named], {"user.name": "me"}, delegation=Delegation())
    assert web.read("/bars/a.csv", 0, 10) == b"x" * 10
    web.give_back()
    assert fake.users == [f"me@{REALM}"] * 2 and (fake.tokens, fake.tokens_made) == ([], 1)


def test_without_a_ticket_it_says_so(fake, realm):
    realm.kinit()
    realm.kdestroy()
    with pytest.raises(
        WebError, match=r"^localhost: asks for Kerberos: No credentials were supplied, or [^\0]+$"
    ) as refused:
        Web([fake.named], {}, delegation=Delegation()).status("/bars")
    assert refused.value.cure == "get a ticket with kinit"


@pytest.mark.parametrize("proof", [b"", b"no proof"])
def test_a_server_without_that_name_is_not_believed(fake, realm, proof):
    realm.kinit()
    fake.accept = lambda shown: proof
    with pytest.raises(WebError, match="does not prove by Kerberos that it is HTTP/localhost"):
        Web([fake.named], {}, delegation=Delegation()).status("/bars")
