"""The servers that other tests rely on do what these expect of them, and listen on 127.0.0.1 only."""

import psutil
import pytest

from tests.streams.canned import FIRST_ARRIVAL, record

BARS = [(f"S{number % 7}", b'{"data": {"n": %d}}' % number) for number in range(1000)]


def listening():
    """Addresses on which processes started by this one listen."""
    ours = [one for one in psutil.Process().children(recursive=True) if one.name() in ("node", "java")]
    return {at.laddr.ip for one in ours for at in one.net_connections() if at.status == psutil.CONN_LISTEN}


def test_kinesis_keeps_the_order_of_a_key_over_a_split_and_a_merge(kinesis):
    kinesis.put(BARS[:400])
    kinesis.split(1)
    kinesis.put(BARS[400:700])
    kinesis.merge(0)
    kinesis.put(BARS[700:])
    assert len(kinesis.shards()) == 7 and len(kinesis.open_shards()) == 4
    found = [(one["PartitionKey"], one["Data"]) for one in kinesis.records()]
    for key in {key for key, _ in BARS}:
        assert [one for one in found if one[0] == key] == [one for one in BARS if one[0] == key]
    assert kinesis.summary()["RetentionPeriodHours"] == 8760
    assert listening() <= {"127.0.0.1", "::ffff:127.0.0.1"} and listening()


def test_a_canned_kinesis_has_the_records_asked_for(canned, monkeypatch):
    import boto3

    canned(2, 250, 100)
    client = boto3.session.Session().client("kinesis")
    shards = [one["ShardId"] for one in client.list_shards(StreamName="canned")["Shards"]]
    assert (
        len(shards) == client.describe_stream_summary(StreamName="canned")["StreamDescriptionSummary"]["OpenShardCount"]
    )
    for number, shard in enumerate(shards):
        asked = {"StreamName": "canned", "ShardId": shard}
        iterator = client.get_shard_iterator(**asked, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        pages = []
        while not pages or pages[-1]["MillisBehindLatest"]:
            pages.append(client.get_records(ShardIterator=iterator))
            iterator = pages[-1]["NextShardIterator"]
        assert [len(page["Records"]) for page in pages] == [100, 100, 50]
        found = [one for page in pages for one in page["Records"]]
        assert [(one["PartitionKey"], one["Data"].decode()) for one in found] == [record(number, n) for n in range(250)]
        fifth = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": found[4]["SequenceNumber"]}
        then = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": (FIRST_ARRIVAL + 5) / 1000}
        for start in (fifth, then):
            iterator = client.get_shard_iterator(**asked, **start)["ShardIterator"]
            assert client.get_records(ShardIterator=iterator)["Records"][0] == found[5]


@pytest.mark.needs("confluent_kafka")
def test_kafka_keeps_the_order_of_a_key(kafka):
    kafka.put([(key, data) for key, data in BARS])
    found = [(one.key().decode(), one.value()) for part in kafka.records().values() for one in part]
    for key in {key for key, _ in BARS}:
        assert [one for one in found if one[0] == key] == [one for one in BARS if one[0] == key]
    assert listening() <= {"127.0.0.1", "::ffff:127.0.0.1"} and listening()
