"""Three indicators in one pass over 619,040 daily bars of 505 symbols: windrow beside DuckDB, in one run.

DuckDB's EMA is what its users write: a recursive query, one step a bar for all symbols at once.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import alternate, medians

import windrow
from windrow.cli import main as windrow_command

RUNS = 5
BARS, SYMBOLS = 619_040, 505

DUCKDB = """
import duckdb
duckdb.sql('''
COPY (
  WITH RECURSIVE bars AS (
    SELECT symbol, timestamp, close, row_number() OVER s AS n, min(timestamp) OVER (PARTITION BY symbol) AS first,
           avg(close) OVER (s ROWS 19 PRECEDING) AS sma20, avg(close) OVER (s ROWS 11 PRECEDING) AS seed,
           avg(close) OVER (s RANGE BETWEEN INTERVAL 29 DAYS PRECEDING AND CURRENT ROW) AS sma30d
    FROM read_csv('{bars}') WINDOW s AS (PARTITION BY symbol ORDER BY timestamp)
  ), ema AS (
    SELECT symbol, n, seed AS value FROM bars WHERE n = 12
    UNION ALL
    SELECT bars.symbol, bars.n, ema.value + 2 / 13 * (bars.close - ema.value)
    FROM ema JOIN bars ON bars.symbol = ema.symbol AND bars.n = ema.n + 1
  )
  SELECT symbol, timestamp, CASE WHEN n >= 20 THEN sma20 END, ema.value,
         CASE WHEN timestamp - first >= 30 THEN sma30d END
  FROM bars JOIN ema USING (symbol, n)
) TO '{out}' (HEADER false, DELIMITER '\\t')
''')
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        bars, ours, theirs = (Path(folder) / name for name in ("bars.csv", "windrow", "duckdb.tsv"))
        write_bars(bars)
        job = ["-q", "-r", "local", "--indicator", "sma:20", "--indicator", "ema:12", "--indicator", "sma:30d"]
        commands = {
            "windrow": ["sh", "-c", f"rm -rf {ours}; exec {sys.executable} -m jobs.moving_average"
                        f" {' '.join(job)} -o {ours} {bars}"],
            "DuckDB": [sys.executable, "-c", DUCKDB.format(bars=bars, out=theirs)],
        }  # fmt: skip
        runs = {name: medians(one) for name, one in alternate(commands, RUNS).items()}
        check_same(ours, theirs)
    for name, run in runs.items():
        print(f"{name:8} {run.wall:6.2f} s  {run.cpu:6.2f} s CPU  {run.memory:6.0f} MB")
    ratio = runs["windrow"].wall / runs["DuckDB"].wall
    print(f"windrow takes {ratio:.2f} x DuckDB's time, medians of {RUNS} runs in turn")


def write_bars(path):
    """A file of that shape: the generator's, cut to the number of bars."""
    each = -(-BARS // SYMBOLS)
    windrow_command(["sample", str(path), "--symbols", str(SYMBOLS), "--bars", str(each), "--spacing", "bd", "--quiet"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: BARS + 1]))


def check_same(ours, theirs):
    """Both computed the same numbers, to 1e-9."""
    names = ["symbol", "timestamp", "sma:20", "ema:12", "sma:30d"]
    one = windrow.read_output(ours)
    other = pd.read_csv(theirs, sep="\t", names=names, keep_default_na=False, na_values={n: [""] for n in names[2:]})
    other = other.sort_values(["symbol", "timestamp"], ignore_index=True)
    assert (one["symbol"] == other["symbol"]).all()
    for name in names[2:]:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, err_msg=name)


if __name__ == "__main__":
    main()
