"""Sizes of folders from inventories that S3 would write, put into moto's server."""

import gzip
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote_plus

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from tests.catalog.wire import answers, denied
from windrow.catalog.locations import Folder, Size
from windrow.catalog.sizes.inventory import inventory
from windrow.errors import InputError

FORMATS = ("CSV", "ORC", "Parquet")
NAMES = ("Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "StorageClass")
NOW = datetime.now(UTC)
PLACE = "s3://home/inventories/"
SNAKE = {"VersionId": "version_id", "IsLatest": "is_latest", "IsDeleteMarker": "is_delete_marker",
         "LastModifiedDate": "last_modified_date", "StorageClass": "storage_class"}  # fmt: skip
TYPES = {"IsLatest": pa.bool_(), "IsDeleteMarker": pa.bool_(), "Size": pa.int64(),
         "LastModifiedDate": pa.timestamp("ms", "UTC")}  # fmt: skip
#: Objects of a lake: key, size, and whether it is the latest version, and a delete marker.
ROWS = [
    ("sales/orders/day=1/a.parquet", 5, True, False),
    ("sales/orders/day=1/a.parquet", 70, False, False),
    ("sales/orders/day=2/b c+%2F&<é\U0001f4a9>.parquet", 800, True, False),
    ("sales/orders/day=2/gone.parquet", None, True, True),
    ("sales/orders/day=2/gone.parquet", 9000, False, False),
    ("sales/orders/", 0, True, False),
    ("sales/orders_other/c.parquet", 10_000, True, False),
    ("sales/orders 2/%20+/d.parquet", 200_000, True, False),
    ("top", 3_000_000, True, False),
]
PREFIXES = ("", "sales/", "sales/orders/", "sales/orders/day=2/", "sales/orders 2/", "sales/orders 2/%20+/")


def listed(prefix, rows=ROWS):
    """What a listing of a folder finds."""
    sizes = [size for key, size, latest, marker in rows if key.startswith(prefix) and latest and not marker]
    return Size(sum(sizes), len(sizes))


@pytest.fixture
def s3(lake):
    """A lake, and where its inventories are written; their bucket puts a bucket's inventory there."""
    lake.bucket("lake")
    lake.bucket("home")
    return lake


@pytest.fixture
def origin(s3):
    return SimpleNamespace(new_client=boto3.client)


def table(rows, names, bucket):
    known = {"Bucket": bucket, "VersionId": "v1", "LastModifiedDate": NOW, "StorageClass": "STANDARD"}
    told = [dict(zip(("Key", "Size", "IsLatest", "IsDeleteMarker"), row, strict=True)) | known for row in rows]
    return {name: [row[name] for row in told] for name in names}


def written(columns, how, safe):
    """A data file, its extension, and the schema in the manifest."""
    if how == "CSV":
        lines = zip(*columns.values(), strict=True)
        fields = ([_text(value, name, safe) for name, value in zip(columns, line, strict=True)] for line in lines)
        text = "".join('"' + '","'.join(line) + '"\n' for line in fields)
        return gzip.compress(text.encode()), "csv.gz", ", ".join(columns)
    made = pa.table(
        {
            SNAKE.get(name, name.lower()): pa.array(values, TYPES.get(name, pa.string()))
            for name, values in columns.items()
        }
    )
    buffer = io.BytesIO()
    if how == "ORC":
        orc.write_table(made, buffer)
        return buffer.getvalue(), "orc", f"struct<{','.join(f'{name}:string' for name in made.schema.names)}>"
    pq.write_table(made, buffer)
    schema = " ".join(f"optional binary {name} (UTF8);" for name in made.schema.names)
    return buffer.getvalue(), "parquet", f"message s3.inventory {{ {schema} }}"


def _text(value, name, safe):
    if name == "Key":
        return quote_plus(value, safe=safe)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def put(s3, how="CSV", rows=ROWS, names=NAMES, bucket="lake", at=NOW, identity="all", parts=2, safe="/", **wrong):
    """An inventory of a bucket, in some files; `wrong` replaces what its manifest says. The manifest's URI."""
    files = []
    for part in range(parts):
        content, kind, schema = written(table(rows[part::parts], names, bucket), how, safe)
        key = f"inventories/{bucket}/{identity}/data/{at:%Y%m%d%H%M}-{part}.{kind}"
        s3.put(f"s3://home/{key}", body=content)
        files.append({"key": key, "size": len(content), "MD5checksum": hashlib.md5(content).hexdigest()})
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::home",
        "version": "2016-11-30",
        "creationTimestamp": str(int(at.timestamp() * 1000)),
        "fileFormat": how,
        "fileSchema": schema,
        "files": files,
    }
    content = json.dumps(manifest | wrong).encode()
    uri = f"{PLACE}{bucket}/{identity}/{at:%Y-%m-%dT%H-%MZ}/manifest.json"
    s3.put(uri, body=content)
    s3.put(uri.replace(".json", ".checksum"), body=hashlib.md5(content).hexdigest().encode())
    s3.put(f"{PLACE}{bucket}/{identity}/hive/dt={at:%Y-%m-%d-%H-%M}/symlink.txt", 10)
    return uri


