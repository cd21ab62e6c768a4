"""Every job over a stream gives the bytes that it gives over the file which was put into it."""

import csv
import io
import json
import re
import time
from datetime import UTC, datetime
from email.utils import formatdate

import orjson
import pytest

from jobs.backtest import Backtest
from jobs.crossover import Crossover
from jobs.moving_average import MovingAverage
from jobs.rejects import Rejects
from jobs.sweep import Sweep
from tests.conftest import SHARED
from tests.streams.faults import answered, canned_answer, failing, refused
from windrow import report
from windrow.storage.kinesis import SOURCE
from windrow.storage.kinesis.uris import parse
from windrow.storage.manner import Manner

MEAN = ["-q", "--share", "1", "--window", "1"]
NAMES = ("open", "high", "low", "close", "vol")


def year():
    """A year of real bars, as records of the published solution."""
    path = SHARED / "INTC_year.csv"
    if not path.exists():
        pytest.skip("../shared/data/INTC_year.csv is not there")
    rows = csv.DictReader(io.StringIO(path.read_text()))
    return path, [wrapped({**row, **{name: float(row[name]) for name in NAMES}}) for row in rows]


def wrapped(row):
    return orjson.dumps({"data": row})


def bar(symbol, date, close):
    """A record with a bar, all of whose prices are the same."""
    return wrapped({"dt": date, "sym": symbol, "open": close, "high": close, "low": close, "close": close, "vol": 1})


@pytest.fixture
def resharded(kinesis):
    """The year in a stream of 4 shards, of which one was split and two were merged meanwhile."""
    path, records = year()
    keyed = [("INTC", record) for record in records]
    kinesis.put(keyed[:120])
    holder = next(n for n, one in enumerate(kinesis.open_shards()) if kinesis.records(one["ShardId"]))
    kinesis.split(holder)
    kinesis.put(keyed[120:240])
    holder = next(n for n, one in enumerate(kinesis.open_shards()) if kinesis.records(one["ShardId"]))
    kinesis.merge(min(holder, len(kinesis.open_shards()) - 2))
    kinesis.put(keyed[240:])
    return path, kinesis


JOBS = [
    (MovingAverage, ["--indicator", "ema:12"]),
    (Crossover, ["--fast", "ema:7", "--slow", "ema:21"]),
    (Backtest, ["--fast", "ema:7", "--slow", "ema:21", "--size", "100", "--cash", "100000"]),
    (Sweep, ["--fast", "ema:5..10", "--slow", "ema:21..31", "--split", "0.7"]),
]


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize(("job", "options"), JOBS, ids=[job.__name__ for job, _ in JOBS])
def test_a_job_gives_the_bytes_of_the_file(job, options, runner, resharded, run_job):
    path, stream = resharded
    want = run_job("-q", "-r", runner, *options, path, job=job)
    assert want.status == 0 and want.out
    with failing(share=1 / 3) as calls:
        found = run_job("-q", "-r", runner, "--share", "1", *options, stream.uri, job=job)
    assert (found.status, found.out) == (0, want.out), found.err
    assert calls["failed"] > 1


def test_what_arrives_after_submission_is_not_read(resharded, run_job):
    path, stream = resharded
    put = []

    def answer(operation, request):
        if operation == "GetRecords" and not put:  # the end is fixed by then
            put.append(stream.put([("INTC", bar("INTC", "2031-01-01", 1.0))]))

    want = run_job("-q", path)
    with answered(answer):
        found = run_job("-q", "--share", "1", stream.uri)
    assert put and (found.status, found.out) == (0, want.out), found.err
    assert run_job("-q", "--share", "1", stream.uri).out != want.out


