"""The WebHDFS of a real Hadoop, and the one in memory that tests of faults ask, answer alike."""

import base64
import subprocess

import pytest

from tests.cluster.conftest import HOME
from tests.storage.webhdfs import FakeHdfs
from windrow.storage.hdfs.places import find
from windrow.storage.hdfs.tokens import tokens_in
from windrow.storage.hdfs.web import Web
from windrow.storage.hdfs.web_error import WebError

pytestmark = pytest.mark.cluster


def configured(name):
    asked = [HOME / "hdfs", "getconf", "-confKey", name]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def refused(ask):
    with pytest.raises(WebError) as told:
        ask()
    return told.value.kind


def answers(web, root, place):
    """What it answers to all that windrow asks, of files below a folder."""
    place.write_bytes(b"line\n" * 5000)
    empty = place.with_name("empty")
    empty.touch()
    web.make_folder(f"{root}/in")
    for name in ("b.csv", "a b%20ü#?&.csv"):
        web.write(f"{root}/in/{name}", place)
    web.write(f"{root}/in/below/c.csv", empty)
    yield [one[:3] for one in web.listed(f"{root}/in")]
    yield [one[:3] for one in web.listed(f"{root}/in/b.csv")]
    yield web.status(f"{root}/in/b.csv")[:3]
    yield web.read(f"{root}/in/a b%20ü#?&.csv", 4090, 20)
    yield web.read(f"{root}/in/below/c.csv", 0, 0)
    yield refused(lambda: web.read(f"{root}/none", 0, 1))
    yield refused(lambda: web.status(f"{root}/none"))
    yield refused(lambda: web.listed(f"{root}/none"))
    web.write(f"{root}/in/b.csv", empty)
    yield web.status(f"{root}/in/b.csv").size
    web.rename(f"{root}/in", f"{root}/out")
    yield [one[:3] for one in web.listed(root)]
    yield refused(lambda: web.rename(f"{root}/in", f"{root}/other"))
    web.write(f"{root}/new/d.csv", empty)
    yield refused(lambda: web.rename(f"{root}/new", f"{root}/out"))
    web.remove(f"{root}/out")
    web.remove(f"{root}/out")
    yield [one[:3] for one in web.listed(root)]


def test_both_answer_alike(cluster, hdfs, tmp_path):
    hdfs.put("folder/of this test", b"")
    found = find(None, [hdfs.uri()], configured)
    assert found.addresses == ("http://127.0.0.1:19070",) and found.has("hdfs://127.0.0.1:19000/bars")
    hdfs.remove("folder")
    real = list(answers(found.web(), hdfs.path, tmp_path / "real"))
    with FakeHdfs().served() as address:
        fake = list(answers(Web([address], {"user.name": "me"}), hdfs.path, tmp_path / "fake"))
    assert real == fake


def test_the_tokens_of_a_task_are_read(cluster, hdfs):
    """This Hadoop has no Kerberos, so of its tokens there is but that of the job."""
    place = hdfs.put("in/line", b"x\n")
    [jar] = (HOME / "jars").glob("hadoop-streaming-*.jar")
    mapper = "bash -c 'base64 -w0 $HADOOP_TOKEN_FILE_LOCATION; echo'"
    cluster.hadoop("jar", jar, "-D", "mapreduce.job.reduces=0", "-input", place, "-output", hdfs.uri("out"),
                   "-mapper", mapper)  # fmt: skip
    told = b"".join(hdfs.read(f"out/{name}") for name in hdfs.list("out")).split()
    assert {token.kind for one in told for token in tokens_in(base64.b64decode(one))} == {b"mapreduce.job"}