def configure(identity="all", bucket="lake", prefix=None):
    """The configuration that an inventory is made by."""
    told = {
        "Id": identity, "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::home", "Format": "CSV"}},
        **({"Filter": {"Prefix": prefix}} if prefix else {}),
    }  # fmt: skip
    boto3.client("s3").put_bucket_inventory_configuration(Bucket=bucket, Id=identity, InventoryConfiguration=told)


def found(origin, *prefixes, place=PLACE, bucket="lake"):
    told = list(inventory(place)(origin, [Folder(bucket, prefix) for prefix in prefixes]))
    assert len(told) == len(set(prefixes))
    return {folder.prefix: size for folder, size in told}


@pytest.mark.parametrize("how", FORMATS)
def test_an_inventory_has_what_a_listing_finds(origin, s3, how):
    put(s3, how)
    assert found(origin, *PREFIXES) == {prefix: listed(prefix) for prefix in PREFIXES}


@pytest.mark.parametrize("how", FORMATS)
def test_without_versions_all_rows_are_objects(origin, s3, how):
    rows = [row for row in ROWS if row[2] and not row[3]]
    put(s3, how, rows, names=("Bucket", "Key", "Size"), parts=1)
    assert found(origin, *PREFIXES) == {prefix: listed(prefix) for prefix in PREFIXES}


def test_keys_in_csv_may_have_their_slashes_encoded_too(origin, s3):
    put(s3, safe="")
    assert found(origin, *PREFIXES) == {prefix: listed(prefix) for prefix in PREFIXES}


def test_the_newest_that_is_complete_counts(origin, s3):
    put(s3, at=NOW - timedelta(days=1))
    put(s3, rows=[("sales/orders/x", 1, True, False)], at=NOW - timedelta(days=2))
    s3.put(f"{PLACE}lake/all/{NOW:%Y-%m-%dT%H-%MZ}/manifest.json", body=b"{}")
    assert found(origin, "sales/orders/") == {"sales/orders/": listed("sales/orders/")}


@pytest.mark.parametrize("deep", range(5))
def test_the_place_is_a_manifest_or_a_folder_above_it(origin, s3, deep):
    place = put(s3)
    for _ in range(deep):
        place = place.rstrip("/").rpartition("/")[0] + "/" * (deep % 2)
    assert found(origin, "sales/", place=place) == {"sales/": listed("sales/")}


def test_inventories_of_several_buckets(origin, s3):
    s3.bucket("other")
    put(s3)
    put(s3, "ORC", [("a/b", 7, True, False)], bucket="other")
    configure(bucket="other")
    asked = [Folder("lake", "sales/"), Folder("other", "a/"), Folder("third", "a/")]
    assert dict(inventory(PLACE)(origin, asked)) == {
        asked[0]: listed("sales/"),
        asked[1]: Size(7, 1),
        asked[2]: "not in the inventory",
    }


def test_a_folder_without_objects_is_empty_only_if_the_inventory_would_have_them(origin, s3):
    put(s3)
    assert found(origin, "hr/") == {"hr/": "not in the inventory"}
    configure()
    assert found(origin, "hr/") == {"hr/": Size(0, 0)}


