"""What CloudWatch knows of buckets: bytes and objects of each as a whole, once a day.

It costs next to nothing, however many objects there are. It counts old versions and unfinished uploads too, which no
listing has, and knows nothing of folders, nor of another account's buckets.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from windrow.aws.parallel import in_parallel
from windrow.catalog.locations import Folder, Size
from windrow.catalog.origins import Origin
from windrow.catalog.reasons import Unmeasured
from windrow.catalog.sizes.listed import reason_of
from windrow.console import say

#: A bucket's metric: its bucket, its name, and the class of storage.
_Metric: TypeAlias = tuple[str, str, str]

#: The metrics, of one value a day, and the dimension that tells classes of storage apart.
_BYTES, _FILES, _CLASS = "BucketSizeBytes", "NumberOfObjects", "StorageType"
_ALL = "AllStorageTypes"
_NAMESPACE, _BUCKET = "AWS/S3", "BucketName"
_A_DAY = timedelta(days=1)
#: S3 tells a day's values up to two days later.
_LOOK_BACK = timedelta(days=5)
#: Metrics that a call may ask for.
_QUERIES = 500
#: States of a metric whose values are missing, in an answer that is no error.
_UNTOLD = {"InternalError", "Forbidden"}


class Metered(NamedTuple):
    """What a bucket held at the end of a day."""

    size: Size
    day: date


def whole_buckets(origin: Origin, folders: Collection[Folder]) -> Iterator[tuple[Folder, Size | str]]:
    """Sizes of folders that are whole buckets, one of the ways to find sizes; the day that they are of is told."""
    found = metered(origin, {folder.bucket for folder in folders if not folder.prefix})
    days = {one.day for one in found.values() if isinstance(one, Metered)}
    if days:
        say(f"sizes are what CloudWatch knew of whole buckets {_of(min(days), max(days))}, old versions included")
    for folder in folders:
        known = Unmeasured.NO_BUCKET_ITSELF if folder.prefix else found[folder.bucket]
        yield folder, known.size if isinstance(known, Metered) else str(known)


def _of(first: date, last: date) -> str:
    """A span of days in words.

    >>> _of(date(2026, 11, 29), date(2026, 11, 29)), _of(date(2026, 11, 28), date(2026, 11, 29))
    ('on 2026-11-29', 'from 2026-11-28 to 2026-11-29')
    """
    return f"on {last}" if first == last else f"from {first} to {last}"


def metered(origin: Origin, buckets: Collection[str]) -> dict[str, Metered | str]:
    """What each bucket held when it was last metered, or why that is not known."""
    from botocore.exceptions import BotoCoreError, ClientError

    found: dict[str, Metered | str] = dict.fromkeys(buckets, str(Unmeasured.NO_METRIC))
    for region, names in _by_region(origin, sorted(buckets)).items():
        try:
            found |= _metered(origin._replace(region=region).new_client("cloudwatch"), names)
        except (BotoCoreError, ClientError) as error:
            found |= dict.fromkeys(names, reason_of(error))
    return found


def _by_region(origin: Origin, buckets: Sequence[str]) -> Mapping[str, list[str]]:
    """The buckets by their regions, where their metrics are."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    region_of = partial(_region_of, origin.new_client("s3") if buckets else None, origin.region)
    for bucket, region in zip(buckets, in_parallel(region_of, buckets), strict=True):
        found[region].append(bucket)
    return found


def _region_of(client: Any, usual: str, bucket: str) -> str:
    """The region of a bucket, which S3 tells even to those whom it denies the bucket; else the usual one."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return usual
    return str(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", usual))


def _metered(client: Any, buckets: Collection[str]) -> dict[str, Metered | str]:
    """What CloudWatch knows of a region's buckets: those that it knows. A text is why it does not tell."""
    metrics = [*((bucket, _FILES, _ALL) for bucket in buckets), *_classes(client, set(buckets))]
    values: defaultdict[str, defaultdict[date, dict[tuple[str, str], float]]] = defaultdict(lambda: defaultdict(dict))
    found: dict[str, Metered | str] = {}
    for (bucket, name, kind), told in _values(client, metrics):
        if isinstance(told, str):
            found[bucket] = Unmeasured.FAILED.with_code(told)
        else:
            at, value = told
            values[bucket][at.astimezone(UTC).date()][name, kind] = value
    for bucket in values.keys() - found.keys():
        for day, sizes in sorted(values[bucket].items(), reverse=True):
            files = sizes.pop((_FILES, _ALL), None)
            if files is not None and (sizes or not files):  # not a day of which S3 has told but a part
                found[bucket] = Metered(Size(int(sum(sizes.values())), int(files)), day)
                break
    return found


def _classes(client: Any, buckets: Collection[str]) -> Iterator[_Metric]:
    """The metrics of bytes in each class of storage that these buckets have had."""
    pages = client.get_paginator("list_metrics").paginate(Namespace=_NAMESPACE, MetricName=_BYTES)
    for page in pages:
        for one in page["Metrics"]:
            told = {each["Name"]: each["Value"] for each in one["Dimensions"]}
            if told.get(_BUCKET) in buckets and _CLASS in told:
                yield told[_BUCKET], _BYTES, told[_CLASS]


def _values(client: Any, metrics: Sequence[_Metric]) -> Iterator[tuple[_Metric, tuple[datetime, float] | str]]:
    """The last days' values of metrics; a text is the state of one that CloudWatch does not tell."""
    end = datetime.combine(datetime.now(UTC).date() + _A_DAY, time(), UTC)  # a period begins at midnight
    for start in range(0, len(metrics), _QUERIES):
        part = metrics[start : start + _QUERIES]
        queries = [{"Id": f"m{number}", "MetricStat": _statistic(*one)} for number, one in enumerate(part)]
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=end - _LOOK_BACK, EndTime=end
        )
        for page in pages:
            for told in page["MetricDataResults"]:
                if told.get("StatusCode") in _UNTOLD:
                    yield part[int(told["Id"][1:])], told["StatusCode"]
                for value in zip(told["Timestamps"], told["Values"], strict=True):
                    yield part[int(told["Id"][1:])], value


def _statistic(bucket: str, name: str, kind: str) -> Mapping[str, Any]:
    dimensions = [{"Name": _CLASS, "Value": kind}, {"Name": _BUCKET, "Value": bucket}]
    return {
        "Metric": {"Namespace": _NAMESPACE, "MetricName": name, "Dimensions": dimensions},
        "Period": int(_A_DAY.total_seconds()),
        "Stat": "Average",
    }
