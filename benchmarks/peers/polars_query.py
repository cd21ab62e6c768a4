"""Polars: python polars_query.py one|three BARS OUT"""

import sys

import polars as pl

CLOSE, TIME = pl.col("close"), pl.col("timestamp")


def one(bars):
    # Times stay text, which sorts as they do: to parse them would take longer than all the rest.
    bars = pl.scan_csv(bars).select("symbol", "timestamp", "close")
    return bars.with_columns(CLOSE.rolling_mean(20).over("symbol", order_by="timestamp")).drop_nulls()


def three(bars):
    bars = pl.scan_csv(bars, try_parse_dates=True).select("symbol", "timestamp", "close").sort("symbol", "timestamp")
    n = pl.int_range(pl.len()) + 1
    seeded = pl.when(n == 12).then(CLOSE.rolling_mean(12)).when(n > 12).then(CLOSE)
    is_full = pl.duration(days=30) <= TIME - TIME.min()
    return bars.select(
        "symbol",
        "timestamp",
        CLOSE.rolling_mean(20).over("symbol").alias("sma20"),
        seeded.ewm_mean(alpha=2 / 13, adjust=False, ignore_nulls=True).over("symbol").alias("ema12"),
        pl.when(is_full).then(CLOSE.rolling_mean_by("timestamp", "30d")).over("symbol").alias("sma30d"),
    ).drop_nulls("ema12")


def main(work, bars, out):
    {"one": one, "three": three}[work](bars).sink_csv(out, separator="\t", include_header=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