def test_an_inventory_of_a_prefix_has_no_size_of_other_folders(origin, s3):
    inside = [row for row in ROWS if row[0].startswith("sales/orders")]
    put(s3, rows=inside)
    configure(prefix="sales/orders")
    assert found(origin, "", "sales/", "sales/orders/", "sales/orders 2/", "hr/") == {
        "": "not in the inventory",
        "sales/": "not in the inventory",
        "sales/orders/": listed("sales/orders/"),
        "sales/orders 2/": listed("sales/orders 2/"),
        "hr/": "not in the inventory",
    }


@pytest.mark.parametrize("how", FORMATS)
def test_an_inventory_of_who_knows_what_has_no_size_of_a_folder_of_which_it_may_have_a_part(origin, s3, how, capsys):
    """Its keys all begin with sales/orders 2/%20+/: so may what it is of, and then it lacks the rest of sales/."""
    rows = [(f"sales/orders 2/%20+/é{name}", 5, True, False) for name in ("a", "b", "é")]
    put(s3, how, rows=rows)
    folders = ("", "sales/", "sales/orders 2/", "sales/orders 2/%20+/", "hr/")
    assert found(origin, *folders) == dict.fromkeys(folders, "not in the inventory")
    assert (
        "manifest.json: all of its keys begin with sales/orders 2/%20+/é: whether it has all that lake holds is not"
        " known; let these credentials s3:GetInventoryConfiguration, which tells" in capsys.readouterr().err
    )
    put(s3, how, rows=[*rows, ("sales/orders 2/%20+/x", 7, True, False)])
    known = {"sales/orders 2/%20+/": Size(22, 4)}
    assert found(origin, *known) == known and "warning" not in capsys.readouterr().err
    assert found(origin, *folders) == dict.fromkeys(folders, "not in the inventory") | known
    configure()
    assert found(origin, *folders) == dict.fromkeys(folders, Size(22, 4)) | {"hr/": Size(0, 0)}


def test_the_newest_inventory_that_has_all_of_a_folder_counts(origin, s3):
    put(s3, at=NOW - timedelta(days=100), identity="whole")
    configure("whole")
    put(s3, rows=[("sales/orders/new", 1, True, False)], identity="orders")
    configure("orders", prefix="sales/orders/")
    assert found(origin, "sales/orders/", "sales/") == {"sales/orders/": Size(1, 1), "sales/": listed("sales/")}


def test_each_folder_is_of_an_inventory_that_has_all_of_it(origin, s3):
    put(s3, rows=[("sales/orders/new", 1, True, False)], identity="orders")
    configure("orders", prefix="sales/orders/")
    put(s3, rows=[("hr/new", 2, True, False)], identity="staff")
    configure("staff", prefix="hr/")
    assert found(origin, "sales/orders/", "hr/", "sales/") == {
        "sales/orders/": Size(1, 1),
        "hr/": Size(2, 1),
        "sales/": "not in the inventory",
    }
    put(s3, at=NOW - timedelta(days=2), identity="whole")
    configure("whole")
    assert found(origin, "sales/") == {"sales/": listed("sales/")}


@pytest.mark.parametrize("days, text", [(1, "24 h old"), (3, "3 days old"), (9, "9 days old: S3 makes one a day")])
def test_its_age_is_told(origin, s3, capsys, days, text):
    put(s3, at=NOW - timedelta(days=days))
    found(origin, "sales/")
    told = capsys.readouterr().err
    assert f"lake: sizes are of its inventory of {NOW - timedelta(days=days):%Y-%m-%d %H:%M} UTC, {text}" in told
    assert told.startswith("warning: ") == (days > 8)