def test_what_was_read_is_in_the_description(resharded, run_job, tmp_path):
    _, stream = resharded
    assert run_job("-q", "--share", "1", "-o", tmp_path / "out", stream.uri).status == 0
    (read,) = json.loads((tmp_path / "out" / "_windrow.json").read_text())["streams"]
    assert read["stream"] == stream.uri and read["records"] == 364 and len(read["shards"]) == len(stream.shards())
    assert read["since_ns"] is None and abs(read["until_ns"] / 1e9 - time.time()) < 600 and not read["gaps"]


def test_from_and_to_are_arrivals(kinesis, run_job):
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5))])
    middle = datetime.fromtimestamp(time.time() + 0.002, UTC)
    time.sleep(0.1)
    kinesis.put([("AA", bar("AA", "2020-01-03", 2.5))])
    first, second = b"AA\t2023-01-03\t1.5\n", b"AA\t2020-01-03\t2.5\n"
    asked = f"{middle:%Y-%m-%dT%H:%M:%S.%fZ}"
    assert run_job(*MEAN, f"{kinesis.uri}?to={asked}").out == first
    assert run_job(*MEAN, f"{kinesis.uri}?from={asked}").out == second
    assert run_job(*MEAN, f"{kinesis.uri}?from=trim-horizon").out == second + first
    assert run_job(*MEAN, "--from", "2021-01-01", kinesis.uri).out == first


def test_two_spans_of_a_stream_are_both_read(kinesis, run_job):
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5)), ("AA", b"not json")])
    middle = f"{datetime.fromtimestamp(time.time() + 0.002, UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    time.sleep(0.1)
    kinesis.put([("AA", bar("AA", "2023-01-04", 2.5))])
    found = run_job(*MEAN, "--max-bad", "0.5", f"{kinesis.uri}?to={middle}", f"{kinesis.uri}?from={middle}")
    assert found.out == b"AA\t2023-01-03\t1.5\nAA\t2023-01-04\t2.5\n", found.err
    (bad,) = run_job("-q", f"{kinesis.uri}?from={middle}", f"{kinesis.uri}?to={middle}", job=Rejects).out.splitlines()
    assert re.fullmatch(rf"{kinesis.uri}/shardId-\d+\?to={middle}", json.loads(bad)["file"])


@pytest.mark.parametrize("other", ["{}", "{}/", "{}?from=trim-horizon", "{}/?"])
def test_a_stream_that_is_named_twice(other, kinesis, run_job):
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5))])
    refused = run_job(*MEAN, kinesis.uri, other.format(kinesis.uri))
    assert refused.status == 1 and "is named twice; a stream is read once; name it once" in refused.err


@pytest.mark.parametrize("to", ["2023-01-31", "20230131", "2023-02-01T00:00", "2023-02-01T01:00%2B01:00"])
def test_a_date_in_to_is_its_whole_day(to):
    assert parse(f"kinesis://bars?to={to}").span.until == datetime(2023, 2, 1, tzinfo=UTC).timestamp() * 10**9


@pytest.mark.parametrize("hours", [-1, 1])
def test_where_clocks_differ_the_end_is_past_by_the_servers(hours, kinesis):
    def server():
        return time.time() + hours * 3600

    def answer(operation, request):
        if operation == "DescribeStreamSummary":
            told = canned_answer(request, {"StreamDescriptionSummary": kinesis.summary()})
            told.headers["date"] = formatdate(server(), usegmt=True)
            return told
        return None

    began = server()
    with answered(answer):
        until = SOURCE.bounds(kinesis.uri, Manner()).until
    assert began * 10**9 < until < server() * 10**9


def test_records_that_are_sent_again_are_repeats(kinesis, run_job):
    records = [("AA", bar("AA", f"2023-01-0{day}", float(day))) for day in (3, 4, 5)]
    kinesis.put([*records, records[1], records[0]])
    found = run_job("--window", "1", kinesis.uri)
    assert found.out == b"AA\t2023-01-03\t3.0\nAA\t2023-01-04\t4.0\nAA\t2023-01-05\t5.0\n"
    assert re.search(r"repeat\w* +2\b|2 .*repeat", found.err), found.err


