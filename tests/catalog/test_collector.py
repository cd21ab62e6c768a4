"""A collection has a row for everything that is there, as it was put in, and a reason for everything it cannot have."""

from datetime import UTC, datetime, timedelta

import pytest
from moto.glue.models import glue_backends

from tests.catalog import wire
from tests.catalog.lake import ACCOUNT, COLUMNS, FORMATS, HOSTILE, OTHERS, REGION, fill, role
from windrow.catalog.collection.collected import Collected
from windrow.catalog.collection.collector import Asked, collect
from windrow.catalog.columns import DATABASES, TABLES, as_columns
from windrow.catalog.locations import Folder
from windrow.catalog.metastore.described import Run
from windrow.catalog.origins import origins
from windrow.catalog.sizes.listed import listing
from windrow.errors import AccountError, InputError

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = Run("run-1", NOW)
FOREIGN = {"CatalogId": "999988887777", "DatabaseName": "sales", "Name": "orders"}


def collected(found=None, sizes=True, **asked):
    """What a collection of these origins finds."""
    return collect(Asked(found or origins(), listing(5000) if sizes else None, **asked), RUN)


def rows_of(found):
    """The rows of tables, by symbol."""
    rows = {row["symbol"]: row for row in found.tables}
    assert len(rows) == len(found.tables)
    return rows


def expected(lake, key):
    """The row of a table, by what was put in; `None` where there is nothing."""
    account, region, database, name = key
    asked = lake.tables[key]
    place = asked.get("StorageDescriptor", {}).get("Location")
    parameters = asked.get("Parameters", {})
    kind = next((kind for kind, said in FORMATS.items() if said == parameters), "hive")
    partitions = len(lake.partitions.get(key, ())) if kind in ("hive", "hudi") else None
    row = {
        "tablename": name, "databasename": database, "owner": asked.get("Owner"), "tabletype": asked.get("TableType"),
        "retention": asked.get("Retention"), "createdby": None, "isregisteredwithlakeformation": None,
        "lastaccesstime": None, "updatetime": None, "location": place, "format": kind,
        "columns": len(asked.get("StorageDescriptor", {}).get("Columns", ())) + len(asked.get("PartitionKeys", ())),
        "classification": parameters.get("classification"), "account": account, "region": region, "run": "run-1",
        "role": f"arn:aws:sts::{account}:user/moto", "collected_at": NOW,
        "symbol": f"{account}/{region}/{database}.{name}", "bytes": None, "totalfilesons3": None, "sizeinmbons3": None,
    }  # fmt: skip
    if "TargetTable" in asked:
        return row | {"unmeasured": "link", "partitions": None}
    if asked["TableType"] == "VIRTUAL_VIEW":
        return row | {"unmeasured": "view", "partitions": None}
    if place is None:
        return row | {"unmeasured": "no location", "partitions": partitions}
    if not place.startswith("s3"):
        return row | {"unmeasured": "other scheme", "partitions": partitions}
    held, files = lake.held(place, *lake.partitions.get(key, ()))
    sizes = {"bytes": held, "totalfilesons3": files, "sizeinmbons3": held / 1024 / 1024}
    return row | sizes | {"unmeasured": None, "partitions": partitions}


def assert_equal(lake, found, links=()):
    """Every attribute of every table is what was put in."""
    rows = rows_of(found)
    assert len(rows) == len(lake.tables)
    for key in lake.tables:
        want = expected(lake, key)
        row = rows[want["symbol"]]
        created = glue_backends[key[0]][key[1]].databases[key[2]].tables[key[3]].created_time
        assert abs(row["createtime"] - created.replace(tzinfo=UTC)) < timedelta(milliseconds=1)
        days = (datetime(2030, 1, 3, tzinfo=UTC) - row["createtime"]).total_seconds() / 86400
        assert row["stale_days"] == pytest.approx(days, abs=1e-9)
        assert {name: row.get(name) for name in want} == want


