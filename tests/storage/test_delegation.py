"""A submitter on a cluster with Kerberos: a ticket gets a delegation token, which opens WebHDFS and is seen nowhere."""

import sys

import pytest

from tests.storage.spnego import Contexts
from tests.storage.webhdfs import FakeHdfs
from windrow.errors import InputError
from windrow.runners.hadoop_files import WebFiles
from windrow.storage.hdfs.kerberos import Delegation
from windrow.storage.hdfs.places import Found, find
from windrow.storage.hdfs.web import Web
from windrow.storage.hdfs.web_error import WebError

FILES = {"/bars/a.csv": b"x" * 10, "/bars/b.csv": b"y"}


@pytest.fixture
def kerberos(monkeypatch):
    return Contexts().install(monkeypatch)


@pytest.fixture
def fake(monkeypatch, kerberos):
    monkeypatch.setattr("windrow.storage.hdfs.web._LONGEST_WAIT", 0.01)
    hdfs = FakeHdfs(FILES)
    hdfs.accept = kerberos.accept
    with hdfs.served():
        yield hdfs


@pytest.fixture
def web(fake):
    return Web([fake.address], {"user.name": "me"}, attempts=3, delegation=Delegation())


def operations(fake):
    return [operation for _, operation, *_ in fake.asked]


def test_one_token_opens_all_and_is_given_back(fake, web, kerberos, tmp_path):
    (tmp_path / "part").write_bytes(b"z" * 7)
    assert web.read("/bars/a.csv", 0, 10) == b"x" * 10
    web.write("/bars/c.csv", tmp_path / "part")
    web.rename("/bars/c.csv", "/bars/d.csv")
    assert [one.name for one in web.listed("/bars")] == ["a.csv", "b.csv", "d.csv"]
    asked = [options for _, operation, _, options in fake.asked if not operation.endswith("DELEGATIONTOKEN")]
    assert [options.get("user.name") for options in asked] == ["me", *[None] * (len(asked) - 1)]
    assert {options["delegation"] for options in asked[1:]} == {"SECRET1"}
    assert fake.tokens == ["SECRET1"] and kerberos.made == ["HTTP@127.0.0.1"]
    web.give_back()
    web.give_back()
    assert fake.tokens == [] and operations(fake)[-1] == "CANCELDELEGATIONTOKEN" and len(kerberos.made) == 2
    assert web.status("/bars/b.csv").size == 1 and fake.tokens == ["SECRET2"]


@pytest.mark.parametrize("is_rename", [False, True])
def test_a_token_that_has_ended_is_replaced(fake, web, is_rename):
    web.status("/bars/a.csv")
    fake.tokens.clear()
    if is_rename:
        web.rename("/bars/a.csv", "/bars/z.csv")
    else:
        assert web.read("/bars/a.csv", 0, 10) == b"x" * 10
    assert fake.tokens == ["SECRET2"]
    fake.tokens.clear()
    web.give_back()  # of which nothing is left


def test_httpfs_says_otherwise_that_a_token_has_ended(fake, web):
    fake.ended = "AuthenticationException", "org.apache.hadoop.security.token.SecretManager$InvalidToken: expired"
    web.status("/bars/a.csv")
    fake.tokens.clear()
    assert web.status("/bars/a.csv").size == 10 and fake.tokens == ["SECRET2"]


def test_a_token_that_nobody_accepts_is_asked_for_once(fake, web, monkeypatch):
    web.status("/bars/a.csv")
    monkeypatch.setattr(fake, "tokens", type("Forgets", (list,), {"__contains__": lambda self, token: False})())
    with pytest.raises(WebError, match=r"can't be found in cache$"):
        web.status("/bars/a.csv")
    assert fake.tokens_made == 2


def test_a_rename_is_not_taken_for_done_where_only_a_token_had_ended(fake, web):
    web.status("/bars/a.csv")
    fake.tokens.clear()
    with pytest.raises(WebError, match="rename source /none is not found"):
        web.rename("/none", "/bars/a.csv")


def test_a_name_node_on_standby_gives_no_token(fake, kerberos):
    other = FakeHdfs()
    other.accept, other.faults = kerberos.accept, {"GETDELEGATIONTOKEN": ["standby"]}
    with other.served() as standby:
        web = Web([standby, fake.address], {}, attempts=1, delegation=Delegation())
        assert web.status("/bars/a.csv").size == 10
    assert fake.tokens == ["SECRET1"] and other.tokens == []


