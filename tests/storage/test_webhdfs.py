"""WebHDFS: whatever is cut off, late or on standby, the bytes are those of the file, or the reader is told."""

import base64
import io
import os
import random
import zlib

import pytest

from tests.storage.webhdfs import FakeHdfs
from windrow.bars.columns import Layout
from windrow.errors import InputError, UsageError
from windrow.feeds.fetch import read_ranges
from windrow.feeds.files import read_bars
from windrow.feeds.settle import Settled
from windrow.runners.failures import Failure, explain
from windrow.storage.hdfs import SOURCE, places, write
from windrow.storage.hdfs.places import Found, find
from windrow.storage.hdfs.tokens import Token, tokens_in
from windrow.storage.hdfs.web import Web
from windrow.storage.hdfs.web_error import WebError
from windrow.storage.source import Range, unchanged

LINES = b"symbol,timestamp,close\n" + b"".join(b"A,2020-01-%02d,%d\n" % (day, day) for day in range(1, 32))


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr("windrow.storage.hdfs.web._LONGEST_WAIT", 0.01)
    hdfs = FakeHdfs({"/bars/a b%20ü.csv": LINES, "/bars/b.csv": b"x", "/bars/c.csv": b"", "/bars/sub/d.csv": b"y"})
    with hdfs.served():
        yield hdfs


@pytest.fixture
def web(fake):
    return Web([fake.address], {"user.name": "me"}, attempts=3)


@pytest.fixture
def task(fake, monkeypatch):
    """A task that was told of it."""
    for name, value in Found((fake.address,), ("", "one"), "me").environment().items():
        monkeypatch.setenv(name, value)
    places.of_task.cache_clear()
    Found.web.cache_clear()
    monkeypatch.setattr(SOURCE, "_last", None)
    yield
    places.of_task.cache_clear()
    Found.web.cache_clear()


def test_files_are_listed_read_written_renamed_and_removed(fake, web, tmp_path):
    listed = web.listed("/bars")
    assert [(one.name, one.is_folder, one.size) for one in listed] == [
        ("a b%20ü.csv", False, len(LINES)), ("b.csv", False, 1), ("c.csv", False, 0), ("sub", True, 0),
    ]  # fmt: skip
    assert web.read("/bars/a b%20ü.csv", 7, 9) == b"timestamp"
    (tmp_path / "new").write_bytes(LINES * 1000)
    web.write("/out/a#?&.csv", tmp_path / "new")
    assert fake.files["/out/a#?&.csv"] == LINES * 1000
    web.rename("/out", "/there")
    assert "/there/a#?&.csv" in fake.files
    web.remove("/there")
    web.remove("/there")
    assert not fake.folder("/there")
    assert all(options["user.name"] == "me" for *_, options in fake.asked)


@pytest.mark.parametrize("fault", ["drop", "500", "page", "cut", "short"])
def test_a_read_that_fails_is_repeated(fake, web, fault):
    fake.faults = {"OPEN": [fault] if fault not in ("cut", "short") else [], "OPEN-data": [fault]}
    assert web.read("/bars/a b%20ü.csv", 0, len(LINES)) == LINES


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("500", "status 500 oops, 3 times"),
        ("page", "status 502, 3 times"),
        ("short", r"asked for 500 bytes from 0 on, got 499, 3 times"),
        ("cut", r"IncompleteRead\(.*\), 3 times"),
    ],
)
def test_a_read_that_fails_again_and_again_is_told(fake, web, fault, told):
    fake.faults = {"OPEN-data": [fault] * 9}
    with pytest.raises(WebError, match=told):
        web.read("/bars/a b%20ü.csv", 0, 500)


def test_what_is_refused_is_not_repeated(fake, web):
    fake.faults = {"OPEN": ["denied"]}
    with pytest.raises(WebError, match=r"^Permission denied: user=me$"):
        web.read("/bars/b.csv", 0, 1)
    with pytest.raises(WebError, match=r"^File does not exist: /none$") as refused:
        web.status("/none")
    assert refused.value.is_missing and len(fake.asked) == 2


def test_a_name_node_on_standby_is_asked_once(fake):
    with FakeHdfs().served() as address:
        other = FakeHdfs()
        other.standby = True
        with other.served() as standby:
            web = Web([standby, "http://127.0.0.1:1", fake.address, address], {"user.name": "me"}, attempts=1)
            for _ in range(3):
                assert web.read("/bars/b.csv", 0, 1) == b"x"
        assert len(other.asked) == 1
    fake.standby = True
    with pytest.raises(WebError, match="is on standby, 2 times"):
        Web([fake.address], {}, attempts=2).status("/bars")


