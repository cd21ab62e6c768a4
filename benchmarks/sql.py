"""What a database costs: loading beside a plain LOAD DATA of the same rows, reading beside fetching them row by row.

    python benchmarks/sql.py [--runs 3] [--symbols 500]

A week of minute bars, 1,950 a symbol: as a collector loads them (a transaction a symbol, by way of a staging table,
with watermarks and counts), and again over themselves; and as a job reads them, into a file of Parquet. All sides in
turn, in a MariaDB of its own, and in SQLite. The seconds are this machine's; the ratios are what the project promises.
"""

import argparse
import csv
import os
import sqlite3
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MINUTES, MINUTE = 1950, 60 * 10**9
BEGIN = 1_794_000_000 * 10**9
VALUES = ("open", "high", "low", "close", "adj_close", "volume")


def week(symbols):
    """Bars of each symbol as a source gives them."""
    import numpy as np

    from windrow.market.sources import Fetched

    draw = np.random.default_rng(1)
    for number in range(symbols):
        closes = np.round(100 * np.exp(np.cumsum(draw.normal(0, 6e-4, MINUTES))), 2)
        values = dict.fromkeys(VALUES, closes) | {"volume": draw.poisson(3000, MINUTES).astype(float)}
        yield Fetched(f"S{number:03}", BEGIN + MINUTE * np.arange(MINUTES), values)


def written(bars, path):
    """The same as a file for LOAD DATA."""
    import numpy as np

    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        for one in bars:
            times = np.datetime_as_string(one.times.view("datetime64[ns]").astype("datetime64[us]"))
            rows.writerows(
                zip([one.symbol] * MINUTES, times, *(one.values[name].tolist() for name in VALUES), strict=True)
            )


def collected(uri, bars):
    """As the collector loads them."""
    from windrow.market.loads import opened
    from windrow.storage.sql.uris import Place

    with opened(Place.of(uri)) as ledger:
        load = ledger.begin("bench", BEGIN, BEGIN + MINUTE * MINUTES, time.time_ns(), resumed=False)
        ledger.enrol([one.symbol for one in bars])
        for one in bars:
            ledger.put(load, one)


def plain(connection, path):
    """A plain LOAD DATA into a table of the same columns and key."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE TABLE plain LIKE bars")
        cursor.execute("ALTER TABLE plain ALTER load_id SET DEFAULT 1")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE plain CHARACTER SET utf8mb4 FIELDS TERMINATED BY ','"
            f" (symbol, ts, {', '.join(VALUES)})"
        )
        connection.commit()


def spooled(uri):
    """As a job reads them."""
    from windrow.bars.layout import Reading
    from windrow.feeds.tabled import spool_table

    with tempfile.TemporaryDirectory() as folder:
        return spool_table(uri, Path(folder), Reading(values=("close",)), False).rows


def fetched(cursor):
    """Row by row in Python, then columns, in a file of Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cursor.execute(f"SELECT symbol, ts, {', '.join(VALUES)} FROM bars")
    count, writer = 0, None
    with tempfile.TemporaryDirectory() as folder:
        while rows := cursor.fetchmany(50_000):
            table = pa.table(dict(zip(("symbol", "ts", *VALUES), zip(*rows, strict=True), strict=True)))
            writer = writer or pq.ParquetWriter(Path(folder, "rows.parquet"), table.schema)
            writer.write_table(table)
            count += len(rows)
        writer.close()
    return count


def timed(work, *args):
    begin = time.perf_counter()
    work(*args)
    return time.perf_counter() - begin


def compared(sides, runs):
    """Seconds of each side, the median of runs in turn."""
    spent = {name: [] for name in sides}
    for _ in range(runs):
        for name, work in sides.items():
            spent[name].append(timed(*work))
    return {name: median(seconds) for name, seconds in spent.items()}


def mariadb(bars, path, runs):
    from tests.sql.servers import HERE, MariaDB, free_port, running

    with tempfile.TemporaryDirectory() as folder:
        server = MariaDB(Path(folder), free_port())
        with running((HERE / "mariadb", "run", folder, server.port), server.answers, Path(folder, "log")):
            os.environ["WINDROW_SQL_PASSWORD"] = server.password
            uri = f"mysql://windrow@127.0.0.1:{server.port}/windrow"
            loads = []
            for _ in range(runs):
                with server.connect() as connection, connection.cursor() as cursor:
                    cursor.execute("DROP TABLE IF EXISTS bars, bars_watermarks, bars_loads, bars_version")
                first, again = timed(collected, uri, bars), timed(collected, uri, bars)
                with server.connect() as connection:
                    loads.append((first, again, timed(plain, connection, path)))
            first, again, alone = map(median, zip(*loads, strict=True))
            print(f"MariaDB: LOAD DATA {alone:.1f} s; collected {first:.1f} s: {first / alone:.2f} x, at most 2")
            print(f"MariaDB: collected over themselves {again:.1f} s: {again / alone:.2f} x, at most 3")
            with server.connect() as connection:
                from pymysql.cursors import SSCursor

                sides = {"read": (spooled, uri), "rows": (fetched, connection.cursor(SSCursor))}
                told("MariaDB", compared(sides, runs))


def sqlite(bars, runs):
    with tempfile.TemporaryDirectory() as folder:
        loads = []
        for run in range(runs):
            uri = f"sqlite:///{folder}/{run}.db"
            loads.append((timed(collected, uri, bars), timed(collected, uri, bars)))
        first, again = map(median, zip(*loads, strict=True))
        print(f"SQLite: collected {first:.1f} s, at most 15 of 500 symbols; over themselves {again:.1f} s")
        cursor = sqlite3.connect(f"{folder}/0.db").cursor()
        told("SQLite", compared({"read": (spooled, uri), "rows": (fetched, cursor)}, runs))


def told(name, spent):
    print(
        f"{name}: read {spent['read']:.1f} s, row by row {spent['rows']:.1f} s: {spent['read'] / spent['rows']:.2f} x"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="of each side (default 3)")
    parser.add_argument("--symbols", type=int, default=500, help="of 1,950 bars each (default 500)")
    options = parser.parse_args()
    bars = list(week(options.symbols))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bars.csv")
        written(bars, path)
        rows = sum(1 for _ in chain.from_iterable(one.times for one in bars))
        print(f"{rows:,} bars of {len(bars)} symbols, {path.stat().st_size / 1e6:.0f} MB of CSV")
        mariadb(bars, path, options.runs)
    sqlite(bars, options.runs)


if __name__ == "__main__":
    main()
