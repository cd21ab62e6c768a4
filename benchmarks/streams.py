"""What reading a stream costs beside its client alone: CPU of both over the same pages, in turn.

    python benchmarks/streams.py [--runs 5] [--records 1e5] [--kafka HOST:PORT]

Kinesis is the canned one of tests/streams, whose answers cost next to nothing; its limits of reads a second are left
out. Beside Kinesis: boto3's get_records alone. Beside Kafka: confluent-kafka's consume alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
SHARDS, PAGE = 4, 5000
AWS = {
    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}  # fmt: skip


def spool(uri):
    from windrow.feeds.spool import spool
    from windrow.storage.kinesis import reader
    from windrow.storage.manner import Manner

    reader._READS, reader._BYTES = 1e9, 1e15  # a canned Kinesis has no limits
    with tempfile.TemporaryDirectory() as folder:
        return spool(uri, Path(folder), Manner(share=1.0)).records


def pages(uri):
    """The records alone, in no file."""
    from windrow.storage.manner import Manner
    from windrow.storage.source import source_of

    source, manner = source_of(uri), Manner(share=1.0)
    bounds = source.bounds(uri, manner)
    return sum(len(page.records) for shard in bounds.shards for page in source.read(bounds, shard, manner))


def paper(pages_of_bars):
    """Seconds of CPU of each page of a forward test, of a bar of each of 500 symbols."""
    from windrow.paper.loop import Paper
    from windrow.paper.options import asked
    from windrow.storage.stream import Page

    with tempfile.TemporaryDirectory() as folder:
        trader = Paper(asked(["kinesis://canned", "--fast", "ema:7", "--slow", "ema:21", "--state", folder]))
        for day in range(1, pages_of_bars + 1):
            date, prices = f"2020-01-{day:02}", [100 + day * number % 7 / 4 for number in range(500)]
            rows = [{"sym": f"S{n}", "dt": date, "close": price, "open": 100} for n, price in enumerate(prices)]
            page = Page("shard-0", [json.dumps(row).encode() for row in rows], str(day), 1, 0)
            begin = time.process_time()
            trader.take(page)
            yield time.process_time() - begin


def boto3_alone(_):
    import boto3

    client, count = boto3.session.Session().client("kinesis"), 0
    for shard in range(SHARDS):
        asked = {"StreamName": "canned", "ShardId": f"shardId-{shard:012}", "ShardIteratorType": "TRIM_HORIZON"}
        place, behind = client.get_shard_iterator(**asked)["ShardIterator"], 1
        while behind:
            page = client.get_records(ShardIterator=place, Limit=PAGE)
            place, behind = page["NextShardIterator"], page["MillisBehindLatest"]
            count += len(page["Records"])
    return count


def kafka_alone(uri):
    from confluent_kafka import Consumer, TopicPartition

    broker, topic = uri.removeprefix("kafka://").split("/")
    consumer = Consumer({
        "bootstrap.servers": broker, "group.id": "bench", "enable.auto.commit": False, "enable.partition.eof": True,
    })  # fmt: skip
    left = set(consumer.list_topics(topic).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, number, 0) for number in left])
    count = 0
    while left:
        for message in consumer.consume(PAGE, 0.5):
            if message.error():
                left.discard(message.partition())
            else:
                count += len(message.value()) > 0
    consumer.close()
    return count


def fill(uri, records):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    sys.path.insert(0, str(ROOT))
    from tests.streams.canned import record

    broker, topic = uri.removeprefix("kafka://").split("/")
    admin = AdminClient({"bootstrap.servers": broker})  # which must live as long as what it has been asked for
    for done in admin.create_topics([NewTopic(topic, SHARDS, 1)]).values():
        done.result()
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50, "queue.buffering.max.messages": 2 * records})
    for number in range(records):
        key, data = record(number % SHARDS, number // SHARDS)
        producer.produce(topic, data, key)
    producer.flush()


def compared(uri, alone, runs):
    """Microseconds of CPU a record, the median: in files, in pages, and by the client alone."""
    spool(uri), alone(uri)  # imports, and the server's own start
    costs = {spool: [], pages: [], alone: []}
    for _ in range(runs):
        for read, spent in costs.items():
            begin = time.process_time()
            count = read(uri)
            spent.append((time.process_time() - begin) / count * 1e6)
    return [median(spent) for spent in costs.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="of each side (default 5)")
    parser.add_argument("--records", type=float, default=1e5, help="in the stream (default 100,000)")
    parser.add_argument(
        "--kafka", metavar="HOST:PORT", help="a broker to measure too, e.g. 127.0.0.1:9192 by make kafka"
    )
    options = parser.parse_args()
    records = int(options.records)
    command = [sys.executable, ROOT / "tests" / "streams" / "canned.py", SHARDS, records // SHARDS, PAGE]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*map(str, command)], text=True, **pipes) as server:
        os.environ |= {**AWS, "AWS_ENDPOINT_URL_KINESIS": f"http://127.0.0.1:{int(server.stdout.readline())}"}
        files, read, alone = compared("kinesis://canned", boto3_alone, options.runs)
        print(
            f"Kinesis: reading {read:.1f} us of CPU a record, boto3 alone {alone:.1f}: {read / alone:.2f}, at most 0.3"
        )
        print(f"Kinesis: into files {files:.1f} us: {files / alone:.2f}")
        server.stdin.close()
    if options.kafka:
        uri = f"kafka://{options.kafka}/bench-{time.time_ns()}"
        fill(uri, records)
        files, read, alone = compared(uri, kafka_alone, options.runs)
        print(
            f"Kafka: reading {read:.1f} us of CPU a record, its client alone {alone:.1f}: {read - alone:.1f} more,"
            " at most 2"
        )
        print(f"Kafka: into files {files:.1f} us: {files - alone:.1f} more")
    print(f"a forward test: {median(paper(28)):.2f} s of CPU for a bar of each of 500 symbols, at most 0.5")


if __name__ == "__main__":
    main()
