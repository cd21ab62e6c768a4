"""How long the views of `windrow catalog query` take over a year of 10,000 tables: the table in docs/catalog.md.

`python -m benchmarks.catalog` makes the snapshots in a temporary folder (100 MB, a minute) and prints the table.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from windrow.catalog.columns import DATABASES, TABLES
from windrow.catalog.queries.questions import VIEWS
from windrow.catalog.snapshots import uri_of

DATABASES_OF_A_LAKE = 200
LAST = date(2026, 11, 30)
_TIME = pa.timestamp("us", "UTC")


def year(place: Path, tables: int = 10_000, days: int = 365, seed: int = 1) -> None:
    """Makes the snapshots of so many tables on so many days: they grow, are altered, and 3 % are dropped.

    2 % have their schema altered once, 1 % are dropped and created again; every 50th is a view.
    """
    for day, (databases, rows) in _days(tables, days, seed):
        for tree, table in (("databases", databases), ("tables", rows)):
            path = Path(uri_of(str(place), tree, day))
            path.parent.mkdir(parents=True)
            run = json.dumps([f"run-{day}"])
            pq.write_table(table.replace_schema_metadata({"windrow.runs": run}), path, compression="zstd")


def _days(tables: int, days: int, seed: int) -> Iterator[tuple[date, tuple[pa.Table, pa.Table]]]:
    numbers = np.random.default_rng(seed)
    first = np.datetime64(LAST, "D") - days + 1
    every = np.arange(tables)
    database = every % DATABASES_OF_A_LAKE
    account = database % 3
    names = pa.array([f"orders_fact_{number:05d}_daily" for number in every])
    base_names = pa.array([f"team{number:03d}_curated" for number in range(DATABASES_OF_A_LAKE)])
    accounts = pa.array([f"12345678901{number}" for number in range(3)])
    regions = pa.array(["eu-west-1", "us-east-1"])
    region = database // 3 % 2
    locations = pa.array(
        [f"s3://lake-prod-eu/team{base:03d}/{number:05d}" for base, number in zip(database, every, strict=True)]
    )
    symbols = pa.array(
        [f"{accounts[account[n]]}/{regions[region[n]]}/{base_names[database[n]]}.{names[n]}" for n in every]
    )
    formats = pa.array(["hive", "iceberg", "delta"])
    kind = numbers.integers(0, 3, tables)
    is_view, is_wanted = every % 50 == 7, every % 50 != 9
    rate, size = numbers.lognormal(17, 2, tables), numbers.lognormal(22, 3, tables)
    files = numbers.integers(1, 5_000, tables)
    born = numbers.integers(-400, days, tables)
    gone = np.where(numbers.random(tables) < 0.03, numbers.integers(0, days, tables), 10**6)
    again = np.where(numbers.random(tables) < 0.01, numbers.integers(0, days, tables), 10**6)
    altered = np.where(numbers.random(tables) < 0.02, numbers.integers(0, days, tables), 10**6)
    order = np.lexsort((every, database, region, account))
    hashes = {True: _hashes(every, 0), False: _hashes(every, 1)}
    updated = np.full(tables, first - 30).astype("datetime64[us]")
    read = updated.copy()
    for number in range(days):
        day = first + number
        grows, is_read = numbers.random(tables) < 0.7, (numbers.random(tables) < 0.3) & is_wanted
        size = size + np.where(grows, rate * numbers.random(tables) * 2, 0)
        files = files + np.where(grows, numbers.integers(0, 20, tables), 0)
        updated = np.where(grows, day.astype("datetime64[us]") + 5 * 3_600_000_000, updated)
        read = np.where(is_read, day.astype("datetime64[us]") + 9 * 3_600_000_000, read)
        there = order[((born <= number) & (gone > number))[order]]
        here = pa.array(there)
        created = (first + np.where(again <= number, again, born)).astype("datetime64[us]")
        nothing = is_view[there]
        run = f"run-{day}"
        columns = {
            "tablename": names.take(here),
            "databasename": base_names.take(pa.array(database[there])),
            "owner": pa.array([f"team-{one % 37}" for one in there]),
            "createtime": pa.array(created[there], _TIME),
            "updatetime": pa.array(updated[there], _TIME),
            "lastaccesstime": pa.array(read[there], _TIME),
            "tabletype": pa.array(np.where(nothing, "VIRTUAL_VIEW", "EXTERNAL_TABLE")),
            "retention": pa.array(np.zeros(len(there), np.int32)),
            "createdby": pa.array([f"arn:aws:sts::123456789012:assumed-role/etl/{one % 50}" for one in there]),
            "isregisteredwithlakeformation": pa.array(there % 2 == 0),
            "location": locations.take(here),
            "sizeinmbons3": pa.array(size[there] / 2**20, mask=nothing),
            "totalfilesons3": pa.array(files[there], mask=nothing),
            "bytes": pa.array(size[there].astype(np.int64), mask=nothing),
            "live_bytes": pa.array((size[there] * 0.8).astype(np.int64), mask=nothing | (kind[there] == 0)),
            "format": formats.take(pa.array(kind[there])),
            "partitions": pa.array(files[there] // 10),
            "columns": pa.array((20 + there % 60 + (altered[there] <= number)).astype(np.int32)),
            "schema_hash": pa.array(np.where(altered[there] <= number, hashes[True][there], hashes[False][there])),
            "classification": pa.array(["parquet"] * len(there)),
            "unmeasured": pa.array(np.full(len(there), "view"), mask=~nothing),
            "stale_days": pa.array((day + 1 - updated[there]) / np.timedelta64(1, "D")),
            "region": regions.take(pa.array(region[there])),
            "account": accounts.take(pa.array(account[there])),
            "collected_at": pa.array(np.full(len(there), day.astype("datetime64[us]") + 6 * 3_600_000_000), _TIME),
            "run": pa.array([run] * len(there)),
            "role": pa.array(["arn:aws:iam::123456789012:role/windrow"] * len(there)),
            "snapshot": pa.array(np.full(len(there), day)),
            "symbol": symbols.take(here),
        }
        yield date.fromisoformat(str(day)), (_databases(day, run, columns), pa.table(columns, TABLES))


def _hashes(numbers: np.ndarray, salt: int) -> np.ndarray:
    return np.array([f"{(number * 7_919 + salt) * 2_654_435_761 % 2**64:016x}" for number in numbers.tolist()])


def _databases(day: np.datetime64, run: str, tables: dict[str, pa.Array]) -> pa.Table:
    keys = ["account", "region", "databasename"]
    counted = (
        pa.table({key: tables[key] for key in keys}).group_by(keys, use_threads=False).aggregate([([], "count_all")])
    )
    counted = counted.sort_by([(key, "ascending") for key in keys])
    start = datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), UTC)
    rows = [
        {**row, "tables": row.pop("count_all"), "run": run, "snapshot": start.date(),
         "collected_at": start + timedelta(hours=6),
         "sharedresource": "Yes" if row["databasename"].startswith("team01") else "No"}
        for row in counted.to_pylist()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, DATABASES)


def seconds(place: str, name: str, rounds: int = 3) -> tuple[float, int]:
    """The least time that a view took from its first to its last row, DuckDB's start included, and how many it has."""
    from windrow.catalog.queries.query import asked

    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        with asked(place, name) as answer:
            rows = sum(batch.num_rows for batch in answer.batches)
        taken.append(time.perf_counter() - start)
    return min(taken), rows


def main() -> None:
    """Prints the table."""
    with TemporaryDirectory() as folder:
        place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder)
        if not any(place.glob("*")):
            year(place)
        size = sum(path.stat().st_size for path in place.rglob("*.parquet")) / 1e6
        print(f"{size:.0f} MB, {os.cpu_count()} cores")
        print("| view | seconds | rows |\n|---|---|---|")
        for name in VIEWS:
            taken, rows = seconds(str(place), name)
            print(f"| `{name}` | {taken:.2f} | {rows:,} |", flush=True)
        print(f"peak of memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