def test_every_attribute_count_and_byte_of_a_lake(lake):
    lake.bucket()
    fill(lake, 300, 20_000)
    lake.put("s3://lake/db0/t0000_other/file.parquet", 9_999)  # a neighbour of t0000
    links = {"GetTable": lambda asked, number: {"Table": {"Name": "orders", "DatabaseName": "sales"}}}
    with wire.answers(links) as calls:
        found = collected()
    assert len(calls.of("GetTable")) == 6 and calls.of("GetTable")[0] == FOREIGN
    assert_equal(lake, found)
    assert found.exit_status == 0 and found.failures == []
    assert sum(size for (_, key), size in lake.objects.items() if "other" not in key) > found.stored.bytes > 4_500_000
    databases = {row["databasename"]: row for row in found.databases}
    for number in range(8):
        row = databases[f"db{number}"]
        assert (row["tables"], row["location"]) == (38 if number < 4 else 37, f"s3://lake/db{number}/")
        assert (row["description"], row["sharedresource"]) == (f"Database {number}", "No")
        assert row["sharedresourceowner"] is row["sharedresourcedatabasename"] is None
    for tree, rows, schema in (("tables", found.tables, TABLES), ("databases", found.databases, DATABASES)):
        assert set().union(*rows) <= set(schema.names)
        assert as_columns(tree, rows, NOW.date()).num_rows == len(rows)


def test_tables_that_count_themselves_have_live_bytes_too(lake):
    lake.bucket()
    lake.database("db0")
    for name, metadata in (("ice", b'{"current-snapshot-id": -1}'), ("broken", b"none")):
        place = f"s3://lake/{name}/metadata/v1.metadata.json"
        lake.table("db0", name, f"s3://lake/{name}", Parameters={"table_type": "ICEBERG", "metadata_location": place})
        lake.put(place, body=metadata)
    lake.table("db0", "delta", "s3://lake/delta/", Parameters=FORMATS["delta"])
    lake.put("s3://lake/delta/_delta_log/00000000000000000000.json", body=b'{"add": {"path": "a", "size": 700}}\n')
    lake.table("db0", "hive", "s3://lake/hive/")
    found = collected()
    assert {row["tablename"]: row.get("live_bytes") for row in found.tables} == {
        "ice": 0, "broken": None, "delta": 700, "hive": None,
    }  # fmt: skip
    assert found.exit_status == 0
    name = f"{ACCOUNT}/{REGION}/db0.broken"
    assert [one for one in found.lines() if "live" in one] == [f"live bytes not known: {name}: malformed metadata"]
    assert not [row for row in collected(sizes=False).tables if row.get("live_bytes") is not None]


def described(name, database="db0", **more):
    """A table as Glue tells it on the wire."""
    return {"Name": name, "DatabaseName": database, "CreateTime": 1.7e9, **more}


FULL = described(
    "full",
    Owner="me",
    UpdateTime=1.8e9 + 0.5,
    LastAccessTime=1.75e9,
    Retention=7,
    CreatedBy="arn:aws:iam::123456789012:user/me",
    IsRegisteredWithLakeFormation=True,
    TableType="EXTERNAL_TABLE",
    StorageDescriptor={"Location": "s3://lake/full/", "Columns": COLUMNS},
    Parameters={"classification": "orc"},
)
#: Its times are those that Glue tells where it keeps none, and most of it is missing.
BARE = {"Name": "bare", "DatabaseName": "db0", "LastAccessTime": 0, "UpdateTime": 0}


def on_the_wire(tables, **more):
    """Answers of a catalog of one database, db0, with these tables."""
    return {
        "GetDatabases": lambda asked, number: {"DatabaseList": [{"Name": "db0", "CreateTime": 1.7e9}]},
        "GetTables": lambda asked, number: {"TableList": tables},
    } | {operation: answer if callable(answer) else (lambda *_, one=answer: one) for operation, answer in more.items()}


def test_attributes_that_moto_lacks(lake):
    lake.bucket()
    lake.put("s3://lake/full/a", 5)
    with wire.answers(on_the_wire([FULL, BARE])):
        full, bare = collected().tables
    assert (full["owner"], full["retention"], full["createdby"]) == ("me", 7, FULL["CreatedBy"])
    assert full["isregisteredwithlakeformation"] is True and full["classification"] == "orc" and full["bytes"] == 5
    assert full["updatetime"] == datetime.fromtimestamp(1.8e9 + 0.5, UTC)
    assert full["lastaccesstime"] == datetime.fromtimestamp(1.75e9, UTC)
    assert full["stale_days"] == (datetime(2030, 1, 3, tzinfo=UTC).timestamp() - 1.8e9 - 0.5) / 86400
    nothing = {"owner", "createtime", "updatetime", "lastaccesstime", "tabletype", "retention", "createdby", "location",
               "isregisteredwithlakeformation", "classification", "stale_days"}  # fmt: skip
    assert {name for name, one in bare.items() if one is None} == nothing
    assert bare["unmeasured"] == "no location" and bare["columns"] == 0


