"""First bytes of inputs that lie elsewhere, and what can be settled from them."""

import bz2
import gzip
import lzma
from contextlib import contextmanager

import pytest
import zstandard

from tests.storage.webhdfs import FakeHdfs
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds.heads import write_head
from windrow.feeds.settle import settle, without_line_end
from windrow.runners.hadoop import HadoopRunner
from windrow.runners.hadoop_files import ClientFiles, WebFiles
from windrow.storage.hdfs.places import Found
from windrow.storage.source import canonical

HEADER = b"symbol,timestamp,close\n"
TEXT = HEADER + b"".join(b"AA,2020-01-01T%02d:%02d:00Z,%d.5\n" % (n // 60 % 24, n % 60, n) for n in range(1000))
PACKED = {
    ".csv": lambda text: text,
    ".csv.gz": gzip.compress,
    ".csv.xz": lambda text: b"".join(lzma.compress(text[at : at + 9000]) for at in range(0, len(text), 9000)),
    ".csv.bz2": bz2.compress,
    ".csv.zst": lambda text: zstandard.ZstdCompressor().compress(text),
}


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_part_of_an_input_settles_its_columns(tmp_path, suffix, share):
    whole = PACKED[suffix](TEXT * 40)
    uri = f"hdfs:///bars/2020{suffix}"
    head = write_head(whole[: int(len(whole) * share)], uri, len(whole), tmp_path / f"00000-2020{suffix}")
    if suffix in (".csv.bz2", ".csv.zst") and share < 1:  # one block, which half of it does not give
        assert head is None
        return
    assert head.share == pytest.approx(share, abs=0.01)
    settled, barren = settle([uri], Reading(values=("close",)), heads={uri: head})
    layout = settled.at({uri: uri}).layout("hdfs://namenode:8020/bars/2020" + suffix)
    assert barren == [] and layout.names == ("symbol", "timestamp", "close") and layout.dated is False


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "gb18030"])
def test_a_part_of_an_encoded_input_ends_with_a_line(tmp_path, codec):
    """Wherever it is cut; a letter whose bytes have those of a line feed is none."""
    whole = TEXT.decode().replace("AA", "\u0a0a\u0a00A")
    text = whole.encode(codec)
    for size in (*range(900, 920), len(text) - 3):
        head = write_head(text[:size], "hdfs:///bars/a.csv", len(text), tmp_path / "a.csv")
        kept = (tmp_path / "a.csv").read_bytes().decode(codec)
        assert head.share < 1 and kept.endswith("\n") and whole.startswith(kept)
        name = None if codec in ("utf-16", "utf-32") else codec
        settled, _ = settle(["hdfs:///a"], Reading(values=("close",), encoding=name), heads={"hdfs:///a": head})
        assert settled.inputs["hdfs:///a"].names == ("symbol", "timestamp", "close")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("hdfs://host:8020/a/b.csv", "/a/b.csv"),
        ("hdfs:///a/b.csv", "/a/b.csv"),
        ("file:/a/b", "/a/b"),
        ("/a:/b", "/a:/b"),
    ],
)
def test_a_path_without_scheme_and_host(path, expected):
    assert canonical(path) == expected


class Client:
    """Hadoop's client, as the runner asks it."""

    def __init__(self, text):
        self.text, self.asked, self.tails = text, [], 0

    def head(self, uri, length):
        self.asked.append(length)
        return self.text[:length]

    @contextmanager
    def last_byte(self, uri, size):
        self.tails += 1
        yield lambda: self.text[-1:]


def runner_with(monkeypatch, files):
    runner = HadoopRunner.__new__(HadoopRunner)
    monkeypatch.setattr(runner, "_files", lambda uri: files, raising=False)
    return runner


def test_a_head_grows_until_it_gives_a_line(tmp_path, monkeypatch):
    whole = bz2.compress(TEXT * 400)
    client = Client(whole)
    monkeypatch.setattr("windrow.runners.hadoop._HEAD_BYTES", 64)
    head = runner_with(monkeypatch, client)._head("hdfs:///a.csv.bz2", len(whole), tmp_path / "a.csv.bz2")
    assert client.asked[:3] == [64, 256, 1024] and head.share > 0


@pytest.mark.parametrize(("text", "told"), [(TEXT, []), (TEXT[:-1], ["hdfs:///a.csv"])])
@pytest.mark.parametrize("by_web", [True, False], ids=["web", "client"])
def test_how_a_long_file_on_hdfs_ends_is_asked_for(tmp_path, monkeypatch, text, told, by_web):
    monkeypatch.setattr("windrow.runners.hadoop._HEAD_BYTES", 1000)
    hdfs = FakeHdfs({"/a.csv": text})
    with hdfs.served() as address:
        files = WebFiles(Found((address,), ("",), "me")) if by_web else Client(text)
        head = runner_with(monkeypatch, files)._head("hdfs:///a.csv", len(text), tmp_path / "a.csv")
    assert head.share < 1
    settled, _ = settle(["hdfs:///a.csv"], Reading(values=("close",)), heads={"hdfs:///a.csv": head})
    assert without_line_end(settled, {"hdfs:///a.csv": head}) == told


def test_an_input_that_cannot_be_read_is_refused_by_name(tmp_path, monkeypatch):
    runner = runner_with(monkeypatch, ClientFiles(["false"]))
    with pytest.raises(InputError, match=r"hdfs:///a.csv: cannot be read to its end; check its permissions"):
        runner._head("hdfs:///a.csv", 1000, tmp_path / "a.csv")
