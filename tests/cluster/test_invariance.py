"""The same bytes from every job on Hadoop as here: any number of reducers, any files, any splits, any order.

CI runs some combinations on the cluster, and more in one process; `make test-full` runs all. Controls show that these
tests would see a wrong shuffle.
"""

import bz2
import gzip
import itertools
import re

import pandas as pd
import pytest
import zstandard

from tests.cluster.conftest import BY_HADOOP, INDICATORS, averages, split_by
from tests.invariance import DATA, JOBS, by_ending, ordered_rows, pairwise, run_param, written

REDUCERS = [1, 3, 8]
FILES = [1, 3]
ORDERS = ["by time", "shuffled"]
KINDS = ["csv", "small blocks", "small ranges", "gz", "bz2", "zst", "parquet"]
MATRIX = list(itertools.product(REDUCERS, FILES, ORDERS, KINDS))
PAIRWISE = pairwise(MATRIX)
#: For jobs other than averages: of each two settings that occur together somewhere.
OTHERS = [
    (1, 3, "shuffled", "csv"),
    (3, 1, "by time", "gz"),
    (8, 3, "shuffled", "small blocks"),
    (3, 3, "by time", "parquet"),
]
#: On the cluster in CI, whose time a run takes half a minute of: all numbers of reducers and files, plain and not.
ON_CLUSTER = {
    "averages": [
        (1, 1, "by time", "parquet"),
        (3, 3, "by time", "bz2"),
        (8, 3, "shuffled", "small blocks"),
        (3, 1, "shuffled", "small ranges"),
    ],
    "sweep best": [(3, 3, "by time", "parquet")],
}
#: In one process in CI.
IN_PROCESS = {
    "averages": PAIRWISE[::3],
    **dict.fromkeys(["crossover", "sweep best", "portfolio"], OTHERS[:1]),
    **dict.fromkeys(["larger bars", "sectors", "growth"], OTHERS[2:3]),
}
#: Bytes of a small block of HDFS.
SMALL = 16384


def params(averages_, others, in_ci):
    """A job's name and a run, for each of its runs; those not of CI are for `make test-full`."""
    return [
        run_param((name, *run), full=run not in in_ci.get(name, []))
        for name in JOBS
        for run in (averages_ if name == "averages" else others)
    ]


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
    header, rows = ordered_rows(order)
    suffix = (
        ".csv"
        if kind in ("csv", "small blocks", "small ranges")
        else ".parquet"
        if kind == "parquet"
        else f".csv.{kind}"
    )
    for number in range(files):
        yield f"{number}{suffix}", contents(kind, header, rows[number::files], folder / "parquet")


def check_parts(contents_by_name, case, reducers, folder):
    """An output, whole, of as many parts as reducers, holds what the job writes here."""
    plain = {f"part-{number:05}" for number in range(reducers)}
    assert {"_SUCCESS", "_windrow.json", *plain} <= set(contents_by_name)
    assert {name for name in contents_by_name if re.fullmatch(r"part-\d+", name)} == plain
    parts = ((name, content) for name, content in contents_by_name.items() if name.startswith("part-"))
    assert by_ending(parts) == written(case, folder, DATA / "bars.csv")


@pytest.mark.cluster
@pytest.mark.parametrize("run", params(MATRIX, OTHERS, ON_CLUSTER))
def test_the_cluster_writes_the_same_bytes(on_cluster, hdfs, tmp_path, run):
    name, reducers, files, order, kind = run
    case = JOBS[name]
    for file, content in files_of(order, files, kind, tmp_path):
        hdfs.put(f"in/{file}", content, **({"blocksize": SMALL} if kind.startswith("small ") else {}))
    how = {"small blocks": BY_HADOOP, "small ranges": split_by(SMALL), "bz2": BY_HADOOP}.get(kind, [])
    options = [*case.options, *case.beside, "-D", f"mapreduce.job.reduces={reducers}", "-o", hdfs.uri("out")]
    ran = on_cluster(*options, *how, hdfs.uri("in"), job=case.job.__module__)
    assert ran.status == 0 and "1,250 bars of 5 symbols -> " in ran.err, ran.err
    check_parts({part: hdfs.read(f"out/{part}") for part in hdfs.list("out")}, case, reducers, tmp_path / "here")


@pytest.mark.parametrize("run", params(PAIRWISE, OTHERS, IN_PROCESS))
def test_one_process_writes_the_same_bytes(on_hadoop, tmp_path, run):
    name, reducers, files, order, kind = run
    case, out = JOBS[name], tmp_path / "out"
    (tmp_path / "in").mkdir()
    for file, content in files_of(order, files, kind, tmp_path):
        (tmp_path / "in" / file).write_bytes(content)
    splits = ["-D", f"mapreduce.job.maps={4 * files}"] if kind == "small blocks" else []
    options = [*case.options, *case.beside, *splits, "-D", f"mapreduce.job.reduces={reducers}", "-o", f"file://{out}"]
    ran = on_hadoop(*options, tmp_path / "in", job=case.job.__module__)
    assert ran.status == 0 and "1,250 bars of 5 symbols -> " in ran.err, ran.err
    check_parts({part.name: part.read_bytes() for part in out.iterdir()}, case, reducers, tmp_path / "here")


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
    check_seen(on_hadoop, fault, DATA / "bars.csv")


@pytest.mark.cluster
@pytest.mark.parametrize("fault", ["partitioner", pytest.param("comparator", marks=pytest.mark.full)])
def test_a_wrong_shuffle_would_be_seen_on_the_cluster(on_cluster, hdfs, fault):
    check_seen(on_cluster, fault, hdfs.put("bars.csv", (DATA / "bars.csv").read_bytes(), blocksize=SMALL))