def test_all_pages_are_read_and_a_table_that_is_on_two_of_them_is_there_once(aws):
    tables = [described(f"t{number:04d}") for number in range(250)]
    databases = [{"Name": f"db{number}"} for number in range(7)]
    answers = {
        "GetDatabases": wire.paged("DatabaseList", databases, 3),
        "GetTables": wire.paged("TableList", [*tables, tables[0]], 100),
    }
    with wire.answers(answers) as calls:
        found = collected()
    assert len(found.databases) == 7 and len(found.tables) == len(rows_of_names(found)) == 7 * 250
    assert len(calls.of("GetDatabases")) == 3 and len(calls.of("GetTables")) == 7 * 3
    assert calls.of("GetDatabases")[0] == {"ResourceShareType": "ALL"}


def rows_of_names(found):
    """Distinct pairs: on the wire all databases answer with the same tables."""
    return [(row["databasename"], row["tablename"]) for row in found.tables]


def test_a_throttled_call_is_made_again(lake):
    lake.bucket()
    fill(lake, 4, 8, databases=2)
    busy = wire.first(2, wire.refused("ThrottlingException"))
    slow = wire.first(2, wire.refused("SlowDown", 503))
    with wire.answers({"GetDatabases": busy, "GetTables": busy, "ListObjectsV2": slow}) as calls:
        found = collected()
    assert_equal(lake, found)
    assert len(calls.waits) == 6 and len(calls.of("GetTables")) == 4


def test_an_answer_that_is_cut_off_is_asked_for_again(lake):
    lake.bucket()
    fill(lake, 2, 4, databases=1)
    cut = wire.first(1, b'{"TableList": [{"Na')
    with wire.answers({"GetTables": cut, "GetDatabases": wire.first(1, b"<html>")}) as calls:
        assert_equal(lake, collected())
    assert len(calls.of("GetTables")) == 2


def test_a_denied_database_is_a_row_and_the_others_are_read(lake):
    lake.bucket()
    fill(lake, 5, 10, databases=3)

    def denied(asked, number):
        return wire.denied() if asked["DatabaseName"] == "db1" else None

    with wire.answers({"GetTables": denied}):
        found = collected()
    assert {row["databasename"]: row.get("unread") for row in found.databases} == {
        "db0": None, "db1": "denied (AccessDeniedException)", "db2": None,
    }  # fmt: skip
    assert {row["databasename"] for row in found.tables} == {"db0", "db2"}
    assert found.exit_status == 3 and found.failures == [f"{ACCOUNT}/{REGION}/db1: denied (AccessDeniedException)"]


def test_of_a_database_that_fails_on_its_second_page_the_first_is_kept(aws):
    def answer(asked, number):
        more = {"TableList": [described("a")], "NextToken": "1"}
        return wire.refused("InternalServiceException", 500) if asked.get("NextToken") else more

    with wire.answers(on_the_wire([], GetTables=answer)):
        found = collected()
    assert [row["tablename"] for row in found.tables] == ["a"]
    assert [(row.get("tables"), row["unread"]) for row in found.databases] == [
        (None, "failed (InternalServiceException)")
    ]


def test_a_database_that_vanishes_is_a_row(lake):
    lake.database("here")
    lake.database("gone")
    gone = {"GetTables": lambda asked, _: wire.refused("EntityNotFoundException") if "gone" in str(asked) else None}
    with wire.answers(gone):
        found = collected()
    assert {row["databasename"]: row.get("unread") for row in found.databases} == {
        "here": None, "gone": "vanished (EntityNotFoundException)",
    }  # fmt: skip


PARTITIONED = {
    "PartitionKeys": [{"Name": "day", "Type": "string"}],
    "StorageDescriptor": {"Location": "s3://lake/t/", "Columns": COLUMNS},
}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("EntityNotFoundException", "vanished (EntityNotFoundException)"),
        ("AccessDeniedException", "denied (AccessDeniedException)"),
        ("GlueEncryptionException", "failed (GlueEncryptionException)"),
    ],
)
def test_a_table_whose_partitions_are_refused_has_no_size(lake, code, reason):
    lake.bucket()
    lake.put("s3://lake/t/day=1/a", 3)
    with wire.answers(on_the_wire([described("t", **PARTITIONED)], GetPartitions=wire.refused(code))):
        found = collected()
    [row] = found.tables
    assert (row["unmeasured"], row.get("bytes"), row.get("partitions")) == (reason, None, None)
    assert found.exit_status == 3 and found.failures == [f"{ACCOUNT}/{REGION}/db0.t: {reason}"]


