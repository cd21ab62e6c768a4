"""What is in a stream of Kinesis: the oldest and the newest record of each shard, and how fast records came last.

Kinesis has no question for the newest record. So it is searched for by halving spans of time, one record a question,
within the five answers that a shard gives a second.
"""

import time
from collections.abc import Mapping
from typing import Any

from windrow.aws.kinesis_client import client, may_pass, refusals, refusing
from windrow.aws.parallel import in_parallel
from windrow.storage.arrivals import moment
from windrow.storage.kinesis.answers import Answer, answer_of, parse_quickly
from windrow.storage.kinesis.lineage import listed, stream_of
from windrow.storage.kinesis.reader import Tries
from windrow.storage.kinesis.uris import parse
from windrow.storage.stream import MINUTE, ShardState, StreamState
from windrow.times import SECOND

#: Seconds between questions to a shard, which answers five a second: others' reads go on.
_BETWEEN = 0.25
_MOST = 10_000


def state(uri: str) -> StreamState:
    """What is in a stream."""
    kinesis, name = client(uri), parse(uri).stream
    parse_quickly(kinesis)
    with refusing(uri):
        stream = stream_of(kinesis, name)
        summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        described = listed(kinesis, name)
    parents = {one.name: one.parents for one in stream.shards}
    is_open = {one["ShardId"]: "EndingSequenceNumber" not in one["SequenceNumberRange"] for one in described}
    looks = [_Look(kinesis, uri, name, shard, stream.now) for shard in parents]
    states = in_parallel(lambda look: look.state(parents[look.shard], is_open[look.shard]), looks)
    facts: dict[str, str | int] = {
        "made": moment(stream.created),
        "mode": summary.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED").lower().replace("_", " "),
        "status": summary["StreamStatus"].lower(),
        "retention": f"{stream.hours:,} hours",
        "encryption": _encryption(summary),
        "consumers": summary.get("ConsumerCount", 0),
    }
    few = ", ".join(stream.gone[:3]) + (", ..." if len(stream.gone) > 3 else "")
    gaps = (f"shards that others came from are past retention, and their records gone: {few}",) if stream.gone else ()
    return StreamState(uri, facts, tuple(states), gaps)


def _encryption(summary: Mapping[str, Any]) -> str:
    return str(summary.get("KeyId", "none")) if summary.get("EncryptionType") == "KMS" else "none"


class _Look:
    """Looks into one shard."""

    def __init__(self, kinesis: Any, uri: str, stream: str, shard: str, now: int) -> None:
        self._kinesis, self._uri, self._stream, self._now = kinesis, uri, stream, now
        self.shard = shard

    def state(self, parents: tuple[str, ...], is_open: bool) -> ShardState:
        """What is in the shard."""
        oldest = self._first(None)
        if oldest is None:
            return ShardState(self.shard, parents, is_open)
        if not (last := self._last(oldest)):  # they went past retention just now
            return ShardState(self.shard, parents, is_open)
        arrived = [arrival for arrival, _ in last]
        newest = max(arrived)
        minute = [data for arrival, data in last if arrival > newest - MINUTE]
        example = next(data for arrival, data in reversed(last) if arrival == newest)
        return ShardState(self.shard, parents, is_open, oldest, newest, len(minute), sum(map(len, minute)), example)

    def _last(self, found: int) -> list[tuple[int, bytes]]:
        """The records, with their arrivals, of the last minute that has any, and of up to one before."""
        begin, end = found, max(self._now, found) + 1
        span = MINUTE
        while span < end - found:  # what came last is more often near
            if (near := self._first(end - span)) is not None:
                begin = near
                break
            end, span = end - span, span * 8
        while end - begin > MINUTE:
            middle = (begin + end) // 2
            if (later := self._first(middle)) is None:
                end = middle
            else:
                begin = max(later, middle)
        records: list[tuple[int, bytes]] = []
        iterator: str | None = self._begin(begin - MINUTE)
        while iterator is not None:
            answer = self._ask(iterator, _MOST)
            records += zip(answer.records.arrivals.tolist(), answer.records.data, strict=True)
            iterator = None if answer.behind == 0 else answer.next
        return records

    def _first(self, since: int | None) -> int | None:
        """The arrival of the first record from a time on; None: of the oldest."""
        iterator: str | None = self._begin(since)
        while iterator is not None:
            answer = self._ask(iterator, 1)
            if answer.records.data:
                return int(answer.records.arrivals[0])
            iterator = None if answer.behind == 0 else answer.next
        return None

    def _begin(self, since: int | None) -> str:
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if since is not None:
            where = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": since / SECOND}
        with refusing(self._uri):
            told = self._kinesis.get_shard_iterator(StreamName=self._stream, ShardId=self.shard, **where)
        return str(told["ShardIterator"])

    def _ask(self, iterator: str, most: int) -> Answer:
        tries = Tries()
        with refusing(self._uri):
            while True:
                time.sleep(_BETWEEN)
                try:
                    told = self._kinesis.get_records(ShardIterator=iterator, Limit=most)
                except refusals() as error:
                    tries.again(error, may_pass(error))
                else:
                    return answer_of(told, f"{self._uri}: {self.shard}")
