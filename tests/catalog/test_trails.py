"""Files of trails, here and on S3, and looked-up events: on the wire, with botocore's own pages and retries."""

import gzip
import json
import tracemalloc
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, OTHERS, REGION, Lake, role
from tests.catalog.trail import DAY, access, at, content, looked_up, name, record
from windrow.aws import pace
from windrow.catalog.origins import Origin
from windrow.catalog.usage.cloudtrail import KINDS
from windrow.catalog.usage.sifted import Sifted
from windrow.catalog.usage.trails import files, read_events, read_trail
from windrow.catalog.usage.uses import Uses
from windrow.errors import AccountError, InputError

NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)
HERE = Origin(ACCOUNT, REGION)


@pytest.fixture
def sifted():
    """What a source has told of the day."""
    with Uses() as uses:
        yield Sifted("cloudtrail", DAY, DAY, uses)


def read(place, sifted):
    read_trail(str(place), (), sifted, lambda text: None)
    return counted(sifted)


def counted(sifted):
    return {row["tablename"]: row["queries"] for row in sifted.uses.rows(DAY)}


def put(folder, key, body):
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def stored(tmp_path, place, by_name):
    """Files here, or objects on S3; where they are."""
    if place == "here":
        for key, body in by_name.items():
            put(tmp_path, key, body)
        return str(tmp_path)
    lake = Lake()
    lake.bucket("logs")
    for key, body in by_name.items():
        lake.put(f"s3://logs/{key}", body=body)
    return "s3://logs"


@pytest.fixture(params=["here", "s3"])
def trail(request, aws, tmp_path):
    """Stores files by their names, here or on S3."""
    return lambda by_name: stored(tmp_path, request.param, by_name)


def test_all_files_of_a_trail_that_may_have_records_of_the_day_are_read(trail, sifted):
    by_name = {
        name(): content([record(), record("GetPartitions", {"databaseName": "sales", "tableName": "items"})]),
        name(NEXT, "0004"): content([at(DAY, "23:59:59"), at(NEXT)]),
        name(account=OTHERS[0], organization="o-1/"): content([access()]),
        name(region="us-east-1"): content([record(awsRegion="us-east-1")]),
        name(BEFORE, "2359"): b"is not opened",
        name(NEXT + timedelta(days=1)): b"is not opened",
        name(DAY.replace(year=2025)): b"is not opened",
        name().replace("/CloudTrail/", "/CloudTrail-Digest/"): b"is not opened",
        name().replace("/CloudTrail/", "/CloudTrail-Insight/"): b"is not opened",
        "AWSLogs/readme.txt": b"is not opened",
    }
    read(trail(by_name), sifted)
    # GetTable and GetDataAccess of one user are one query; that of another region is another table's.
    assert {(row["region"], row["tablename"]): row["queries"] for row in sifted.uses.rows(DAY)} == {
        (REGION, "orders"): 2, (REGION, "items"): 1, ("us-east-1", "orders"): 1,
    }  # fmt: skip
    assert (sifted.records, sifted.counted, sifted.days) == (5, 5, {DAY})
    assert sifted.others == {NEXT: 1} and sifted.is_whole


def test_a_trail_may_be_named_at_any_depth_and_be_a_file_or_any_folder_of_files(trail, sifted):
    one = name()
    place = trail({f"prefix/{one}": content([record()]), "flat/a.json": json.dumps({"Records": []}).encode()})
    for depth in range(one.count("/") + 2):
        part = "/".join(f"prefix/{one}".split("/")[:depth])
        found = list(files(f"{place}/{part}".rstrip("/"), DAY, DAY))
        assert [uri.removeprefix(f"{place}/") for uri in found][-1] == f"prefix/{one}"
    assert len(list(files(f"{place}/flat/", DAY, DAY))) == 1


def test_an_event_counts_once_however_many_files_have_it(trail, sifted):
    one = record()
    assert read(trail({name(): content([one, one]), "copy.json.gz": content([one])}), sifted) == {"orders": 1}


def test_what_cannot_be_read_is_counted_with_an_example(trail, sifted):
    whole = content([record()] * 50)
    place = trail({
        "a.json.gz": whole[:-20],
        "b.json": b"[1]",
        "c.json": b"{\"Records\": 5}",
        "d.json.gz": content([{**record(eventID="e-1"), "eventTime": None}, record(), 7]),
        "e.json.gz": b"",
    })  # fmt: skip
    assert read(place, sifted) == {"orders": 1} and not sifted.is_whole
    assert sifted.damaged == {"files that cannot be read": 4, "damaged records": 2}
    assert sifted.examples["damaged records"].endswith(
        "d.json.gz: event e-1: eventTime is None, but a text in records of CloudTrail"
    )
    assert "a.json.gz: is truncated or damaged" in sifted.examples["files that cannot be read"]


def test_a_bomb_is_not_read(tmp_path, sifted, monkeypatch):
    monkeypatch.setattr("windrow.catalog.usage.trails._MOST", 1 << 20)
    put(tmp_path, "a.json.gz", gzip.compress(b" " * (2 << 20)))
    read(tmp_path, sifted)
    assert "is more than 1,048,576 bytes of text, and no log" in sifted.examples["files that cannot be read"]