@pytest.mark.parametrize("fault", ["short", "500", "drop"])
def test_a_write_is_whole_or_repeated(fake, web, tmp_path, fault):
    (tmp_path / "part").write_bytes(LINES)
    fake.faults = {"CREATE-data": [fault]}
    web.write("/out/part-00000", tmp_path / "part")
    assert fake.files["/out/part-00000"] == LINES
    fake.faults = {"CREATE-data": ["short"] * 3}
    with pytest.raises(WebError, match=r"509 of 510 bytes arrived, 3 times"):
        web.write("/out/part-00001", tmp_path / "part")


def test_a_rename_whose_answer_is_lost_is_done_once(fake, web):
    fake.faults = {"RENAME": ["lost"]}
    web.rename("/bars", "/out")
    assert fake.folder("/out") and not fake.folder("/bars")
    with pytest.raises(WebError, match="rename source /bars is not found"):
        web.rename("/bars", "/other")
    fake.files["/bars/new"] = b""
    with pytest.raises(WebError, match="rename destination /out already exists") as refused:
        web.rename("/bars", "/out")
    assert refused.value.kind == "FileAlreadyExistsException"


# What a task opens.


def test_a_task_reads_ranges_that_follow_blocks(fake, task):
    chance, other = random.Random(3), io.BytesIO(LINES)
    with SOURCE.open("hdfs://one:8020/bars/a b%20ü.csv") as file:
        for _ in range(40):
            if chance.random() < 0.4:
                place = chance.choice([(chance.randrange(len(LINES)), 0), (-chance.randrange(1, 90), 2)])
                assert file.seek(*place) == other.seek(*place)
            size = chance.choice([0, 1, 10, 100, 300])
            assert file.read(size) == other.read(size) and file.tell() == other.tell()
    for _, operation, _, options in fake.asked:
        if operation == "OPEN":
            start, length = int(options["offset"]), int(options["length"])
            assert start // fake.block == (start + length - 1) // fake.block


@pytest.mark.parametrize("bound", [0, 30, 200, 201, 499, 500])
def test_the_lines_of_two_ranges_are_those_of_the_file(fake, task, bound):
    layout = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",), None, LINES[:22])
    uri = "hdfs:///bars/a b%20ü.csv"
    ranges = [(0, bound), (bound, len(LINES))]
    found = [bars.values[0].tolist() for start, end in ranges for bars in read_bars(uri, layout, start, end)]
    assert [close for its in found for close in its] == list(range(1, 32))


def test_an_input_that_changes_under_a_task_is_refused(fake, task):
    uri = "hdfs:///bars/a b%20ü.csv"
    version = SOURCE.latest(uri)
    with unchanged(uri, version):
        pass
    fake.modified["/bars/a b%20ü.csv"] = 77
    with pytest.raises(InputError, match="has changed since the job was submitted"), unchanged(uri, version):
        pass
    fake.modified["/bars/a b%20ü.csv"] = 1
    with (
        pytest.raises(InputError, match=r"has changed since the job was submitted \(from 510 to 20 bytes\)"),
        unchanged(uri, version),
        SOURCE.open(uri) as file,
    ):
        fake.files["/bars/a b%20ü.csv"] = LINES[:20]
        file.read()


def test_what_a_task_cannot_read_is_told_with_a_cure(fake, task):
    with pytest.raises(InputError) as refused:
        SOURCE.open("hdfs:///none.csv")
    assert str(refused.value) == (
        "hdfs:///none.csv: cannot be read over WebHDFS: File does not exist: /none.csv; check its permissions, and that"
        " the cluster is healthy, or have Hadoop read it: -D windrow.webhdfs=off"
    )
    with pytest.raises(InputError, match="can only be read by Hadoop"):
        SOURCE.open("hdfs://other/bars/b.csv")


def test_a_task_that_does_not_reach_it_has_hadoops_client_fetch_copies(task, monkeypatch):
    assert not SOURCE.through_hadoop
    monkeypatch.setenv("windrow_webhdfs", "http://127.0.0.1:1")
    places.of_task.cache_clear()
    assert SOURCE.through_hadoop


def test_a_task_that_does_not_reach_it_does_not_copy_a_file_for_a_part_of_it(task, monkeypatch, tmp_path):
    """Nor do all others: another attempt may be on a node that reaches it, and after the last the submitter is told."""
    part, whole = (Range("hdfs:///bars/b.csv", 0, length, {"size": 20, "modified on HDFS": 1}) for length in (10, 20))
    SOURCE.refuse_part(part)
    monkeypatch.setenv("windrow_webhdfs", "http://127.0.0.1:1")
    places.of_task.cache_clear()
    SOURCE.refuse_part(whole)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError) as refused:
        next(read_ranges([part], Settled({}, dated=True, slots=None)))
    assert str(refused.value) == (
        f"hdfs:///bars/b.csv: WebHDFS is not reached from {os.uname().nodename}, and each of its tasks would copy all"
        " of it for a part; let the cluster's nodes reach its address, or have Hadoop read it: -D windrow.webhdfs=off"
    )
    log = f'Traceback (most recent call last):\n  File "job.py", line 3, in map_bars\nOSError: {refused.value}\n'
    told = explain(Failure(["subprocess failed with code 1"], "", [log]), "to see more: ...", [], "hdfs:///out")
    assert isinstance(told, InputError) and str(told) == str(refused.value)


