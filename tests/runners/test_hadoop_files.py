"""What the submitter of `-r hadoop` asks for files on the cluster: by few requests, and by what answers.

Cures followed here: runners/hadoop_files.py:_told, runners/hadoop.py:_find_web, storage/hdfs/source.py:refuse_part.
"""

import sys
from collections import Counter

import pytest

from tests.storage.spnego import Contexts
from tests.storage.webhdfs import FakeHdfs
from windrow.console.meter import Meter
from windrow.errors import InputError
from windrow.runners.hadoop import HadoopRunner
from windrow.runners.hadoop_files import ClientFiles, WebFiles
from windrow.runners.launch import Launch
from windrow.storage.hdfs.places import Found

NOBODY = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr("windrow.storage.hdfs.web._LONGEST_WAIT", 0.01)


@pytest.fixture
def fake():
    hdfs = FakeHdfs({f"/bars/{number:04d}.csv": b"x" * number for number in range(50)} | {"/other/a.csv": b"yy"})
    hdfs.page = 10
    with hdfs.served():
        yield hdfs


def files_of(fake):
    return WebFiles(Found((fake.address,), ("",), "me"))


def asked(fake):
    return Counter(operation for _, operation, *_ in fake.asked)


@pytest.mark.parametrize(
    ("numbers", "requests"),
    [
        (range(50), {"LISTSTATUS_BATCH": 5}),
        (range(8, 12), {"LISTSTATUS_BATCH": 2}),
        (range(44, 49), {"LISTSTATUS_BATCH": 4, "GETFILESTATUS": 5}),  # the list is long, and they are at its end
        ([7, 3], {"LISTSTATUS_BATCH": 1}),
        ([7], {"GETFILESTATUS": 1}),
    ],
)
def test_versions_take_a_request_for_many_files(fake, numbers, requests):
    uris = [f"hdfs:///bars/{number:04d}.csv" for number in numbers]
    found = files_of(fake).versions(uris)
    assert found == {uri: {"size": int(uri[-8:-4]), "modified on HDFS": 1} for uri in uris} and list(found) == uris
    assert asked(fake) == requests


def test_versions_of_files_in_two_folders_and_under_two_names(fake):
    uris = ["hdfs:///bars/0001.csv", "hdfs:///other/a.csv", "hdfs://nn:8020/bars/0001.csv", "hdfs:///bars/0002.csv"]
    assert [version["size"] for version in files_of(fake).versions(uris).values()] == [1, 2, 1, 2]


def test_versions_of_files_that_may_be_read_but_not_listed(fake):
    fake.faults = {"LISTSTATUS_BATCH": ["denied"]}
    uris = [f"hdfs:///bars/{number:04d}.csv" for number in range(3)]
    assert [version["size"] for version in files_of(fake).versions(uris).values()] == [0, 1, 2]
    assert asked(fake) == {"LISTSTATUS_BATCH": 1, "GETFILESTATUS": 3}


def test_a_file_that_is_gone_is_told_by_name(fake):
    del fake.files["/bars/0002.csv"]
    uris = [f"hdfs:///bars/{number:04d}.csv" for number in range(4)]
    with pytest.raises(InputError, match=r"^hdfs:///bars/0002.csv: cannot be read over WebHDFS: File does not exist"):
        files_of(fake).versions(uris)


def submitter(monkeypatch, tmp_path, asked=None):
    """A submitter of inputs on HDFS, which has asked for a WebHDFS, with a client of Hadoop that lists a file."""
    client = tmp_path / "hadoop"
    client.write_text("#!/bin/sh\necho '-rw-r--r--   1 me supergroup   12 2026-01-02 10:00 hdfs:///bars/a.csv'\n")
    client.chmod(0o755)
    (tmp_path / "hdfs").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hdfs").chmod(0o755)
    runner = HadoopRunner.__new__(HadoopRunner)
    runner._opts = {"jobconf": {} if asked is None else {"windrow.webhdfs": asked}}
    runner._web, runner._kept, runner.launch = None, None, Launch(meter=Meter())
    runner._hadoop_tmp_dir, runner._output_dir = "hdfs:///tmp/run", "hdfs:///out"
    monkeypatch.setattr(runner, "get_hadoop_bin", lambda: [str(client)], raising=False)
    return runner


def test_where_none_answers_a_note_tells_what_to_do(monkeypatch, tmp_path, fake, capsys):
    submitter(monkeypatch, tmp_path, NOBODY)._find_web(["hdfs:///bars/a.csv"])
    assert capsys.readouterr().err == (
        f"note: WebHDFS cannot be used ({NOBODY}: [Errno 111] Connection refused, 2 times), so Hadoop hands lines to"
        " tasks one by one, which takes several times as long; name its address with -D"
        " windrow.webhdfs=http://HOST:PORT; with -D windrow.webhdfs=off it is not tried\n"
    )
    named, off = (submitter(monkeypatch, tmp_path, address) for address in (fake.address, "off"))
    for runner, kind in ((named, WebFiles), (off, ClientFiles)):
        runner._find_web(["hdfs:///bars/a.csv"])
        assert isinstance(runner._files("hdfs:///bars/a.csv"), kind)
    assert capsys.readouterr().err == ""


def test_where_kerberos_is_asked_for_the_note_tells_how_to_speak_it(monkeypatch, tmp_path, fake, capsys):
    contexts = Contexts()
    fake.accept = contexts.accept
    monkeypatch.setitem(sys.modules, "gssapi", None)
    runner = submitter(monkeypatch, tmp_path, fake.address)
    runner._find_web(["hdfs:///bars/a.csv"])
    assert capsys.readouterr().err == (
        "note: WebHDFS cannot be used (127.0.0.1: asks for Kerberos), so Hadoop hands lines to tasks one by one, which"
        " takes several times as long; install what speaks it with: pip install 'windrow[kerberos]', and get a ticket"
        " with kinit; with -D windrow.webhdfs=off it is not tried\n"
    )
    assert runner._list(["hdfs:///bars/a.csv"], False) == {"hdfs:///bars/a.csv": 12}  # by Hadoop's client
    contexts.install(monkeypatch)
    runner._find_web(["hdfs:///bars"])
    assert capsys.readouterr().err == "" and len(runner._list(["hdfs:///bars"], False)) == 50
    monkeypatch.setattr("mrjob.hadoop.HadoopJobRunner.cleanup", lambda self, mode=None: None)
    runner.cleanup()
    assert (fake.tokens, fake.tokens_made) == ([], 1)


def test_where_it_answers_no_more_hadoops_client_does(monkeypatch, tmp_path, fake):
    runner = submitter(monkeypatch, tmp_path, fake.address)
    runner._find_web(["hdfs:///bars"])
    runner._web.web()._addresses[:] = [NOBODY]
    with pytest.raises(InputError) as refused:
        runner._list(["hdfs:///bars"], False)
    assert str(refused.value) == (
        f"hdfs:///bars: cannot be listed over WebHDFS: {NOBODY}: [Errno 111] Connection refused, 5 times; check the"
        " path, its permissions, and that the cluster is up, or have Hadoop's client do it: -D windrow.webhdfs=off"
    )
    off = submitter(monkeypatch, tmp_path, "off")
    off._find_web(["hdfs:///bars"])
    assert off._list(["hdfs:///bars"], False) == {"hdfs:///bars/a.csv": 12}
