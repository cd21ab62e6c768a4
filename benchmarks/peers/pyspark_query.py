"""PySpark on two cores: python pyspark_query.py one|three BARS OUT"""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as f

BARS = "symbol STRING, timestamp TIMESTAMP, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume LONG"
AVERAGES = "symbol STRING, timestamp TIMESTAMP, sma20 DOUBLE, ema12 DOUBLE, sma30d DOUBLE"


def one(bars):
    by_time = Window.partitionBy("symbol").orderBy("timestamp")
    averages = bars.select(
        "symbol",
        "timestamp",
        f.avg("close").over(by_time.rowsBetween(-19, 0)).alias("sma20"),
        f.row_number().over(by_time).alias("n"),
    )
    return averages.where("n >= 20").drop("n")


def three(bars):
    """By pandas, a symbol at a time: Spark's own windows have no EMA."""
    from pandas_query import indicators

    bars.sparkSession.addArtifact(str(Path(__file__).with_name("pandas_query.py")), pyfile=True)
    series = bars.select("symbol", "timestamp", "close").groupBy("symbol")
    return series.applyInPandas(lambda one: indicators(one.sort_values("timestamp")), AVERAGES)


def main(work, bars, out):
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else its workers are the python3 on the path
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    table = spark.read.csv(bars, header=True, schema=BARS)
    {"one": one, "three": three}[work](table).write.csv(out, sep="\t")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