def test_a_part_is_written(fake, task, tmp_path):
    (tmp_path / "part").write_bytes(b"line\n")
    assert write(tmp_path / "part", "hdfs://one:8020/out/_temporary/part-00000") == ""
    assert fake.files["/out/_temporary/part-00000"] == b"line\n"
    fake.faults = {"CREATE": ["denied"]}
    assert write(tmp_path / "part", "hdfs:///out/part-00001") == "Permission denied: user=me"


# Where it is.


def configured(**more):
    values = {"dfs.namenode.http-address": "0.0.0.0:9870", "dfs.http.policy": "HTTP_ONLY"}
    values["fs.defaultFS"] = "hdfs://nn:8020"
    values |= {name.replace("__", "-").replace("_", "."): value for name, value in more.items()}
    return lambda name: values.get(name, "")


def tried(monkeypatch):
    monkeypatch.setattr(places, "_tried", lambda found: found)


@pytest.mark.parametrize(
    ("values", "addresses", "served"),
    [
        ({}, ["http://nn:9870"], "hdfs://nn:8020/bars"),
        ({"dfs_namenode_http__address": "web:50070"}, ["http://web:50070"], "hdfs://web:8020/bars"),
        ({"dfs_http_policy": "HTTPS_ONLY", "dfs_namenode_https__address": "0.0.0.0:9871"}, ["https://nn:9871"], "hdfs:///bars"),
        (
            {"fs_defaultFS": "hdfs://both", "dfs_ha_namenodes_both": "a, b",
             "dfs_namenode_http__address_both_a": "one:9870", "dfs_namenode_http__address_both_b": "two:9870"},
            ["http://one:9870", "http://two:9870"], "hdfs://both/bars",
        ),
    ],
)  # fmt: skip
def test_addresses_come_from_hadoops_configuration(monkeypatch, values, addresses, served):
    tried(monkeypatch)
    found = find(None, [served], configured(**values))
    assert list(found.addresses) == addresses and found.has(served) and found.has("hdfs:///bars")


def test_files_of_another_cluster_are_not_taken_for_those_of_this_one(monkeypatch):
    tried(monkeypatch)
    with pytest.raises(WebError, match="is not known to have the files of hdfs://far:8020"):
        find(None, ["hdfs://far:8020/bars"], configured())


def test_an_address_that_is_asked_for_is_taken(fake):
    found = find(f"{fake.address}/", ["hdfs://far:8020/bars"], lambda name: pytest.fail("asked Hadoop"))
    assert found.addresses == (fake.address,) and found.has("hdfs://far:8020/bars")
    with pytest.raises(UsageError) as refused:
        find("nn:9870", [], configured())
    assert str(refused.value) == (
        "-D windrow.webhdfs=nn:9870: 'nn:9870' is no address of WebHDFS; give http://HOST:PORT, of a name node or of"
        " HttpFS, or off"
    )
    with pytest.raises(WebError):
        find("http://127.0.0.1:1", [], configured())


# Tokens.


TOKEN = Token(b"\0\2me\0\0", b"secret" * 30, b"HDFS_DELEGATION_TOKEN", b"127.0.0.1:8020")
#: A file that Hadoop 3.4.2 wrote for it, by `hadoop dtutil import -alias name`, compressed.
VERSION_1 = (
    b"eJzzcAkJZvzDyPWTkYvP0MhczwAIDa0sDIwMhJ4xcrExMOWmMjAIbWEsTk0uSi0ZWqSUqIeLW3C8i6uPq7tjiKe/X3yIv7ernxKaRwFAxF23"
)


def fields_of(token):
    return b"".join((bytes([len(field)]) if len(field) < 128 else bytes([0x8F, len(field)])) + field for field in token)


@pytest.mark.parametrize("version", [0, 1])
def test_a_tasks_token_opens_webhdfs(fake, task, monkeypatch, tmp_path, version):
    content = zlib.decompress(base64.b64decode(VERSION_1)) if version else b"HDTS\0\1\4name" + fields_of(TOKEN) + b"\0"
    assert tokens_in(content) == [TOKEN]
    (tmp_path / "tokens").write_bytes(content)
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(tmp_path / "tokens"))
    Found.web.cache_clear()
    SOURCE.size("hdfs:///bars/b.csv")
    sent = fake.asked[-1][-1]["delegation"]
    assert "user.name" not in fake.asked[-1][-1]
    assert base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)) == fields_of(TOKEN)


@pytest.mark.parametrize("content", [b"", b"HDTS", b"HDTS\2", b"HDTS\0\1\4na", b"HDTS\1\5\x0a", b"HDTS\1\2\x08\1"])
def test_a_file_without_tokens_has_none(content):
    assert tokens_in(content) == []
