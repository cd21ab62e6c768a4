"""`windrow stream read`: a stream becomes files, which every job reads as it reads the stream."""

import json

import pyarrow.parquet as pq

from tests.streams.faults import failing
from tests.streams.test_jobs import bar


def test_files_of_a_stream_give_what_it_gives(kinesis, run_job, run_module, tmp_path):
    bars = [(f"S{n % 7}", bar(f"S{n % 7}", f"2023-01-{n // 7 + 1:02}", n + 0.5)) for n in range(140)]
    kinesis.put(bars)
    done = run_module("windrow.cli", "stream", "read", kinesis.uri, "-o", tmp_path / "kept", "--share", "1")
    assert done.status == 0, done.err
    files = sorted((tmp_path / "kept").glob("*.parquet"))
    assert f"{tmp_path / 'kept'}: 140 records of {kinesis.uri}, in {len(files)} files\n" in done.err
    assert sum(pq.read_metadata(file).num_rows for file in files) == 140
    (read,) = json.loads((tmp_path / "kept" / "_windrow.json").read_text())["streams"]
    assert read["records"] == 140 and read["stream"] == kinesis.uri
    with failing(1 / 3):
        want = run_job("-q", "--share", "1", "--window", "3", kinesis.uri)
    assert want.status == 0 and run_job("-q", "--window", "3", tmp_path / "kept").out == want.out
    again = run_module("windrow.cli", "stream", "read", kinesis.uri, "-o", tmp_path / "kept")
    assert again.status == 1 and "kept: exists and is not empty" in again.err
    shown = run_module("windrow.cli", "inspect", kinesis.uri)
    assert shown.status == 0 and f"{kinesis.uri}/shardId-" in shown.out.decode() and "140" not in shown.err


def test_nothing_is_left_of_a_stream_that_cannot_be_read(kinesis, run_module, tmp_path):
    done = run_module("windrow.cli", "stream", "read", kinesis.uri, "-o", tmp_path / "kept")
    assert done.status == 1 and "none of its 4 shards has a record so far" in done.err
    assert not list(tmp_path.iterdir())
    done = run_module("windrow.cli", "stream", "read", "bars.csv", "-o", tmp_path / "kept")
    assert done.status == 2 and "bars.csv: is no stream; give kinesis://STREAM or kafka://HOST:PORT/TOPIC" in done.err
