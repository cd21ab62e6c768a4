"""Topics of a real Kafka: read within bounds, over transactions and retention; followed, filled, and looked into.

Cures are followed of storage/kafka/producer.py:make and storage/kafka/source.py:_refuse_consumer.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from jobs.backtest import Backtest
from tests.conftest import ROOT
from tests.streams.test_load import by_symbol, rows_of, run, write  # noqa: F401  run is a fixture
from windrow.errors import InputError
from windrow.storage.kafka import SOURCE
from windrow.storage.manner import Manner

MANNER = Manner()
#: 2023-11-14T22:13:20Z, ms since 1970.
THEN = 1_700_000_000_000


def read(uri, manner=MANNER):
    """The data of all records within bounds that are fixed now, by partition."""
    bounds = SOURCE.bounds(uri, manner)
    return {
        shard.name: [data for page in SOURCE.read(bounds, shard, manner) for data in page.records]
        for shard in bounds.shards
    }


def all_of(uri):
    return sorted(data for records in read(uri).values() for data in records)


def numbered(first, last):
    return [(f"S{number % 7}", b"%05d" % number) for number in range(first, last)]


def texts(first, last):
    return [data for _, data in numbered(first, last)]


def test_what_arrives_after_the_bounds_are_fixed_is_not_read(kafka):
    kafka.put(numbered(0, 500))
    bounds = SOURCE.bounds(kafka.uri, MANNER)
    kafka.put(numbered(500, 600), at=THEN)  # whatever their times are
    pages = {shard.name: list(SOURCE.read(bounds, shard, MANNER)) for shard in bounds.shards}
    assert sorted(data for its in pages.values() for page in its for data in page.records) == texts(0, 500)
    assert all(its[-1].over and not any(page.over for page in its[:-1]) for its in pages.values())
    written = {str(number): [one.value() for one in its] for number, its in kafka.records().items()}
    for name, its in pages.items():
        assert [data for page in its for data in page.records] == [data for data in written[name] if data < b"00500"]


def test_from_and_to_choose_records_by_their_times(kafka):
    kafka.put(numbered(0, 1000), at=THEN)
    since, until = "from=2023-11-14T22:13:20.100Z", "to=2023-11-14T22:13:20.700Z"
    assert all_of(f"{kafka.uri}?{since}&{until}") == texts(100, 700)
    assert all_of(f"{kafka.uri}?{since}") == texts(100, 1000)
    assert all_of(f"{kafka.uri}?{until}") == texts(0, 700)
    assert all_of(f"{kafka.uri}?from=2023-11-14&to=2023-11-14") == texts(0, 1000)
    assert all_of(f"{kafka.uri}?to=2023-11-13") == []


def test_times_need_not_ascend(kafka):
    kafka.put(numbered(0, 100), at=THEN + 5_000, partition=0)
    kafka.put(numbered(100, 200), at=THEN, partition=0)
    kafka.put(numbered(200, 300), at=THEN + 10_000, partition=0)
    assert all_of(f"{kafka.uri}?from=2023-11-14T22:13:20Z&to=2023-11-14T22:13:24Z") == texts(100, 200)
    assert all_of(f"{kafka.uri}?from=2023-11-14T22:13:24Z&to=2023-11-14T22:13:29Z") == texts(0, 100)


def test_times_of_producers_may_be_hours_late(kafka):
    kafka.put(numbered(0, 100), at=THEN, partition=0)
    kafka.put(numbered(100, 200), at=THEN + 10 * 3_600_000, partition=0)
    kafka.put(numbered(200, 300), at=THEN + 1_000, partition=0)
    assert all_of(f"{kafka.uri}?to=2023-11-14T22:13:24Z") == texts(0, 100) + texts(200, 300)


def test_times_of_brokers_ascend_so_what_is_long_after_the_end_is_not_read(no_topic, monkeypatch):
    monkeypatch.setattr("windrow.storage.kafka.source._SLACK", 0)
    monkeypatch.setattr("windrow.storage.kafka.source._MOST", 10)
    no_topic.create(1, message_timestamp_type="LogAppendTime")
    no_topic.put(numbered(0, 100))
    time.sleep(0.1)
    end = time.time()
    time.sleep(0.1)
    no_topic.put(numbered(100, 5000))
    bounds = SOURCE.bounds(f"{no_topic.uri}?to={datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%S.%fZ}", MANNER)
    pages = list(SOURCE.read(bounds, bounds.shards[0], MANNER))
    assert [data for page in pages for data in page.records] == texts(0, 100)
    assert pages[-1].over and int(pages[-1].place) < 200


def test_records_without_a_time_are_read_where_no_span_is_asked_for(kafka):
    producer = kafka.producer()
    kafka.put([("S0", b"two")], producer=producer)
    producer.produce(kafka.name, b"one", "S0", timestamp=-1)
    assert not producer.flush(60)
    assert all_of(kafka.uri) == [b"one", b"two"]
    for span in ("?from=2023-01-01", "?to=2099-01-01"):
        with pytest.raises(InputError, match="has a record without a time, so it is not known whether it arrived in"):
            read(kafka.uri + span)


def test_a_compacted_topic_is_a_gap(no_topic, run_job):
    no_topic.create(1, cleanup_policy="compact")
    no_topic.put([("AA", b'{"data": {"dt": "2023-01-03", "sym": "AA", "close": 1.5}}')])
    refused = run_job("-q", "--window", "1", no_topic.uri)
    assert refused.status == 1 and "is compacted: of the records of a key" in refused.err
    found = run_job("-q", "--window", "1", "--gaps", "warn", no_topic.uri)
    assert found.out == b"AA\t2023-01-03\t1.5\n" and "warning: kafka://" in found.err


def test_a_clock_that_is_ahead_loses_no_record(kafka):
    kafka.put(numbered(0, 10), at=time.time_ns() // 10**6 + 3_600_000)
    assert all_of(kafka.uri) == texts(0, 10)


def test_only_what_was_committed_is_read_and_the_end_is_reached_over_holes(kafka):
    producer = kafka.producer(transactional_id=kafka.name)
    producer.init_transactions()
    for first, ends in ((0, "commit"), (100, "abort"), (200, "commit"), (300, "abort")):
        producer.begin_transaction()
        kafka.put(numbered(first, first + 100), producer=producer)
        getattr(producer, f"{ends}_transaction")()
    assert all_of(kafka.uri) == texts(0, 100) + texts(200, 300)
    producer.begin_transaction()
    kafka.put(numbered(400, 500), producer=producer)
    began = time.monotonic()
    assert all_of(kafka.uri) == texts(0, 100) + texts(200, 300)  # and does not wait for the open transaction
    assert time.monotonic() - began < 30
    producer.commit_transaction()
    assert all_of(kafka.uri) == texts(0, 100) + texts(200, 300) + texts(400, 500)


def delete_before(kafka, partition, offset):
    from confluent_kafka import TopicPartition

    for done in kafka.admin.delete_records([TopicPartition(kafka.name, partition, offset)]).values():
        done.result()


def test_what_is_asked_for_and_gone_is_a_gap(kafka, capsys):
    kafka.put(numbered(0, 100), at=THEN, partition=2)
    delete_before(kafka, 2, 40)
    assert all_of(kafka.uri) == texts(40, 100)
    asked = f"{kafka.uri}?from=2023-11-14T22:13:20.010Z"
    with pytest.raises(InputError) as refused:
        SOURCE.bounds(asked, MANNER)
    assert str(refused.value) == (
        f"{asked}: the 40 oldest offsets of partition 2 are past the topic's retention, and what is kept begins at"
        " 2023-11-14 22:13:20Z, but is asked for from 2023-11-14 22:13:20Z on; ask for later records with ?from=TIME,"
        " or accept the gap with --gaps warn"
    )
    found = read(asked, Manner(gaps="warn"))
    assert found["2"] == texts(40, 100) and "warning: kafka://" in capsys.readouterr().err
    assert all_of(f"{kafka.uri}?from=2023-11-14T22:13:20.050Z") == texts(50, 100)
    delete_before(kafka, 2, 100)
    kafka.put(numbered(100, 200), at=THEN, partition=1)
    with pytest.raises(InputError, match="all 100 offsets that partition 2 has had are past the topic's retention"):
        SOURCE.bounds(asked, MANNER)
    assert all_of(kafka.uri) == texts(100, 200)


def test_an_emptied_partition_is_no_gap_where_all_that_is_asked_for_is_kept(no_topic):
    no_topic.create(2, retention_ms=7 * 24 * 3_600_000)
    no_topic.put(numbered(0, 100), partition=0)
    delete_before(no_topic, 0, 100)
    no_topic.put(numbered(100, 200), partition=1)
    hour = datetime.fromtimestamp(time.time() - 3600, UTC)
    assert all_of(f"{no_topic.uri}?from={hour:%Y-%m-%dT%H:%M:%SZ}") == texts(100, 200)
    with pytest.raises(InputError, match="all 100 offsets that partition 0 has had are past"):
        SOURCE.bounds(f"{no_topic.uri}?from=2023-01-01", MANNER)


def following(uri, places, until):
    """The pages of a topic that is followed, until so many records have come."""
    pages, count = [], 0
    for page in SOURCE.follow(uri, places, (), MANNER):
        pages.append(page)
        count += len(page.records)
        if count >= until:
            return pages
    return None


def test_a_topic_is_followed_from_the_places_where_it_was_left(kafka):
    kafka.put(numbered(0, 300))
    first = following(kafka.uri, {}, 300)
    assert sorted(data for page in first for data in page.records) == texts(0, 300)
    places = {page.shard: page.place for page in first if page.place}
    kafka.put(numbered(300, 400))
    more = following(kafka.uri, places, 100)
    assert sorted(data for page in more for data in page.records) == texts(300, 400)
    last = {page.shard: page.behind for page in more}
    pages = SOURCE.follow(kafka.uri, {page.shard: page.place for page in more}, (), MANNER)
    for page in pages:  # all are at their ends
        last[page.shard] = page.behind
        assert not page.records
        if not any(last.values()):
            break


def test_places_past_retention_are_a_gap(kafka):
    kafka.put(numbered(0, 100), partition=1)
    delete_before(kafka, 1, 60)
    with pytest.raises(InputError, match="partition 1 was read up to offset 20, and what followed, up to 60, is past"):
        following(kafka.uri, {"1": "20"}, 1)
    assert following(kafka.uri, {"1": "60"}, 40)
    with pytest.raises(
        InputError, match="partition 1 was read up to offset 300, and ends at 100 now, so it is another"
    ):
        following(kafka.uri, {"1": "300"}, 1)


def test_partitions_that_are_added_are_followed_too(kafka, monkeypatch):
    from confluent_kafka.admin import NewPartitions

    monkeypatch.setattr("windrow.storage.kafka.source._LIST_AGAIN", 0.5)
    kafka.put(numbered(0, 10))
    pages = SOURCE.follow(kafka.uri, {}, (), MANNER)
    found, added = [], False
    for page in pages:
        found += page.records
        if len(found) == 10 and not added:
            kafka.admin.create_partitions([NewPartitions(kafka.name, 5)])[kafka.name].result()
            kafka.put(numbered(10, 15), partition=4)
            added = True
        if len(found) == 15:
            break
    assert sorted(found) == texts(0, 15)


def bars_in(kafka):
    """The bars of a topic by symbol; each symbol is in one partition."""
    found = {number: [json.loads(one.value())["data"] for one in its] for number, its in kafka.records().items()}
    symbols = [{bar["sym"] for bar in bars} for bars in found.values()]
    assert sum(map(len, symbols)) == len(set().union(*symbols))
    return by_symbol([bar for bars in found.values() for bar in bars])


def test_load_makes_a_topic_and_a_job_over_it_has_the_bytes_of_the_file(run, no_topic, tmp_path, run_job):  # noqa: F811
    path = write(tmp_path / "a.csv", 5, 40)
    load = ["load", path, "--to", no_topic.uri, "--shards", "3", "--retention", "100"]
    status, _, err = run(*load, "--kms", "k")
    assert (status, err) == (
        2, f"error: --kms k: Kafka encrypts by no key of KMS; leave it out for {no_topic.uri}\n"
    )  # fmt: skip
    status, _, err = run(*load)
    assert status == 0 and "has all 200 bars; 200 of them were put by this command" in err
    assert bars_in(no_topic) == by_symbol(rows_of(path))
    status, out, err = run("inspect", no_topic.uri)
    assert status == 0 and "retention   100 hours" in out and "shards      3 open of 3" in out, err
    assert "cleanup     delete" in out and "timestamps  CreateTime" in out and "offsets     200" in out
    newest = json.loads(out.rpartition("Z: ")[2])["data"]
    assert newest in [row for row in rows_of(path) if row["dt"] == "2023-02-13"]
    rules = ["--fast", "sma:2", "--slow", "sma:5", "--quiet"]
    of_stream, of_file = (run_job(*rules, place, job=Backtest) for place in (no_topic.uri, path))
    assert of_stream.status == 0 and of_file.out == of_stream.out != b"", of_stream.err
    refused = run_job(*rules, "--consumer", "me", no_topic.uri, job=Backtest)
    assert refused.status == 1
    assert refused.err == f"error: {no_topic.uri}: --consumer me: only Kinesis has registered consumers; leave it out\n"


KILLED = """
import os, signal, sys
from windrow import cli
from windrow.sinks.journal import Journal
from windrow.storage.kafka import producer
producer._BATCH = 64
def killed(self, done):
    os.kill(os.getpid(), signal.SIGKILL)
