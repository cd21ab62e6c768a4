"""A made-up lake: databases, tables and objects put straight into moto's backends, and kept, to compare with.

Through the server 20,000 objects take minutes; put into the backend of the same process, 2 seconds.
"""

from moto.glue.models import glue_backends
from moto.s3.models import s3_backends

#: The account of the tests' credentials, and others, whose roles they may assume.
ACCOUNT, *OTHERS = ACCOUNTS = ("123456789012", "111122223333", "444455556666")
REGION = "eu-west-1"
#: Names that people give to hurt, or by accident; all are allowed in Glue.
HOSTILE = (
    "<script>alert(1)</script>", "=cmd|' /c calc'!a0", "../../etc/passwd", 'x"; drop table bars; --', "n" * 255,
    "\u202eelbat", "table \U0001f4a9",
)  # fmt: skip
COLUMNS = [{"Name": "id", "Type": "bigint"}, {"Name": "price", "Type": "decimal(10,2)"}, {"Name": "of", "Type": "date"}]
FORMATS = {
    "hive": {"classification": "parquet"},
    "iceberg": {"table_type": "ICEBERG", "metadata_location": "s3://lake/none/metadata/00001.metadata.json"},
    "delta": {"table_type": "delta", "spark.sql.sources.provider": "delta"},
    "hudi": {"spark.sql.sources.provider": "hudi"},
}


def role(account, name="reader"):
    """The role of another account that may be assumed."""
    return f"arn:aws:iam::{account}:role/{name}"


class Lake:
    """What was put in. Databases, tables and partitions are by (account, region, names)."""

    def __init__(self):
        self.databases, self.tables, self.partitions, self.objects = {}, {}, {}, {}

    def bucket(self, name="lake", account=ACCOUNT, region=REGION):
        """A bucket; its name."""
        s3_backends[account]["aws"].create_bucket(name, region)
        return name

    def database(self, name, account=ACCOUNT, region=REGION, **more):
        """A database: more of Glue's DatabaseInput."""
        asked = {"Name": name, **more}
        glue_backends[account][region].create_database(name, dict(asked))
        self.databases[account, region, name] = asked

    def table(self, database, name, location=None, account=ACCOUNT, region=REGION, **more):
        """A table: more of Glue's TableInput; without a location where that is None."""
        where = {} if location is None else {"Location": location}
        asked = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": dict(FORMATS["hive"]),
            **more,
            "StorageDescriptor": {"Columns": COLUMNS, **where, **more.get("StorageDescriptor", {})},
        }
        glue_backends[account][region].create_table(database, name, dict(asked))
        self.tables[account, region, database, name] = asked

    def link(self, database, name, target, account=ACCOUNT, region=REGION):
        """A link to another catalog's table."""
        asked = {"Name": name, "TargetTable": target}
        glue_backends[account][region].create_table(database, name, dict(asked))
        self.tables[account, region, database, name] = asked

    def partition(self, database, table, value, location, account=ACCOUNT, region=REGION):
        """A partition of a table with one key."""
        asked = {"Values": [value], "StorageDescriptor": {"Columns": COLUMNS, "Location": location}}
        glue_backends[account][region].create_partition(database, table, asked)
        self.partitions.setdefault((account, region, database, table), []).append(location)

    def put(self, uri, size=0, body=None):
        """An object: of that many bytes, or these."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        owner = next(each for each in ACCOUNTS if bucket in s3_backends[each]["aws"].buckets)
        content = b"x" * size if body is None else body
        s3_backends[owner]["aws"].put_object(bucket, key, content)
        self.objects[bucket, key] = len(content)

    def held(self, *folders):
        """Bytes and files of folders, by looking at every object: an object in two of them counts once."""
        prefixes = {}
        for folder in folders:
            bucket, _, prefix = folder.partition("://")[2].rstrip("/").partition("/")
            prefixes[bucket] = (*prefixes.get(bucket, ()), f"{prefix}/" if prefix else "")
        sizes = [size for (bucket, key), size in self.objects.items() if key.startswith(prefixes.get(bucket, ()))]
        return sum(sizes), len(sizes)


def made_up(tables=300, objects=20_000, databases=8, account=ACCOUNT, region=REGION, bucket="lake"):
    """A lake of about everything that a catalog has; its tables share the objects evenly."""
    lake = Lake()
    lake.bucket(bucket, account, region)
    fill(lake, tables, objects, databases, account, region, bucket)
    return lake


def fill(lake, tables, objects, databases=8, account=ACCOUNT, region=REGION, bucket="lake"):
    """Fills an account's bucket and catalog: mostly Hive tables, half of them with partitions, and one in 50 others."""
    at = {"account": account, "region": region}
    for number in range(databases):
        lake.database(f"db{number}", **at, LocationUri=f"s3://{bucket}/db{number}/", Description=f"Database {number}")
    each = max(1, objects // tables)
    for number in range(tables):
        database, name = f"db{number % databases}", f"t{number:04d}"
        folder = f"s3://{bucket}/{database}/{name}"
        _table(lake, database, name, folder, number, at)
        count = each + (objects % tables if number == tables - 1 else 0)
        for k in range(count):
            lake.put(f"{folder}/day=2026-01-{k % 10 + 1:02d}/{k:05d}.parquet", (number * 31 + k * 37) % 500)


def _table(lake, database, name, folder, number, at):
    """One table: its kind follows from its number."""
    more = {"Owner": f"team{number % 5}", "Retention": number % 3}
    slash = "/" if number % 3 else ""
    match number % 50:
        case 1 | 2 | 3:
            kind = ("iceberg", "delta", "hudi")[number % 50 - 1]
            lake.table(database, name, folder + slash, **at, **more, Parameters=dict(FORMATS[kind]))
        case 4:
            lake.table(database, name, **at, **more | {"TableType": "VIRTUAL_VIEW", "ViewOriginalText": "select 1"})
        case 5:
            target = {"CatalogId": "999988887777", "DatabaseName": "sales", "Name": "orders"}
            lake.link(database, name, target, **at)
        case 6:
            lake.table(database, name, "jdbc:mysql://host/sales", **at, **more)
        case _ if number % 2:
            lake.table(database, name, folder + slash, **at, **more, PartitionKeys=[{"Name": "day", "Type": "string"}])
            for day in range(1, 11):
                value = f"2026-01-{day:02d}"
                lake.partition(database, name, value, f"{folder}/day={value}/", **at)
        case _:
            lake.table(database, name, folder + slash, **at, **more)
