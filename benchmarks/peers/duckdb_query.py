"""DuckDB: python duckdb_query.py one|three BARS OUT"""

import sys

import duckdb

ONE = """
SELECT symbol, timestamp, avg(close) OVER (s ROWS 19 PRECEDING)
FROM read_csv('{bars}')
WINDOW s AS (PARTITION BY symbol ORDER BY timestamp)
QUALIFY row_number() OVER s >= 20
"""

# An EMA is what its users write: a recursive query, one step a bar for all symbols at once.
THREE = """
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
SELECT symbol, timestamp, CASE WHEN n >= 20 THEN sma20 END, ema.value, CASE WHEN timestamp - first >= 30 THEN sma30d END
FROM bars JOIN ema USING (symbol, n)
"""


def main(work, bars, out):
    duckdb.sql("SET preserve_insertion_order = false")  # quicker, and nobody asks for an order
    query = {"one": ONE, "three": THREE}[work].format(bars=bars)
    duckdb.sql(f"COPY ({query}) TO '{out}' (HEADER false, DELIMITER '\t')")


if __name__ == "__main__":
    main(*sys.argv[1:])
