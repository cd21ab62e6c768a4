"""What makes Athena see the snapshots: CREATE TABLE with projected partitions, or the definition of a crawler.

With projection Athena computes where each day is, and nothing has to be run when there is a new one.
"""

import json
import re
from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from windrow.catalog.columns import TREES, USAGE
from windrow.errors import InputError, UsageError
from windrow.storage.s3 import folder_of, is_s3

#: The trees as Athena gets them.
_TREES = {**TREES, "usage": USAGE}
_TYPES = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamp",
}
#: Years behind the last snapshot's that are projected: a query that names no day looks at each day of all years.
_YEARS = 5
_NAME = re.compile(r"[a-z0-9_]{1,255}")


def statements(place: str, database: str, days: Sequence[date]) -> str:
    """CREATE TABLE of each tree, for Athena, which takes one statement at a time. Raises InputError, UsageError."""
    uri = _checked(place, database)
    years = f"{days[0].year},{days[-1].year + _YEARS}"
    return "\n".join(_statement(uri, database, tree, schema, years) for tree, schema in _TREES.items())


def _statement(uri: str, database: str, tree: str, schema: pa.Schema, years: str) -> str:
    columns = ",\n".join(f"  `{field.name}` {_TYPES[field.type]}" for field in schema)
    properties = {
        "projection.enabled": "true",
        "projection.year.type": "integer",
        "projection.year.range": years,
        "projection.month.type": "integer",
        "projection.month.range": "1,12",
        "projection.month.digits": "2",
        "projection.day.type": "integer",
        "projection.day.range": "1,31",
        "projection.day.digits": "2",
        "storage.location.template": f"{uri}{tree}/year=${{year}}/month=${{month}}/day=${{day}}/",
    }
    told = ",\n".join(f"  {_text(name)} = {_text(value)}" for name, value in properties.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS `{database}`.`{tree}` (\n{columns}\n)\n"
        "PARTITIONED BY (`year` int, `month` int, `day` int)\n"
        f"STORED AS PARQUET\nLOCATION {_text(f'{uri}{tree}/')}\nTBLPROPERTIES (\n{told}\n);\n"
    )


def crawler(place: str, database: str, role: str) -> str:
    """The definition of a crawler, for `aws glue create-crawler --cli-input-json`, as JSON. Raises as `statements`."""
    uri = _checked(place, database)
    level = uri.count("/") - 1  # of the trees' folders, where the bucket is 1
    grouping = {"Version": 1.0, "Grouping": {"TableLevelConfiguration": level}}
    definition = {
        "Name": f"{database}-snapshots",
        "Role": role,
        "DatabaseName": database,
        "Targets": {"S3Targets": [{"Path": f"{uri}{tree}/"} for tree in _TREES]},
        "Schedule": "cron(30 3 * * ? *)",
        # A snapshot of a day is another folder; what is there does not change its columns.
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
        "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
        "Configuration": json.dumps(grouping),
    }
    return json.dumps(definition, indent=2, ensure_ascii=False) + "\n"


def _checked(place: str, database: str) -> str:
    """The place as Athena writes it, with a slash at its end."""
    if not is_s3(place):
        raise InputError(f"{place}: is not on S3, and Athena reads nothing else; name the folder as s3://BUCKET/FOLDER")
    if not _NAME.fullmatch(database):
        raise UsageError(
            f"--athena-database {database!r}: is no name of a database for Athena, which has lower-case letters, digits"
            " and _; choose another, e.g. --athena-database windrow"
        )
    bucket, prefix = folder_of(place)
    if "${" in prefix:
        raise InputError(f"{place}: has ${{ in its name, which Athena takes for a partition; use another folder")
    return f"s3://{bucket}/{prefix}"


def _text(text: str) -> str:
    r"""A text as Hive's DDL writes it.

    >>> print(_text("it's"))
    'it\'s'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
