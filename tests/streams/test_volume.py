"""What many records cost: memory does not grow with them, and none is lost."""

import json
import subprocess
import sys

from tests.conftest import ROOT

SPOOL = """
import json, resource, sys, tempfile
from pathlib import Path
import pyarrow.parquet as pq
from windrow.feeds.spool import spool
from windrow.storage.stream import Manner

with tempfile.TemporaryDirectory() as folder:
    found = spool(sys.argv[1], Path(folder), Manner(share=1.0))
    rows = sum(pq.read_metadata(place).num_rows for place in found.places.values())
print(json.dumps([found.records, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def spooled(uri):
    done = subprocess.run([sys.executable, "-c", SPOOL, uri], capture_output=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def test_memory_does_not_grow_with_records(canned):
    shards, page = 4, 2500
    records, rows, little = spooled(canned(shards, page * 4, page))
    assert records == rows == 40_000
    records, rows, much = spooled(canned(shards, page * 24, page))
    assert records == rows == 240_000
    assert much < little + 40, (little, much)  # MB; the records are 30 MB of text, and 60 more as objects
