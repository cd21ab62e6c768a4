"""Objects as files: the same bytes whatever happens on the way, neither requested one by one nor without need."""

import gzip
import io
import random

import pytest

from windrow.bars.columns import Layout
from windrow.errors import InputError
from windrow.feeds.files import read_bars
from windrow.storage import s3
from windrow.storage.ahead import Ahead
from windrow.storage.s3.reading import looking_ahead

BYTES = random.Random(7).randbytes(30 << 20)


@pytest.fixture
def big(bucket):
    uri = bucket.put("big", BYTES)
    s3.list_objects(uri)
    bucket.rules()
    return uri


@pytest.mark.parametrize("size", [1 << 16, 3_000_001, 8 << 20, -1])
def test_an_object_is_read_from_end_to_end(big, size):
    with s3.open_input(big) as file:
        assert b"".join(iter(lambda: file.read(size), b"")) == BYTES


def test_reads_and_seeks_are_those_of_a_file(big):
    chance, other = random.Random(5), io.BytesIO(BYTES)
    with s3.open_input(big, end=20 << 20) as file:
        for _ in range(60):
            if chance.random() < 0.4:
                place = chance.choice([(chance.randrange(len(BYTES)), 0), (-chance.randrange(1, 1 << 20), 2)])
                assert file.seek(*place) == other.seek(*place)
            size = chance.choice([0, 1, 100, 1 << 16, 1 << 20, 5 << 20])
            assert file.read(size) == other.read(size) and file.tell() == other.tell()


def test_a_long_read_takes_few_requests_and_a_look_takes_one_small_one(bucket, big):
    with s3.open_input(big) as file:
        while file.read(1 << 16):
            pass
    assert len(bucket.log("GET .*big")) < 25
    bucket.rules()
    with s3.open_input(big) as file:
        file.seek(9 << 20)
        file.read(4)
        file.seek(-8, 1)
    assert bucket.log("GET") == [(f"GET /{bucket.name}/big", f"bytes={9 << 20}-{(9 << 20) + 65535}")]


def test_nothing_is_fetched_after_a_range_but_its_last_line(bucket):
    lines = b"symbol,timestamp,close\n" + b"A,2020-01-01,1\n" * 1_000_000
    uri = bucket.put("lines.csv", lines)
    layout = Layout(("symbol", "timestamp", "close"), "symbol", "timestamp", ("close",), None, lines[:22])
    s3.list_objects(uri)
    bucket.rules()
    begin, end = 3 << 20, 6 << 20
    assert sum(map(len, read_bars(uri, layout, begin, end))) == lines[begin - 1 : end - 1].count(b"\n")
    spans = [span.removeprefix("bytes=").split("-") for _, span in bucket.log("GET")]
    assert max(int(last) for _, last in spans) < end + (1 << 17)
    assert sum(int(last) - int(first) for first, last in spans) < (3 << 20) + (1 << 18)


@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_what_s3_refuses_for_now_or_breaks_off_is_requested_again(bucket, big, fault, monkeypatch):
    monkeypatch.setattr("windrow.storage.s3.reading._LONGEST_WAIT", 0.01)
    bucket.rules(("GET .*big", fault, 2))
    with s3.open_input(big) as file:
        assert file.read() == BYTES
    requests = bucket.log("GET .*big")
    assert len(requests) == 3 * len(set(requests))


