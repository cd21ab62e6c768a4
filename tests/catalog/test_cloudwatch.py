"""What CloudWatch knows of buckets: from moto, which meters its own, and from answers on the wire.

moto's bytes are those of Python's objects: only its numbers of files are looked at.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.catalog.wire import answers, denied
from windrow.catalog.locations import Folder, Size
from windrow.catalog.origins import Origin
from windrow.catalog.sizes.cloudwatch import Metered, metered, whole_buckets

ORIGIN = Origin("123456789012", "eu-west-1")
DAY = date(2026, 11, 29)


def metric(bucket, kind, name="BucketSizeBytes"):
    dimensions = [{"Name": "StorageType", "Value": kind}, {"Name": "BucketName", "Value": bucket}]
    return {"Namespace": "AWS/S3", "MetricName": name, "Dimensions": dimensions}


def known(values, size=100):
    """How CloudWatch answers that has these values, by bucket, class of storage and day; `size` queries a page."""
    at = {day: datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() for _, _, day in values}

    def data(asked, number):
        start = int(asked.get("NextToken") or 0)
        results = []
        for query in asked["MetricDataQueries"][start : start + size]:
            wanted = {each["Name"]: each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
            found = [
                (at[day], value)
                for (bucket, kind, day), value in values.items()
                if {"BucketName": bucket, "StorageType": kind} == wanted
            ]
            results.append(
                {"Id": query["Id"], "Timestamps": [one for one, _ in found], "Values": [v for _, v in found]}
            )
        more = {"NextToken": str(start + size)} if start + size < len(asked["MetricDataQueries"]) else {}
        return {"MetricDataResults": results, **more}

    def metrics(asked, number):
        kinds = sorted({(bucket, kind) for bucket, kind, _ in values if kind != "AllStorageTypes"})
        start = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(start + size)} if start + size < len(kinds) else {}
        return {"Metrics": [metric(*one) for one in kinds[start : start + size]], **more}

    return {"GetMetricData": data, "ListMetrics": metrics, "HeadBucket": lambda asked, number: b""}


@pytest.fixture
def credentials(nowhere, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexamplekey")


def test_buckets_of_moto_have_what_was_put_into_them(lake):
    lake.bucket("lake")
    lake.bucket("other")
    for number in range(7):
        lake.put(f"s3://lake/db/t{number % 2}/{number}", 10**number)
    lake.put("s3://other/a", 5)
    found = metered(ORIGIN, ["lake", "other", "third"])
    assert found.pop("third") == "no metric"
    assert {name: one.size.files for name, one in found.items()} == {"lake": 7, "other": 1}
    assert {one.day for one in found.values()} == {datetime.now(UTC).date()}


def test_only_whole_buckets_have_a_size(lake, capsys):
    lake.bucket("lake")
    lake.put("s3://lake/db/t/a", 5)
    told = dict(whole_buckets(ORIGIN, [Folder("lake", ""), Folder("lake", "db/"), Folder("gone", "")]))
    assert told.pop(Folder("lake", "")).files == 1
    assert told == {Folder("lake", "db/"): "not a whole bucket", Folder("gone", ""): "no metric"}
    day = datetime.now(UTC).date()
    assert f"sizes are what CloudWatch knew of whole buckets on {day}, old versions included" in capsys.readouterr().err


@pytest.mark.parametrize("size", [1, 2, 100])
def test_classes_of_storage_are_added_up(credentials, size):
    values = {
        ("lake", "StandardStorage", DAY): 10.0**12 + 1,
        ("lake", "StandardIAStorage", DAY): 200.0,
        ("lake", "GlacierStorage", DAY): 3000.0,
        ("lake", "AllStorageTypes", DAY): 123456789.0,
        ("other", "StandardStorage", DAY): 7.0,
        ("other", "AllStorageTypes", DAY): 1.0,
        ("unasked", "StandardStorage", DAY): 8.0,
    }
    with answers(known(values, size)):
        assert metered(ORIGIN, ["lake", "other"]) == {
            "lake": Metered(Size(10**12 + 3201, 123456789), DAY),
            "other": Metered(Size(7, 1), DAY),
        }


def test_the_newest_day_that_is_told_whole_counts(credentials):
    before = DAY - timedelta(days=1)
    values = {
        ("lake", "StandardStorage", before): 500.0,
        ("lake", "GlacierStorage", before): 40.0,  # of which nothing is left
        ("lake", "AllStorageTypes", before): 6.0,
        ("lake", "StandardStorage", DAY): 510.0,
        ("lake", "AllStorageTypes", DAY): 7.0,
        ("lake", "StandardStorage", DAY + timedelta(days=1)): 520.0,
        ("late", "StandardStorage", before): 1.0,
        ("late", "AllStorageTypes", before): 1.0,
        ("late", "AllStorageTypes", DAY): 2.0,
    }
    with answers(known(values)):
        assert metered(ORIGIN, ["lake", "late"]) == {
            "lake": Metered(Size(510, 7), DAY),
            "late": Metered(Size(1, 1), before),
        }


@pytest.mark.parametrize("state", ["InternalError", "Forbidden"])
@pytest.mark.parametrize("unknown", ["GlacierStorage", "AllStorageTypes"])
def test_a_bucket_of_which_one_metric_is_not_told_has_no_size(credentials, unknown, state):
    kinds = ("StandardStorage", "GlacierStorage", "AllStorageTypes")
    values = {(bucket, kind, DAY): 10.0 for bucket in ("lake", "other") for kind in kinds}
    told = known(values)["GetMetricData"]

    def refusing(asked, number):
        page = told(asked, number)
        for query, result in zip(asked["MetricDataQueries"], page["MetricDataResults"], strict=True):
            names = {each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"]}
            result["StatusCode"] = "Complete"
            if names == {"lake", unknown}:
                result.update(StatusCode=state, Timestamps=[], Values=[])
        return page

    with answers({**known(values), "GetMetricData": refusing}):
        found = metered(ORIGIN, ["lake", "other"])
    assert found == {"lake": f"failed ({state})", "other": Metered(Size(20, 10), DAY)}


def test_an_empty_bucket_has_no_bytes(credentials):
    with answers(known({("lake", "AllStorageTypes", DAY): 0.0})):
        assert metered(ORIGIN, ["lake"]) == {"lake": Metered(Size(0, 0), DAY)}


def test_a_thousand_buckets_are_asked_for_in_few_calls(credentials):
    values = {(f"b{n}", kind, DAY): float(n) for n in range(600) for kind in ("StandardStorage", "AllStorageTypes")}
    with answers(known(values, 500)) as calls:
        found = metered(ORIGIN, [f"b{n}" for n in range(600)])
    assert found == {f"b{n}": Metered(Size(n, n), DAY) for n in range(600)}
    assert len(calls.of("GetMetricData")) == 3


def test_metrics_are_in_the_regions_of_their_buckets(lake):
    lake.bucket("near")
    lake.bucket("far", region="us-west-2")
    lake.put("s3://far/a", 9)
    with answers({}) as calls:
        assert metered(ORIGIN, ["near", "far"])["far"].size.files == 1
    asked = {call.region for call in calls if call.operation == "GetMetricData"}
    assert asked == {"eu-west-1", "us-west-2"}


def test_a_refusal_is_the_reason(credentials):
    refusing = {**known({}), "ListMetrics": lambda asked, number: denied()}
    with answers(refusing):
        assert metered(ORIGIN, ["lake"]) == {"lake": "denied (AccessDeniedException)"}


def test_no_bucket_asks_for_nothing(credentials, capsys):
    with answers({}) as calls:
        assert dict(whole_buckets(ORIGIN, [Folder("lake", "db/")])) == {Folder("lake", "db/"): "not a whole bucket"}
    assert not calls
    assert not capsys.readouterr().err
