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

sys.path.insert(0, str(Path(__file__).parents[2]))

from moto.server import ThreadedMotoServer

from tests.catalog.lake import ACCOUNTS, REGION, fill, role
from tests.catalog.lake import Lake as MadeUp
from tests.catalog.trail import record
from tests.showing import fresh, say, windrow
from windrow.catalog import snapshots

#: Tables and objects of all accounts, and days of history behind today's snapshot.
TABLES, OBJECTS, DAYS = 300, 20_000, 99


def demo(out: Path) -> None:
    """All of it."""
    place = str(out / "metrics")

    say(f"A lake of {TABLES} tables and {OBJECTS:,} objects in three accounts")
    lake = MadeUp()
    for number, account in enumerate(ACCOUNTS):
        bucket = lake.bucket(f"lake-{number}", account, REGION)
        fill(lake, TABLES // 3, OBJECTS // 3 + (number < OBJECTS % 3), 8, account, REGION, bucket)
    roles = [word for account in ACCOUNTS[1:] for word in ("--role", role(account))]
    asked = ["--role", "-", *roles, "--quiet"]
    windrow("catalog", "plan", *asked)
    windrow("catalog", "collect", *asked, "-o", place, right=(0, 3))

    say(f"{DAYS} days before it, as if they had been collected, and what the tables were read by yesterday")
    today = snapshots.days(place)[-1]
    write_history(place, today)
    trail, yesterday = out / "trail", today - timedelta(days=1)
    write_trail(trail, place, yesterday)
    windrow("catalog", "usage", place, "--trail", str(trail), "--from", str(yesterday), "--to", str(yesterday))

    say("What one asks")
    windrow("catalog", "query", place, "from growth limit 5")
    windrow("catalog", "query", place, "select reason, count(*) as tables from unmeasured group by all order by all")
    windrow(
        "catalog-growth", "--limit", "1GB", "--alert", "growth>20%/30d", "--quiet", "-o", str(out / "growth"), place
    )

    say("The page")
    page = str(out / "catalog.html")
    windrow("catalog", "report", place, "--growth", str(out / "growth"), "-o", page)


def write_history(place: str, today: date) -> None:
    """Snapshots of earlier days: tables are smaller there, each by its own pace, and the newest are not there yet."""
    now = snapshots.read_day(place, today)
    databases, tables = now.databases.to_pylist(), now.tables.to_pylist()
    random = Random(17)
    pace = [random.choice((0.0, 0.001, 0.003, 0.008)) for _ in tables]
    born = [random.choice((0, 0, 0, 0, 40, 80)) for _ in tables]
    for number in range(DAYS):
        day = today - timedelta(days=DAYS - number)
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=5)
        more = {"collected_at": at, "run": f"demo-{day}", "snapshot": day}
        rows = [
            {**row, **earlier(row, pace[place_], DAYS - number, random), **more}
            for place_, row in enumerate(tables)
            if born[place_] <= number
        ]
        write_day(place, day, [{**row, **more} for row in databases], rows)


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


def write_trail(folder: Path, place: str, day: date) -> None:
    """A file of CloudTrail: some tables are read often, most are not."""
    random, records = Random(3), []
    tables = snapshots.read_day(place, day).tables.to_pylist()
    for table in tables[::4]:
        asked = {"databaseName": table["databasename"], "name": table["tablename"], "catalogId": table["account"]}
        for _ in range(int(random.paretovariate(0.8))):
            hour, minute = random.randrange(24), random.randrange(60)
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
