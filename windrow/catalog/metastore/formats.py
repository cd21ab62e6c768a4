"""What kind of table a table of Glue is, and what tells its schema from another."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson

#: A table as Glue tells it.
Raw: TypeAlias = Mapping[str, Any]

_OPEN = ("iceberg", "delta", "hudi")
#: What Spark writes as the columns of a table whose schema it keeps in parameters.
_PLACEHOLDER = [("col", "array<string>")]
_SCHEMA = "spark.sql.sources.schema"


def format_of(table: Raw) -> str:
    """iceberg, delta or hudi, where a table says so in the ways that their engines do; hive for any other.

    >>> format_of({"Parameters": {"table_type": "ICEBERG"}}), format_of({"Parameters": {"classification": "csv"}})
    ('iceberg', 'hive')
    """
    parameters = {key.lower(): str(value).lower() for key, value in (table.get("Parameters") or {}).items()}
    said = {parameters.get(key) for key in ("table_type", "spark.sql.sources.provider", "classification")}
    for kind in _OPEN:
        if kind in said:
            return kind
    if "hudi" in str(_storage(table).get("InputFormat") or "").lower():
        return "hudi"
    return "iceberg" if "metadata_location" in parameters else "hive"


def classification_of(table: Raw) -> str | None:
    """What a crawler, or who made the table, says that its files are: parquet, csv, json."""
    return (table.get("Parameters") or {}).get("classification") or None


def columns_of(table: Raw) -> list[tuple[str, str]]:
    """Names and types of the columns, partition keys last; without those that Iceberg has dropped but keeps in Glue.

    >>> columns = [{"Name": "Id", "Type": "INT"}]
    >>> columns_of({"StorageDescriptor": {"Columns": columns}, "PartitionKeys": [{"Name": "day"}]})
    [('id', 'int'), ('day', '')]
    """
    columns = [*(_storage(table).get("Columns") or ()), *(table.get("PartitionKeys") or ())]
    current = [one for one in columns if (one.get("Parameters") or {}).get("iceberg.field.current") != "false"]
    return [(str(one["Name"]).lower(), str(one.get("Type") or "").lower()) for one in current]


def schema_hash(table: Raw) -> str:
    """What tells a schema from another: names, types and order of the columns, not their comments.

    Spark keeps the schema of a table that Hive does not understand in parameters: then of these.
    """
    columns = columns_of(table)
    keys = [str(one["Name"]).lower() for one in table.get("PartitionKeys") or ()]
    parameters = table.get("Parameters") or {}
    by_spark = sorted(pair for pair in parameters.items() if pair[0].startswith(_SCHEMA))
    told = [by_spark] if by_spark and columns == _PLACEHOLDER else [columns, keys]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()[:16]


def _storage(table: Raw) -> Raw:
    return table.get("StorageDescriptor") or {}
