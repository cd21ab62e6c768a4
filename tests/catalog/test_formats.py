"""The format of a table by what engines write into its parameters, and a hash that changes with its schema alone."""

from hashlib import sha256

import pytest

from windrow.catalog.metastore.formats import classification_of, columns_of, format_of, schema_hash

HUDI = "org.apache.hudi.hadoop.HoodieParquetInputFormat"


@pytest.mark.parametrize(
    ("parameters", "storage", "kind"),
    [
        ({}, {}, "hive"),
        (None, None, "hive"),
        ({"classification": "parquet"}, {"InputFormat": "x"}, "hive"),
        ({"table_type": "ICEBERG", "metadata_location": "s3://b/m.json"}, {}, "iceberg"),  # Athena, Spark
        ({"metadata_location": "s3://b/m.json"}, {}, "iceberg"),
        ({"Table_Type": "iceberg"}, {}, "iceberg"),
        ({"spark.sql.sources.provider": "delta"}, {}, "delta"),  # Spark
        ({"table_type": "DELTA"}, {}, "delta"),  # a crawler
        ({"classification": "delta"}, {}, "delta"),
        ({"spark.sql.sources.provider": "hudi"}, {"InputFormat": HUDI}, "hudi"),
        ({}, {"InputFormat": HUDI}, "hudi"),
        ({"comment": "once iceberg, delta and hudi"}, {}, "hive"),
    ],
)
def test_the_format(parameters, storage, kind):
    assert format_of({"Parameters": parameters, "StorageDescriptor": storage}) == kind


@pytest.mark.parametrize(
    ("parameters", "said"), [(None, None), ({"classification": ""}, None), ({"classification": "csv"}, "csv")]
)
def test_the_classification_is_what_is_said(parameters, said):
    assert classification_of({"Parameters": parameters}) == said


def table(*columns, keys=(), parameters=None, **more):
    """A table with such columns: their names and types, by a colon."""
    made = [dict(zip(("Name", "Type"), column.split(":"), strict=True), **more) for column in columns]
    keyed = [dict(zip(("Name", "Type"), column.split(":"), strict=True)) for column in keys]
    return {"StorageDescriptor": {"Columns": made}, "PartitionKeys": keyed, "Parameters": parameters}


BASE = table("id:int", "name:string", keys=["day:date"])
SAME = {
    "case": table("ID:INT", "Name:string", keys=["Day:date"]),
    "comments": table("id:int", "name:string", keys=["day:date"], Comment="words"),
    "parameters": table("id:int", "name:string", keys=["day:date"], parameters={"numRows": "7"}),
    "spark's copy": table(
        "id:int", "name:string", keys=["day:date"], parameters={"spark.sql.sources.schema.part.0": "{...}"}
    ),
}
OTHER = {
    "type": table("id:bigint", "name:string", keys=["day:date"]),
    "name": table("key:int", "name:string", keys=["day:date"]),
    "order": table("name:string", "id:int", keys=["day:date"]),
    "fewer": table("id:int", keys=["day:date"]),
    "more": table("id:int", "name:string", "price:double", keys=["day:date"]),
    "no key": table("id:int", "name:string"),
    "key as a column": table("id:int", "name:string", "day:date"),
    "names that run together": table("id:int", "namestring:", keys=["day:date"]),
    "none": {},
}


@pytest.mark.parametrize("case", SAME)
def test_the_hash_stays_where_the_schema_is_the_same(case):
    assert schema_hash(SAME[case]) == schema_hash(BASE) and len(schema_hash(BASE)) == 16


def test_the_hash_differs_for_every_other_schema():
    assert len({schema_hash(one) for one in [BASE, *OTHER.values()]}) == len(OTHER) + 1


def test_the_hash_is_that_of_every_version():
    """Days of different versions are compared by it."""
    text = b'[[["id","int"],["name","string"],["day","date"]],["day"]]'
    assert schema_hash(BASE) == sha256(text).hexdigest()[:16] == "4cabdf20e3e85450"


def test_a_schema_that_only_spark_understands_is_in_its_parameters():
    hidden = [
        table("col:array<string>", parameters={"spark.sql.sources.schema.part.0": text})
        for text in ("{1}", "{2}", "{1}")
    ]
    first, second, third = map(schema_hash, hidden)
    assert first == third != second


def test_columns_that_iceberg_has_dropped_are_none():
    dropped = {"Name": "old", "Type": "int", "Parameters": {"iceberg.field.current": "false"}}
    current = {"Name": "new", "Type": "int", "Parameters": {"iceberg.field.current": "true"}}
    made = {"StorageDescriptor": {"Columns": [dropped, current]}}
    assert columns_of(made) == [("new", "int")]
    assert schema_hash(made) == schema_hash(table("new:int"))