def test_invalid_records_are_counted_and_listed(kinesis, run_job):
    good = [("AA", bar("AA", f"2023-01-0{day}", float(day))) for day in (3, 4, 5)]
    bad = [("AA", b"not json"), ("AA", b"[1]"), ("AA", bar("AA", "soon", 1.0))]
    about = ("AA", b'{"metadata": {"record-type": "control", "operation": "create-table"}}')
    kinesis.put([about, *good, *bad])
    refused = run_job("-q", "--window", "1", kinesis.uri)
    assert refused.status == 1 and not refused.out and "3 of 6" in refused.err, refused.err
    found = run_job("--window", "1", "--max-bad", "0.5", kinesis.uri)
    assert found.status == 0 and found.out.count(b"\n") == 3
    assert f"{kinesis.uri}: 1 records about the table, without data, were passed over" in found.err
    listed = [json.loads(line) for line in run_job("-q", kinesis.uri, job=Rejects).out.splitlines()]
    assert {(one["reason"], one["text"]) for one in listed if one["reason"] == "record"} == {
        ("record", "not json"), ("record", "[1]"),
    }  # fmt: skip
    assert len(listed) == 3 and all(one["file"].startswith(f"{kinesis.uri}/shardId-") for one in listed)


def test_a_deleted_bar_is_refused(kinesis, run_job):
    delete = orjson.dumps(
        {"data": {"dt": "2023-01-03", "sym": "AA", "close": 1.5}, "metadata": {"operation": "delete"}}
    )
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5)), ("AA", delete)])
    refused = run_job(*MEAN, kinesis.uri)
    assert refused.status == 1 and not refused.out and "a record by which a bar is deleted" in refused.err


def test_records_of_csv(kinesis, run_job):
    kinesis.put([("AA", b"AA,2023-01-03,1.5"), ("BB", b"BB,2023-01-03,2.5\nBB,2023-01-04,3.5\n")])
    found = run_job(*MEAN, "--columns", "symbol,date,close", kinesis.uri)
    assert found.out == b"AA\t2023-01-03\t1.5\nBB\t2023-01-03\t2.5\nBB\t2023-01-04\t3.5\n", found.err


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        (
            "kinesis://nothing-here",
            "there is no such stream in this region (ResourceNotFoundException); check its",
        ),
        ("kinesis://a b", "'a b' is not a name of a stream of Kinesis"),
        ("kinesis://bars?since=1", "'since=1' is not asked of a stream"),
        ("kinesis://bars?from=soon", "from=soon is not a time; give trim-horizon, a date such as 2023-01-31"),
        ("kinesis://bars?from=2023-01-03&to=2023-01-02", "from=2023-01-03 is not before to=2023-01-02"),
        ("kinesis://bars?from=2100-01-01", "nothing can have arrived since 2100-01-01"),
    ],
)
def test_wrong_uris(uri, said, kinesis, run_job):
    refused = run_job("-q", uri.replace("//bars", f"//{kinesis.name}"))
    assert refused.status == 1 and not refused.out
    assert refused.err.startswith("error: kinesis://") and said in refused.err, refused.err


def test_an_empty_stream(kinesis, run_job):
    refused = run_job("-q", kinesis.uri)
    assert refused.status == 1 and "none of its 4 shards has a record so far until 20" in refused.err


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "these credentials need kinesis:DescribeStreamSummary, ListShards, GetShardIterator"),
        ("UnrecognizedClientException", "AWS does not know these credentials"),
        ("KMSAccessDeniedException", "these credentials need kms:Decrypt"),
    ],
)
def test_what_is_refused(code, said, kinesis, run_job):
    with answered(lambda operation, request: refused(request, code, 400)):
        found = run_job("-q", kinesis.uri)
    assert found.status == 1 and not found.out
    assert found.err.startswith(f"error: {kinesis.uri}: ") and said in found.err, found.err