def test_partitions_elsewhere_are_measured_and_each_object_once(lake):
    lake.bucket()
    lake.bucket("attic")
    lake.database("db0")
    lake.table("db0", "t", "s3://lake/t", PartitionKeys=PARTITIONED["PartitionKeys"])
    places = ["s3://lake/t/day=1", "s3://attic/t/day=2/", "s3://attic/t/", "s3a://lake/t2/day=3", "s3://lake/t/day=1/"]
    for number, place in enumerate(places):
        lake.partition("db0", "t", str(number), place)
        lake.put(f"{place.replace('s3a:', 's3:').rstrip('/')}/{number}.csv", 10**number)
    lake.put("s3://lake/t2/neighbour.csv", 7)
    lake.put("s3://attic/t_other/neighbour.csv", 7)
    found = collected()
    [row] = found.tables
    assert (row["bytes"], row["totalfilesons3"], row["partitions"]) == (11_111, 5, 5)
    assert found.stored == (11_111, 5)


def test_a_table_that_has_no_partition_yet_has_none(lake):
    lake.bucket()
    lake.database("db0")
    lake.table("db0", "t", "s3://lake/t", PartitionKeys=PARTITIONED["PartitionKeys"])
    lake.table("db0", "elsewhere", PartitionKeys=PARTITIONED["PartitionKeys"])
    lake.partition("db0", "elsewhere", "1", "s3://lake/e")
    lake.put("s3://lake/e/1", 7)
    rows = {row["tablename"]: (row["partitions"], row.get("bytes"), row["unmeasured"]) for row in collected().tables}
    assert rows == {"t": (0, 0, None), "elsewhere": (1, 7, None)}


def test_many_partitions_are_read_in_segments_without_columns(lake):
    lake.bucket()
    lake.put("s3://lake/0/a", 4)
    every = [{"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://lake/{n % 2}/"}} for n in range(4_500)]

    def answer(asked, number):
        segment = asked.get("Segment")
        mine = every[segment["SegmentNumber"] :: segment["TotalSegments"]] if segment else every
        return wire.paged("Partitions", mine, 200)(asked, number)

    with wire.answers(on_the_wire([described("t", **PARTITIONED)], GetPartitions=answer)) as calls:
        found = collected()
    [row] = found.tables
    assert (row["partitions"], row["bytes"], row["totalfilesons3"]) == (4_500, 4, 1)
    assert all(asked["ExcludeColumnSchema"] is True for asked in calls.of("GetPartitions"))
    assert len(calls.of("GetPartitions")) == 1 + 8 * 3
    assert {asked["Segment"]["SegmentNumber"] for asked in calls.of("GetPartitions")[1:]} == set(range(8))


def test_pages_that_have_no_end_are_left(lake):
    """Their tokens are the same again; a page of Glue's may be empty."""
    lake.bucket()
    one = {"Values": ["1"], "StorageDescriptor": {"Location": "s3://lake/t/1/"}}

    def partitions(asked, number):
        assert number < 20
        return {"Partitions": [] if "Segment" in asked else [one], "NextToken": "again"}

    def catalogs(asked, number):
        assert number < 20
        return {"CatalogList": [{"CatalogId": ACCOUNT}], "NextToken": "again"}

    with wire.answers(on_the_wire([described("t", **PARTITIONED)], GetPartitions=partitions, GetCatalogs=catalogs)):
        found = collected(all_catalogs=True)
    assert [row["unmeasured"] for row in found.tables] == ["failed"]
    assert [row.get("unread") for row in found.databases] == ["failed", None]


@pytest.mark.parametrize(("most", "reason", "partitions"), [(30, None, 30), (29, "too many partitions", None)])
def test_a_table_with_more_partitions_than_are_asked_for_has_no_size(lake, most, reason, partitions):
    lake.bucket()
    every = [{"Values": [str(n)], "StorageDescriptor": {"Location": f"s3://lake/t/{n}/"}} for n in range(30)]
    with wire.answers(on_the_wire([described("t", **PARTITIONED)], GetPartitions={"Partitions": every})):
        found = collected(max_partitions=most)
    [row] = found.tables
    assert (row["unmeasured"], row.get("partitions")) == (reason, partitions)
    assert row.get("bytes") == (0 if reason is None else None) and found.exit_status == (3 if reason else 0)


