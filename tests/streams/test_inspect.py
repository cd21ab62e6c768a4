"""`windrow stream inspect`: what it shows is what was put, when, and where it went."""

import json
import time

from tests.streams.faults import answered, canned_answer
from tests.streams.test_load import run  # noqa: F401  a fixture


def looked(run, uri):  # noqa: F811
    status, out, err = run("inspect", uri, "--json")
    assert status == 0, err
    return json.loads(out)


def put(kinesis, first, last):
    kinesis.put([(f"S{number % 9}", b'{"data": {"n": %d}}' % number) for number in range(first, last)])


def test_shards_their_lineage_and_their_oldest_and_newest_records(run, kinesis):  # noqa: F811
    began = time.time_ns() - 10**9
    put(kinesis, 0, 60)
    kinesis.split(1)
    put(kinesis, 60, 90)
    kinesis.merge(0)
    put(kinesis, 90, 120)
    found = looked(run, kinesis.uri)
    described = {one["ShardId"]: one for one in kinesis.shards()}
    assert [shard["name"] for shard in found["shards"]] == sorted(described)
    for shard in found["shards"]:
        one = described[shard["name"]]
        parents = [one[key] for key in ("ParentShardId", "AdjacentParentShardId") if one.get(key)]
        assert shard["parents"] == parents
        assert shard["is_open"] == ("EndingSequenceNumber" not in one["SequenceNumberRange"])
        records = kinesis.records(shard["name"])
        assert (shard["records"], shard["size"]) == (len(records), sum(len(record["Data"]) for record in records))
        if records:
            times = [round(record["ApproximateArrivalTimestamp"].timestamp() * 1000) * 10**6 for record in records]
            assert (shard["oldest"], shard["newest"]) == (min(times), max(times))
            assert shard["example"].encode() in [record["Data"] for record in records]
            assert began < shard["oldest"] <= shard["newest"] < time.time_ns() + 10**9
        else:
            assert shard["oldest"] is None and shard["newest"] is None
    assert sum(shard["records"] for shard in found["shards"]) == 120
    assert found["facts"]["retention"] == "8,760 hours" and found["facts"]["encryption"] == "none"
    status, out, _ = run("inspect", kinesis.uri)
    assert status == 0 and "shards      4 open of 7" in out
    newest = next(line for line in out.splitlines() if line.startswith("  newest "))
    assert 90 <= json.loads(newest.partition("Z: ")[2])["data"]["n"] < 120
    assert f"{max(shard['records'] for shard in found['shards']) / 60:,.1f} records and " in out


def test_an_empty_stream(run, kinesis):  # noqa: F811
    status, out, _ = run("inspect", kinesis.uri)
    assert status == 0 and out.count("open: no record") == 4 and "newest" not in out


def test_shards_that_are_gone_are_told(run, kinesis):  # noqa: F811
    kinesis.split(0)

    def without_parents(operation, request):
        if operation == "ListShards":
            return canned_answer(request, {"Shards": kinesis.shards()[1:]})
        return None

    put(kinesis, 0, 9)
    with answered(without_parents):
        found = looked(run, kinesis.uri)
    assert found["gaps"] == [
        "shards that others came from are past retention, and their records gone: shardId-000000000000"
    ]


def test_a_year_of_silence_before_the_newest_record_and_minutes_of_records(run, canned, monkeypatch):  # noqa: F811
    """The canned stream's records came in 2020, a thousand a second, for four minutes."""
    monkeypatch.setattr("windrow.storage.kinesis.contents._BETWEEN", 0)
    from tests.streams.canned import FIRST_ARRIVAL, record

    found = looked(run, canned(2, 240_000, 5_000))
    for number, shard in enumerate(found["shards"]):
        first = FIRST_ARRIVAL * 10**6
        assert (shard["oldest"], shard["newest"]) == (first, first + 239_999 * 10**6)
        texts = [record(number, at)[1] for at in range(180_000, 240_000)]
        assert (shard["records"], shard["size"]) == (60_000, sum(map(len, texts)))
        assert shard["example"] == texts[-1]


def test_no_such_stream_and_what_is_none(run, no_stream):  # noqa: F811
    status, _, err = run("inspect", no_stream.uri)
    assert status == 1 and f"error: {no_stream.uri}: there is no such stream in this region (ResourceNotFound" in err
    status, _, err = run("inspect", "bars.csv")
    assert status == 2 and "bars.csv: is no stream; give kinesis://STREAM or kafka://HOST:PORT/TOPIC" in err
    status, _, err = run("inspect", f"{no_stream.uri}?from=2023-01-03")
    assert status == 2 and "names a part of a stream, and the whole is meant; leave out what follows ?" in err
