"""The cures that errors about streams name lead to right results; see tests/test_cures.py."""

import json
from datetime import UTC, datetime

import pytest

from tests.streams.faults import answered, canned_answer
from tests.streams.test_jobs import bar

MEAN = ["-q", "--window", "1"]
RIGHT = b"AA\t2023-01-03\t1.5\n"


@pytest.fixture
def old(kinesis):
    """A stream of a bar, created in 2020, of which a day is kept."""
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5))])
    summary = {**kinesis.summary(), "StreamCreationTimestamp": datetime(2020, 1, 1, tzinfo=UTC).timestamp()}
    summary |= {"RetentionPeriodHours": 24}

    def answer(operation, request):
        if operation == "DescribeStreamSummary":
            return canned_answer(request, {"StreamDescriptionSummary": summary})
        return None

    with answered(answer):
        yield f"{kinesis.uri}?from=2021-01-01"


def test_a_gap_is_accepted_or_left_out(old, kinesis, run_job):
    """storage/stream.py:judge_gaps"""
    refused = run_job(*MEAN, old)
    assert refused.status == 1 and not refused.out
    assert "is past the retention of 24 hours, and gone, but is asked for from 2021-01-01 00:00:00Z on" in refused.err
    assert refused.err.endswith("; ask for later records with ?from=TIME, or accept the gap with --gaps warn\n")
    accepted = run_job(*MEAN, "--gaps", "warn", old)
    assert (accepted.status, accepted.out) == (0, RIGHT) and "warning: kinesis://" in accepted.err
    today = f"{kinesis.uri}?from={datetime.now(UTC):%Y-%m-%d}"
    assert run_job(*MEAN, today).out == RIGHT


def test_shards_have_no_file_name(kinesis, run_job):
    """feeds/spool.py:_refuse_symbols_of_files"""
    kinesis.put([("AA", json.dumps({"date": "2023-01-03", "close": 1.5}).encode())])
    for option in (["--symbol-from-filename"], ["--symbol-from-path", "(.+)"]):
        refused = run_job(*MEAN, *option, kinesis.uri)
        assert (refused.status, refused.out) == (2, b"") and refused.err.endswith("; use --symbol NAME\n")
    assert run_job(*MEAN, "--symbol", "AA", kinesis.uri).out == RIGHT


def test_a_consumer_that_is_not_registered_is_left_out(kinesis, run_job):
    """storage/kinesis/fanout.py:consumer_arn"""
    kinesis.put([("AA", bar("AA", "2023-01-03", 1.5))])
    refused = run_job(*MEAN, "--consumer", "me", kinesis.uri)
    assert (refused.status, refused.out) == (1, b"")
    assert refused.err.startswith(f"error: {kinesis.uri}: has no registered consumer me; register it")
    assert run_job(*MEAN, kinesis.uri).out == RIGHT