def test_no_partition_is_read_where_none_is_asked_for(lake):
    lake.bucket()
    lake.put("s3://lake/t/a", 3)
    with wire.answers(on_the_wire([described("t", **PARTITIONED)])) as calls:
        [row] = collected(max_partitions=0).tables
    assert calls.of("GetPartitions") == [] and (row["bytes"], row.get("partitions")) == (3, None)


@pytest.mark.parametrize("places", [["hdfs://host/t/1"], ["s3://lake/t/1", "hdfs://host/t/1"]])
def test_a_partition_that_is_not_on_s3_leaves_its_table_without_a_size(lake, places):
    lake.bucket()
    lake.database("db0")
    lake.table("db0", "t", "s3://lake/t", PartitionKeys=PARTITIONED["PartitionKeys"])
    for place in places:
        lake.partition("db0", "t", place, place)
    [row] = collected().tables
    assert (row["unmeasured"], row.get("bytes"), row["partitions"]) == ("other scheme", None, len(places))


def test_a_folder_of_several_tables_is_listed_once_and_told(lake):
    lake.bucket()
    lake.database("db0")
    for name, place in [("a", "s3://lake/x"), ("b", "s3://lake/x/"), ("c", "s3n://lake/x"), ("d", "s3://lake/x/y/")]:
        lake.table("db0", name, place)
    lake.put("s3://lake/x/1", 5)
    lake.put("s3://lake/x/y/2", 6)
    with wire.answers({}) as calls:
        found = collected()
    assert [row["bytes"] for row in found.tables] == [11, 11, 11, 6] and found.stored == (11, 2)
    prefixes = [asked["prefix"] for asked in calls.of("ListObjectsV2")]
    assert prefixes.count("x/") == 1
    names = [f"{ACCOUNT}/{REGION}/db0.{name}" for name in "abc"]
    assert found.shared == {Folder("lake", "x/"): names} and found.exit_status == 0
    assert f"shared: s3://lake/x/: is the folder of {', '.join(names)}; each has its size" in found.lines()


def test_a_location_that_is_one_object(lake):
    lake.bucket()
    lake.database("db0")
    for name, place in [("one", "s3://lake/x/a.csv"), ("folder", "s3://lake/x/a.csv/"), ("none", "s3://lake/x/a")]:
        lake.table("db0", name, place)
    lake.put("s3://lake/x/a.csv", 7)
    lake.put("s3://lake/x/a.csv.bak", 100)
    sizes = {row["tablename"]: (row["bytes"], row["totalfilesons3"]) for row in collected().tables}
    assert sizes == {"one": (7, 1), "folder": (0, 0), "none": (0, 0)}


def test_a_table_of_spark_s_own_is_where_its_path_says(lake):
    lake.bucket()
    lake.database("db0")
    path = {"SerdeInfo": {"Parameters": {"path": "s3://lake/real", "serialization.format": "1"}}}
    lake.table("db0", "delta", "s3://lake/db0/delta-__PLACEHOLDER__", StorageDescriptor=path)
    lake.table("db0", "hive", "s3://lake/hive", StorageDescriptor=path)
    lake.put("s3://lake/real/a.parquet", 7)
    lake.put("s3://lake/hive/a.parquet", 5)
    told = {row["tablename"]: (row["location"], row["bytes"]) for row in collected().tables}
    assert told == {"delta": ("s3://lake/real", 7), "hive": ("s3://lake/hive", 5)}


