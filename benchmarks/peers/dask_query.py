"""Dask on two processes: python dask_query.py one BARS OUT; both may be on HDFS, as webhdfs://HOST:PORT/..."""

import sys

import dask
import dask.dataframe as dd
from dask.distributed import Client

BARS = {"symbol": "string[pyarrow]", "timestamp": "string[pyarrow]", "close": "float64"}
LINE = ["symbol", "timestamp", "sma20"]


def averages(bars):
    """Those of some symbols, all bars of which are here."""
    bars = bars.sort_values(["symbol", "timestamp"], ignore_index=True)
    bars["sma20"] = bars.groupby("symbol")["close"].rolling(20).mean().to_numpy()
    return bars[LINE].dropna()


def main(_, bars, out):
    dask.config.set({"distributed.worker.memory.terminate": False})
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        table = dd.read_csv(bars, usecols=list(BARS), dtype=BARS).shuffle("symbol")
        lines = table.map_partitions(averages, meta={"symbol": "string", "timestamp": "string", "sma20": "float64"})
        lines.to_csv(f"{out}/part-*", sep="\t", header=False, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
