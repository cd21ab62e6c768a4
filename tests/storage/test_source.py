"""A new kind of place is one file: mem://, made up here, is read from and written to; no other file knows of it."""

import sys
from importlib import import_module

import pytest

import windrow.storage
from jobs.rejects import Rejects
from windrow.errors import InputError, OutputError
from windrow.storage import source
from windrow.storage.source import canonical, list_inputs, scheme_of, source_of

MEM = '''
"""Bytes in memory, by mem://NAME: shared with forks of this process."""

from io import BytesIO

from windrow.errors import InputError, OutputError
from windrow.storage.source import Source

FILES = {}


class MemSource(Source):
    schemes = ("mem",)

    def expand(self, argument, recursive=False):
        found = [uri for uri in sorted(FILES) if uri == argument or uri.startswith(argument.rstrip("/") + "/")]
        if not found:
            raise InputError(f"{argument}: does not exist; put it there first")
        return found

    def size(self, uri):
        return len(FILES[uri])

    def open(self, uri, end=None):
        return BytesIO(FILES[uri])

    def refuse_taken(self, output):
        if any(uri.startswith(output) for uri in FILES):
            raise OutputError(f"{output}: exists; choose another place")

    def commit(self, staging, names, output, advance):
        FILES.update({f"{output}/{name}": (staging / name).read_bytes() for name in names})

    def contents(self, output):
        return [uri for uri in sorted(FILES) if uri == output or uri.startswith(f"{output}/")]


SOURCE = MemSource()
'''
ROWS = "".join(f"{symbol},2008-03-{day:02d},{day}.5\n" for day in range(1, 29) for symbol in ("AA", "BB"))


def forget_sources():
    source._sources.cache_clear()
    source._source.cache_clear()


@pytest.fixture
def mem(tmp_path, monkeypatch):
    """The files of mem://, a source of one file that nothing but its place announces."""
    (tmp_path / "mem.py").write_text(MEM)
    monkeypatch.setattr(windrow.storage, "__path__", [*windrow.storage.__path__, str(tmp_path)])
    forget_sources()
    yield import_module("windrow.storage.mem").FILES
    forget_sources()
    del sys.modules["windrow.storage.mem"]


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_a_made_up_scheme_is_read_from_and_written_to(mem, run_job, tmp_path, runner):
    header = "symbol,timestamp,close\n"
    mem["mem://bars/1.csv"], mem["mem://bars/2.csv"] = (header + ROWS).encode(), f"{header}CC,2008-03-01,7\n".encode()
    (tmp_path / "bars.csv").write_text(header + ROWS + "CC,2008-03-01,7\n")
    here = run_job("-r", runner, "--window", "3", tmp_path / "bars.csv")
    assert run_job("-r", runner, "--window", "3", "mem://bars").lines == here.lines and len(here.lines) == 52
    assert run_job("-r", runner, "--window", "3", "mem://bars/", "-o", "mem://out").status == 0
    parts = b"".join(mem[uri] for uri in sorted(mem) if uri.startswith("mem://out/part-"))
    assert sorted(parts.splitlines()) == here.lines and mem["mem://out/_SUCCESS"] == b""
    assert list(windrow.read_output("mem://out").columns) == ["symbol", "timestamp", "sma:3"]
    again = run_job("-r", runner, "--window", "3", "mem://bars", "-o", "mem://out")
    assert (again.status, again.err) == (1, "error: mem://out: exists; choose another place\n")


def test_its_errors_name_the_uri(mem, run_job):
    ran = run_job("mem://nothing")
    assert (ran.status, ran.err) == (1, "error: mem://nothing: does not exist; put it there first\n")
    mem["mem://bars.csv"] = b"symbol,timestamp,close\nA,yesterday,1\n"
    ran = run_job("mem://bars.csv", job=Rejects)
    assert b'"file":"mem://bars.csv","reason":"time"' in ran.out


def test_inputs_of_several_sources_keep_their_order(mem, tmp_path):
    mem["mem://b"] = mem["mem://a"] = b""
    here = tmp_path / "here.csv"
    here.write_text("")
    assert list_inputs(["mem://b", str(here), "mem://a"]) == ["mem://b", str(here), "mem://a"]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("uri", ["hdfs:///bars/a.csv", "viewfs://cluster/a.csv"])
def test_what_hadoop_alone_reads_is_refused_here(run_job, runner, uri):
    ran = run_job("-r", runner, uri)
    assert ran.status == 1 and ran.err.startswith(f"error: {uri}: ") and "-r hadoop" in ran.err


def test_a_uri_of_this_machine_is_its_path(run_job, tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nA,2008-03-01,7\n")
    ran = run_job("--window", "1", f"file://{tmp_path}/bars.csv")
    assert (ran.status, ran.out) == (0, b"A\t2008-03-01\t7.0\n")


def test_unwritable_places_say_so():
    with pytest.raises(OutputError, match="can only be written by Hadoop; run the job with -r hadoop"):
        source_of("hdfs:///out").refuse_taken("hdfs:///out")
    with pytest.raises(InputError, match="-r hadoop"):
        source_of("gs://bucket/a.csv").size("gs://bucket/a.csv")


@pytest.mark.parametrize("uri", ["a.csv", "/bars/a:/b.csv", "./s3:/a", "C.csv"])
def test_paths_are_no_uris(uri):
    assert scheme_of(uri) == "file" and canonical(uri) == uri


def test_the_output_of_this_machine_stays_behind_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    local = source_of(str(tmp_path / "link"))
    with local.staging(str(tmp_path / "link")) as staging:
        (staging / "part-00000").write_bytes(b"x")
        (staging / "left over").write_bytes(b"x")
        local.commit(staging, ["part-00000"], str(tmp_path / "link"), int)
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["part-00000"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
    with pytest.raises(OutputError, match="is not empty"):
        local.refuse_taken(str(tmp_path / "link"))
