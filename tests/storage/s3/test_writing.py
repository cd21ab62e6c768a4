"""Outputs on S3: all of one appears at its end, whatever happens before, and nothing is ever overwritten."""

import gzip
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from windrow.errors import InputError, OutputError
from windrow.storage import s3
from windrow.storage.part import OWN_LINES, own_part

BIG = random.Random(3).randbytes(20 << 20)  # more than a part


@pytest.fixture
def files(tmp_path):
    """What a job writes: name -> file."""
    contents = {"part-00000": BIG, "part-00001": b"", "_windrow.json": b"{}\n", "_SUCCESS": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: tmp_path / name for name in contents}


def under(folder, files):
    return {s3.join(folder, name): path for name, path in files.items()}


def test_files_become_objects(bucket, files):
    sent = []
    s3.upload(under(f"{bucket.uri}/out/", files), sent.append)
    assert bucket.shown() == [f"out/{name}" for name in sorted(files)] and sum(sent) == len(BIG) + 3
    assert all(bucket.get(f"out/{name}") == path.read_bytes() for name, path in files.items())
    assert bucket.uploads() == 0


def test_nothing_is_visible_before_all_has_been_sent_and_success_is_last(bucket, files):
    s3.upload(under(f"{bucket.uri}/out", files))
    requests = [line.partition(f"/{bucket.name}/out/")[::2] for line, _ in bucket.log("PUT|POST")]
    kinds = [(method.strip(), "partNumber" in rest, rest.partition("?")[0]) for method, rest in requests]
    completed = [
        name
        for (method, _, name), (_, rest) in zip(kinds, requests, strict=True)
        if "?uploadId" in rest and method == "POST"
    ]
    last_part = max(place for place, (_, is_part, _) in enumerate(kinds) if is_part)
    first_completed = next(
        place
        for place, (_, rest) in enumerate(requests)
        if rest.partition("?")[2][:8] == "uploadId" and kinds[place][0] == "POST"
    )
    assert last_part < first_completed
    assert sorted(completed[:2]) == ["part-00000", "part-00001"] and completed[2:] == ["_windrow.json", "_SUCCESS"]


@pytest.mark.parametrize(
    "match", ["PUT .*part-00000.*partNumber=2", "POST .*_SUCCESS.uploads", "POST .*_SUCCESS.uploadId"]
)
def test_a_failure_leaves_nothing(bucket, files, match):
    bucket.rules((match, "denied"))
    with pytest.raises(OutputError, match=r"s3://.*/out/.*: access is denied \(AccessDenied: Access Denied\); these"):
        s3.upload(under(f"{bucket.uri}/out", files))
    assert bucket.shown() == [] and bucket.uploads() == 0


@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_what_is_refused_for_now_or_not_confirmed_is_repeated_and_done_once(bucket, files, fault):
    bucket.rules(("(PUT|POST|HEAD) ", fault, 1))
    s3.upload(under(f"{bucket.uri}/out", files))
    bucket.rules()
    assert all(bucket.get(f"out/{name}") == path.read_bytes() for name, path in files.items())


def test_an_object_whose_completion_was_not_confirmed_is_recognized_by_its_mark(bucket, files):
    """S3 forgets an upload that it has completed."""
    bucket.rules(("POST .*part-00000.uploadId", "cut", 1), ("POST .*part-00000.uploadId", "gone", 1))
    s3.upload(under(f"{bucket.uri}/out", files))
    assert len(bucket.log("POST .*part-00000.uploadId")) == 2 and len(bucket.log("HEAD .*part-00000")) == 1
    assert bucket.get("out/part-00000") == BIG


def test_what_appeared_meanwhile_remains_and_nothing_of_ours_beside_it(bucket, files):
    bucket.put("out/part-00001", b"another's")
    with pytest.raises(OutputError, match=r"out/part-00001: appeared while the job ran, so something else"):
        s3.upload(under(f"{bucket.uri}/out", files))
    assert bucket.shown() == ["out/part-00001"] and bucket.get("out/part-00001") == b"another's"
    assert bucket.uploads() == 0


WRITER = """
import sys
from pathlib import Path
from windrow.storage import s3
print("begins", flush=True)
s3.upload({sys.argv[1] + "/part-00000": Path(sys.argv[2]), sys.argv[1] + "/_SUCCESS": Path(sys.argv[3])})
"""


