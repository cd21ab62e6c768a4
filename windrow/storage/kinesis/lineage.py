"""The shards of a stream, their parents, and what of them is past retention."""

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from graphlib import TopologicalSorter
from typing import Any, NamedTuple

from windrow.storage.stream import Shard
from windrow.times import SECOND

_HOUR = 3600 * SECOND


class Stream(NamedTuple):
    """A stream as its server describes it.

    now: the server's clock (ns). horizon: what arrived before is gone (ns). shards: those that are kept, parents
    first. gone: parents of these that are not.
    """

    now: int
    created: int
    hours: int
    shards: tuple[Shard, ...]
    gone: tuple[str, ...]

    @property
    def horizon(self) -> int:
        """What arrived before is past retention (ns)."""
        return self.now - self.hours * _HOUR


def stream_of(client: Any, name: str) -> Stream:
    """What a stream's server says of it now."""
    told = client.describe_stream_summary(StreamName=name)
    summary, now = told["StreamDescriptionSummary"], _now(told["ResponseMetadata"].get("HTTPHeaders", {}).get("date"))
    found = listed(client, name)
    gone = sorted({parent for one in found for parent in _parents(one)} - {one["ShardId"] for one in found})
    created = round(summary["StreamCreationTimestamp"].timestamp() * SECOND)
    return Stream(now, created, summary["RetentionPeriodHours"], _ordered(found), tuple(gone))


def shards_of(client: Any, name: str) -> tuple[Shard, ...]:
    """The shards of a stream that are kept, the closed ones too, parents first."""
    return _ordered(listed(client, name))


def _now(told: str | None) -> int:
    """The server's time (ns): its answer has the second; what is below it is this machine's clock where both agree."""
    here = time.time_ns()
    if told is None:
        return here
    second = int(parsedate_to_datetime(told).timestamp()) * SECOND
    if second <= here < second + SECOND:
        return here
    # Where they do not, the second's end, once it is past: no record that was there is left out, and none that comes
    # before it is in some shards read and in others not.
    time.sleep(1)
    return second + SECOND


def listed(client: Any, name: str) -> list[dict[str, Any]]:
    """All shards of a stream that are kept, the closed ones too, as Kinesis describes them."""
    found: list[dict[str, Any]] = []
    asked = {"StreamName": name}
    while True:
        told = client.list_shards(**asked)
        found += told["Shards"]
        if not told.get("NextToken"):
            return found
        asked = {"NextToken": told["NextToken"]}


def _parents(described: dict[str, Any]) -> tuple[str, ...]:
    keys = ("ParentShardId", "AdjacentParentShardId")
    return tuple(parent for key in keys if (parent := described.get(key)))


def _ordered(found: Sequence[dict[str, Any]]) -> tuple[Shard, ...]:
    names = {one["ShardId"] for one in found}
    above = {one["ShardId"]: tuple(parent for parent in _parents(one) if parent in names) for one in found}
    return tuple(Shard(name, above[name]) for name in TopologicalSorter(above).static_order())