def test_links_are_told_and_an_orphan_has_its_reason(lake):
    lake.database("db0")
    for name in ("good", "orphan", "hidden"):
        lake.link("db0", name, {"CatalogId": "999988887777", "DatabaseName": "sales", "Name": name})
    lake.database("shared", TargetDatabase={"CatalogId": OTHERS[0], "DatabaseName": "sales"})
    lake.database("orphaned", TargetDatabase={"CatalogId": OTHERS[0], "DatabaseName": "gone"})
    lake.database("forbidden", TargetDatabase={"CatalogId": OTHERS[0], "DatabaseName": "secret"})
    gone, forbidden = wire.refused("EntityNotFoundException"), wire.denied()

    def table(asked, number):
        return {"good": {"Table": {"Name": "good"}}, "orphan": gone, "hidden": forbidden}[asked["Name"]]

    def tables(asked, number):
        return {"shared": {"TableList": [described("x")]}, "orphaned": gone, "forbidden": forbidden}.get(
            asked["DatabaseName"]
        )

    with wire.answers({"GetTable": table, "GetTables": tables}):
        found = collected()
    assert {row["tablename"]: row["unmeasured"] for row in found.tables} == {
        "good": "link", "orphan": "orphaned link (EntityNotFoundException)", "hidden": "denied (AccessDeniedException)",
    }  # fmt: skip
    rows = {row["databasename"]: row for row in found.databases}
    assert {name: row.get("unread") for name, row in rows.items()} == {
        "db0": None, "shared": None, "orphaned": "orphaned link (EntityNotFoundException)",
        "forbidden": "denied (AccessDeniedException)",
    }  # fmt: skip
    named = ("sharedresource", "sharedresourceowner", "sharedresourcedatabasename")
    assert [rows["shared"][name] for name in named] == ["Yes", OTHERS[0], "sales"]
    assert found.exit_status == 3 and len(found.failures) == 4


def test_a_link_into_a_region_that_cannot_be_one_is_a_row(lake):
    lake.database("db0")
    lake.link("db0", "t", {"CatalogId": OTHERS[0], "DatabaseName": "x", "Name": "y", "Region": "no region/"})
    lake.link("db0", "u", {"CatalogId": OTHERS[0], "DatabaseName": "x", "Name": ""})
    found = collected()
    assert [row["unmeasured"] for row in found.tables] == ["failed", "failed"] and found.exit_status == 3


def test_a_database_that_another_account_shares_is_told_and_its_tables_are_that_accounts(aws):
    databases = [{"Name": "own", "CatalogId": ACCOUNT}, {"Name": "sales", "CatalogId": OTHERS[0]}]
    answers = on_the_wire([described("t")], GetDatabases={"DatabaseList": databases})
    with wire.answers(answers) as calls:
        found = collected()
    assert [asked["DatabaseName"] for asked in calls.of("GetTables")] == ["own"]
    named = ("sharedresource", "sharedresourceowner", "sharedresourcedatabasename", "tables")
    assert [found.databases[1].get(name) for name in named] == ["Yes", OTHERS[0], "sales", None]
    assert found.exit_status == 0


def test_a_denied_prefix_and_a_missing_bucket_have_their_reasons(lake):
    lake.bucket()
    lake.database("db0")
    for name, place in [("a", "s3://lake/a"), ("b", "s3://lake/b"), ("c", "s3://nowhere/c")]:
        lake.table("db0", name, place)
    lake.put("s3://lake/a/1", 5)
    denied = {"ListObjectsV2": lambda asked, _: wire.denied("AccessDenied") if asked["prefix"] == "b/" else None}
    with wire.answers(denied):
        found = collected()
    reasons = {row["tablename"]: (row["unmeasured"], row.get("bytes")) for row in found.tables}
    assert reasons["a"] == (None, 5) and reasons["b"] == ("denied (AccessDenied)", None)
    assert reasons["c"] == ("no such bucket (NoSuchBucket)", None)
    assert found.exit_status == 3


def test_without_sizes_nothing_is_listed(lake):
    lake.bucket()
    fill(lake, 12, 12)
    with wire.answers({"GetTable": lambda asked, number: {"Table": {"Name": "orders"}}}) as calls:
        found = collected(sizes=False)
    assert calls.of("ListObjectsV2") == [] and found.exit_status == 0
    assert {row["unmeasured"] for row in found.tables} == {"view", "link", "other scheme", "not asked"}


def test_accounts_and_regions_each_by_its_role(lake):
    for account, region, bucket in (
        (ACCOUNT, REGION, "one"),
        (OTHERS[0], REGION, "two"),
        (OTHERS[1], "us-west-2", "three"),
    ):
        lake.bucket(bucket, account, region)
        fill(lake, 3, 6, databases=1, account=account, region=region, bucket=bucket)
    roles = ["-", *map(role, OTHERS)]
    found = collected(origins([REGION, "us-west-2"], roles=roles))
    rows = rows_of(found)
    assert {(row["account"], row["region"], row["role"]) for row in rows.values()} == {
        (ACCOUNT, REGION, f"arn:aws:sts::{ACCOUNT}:user/moto"),
        (OTHERS[0], REGION, role(OTHERS[0])),
        (OTHERS[1], "us-west-2", role(OTHERS[1])),
    }
    for account, region, database, name in lake.tables:
        want = expected(lake, (account, region, database, name))
        assert rows[want["symbol"]]["bytes"] == want["bytes"] is not None


