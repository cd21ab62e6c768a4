"""Growth of a catalog of 10,000 tables over a year of daily snapshots: wall time, CPU and memory of the whole run.

    python benchmarks/catalog_growth.py [--tables 10000] [--days 365] [--runs 3] [--folder DIR] [OPTIONS OF THE JOB]

The snapshots are made up once, with the columns and in the folders of `windrow catalog collect`: 200 databases, three
accounts, sizes up to petabytes, tables that are created, dropped, rewritten, truncated and left alone, and rows without
a size, of views and of folders that were denied for some days.
"""

import argparse
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import measure
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from windrow.catalog.columns import TABLES, symbol_of

_LAST = date(2026, 11, 30)
_REGION = "eu-west-1"


def make(folder: Path, tables: int, days: int, seed: int = 1) -> int:
    """Snapshots of so many tables on so many days up to the last; returns how many rows they have."""
    random = np.random.default_rng(seed)
    numbers = np.arange(tables)
    texts = {
        "tablename": [f"orders_fact_{number:05}_daily" for number in numbers],
        "databasename": [f"team{number % 200:03}_curated" for number in numbers],
        "account": [f"12345678901{number % 3}" for number in numbers],
        "owner": [f"team-{number % 37}" for number in numbers],
        "createdby": [f"arn:aws:sts::12345678901{number % 3}:assumed-role/etl/{number % 50}" for number in numbers],
        "format": random.choice(["hive", "iceberg", "delta"], tables).tolist(),
    }
    named = zip(texts["account"], texts["databasename"], texts["tablename"], strict=True)
    texts["symbol"] = [symbol_of(account, _REGION, base, table) for account, base, table in named]
    constant = {name: pa.array(text) for name, text in texts.items()}
    rate, size = random.lognormal(17, 2, tables), np.minimum(random.lognormal(22, 3, tables), 2e14)
    files = random.integers(1, 5000, tables)
    born, views = random.integers(-400, days, tables), random.random(tables) < 0.05
    dead = np.where(random.random(tables) < 0.03, random.integers(0, days, tables), days)
    updated = np.full(tables, -30)
    rows = 0
    for day in range(days):
        grows = random.random(tables) < 0.7
        size = size + np.where(grows, rate * random.random(tables) * 2, 0)
        size = np.where(random.random(tables) < 0.0005, size * random.choice([0, 0.4, 2], tables), size)
        files, updated = files + np.where(grows, random.integers(0, 20, tables), 0), np.where(grows, day, updated)
        here = np.flatnonzero((born <= day) & (dead > day))
        unmeasured = (views | (random.random(tables) < 0.002))[here]
        snapshot = _LAST - timedelta(days - 1 - day)
        measured = {
            "bytes": pa.array(size[here].astype(np.int64), mask=unmeasured),
            "totalfilesons3": pa.array(files[here], mask=unmeasured),
            "sizeinmbons3": pa.array(size[here] / 2**20, mask=unmeasured),
            "unmeasured": pa.array(np.where(views[here], "view", "denied"), mask=~unmeasured),
            "stale_days": pa.array((day - updated[here]).astype(float), mask=random.random(len(here)) < 0.01),
            "updatetime": _times(snapshot, day - updated[here]),
            "createtime": _times(snapshot, day - born[here]),
            "snapshot": pa.array([snapshot] * len(here)),
            "region": pa.array([_REGION] * len(here)),
        }
        kept = {name: array.take(pa.array(here)) for name, array in constant.items()} | measured
        columns = [kept.get(one.name, pa.nulls(len(here))).cast(one.type) for one in TABLES]
        place = folder / f"tables/year={snapshot.year}/month={snapshot.month:02}/day={snapshot.day:02}/tables.parquet"
        place.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns, schema=TABLES), place, compression="zstd")
        rows += len(here)
    return rows


def _times(snapshot: date, ago: np.ndarray) -> pa.Array:
    """Times at five o'clock, so many days before a snapshot's."""
    return pa.array(np.datetime64(snapshot, "us") - ago.astype("timedelta64[D]") + np.timedelta64(5, "h"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make the snapshots, and keep them (default: removed)")
    given, options = parser.parse_known_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="windrow-catalog-"))
    snapshots = folder / f"{given.tables}x{given.days}"
    if not snapshots.exists():
        print(f"{make(snapshots, given.tables, given.days):,} rows made")
    job = [sys.executable, "-m", "jobs.catalog_growth", "-q", "-r", "local", "--limit", "1PB", "--alert", "size>100TB"]
    job += ["--alert", "growth>20%/7d", "--alert", "stale>30d", *options, "-o", folder / "out", snapshots]
    for number in range(given.runs + 1):
        shutil.rmtree(folder / "out", ignore_errors=True)
        ran = measure.run(job, memory=not number)
        told = f"{ran.memory:,.0f} MB" if not number else f"{ran.wall:.1f} s, {ran.cpu:.1f} s of CPU"
        print(told, ran.said if not number else "", flush=True)
    shutil.rmtree(folder / "out")
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
