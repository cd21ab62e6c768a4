"""What makes Athena see the snapshots: its columns are those of the objects, and a day is where windrow writes it."""

import json
import re
from datetime import date

import boto3
import pytest
import sqlglot
from sqlglot import expressions

from windrow.catalog.columns import TREES, USAGE
from windrow.catalog.queries import ddl
from windrow.catalog.snapshots import uri_of
from windrow.cli import main

PLACE = "s3://lake/a b/it's"
DAYS = [date(2025, 12, 1), date(2026, 11, 30)]
#: Arrow's types as Hive names them, in its documentation's words.
HIVE = {
    "string": "string", "bool": "boolean", "int32": "int", "int64": "bigint", "double": "double", "date32[day]": "date",
    "timestamp[us, tz=UTC]": "timestamp",
}  # fmt: skip


@pytest.fixture
def run(capsys):
    """Runs `windrow catalog ddl`: its status, what it printed, what it said."""

    def run(*words):
        capsys.readouterr()
        return main(["catalog", "ddl", *map(str, words)]), *capsys.readouterr()

    return run


def created(place=PLACE):
    """The tables that the statements create: name -> (columns, partitions, location, properties)."""
    tables = {}
    for made in sqlglot.parse(ddl.statements(place, "metrics", DAYS), read="athena"):
        if made is None:
            continue
        assert made.args["kind"] == "TABLE" and made.args["exists"]
        columns = {one.name: one.kind.sql("hive").lower() for one in made.this.expressions}
        [partitions] = made.find_all(expressions.PartitionedByProperty)
        [location] = made.find_all(expressions.LocationProperty)
        properties = {
            one.name: one.args["value"].name
            for one in made.args["properties"].find_all(expressions.Property)
            if type(one) is expressions.Property
        }
        tables[made.this.this.name] = (
            columns,
            [one.name for one in partitions.this.expressions],
            location.this.name,
            properties,
        )
    return tables


def test_athenas_tables_have_the_columns_of_the_objects():
    tables = created()
    assert [*tables] == ["databases", "tables", "usage"]
    for tree, schema in {**TREES, "usage": USAGE}.items():
        columns, partitions, location, _ = tables[tree]
        right = {field.name: HIVE[str(field.type)] for field in schema}
        assert columns == right and partitions == ["year", "month", "day"]
        assert location == f"{PLACE}/{tree}/"


@pytest.mark.parametrize("place", ["s3://lake", "s3a://lake/metrics/", PLACE])
def test_a_days_partition_is_where_windrow_writes_that_day(place):
    for tree, (_, _, _, properties) in created(place).items():
        for day in (date(2026, 1, 2), date(2031, 11, 30)):
            inside = {name: value.zfill(int(properties.get(f"projection.{name}.digits", 1))) for name, value in (
                ("year", str(day.year)), ("month", str(day.month)), ("day", str(day.day)))}  # fmt: skip
            found = properties["storage.location.template"]
            for name, value in inside.items():
                low, high = map(int, properties[f"projection.{name}.range"].split(","))
                assert low <= int(value) <= high and properties[f"projection.{name}.type"] == "integer"
                found = found.replace(f"${{{name}}}", value)
            assert f"{found}{tree}.parquet" == uri_of(place.replace("s3a:", "s3:"), tree, day)
        assert properties["projection.enabled"] == "true" and properties["projection.year.range"] == "2025,2031"


def test_a_crawler_is_made_by_its_definition(aws):
    glue = boto3.client("glue")
    definition = json.loads(ddl.crawler("s3://lake/metrics/x", "metrics", "crawler"))
    glue.create_crawler(**definition)
    made = glue.get_crawler(Name="metrics-snapshots")["Crawler"]
    assert [one["Path"] for one in made["Targets"]["S3Targets"]] == [
        f"s3://lake/metrics/x/{tree}/" for tree in ("databases", "tables", "usage")
    ]
    assert (made["Role"], made["DatabaseName"]) == ("crawler", "metrics")
    # AWS takes new folders only where changes are logged: its documentation of incremental crawls.
    assert made["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    assert set(made["SchemaChangePolicy"].values()) == {"LOG"}
    # The bucket is level 1, so metrics is 2, x is 3, and a tree 4.
    assert json.loads(made["Configuration"])["Grouping"]["TableLevelConfiguration"] == 4
    assert json.loads(json.loads(ddl.crawler("s3://lake", "m", "r"))["Configuration"])["Grouping"] == {
        "TableLevelConfiguration": 2
    }


def test_the_command_reads_the_years_from_the_place(run, aws):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    status, out, err = run("s3://lake/metrics")
    assert (status, out) == (1, "") and err.startswith("error: s3://lake/metrics: has no snapshots, that is no tables/")
    for day in DAYS:
        s3.put_object(Bucket="lake", Key=uri_of("metrics", "tables", day))
    status, out, err = run("s3://lake/metrics")
    assert (status, err) == (0, "") and out.strip() == ddl.statements("s3://lake/metrics", "windrow", DAYS).strip()
    status, out, err = run("s3://lake/metrics", "--athena-database", "mine", "--crawler", "--role", "r")
    assert (status, err) == (0, "") and json.loads(out) == json.loads(ddl.crawler("s3://lake/metrics", "mine", "r"))


def test_what_athena_cannot_read_is_refused(run, tmp_path):
    crawler = ("--crawler", "--role", "r")
    assert run(tmp_path, *crawler) == (
        1, "", f"error: {tmp_path}: is not on S3, and Athena reads nothing else; name the folder as s3://BUCKET/FOLDER\n"
    )  # fmt: skip
    assert run("s3://lake/${year}", *crawler) == (
        1, "", "error: s3://lake/${year}: has ${ in its name, which Athena takes for a partition; use another folder\n"
    )  # fmt: skip


def test_cures_of_a_database_and_a_role(run):
    """catalog/queries/ddl.py:_checked commands/catalog.py:ddl"""
    place, crawler = "s3://lake/metrics", ("--crawler", "--role", "r")
    for name in ("", "My-DB", "x`; drop table y", "n" * 256):
        status, out, err = run(place, *crawler, "--athena-database", name)
        assert (status, out) == (2, "") and err == (
            f"error: --athena-database {name!r}: is no name of a database for Athena, which has lower-case letters,"
            " digits and _; choose another, e.g. --athena-database windrow\n"
        )
    assert run(place, *crawler, "--athena-database", "windrow")[0] == 0
    status, out, err = run(place, "--crawler")
    assert (status, out) == (2, "") and re.match("error: --crawler: needs a role .* name it with --role\n$", err)
    assert run(place, "--crawler", "--role", "r")[0] == 0
