"""GetRecords alone, for measuring readers: kinesis-local is quadratic. On 127.0.0.1; prints its port when ready.

    python canned.py SHARDS RECORDS PAGE

A stream of any name has SHARDS open shards, each of RECORDS records of bars, in pages of at most PAGE; it ends when
its standard input does. Record N of a shard arrived N ms after FIRST_ARRIVAL. Of 13 symbols a shard, a bar a minute.
"""

import asyncio
import base64
import json
import sys
from functools import lru_cache

import numpy as np

FIRST_ARRIVAL = 1_577_871_000_000  # ms since 1970
SYMBOLS = 13
_SEQUENCE = 49_600_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000
_FIRST_BAR = np.datetime64("2020-01-01T09:30", "m")


def record(shard, number):
    """Key and data of a record."""
    price = 100 + (number * 7919 % 1000) / 100
    symbol = f"S{shard * SYMBOLS + number % SYMBOLS:03}"
    return symbol, (
        f'{{"data":{{"dt":"{_FIRST_BAR + number // SYMBOLS}","sym":"{symbol}","open":{price:.2f},'
        f'"high":{price + 1:.2f},"low":{price - 1:.2f},"close":{price + 0.01:.2f},"vol":{number}}}}}'
    )


def sequence(shard, number):
    return str(_SEQUENCE + shard * 10**12 + number)


class Stream:
    def __init__(self, shards, records, page):
        self.shards, self.records, self.page = shards, records, page
        self.body = lru_cache(64)(self._body)

    def _body(self, shard, start):
        end = min(start + self.page, self.records)
        records = []
        for number in range(start, end):
            key, data = record(shard, number)
            arrived = (FIRST_ARRIVAL + number) / 1000
            records.append({
                "SequenceNumber": sequence(shard, number), "ApproximateArrivalTimestamp": arrived,
                "Data": base64.b64encode(data.encode()).decode(), "PartitionKey": key,
            })  # fmt: skip
        answer = {"Records": records, "NextShardIterator": f"{shard}:{end}", "MillisBehindLatest": self.records - end}
        return json.dumps(answer).encode()

    def answer(self, operation, asked):
        """The body of an answer."""
        if operation == "GetRecords":
            return self.body(*map(int, asked["ShardIterator"].split(":")))
        return json.dumps(getattr(self, operation)(asked)).encode()

    def GetShardIterator(self, asked):
        shard = int(asked["ShardId"].rpartition("-")[2])
        start = {
            "TRIM_HORIZON": lambda: 0,
            "LATEST": lambda: self.records,
            "AT_TIMESTAMP": lambda: round(asked["Timestamp"] * 1000) - FIRST_ARRIVAL,
            "AT_SEQUENCE_NUMBER": lambda: int(asked["StartingSequenceNumber"]) - int(sequence(shard, 0)),
            "AFTER_SEQUENCE_NUMBER": lambda: int(asked["StartingSequenceNumber"]) - int(sequence(shard, -1)),
        }[asked["ShardIteratorType"]]()
        return {"ShardIterator": f"{shard}:{min(max(0, start), self.records)}"}

    def ListShards(self, asked):
        width = 2**128 // self.shards
        return {
            "Shards": [
                {
                    "ShardId": f"shardId-{shard:012}",
                    "HashKeyRange": {
                        "StartingHashKey": str(shard * width),
                        "EndingHashKey": str((shard + 1) * width - 1 if shard + 1 < self.shards else 2**128 - 1),
                    },
                    "SequenceNumberRange": {"StartingSequenceNumber": sequence(shard, 0)},
                }
                for shard in range(self.shards)
            ]
        }

    def DescribeStreamSummary(self, asked):
        name = asked.get("StreamName", "canned")
        summary = {
            "StreamName": name, "StreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{name}",
            "StreamStatus": "ACTIVE", "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "RetentionPeriodHours": 8760, "StreamCreationTimestamp": FIRST_ARRIVAL / 1000, "EnhancedMonitoring": [],
            "EncryptionType": "NONE", "OpenShardCount": self.shards, "ConsumerCount": 0,
        }  # fmt: skip
        return {"StreamDescriptionSummary": summary}


async def serve(stream, reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            asked = json.loads(await reader.readexactly(int(headers["content-length"])))
            operation = headers["x-amz-target"].rpartition(".")[2]
            name = next(name for name in (*dir(stream), "GetRecords") if name.lower() == operation)
            body = stream.answer(name, asked)
            kind = b"Content-Type: application/x-amz-json-1.1\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(shards, records, page):
    stream = Stream(shards, records, page)
    server = await asyncio.start_server(lambda *ends: serve(stream, *ends), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
