"""The same bytes on Hadoop as anywhere: any number of reducers, any files, any splits, any order.

Three combinations run on the cluster in CI, and in one process a third of the choice in which every pair of settings
occurs; `make test-full` runs all of both. Controls show that these tests would see a wrong shuffle.
"""

import bz2
import gzip
import itertools
import re

import pandas as pd
import pytest
import zstandard

from tests.cluster.conftest import INDICATORS, ROOT, averages, check, shuffled_rows
from tests.jobs.test_invariance import pairwise

REDUCERS = [1, 3, 8]
FILES = [1, 3]
ORDERS = ["by time", "shuffled"]
KINDS = ["csv", "small blocks", "gz", "bz2", "zst", "parquet"]
MATRIX = list(itertools.product(REDUCERS, FILES, ORDERS, KINDS))
CHOICE = pairwise(MATRIX)
#: On the cluster in CI, whose time a run takes half a minute of: all numbers of reducers and files, plain and not.
FEW = [(1, 1, "by time", "parquet"), (3, 3, "by time", "bz2"), (8, 3, "shuffled", "csv")]
#: Bytes of a small block of HDFS.
SMALL = 16384


def contents(kind, header, rows, place):
    """The bytes of a file of this kind."""
    text = "\n".join([header, *rows]).encode()
    if kind == "gz":
        return gzip.compress(text)
    if kind == "bz2":
        return bz2.compress(text)
    if kind == "zst":
        return zstandard.compress(text)
    if kind == "parquet":
        frame = pd.DataFrame([row.split(",") for row in rows], columns=header.split(","))
        dates = pd.to_datetime(frame["timestamp"]).dt.date
        numbers = dict.fromkeys(frame.columns.drop(["symbol", "timestamp"]), float)
        frame.astype(numbers).assign(timestamp=dates).to_parquet(place)
        return place.read_bytes()
    return text


def files_of(order, files, kind, folder):
    """Name and bytes of each of some files that together hold the sample bars."""
    header, rows = shuffled_rows()
    if order == "by time":
        rows.sort(key=lambda row: row.split(",")[1])
    suffix = ".csv" if kind in ("csv", "small blocks") else ".parquet" if kind == "parquet" else f".csv.{kind}"
    for number in range(files):
        yield f"{number}{suffix}", contents(kind, header, rows[number::files], folder / "parquet")


def check_on_cluster(on_cluster, hdfs, tmp_path, reducers, files, order, kind):
    for name, content in files_of(order, files, kind, tmp_path):
        hdfs.put(f"in/{name}", content, **({"blocksize": SMALL} if kind == "small blocks" else {}))
    ran = on_cluster(*INDICATORS, "-D", f"mapreduce.job.reduces={reducers}", "-v", hdfs.uri("in"))
    check(ran)
    assert int(re.search(r"Launched reduce tasks=(\d+)", ran.err)[1]) >= reducers
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err


@pytest.mark.cluster
@pytest.mark.parametrize(
    "run", [pytest.param(run, marks=[] if run in FEW else [pytest.mark.full], id=str(run)) for run in MATRIX]
)
def test_combinations_on_the_cluster(on_cluster, hdfs, tmp_path, run):
    check_on_cluster(on_cluster, hdfs, tmp_path, *run)


@pytest.mark.parametrize(
    "run", [pytest.param(run, marks=[pytest.mark.full] if at % 3 else [], id=str(run)) for at, run in enumerate(CHOICE)]
)
def test_pairs_of_settings_in_one_process(on_hadoop, tmp_path, run):
    reducers, files, order, kind = run
    (tmp_path / "in").mkdir()
    for name, content in files_of(order, files, kind, tmp_path):
        (tmp_path / "in" / name).write_bytes(content)
    splits = ["-D", f"mapreduce.job.maps={4 * files}"] if kind == "small blocks" else []
    ran = on_hadoop(*INDICATORS, "-D", f"mapreduce.job.reduces={reducers}", *splits, tmp_path / "in")
    check(ran)
    assert "1,250 bars of 5 symbols -> 1,195 lines\n" in ran.err


def check_seen(run, fault, bars):
    """A wrong shuffle is refused, or changes the output."""
    options = [*INDICATORS, "--block-bars", 7, "-D", "mapreduce.job.reduces=3"]
    ran = run(*options, "--fault", fault, bars, job="tests.cluster.faulty")
    if fault == "comparator":
        assert ran.status == 1 and ran.out == b""
        assert "whose key sorts after it: the shuffle sorts lines by their bytes" in ran.err
    else:
        assert ran.status == 0 and len(ran.lines) > 1000
        assert ran.lines != averages()  # what `check` would find, without minutes spent on telling the difference


@pytest.mark.parametrize("fault", ["partitioner", "comparator"])
def test_a_wrong_shuffle_would_be_seen(on_hadoop, fault):
    check_seen(on_hadoop, fault, ROOT / "data/bars.csv")


@pytest.mark.cluster
@pytest.mark.parametrize("fault", ["partitioner", pytest.param("comparator", marks=pytest.mark.full)])
def test_a_wrong_shuffle_would_be_seen_on_the_cluster(on_cluster, hdfs, fault):
    check_seen(on_cluster, fault, hdfs.put("bars.csv", (ROOT / "data/bars.csv").read_bytes(), blocksize=SMALL))