def test_what_stays_busy_is_refused_by_name(bucket, big, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bucket.rules(("GET .*big", "busy"))
    with (
        s3.open_input(big) as file,
        pytest.raises(InputError, match=r"big: S3 is too busy \(SlowDown\), and stayed so"),
    ):
        file.read(10)
    assert len(bucket.log("GET .*big")) == 2


def test_what_always_breaks_off_is_refused_by_name(bucket, big, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bucket.rules(("GET .*big", "cut"))
    with s3.open_input(big) as file, pytest.raises(InputError, match=r"big: the connection to S3 broke 2 times"):
        file.read(10)


def test_an_object_that_changed_or_went_since_it_was_listed_is_refused_by_name(bucket, big):
    bucket.put("big", BYTES[::-1])
    with s3.open_input(big) as file, pytest.raises(InputError, match=r"big: has changed since the job was submitted"):
        file.read(10)
    s3.client().delete_object(Bucket=bucket.name, Key="big")
    with s3.open_input(big) as file, pytest.raises(InputError, match=r"big: has been removed since the job was"):
        file.read(10)


def test_a_range_ends_with_its_object(big):
    assert s3.read_range(big, 10, 5) == BYTES[10:15]
    assert s3.read_range(big, len(BYTES) - 5, 50) == BYTES[-5:] and s3.read_range(big, len(BYTES), 5) == b""


def test_an_empty_object_is_read_without_a_request(bucket):
    uri = bucket.put("empty.csv")
    s3.list_objects(uri)
    bucket.rules()
    with s3.open_input(uri) as file:
        assert file.read() == b"" and bucket.log() == []


def test_small_objects_are_fetched_before_they_are_opened_each_once(bucket):
    uris = [bucket.put(f"small-{number}", bytes([number]) * 100_000) for number in range(40)]
    for uri in uris:
        s3.list_objects(uri)
    bucket.rules(("GET", "slow"))
    ranges = [{"place": uri, "start": 0} for uri in uris] + [{"place": "/here.csv", "start": 0}]
    seen = []
    for one in looking_ahead(ranges):
        if s3.is_s3(one["place"]):
            with s3.open_input(one["place"]) as file:
                seen.append(file.read(10)[0] * (len(file.read()) + 10))
    assert seen == [number * 100_000 for number in range(40)]
    assert len(bucket.log("GET")) == 40


def test_looking_ahead_ends_with_its_reader(bucket):
    uris = [bucket.put(f"small-{number}", b"x") for number in range(3)]
    ahead = looking_ahead([{"place": uri, "start": 0} for uri in uris])
    next(ahead)
    ahead.close()
    with s3.open_input(uris[2]) as file:
        assert isinstance(file, Ahead) and file.read() == b"x"


def test_copies_are_those_of_the_objects(bucket, tmp_path):
    uris = [bucket.put("a/one", b"1" * 10_000_000), bucket.put("b/two", gzip.compress(b"2"))]
    assert s3.download(uris, tmp_path) == {uris[0]: tmp_path / "one", uris[1]: tmp_path / "two"}
    assert (tmp_path / "one").read_bytes() == b"1" * 10_000_000 and gzip.decompress(
        (tmp_path / "two").read_bytes()
    ) == b"2"


WRONG = ["short", "whole", "another", "unsaid", "resized"]


@pytest.mark.parametrize("fault", WRONG)
def test_an_answer_that_is_not_the_range_asked_for_is_requested_again(bucket, big, fault, monkeypatch):
    monkeypatch.setattr("windrow.storage.s3.reading._LONGEST_WAIT", 0.01)
    bucket.rules(("GET .*big", fault, 2))
    with s3.open_input(big) as file:
        assert file.read() == BYTES
    requests = bucket.log("GET .*big")
    assert len(requests) == 3 * len(set(requests))


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("short", "43,690 bytes"),
        ("whole", "status 200"),
        ("another", "Content-Range bytes 1-65536/31457280"),
        ("unsaid", "no Content-Range"),
        ("resized", "Content-Range bytes 0-65535/314572800"),
    ],
)
def test_what_is_never_the_range_asked_for_is_refused_by_name(bucket, big, fault, what, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    bucket.rules(("GET .*big", fault))
    with s3.open_input(big) as file, pytest.raises(InputError) as refused:
        file.read(10)
    assert str(refused.value) == (
        f"{big}: asked for bytes 0-65535/31457280, S3 answered 2 times with other bytes ({what}); a proxy or a server"
        " between here and S3 changes its answers: check AWS_ENDPOINT_URL and the network, and run it again"
    )
    assert len(bucket.log("GET .*big")) == 2
