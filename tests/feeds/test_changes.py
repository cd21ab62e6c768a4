"""An input that changes while a job runs is refused by name: never half of one version and half of another."""

import bz2
import gzip
import os
import shutil
from functools import partial

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import zstandard

from jobs.moving_average import MovingAverage
from windrow.bars.layout import Reading
from windrow.errors import InputError
from windrow.feeds import density, fetch, lines, parquet
from windrow.feeds.settle import settle
from windrow.runners import simulated
from windrow.runners.simulated import plan_tasks
from windrow.storage.source import source_of, unchanged, versions_of

HEADER = "symbol,timestamp,close\n"
DAYS = [f"{1700 + number // 336}-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}" for number in range(12_000)]
MANY = "".join(
    f"S{number % 9},{DAYS[number // 2]}T{number % 2:02d}:00:00,{number % 977}.25\n" for number in range(24_000)
)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """A job is in the middle of the file when it has the first bars."""
    monkeypatch.setattr(lines, "CHUNK_BYTES", 1 << 17)
    monkeypatch.setattr(parquet, "ROWS", 4000)


def as_parquet(text, path):
    plain = path.with_suffix(".plain")
    plain.write_bytes(text)
    pq.write_table(pa_csv.read_csv(plain), path, row_group_size=2000)
    plain.unlink()


WRITE = {
    "bars.csv": lambda text, path: path.write_bytes(text),
    "bars.csv.gz": lambda text, path: path.write_bytes(gzip.compress(text, 1)),
    "bars.csv.bz2": lambda text, path: path.write_bytes(bz2.compress(text)),
    "bars.csv.zst": lambda text, path: path.write_bytes(zstandard.ZstdCompressor().compress(text)),
    "bars.parquet": as_parquet,
}


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def append(path):
    with path.open("ab") as file:
        file.write(b"S1,2020-01-01T00:00:00,1\n")


def replace(path):
    """By another file of the same bytes but for one digit, and of the same time."""
    status, other = path.stat(), path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def write_in_place(path):
    """Other bytes in the same file, as many as before."""
    with path.open("r+b") as file:
        file.write(file.read(1))
    os.utime(path, ns=(0, 0))


HOW = {
    truncate: r"from [\d,]+ to [\d,]+ bytes", append: r"from [\d,]+ to [\d,]+ bytes",
    replace: "another has its name", write_in_place: "it was written to",
}  # fmt: skip


def refused(ran, path, how):
    import re

    assert (ran.status, ran.out, ran.err.count("\n")) == (1, b"", 1), ran.err
    assert re.match(
        rf"error: {path}: has changed since the job was submitted \({HOW[how]}\); inputs must not change while a job"
        " runs; run it again once nothing writes to it$",
        ran.err,
    ), ran.err