def test_a_role_that_may_not_be_assumed_is_a_row(lake):
    lake.database("db0")
    refused = {"AssumeRole": lambda asked, number: wire.denied("AccessDenied")}
    with wire.answers(refused):
        found = collected(origins(roles=["-", role(OTHERS[0], "unknown")]))
    assert {(row["account"], row["databasename"], row.get("unread")) for row in found.databases} == {
        (ACCOUNT, "db0", None), (OTHERS[0], None, "denied (AccessDenied)"),
    }  # fmt: skip
    assert found.failures == [f"{OTHERS[0]}/{REGION}: all databases: denied (AccessDenied)"]


def test_regions_that_are_not_enabled_are_left_out_where_nobody_asked_for_them(lake):
    lake.database("db0")

    def answer(asked, number):
        return wire.denied("UnauthorizedOperation")

    with wire.answers({"DescribeRegions": answer}):
        every = origins(all_regions=True)
    assert len(every) > 20 and not any(one.is_sure for one in every)

    def databases(asked, number):
        return None if calls.here.call.region in (REGION, "us-east-1") else wire.refused("UnrecognizedClientException")

    with wire.answers({"GetDatabases": databases}) as calls:
        found = collected(every)
    assert {one.region for one in every} - {one.region for one in found.not_enabled} == {REGION, "us-east-1"}
    assert found.exit_status == 0 and f"{ACCOUNT} af-south-1" in " ".join(found.lines())
    unknown = {"GetDatabases": lambda asked, number: wire.refused("UnrecognizedClientException")}
    with wire.answers(unknown), pytest.raises(AccountError, match="AWS does not know these credentials"):
        collected([origins()[0], every[0]])


def test_catalogs_beside_the_accounts_own(lake):
    lake.database("db0")
    tables = f"{ACCOUNT}:s3tablescatalog/bucket"
    catalogs = [{"CatalogId": ACCOUNT}, {"CatalogId": f"{ACCOUNT}:s3tablescatalog"}, {"CatalogId": tables}]

    def databases(asked, number):
        return (
            {"DatabaseList": [{"Name": "nested", "CatalogId": ACCOUNT}] if asked["CatalogId"] == tables else []}
            if "CatalogId" in asked
            else None
        )

    def nested(asked, number):
        return {"TableList": [described("t", "nested")]} if asked.get("CatalogId") == tables else None

    answers = {"GetCatalogs": wire.paged("CatalogList", catalogs, 2), "GetDatabases": databases, "GetTables": nested}
    with wire.answers(answers) as calls:
        found = collected(origins(catalog_id="all"), all_catalogs=True)
    assert [row["symbol"] for row in found.tables] == [f"{tables}/{REGION}/nested.t"]
    assert {(row["account"], row["databasename"]) for row in found.databases} == {(ACCOUNT, "db0"), (tables, "nested")}
    assert calls.of("GetCatalogs")[0] == {"Recursive": True} and len(calls.of("GetCatalogs")) == 2
    with wire.answers({"GetCatalogs": lambda asked, number: wire.denied()}):
        assert collected(origins(), all_catalogs=True).exit_status == 3


def test_a_catalog_that_two_accounts_see_is_read_once(lake):
    lake.database("db0")
    shared = f"{OTHERS[0]}:shared"

    def databases(asked, number):
        return {"DatabaseList": [{"Name": "theirs"}]} if asked.get("CatalogId") == shared else None

    def tables(asked, number):
        return {"TableList": [described("t", "theirs")]} if asked.get("CatalogId") == shared else None

    catalogs = {"CatalogList": [{"CatalogId": shared}]}
    answers = {"GetCatalogs": lambda *_: catalogs, "GetDatabases": databases, "GetTables": tables}
    with wire.answers(answers):
        found = collected(origins(roles=["-", role(OTHERS[0])], catalog_id="all"), all_catalogs=True)
    assert [row["symbol"] for row in found.tables] == [f"{shared}/{REGION}/theirs.t"]
    assert [row["databasename"] for row in found.databases] == ["db0", "theirs"]


