"""First bytes of inputs that lie elsewhere, and what can be settled from them."""

import bz2
import gzip
import lzma
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import zstandard

from windrow.bars.layout import Reading
from windrow.feeds.heads import bytes_by_web, write_head
from windrow.feeds.settle import settle, without_line_end
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


@pytest.fixture
def web():
    """A server that answers as WebHDFS does for /bars/a b.csv, and refuses all else."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = urlsplit(self.path)
            options = parse_qs(asked.query)
            if asked.path != "/webhdfs/v1/bars/a%20b.csv" or options["op"] != ["OPEN"]:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            start = int(options["offset"][0])
            self.wfile.write(TEXT[start : start + int(options["length"][0])])

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_first_bytes_come_by_web(web):
    assert bytes_by_web(web, "/bars/a b.csv", 100) == TEXT[:100]
    assert bytes_by_web(web, "/bars/a b.csv", 1, len(TEXT) - 1) == TEXT[-1:]


@pytest.mark.parametrize("path", ["/bars/none.csv", "/bars/a b.csv"])
def test_what_the_web_does_not_give_is_none(web, path):
    assert bytes_by_web(web if "none" in path else "127.0.0.1:1", path, 100) is None


def test_an_answer_that_is_too_short_is_none(web):
    assert bytes_by_web(web, "/bars/a b.csv", 10**9) is None


def test_a_head_grows_until_it_gives_a_line(tmp_path, monkeypatch):
    from windrow.runners.hadoop import HadoopRunner

    whole = bz2.compress(TEXT * 400)
    runner = HadoopRunner.__new__(HadoopRunner)
    runner._web = None
    asked = []
    monkeypatch.setattr(
        runner, "_first_bytes", lambda uri, enough: asked.append(enough) or whole[:enough], raising=False
    )
    monkeypatch.setattr("windrow.runners.hadoop._HEAD_BYTES", 64)
    head = runner._head("hdfs:///a.csv.bz2", len(whole), tmp_path / "a.csv.bz2")
    assert asked[:3] == [64, 256, 1024] and head.share > 0


@pytest.mark.parametrize(("text", "told"), [(TEXT, []), (TEXT[:-1], ["hdfs:///a.csv"])])
@pytest.mark.parametrize("by_web", [True, False], ids=["web", "client"])
def test_how_a_long_file_on_hdfs_ends_is_asked_for(tmp_path, monkeypatch, text, told, by_web):
    from windrow.runners.hadoop import HadoopRunner

    (tmp_path / "hadoop").write_text(f"#!/bin/sh\nprintf '%s' \"$*\" >{tmp_path}/asked\ntail -c 1 {tmp_path}/text\n")
    (tmp_path / "hadoop").chmod(0o755)
    (tmp_path / "text").write_bytes(text)
    runner = HadoopRunner.__new__(HadoopRunner)
    runner._web = "web:9870" if by_web else None
    monkeypatch.setattr(runner, "_first_bytes", lambda uri, enough: text[:enough], raising=False)
    monkeypatch.setattr(runner, "get_hadoop_bin", lambda: [str(tmp_path / "hadoop")], raising=False)
    monkeypatch.setattr("windrow.runners.hadoop._HEAD_BYTES", 1000)
    monkeypatch.setattr(
        "windrow.runners.hadoop.bytes_by_web", lambda address, path, length, start: text[start : start + length]
    )
    head = runner._head("hdfs:///a.csv", len(text), tmp_path / "a.csv")
    assert head.share < 1 and by_web != (tmp_path / "asked").exists()
    settled, _ = settle(["hdfs:///a.csv"], Reading(values=("close",)), heads={"hdfs:///a.csv": head})
    assert without_line_end(settled, {"hdfs:///a.csv": head}) == told


def test_an_input_that_cannot_be_read_is_refused_by_name(tmp_path, monkeypatch):
    from windrow.errors import InputError
    from windrow.runners.hadoop import HadoopRunner

    runner = HadoopRunner.__new__(HadoopRunner)
    runner._web = None
    monkeypatch.setattr(runner, "_first_bytes", lambda uri, enough: b"", raising=False)
    monkeypatch.setattr(runner, "get_hadoop_bin", lambda: ["false"], raising=False)
    with pytest.raises(InputError, match=r"hdfs:///a.csv: cannot be read to its end; check its permissions"):
        runner._head("hdfs:///a.csv", 1000, tmp_path / "a.csv")