#: What is wrong with an inventory, by what is done to it, the sentence about it, and the reason.
UNUSABLE = {
    "a manifest that was changed": (
        lambda s3: s3.put(put(s3), body=b"{}"),
        "its MD5 is 99914b932bd37a50b983c5e7c90ae93b, and manifest.checksum beside it has another; it has been changed",
        "not in the inventory",
    ),
    "no manifest": (
        lambda s3: put(s3, files=None),
        "is no manifest of S3 Inventory (TypeError: 'NoneType' object is not iterable)",
        "not in the inventory",
    ),
    "a time that is none": (
        lambda s3: put(s3, creationTimestamp="1e99"),
        "is no manifest of S3 Inventory (ValueError: ",
        "not in the inventory",
    ),
    "another format": (
        lambda s3: put(s3, fileFormat="Avro"),
        "its fileFormat is Avro; it must be one of CSV, ORC, Parquet",
        "not in the inventory",
    ),
    "a file that was changed": (
        lambda s3: s3.put(f"{put(s3, files=[{'key': 'gone', 'MD5checksum': '0'}]) and 's3://home/gone'}", 5),
        "s3://home/gone: its MD5 is fb0e22c79ac75679e9881e6ba183b354, and s3://home/inventories/lake/all/",
        "failed (UnusableInventory)",
    ),
    "no such file": (
        lambda s3: put(s3, files=[{"key": "gone", "MD5checksum": "0"}]),
        "failed (404): what lake holds is not known",
        "failed (404)",
    ),
    "no sizes": (
        lambda s3: put(s3, names=("Bucket", "Key")),
        "-0.csv.gz: has no size; add the field to the inventory's configuration; what lake holds is not known",
        "failed (UnusableInventory)",
    ),
    "an object without a size": (
        lambda s3: put(s3, rows=[("sales/a", None, True, False)], parts=1),
        "-0.csv.gz: has an object without key or size; use another day's; what lake holds is not known",
        "failed (UnusableInventory)",
    ),
    "a size that is no number": (
        lambda s3: put(s3, rows=[("sales/a", "five", True, False)], parts=1),
        "-0.csv.gz: is no CSV of an inventory (",
        "failed (UnusableInventory)",
    ),
    "another format than its manifest's": (
        lambda s3: put(s3, fileFormat="Parquet"),
        "-0.csv.gz: is no Parquet of an inventory (",
        "failed (UnusableInventory)",
    ),
}


@pytest.mark.parametrize("spoil, sentence, reason", UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_counted_is_a_reason_and_told(origin, s3, capsys, spoil, sentence, reason):
    spoil(s3)
    s3.bucket("other")
    put(s3, rows=[("a/b", 7, True, False)], bucket="other")
    configure(bucket="other")
    told = dict(inventory(PLACE)(origin, [Folder("lake", "sales/"), Folder("other", "a/")]))
    assert told == {Folder("lake", "sales/"): reason, Folder("other", "a/"): Size(7, 1)}
    said = capsys.readouterr().err
    assert sentence in said
    assert "warning: " in said


def test_a_place_that_is_denied_is_a_reason(origin, s3, capsys):
    put(s3)
    with answers({"ListObjectsV2": lambda asked, number: denied("AccessDenied")}):
        assert found(origin, "sales/") == {"sales/": "denied (AccessDenied)"}
    assert (
        "warning: --inventory s3://home/inventories/: denied (AccessDenied): no table has a size"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("place", ["s3://home/", "s3://home/inventories/lake", "s3://home/none/"])
def test_a_place_without_inventories_is_refused(origin, s3, place):
    s3.put("s3://home/inventories/lake/all/hive/dt=2026-11-30-01-00/symlink.txt", 5)
    with pytest.raises(InputError, match=f"--inventory {place}: has no inventory: a folder .*name the place"):
        found(origin, "sales/", place=place)


def test_a_place_that_is_not_on_s3_is_refused(origin):
    with pytest.raises(InputError, match="--inventory inventories: is no place on S3; name it as s3://BUCKET/FOLDER/"):
        found(origin, "sales/", place="inventories")


def test_a_place_far_above_inventories_is_refused(origin, s3, monkeypatch):
    monkeypatch.setattr("windrow.catalog.sizes.manifests._WIDTH", 3)
    for number in range(4):
        s3.put(f"s3://home/{number}/a")
    with pytest.raises(InputError, match="--inventory s3://home: has 4 folders in which an inventory might be; name"):
        found(origin, "sales/", place="s3://home")
