"""A stream of Kinesis that is followed goes on after what was read, also once the shards before that are gone."""

import time
from itertools import islice

import pytest

from tests.streams.faults import answered, canned_answer
from tests.streams.test_jobs import bar
from windrow.errors import InputError
from windrow.storage.kinesis import SOURCE
from windrow.storage.manner import Manner

GONE = "shardId-000000000099"
DAYS = 86_400 * 10**9


@pytest.fixture
def orphaned(kinesis):
    """A stream whose shards came from one that is past retention, as after a split a year ago."""
    kinesis.put([(f"S{number}", bar(f"S{number}", "2023-01-03", 1.5)) for number in range(20)])
    shards = [{**shard, "ParentShardId": GONE} for shard in kinesis.shards()]

    def answer(operation, request):
        return canned_answer(request, {"Shards": shards}) if operation == "ListShards" else None

    with answered(answer):
        yield kinesis


def pages(stream, places, over, read_until=None):
    found = SOURCE.follow(stream.uri, places, over, Manner(share=1.0), read_until)
    return list(islice(found, len(stream.shards())))


def test_shards_that_are_gone_were_read_before(orphaned):
    with pytest.raises(InputError, match=f"shards that others came from are past retention, .* gone: {GONE};"):
        pages(orphaned, {}, [])
    assert sum(len(page.records) for page in pages(orphaned, {}, [GONE], time.time_ns())) == 20
    first = orphaned.shards()[0]["ShardId"]
    last = orphaned.records(first)[-1]["SequenceNumber"]
    rest = pages(orphaned, {first: last}, [], time.time_ns())
    assert sum(len(page.records) for page in rest) == 20 - len(orphaned.records(first))


def test_what_was_lost_since_the_last_reading_is_a_gap(kinesis, capsys):
    kinesis.put([("S", bar("S", "2023-01-03", 1.5))])
    long_ago = time.time_ns() - 400 * DAYS
    with pytest.raises(
        InputError, match=r"was read last at .* 8,760 hours, and gone; begin again, or accept the gap with"
    ):
        pages(kinesis, {}, [GONE], long_ago)
    accepted = SOURCE.follow(kinesis.uri, {}, [GONE], Manner(gaps="warn", share=1.0), long_ago)
    assert sum(len(page.records) for page in islice(accepted, 4)) == 1
    assert "warning: kinesis://" in capsys.readouterr().err
    assert pages(kinesis, {}, [GONE], time.time_ns() - 300 * DAYS)
