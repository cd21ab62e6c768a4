"""A shard's records by enhanced fan-out: pushed to a registered consumer, with 2 MB a second and shard of its own.

A subscription lasts five minutes; the next one goes on after the last sequence number.
"""

from collections.abc import Iterator
from typing import Any

from windrow.aws.kinesis_client import BUSY, code_of, refusing
from windrow.errors import InputError
from windrow.storage.kinesis.answers import Answer, apart, parsed
from windrow.storage.kinesis.reader import Tries
from windrow.times import SECOND

#: What subscribing too soon after another one of this consumer is refused with.
_IN_USE = "ResourceInUseException"


def consumer_arn(client: Any, uri: str, stream: str, consumer: str) -> str:
    """The name by which a consumer subscribes."""
    with refusing(uri):
        summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        try:
            told = client.describe_stream_consumer(StreamARN=summary["StreamARN"], ConsumerName=consumer)
        except client.exceptions.ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            raise InputError(
                f"{uri}: has no registered consumer {consumer}; register it, with `aws kinesis"
                " register-stream-consumer`, or leave --consumer out"
            ) from error
    return str(told["ConsumerDescription"]["ConsumerARN"])


def pushed(client: Any, uri: str, shard: str, consumer: str, since: int | None) -> Iterator[Answer]:
    """What is pushed to a consumer, by its ARN, of a shard; `next` of the last answer of a shard that ended is None."""
    from botocore.exceptions import ResponseStreamingError
    from urllib3.exceptions import HTTPError

    where: dict[str, Any] = {"Type": "TRIM_HORIZON"}
    if since is not None:
        where = {"Type": "AT_TIMESTAMP", "Timestamp": since / SECOND}
    tries = Tries()
    while True:
        try:
            told = client.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=where)
            for event in told["EventStream"]:
                answer = _answer(event["SubscribeToShardEvent"])
                yield answer
                if answer.next is None:
                    return
                where, tries = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": answer.next}, Tries()
        except client.exceptions.ClientError as error:
            with refusing(uri):
                tries.again(error, code_of(error) in BUSY | {_IN_USE})
        except HTTPError as error:  # the connection was cut
            with refusing(uri):
                tries.again(ResponseStreamingError(error=error), True)


def _answer(event: dict[str, Any]) -> Answer:
    """An event's records, which botocore has parsed; it goes on after a sequence number, not by an iterator."""
    behind = event.get("MillisBehindLatest", 0) * 10**6
    return Answer(apart(parsed(event["Records"])), event.get("ContinuationSequenceNumber"), behind, 0)