def test_a_ticket_is_shown_once(fake, web, kerberos):
    """A server that has seen it takes it for stolen, though its answer was lost."""
    fake.faults = {"GETDELEGATIONTOKEN": ["drop"]}
    assert web.status("/bars/a.csv").size == 10 and len(kerberos.made) == 2


def test_no_token_without_a_ticket(fake, web, kerberos):
    kerberos.ticket = False
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == ("127.0.0.1: asks for Kerberos: No credentials were supplied, SPNEGO cannot")
    assert refused.value.cure == "get a ticket with kinit" and operations(fake) == ["GETFILESTATUS"]
    kerberos.ticket = True
    assert web.status("/bars/a.csv").size == 10


def test_a_ticket_that_is_refused_is_told(fake, web):
    fake.faults = {"GETDELEGATIONTOKEN": ["denied"]}
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == (f"{fake.address}: gives this user of Kerberos no token: Permission denied: user=None")
    assert refused.value.cure == "get a ticket with kinit"


@pytest.mark.parametrize("proof", [b"", b"proof of HTTP@another"])
def test_a_server_that_does_not_prove_who_it_is_gives_no_token(fake, web, proof):
    fake.accept = lambda shown: proof
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == "127.0.0.1: does not prove by Kerberos that it is HTTP/127.0.0.1"
    assert all("delegation" not in options for *_, options in fake.asked)


def test_without_a_package_for_kerberos_it_is_named(fake, web, monkeypatch):
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == "127.0.0.1: asks for Kerberos"
    assert refused.value.cure == (
        "install what speaks it with: pip install 'windrow[kerberos]', and get a ticket with kinit"
    )


def test_another_way_to_tell_who_asks_is_no_kerberos(fake, web, kerberos, monkeypatch):
    monkeypatch.setattr("windrow.storage.hdfs.web.wanted", lambda challenges: False)
    with pytest.raises(WebError, match=r"^status 401$"):
        web.status("/bars/a.csv")
    assert kerberos.made == []


def test_no_error_shows_a_token(fake, web):
    fake.faults = {"GETDELEGATIONTOKEN": ["short"] * 3}
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == f"{fake.address}: its answer is no delegation token, 3 times"
    assert web.status("/bars/a.csv").size == 10
    fake.faults = {"GETFILESTATUS": ["echo"]}
    with pytest.raises(WebError) as refused:
        web.status("/bars/a.csv")
    assert str(refused.value) == "Bad request: /webhdfs/v1/bars/a.csv?op=GETFILESTATUS&delegation=***"
    fake.faults = {"OPEN": ["astray"] * 3}
    with pytest.raises(WebError) as refused:
        web.read("/bars/a.csv", 0, 10)
    assert "delegation=***" in str(refused.value) and "SECRET" not in str(refused.value)


def test_a_submitter_gets_one_token_and_tells_tasks_nothing_of_it(fake):
    found = find(fake.address, ["hdfs:///bars/a.csv"], lambda name: pytest.fail("asked Hadoop"))
    assert WebFiles(found).listed(["hdfs:///bars"], False)[0] == {"hdfs:///bars/a.csv": 10, "hdfs:///bars/b.csv": 1}
    assert fake.tokens_made == 1
    assert "SECRET" not in f"{found} {found.environment()}"
    found.web().give_back()
    assert fake.tokens == []


def test_a_task_gets_no_token_itself(fake, kerberos):
    with pytest.raises(WebError, match=r"^status 401$"):
        Found((fake.address,), ("",), "me").web().status("/")
    assert kerberos.made == []


def test_what_a_run_cannot_do_for_want_of_a_ticket_is_told_with_the_cure(fake, kerberos):
    found = Found((fake.address,), ("",), "me", Delegation())
    kerberos.ticket = False
    with pytest.raises(InputError) as refused:
        WebFiles(found).exists("hdfs:///out")
    assert str(refused.value) == (
        "hdfs:///out: cannot be read over WebHDFS: 127.0.0.1: asks for Kerberos: No credentials were supplied, SPNEGO"
        " cannot; get a ticket with kinit"
    )
    kerberos.ticket = True
    assert not WebFiles(found).exists("hdfs:///out")
