"""Enhanced fan-out, which no mock has: what is asked of Kinesis, and what is made of events as AWS describes them."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from urllib3.exceptions import ProtocolError

from windrow.errors import InputError
from windrow.storage.kinesis.fanout import consumer_arn, pushed

ARN = "arn:aws:kinesis:us-east-1:1:stream/bars"


def event(*records, after=None):
    """An event with (sequence number, second of arrival, data)."""
    described = [
        {"SequenceNumber": number, "ApproximateArrivalTimestamp": datetime.fromtimestamp(at, UTC), "Data": data}
        for number, at, data in records
    ]
    told = {"Records": described, "MillisBehindLatest": 7}
    return {"SubscribeToShardEvent": told | ({} if after is None else {"ContinuationSequenceNumber": after})}


class Client:
    """Answers subscriptions in turn; an error is raised."""

    class exceptions:  # noqa: N801  boto3's name
        ClientError = ClientError

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def describe_stream_summary(self, **_):
        return {"StreamDescriptionSummary": {"StreamARN": ARN}}

    def describe_stream_consumer(self, **asked):
        return {"ConsumerDescription": {"ConsumerARN": "{StreamARN}/consumer/{ConsumerName}:1".format(**asked)}}

    def subscribe_to_shard(self, **asked):
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"EventStream": answer}


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "SubscribeToShard")


def test_a_subscription_goes_on_after_what_it_had():
    first = [event(("1", 10, b"a"), ("2", 11, b"b"), after="2"), event(after="5")]
    client = Client(first, refusal("ResourceInUseException"), [event(("6", 12, b"c"))])
    answers = list(pushed(client, "kinesis://bars", "shard", "arn", 10 * 10**9))
    assert [answer.records.data for answer in answers] == [[b"a", b"b"], [], [b"c"]]
    assert answers[0].records.arrivals.tolist() == [10 * 10**9, 11 * 10**9] and answers[-1].next is None
    positions = [asked["StartingPosition"] for asked in client.asked]
    assert positions[0] == {"Type": "AT_TIMESTAMP", "Timestamp": 10.0}
    assert positions[1:] == [{"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "5"}] * 2


def test_a_consumer_that_is_not_registered(monkeypatch):
    def missing(*_, **__):
        raise refusal("ResourceNotFoundException")

    monkeypatch.setattr(Client, "describe_stream_consumer", missing)
    with pytest.raises(InputError, match=r"^kinesis://bars: has no registered consumer me; register it, .* or leave"):
        consumer_arn(Client(), "kinesis://bars", "bars", "me")


def test_a_connection_that_is_cut_is_made_again():
    def cut():
        yield event(("1", 10, b"a"), after="1")
        raise ProtocolError("Connection broken")

    client = Client(cut(), [event(("2", 11, b"b"))])
    answers = list(pushed(client, "kinesis://bars", "shard", "arn", None))
    assert [answer.records.data for answer in answers] == [[b"a"], [b"b"]]
    assert client.asked[1]["StartingPosition"] == {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "1"}


def test_a_consumer_has_an_arn_and_may_be_missing():
    assert consumer_arn(Client(), "kinesis://bars", "bars", "me") == f"{ARN}/consumer/me:1"
    with pytest.raises(InputError, match=r"^kinesis://bars: access is denied \(AccessDeniedException: No\.\)"):
        list(pushed(Client(refusal("AccessDeniedException")), "kinesis://bars", "shard", "arn", None))