def test_another_catalog_by_its_id(aws):
    with wire.answers(on_the_wire([described("t")])) as calls:
        found = collected(origins(catalog_id="999988887777"))
    assert calls.of("GetDatabases") == [{"CatalogId": "999988887777"}]
    assert calls.of("GetTables") == [{"CatalogId": "999988887777", "DatabaseName": "db0"}]
    assert found.tables[0]["symbol"] == f"999988887777/{REGION}/db0.t"


def test_hostile_names_are_data(lake):
    lake.bucket()
    for name in HOSTILE:
        lake.database(name, Description=name)
        lake.table(name, name, f"s3://lake/{name}/")
        lake.put(f"s3://lake/{name}/a", 3)
    found = collected()
    assert sorted(row["tablename"] for row in found.tables) == sorted(HOSTILE)
    assert sorted(row["description"] for row in found.databases) == sorted(HOSTILE)
    assert {row["location"]: row["bytes"] for row in found.tables} == {f"s3://lake/{name}/": 3 for name in HOSTILE}


def test_no_rights_on_glue_at_all_is_an_end(lake):
    lake.database("db0")
    with wire.answers({"GetDatabases": lambda asked, number: wire.denied()}), pytest.raises(AccountError) as error:
        collected()
    assert str(error.value) == (
        "glue: GetDatabases: access is denied (AccessDeniedException: User is not authorized to perform this); these"
        " credentials need glue:GetDatabases; docs/catalog.md lists all required permissions"
    )


def test_an_empty_catalog_is_an_end(aws):
    with pytest.raises(InputError) as error:
        collected(origins([REGION, "us-west-2"]))
    assert str(error.value) == (
        f"{ACCOUNT} {REGION} and 1 more catalogs: no database is visible to arn:aws:sts::{ACCOUNT}:user/moto; check"
        " --region, and its permissions in Lake Formation, which hides without an error what it does not permit"
    )


def test_an_empty_catalog_of_several_is_told(lake):
    """Lake Formation hides what it does not permit: the account would be missing without a word."""
    lake.database("db0")
    found = collected(origins(roles=["-", role(OTHERS[0])]))
    assert f"no database is visible: {OTHERS[0]} {REGION}" in found.lines() and found.exit_status == 0


def test_what_is_live_elsewhere_than_in_a_tables_folder_is_told():
    """By Iceberg's write.data.path, or in a shallow clone of Delta."""
    rows = {"a": (5, 6), "b": (5, 5), "c": (0, 1), "d": (None, 6), "e": (5, None)}
    tables = [
        {"symbol": name, "bytes": stored, "live_bytes": live, "unmeasured": None}
        for name, (stored, live) in rows.items()
    ]
    told = [line for line in Collected(RUN, tables=tables).lines() if "elsewhere" in line]
    assert told == [
        "stored elsewhere too: a: counts 6 bytes itself, its folder has 5",
        "stored elsewhere too: c: counts 1 byte itself, its folder has 0",
    ]


def test_databases_by_patterns_of_their_names(lake):
    for name in ("sales", "sales_raw", "ops"):
        lake.database(name)
    found = collected(databases=["sales*", "x", "y"])
    assert [row["databasename"] for row in found.databases] == ["sales", "sales_raw"]
    assert "no database has such a name: x, y" in found.lines()
    assert not any("such a name" in line for line in collected(databases=["sales*", "ops"]).lines())
    with pytest.raises(InputError) as error:
        collected(databases=["sale"])
    assert str(error.value) == (
        "--database sale: none of the 3 databases has such a name, e.g. ops, sales, sales_raw; use * for any"
        " characters, or leave it out"
    )


def test_no_credentials_are_an_end(nowhere, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with pytest.raises(AccountError, match="no AWS credentials were found"):
        origins()
    with pytest.raises(AccountError, match="no AWS credentials were found"):
        collected(origins(roles=[role(OTHERS[0])]))


def test_a_report_is_short_whatever_happens(lake):
    for number in range(30):
        lake.database(f"db{number:02d}")
    with wire.answers({"GetTables": lambda asked, number: wire.denied()}):
        lines = collected().lines()
    assert lines[0] == "run run-1: 0 tables in 30 databases of 1 catalog" and len(lines) == 1 + 1 + 21
    assert lines[-1] == "failed: 10 more, as the snapshot tells"
