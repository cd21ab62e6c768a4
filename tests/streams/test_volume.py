"""What many records cost: memory does not grow with them, and none is lost."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT
from windrow.errors import OutputError
from windrow.feeds import shards, spool
from windrow.storage.manner import Manner
from windrow.storage.stream import Bounds, Page, Shard

SPOOL = """
import json, resource, sys, tempfile
from pathlib import Path
import pyarrow.parquet as pq
from windrow.feeds.spool import spool
from windrow.storage.manner import Manner

with tempfile.TemporaryDirectory() as folder:
    found = spool(sys.argv[1], Path(folder), Manner(share=1.0))
    rows = sum(pq.read_metadata(place).num_rows for place in found.places.values())
print(json.dumps([found.records, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def spooled(uri):
    done = subprocess.run([sys.executable, "-c", SPOOL, uri], capture_output=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


@pytest.mark.processes
def test_memory_does_not_grow_with_records(canned):
    shards, page = 4, 2500
    records, rows, little = spooled(canned(shards, page * 4, page))
    assert records == rows == 40_000
    records, rows, much = spooled(canned(shards, page * 24, page))
    assert records == rows == 240_000
    assert much < little + 40, (little, much)  # MB; the records are 30 MB of text, and 60 more as objects


def test_a_job_over_files_imports_nothing_of_streams(tmp_path):
    code = "import sys; from jobs.moving_average import MovingAverage; status = MovingAverage.main(sys.argv[1:]);"
    code += " print(status, [name for name in sys.modules if 'kinesis' in name or 'kafka' in name or 'spool' in name])"
    command = [sys.executable, "-c", code, "-q", "-o", tmp_path / "out", "data/bars.csv"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT)
    assert done.stdout == b"0 []\n", done.stderr


def test_progress_goes_by_the_time_to_the_newest_record():
    progress = spool._Progress(Bounds("kinesis://s", None, 2 * 10**18, (Shard("one"), Shard("two")), {}))
    shares = []
    for step in range(11):  # arrivals long ago, as of a stream that was loaded last year
        progress.take(Page("one", [b"{}"], str(step), 10**18 + step, 10 - step))
        shares.append(round(progress.share, 2))
    progress.take(Page("two", [], None, 0, 0, over=True))
    assert shares == [step / 20 for step in range(11)] and progress.share == 1.0 and progress.text == "11 records"


GB = 1 << 30


def test_a_full_disk_ends_the_reading_of_a_stream(canned, monkeypatch, tmp_path):
    free = [GB, GB, 10 << 20]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free.pop(0)))
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    with pytest.raises(OutputError, match=r"only 10 MB are free; free some space, or set TMPDIR to another place"):
        spool.spool(canned(1, 5_000, 1_000), tmp_path, Manner(share=1.0))
    assert not free


def test_what_may_not_fit_is_warned_of_once(canned, monkeypatch, tmp_path, capsys):
    """Not refused: what arrived in a burst is long read when little of the time is."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=GB))
    monkeypatch.setattr(spool, "_LOOK", 0.0)
    monkeypatch.setattr(shards.ShardFile, "size", property(lambda self: self.rows * (1 << 20)))
    assert spool.spool(canned(1, 5_000, 1_000), tmp_path, Manner(share=1.0)).records == 5_000
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"warning: {tmp_path}: the rest of the stream may take ") and told.endswith("set TMPDIR")
