"""Faults of Kinesis on the wire where records are put in: some are refused, or nobody learns of an answer."""

import json
import os
import random
import signal
import urllib.request

from tests.streams.faults import answered, canned_answer, refused

BUSY = [("ProvisionedThroughputExceededException", 400), ("KMSThrottlingException", 400), ("InternalFailure", 500)]


def delivered(request, asked):
    """What the server answers to the request with another body."""
    headers = {key: request.headers[key] for key in request.headers if key.lower() not in ("content-length", "host")}
    headers = {key: value.decode() if isinstance(value, bytes) else value for key, value in headers.items()}
    changed = urllib.request.Request(request.url, json.dumps(asked).encode(), headers)
    with urllib.request.urlopen(changed) as told:
        return json.loads(told.read())


def wire(handler, of):
    """Calls `handler(request, asked)` before each request of an operation; what it returns is the answer."""
    return answered(lambda operation, request: handler(request, json.loads(request.body)) if operation == of else None)


class Refusing:
    """Refuses some records of each PutRecords, and some whole calls, by chance; counts what it refused."""

    def __init__(self, records=0.3, calls=0.1, seed=1):
        self.records, self.calls, self.chance = records, calls, random.Random(seed)
        self.sent = self.refused = 0

    def __call__(self, request, asked):
        self.sent += 1
        if self.chance.random() < self.calls:
            return refused(request, *self.chance.choice(BUSY))
        records = asked["Records"]
        good = [self.chance.random() >= self.records for _ in records]
        self.refused += good.count(False)
        kept = [record for record, is_good in zip(records, good, strict=True) if is_good]
        taken = iter(delivered(request, {**asked, "Records": kept})["Records"] if kept else [])
        bad = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded for shard"}
        results = [next(taken) if is_good else bad for is_good in good]
        return canned_answer(request, {"FailedRecordCount": good.count(False), "Records": results})


def killing(at):
    """Ends this process, as kill -9 does, at call number `at` of PutRecords, which the server has taken by then."""
    calls = iter(range(at))

    def handler(request, asked):
        if next(calls, None) is None:
            delivered(request, asked)
            os.kill(os.getpid(), signal.SIGKILL)

    return handler