@pytest.mark.parametrize(("sent", "left"), [(signal.SIGINT, 0), (signal.SIGKILL, 2)])
def test_a_writer_that_is_stopped_leaves_nothing_visible(bucket, files, sent, left):
    bucket.rules(("PUT .*partNumber", "slow"))
    command = [sys.executable, "-c", WRITER, f"{bucket.uri}/out", files["part-00000"], files["_SUCCESS"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        while writer.poll() is None and not bucket.log("partNumber"):
            time.sleep(0.05)
        writer.send_signal(sent)
    assert writer.returncode != 0 and bucket.shown() == [] and bucket.uploads() == left


def test_memory_stays_small_whatever_the_file(bucket, tmp_path):
    """A process of its own sends 200 MB; holding a part of 16 MiB for each request would take 256 MB."""
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(200 << 20)
    program = """
import resource, sys
from pathlib import Path
from windrow.storage import s3
s3.client().list_buckets()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
s3.upload({sys.argv[1]: Path(sys.argv[2])})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program, f"{bucket.uri}/big", big], capture_output=True, check=True)
    assert int(done.stdout) << 10 < 48 << 20


def test_copies_appear_together_with_their_description(bucket, files):
    s3.upload(under(f"{bucket.uri}/.out", {name: files[name] for name in ("part-00000", "part-00001", "_SUCCESS")}))
    bucket.put(".out/_temporary/x", b"")
    more = {name: files[name] for name in ("_windrow.json", "_SUCCESS")}
    s3.publish_copies(f"{bucket.uri}/.out", f"{bucket.uri}/out", more, keep=lambda name: True)
    assert [key for key in bucket.shown() if key.startswith("out/")] == [f"out/{name}" for name in sorted(files)]
    assert bucket.get("out/part-00000") == BIG and bucket.get("out/_windrow.json") == b"{}\n"
    s3.delete_prefix(f"{bucket.uri}/.out")
    assert [key for key in bucket.shown() if key.startswith(".out/")] == []


def test_a_copy_that_fails_leaves_nothing(bucket, files):
    s3.upload(under(f"{bucket.uri}/.out", files))
    bucket.rules(("POST .*/out/_SUCCESS.uploadId", "denied"))
    with pytest.raises(OutputError, match="access is denied"):
        s3.publish_copies(f"{bucket.uri}/.out", f"{bucket.uri}/out", {"_SUCCESS": files["_SUCCESS"]})
    bucket.rules()
    assert [key for key in bucket.shown() if key.startswith("out/")] == [] and bucket.uploads() == 0


def test_a_folder_of_thousands_is_deleted(bucket):
    bucket.fill("out/", 1100)
    bucket.put("outer")
    s3.delete_prefix(f"{bucket.uri}/out")
    assert bucket.shown() == ["outer"]


def test_a_place_is_taken_by_anything_under_it_except_the_mark_of_an_empty_folder(bucket):
    bucket.put("out/")
    bucket.put("outer")
    s3.refuse_taken(f"{bucket.uri}/out")
    bucket.put("out/x/y")
    with pytest.raises(OutputError, match=r"/out/: exists and is not empty \(it contains out/x/y\): a job"):
        s3.refuse_taken(f"{bucket.uri}/out/")
    with pytest.raises(OutputError, match=r"/outer: exists and is an object: a job writes to a new directory only"):
        s3.refuse_taken(f"{bucket.uri}/outer")
    with pytest.raises(OutputError, match=r"exists and is not empty"):
        s3.refuse_taken(bucket.uri)


@pytest.mark.parametrize(
    ("uri", "kind", "message"),
    [
        ("s3://no-{}/out", OutputError, "there is no such bucket"),
        ("s3://", InputError, "has no bucket"),
    ],
)
def test_an_impossible_place_is_refused(bucket, uri, kind, message):
    with pytest.raises(kind, match=message):
        s3.refuse_taken(uri.format(bucket.name))


@pytest.fixture
def attempt(bucket, monkeypatch):
    """The folder of a task's attempt on S3, where tasks write their lines themselves."""
    folder = f"{bucket.uri}/out/_temporary/1/_temporary/attempt_1_r_000003_0"
    monkeypatch.setenv("mapreduce_task_output_dir", folder)
    monkeypatch.setenv("mapreduce_task_partition", "3")
    monkeypatch.setenv(OWN_LINES, "1")
    return folder


@pytest.mark.parametrize("suffix", ["", ".gz", ".parquet"])
def test_a_task_sends_its_part_to_its_attempts_folder_at_its_end(bucket, attempt, suffix):
    with own_part(suffix) as file:
        file.write(b"lines\n")
        assert bucket.shown() == []
    [key] = bucket.shown()
    assert f"{bucket.uri}/{key}" == f"{attempt}/part-00003{suffix}"
    sent = bucket.get(key)
    assert (gzip.decompress(sent) if suffix == ".gz" else sent) == b"lines\n"


def test_an_attempt_that_fails_sends_nothing(bucket, attempt):
    with pytest.raises(ZeroDivisionError), own_part("") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert bucket.shown() == [] and bucket.uploads() == 0


def test_a_part_that_s3_refuses_fails_its_attempt_alone(bucket, attempt, monkeypatch, tmp_path):
    bucket.rules(("POST .*part-00003.*uploadId", "denied"))
    monkeypatch.setenv("PATH", str(tmp_path))
    told = r"part-00003: cannot be written: .*part-00003.*; nor by Hadoop's client: .*'hadoop'"
    with pytest.raises(OSError, match=told), own_part("") as file:
        file.write(b"lines\n")
    assert bucket.shown() == [] and bucket.uploads() == 0


@pytest.mark.parametrize("committed", ["by a later put", "lines by Hadoop", "refused"])
def test_hadoops_client_sends_what_it_must_or_where_tasks_write_no_lines(
    bucket, attempt, monkeypatch, tmp_path, committed
):
    if committed == "by a later put":
        monkeypatch.setenv("mapreduce_task_output_dir", f"{bucket.uri}/out/__magic_job-1/tasks/attempt_1/__base")
    elif committed == "refused":
        bucket.rules(("POST .*part-00003.*uploads", "denied"))
    else:
        monkeypatch.delenv(OWN_LINES)
    (tmp_path / "hadoop").write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/asked\n')
    (tmp_path / "hadoop").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with own_part("") as file:
        file.write(b"lines\n")
    assert bucket.shown() == [] and "fs -put" in (tmp_path / "asked").read_text()
