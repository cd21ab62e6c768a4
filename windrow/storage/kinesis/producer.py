"""Makes streams of Kinesis, and puts records into them, each key's in order.

Kinesis takes some records of a call and refuses others, so of two records of one key in a call the second may be taken
alone, and nothing takes it back. So a call has one record of a key at most, and what is refused goes again before the
next of its key.
"""

import random
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from windrow.aws.kinesis_client import BUSY, client, code_of, refusing
from windrow.errors import InputError, UsageError
from windrow.storage.kinesis.uris import parse
from windrow.storage.stream import Making, Record

#: What a call takes.
MOST_RECORDS, MOST_BYTES = 500, 5_000_000
_LONGEST_KEY, _LARGEST_RECORD = 256, 1 << 20
#: Hours that records are kept.
_SHORTEST, _LONGEST = 24, 8760
#: Seconds: between tries, at first and at most; without a record taken until it is given up; until a change is made.
_SHORTEST_WAIT, _LONGEST_WAIT, _GIVEN_UP, _CHANGED = 0.1, 5.0, 300.0, 600.0


def identity(uri: str) -> str | None:
    """A stream's ARN, and when it was made; None where there is none."""
    summary = _summary(uri)
    return None if summary is None else f"{summary['StreamARN']} {summary['StreamCreationTimestamp'].timestamp()}"


def _summary(uri: str) -> dict[str, Any] | None:
    kinesis = client(uri)
    with refusing(uri):
        try:
            told = kinesis.describe_stream_summary(StreamName=parse(uri).stream)
        except kinesis.exceptions.ResourceNotFoundException:
            return None
    found: dict[str, Any] = told["StreamDescriptionSummary"]
    return found


def make(uri: str, making: Making) -> None:
    """Makes a stream with its retention and encryption, or does what is left of that, and waits for it."""
    kinesis, name = client(uri), parse(uri).stream
    if not _SHORTEST <= making.hours <= _LONGEST:
        raise UsageError(
            f"--retention {making.hours}: Kinesis keeps records for {_SHORTEST} to {_LONGEST:,} hours; give one of"
            " these"
        )
    if _summary(uri) is None:
        _create(kinesis, uri, name, making.shards)
    summary = _active(uri)
    with refusing(uri):
        if making.hours > summary["RetentionPeriodHours"]:
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=making.hours)
            summary = _active(uri)
        if making.key is not None and summary.get("EncryptionType") != "KMS":
            kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=making.key)
            _active(uri)


def _create(kinesis: Any, uri: str, name: str, shards: int | None) -> None:
    how: dict[str, Any] = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    if shards is not None:
        how = {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": shards}
    with refusing(uri):
        try:
            kinesis.create_stream(StreamName=name, **how)
        except kinesis.exceptions.LimitExceededException as error:
            raise InputError(
                f"{uri}: cannot be made: {error.response['Error']['Message']}; give fewer --shards, remove streams that"
                " are not needed, or ask AWS to raise the quota"
            ) from error


def _active(uri: str) -> dict[str, Any]:
    """The summary of a stream once no change of it is being made."""
    end, wait = time.monotonic() + _CHANGED, 0.02
    while True:
        summary = _summary(uri)
        if summary is not None and summary["StreamStatus"] == "ACTIVE":
            return summary
        if time.monotonic() > end:
            status = "not there" if summary is None else str(summary["StreamStatus"])
            raise InputError(
                f"{uri}: is still {status} after {_CHANGED:.0f} s, and records can be put into it once it is ACTIVE;"
                " run the same command again later, which goes on"
            )
        time.sleep(wait)
        wait = min(1.0, wait * 2)


def put(uri: str, records: Iterable[Record]) -> Iterator[int]:
    """Puts records into a stream: see `StreamSource.put`."""
    kinesis, name = client(uri), parse(uri).stream
    todo = _Todo(uri, records)
    tries = _Tries(uri)
    while call := todo.call():
        taken, code = _put(kinesis, uri, name, [record for _, record in call])
        yield todo.took([number for (number, _), was in zip(call, taken, strict=True) if was])
        tries.took(any(taken), code)


class _Todo:
    """The records that are to be put, by number: those refused first, then those that follow."""

    def __init__(self, uri: str, records: Iterable[Record]) -> None:
        self._rest = enumerate(_checked(uri, one) for one in records)
        self._refused: dict[int, Record] = {}
        self._ended = False
        self._seen = 0

    def call(self) -> list[tuple[int, Record]]:
        """The records of the next call, none of one key; empty once all are in the stream."""
        found: dict[str, tuple[int, Record]] = {}
        size = 0
        for number, record in chain(sorted(self._refused.items()), self._rest):
            room = len(found) < MOST_RECORDS and size + _size(record) <= MOST_BYTES
            self._seen = max(self._seen, number + 1)
            self._refused[number] = record
            if record.key in found or not room:
                break
            found[record.key] = (number, record)
            size += _size(record)
        return list(found.values())

    def took(self, numbers: list[int]) -> int:
        """Notes which are in the stream, and returns how many from the start are."""
        for number in numbers:
            del self._refused[number]
        return min(self._refused, default=self._seen)


def check_key(uri: str, key: str) -> None:
    """Raises InputError for a key that Kinesis never takes."""
    if not 0 < len(key) <= _LONGEST_KEY:
        raise InputError(
            f"{uri}: symbol {key[:40]!r}... has {len(key):,} characters, and a record's key, which is its symbol, has 1"
            f" to {_LONGEST_KEY}; leave it out, with --symbols, or rename it"
        )


def _checked(uri: str, record: Record) -> Record:
    """The record. Raises InputError for one that Kinesis never takes."""
    if _size(record) > _LARGEST_RECORD:
        raise InputError(
            f"{uri}: a record of {record.key} has {_size(record):,} bytes, and Kinesis takes {_LARGEST_RECORD:,};"
            " choose fewer columns with --column"
        )
    return record


def _size(record: Record) -> int:
    return len(record.key.encode()) + len(record.data)


def _put(kinesis: Any, uri: str, name: str, records: list[Record]) -> tuple[list[bool], str]:
    """Which of these records Kinesis took, and a code by which it refused others."""
    sent = [{"PartitionKey": one.key, "Data": one.data} for one in records]
    with refusing(uri):
        try:
            told = kinesis.put_records(StreamName=name, Records=sent)["Records"]
        except kinesis.exceptions.ClientError as error:
            if code_of(error) not in BUSY:
                raise
            return [False] * len(records), code_of(error)
    codes = [one.get("ErrorCode") for one in told]
    return [code is None for code in codes], next((code for code in codes if code), "")


class _Tries:
    """Waits where Kinesis refuses, longer each time and by chance; gives up where it takes nothing for long."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._wait = _SHORTEST_WAIT
        self._took = time.monotonic()

    def took(self, some: bool, code: str) -> None:
        """After a call, of which some records were taken, and others refused with a code, if there is one."""
        if some:
            self._took, self._wait = time.monotonic(), _SHORTEST_WAIT
        if not code:
            return
        if time.monotonic() - self._took > _GIVEN_UP:
            raise InputError(
                f"{self._uri}: Kinesis is too busy ({code}), and has taken no record for {_GIVEN_UP:.0f} s; a shard"
                " takes 1,000 records and 1 MB a second of all who write to it; run the same command again later,"
                " which goes on"
            )
        time.sleep(self._wait * random.random())  # noqa: S311  no secret
        self._wait = min(_LONGEST_WAIT, self._wait * 2)