def test_a_place_without_files_is_refused(trail, sifted):
    place = trail({"a.txt": b"", name(BEFORE): content([at(BEFORE)])})
    for one in (place, f"{place}/nothing", f"{place}/a.txt", f"{place}/nothing.json"):
        with pytest.raises(InputError) as raised:
            read(one, sifted)
        assert str(raised.value) == (
            f"--trail {one}: has no file of CloudTrail, that is no .json or .json.gz, delivered from {DAY} to {NEXT};"
            " name a file, or a folder such as s3://BUCKET/AWSLogs/"
        )


def test_a_bucket_that_may_not_be_listed_is_told(aws, sifted):
    with pytest.raises(InputError, match=r"s3://other/AWSLogs: there is no such bucket \(NoSuchBucket\)"):
        read("s3://other/AWSLogs", sifted)


@pytest.mark.processes
def test_memory_is_flat_over_many_files(tmp_path):
    def peak(count):
        folder = tmp_path / str(count)
        for number in range(count):
            other = [record("DescribeInstances", source="ec2.amazonaws.com") for _ in range(20)]
            put(folder, f"{number}.json.gz", content([*other, record()]))
        tracemalloc.start()
        with Uses() as uses:
            sifted = Sifted("cloudtrail", DAY, DAY, uses)
            read(folder, sifted)
            assert (sifted.records, sifted.counted) == (21 * count, count)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(600) < peak(60) + 300_000


# Looked-up events.


@pytest.fixture
def slept(monkeypatch):
    """The seconds between calls, which are not waited for."""
    seconds = []
    monkeypatch.setattr(pace, "Event", lambda: SimpleNamespace(wait=seconds.append))
    return seconds


def look_up(origins, sifted):
    read_events(origins, (), sifted, lambda text: None)
    return counted(sifted)


def test_events_are_looked_up_by_name_within_the_day_over_all_pages(aws, sifted, slept):
    records = [record() for _ in range(120)] + [access(), at(BEFORE), at(NEXT, "00:00:00"), at(DAY, "23:59:59")]
    with wire.answers({"LookupEvents": looked_up(records)}) as calls:
        assert look_up([HERE], sifted) == {"orders": 121}
    asked = Counter(one["LookupAttributes"][0]["AttributeValue"] for one in calls.of("LookupEvents"))
    assert asked == {**dict.fromkeys((name for _, name in KINDS), 1), "GetTable": 3}
    assert not sifted.others and sifted.records == 122


def test_calls_are_two_a_second_and_throttling_is_waited_out(aws, sifted, slept):
    answer, faults = looked_up([record()]), {2, 3}

    def busy(asked, number):
        if number in faults:
            return wire.refused("ThrottlingException", 400, "Rate exceeded")
        return answer(asked, number)

    with wire.answers({"LookupEvents": busy}) as calls:
        assert look_up([HERE], sifted) == {"orders": 1}
    count = len(calls.of("LookupEvents"))
    assert count == len({name for _, name in KINDS}) + 2 and len(calls.waits) == 2
    # Nobody waited, so that each call is planned half a second after the one before.
    assert slept[-1] == pytest.approx((count - 1) / 2, abs=0.4)


def test_each_region_and_account_is_asked_with_its_own_credentials(aws, sifted, slept):
    origins = [HERE, HERE._replace(region="us-east-1"), Origin(OTHERS[0], REGION, role(OTHERS[0]))]
    answer = looked_up([record()])
    with wire.answers({"LookupEvents": answer}) as calls:
        look_up(origins, sifted)
    assert {call.region for call in calls if call.operation == "LookupEvents"} == {REGION, "us-east-1"}
    assert len({call.key for call in calls if call.operation == "LookupEvents"}) == 2
    assert counted(sifted) == {"orders": 1}, "it is one event"


def test_a_region_that_refuses_is_told_and_all_that_refuse_end_the_run(aws, sifted, slept, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    there = HERE._replace(region="us-east-1")
    with wire.answers({"LookupEvents": lambda asked, number: wire.denied()}), pytest.raises(AccountError) as raised:
        look_up([HERE, there], sifted)
    assert str(raised.value) == (
        "cloudtrail: LookupEvents: access is denied (AccessDeniedException: User is not authorized to perform this);"
        " these credentials need cloudtrail:LookupEvents; docs/catalog.md lists all required permissions"
    )
    sifted.miss([(there, raised.value)], 2)
    assert sifted.unread == {(ACCOUNT, "us-east-1"): str(raised.value)} and not sifted.is_whole
    unsure = there._replace(is_sure=False)
    raised.value.code = "UnrecognizedClientException"
    sifted.unread.clear()
    sifted.miss([(unsure, raised.value)], 2)
    assert sifted.is_whole, "nobody asked for this region by its name"


def test_an_event_without_its_record_is_damaged(aws, sifted, slept):
    broken = {"Events": [{"EventId": "e-1", "CloudTrailEvent": "{"}, {"EventId": "e-2"}]}
    answers = {"LookupEvents": lambda asked, number: broken if number == 1 else {"Events": []}}
    with wire.answers(answers):
        look_up([HERE], sifted)
    assert sifted.damaged == {"damaged records": 2}