@pytest.fixture(params=WRITE)
def bars(request, tmp_path):
    """A file of each kind."""
    path = tmp_path / request.param
    WRITE[request.param]((HEADER + MANY).encode(), path)
    return path


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("how", HOW)
def test_an_input_that_changes_while_a_mapper_reads_it(bars, run_job, runner, how):
    class Changes(MovingAverage):
        def map_bars(self, bars_read, source):
            if version == source_of(str(bars)).version(str(bars)):  # in this task, or one before
                how(bars)
            return super().map_bars(bars_read, source)

    version = source_of(str(bars)).version(str(bars))
    run = partial(run_job, "-r", runner, "--num-cores", "1", "--window", "1", bars)
    refused(run("-o", bars.parent / "out", job=Changes), bars, how)
    assert [path.name for path in bars.parent.iterdir()] == [bars.name]


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_an_input_that_is_truncated_between_two_mappers(tmp_path, run_job, monkeypatch, runner):
    """Half of the bars, and exit 0, it was."""
    monkeypatch.setattr(simulated, "SPLIT_BYTES", 1 << 18)
    path = tmp_path / "bars.csv"
    WRITE["bars.csv"]((HEADER + MANY).encode(), path)
    size = path.stat().st_size

    class Changes(MovingAverage):
        def map_bars(self, bars_read, source):
            os.truncate(path, size // 2)
            return super().map_bars(bars_read, source)

    refused(run_job("-r", runner, "--num-cores", "1", "--window", "1", path, job=Changes), path, truncate)


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("how", HOW)
def test_an_input_that_changes_between_submission_and_the_first_mapper(bars, run_job, monkeypatch, runner, how):
    def changed(*args):
        planned = list(plan_tasks(*args))
        how(bars)
        return planned

    monkeypatch.setattr(simulated, "plan_tasks", changed)
    refused(run_job("-r", runner, "--window", "1", bars), bars, how)


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_an_input_that_changes_or_goes_before_it_is_planned(bars, run_job, monkeypatch, runner):
    """Removed there, it ended in a traceback."""

    def after(change):
        def planned(*args):
            change(bars)
            return plan_tasks(*args)

        return planned

    monkeypatch.setattr(simulated, "plan_tasks", after(replace))
    refused(run_job("-r", runner, "--window", "1", bars), bars, replace)
    monkeypatch.setattr(simulated, "plan_tasks", after(os.remove))
    ran = run_job("-r", runner, "--window", "1", bars)
    gone = "has been removed in the meantime; inputs must not change while a job runs; run it again"
    assert (ran.status, ran.out, ran.err) == (1, b"", f"error: {bars}: {gone}\n")


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_an_input_that_goes_while_a_mapper_reads_it(bars, run_job, runner):
    class Removes(MovingAverage):
        def map_bars(self, bars_read, source):
            bars.unlink(missing_ok=True)
            return super().map_bars(bars_read, source)

    ran = run_job("-r", runner, "--num-cores", "1", "--window", "1", bars, job=Removes)
    assert ran.status == 1 and ran.err.startswith(f"error: {bars}: has been removed in the meantime; ")


def test_an_input_that_changes_while_its_columns_are_settled_or_it_is_sampled(bars, monkeypatch):
    """The header of one version would be read with the rows of another."""
    versions = versions_of([str(bars)])
    reading = Reading(values=("close",))
    assert not settle([str(bars)], reading, versions=versions)[1]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match="has changed since the job"):
        patch.setattr(density, "_samples", lambda *args: pytest.fail("sampled after a change"))
        replace(bars)
        settle([str(bars)], reading, versions=versions)
    versions = versions_of([str(bars)])
    sampled = density._samples

    def later(*args):
        samples = sampled(*args)
        replace(bars)
        return samples

    monkeypatch.setattr(density, "_samples", later)
    with pytest.raises(InputError, match=rf"^{bars}: has changed since the job was submitted \(another has its name"):
        settle([str(bars)], reading, versions=versions)


def test_what_does_not_change_an_input_is_no_change(tmp_path):
    """A link more, other permissions, another path to it, a read."""
    path = tmp_path / "bars.csv"
    path.write_text(HEADER)
    version = source_of(str(path)).version(str(path))
    os.link(path, tmp_path / "link")
    path.chmod(0o600)
    path.read_bytes()
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "folder").symlink_to(tmp_path)
    for same in (path, tmp_path / "folder" / "bars.csv", f"file://{path}"):
        with unchanged(str(same), version):
            pass


def test_another_machine_may_number_files_otherwise(tmp_path, monkeypatch):
    """Over some network file systems; there, size and time still must be the same."""
    path = tmp_path / "bars.csv"
    path.write_text(HEADER)
    version = dict(source_of(str(path)).version(str(path)))
    [inode] = [name for name in version if name.startswith("inode")]
    version["inode on another machine"] = version.pop(inode) + 1
    source_of(str(path)).check(str(path), version)
    with pytest.raises(InputError, match="it was written to"):
        source_of(str(path)).check(str(path), version | {"modified": version["modified"] + 1})


def test_a_copy_that_hadoop_fetched_has_the_size_of_its_original(tmp_path, monkeypatch):
    """A task that fetches whole files compares lengths; times are the submitter's to compare."""
    path = tmp_path / "bars.csv"
    path.write_text(HEADER + "A,2020-01-01,1\n")
    settled = settle([str(path)], Reading(values=("close",)))[0].at({str(path): "hdfs:///bars/bars.csv"})
    monkeypatch.setattr("windrow.storage.hdfs.get", lambda uris, folder: shutil.copy(path, folder / "bars.csv") and "")
    size = path.stat().st_size

    def read(size):
        version = {"size": size, "modified on HDFS": 1}
        pieces = [simulated.Range("hdfs:///bars/bars.csv", 0, size, version)]
        return [len(bars) for bars, _ in fetch.read_ranges(pieces, settled)]

    assert read(size) == [1]
    with pytest.raises(
        InputError, match=rf"^{path}: has changed since the job was submitted \(from 99 to {size} bytes"
    ):
        read(99)
