"""Streams for tests, each a server of its own on 127.0.0.1 that ends with the tests.

    kinesis    a stream in kinesis-local, which has Kinesis' semantics, up to 10,000 records
    canned     a Kinesis of any number of records, which can only be read
    kafka      a topic in a real Kafka

Tests that use `kinesis` or `kafka` are marked `streams`: `make test-streams` runs them. AWS's variables name the
server, and nothing of this machine.
"""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.needs import IN_CI, require
from tests.storage.s3.conftest import AWS

HERE = Path(__file__).parent
#: Seconds until a server answers: other tests run meanwhile.
WAIT = 120


def install(server):
    """Gathers what a server needs; a test that cannot have it is skipped, in CI failed."""
    done = subprocess.run([HERE / server, "install"], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        (pytest.fail if IN_CI else pytest.skip)(f"no {server} here: {done.stderr.strip()}")


@contextmanager
def running(*command):
    """The port that a server prints; it ends with its standard input too, should these tests be killed."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def own_name(request):
    """A name for what a test uses, that no other has."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    return f"t-{name}-{time.monotonic_ns() % 10**9}"


def set_endpoint(monkeypatch, port):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {**AWS, "AWS_ENDPOINT_URL_KINESIS": f"http://127.0.0.1:{port}"}.items():
        monkeypatch.setenv(name, value)


class KinesisStream:
    """A stream of a test's own in kinesis-local; `client` is boto3's, with nothing of windrow's."""

    def __init__(self, port, name):
        import boto3

        self.port, self.name, self.uri = port, name, f"kinesis://{name}"
        self.client = boto3.session.Session().client("kinesis", endpoint_url=f"http://127.0.0.1:{port}")

    def create(self, shards=4, hours=8760):
        self.client.create_stream(StreamName=self.name, ShardCount=shards)
        self.wait()
        if hours > 24:
            self.client.increase_stream_retention_period(StreamName=self.name, RetentionPeriodHours=hours)
            self.wait()

    def wait(self):
        """Until a change of the stream is made."""
        while self.summary()["StreamStatus"] != "ACTIVE":
            time.sleep(0.01)

    def summary(self):
        return self.client.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]

    def put(self, records):
        """Puts (key, data) in order."""
        for start in range(0, len(records), 500):
            some = [{"PartitionKey": key, "Data": data} for key, data in records[start : start + 500]]
            assert not self.client.put_records(StreamName=self.name, Records=some)["FailedRecordCount"]

    def shards(self):
        """All shards, closed ones too."""
        return self.client.list_shards(StreamName=self.name)["Shards"]

    def open_shards(self):
        """By their keys."""
        still = [one for one in self.shards() if "EndingSequenceNumber" not in one["SequenceNumberRange"]]
        return sorted(still, key=lambda one: int(one["HashKeyRange"]["StartingHashKey"]))

    def split(self, number=0):
        """Splits an open shard into halves."""
        shard = self.open_shards()[number]
        low, high = (int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending"))
        middle = str((low + high) // 2)
        self.client.split_shard(StreamName=self.name, ShardToSplit=shard["ShardId"], NewStartingHashKey=middle)
        self.wait()

    def merge(self, number=0):
        """Merges an open shard with the next."""
        one, other = self.open_shards()[number : number + 2]
        self.client.merge_shards(
            StreamName=self.name, ShardToMerge=one["ShardId"], AdjacentShardToMerge=other["ShardId"]
        )
        self.wait()

    def records(self, shard=None):
        """The records of a shard, or of all in order of their names, as AWS answers them."""
        if shard is None:
            return [record for one in self.shards() for record in self.records(one["ShardId"])]
        asked = {"StreamName": self.name, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator, found = self.client.get_shard_iterator(**asked)["ShardIterator"], []
        while iterator:
            page = self.client.get_records(ShardIterator=iterator)
            found += page["Records"]
            iterator = page.get("NextShardIterator")
            if not page["Records"] and not page["MillisBehindLatest"]:
                break
        return found

    def remove(self):
        self.client.delete_stream(StreamName=self.name, EnforceConsumerDeletion=True)


@pytest.fixture(scope="session")
def kinesis_local():
    """The port of kinesis-local."""
    require("node")
    install("kinesis")
    with running(HERE / "kinesis", "serve") as port:
        yield port


@pytest.fixture
def no_stream(kinesis_local, request, monkeypatch):
    """A KinesisStream that is not there yet."""
    set_endpoint(monkeypatch, kinesis_local)
    stream = KinesisStream(kinesis_local, own_name(request))
    yield stream
    if stream.name in stream.client.list_streams(Limit=10_000)["StreamNames"]:
        stream.remove()  # 50 shards are the most of it


@pytest.fixture
def kinesis(no_stream):
    """A KinesisStream of 4 shards, empty."""
    no_stream.create()
    return no_stream


@pytest.fixture
def canned(monkeypatch):
    """Starts a canned Kinesis: `canned(shards, records, page)`; returns the URI of its stream."""
    from contextlib import ExitStack

    with ExitStack() as servers:

        def start(shards, records, page):
            command = (sys.executable, str(HERE / "canned.py"), str(shards), str(records), str(page))
            set_endpoint(monkeypatch, servers.enter_context(running(*command)))
            return "kinesis://canned"

        yield start


class KafkaTopic:
    """A topic of a test's own in a real Kafka."""

    def __init__(self, broker, name):
        from confluent_kafka.admin import AdminClient

        self.broker, self.name, self.uri = broker, name, f"kafka://{broker}/{name}"
        self.admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})

    def create(self, partitions=4, **config):
        """Creates it; of its configuration dots are written as _."""
        from confluent_kafka.admin import NewTopic

        dotted = {key.replace("_", "."): str(value) for key, value in config.items()}
        for done in self.admin.create_topics([NewTopic(self.name, partitions, 1, config=dotted)]).values():
            done.result()

    def producer(self, **config):
        from confluent_kafka import Producer

        dotted = {key.replace("_", "."): value for key, value in config.items()}
        return Producer({"bootstrap.servers": self.broker, "enable.idempotence": True, "log_level": 0, **dotted})

    def put(self, records, at=None, producer=None, partition=None):
        """Puts (key, data) in order; `at`: when the first of them arrives, in ms, each 1 ms after the one before."""
        ours = producer or self.producer()
        where = {} if partition is None else {"partition": partition}
        for number, (key, data) in enumerate(records):
            when = {} if at is None else {"timestamp": at + number}
            ours.produce(self.name, data, key, **when, **where)
            ours.poll(0)
        assert not ours.flush(WAIT)

    def records(self):
        """All messages, by partition."""
        from confluent_kafka import Consumer, TopicPartition

        reader = Consumer({
            "bootstrap.servers": self.broker, "group.id": "tests", "enable.auto.commit": False,
            "enable.partition.eof": True, "isolation.level": "read_committed",
        })  # fmt: skip
        found = {number: [] for number in self.admin.list_topics(self.name).topics[self.name].partitions}
        left = set(found)
        reader.assign([TopicPartition(self.name, number, 0) for number in found])
        while left:
            for message in reader.consume(10_000, 0.2):
                if message.error():
                    left.discard(message.partition())
                else:
                    found[message.partition()].append(message)
        reader.close()
        return found


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory):
    """HOST:PORT of a Kafka that runs as long as the tests."""
    require("kafka")
    install("kafka")
    folder = tmp_path_factory.mktemp("kafka")
    port = two_free_ports()
    with subprocess.Popen(
        [HERE / "kafka", "run", folder, str(port)], stdout=(folder / "log").open("w"), stderr=-2
    ) as run:
        try:
            end = time.monotonic() + WAIT
            while not answers(port):
                assert run.poll() is None and time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            run.kill()  # its folder is the tests'


def two_free_ports():
    """The first of two free ports in a row."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def answers(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def no_topic(kafka_broker, request):
    """A KafkaTopic that is not there yet."""
    return KafkaTopic(kafka_broker, own_name(request))


@pytest.fixture
def kafka(no_topic):
    """A KafkaTopic of 4 partitions, empty."""
    no_topic.create()
    return no_topic
