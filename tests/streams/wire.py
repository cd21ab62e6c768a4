"""Faults of Kinesis on the wire: answers of its own to some requests, so that botocore's real path is run."""

import io
import json
import os
import random
import signal
import urllib.request
from contextlib import contextmanager

from botocore.awsrequest import AWSResponse

from windrow.aws.kinesis_client import client

KIND = "application/x-amz-json-1.1"


class _Raw(io.BytesIO):
    def stream(self, amount=65536, **_):
        while block := self.read(amount):
            yield block


def answer(request, status, body):
    """An answer of Kinesis'."""
    return AWSResponse(request.url, status, {"content-type": KIND}, _Raw(json.dumps(body).encode()))


def refusal(request, code, status=400, message="injected"):
    return answer(request, status, {"__type": code, "message": message})


def delivered(request, asked):
    """What the server answers to the request with another body."""
    headers = {key: request.headers[key] for key in request.headers if key.lower() not in ("content-length", "host")}
    headers = {key: value.decode() if isinstance(value, bytes) else value for key, value in headers.items()}
    changed = urllib.request.Request(request.url, json.dumps(asked).encode(), headers)
    with urllib.request.urlopen(changed) as told:
        return json.loads(told.read())


@contextmanager
def wire(handler, operation=""):
    """Calls `handler(request, asked)` before each request of windrow's client; what it returns is the answer."""
    events = client("kinesis://x").meta.events
    name = f"before-send.kinesis{operation and f'.{operation}'}"

    def take(request, **_):
        return handler(request, json.loads(request.body))

    events.register(name, take)
    try:
        yield
    finally:
        events.unregister(name, take)


class Refusing:
    """Refuses some records of each PutRecords, and some whole calls, by chance; counts what it refused."""

    def __init__(self, records=0.3, calls=0.1, seed=1):
        self.records, self.calls, self.chance = records, calls, random.Random(seed)
        self.sent = self.refused = 0

    def __call__(self, request, asked):
        self.sent += 1
        if self.chance.random() < self.calls:
            code = self.chance.choice(
                ["ProvisionedThroughputExceededException", "KMSThrottlingException", "InternalFailure"]
            )
            return refusal(request, code, 500 if code == "InternalFailure" else 400)
        records = asked["Records"]
        good = [self.chance.random() >= self.records for _ in records]
        self.refused += good.count(False)
        kept = [record for record, is_good in zip(records, good, strict=True) if is_good]
        taken = iter(delivered(request, {**asked, "Records": kept})["Records"] if kept else [])
        bad = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded for shard"}
        results = [next(taken) if is_good else bad for is_good in good]
        return answer(request, 200, {"FailedRecordCount": good.count(False), "Records": results})


def killing(at):
    """Ends this process, as kill -9 does, at call number `at` of PutRecords, which the server has taken by then."""
    calls = iter(range(at))

    def handler(request, asked):
        if next(calls, None) is None:
            delivered(request, asked)
            os.kill(os.getpid(), signal.SIGKILL)

    return handler
