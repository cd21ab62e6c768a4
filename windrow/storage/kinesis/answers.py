"""An answer of GetRecords -> its records, from the bytes: botocore's own parser takes 15 times as long.

A handler of botocore's takes the records out of the answer's body before botocore parses the rest of it; credentials,
signatures, retries and errors stay botocore's.
"""

from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Mapping, MutableMapping, Sequence
from itertools import chain, compress
from operator import itemgetter
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import orjson

from windrow.arrays import Ints
from windrow.aws.kinesis_client import answered
from windrow.errors import InputError
from windrow.storage.kinesis.kpl import are_aggregated, user_records
from windrow.storage.stream import uncollected

#: Where the handler leaves the records.
_RECORDS = "Records"
_MS = 10**6
#: One answer is parsed at a time: the objects of JSON take several times the memory of the records.
_parsing = Lock()


class Records(NamedTuple):
    """Records in order: when each arrived (ns), and its data; and the sequence number of the last, None of none."""

    arrivals: Ints
    data: list[bytes]
    last: str | None

    def within(self, since: int, until: int) -> list[bytes]:
        """The data of those that arrived in [since, until)."""
        inside = (self.arrivals >= since) & (self.arrivals < until)
        return self.data if inside.all() else list(compress(self.data, inside.tolist()))


class Answer(NamedTuple):
    """What Kinesis answers.

    records: with those that a producer has put together taken apart. next: what names where it goes on, None at the end
    of the shard. behind: how far the shard's newest record is ahead (ns). size: bytes of the records.
    """

    records: Records
    next: str | None
    behind: int
    size: int


def parse_quickly(client: Any) -> None:
    """Makes a client of boto3's leave the records of an answer to `answer_of`."""
    client.meta.events.register("before-parse.kinesis.GetRecords", _take_records, unique_id="windrow-records")


def _take_records(response_dict: MutableMapping[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] != 200:
        return
    with _parsing, uncollected():
        told = answered(body, _RECORDS)
        raw = told.pop(_RECORDS)
        try:
            data = [*map(a2b_base64, map(itemgetter("Data"), raw))]
        except NotBase64 as error:
            customized_response_dict[_RECORDS] = error
        else:
            customized_response_dict[_RECORDS] = _records(raw, data, [*map(itemgetter(_ARRIVED), raw)])
        response_dict["body"] = orjson.dumps(told)


_ARRIVED = "ApproximateArrivalTimestamp"


def _records(raw: Sequence[Mapping[str, Any]], data: list[bytes], arrived: Sequence[float]) -> Records:
    """Records whose arrivals are in seconds."""
    arrivals = np.rint(np.array(arrived, np.float64) * 1000).astype(np.int64) * _MS
    return Records(arrivals, data, raw[-1]["SequenceNumber"] if raw else None)


def parsed(raw: Sequence[Mapping[str, Any]]) -> Records:
    """Records as botocore parses them."""
    return _records(raw, [one["Data"] for one in raw], [one[_ARRIVED].timestamp() for one in raw])


def answer_of(told: Mapping[str, Any], where: str) -> Answer:
    """The records of an answer. Raises InputError for data that is damaged."""
    found = told[_RECORDS]
    try:
        if isinstance(found, NotBase64):
            raise found
        records = found if isinstance(found, Records) else parsed(found)
        size = sum(map(len, records.data))
        return Answer(apart(records), told.get("NextShardIterator"), told.get("MillisBehindLatest", 0) * _MS, size)
    except ValueError as error:
        raise InputError(f"{where}: has a record that is damaged: {error}; read the stream again") from error


def apart(records: Records) -> Records:
    """The records with those that a producer has put together taken apart; each arrived when they did."""
    if not are_aggregated(records.data):
        return records
    of_each = [*map(user_records, records.data)]
    arrivals = np.repeat(records.arrivals, [*map(len, of_each)])
    return Records(arrivals, list(chain.from_iterable(of_each)), records.last)