Journal.took = killed
cli.main(sys.argv[1:])
"""


def test_killed_and_run_again_no_record_is_missing_twice_or_out_of_order(run, no_topic, tmp_path):  # noqa: F811
    path = write(tmp_path / "a.csv", 5, 40)
    load = ["load", path, "--to", no_topic.uri, "--shards", "3"]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "stream", *map(str, load)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert sum(map(len, bars_in(no_topic).values())) == 64
    status, _, err = run(*load)
    assert status == 0 and "has all 200 bars; 136 of them were put by this command" in err
    assert bars_in(no_topic) == by_symbol(rows_of(path))


def test_no_broker_and_no_topic_are_one_sentence_with_its_cure(run, no_topic, run_job, monkeypatch):  # noqa: F811
    monkeypatch.setattr("windrow.storage.kafka.offsets.ANSWER", 3)
    rules = ["--fast", "sma:2", "--slow", "sma:5", "--quiet"]
    ran = run_job(*rules, "kafka://127.0.0.1:9/bars", job=Backtest)
    assert ran.status == 1 and "error: kafka://127.0.0.1:9/bars: no broker answers at 127.0.0.1:9 (" in ran.err
    assert "Connection refused" in ran.err and "name a file of client properties in WINDROW_KAFKA_CONFIG" in ran.err
    ran = run_job(*rules, no_topic.uri, job=Backtest)
    assert ran.status == 1 and f"error: {no_topic.uri}: there is no such topic at {no_topic.broker} (" in ran.err
    assert ran.err.count("\n") == 1


def test_client_properties_are_used_and_no_error_repeats_their_values(kafka, tmp_path, monkeypatch):
    kafka.put(numbered(0, 5))
    file = tmp_path / "client.properties"
    monkeypatch.setattr("windrow.storage.kafka.offsets.ANSWER", 3)
    monkeypatch.setenv("WINDROW_KAFKA_CONFIG", str(file))
    with pytest.raises(InputError, match="cannot be read: No such file or directory; name a file of client properties"):
        SOURCE.bounds(kafka.uri, MANNER)
    file.write_text("# nothing\n\nclient.id = me\nfetch.wait.max.ms=50\n")
    assert all_of(kafka.uri) == texts(0, 5)
    for text, says in (
        (
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=me\nsasl.password=hush-7\n",
            "the broker refuses the login (_AUTHENTICATION); check sasl.mechanisms, sasl.username and sasl.password in",
        ),
        ("sasl.passwordd=hush-7\n", "has a property that Kafka's client does not know, or a value that"),
        ("security.protocol=hush-7\n", "security.protocol; correct it"),
        ("hush-7\n", "line 1 is no property; give NAME=VALUE"),
        ("group.id=hush-7\n", "line 1 sets group.id, on which it depends that each record is read"),
    ):
        file.write_text(text)
        with pytest.raises(InputError) as refused:
            SOURCE.bounds(kafka.uri, MANNER)
        assert says in str(refused.value) and "hush-7" not in str(refused.value), str(refused.value)


@pytest.mark.parametrize(
    "uri", ["kafka://bars", "kafka://h:1/a/b", "kafka:///bars", "kafka://h:9092/b?since=1", "kafka://me:hush@h:1/b"]
)
def test_other_uris_are_refused(uri):
    with pytest.raises(InputError) as refused:
        SOURCE.bounds(uri, MANNER)
    assert "kafka://" in str(refused.value)
