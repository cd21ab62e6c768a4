"""`make demo-catalog`: a made-up lake on an emulator of AWS: measured, kept, asked, its use and growth, and one page.

What there is to look at stays in out/demo-catalog/. The emulator listens on this machine alone, and ends with the demo.
"""

import json
import logging
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from moto.core.utils import utcnow
from moto.glue.models import glue_backends
from moto.server import ThreadedMotoServer

from tests.catalog.lake import ACCOUNTS, REGION, fill, role
from tests.catalog.lake import Lake as MadeUp
from tests.catalog.trail import record
from tests.showing import fresh, say, windrow
from windrow.catalog import snapshots

#: Tables and objects of all accounts, and days of history behind today's snapshot.
TABLES, OBJECTS, DAYS = 300, 20_000, 99
#: The last days of which use is counted.
WEEK = 7
#: The age in days of a table, and of its last update; most are updated every day.
AGES, UPDATED = (20, 60, 200, 400, 900, 1100), (0, 0, 0, 0, 0, 3, 40, 200)


def demo(out: Path) -> None:
    """All of it."""
    place = str(out / "metrics")

    say(f"A lake of {TABLES} tables and {OBJECTS:,} objects in three accounts")
    make_lake()
    roles = [word for account in ACCOUNTS[1:] for word in ("--role", role(account))]
    asked = ["--role", "-", *roles, "--quiet"]
    windrow("catalog", "plan", *asked)
    windrow("catalog", "collect", *asked, "-o", place, right=(0, 3))

    say(f"The {DAYS} days before, made up; and how often the tables were queried, from a trail of CloudTrail")
    today = snapshots.days(place)[-1]
    write_history(place, today)
    trail, week = out / "trail", [today - timedelta(days=number) for number in range(WEEK, 0, -1)]
    write_trail(trail, place, today, week)
    windrow("catalog", "usage", place, "--trail", str(trail), "--from", str(week[0]), "--to", str(week[-1]))

    say("Questions")
    windrow("catalog", "query", place, "select databasename, tablename, bytes_grown, percent_grown from growth limit 5")
    windrow("catalog", "query", place, "select databasename, tablename, queries, last_used from most_used limit 5")
    windrow("catalog", "query", place, "select count(*) as tables, sum(bytes) as bytes from idle")
    windrow("catalog", "query", place, "select reason, count(*) as tables from unmeasured group by all order by all")

    say("Growth, and alerts")
    windrow(
        "catalog-growth", "--limit", "1GB", "--alert", "growth>30%/30d", "--quiet", "-o", str(out / "growth"), place
    )

    say("The page")
    page = str(out / "catalog.html")
    windrow("catalog", "report", place, "--growth", str(out / "growth"), "-o", page)


def make_lake() -> None:
    """Tables of three accounts, with a past; one account shares a database with another."""
    lake, random = MadeUp(), Random(5)
    for number, account in enumerate(ACCOUNTS):
        bucket = lake.bucket(f"lake-{number}", account, REGION)
        fill(lake, TABLES // 3, OBJECTS // 3 + (number < OBJECTS % 3), 8, account, REGION, bucket)
    lake.database("partner", TargetDatabase={"CatalogId": ACCOUNTS[1], "DatabaseName": "db0"})
    for (account, region, database, name), asked in lake.tables.items():
        age, updated = random.choice(AGES), random.choice(UPDATED)
        table = glue_backends[account][region].databases[database].tables[name]
        table.created_time = utcnow() - timedelta(days=age)
        table.updated_time = utcnow() - timedelta(days=min(age, updated))
        count_live(lake, asked)


def count_live(lake: MadeUp, table: dict[str, Any]) -> None:
    """Tables of Iceberg and Delta know how much of their files is live."""
    folder = table.get("StorageDescriptor", {}).get("Location", "").rstrip("/")
    own = table.get("Parameters", {})
    if own.get("table_type") == "ICEBERG":
        own["metadata_location"] = f"{folder}/metadata/00001.metadata.json"
        current = {"snapshot-id": 1, "summary": {"total-files-size": "9000"}}
        lake.put(own["metadata_location"], body=json.dumps({"current-snapshot-id": 1, "snapshots": [current]}).encode())
    if own.get("table_type") == "delta":
        for ending, told in (("json", {"commitInfo": {}}), ("crc", {"tableSizeBytes": 8000})):
            lake.put(f"{folder}/_delta_log/{0:020}.{ending}", body=json.dumps(told).encode())


def write_history(place: str, today: date) -> None:
    """Snapshots of earlier days: tables are smaller there, each by its own pace, and later ones are missing."""
    now = snapshots.read_day(place, today)
    databases, tables = now.databases.to_pylist(), now.tables.to_pylist()
    random = Random(17)
    pace = [random.choice((0.0, 0.001, 0.003, 0.008)) for _ in tables]
    for number in range(DAYS, 0, -1):
        day = today - timedelta(days=number)
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=5)
        more = {"collected_at": at, "run": f"demo-{day}", "snapshot": day}
        rows = [
            {**row, **earlier(row, pace[each], number, random), **altered(row, each, number), **more}
            for each, row in enumerate(tables)
            if row["createtime"] <= at
        ]
        write_day(place, day, [{**row, **more} for row in databases], rows + dropped(rows, number))


