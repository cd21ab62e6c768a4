"""What goes wrong between here and Kinesis: answers on the wire, where botocore's own retries, and ours, meet them."""

import io
import json
import random
from contextlib import contextmanager

from windrow.aws.session import shared_client

#: Code, status, and whether only GetRecords is answered so.
FAULTS = [
    ("ProvisionedThroughputExceededException", 400, True),
    ("ExpiredIteratorException", 400, True),
    ("KMSThrottlingException", 400, True),
    ("InternalFailure", 500, False),
    ("LimitExceededException", 400, False),
]


class _Body(io.BytesIO):
    def stream(self, amt=65536, **_):
        while block := self.read(amt):
            yield block


def refused(request, code, status):
    """AWS's answer of that code."""
    return canned_answer(request, {"__type": code, "message": "put in by a test"}, status)


def canned_answer(request, told, status=200):
    """AWS's answer; bytes are its text."""
    from botocore.awsrequest import AWSResponse

    body = _Body(told if isinstance(told, bytes) else json.dumps(told, default=str).encode())
    return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.1"}, body)


@contextmanager
def answered(answer):
    """Calls `answer(operation, request)` before each request of windrow's client; what it returns is the answer."""
    client = shared_client("kinesis")

    def before_send(request, event_name, **_):
        return answer(event_name.rpartition(".")[2], request)

    client.meta.events.register("before-send.kinesis", before_send)
    try:
        yield client
    finally:
        client.meta.events.unregister("before-send.kinesis", before_send)


@contextmanager
def failing(share, seed=4):
    """Makes that share of the calls fail, at random; yields how many were made, and failed."""
    chance, counts = random.Random(seed), {"made": 0, "failed": 0}

    def answer(operation, request):
        counts["made"] += 1
        code, status, _ = chance.choice([one for one in FAULTS if operation == "GetRecords" or not one[2]])
        if chance.random() < share:
            counts["failed"] += 1
            return refused(request, code, status)
        return None

    with answered(answer):
        yield counts