NO_ANSWERS = [b"", b"{}", b'{"Records":[{"Data":"eyJ', b"<html>proxy</html>", b'"text"', b"[]"]


@pytest.mark.parametrize("body", NO_ANSWERS)
def test_answers_that_are_cut_off_are_asked_for_again(body, resharded, run_job):
    path, stream = resharded
    asked = []

    def answer(operation, request):
        asked.extend([operation] * (operation == "GetRecords"))
        return canned_answer(request, body) if operation == "GetRecords" and len(asked) % 3 == 1 else None

    want = run_job("-q", path)
    with answered(answer):
        found = run_job("-q", "--share", "1", stream.uri)
    assert (found.status, found.out) == (0, want.out), found.err
    assert len(asked) > 6


@pytest.mark.parametrize("operation", ["DescribeStreamSummary", "ListShards", "GetShardIterator"])
@pytest.mark.parametrize("body", NO_ANSWERS)
def test_an_answer_that_is_none_is_refused(body, operation, kinesis, run_job, monkeypatch):
    with answered(lambda asked, request: canned_answer(request, body) if asked == operation else None):
        monkeypatch.setattr("windrow.storage.kinesis.reader._TRIES", 2)
        found = run_job("-q", kinesis.uri)
    assert found.status == 1 and not found.out
    assert "an answer is cut off, or none of Kinesis; check the network" in found.err, found.err


def test_without_credentials(kinesis, run_job, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = run_job("-q", kinesis.uri)
    assert found.status == 1 and found.err.startswith(f"error: {kinesis.uri}: no AWS credentials were found"), found.err


def test_bars_of_a_stream_are_drawn_alone(kinesis, tmp_path, monkeypatch, capsys):
    """The page is that of the file with the same bars."""
    from windrow.cli import main

    monkeypatch.setattr("windrow.pages.vega.png", lambda chart, scale: b"a picture")
    path, records = year()
    kinesis.put([("INTC", record) for record in records])
    for bars, page in ((str(path), "file.html"), (kinesis.uri, "stream.html")):
        assert main(["plot", "--bars", bars, "-o", str(tmp_path / page)]) == 0, capsys.readouterr().err
    assert (tmp_path / "file.html").read_bytes() == (tmp_path / "stream.html").read_bytes()
    capsys.readouterr()
    assert main(["plot", "--bars", kinesis.uri, "--symbol-from-filename", "-o", str(tmp_path / "no.html")]) == 2
    assert "a stream has no file name to take a symbol from" in capsys.readouterr().err


def test_the_published_pair_comes_out_of_the_stream(resharded, run_job):
    _, stream = resharded
    money = ["--size", "100", "--cash", "100000", "--cold"]
    pairs = ["--fast", "ema:5..10", "--slow", "ema:21..31", "--split", "0.7", "--top", "1"]
    found = run_job("-q", "--share", "1", *pairs, *money, stream.uri, job=Sweep)
    train, test = (json.loads(line.partition("\t")[2]) for line in found.out.decode().splitlines())
    assert [train[name] for name in ("fast", "slow", "part", "pnl")] == [7, 21, "train", 83.0]
    assert [test[name] for name in ("fast", "slow", "part", "pnl")] == [7, 21, "test", 293.0]


def test_pages_read_a_stream_as_the_job_did(resharded, run_job, tmp_path):
    path, stream = resharded
    options = ["--fast", "ema:7", "--slow", "ema:21", "--orders", "--equity", "--share", "1"]
    assert run_job("-q", *options, "-o", tmp_path / "out", stream.uri, job=Backtest).status == 0
    stream.put([("INTC", bar("INTC", "2031-01-01", 1.0))])  # what the job has not read
    pages = [tmp_path / "stream.html", tmp_path / "file.html"]
    for page, bars in zip(pages, (stream.uri, path), strict=True):
        report(tmp_path / "out", bars, out=page)
    assert pages[0].read_bytes() == pages[1].read_bytes()