def altered(row: dict[str, Any], each: int, days: int) -> dict[str, object]:
    """What differs some days before: a few tables had a column less, and daily updates were on that day."""
    fewer = {"columns": row["columns"] - 1, "schema_hash": "0" * 16} if each % 40 == 10 and days > each % 30 else {}
    updated = row["updatetime"] - timedelta(days=days)
    if row["stale_days"] < 1:
        return {**fewer, "updatetime": max(updated, row["createtime"])}
    return {**fewer, "stale_days": max(0.0, row["stale_days"] - days)}


def dropped(rows: list[dict[str, Any]], days: int) -> list[dict[str, object]]:
    """Tables that were there until some days ago."""
    gone = [row for row in rows if row["tablename"] == "t0010"] if days > 12 else []
    return [{**row, "tablename": "t0010_old", "symbol": f"{row['symbol']}_old"} for row in gone]


def write_day(place: str, day: date, databases: list[dict[str, object]], tables: list[dict[str, object]]) -> None:
    """A day's snapshot."""
    snapshots.write(place, day, databases, tables, snapshots.begin(place, day))


def earlier(row: dict[str, object], pace: float, days: int, random: Random) -> dict[str, object]:
    """What a table had some days before."""
    size, files = row["bytes"], row["totalfilesons3"]
    if not isinstance(size, int) or not isinstance(files, int):
        return {}
    share = max(0.05, 1 - pace * days * random.uniform(0.97, 1.03))
    return {
        "bytes": int(size * share),
        "totalfilesons3": max(1, int(files * share)),
        "sizeinmbons3": size * share / 2**20,
    }


def write_trail(folder: Path, place: str, today: date, week: list[date]) -> None:
    """A file of CloudTrail: some tables are read often, most are not."""
    random, records = Random(3), []
    tables = snapshots.read_day(place, today).tables.to_pylist()
    for table in tables[::4]:
        asked = {"databaseName": table["databasename"], "name": table["tablename"], "catalogId": table["account"]}
        for _ in range(int(random.paretovariate(0.8))):
            day, hour, minute = random.choice(week), random.randrange(24), random.randrange(60)
            records.append(record(asked=asked, eventTime=f"{day}T{hour:02}:{minute:02}:00Z"))
    folder.mkdir()
    (folder / "records.json").write_text(json.dumps({"Records": records[:20_000]}))


def main() -> None:
    """Runs the demo in a new out/demo-catalog, or a directory that is named."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ.update(
        AWS_ENDPOINT_URL="http://{}:{}".format(*server.get_host_and_port()), AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE", AWS_SECRET_ACCESS_KEY="example", AWS_EC2_METADATA_DISABLED="true",
    )  # fmt: skip
    try:
        with fresh("out/demo-catalog", "stopped") as out:
            demo(out)
        say("To look at, with a picture beside it, and to ask more:")
        print(f"    {out}/catalog.html\n    windrow catalog query {out}/metrics")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
